/**
 * Network Layer Reachability Information: prefixes as they stand in UPDATE messages (RFC 4271 4.3, RFC 4760 5).
 *
 * Pure. One prefix is kept as a short string of its octets: smaller than an object, a key of a Map, ordered by length and
 * then by address, and written into a message without parsing anything again.
 */
import { type Family, type Prefix, addressFromBytes, addressToBytes, bitsOf, isIpv4, prefixOf } from "../../net/index.ts";

//  0        1
//  | Length | Prefix (the fewest octets that hold Length bits) |

declare const brand: unique symbol;
/** The octets of one prefix, one character each (U+0000–U+00FF). Which family it is of, its owner knows. */
export type Nlri = string & { readonly [brand]: "Nlri" };

/** Octets that were found to hold whole prefixes of one family. */
export type RouteField = { readonly family: Family; readonly octets: Uint8Array; readonly count: number };

export function encodeNlri(prefix: Prefix): Nlri {
  const octets = (prefix.length + 7) >> 3;
  const address = addressOctets(prefix.address);
  let nlri = String.fromCharCode(prefix.length);
  for (let i = 0; i < octets; i++) nlri += String.fromCharCode(address[i] ?? 0);
  return nlri as Nlri;
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

/** addressToBytes for dotted quads without the price of a general parser: a hundred thousand prefixes pass here at once. */
function addressOctets(address: Prefix["address"]): Uint8Array {
  if (!isIpv4(address)) return addressToBytes(address);
  const octets = new Uint8Array(4);
  for (let i = 0, octet = 0; i < address.length; i++) {
    const digit = address.charCodeAt(i) - 48;
    if (digit < 0) octet++; // the dot
    else octets[octet] = (octets[octet] ?? 0) * 10 + digit;
  }
  return octets;
}
