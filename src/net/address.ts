/**
 * IPv4 and IPv6 addresses as values.
 *
 * An address is its canonical text (dotted quad; RFC 5952 for IPv6), branded: two equal addresses are the same string, so
 * they can be compared with === and used as keys of a Map. Pure.
 */
import ipaddr from "ipaddr.js";

declare const brand: unique symbol;
export type Ipv4 = string & { readonly [brand]: "Ipv4" };
export type Ipv6 = string & { readonly [brand]: "Ipv6" };
export type Address = Ipv4 | Ipv6;
export type Family = "ipv4" | "ipv6";

/** Dotted quad of four decimal octets without leading zeros; undefined for anything else. */
export function parseIpv4(text: string): Ipv4 | undefined {
  return ipaddr.IPv4.isValidFourPartDecimal(text) && !/(^|\.)0\d/.test(text) ? (text as Ipv4) : undefined;
}

/** Any RFC 4291 spelling without a zone; undefined for anything else. */
export function parseIpv6(text: string): Ipv6 | undefined {
  if (text.includes("%") || !ipaddr.IPv6.isValid(text)) return undefined;
  return ipaddr.IPv6.parse(text).toRFC5952String() as Ipv6;
}

/** Either family; undefined if `text` is not an address. */
export function parseAddress(text: string): Address | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** For literals in code and tests. Throws RangeError if `text` is not an address. */
export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new RangeError(`not an IP address: ${text}`);
  return parsed;
}

export function familyOf(a: Address): Family {
  return isIpv4(a) ? "ipv4" : "ipv6";
}

export function isIpv4(a: Address): a is Ipv4 {
  return !a.includes(":");
}

/** fe80::/10 (RFC 4291 2.5.6): of one link, and known by its interface only. */
export function isLinkLocal(a: Address): boolean {
  return /^fe[89ab][0-9a-f]:/.test(a);
}

/** Network byte order: 4 or 16 octets. */
export function addressToBytes(a: Address): Uint8Array {
  return isIpv4(a) ? ipv4ToBytes(a) : Uint8Array.from(ipaddr.IPv6.parse(a).toByteArray());
}

/** By hand, as this runs for every ARP packet that is sent. */
function ipv4ToBytes(a: Ipv4): Uint8Array {
  const bytes = new Uint8Array(4);
  let octet = 0;
  let at = 0;
  for (let i = 0; i < a.length; i++) {
    const code = a.charCodeAt(i);
    if (code === 0x2e) {
      bytes[at++] = octet;
      octet = 0;
    } else {
      octet = 10 * octet + code - 0x30;
    }
  }
  bytes[at] = octet;
  return bytes;
}

/** From 4 or 16 octets in network byte order. Throws RangeError for another length. */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length !== 4 && bytes.length !== 16) throw new RangeError(`an address has 4 or 16 octets, not ${bytes.length}`);
  if (bytes.length === 4) return bytes.join(".") as Ipv4;
  return new ipaddr.IPv6(Array.from(bytes)).toRFC5952String() as Ipv6;
}

/** The address as a number, for ranges. */
export function addressToBigInt(a: Address): bigint {
  let n = 0n;
  for (const octet of addressToBytes(a)) n = (n << 8n) | BigInt(octet);
  return n;
}

/** The address of that number. Throws RangeError if it does not fit the family. */
export function addressFromBigInt(family: Family, n: bigint): Address {
  const octets = family === "ipv4" ? 4 : 16;
  if (n < 0n || n >= 1n << BigInt(octets * 8)) throw new RangeError(`${n} is not an ${family} address`);
  const bytes = new Uint8Array(octets);
  for (let i = octets - 1, rest = n; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return addressFromBytes(bytes);
}

/** Orders IPv4 before IPv6, then by number. */
export function compareAddresses(a: Address, b: Address): number {
  if (a === b) return 0;
  if (isIpv4(a) !== isIpv4(b)) return isIpv4(a) ? -1 : 1;
  return addressToBigInt(a) < addressToBigInt(b) ? -1 : 1;
}
