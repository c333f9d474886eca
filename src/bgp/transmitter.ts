/**
 * Brings an established session's peer up to date with its Adj-RIB-Out: initial table, End-of-RIB (RFC 4724 2), changes,
 * route refresh (RFC 2918, RFC 7313).
 *
 * Writes only while the kernel takes it and a bounded number of routes per turn, so that neither a slow peer nor a large
 * table costs memory or keeps others waiting.
 */
import type { Family, Prefix } from "../net/index.ts";
import type { Clock, Timer } from "../time/index.ts";
import {
  type Announcement,
  type NextHop,
  type RouteRefresh,
  afiSafiOf,
  announcement,
  encodeAnnouncement,
  encodeEndOfRib,
  encodeRouteRefresh,
  encodeWithdrawal,
  familyOfAfiSafi,
} from "../wire/index.ts";
import type { AdjRibOut } from "./adj-rib-out.ts";
import type { Negotiated } from "./negotiated.ts";
import { sameNextHop } from "./next-hop.ts";
import { pathAttributes } from "./path-attributes.ts";
import type { Shared } from "./shared-attributes.ts";

/** The session that is written to. */
export interface Outlet {
  readonly queued: number;
  sendUpdates(octets: Uint8Array, messages: number): void;
  sendRefresh(body: Uint8Array): void;
}

const COALESCE_MS = 2; // changes that come in quick succession share messages; more would only make the routers wait
const AT_ONCE = 4; // so many times in a row what has changed does not wait: most changes are not followed by many
const ROUTES_PER_TURN = 2048; // of code that has not run yet, some 5 ms
const MOST_QUEUED = 256 * 1024; // octets that the kernel has not taken

/** "view": until the world is known; "peer": until it takes what was sent before. */
export type WaitsFor = "session" | "family" | "view" | "next-hop" | "peer" | "turn";

type Stage =
  /** The initial table is not complete; a refresh asked for meanwhile follows it. */
  | { readonly at: "initial"; readonly refresh: boolean }
  | { readonly at: "steady" }
  /** A refresh is to begin with the next flush. However often the peer asks until then, it is one. */
  | { readonly at: "asked" }
  /** BoRR is sent, EoRR is due, to a speaker of RFC 7313. A refresh asked for meanwhile follows it. */
  | { readonly at: "refreshing"; readonly again: boolean };

type Lane = { stage: Stage; nextHop: NextHop | undefined; announcements: WeakMap<Shared, Announcement | undefined> };

type Open = { readonly outlet: Outlet; readonly agreed: Negotiated; readonly lanes: ReadonlyMap<Family, Lane> };

export class Transmitter {
  readonly #rib: AdjRibOut;
  readonly #clock: Clock;
  readonly #converged: () => void;
  #open: Open | undefined;
  /** False until the first complete view: nothing is said before. */
  #complete = false;
  #timer: Timer | undefined;
  /** When all flushes so far would be over if each took COALESCE_MS. */
  #busyUntil = -Infinity;
  /** Some route of this session was not announced because its attributes leave no room for a prefix. */
  #sawTooLong = false;

  /** @param converged called when the peer has been sent the End-of-RIB of every family of its session */
  constructor(rib: AdjRibOut, clock: Clock, converged: () => void) {
    this.#rib = rib;
    this.#clock = clock;
    this.#converged = converged;
  }

  /** How many routes are not announced because their attributes leave no room for a prefix. */
  get tooLong(): number {
    if (!this.#sawTooLong) return 0;
    let count = 0;
    for (const { family, sent } of this.#rib.list()) if (sent !== undefined && this.encoded(family, sent) === "too-long") count++;
    return count;
  }

  nextHop(family: Family): NextHop | undefined {
    return this.#open?.lanes.get(family)?.nextHop;
  }

  /** What routes with these attributes are sent as now; "too-long" if they do not fit a message; undefined before one was sent. */
  encoded(family: Family, shared: Shared): Announcement | "too-long" | undefined {
    const announcements = this.#open?.lanes.get(family)?.announcements;
    return announcements?.has(shared) === true ? (announcements.get(shared) ?? "too-long") : undefined;
  }

  /** What keeps the routes of a family from being sent; "turn": nothing, they are about to be. */
  waitsFor(family: Family): WaitsFor {
    const open = this.#open;
    if (open === undefined) return "session";
    const lane = open.lanes.get(family);
    if (lane === undefined) return "family";
    if (!this.#complete) return "view";
    if (lane.nextHop === undefined) return "next-hop";
    return open.outlet.queued >= MOST_QUEUED ? "peer" : "turn";
  }

  /** A session is established. */
  begin(outlet: Outlet, agreed: Negotiated): void {
    const lanes = new Map<Family, Lane>();
    for (const family of agreed.families) lanes.set(family, { stage: { at: "initial", refresh: false }, nextHop: undefined, announcements: new WeakMap() });
    this.#open = { outlet, agreed, lanes };
    this.#sawTooLong = false;
  }

  /** It ended. */
  end(): void {
    if (this.#open === undefined) return;
    this.#open = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#rib.forget("ipv4");
    this.#rib.forget("ipv6");
  }

  /** Where a family's traffic is to be sent from now on; undefined: nowhere, so its routes are withdrawn. */
  setNextHop(family: Family, nextHop: NextHop | undefined): void {
    const lane = this.#open?.lanes.get(family);
    if (lane === undefined || sameNextHop(lane.nextHop, nextHop)) return;
    const hadNone = lane.nextHop === undefined; // and so nothing was sent
    lane.nextHop = nextHop;
    lane.announcements = new WeakMap();
    if (nextHop === undefined) this.#takeBack(family);
    else if (!hadNone) this.#rib.repeat(family);
    this.changed();
  }

  /** The view of the world is complete: what is not wanted now is not wanted. */
  complete(): void {
    this.#complete = true;
    this.changed();
  }

  /** The Adj-RIB-Out may differ from what was sent: sends at once, or soon if it just did several times. */
  changed(): void {
    if (this.#open === undefined || !this.#complete || this.#timer !== undefined || !this.#hasMore(this.#open)) return;
    this.#schedule(Math.max(0, this.#busyUntil - (AT_ONCE - 1) * COALESCE_MS - this.#clock.now()));
  }

  /** Sends what there is without waiting for a turn. */
  sendNow(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.written();
  }

  /** The kernel took something. */
  written(): void {
    if (this.#open !== undefined && this.#timer === undefined && this.#complete && this.#hasMore(this.#open)) this.#flush();
  }

  /** The peer wants a family once more, or says where its own refresh begins and ends, which is nothing to us. */
  refresh(refresh: RouteRefresh): void {
    const family = familyOfAfiSafi(refresh);
    const lane = family === undefined ? undefined : this.#open?.lanes.get(family);
    if (refresh.subtype !== "request" || family === undefined || lane === undefined) return;
    lane.stage = askedIn(lane.stage);
    this.changed();
  }

  /** The session is about to end: takes back all that was sent, at once, or leaves it with the peer. */
  close(sequel: "routes stay" | "routes go"): void {
    if (sequel === "routes go") for (const family of this.#open?.lanes.keys() ?? []) this.#takeBack(family);
    this.end();
  }

  /** The tables are as they stand: what the peer keeps of an earlier life and was not told again goes (RFC 4724 4.2). */
  endTables(): void {
    const open = this.#open;
    if (open === undefined) return;
    for (const [family, { stage }] of open.lanes) if (stage.at === "initial") this.#send(open, [encodeEndOfRib(family)]);
  }

  #takeBack(family: Family): void {
    if (this.#open !== undefined) this.#send(this.#open, encodeWithdrawal(family, this.#rib.told(family)));
    this.#rib.forget(family);
  }

  #schedule(ms: number): void {
    this.#timer = this.#clock.timer("bgp updates", ms, () => {
      this.#timer = undefined;
      this.#flush();
    });
  }

  #flush(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#busyUntil = Math.max(this.#busyUntil, this.#clock.now()) + COALESCE_MS;
    let budget = ROUTES_PER_TURN;
    for (const [family, lane] of open.lanes) {
      if (lane.stage.at === "asked") this.#beginRefresh(open, family, lane);
      while (budget > 0 && open.outlet.queued < MOST_QUEUED && this.#isReady(family, lane)) {
        const batch = this.#rib.take(family, budget);
        const announced = [...batch.announced];
        budget -= batch.withdrawn.length + announced.reduce((sum, [, prefixes]) => sum + prefixes.length, 0);
        this.#send(open, [...encodeWithdrawal(family, batch.withdrawn), ...announced.flatMap(([shared, prefixes]) => this.#announce(open, family, lane, shared, prefixes))]);
      }
      if (!this.#isReady(family, lane)) this.#finish(open, family, lane);
    }
    // With a full socket, written() goes on.
    if (!this.#hasMore(open) || open.outlet.queued >= MOST_QUEUED) return;
    this.#schedule([...open.lanes].some(([family, lane]) => this.#isReady(family, lane)) ? 0 : COALESCE_MS);
  }

  #announce({ agreed }: Open, family: Family, lane: Lane, shared: Shared, prefixes: readonly Prefix[]): Uint8Array[] {
    if (!lane.announcements.has(shared)) {
      const { nextHop } = lane;
      lane.announcements.set(shared, nextHop === undefined ? undefined : announcement(family, pathAttributes(shared.attributes, agreed), nextHop, agreed));
    }
    const encoded = lane.announcements.get(shared);
    if (encoded !== undefined) return encodeAnnouncement(encoded, prefixes);
    this.#sawTooLong = true;
    return encodeWithdrawal(family, prefixes); // the peer may still have them with what was right before
  }

  /** All that was to be sent of the family is sent. */
  #finish(open: Open, family: Family, lane: Lane): void {
    switch (lane.stage.at) {
      case "initial":
        lane.stage = { at: lane.stage.refresh ? "asked" : "steady" };
        this.#send(open, [encodeEndOfRib(family)]);
        if (![...open.lanes.values()].some(({ stage }) => stage.at === "initial")) this.#converged();
        return;
      case "refreshing":
        lane.stage = { at: lane.stage.again ? "asked" : "steady" };
        this.#mark(open, family, "end");
        return;
      case "asked":
      case "steady":
        return;
    }
  }

  #beginRefresh(open: Open, family: Family, lane: Lane): void {
    lane.stage = { at: "refreshing", again: false };
    this.#mark(open, family, "begin");
    this.#rib.repeat(family);
  }

  /** What encloses a refresh between speakers of RFC 7313. */
  #mark({ outlet, agreed }: Open, family: Family, subtype: "begin" | "end"): void {
    if (agreed.enhancedRouteRefresh) outlet.sendRefresh(encodeRouteRefresh({ ...afiSafiOf(family), subtype }));
  }

  #hasMore({ lanes }: Open): boolean {
    for (const [family, lane] of lanes) if (lane.stage.at !== "steady" || this.#isReady(family, lane)) return true;
    return false;
  }

  /** Whether there is something to send and a next hop to send it with. */
  #isReady(family: Family, { nextHop }: Lane): boolean {
    return nextHop !== undefined && this.#rib.isPending(family);
  }

  #send({ outlet }: Open, messages: readonly Uint8Array[]): void {
    if (messages.length > 0) outlet.sendUpdates(Buffer.concat(messages), messages.length);
  }
}

/** The peer wants everything once more: after what is being sent, for of that it may have missed the beginning. */
function askedIn(stage: Stage): Stage {
  switch (stage.at) {
    case "initial":
      return { at: "initial", refresh: true };
    case "refreshing":
      return { at: "refreshing", again: true };
    case "asked":
    case "steady":
      return { at: "asked" };
  }
}
