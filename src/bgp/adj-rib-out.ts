/**
 * Adj-RIB-Out (RFC 4271 3.2): what one peer is to have, and what it has been told.
 *
 * A set, not a queue of messages: whatever happens while a peer is slow or away, what is left to send is the difference. No
 * I/O and no clock.
 */
import { type Address, type Family, type Prefix, familyOf } from "../net/index.ts";
import { type Nlri, decodeNlri, encodeNlri } from "../wire/index.ts";
import type { RouteAttributes } from "./desired.ts";

/** Attributes that stand for all equal ones: two routes have the same exactly if these are the same object. */
export type Shared = { readonly attributes: RouteAttributes };

/** A route as the table has it. */
export type RibEntry = {
  readonly prefix: Prefix;
  readonly family: Family;
  readonly nlri: Nlri;
  /** What the peer should be told; undefined: that it is gone. */
  readonly wanted: Shared | undefined;
  /** What it was last told; undefined: nothing. */
  readonly sent: Shared | undefined;
  /** Who asks for it, longest first; at most MOST_VIPS of `vipCount`. */
  readonly vips: readonly Address[];
  readonly vipCount: number;
};

const MOST_VIPS = 16;

export type Batch = {
  readonly withdrawn: readonly Nlri[];
  readonly announced: ReadonlyMap<Shared, readonly Nlri[]>;
};

type Offer = { readonly vip: Address; readonly shared: Shared };

type Route = {
  readonly nlri: Nlri;
  /** The VIP that has asked for it the longest: its attributes are used. Undefined if none asks. */
  lead: Offer | undefined;
  /** The others, longest first; few routes have any, an aggregate may have thousands. */
  others: Map<Address, Shared> | undefined;
  /** What the peer was last told; undefined if nothing, or that it is gone. */
  sent: Shared | undefined;
  /** Is to be sent even if the peer has it. */
  again: boolean;
};

type Table = { readonly routes: Map<Nlri, Route>; readonly pending: Set<Route>; sent: number };

export class AdjRibOut {
  readonly #tables: Readonly<Record<Family, Table>> = { ipv4: newTable(), ipv6: newTable() };
  readonly #shared = new Map<string, Shared>();
  #last: Shared | undefined;

  /** The VIP asks for a route to the prefix; asking again with other attributes replaces them. */
  offer(vip: Address, prefix: Prefix, attributes: RouteAttributes): void {
    const table = this.#tables[familyOf(prefix.address)];
    const nlri = encodeNlri(prefix);
    let route = table.routes.get(nlri);
    if (route === undefined) {
      route = { nlri, lead: undefined, others: undefined, sent: undefined, again: false };
      table.routes.set(nlri, route);
    }
    const shared = this.#share(attributes);
    if (route.lead === undefined || route.lead.vip === vip) route.lead = { vip, shared };
    else (route.others ??= new Map()).set(vip, shared);
    mark(table, route);
  }

  /** The VIP no longer asks for it. */
  retract(vip: Address, prefix: Prefix): void {
    const table = this.#tables[familyOf(prefix.address)];
    const route = table.routes.get(encodeNlri(prefix));
    if (route === undefined) return;
    if (route.lead?.vip === vip) route.lead = takeFirst(route.others);
    else route.others?.delete(vip);
    mark(table, route);
  }

  /** The peer has nothing of the family any more. */
  forget(family: Family): void {
    const table = this.#tables[family];
    table.sent = 0;
    for (const route of table.routes.values()) {
      route.sent = undefined;
      route.again = false;
      mark(table, route);
    }
  }

  /** All routes of the family are to be sent once more. */
  repeat(family: Family): void {
    const table = this.#tables[family];
    for (const route of table.routes.values()) {
      route.again = true;
      mark(table, route);
    }
  }

  isPending(family: Family): boolean {
    return this.#tables[family].pending.size > 0;
  }

  /** The next changes, at most so many, counted as told; each list sorted by length and address. */
  take(family: Family, most: number): Batch {
    const table = this.#tables[family];
    const withdrawn: Nlri[] = [];
    const announced = new Map<Shared, Nlri[]>();
    let left = most;
    for (const route of table.pending) {
      if (left-- === 0) break;
      table.pending.delete(route);
      const wanted = route.lead?.shared;
      table.sent += Number(wanted !== undefined) - Number(route.sent !== undefined);
      route.sent = wanted;
      route.again = false;
      if (wanted === undefined) {
        withdrawn.push(route.nlri);
        table.routes.delete(route.nlri);
      } else {
        const same = announced.get(wanted);
        if (same === undefined) announced.set(wanted, [route.nlri]);
        else same.push(route.nlri);
      }
    }
    withdrawn.sort();
    for (const nlris of announced.values()) nlris.sort();
    return { withdrawn, announced };
  }

  /** All that the peer has been told of the family. */
  told(family: Family): Nlri[] {
    return [...this.#tables[family].routes.values()].filter((route) => route.sent !== undefined).map((route) => route.nlri);
  }

  isTold(prefix: Prefix): boolean {
    return this.#tables[familyOf(prefix.address)].routes.get(encodeNlri(prefix))?.sent !== undefined;
  }

  /** How many routes the peer has been told, and how many it should have. */
  count(family: Family): { readonly sent: number; readonly wanted: number } {
    const table = this.#tables[family];
    let gone = 0;
    for (const route of table.pending) if (route.lead === undefined) gone++;
    return { sent: table.sent, wanted: table.routes.size - gone };
  }

  /** Every route, for people. The table may change meanwhile: it ends all the same, and what comes later may be missed. */
  *list(): Generator<RibEntry> {
    for (const family of ["ipv4", "ipv6"] as const) {
      const { routes } = this.#tables[family];
      let left = routes.size;
      for (const { nlri, lead, others, sent } of routes.values()) {
        if (left-- === 0) break;
        const vips = lead === undefined ? [] : [lead.vip, ...take(others?.keys() ?? [], MOST_VIPS - 1)];
        yield { prefix: decodeNlri(nlri, family), family, nlri, wanted: lead?.shared, sent, vips, vipCount: lead === undefined ? 0 : 1 + (others?.size ?? 0) };
      }
    }
  }

  #share(attributes: RouteAttributes): Shared {
    if (this.#last?.attributes === attributes) return this.#last;
    const key = keyOf(attributes);
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      shared = { attributes };
      this.#shared.set(key, shared);
    }
    this.#last = shared;
    return shared;
  }
}

function newTable(): Table {
  return { routes: new Map(), pending: new Set(), sent: 0 };
}

function take<T>(values: Iterable<T>, most: number): T[] {
  const taken: T[] = [];
  for (const value of values) {
    if (taken.length >= most) break;
    taken.push(value);
  }
  return taken;
}

function takeFirst(offers: Map<Address, Shared> | undefined): Offer | undefined {
  for (const [vip, shared] of offers ?? []) {
    offers?.delete(vip);
    return { vip, shared };
  }
  return undefined;
}

/** Keeps `pending` what it is: the routes of which the peer has another idea than we have. */
function mark(table: Table, route: Route): void {
  const wanted = route.lead?.shared;
  if (wanted !== route.sent || (route.again && wanted !== undefined)) table.pending.add(route);
  else table.pending.delete(route);
  if (wanted === undefined && route.sent === undefined) table.routes.delete(route.nlri);
}

function keyOf({ localPref, med, prepend, communities }: RouteAttributes): string {
  return JSON.stringify([localPref, med, prepend, communities]);
}
