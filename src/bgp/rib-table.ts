/**
 * Routes of one family toward one peer: what it was told, what it is to be told, and which of them the limit admits.
 *
 * A route is in a bucket exactly if the peer is to have it otherwise than it was told.
 */
import { type Address, type Prefix, formatPrefix, isHostPrefix } from "../net/index.ts";
import { Bucket, type Waiting } from "./bucket.ts";
import type { Shared } from "./shared-attributes.ts";

/** There may be a hundred thousand for each peer: every field counts. */
export interface Route extends Waiting<Route, Told> {
  /** The object that was offered last, which the plan has, too. */
  prefix: Prefix;
  /** The VIP that has asked for it the longest. Undefined if none asks. */
  lead: Address | undefined;
  /** The attributes that it asked for, which are used. Undefined if none asks. */
  asked: Shared | undefined;
  /** The others, longest first; few routes have any, an aggregate may have thousands. */
  others: Map<Address, Shared> | undefined;
  /** What the peer was last told; undefined if nothing, or that it is gone. */
  sent: Shared | typeof AGAIN | undefined;
  /** Toward the limit: it is within it; it is not, but the peer still has it, so that it counts; or neither. */
  place: "admitted" | "leaving" | "out";
}

/** What the peer is told of a route: its attributes; undefined: that it is gone. */
export type Told = Shared | undefined;

/** The peer has been told of the route, and is to be told once more. */
export const AGAIN = Symbol("again");

export type Table = {
  readonly routes: Map<string, Route>;
  /** Those that the peer is to have otherwise than it has them, by what it is to be told: in whatever order they came, they fill whole messages. */
  readonly pending: Map<Shared, Bucket<Route, Told>>;
  /** Those that the peer has and is not to have. */
  readonly goodbyes: Bucket<Route, Told>;
  /** Routes that some VIP asks for. */
  wanted: number;
  /** Routes that the peer has been told of. */
  sent: number;
  /** Infinity: none. */
  limit: number;
  /** Routes that count toward it. */
  counting: number;
  /** Those that are wanted and not admitted, the longest waiting first. */
  held: Set<Route>;
};

export function newTable(): Table {
  return { routes: new Map(), pending: new Map(), goodbyes: new Bucket<Route, Told>(undefined), wanted: 0, sent: 0, limit: Infinity, counting: 0, held: new Set() };
}

/** A single address stands for itself: its text is there anyway, and is the same for all peers. */
export function keyOf(prefix: Prefix): string {
  return isHostPrefix(prefix) ? prefix.address : formatPrefix(prefix);
}

/** What the peer is to have of the route; undefined: nothing. */
function admissible(route: Route): Shared | undefined {
  return route.place === "admitted" ? route.asked : undefined;
}

/** After a change of a route: admits it if it is wanted and there is room, and others if it made room. */
export function settle(table: Table, route: Route): void {
  const before = table.counting;
  if (route.lead === undefined) {
    table.held.delete(route);
    place(table, route, "beyond");
    if (route.sent === undefined) table.routes.delete(keyOf(route.prefix));
  } else if (route.place === "admitted" || hasRoom(table, route)) {
    table.held.delete(route);
    place(table, route, "admitted");
  } else {
    table.held.add(route);
    place(table, route, "beyond");
  }
  if (table.counting < before && table.held.size > 0) admit(table);
}

/** Whether the route counts toward the limit: it has a place within it, or the peer has it without one. */
function counts(route: Route): boolean {
  return route.place !== "out";
}

/** Whether the limit leaves room for the route. */
function hasRoom(table: Table, route: Route): boolean {
  return table.counting - Number(counts(route)) < table.limit;
}

/** Puts it within the limit or beyond; keeps `counting` and the buckets what they are. */
function place(table: Table, route: Route, where: "admitted" | "beyond"): void {
  const counted = counts(route);
  route.place = where === "admitted" ? where : route.sent === undefined ? "out" : "leaving";
  table.counting += Number(counts(route)) - Number(counted);
  const wanted = admissible(route);
  const bucket = wanted === route.sent ? undefined : bucketOf(table, wanted);
  if (bucket === route.bucket) return;
  const left = route.bucket;
  if (left !== undefined) {
    left.remove(route);
    dropIfEmpty(table, left);
  }
  bucket?.add(route);
}

/** An empty bucket is not pending. */
function dropIfEmpty(table: Table, bucket: Bucket<Route, Told>): void {
  if (bucket.isEmpty && bucket.why !== undefined) table.pending.delete(bucket.why);
}

function bucketOf(table: Table, wanted: Told): Bucket<Route, Told> {
  if (wanted === undefined) return table.goodbyes;
  let bucket = table.pending.get(wanted);
  if (bucket === undefined) {
    bucket = new Bucket<Route, Told>(wanted);
    table.pending.set(wanted, bucket);
  }
  return bucket;
}

/** The next routes of a bucket, at most so many, counted as told. */
export function tell(table: Table, bucket: Bucket<Route, Told>, most: number): Prefix[] {
  const prefixes: Prefix[] = [];
  while (prefixes.length < most) {
    const route = bucket.shift();
    if (route === undefined) break;
    if (route.sent === undefined) table.sent++;
    route.sent = bucket.why;
    prefixes.push(route.prefix);
  }
  dropIfEmpty(table, bucket);
  return prefixes;
}

/** The next routes of which the peer is told that they are gone, at most so many. */
export function tellGone(table: Table, most: number): Prefix[] {
  const prefixes: Prefix[] = [];
  while (prefixes.length < most) {
    const route = table.goodbyes.shift();
    if (route === undefined) break;
    table.sent--;
    route.sent = undefined;
    prefixes.push(route.prefix);
    settle(table, route);
  }
  return prefixes;
}

/** Gives the room that there is to those that wait. */
function admit(table: Table): void {
  for (const route of table.held) {
    if (!hasRoom(table, route)) return;
    table.held.delete(route);
    place(table, route, "admitted");
  }
}

/** Changes the limit: admits those that it has room for now, or takes their places from those that it has none for. */
export function setLimit(table: Table, most: number): void {
  if (table.limit === most) return;
  table.limit = most;
  dismiss(table);
  admit(table);
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
