/**
 * Network Layer Reachability Information: prefixes as they stand in UPDATE messages (RFC 4271 4.3, RFC 4760 5).
 *
 * Pure. One prefix is kept as a short string of its octets: smaller than an object, a key of a Map, ordered by length and
 * then by address, and written into a message without parsing anything again.
 */
import { type Family, type Ipv4, type Ipv6, type Prefix, addressFromBytes, bitsOf, isIpv4, prefixOf } from "../../net/index.ts";

//  0        1
//  | Length | Prefix (the fewest octets that hold Length bits) |

declare const brand: unique symbol;
/** The octets of one prefix, one character each (U+0000–U+00FF). Which family it is of, its owner knows. */
export type Nlri = string & { readonly [brand]: "Nlri" };

/** Octets that were found to hold whole prefixes of one family. */
export type RouteField = { readonly family: Family; readonly octets: Uint8Array; readonly count: number };

export function encodeNlri({ address, length }: Prefix): Nlri {
  const whole = isIpv4(address) ? encodeIpv4(length, address) : String.fromCharCode(length, ...ipv6Octets(address));
  return whole.slice(0, 1 + ((length + 7) >> 3)) as Nlri;
}

/** The prefix; host bits that were set are cleared, for they have no meaning (RFC 4271 4.3). */
export function decodeNlri(nlri: Nlri, family: Family): Prefix {
  return prefixAt(Uint8Array.from(nlri, (octet) => octet.charCodeAt(0)), 0, family);
}

/** Writes the octets at `at`; returns where they end. */
export function writeNlri(nlri: Nlri, into: Uint8Array, at: number): number {
  for (let i = 0; i < nlri.length; i++) into[at + i] = nlri.charCodeAt(i);
  return at + nlri.length;
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

/** The length and all four octets. */
function encodeIpv4(length: number, address: Ipv4): string {
  let octets = 0;
  let octet = 0;
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i);
    if (code === DOT) {
      octets = (octets << 8) | octet;
      octet = 0;
    } else octet = octet * 10 + code - ZERO;
  }
  return String.fromCharCode(length, (octets >> 16) & 0xff, (octets >> 8) & 0xff, octets & 0xff, octet);
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
