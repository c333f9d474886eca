/**
 * Claims by MACs of which no hello was heard yet: they are judged when the hello comes. A MAC of which none comes for a while is a
 * stranger's.
 */
import type { Address, Mac } from "../net/index.ts";

const HELD_MS = 3_000;
const STRANGE_MS = 1_000;
const MOST_MACS = 16;

export class HeldClaims {
  readonly #held = new Map<Mac, { readonly since: number; heardAt: number; readonly addresses: Set<Address> }>();

  /** Returns whether the MAC has been unknown for so long that it is a stranger's. */
  hold(mac: Mac, address: Address, now: number): boolean {
    for (const [other, { heardAt }] of this.#held) if (now - heardAt > HELD_MS) this.#held.delete(other);
    const held = this.#held.get(mac);
    if (held !== undefined) {
      held.addresses.add(address);
      held.heardAt = now;
      return now - held.since >= STRANGE_MS;
    }
    if (this.#held.size < MOST_MACS) this.#held.set(mac, { since: now, heardAt: now, addresses: new Set([address]) });
    return false;
  }

  /** What that MAC claimed lately; it is forgotten. */
  take(mac: Mac, now: number): Iterable<Address> {
    const held = this.#held.get(mac);
    this.#held.delete(mac);
    return held === undefined || now - held.heardAt > HELD_MS ? [] : held.addresses;
  }

  clear(): void {
    this.#held.clear();
  }
}
