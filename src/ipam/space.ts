/**
 * The free addresses of one pool: first free in listed order, without ever scanning from the start.
 *
 * Each range keeps a frontier; what was given back below it waits in a list ordered by the time it was freed. Pure: time comes in.
 */
import { type Address, type AddressRange, type Family, addressFromBigInt, addressToBigInt, familyOf, rangeContains } from "../net/index.ts";

type Stretch = { readonly family: Family; readonly range: AddressRange; readonly last: bigint; frontier: bigint };

export type SpaceOptions = {
  readonly ranges: readonly AddressRange[];
  /** Never hand out addresses that end in .0 or .255. */
  readonly avoidBuggyIps: boolean;
  /** Milliseconds before a freed address goes to somebody else, unless nothing else is left. */
  readonly reuseDelayMs: number;
};

export class Space {
  readonly #stretches: readonly Stretch[];
  readonly #options: SpaceOptions;
  /** Oldest first. A family of its own, so that who wants the one never looks through the other. */
  readonly #freed: Readonly<Record<Family, Map<Address, number>>> = { ipv4: new Map(), ipv6: new Map() };

  constructor(options: SpaceOptions) {
    this.#options = options;
    this.#stretches = options.ranges.map((range) => ({
      family: familyOf(range.first),
      range,
      last: addressToBigInt(range.last),
      frontier: addressToBigInt(range.first),
    }));
  }

  contains(a: Address): boolean {
    return this.#options.ranges.some((range) => rangeContains(range, a));
  }

  /** How many addresses the pool has, used or not. */
  get size(): bigint {
    return this.#stretches.reduce((sum, { last, range }) => sum + last - addressToBigInt(range.first) + 1n, 0n);
  }

  families(): ReadonlySet<Family> {
    return new Set(this.#stretches.map((stretch) => stretch.family));
  }

  /** Says that nobody uses the address any more. `at` in ms of the clock that `firstFree` is asked with. */
  free(address: Address, at: number): void {
    const freed = this.#freed[familyOf(address)];
    freed.delete(address);
    freed.set(address, at);
  }

  /** Every address that was given back and not handed out again, with the time at which it was; of each family oldest first. */
  *freed(): Iterable<{ readonly address: Address; readonly at: number }> {
    for (const freed of Object.values(this.#freed)) for (const [address, at] of freed) yield { address, at };
  }

  /**
   * The address to hand out next, or undefined if the pool has none left in that family. `isUsed` is asked for what may have been
   * taken without the pool's knowledge.
   */
  firstFree(family: Family, now: number, isUsed: (a: Address) => boolean): Address | undefined {
    const rested = this.#rested(family, now, isUsed);
    return rested ?? this.#beyondFrontier(family, isUsed) ?? this.#oldestFreed(family, isUsed);
  }

  /** A freed address that has waited long enough. */
  #rested(family: Family, now: number, isUsed: (a: Address) => boolean): Address | undefined {
    for (const [address, at] of this.#freed[family]) {
      if (at + this.#options.reuseDelayMs > now) return undefined;
      if (this.#settle(address, isUsed)) return address;
    }
    return undefined;
  }

  #oldestFreed(family: Family, isUsed: (a: Address) => boolean): Address | undefined {
    for (const address of this.#freed[family].keys()) if (this.#settle(address, isUsed)) return address;
    return undefined;
  }

  /** False, and forgotten, if somebody took the freed address meanwhile or it may not be handed out. */
  #settle(address: Address, isUsed: (a: Address) => boolean): boolean {
    if (!isUsed(address) && this.#mayHandOut(address)) return true;
    this.#freed[familyOf(address)].delete(address);
    return false;
  }

  #beyondFrontier(family: Family, isUsed: (a: Address) => boolean): Address | undefined {
    for (const stretch of this.#stretches) {
      if (stretch.family !== family) continue;
      for (; stretch.frontier <= stretch.last; stretch.frontier++) {
        const address = addressFromBigInt(family, stretch.frontier);
        if (!isUsed(address) && !this.#freed[family].has(address) && this.#mayHandOut(address)) return address;
      }
    }
    return undefined;
  }

  #mayHandOut(address: Address): boolean {
    return this.contains(address) && !(this.#options.avoidBuggyIps && /\.(0|255)$/.test(address));
  }
}
