/** Network Layer Reachability Information: prefixes as they stand in UPDATE messages (RFC 4271 4.3, RFC 4760 5). Pure. */
import { type Family, type Ipv4, type Ipv6, type Prefix, addressFromBytes, bitsOf, isIpv4, prefixOf } from "../../net/index.ts";

//  0        1
//  | Length | Prefix (the fewest octets that hold Length bits) |

/** Octets that were found to hold whole prefixes of one family. */
export type RouteField = { readonly family: Family; readonly octets: Uint8Array; readonly count: number };

/** How many octets the prefix takes. */
export function octetsOfPrefix({ length }: Prefix): number {
  return 1 + ((length + 7) >> 3);
}

/** Writes the prefix at `at`; returns where it ends. */
export function writePrefix({ address, length }: Prefix, into: Uint8Array, at: number): number {
  const end = at + 1 + ((length + 7) >> 3);
  into[at] = length;
  if (isIpv4(address)) writeIpv4(address, into, at + 1, end);
  else into.set(ipv6Octets(address).subarray(0, end - at - 1), at + 1);
  return end;
}

/** Counts the prefixes of a field; undefined if it is syntactically incorrect (RFC 7606 5.3). */
export function routeField(octets: Uint8Array, family: Family): RouteField | undefined {
  const longest = bitsOf(family);
  let count = 0;
  let at = 0;
  while (at < octets.length) {
    const length = octets[at] ?? 0;
    if (length > longest) return undefined;
    at += 1 + ((length + 7) >> 3);
    count++;
  }
  return at === octets.length ? { family, octets, count } : undefined;
}

/** The prefixes of a field, at most `most` of them. */
export function prefixesOf(field: RouteField, most = Infinity): Prefix[] {
  const prefixes: Prefix[] = [];
  for (let at = 0; at < field.octets.length && prefixes.length < most; at += 1 + (((field.octets[at] ?? 0) + 7) >> 3)) {
    prefixes.push(prefixAt(field.octets, at, field.family));
  }
  return prefixes;
}

function prefixAt(octets: Uint8Array, at: number, family: Family): Prefix {
  const length = octets[at] ?? 0;
  const address = new Uint8Array(bitsOf(family) / 8);
  address.set(octets.subarray(at + 1, at + 1 + ((length + 7) >> 3)));
  return prefixOf(addressFromBytes(address), length);
}

// Both read canonical text without the price of a general parser: a hundred thousand prefixes pass here at once.

/** The first octets, up to `end`. */
function writeIpv4(address: Ipv4, into: Uint8Array, at: number, end: number): void {
  let octet = 0;
  for (let i = 0; i < address.length && at < end; i++) {
    const code = address.charCodeAt(i);
    if (code === DOT) {
      into[at++] = octet;
      octet = 0;
    } else octet = octet * 10 + code - ZERO;
  }
  if (at < end) into[at] = octet;
}

function ipv6Octets(address: Ipv6): Uint8Array {
  const octets = new Uint8Array(16);
  let at = 0;
  let gap = 16; // where "::" stands
  let group = 0;
  let digits = 0;
  for (let i = 0; i <= address.length; i++) {
    const code = i < address.length ? address.charCodeAt(i) : COLON;
    if (code !== COLON) {
      group = group * 16 + (code < LOWER_A ? code - ZERO : code - LOWER_A + 10);
      digits++;
    } else if (digits > 0) {
      octets[at++] = group >> 8;
      octets[at++] = group & 0xff;
      group = digits = 0;
    } else gap = at;
  }
  if (gap < at) {
    const tail = octets.slice(gap, at);
    octets.fill(0, gap, at);
    octets.set(tail, 16 - tail.length);
  }
  return octets;
}

const ZERO = 48;
const DOT = 46;
const COLON = 58;
const LOWER_A = 97;
