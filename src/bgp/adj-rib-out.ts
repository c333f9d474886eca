/**
 * Adj-RIB-Out (RFC 4271 3.2): what one peer is to have, and what it has been told.
 *
 * A set, not a queue of messages: whatever happens while a peer is slow or away, what is left to send is the difference. No
 * I/O and no clock.
 *
 * A limit bounds what the peer has of each family, as routers count it, at every moment: beyond it routes are held back, and follow
 * in the order in which they were asked for as others go. Whoever has a place keeps it, also over the end of a session.
 */
import { type Address, type Family, type Prefix, bitsOf, familyOf, formatPrefix } from "../net/index.ts";
import { type Nlri, encodeNlri } from "../wire/index.ts";
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
  readonly withdrawn: readonly Nlri[];
  readonly announced: ReadonlyMap<Shared, readonly Nlri[]>;
};

/** There may be a hundred thousand for each peer: every field counts. */
type Route = {
  /** The object that was offered last, which the plan has, too. */
  prefix: Prefix;
  /** The VIP that has asked for it the longest. Undefined if none asks. */
  lead: Address | undefined;
  /** The attributes that it asked for, which are used. Undefined if none asks. */
  asked: Shared | undefined;
  /** The others, longest first; few routes have any, an aggregate may have thousands. */
  others: Map<Address, Shared> | undefined;
  /** What the peer was last told; undefined if nothing, or that it is gone. */
  sent: Shared | undefined;
  /** Toward the limit: it is within it; it is not, but the peer still has it, so that it counts; or neither. */
  place: "admitted" | "leaving" | "out";
  /** Where it waits to be sent. */
  bucket: Bucket | undefined;
};

/**
 * Routes that wait for the same to be said of them, that they have these attributes, or that they are gone (undefined): in whatever order
 * they came, they fill whole messages.
 */
type Bucket = { readonly wanted: Shared | undefined; readonly routes: Set<Route> };

type Table = {
  readonly routes: Map<string, Route>;
  /** Those of which the peer has another idea than we have. */
  readonly pending: Map<Shared, Bucket>;
  readonly goodbyes: Bucket;
  /** Those that are to be sent even if the peer has them. */
  readonly again: Set<Route>;
  sent: number;
  /** Infinity: none. */
  limit: number;
  /** Routes that count toward it. */
  counting: number;
  /** Those that are wanted and not admitted, the longest waiting first. */
  held: Set<Route>;
};

export class AdjRibOut {
  readonly #tables: Readonly<Record<Family, Table>> = { ipv4: newTable(), ipv6: newTable() };
  readonly #shared = new Map<string, Shared>();
  #last: Shared | undefined;

  /** The VIP asks for a route to the prefix; asking again with other attributes replaces them. */
  offer(vip: Address, prefix: Prefix, attributes: RouteAttributes): void {
    const table = this.#tables[familyOf(prefix.address)];
    const key = keyOf(prefix);
    let route = table.routes.get(key);
    if (route === undefined) {
      route = { prefix, lead: undefined, asked: undefined, others: undefined, sent: undefined, place: "out", bucket: undefined };
      table.routes.set(key, route);
    } else route.prefix = prefix;
    const shared = this.#share(attributes);
    if (route.lead === undefined || route.lead === vip) {
      route.lead = vip;
      route.asked = shared;
    } else (route.others ??= new Map()).set(vip, shared);
    settle(table, route);
  }

  /** The VIP no longer asks for it. */
  retract(vip: Address, prefix: Prefix): void {
    const table = this.#tables[familyOf(prefix.address)];
    const route = table.routes.get(keyOf(prefix));
    if (route === undefined) return;
    if (route.lead === vip) [route.lead, route.asked] = takeFirst(route.others);
    else route.others?.delete(vip);
    settle(table, route);
  }

  /** The peer is to have at most so many routes of each family; if it has more, those that were asked for last go. Infinity: no limit. */
  limit(most: number): void {
    for (const family of ["ipv4", "ipv6"] as const) {
      const table = this.#tables[family];
      if (table.limit === most) continue;
      table.limit = most;
      dismiss(table);
      admit(table);
    }
  }

  /** The peer has nothing of the family any more. */
  forget(family: Family): void {
    const table = this.#tables[family];
    table.sent = 0;
    table.again.clear();
    for (const route of table.routes.values()) {
      route.sent = undefined;
      settle(table, route);
    }
  }

  /** All routes of the family are to be sent once more. */
  repeat(family: Family): void {
    const table = this.#tables[family];
    for (const route of table.routes.values()) {
      table.again.add(route);
      settle(table, route);
    }
  }

  isPending(family: Family): boolean {
    const { pending, goodbyes } = this.#tables[family];
    return pending.size > 0 || goodbyes.routes.size > 0;
  }

  /** The next changes, at most so many, counted as told; each list sorted by length and address. */
  take(family: Family, most: number): Batch {
    const table = this.#tables[family];
    // Withdrawals first: what is admitted for one is in this batch or a later one.
    const withdrawn = tell(table, table.goodbyes, most);
    const announced = new Map<Shared, Nlri[]>();
    let left = most - withdrawn.length;
    for (const [shared, bucket] of table.pending) {
      if (left === 0) break;
      const nlris = tell(table, bucket, left);
      announced.set(shared, nlris);
      left -= nlris.length;
    }
    return { withdrawn, announced };
  }

  /** All that the peer has been told of the family. */
  told(family: Family): Nlri[] {
    return [...this.#tables[family].routes.values()].filter((route) => route.sent !== undefined).map((route) => encodeNlri(route.prefix));
  }

  isTold(prefix: Prefix): boolean {
    return this.#tables[familyOf(prefix.address)].routes.get(keyOf(prefix))?.sent !== undefined;
  }

  /** How many routes the limit keeps from the peer. */
  held(family: Family): number {
    return this.#tables[family].held.size;
  }

  count(family: Family): RouteCount {
    const table = this.#tables[family];
    let gone = 0;
    for (const route of table.goodbyes.routes) if (route.lead === undefined) gone++;
    return { sent: table.sent, wanted: table.routes.size - gone, held: table.held.size };
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

  #share(attributes: RouteAttributes): Shared {
    if (this.#last?.attributes === attributes) return this.#last;
    const key = contentOf(attributes);
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
  return { routes: new Map(), pending: new Map(), goodbyes: { wanted: undefined, routes: new Set() }, again: new Set(), sent: 0, limit: Infinity, counting: 0, held: new Set() };
}

function entryOf({ prefix, lead, asked: wanted, others, sent, place }: Route, family: Family): RibEntry {
  const vips = lead === undefined ? [] : [lead, ...take(others?.keys() ?? [], MOST_VIPS - 1)];
  return { prefix, family, nlri: encodeNlri(prefix), wanted, sent, held: lead !== undefined && place !== "admitted", vips, vipCount: lead === undefined ? 0 : 1 + (others?.size ?? 0) };
}

function take<T>(values: Iterable<T>, most: number): T[] {
  const taken: T[] = [];
  for (const value of values) {
    if (taken.length >= most) break;
    taken.push(value);
  }
  return taken;
}

function takeFirst(offers: Map<Address, Shared> | undefined): readonly [Address, Shared] | readonly [undefined, undefined] {
  for (const offer of offers ?? []) {
    offers?.delete(offer[0]);
    return offer;
  }
  return [undefined, undefined];
}

/** What the peer is to have of the route; undefined: nothing. */
function admissible(route: Route): Shared | undefined {
  return route.place === "admitted" ? route.asked : undefined;
}

/** After a change of a route: admits it if it is wanted and there is room, and others if it made room. */
function settle(table: Table, route: Route): void {
  const admitted = route.lead !== undefined && (route.place === "admitted" || table.counting - Number(counts(route)) < table.limit);
  if (route.lead !== undefined && !admitted) table.held.add(route);
  else table.held.delete(route);
  place(table, route, admitted ? "admitted" : "beyond");
  if (route.lead === undefined && route.sent === undefined) {
    table.routes.delete(keyOf(route.prefix));
    table.again.delete(route);
  }
  admit(table);
}

/** Whether it has a place within the limit, or the peer has it without one. */
function counts(route: Route): boolean {
  return route.place !== "out";
}

/** Puts it within the limit or beyond; keeps `counting` and the buckets what they are. */
function place(table: Table, route: Route, where: "admitted" | "beyond"): void {
  const counted = counts(route);
  route.place = where === "admitted" ? where : route.sent === undefined ? "out" : "leaving";
  table.counting += Number(counts(route)) - Number(counted);
  const wanted = admissible(route);
  const differs = wanted !== route.sent || (wanted !== undefined && table.again.has(route));
  const bucket = differs ? bucketOf(table, wanted) : undefined;
  if (bucket === route.bucket) return;
  const left = route.bucket;
  left?.routes.delete(route);
  if (left?.wanted !== undefined && left.routes.size === 0) table.pending.delete(left.wanted);
  bucket?.routes.add(route);
  route.bucket = bucket;
}

function bucketOf(table: Table, wanted: Shared | undefined): Bucket {
  if (wanted === undefined) return table.goodbyes;
  let bucket = table.pending.get(wanted);
  if (bucket === undefined) {
    bucket = { wanted, routes: new Set() };
    table.pending.set(wanted, bucket);
  }
  return bucket;
}

/** The next routes of a bucket, at most so many, counted as told; sorted by length and address. */
function tell(table: Table, { wanted, routes }: Bucket, most: number): Nlri[] {
  const nlris: Nlri[] = [];
  for (const route of routes) {
    if (nlris.length === most) break;
    nlris.push(encodeNlri(route.prefix));
    table.sent += Number(wanted !== undefined) - Number(route.sent !== undefined);
    route.sent = wanted;
    table.again.delete(route);
    settle(table, route);
  }
  return nlris.sort();
}

/** Gives the room that there is to those that wait. */
function admit(table: Table): void {
  for (const route of table.held) {
    if (table.counting - Number(counts(route)) >= table.limit) return;
    table.held.delete(route);
    place(table, route, "admitted");
  }
}

/**
 * Takes their places from those beyond the limit that were asked for last; and from those within it of which the peer has not been told
 * while it still has others. They wait before those that already do.
 */
function dismiss(table: Table): void {
  const admitted = [...table.routes.values()].filter((route) => route.place === "admitted");
  const leave = (route: Route): void => {
    place(table, route, "beyond");
  };
  for (const route of admitted.slice(table.limit)) leave(route);
  for (const route of admitted.slice(0, table.limit).reverse()) if (route.sent === undefined && table.counting > table.limit) leave(route);
  const waiting = admitted.filter((route) => route.place !== "admitted");
  if (waiting.length > 0) table.held = new Set([...waiting, ...table.held]);
}

function contentOf({ localPref, med, prepend, communities, linkBandwidth }: RouteAttributes): string {
  return JSON.stringify([localPref, med, prepend, communities, linkBandwidth]);
}

/** A single address stands for itself: its text is there anyway, and is the same for all peers. */
function keyOf(prefix: Prefix): string {
  return prefix.length === bitsOf(familyOf(prefix.address)) ? prefix.address : formatPrefix(prefix);
}
