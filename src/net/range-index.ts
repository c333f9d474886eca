/**
 * Which of many ranges an address is in, by binary search: configurations list hundreds, and the question is asked for every VIP. Pure.
 */
import { type Address, type Family, addressToBigInt, addressToBytes, familyOf, isIpv4 } from "./address.ts";
import type { AddressRange } from "./prefix.ts";

type Entry<T> = { readonly first: Place; readonly last: Place; readonly value: T };

/** Of an address among those of its family. IPv4 does without bigint, which takes several times as long. */
type Place = number | bigint;

export class RangeIndex<T> {
  readonly #entries: Readonly<Record<Family, readonly Entry<T>[]>>;

  /** Ranges must not overlap. */
  constructor(ranges: Iterable<readonly [AddressRange, T]>) {
    const entries: Record<Family, Entry<T>[]> = { ipv4: [], ipv6: [] };
    for (const [{ first, last }, value] of ranges) entries[familyOf(first)].push({ first: placeOf(first), last: placeOf(last), value });
    for (const list of Object.values(entries)) list.sort((a, b) => (a.first < b.first ? -1 : 1));
    this.#entries = entries;
  }

  /** The value of the range that contains the address. */
  find(address: Address): T | undefined {
    const entries = this.#entries[familyOf(address)];
    const place = placeOf(address);
    // The last range that begins at or before the address: it is between `low` and `high`, the latter excluded.
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((entries[middle] as Entry<T>).first <= place) low = middle + 1;
      else high = middle;
    }
    const entry = entries[low - 1];
    return entry !== undefined && place <= entry.last ? entry.value : undefined;
  }
}

function placeOf(address: Address): Place {
  if (!isIpv4(address)) return addressToBigInt(address);
  let place = 0;
  for (const octet of addressToBytes(address)) place = 256 * place + octet;
  return place;
}
