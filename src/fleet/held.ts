/** Claims by MACs of which no hello was heard yet: they are judged when the hello comes, if it comes soon. */
import type { Address, Mac } from "../net/index.ts";

const HELD_MS = 3_000;
const MOST_MACS = 16;

export class HeldClaims {
  readonly #held = new Map<Mac, { readonly since: number; readonly addresses: Set<Address> }>();

  hold(mac: Mac, address: Address, now: number): void {
    for (const [other, { since }] of this.#held) if (now - since > HELD_MS) this.#held.delete(other);
    const held = this.#held.get(mac);
    if (held !== undefined) held.addresses.add(address);
    else if (this.#held.size < MOST_MACS) this.#held.set(mac, { since: now, addresses: new Set([address]) });
  }

  /** What that MAC claimed lately; it is forgotten. */
  take(mac: Mac, now: number): Iterable<Address> {
    const held = this.#held.get(mac);
    this.#held.delete(mac);
    return held === undefined || now - held.since > HELD_MS ? [] : held.addresses;
  }

  clear(): void {
    this.#held.clear();
  }
}
