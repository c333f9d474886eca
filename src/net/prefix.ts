/** Prefixes and ranges of addresses as values. Pure. */
import { type Address, type Family, addressFromBigInt, addressToBigInt, familyOf, parseAddress } from "./address.ts";

/** A prefix whose host bits are zero. */
export type Prefix = { readonly address: Address; readonly length: number };

/** Both ends included, one family, first ≤ last. */
export type AddressRange = { readonly first: Address; readonly last: Address };

/** 32 or 128. */
export function bitsOf(family: Family): number {
  return family === "ipv4" ? 32 : 128;
}

/** "192.0.2.0/24"; undefined if it is not a prefix or has host bits set. */
export function parsePrefix(text: string): Prefix | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = match?.[1] === undefined ? undefined : parseAddress(match[1]);
  if (address === undefined) return undefined;
  const length = Number(match?.[2]);
  if (length > bitsOf(familyOf(address))) return undefined;
  return prefixOf(address, length).address === address ? { address, length } : undefined;
}

/** The prefix of the address alone: that of a host route. */
export function hostPrefix(address: Address): Prefix {
  return { address, length: bitsOf(familyOf(address)) };
}

/** Whether it is of one address alone. */
export function isHostPrefix({ address, length }: Prefix): boolean {
  return length === bitsOf(familyOf(address));
}

export function isSamePrefix(a: Prefix, b: Prefix): boolean {
  return a.address === b.address && a.length === b.length;
}

export function formatPrefix(prefix: Prefix): string {
  return `${prefix.address}/${prefix.length}`;
}

/** The prefix of that length which contains the address. */
export function prefixOf(a: Address, length: number): Prefix {
  const family = familyOf(a);
  if (length === bitsOf(family)) return { address: a, length }; // of ten thousand VIPs, mostly
  const hostBits = BigInt(bitsOf(family) - length);
  return { address: addressFromBigInt(family, (addressToBigInt(a) >> hostBits) << hostBits), length };
}

/** The first and the last address of a prefix. */
export function rangeOfPrefix(prefix: Prefix): AddressRange {
  const family = familyOf(prefix.address);
  const size = 1n << BigInt(bitsOf(family) - prefix.length);
  return { first: prefix.address, last: addressFromBigInt(family, addressToBigInt(prefix.address) + size - 1n) };
}

/** The fewest prefixes that have exactly the addresses of the range, in order. */
export function prefixesOfRange(range: AddressRange): readonly Prefix[] {
  const family = familyOf(range.first);
  const last = addressToBigInt(range.last);
  const prefixes: Prefix[] = [];
  for (let next = addressToBigInt(range.first); next <= last; ) {
    let hostBits = 0;
    while (hostBits < bitsOf(family) && fits(next, hostBits + 1, last)) hostBits++;
    prefixes.push({ address: addressFromBigInt(family, next), length: bitsOf(family) - hostBits });
    next += 1n << BigInt(hostBits);
  }
  return prefixes;
}

/** Whether a prefix with so many host bits begins at `first` and does not go beyond `last`. */
function fits(first: bigint, hostBits: number, last: bigint): boolean {
  const size = 1n << BigInt(hostBits);
  return first % size === 0n && first + size - 1n <= last;
}

/** False for an address of the other family. */
export function rangeContains(range: AddressRange, a: Address): boolean {
  if (familyOf(range.first) !== familyOf(a)) return false;
  const n = addressToBigInt(a);
  return addressToBigInt(range.first) <= n && n <= addressToBigInt(range.last);
}
