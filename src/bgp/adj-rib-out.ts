/**
 * Adj-RIB-Out (RFC 4271 3.2): what one peer is to have, and what it has been told.
 *
 * A set, not a queue of messages: whatever happens while a peer is slow or away, what is left to send is the difference. No
 * I/O and no clock.
 *
 * A limit bounds what the peer has of each family, as routers count it, at every moment: beyond it routes are held back, and follow
 * in the order in which they were asked for as others go. Whoever has a place keeps it, also over the end of a session.
 */
import { type Address, type Family, type Prefix, familyOf } from "../net/index.ts";
import type { RouteAttributes } from "./desired.ts";
import { AGAIN, type Route, type Table, keyOf, newTable, setLimit, settle, tell, tellGone } from "./rib-table.ts";
import { type Shared, SharedAttributes } from "./shared-attributes.ts";

/** A route as the table has it. */
export type RibEntry = {
  readonly prefix: Prefix;
  readonly family: Family;
  /** What the peer should be told; undefined: that it is gone. */
  readonly wanted: Shared | undefined;
  /** What it was last told; undefined: nothing. */
  readonly sent: Shared | undefined;
  /** The limit keeps it from the peer. */
  readonly held: boolean;
  /** Who asks for it, longest first; at most MOST_VIPS of `vipCount`. */
  readonly vips: readonly Address[];
  readonly vipCount: number;
};

const MOST_VIPS = 16;

/** Of one family. */
export type RouteCount = {
  /** That the peer has been told. */
  readonly sent: number;
  /** That it should have. */
  readonly wanted: number;
  /** Of those, how many the limit keeps from it. */
  readonly held: number;
};

export type Batch = {
  readonly withdrawn: readonly Prefix[];
  readonly announced: ReadonlyMap<Shared, readonly Prefix[]>;
};

export class AdjRibOut {
  readonly #tables: Readonly<Record<Family, Table>> = { ipv4: newTable(), ipv6: newTable() };
  readonly #shared = new SharedAttributes(() => this.#used());

  /** The VIP asks for a route to the prefix; asking again with other attributes replaces them. */
  offer(vip: Address, prefix: Prefix, attributes: RouteAttributes): void {
    const table = this.#tables[familyOf(prefix.address)];
    const key = keyOf(prefix);
    let route = table.routes.get(key);
    if (route === undefined) {
      route = { prefix, lead: undefined, asked: undefined, others: undefined, sent: undefined, place: "out", bucket: undefined, previous: undefined, next: undefined };
      table.routes.set(key, route);
    } else route.prefix = prefix;
    const shared = this.#shared.of(attributes);
    if (route.lead !== undefined && route.lead !== vip) {
      (route.others ??= new Map()).set(vip, shared);
      return;
    }
    if (route.lead === undefined) table.wanted++;
    route.lead = vip;
    route.asked = shared;
    settle(table, route);
  }

  /** The VIP no longer asks for it. */
  retract(vip: Address, prefix: Prefix): void {
    const table = this.#tables[familyOf(prefix.address)];
    const route = table.routes.get(keyOf(prefix));
    if (route === undefined) return;
    if (route.lead !== vip) {
      route.others?.delete(vip);
      return;
    }
    [route.lead, route.asked] = route.others === undefined ? NOBODY : takeFirst(route.others);
    if (route.lead === undefined) table.wanted--;
    settle(table, route);
  }

  /** The peer is to have at most so many routes of each family; if it has more, those that were asked for last go. Infinity: no limit. */
  limit(most: number): void {
    setLimit(this.#tables.ipv4, most);
    setLimit(this.#tables.ipv6, most);
  }

  /** The peer has nothing of the family any more. */
  forget(family: Family): void {
    const table = this.#tables[family];
    table.sent = 0;
    for (const route of table.routes.values()) {
      if (route.sent === undefined) continue;
      route.sent = undefined;
      settle(table, route);
    }
  }

  /** All routes that the peer has of the family are to be sent once more. */
  repeat(family: Family): void {
    const table = this.#tables[family];
    for (const route of table.routes.values()) {
      if (route.sent === undefined) continue;
      route.sent = AGAIN;
      settle(table, route);
    }
  }

  /** Nobody asks for a route, and the peer has none. */
  get isEmpty(): boolean {
    return this.#tables.ipv4.routes.size === 0 && this.#tables.ipv6.routes.size === 0;
  }

  isPending(family: Family): boolean {
    const { pending, goodbyes } = this.#tables[family];
    return pending.size > 0 || !goodbyes.isEmpty;
  }

  /** The next changes, at most so many, counted as told. */
  take(family: Family, most: number): Batch {
    const table = this.#tables[family];
    // Withdrawals first: what is admitted for one is in this batch or a later one.
    const withdrawn = tellGone(table, most);
    const announced = new Map<Shared, Prefix[]>();
    let left = most - withdrawn.length;
    for (const [shared, bucket] of table.pending) {
      if (left === 0) break;
      const prefixes = tell(table, bucket, left);
      announced.set(shared, prefixes);
      left -= prefixes.length;
    }
    return { withdrawn, announced };
  }

  /** All that the peer has been told of the family. */
  told(family: Family): Prefix[] {
    const told: Prefix[] = [];
    for (const route of this.#tables[family].routes.values()) if (route.sent !== undefined) told.push(route.prefix);
    return told;
  }

  isTold(prefix: Prefix): boolean {
    return this.#tables[familyOf(prefix.address)].routes.get(keyOf(prefix))?.sent !== undefined;
  }

  /** How many routes the limit keeps from the peer. */
  held(family: Family): number {
    return this.#tables[family].held.size;
  }

  count(family: Family): RouteCount {
    const { sent, wanted, held } = this.#tables[family];
    return { sent, wanted, held: held.size };
  }

  /** For people; undefined if nobody asks for it and the peer does not have it. */
  find(prefix: Prefix): RibEntry | undefined {
    const family = familyOf(prefix.address);
    const route = this.#tables[family].routes.get(keyOf(prefix));
    return route === undefined ? undefined : entryOf(route, family);
  }

  /** Every route, for people. The table may change meanwhile: it ends all the same, and what comes later may be missed. */
  *list(): Generator<RibEntry> {
    for (const family of ["ipv4", "ipv6"] as const) {
      const { routes } = this.#tables[family];
      let left = routes.size;
      for (const route of routes.values()) {
        if (left-- === 0) break;
        yield entryOf(route, family);
      }
    }
  }

  *#used(): Generator<Shared> {
    for (const { routes } of Object.values(this.#tables)) {
      for (const { asked, others, sent } of routes.values()) {
        if (asked !== undefined) yield asked;
        if (sent !== undefined && sent !== AGAIN) yield sent;
        yield* others?.values() ?? [];
      }
    }
  }
}

function entryOf({ prefix, lead, asked: wanted, others, sent, place }: Route, family: Family): RibEntry {
  const vips = lead === undefined ? [] : [lead, ...take(others?.keys() ?? [], MOST_VIPS - 1)];
  const held = lead !== undefined && place !== "admitted";
  return { prefix, family, wanted, sent: sent === AGAIN ? wanted : sent, held, vips, vipCount: lead === undefined ? 0 : 1 + (others?.size ?? 0) };
}

function take<T>(values: Iterable<T>, most: number): T[] {
  const taken: T[] = [];
  for (const value of values) {
    if (taken.length >= most) break;
    taken.push(value);
  }
  return taken;
}

const NOBODY = [undefined, undefined] as const;

function takeFirst(offers: Map<Address, Shared>): readonly [Address, Shared] | typeof NOBODY {
  for (const offer of offers) {
    offers.delete(offer[0]);
    return offer;
  }
  return NOBODY;
}
