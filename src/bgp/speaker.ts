/**
 * The BGP speaker: sessions to the configured peers, and on each the routes that it is to carry. Announces only; what peers
 * announce is checked, counted and dropped.
 *
 * Implements RFC 4271 with 1997, 2545, 2918, 4360, 4486, 4724, 4760, 5082, 5492, 6286, 6608, 6793, 7313, 7606, 7607, 8092, 8326, 8538,
 * 8950, 9003, 9072 (received), 9234, 9384, 9494 (NO_LLGR), 9687, and TCP MD5 (2385).
 */
import { isDeepStrictEqual } from "node:util";
import type { Link, OpenFrames, RouteTable, Tcp, TcpArrival } from "../linux/index.ts";
import type { Log } from "../log/index.ts";
import { type Address, type Ipv4, type Prefix, isSamePrefix } from "../net/index.ts";
import type { Clock, Random, Timer } from "../time/index.ts";
import { CEASE_SUBCODE, cease } from "../wire/index.ts";
import { AdjRibsOut } from "./adj-ribs-out.ts";
import { Aggregates } from "./aggregates.ts";
import { reject } from "./connections.ts";
import type { BgpDesired, BgpListen, BgpPeer, WantedPeer } from "./desired.ts";
import type { Before } from "./graceful-restart.ts";
import { RouteKeepers } from "./keepers.ts";
import { Listeners } from "./listeners.ts";
import { Neighbors } from "./neighbors.ts";
import type { AddressesBeside } from "./next-hop.ts";
import { Peer } from "./peer.ts";
import { type RouteFacts, WITHOUT_SESSION, routeStatus, routeStatuses } from "./route-status.ts";
import type { BgpRouteStatus, BgpStatus } from "./status.ts";
import type { Groups } from "./unnumbered-link.ts";
import { unofferedRoutes } from "./unoffered-routes.ts";

export type BgpSpeakerParts = {
  /** The BGP Identifier (RFC 6286): unique within the AS. */
  readonly routerId: Ipv4;
  /** Shown by routers that know the FQDN capability; "" sends none. */
  readonly hostname: string;
  readonly tcp: Tcp;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly addressesBeside: AddressesBeside;
  /** Peers that keep our routes over a restart of the daemon; at first those of the life before this one. Default: there was none. */
  readonly keepers?: RouteKeepers;
  /** Frames and multicast groups, for the Router Advertisements of unnumbered peers. */
  readonly openFrames: OpenFrames;
  readonly groups: Groups;
  /** For what is in an aggregate and no VIP. */
  readonly routes: RouteTable;
  /** Called when `neighbors` may be others than after the last call of `apply`. */
  readonly neighborsChanged?: () => void;
};

const MOST_STRANGERS = 32;

export class BgpSpeaker {
  readonly #parts: BgpSpeakerParts;
  readonly #keepers: RouteKeepers;
  #state: "new" | "running" | "stopped" = "new";
  #peers = new Map<string, Peer>();
  /** What was last asked for. */
  #asked: { readonly peers: readonly WantedPeer[]; readonly listen: readonly BgpListen[] | undefined } | undefined;
  /** The same peers by name, in the order of the configuration. */
  #wanted: ReadonlyMap<string, WantedPeer> = new Map();
  readonly #neighbors: Neighbors;
  readonly #aggregates: Aggregates;
  /** Neighbors are looked for again in a turn of its own: the news come from within a peer. */
  #lookAgain: Timer | undefined;
  #complete = false;
  /** Sessions that have been told goodbye, by the peer's address: all that there are to it. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #ribs: AdjRibsOut;
  readonly #listeners: Listeners;
  /** Addresses that are no peer's and wanted a session: that one does so again is no news. */
  readonly #strangers = new Set<Address>();

  constructor(parts: BgpSpeakerParts) {
    this.#parts = parts;
    this.#keepers = parts.keepers ?? new RouteKeepers([], () => undefined);
    this.#listeners = new Listeners(parts, (arrival) => {
      this.#arrived(arrival);
    });
    this.#neighbors = new Neighbors(parts, () => {
      this.#look();
    });
    this.#aggregates = new Aggregates(parts, (vips) => {
      this.#ribs.allowed(vips);
      this.#flush();
    });
    this.#ribs = new AdjRibsOut(this.#aggregates);
  }

  start(): void {
    if (this.#state === "new") this.#state = "running";
  }

  /** Every interface of the host, as it is now. */
  links(links: readonly Link[]): void {
    this.#neighbors.links(links);
  }

  /**
   * Makes peers and routers match. `changed` names the VIPs whose routes may differ from those of the last call; the rest is
   * not looked at. The same twice sends nothing, and what is the same object as last time is not looked at either.
   */
  apply(desired: BgpDesired, changed: ReadonlySet<Address>): void {
    if (this.#state !== "running") return;
    this.#complete = desired.complete;
    this.#applySessions(desired);
    for (const vip of changed) this.#ribs.ask(vip, desired.routes.get(vip) ?? []);
    if (desired.complete) this.#aggregates.complete();
    this.#flush();
  }

  /** BFD found that the path to a peer is down, by this diagnostic. */
  pathDown(peer: string, diagnostic: string): void {
    this.#peers.get(peer)?.pathDown(diagnostic);
  }

  /** Those of which it is known between which addresses a session is to be. */
  get neighbors(): readonly BgpPeer[] {
    return [...this.#peers.values()].map(({ config }) => config);
  }

  status(): BgpStatus {
    return {
      routerId: this.#parts.routerId,
      peers: [...this.#wanted.values()].flatMap((wanted) => this.#neighbors.status(wanted, this.#peers.get(wanted.name)?.status(), this.#ribs.of(wanted.name)) ?? []),
      listeners: this.#listeners.status(),
      aggregates: this.#aggregates.status(),
    };
  }

  /** Names of the peers that have been told a route for this VIP. */
  announcedTo(vip: Address): string[] {
    return [...this.#peers].filter(([name, peer]) => this.#ribs.prefixes(vip, name).some((prefix) => peer.isTold(prefix))).map(([name]) => name);
  }

  /** The routes of a peer with their attributes, whether sent or waiting; undefined if there is no such peer. */
  routes(peer: string): Iterable<BgpRouteStatus> | undefined {
    return this.#wanted.has(peer) ? this.#routesOf(peer) : undefined;
  }

  /** One that a VIP asks for; undefined if the peer is to have none to the prefix. */
  route(vip: Address, { peer, prefix }: { readonly peer: string; readonly prefix: Prefix }): BgpRouteStatus | undefined {
    if (!this.#wanted.has(peer)) return undefined;
    const entry = this.#ribs.of(peer).find(prefix);
    if (entry !== undefined) return routeStatus(entry, this.#routeFacts(peer));
    const asked = this.#ribs.prefixes(vip, peer).filter((other) => isSamePrefix(prefix, other));
    const [unoffered] = unofferedRoutes(asked.map((one) => [vip, one] as const), this.#aggregates.status());
    return unoffered;
  }

  *#routesOf(name: string): Iterable<BgpRouteStatus> {
    yield* routeStatuses(this.#ribs.of(name), () => this.#routeFacts(name));
    yield* unofferedRoutes(this.#ribs.others(name), this.#aggregates.status());
  }

  #routeFacts(name: string): RouteFacts {
    return this.#peers.get(name)?.routeFacts() ?? { ...WITHOUT_SESSION, noSession: this.#neighbors.why(name) ?? "there is no session" };
  }

  /** Whether a stop would take routes from some peer that has been told any. */
  wouldTakeBack(sequel: "nothing" | "restart"): boolean {
    return [...this.#peers.values()].some((peer) => peer.hasRoutes && !peer.keepsRoutesFor(sequel));
  }

  /**
   * Withdraws everything and tells the peers why (RFC 9003); before a restart, peers that keep our routes are left with them and without
   * a word. What is in the kernel for them goes too, or is left to the successor. Resolves when that has left, or the peers take nothing any
   * more.
   */
  async stop(reason: string, sequel: "nothing" | "restart" = "nothing"): Promise<void> {
    this.#state = "stopped";
    this.#listeners.stop();
    this.#lookAgain?.cancel();
    this.#neighbors.stop();
    const kept = [...this.#peers.values()].filter((peer) => peer.keepsRoutesFor(sequel)).map((peer) => peer.config.name);
    if (kept.length > 0) this.#parts.log.notice("leaves its routes with the peers that keep them until it is back", { peers: kept.join(",") });
    const away = [...this.#peers.values()].filter((peer) => sequel === "nothing" && peer.isAwayWithRoutes).map((peer) => peer.config.name);
    if (away.length > 0) this.#parts.log.warning("peers without a session may keep the routes of the last one until the time of their graceful restart is over", { peers: away.join(",") });
    const farewell = cease(sequel === "nothing" ? CEASE_SUBCODE.ADMINISTRATIVE_SHUTDOWN : CEASE_SUBCODE.ADMINISTRATIVE_RESET, reason);
    await Promise.all([...this.#leaving.values(), ...[...this.#peers.values()].map((peer) => peer.stop(farewell, sequel))]);
    await this.#aggregates.stop(sequel);
  }

  /** A plan comes in many slices, which differ in their routes only. */
  #applySessions({ peers, listen }: BgpDesired): void {
    if (this.#asked?.peers === peers && this.#asked.listen === listen) return;
    this.#asked = { peers, listen };
    this.#applyPeers(peers);
    this.#listeners.apply(listen ?? [], this.neighbors);
  }

  /** First whatever is left is left, then whatever is new begins: one may take the place of another. */
  #applyPeers(wanted: readonly WantedPeer[]): void {
    const before = this.#wanted;
    this.#wanted = new Map(wanted.map((peer) => [peer.name, peer]));
    this.#neighbors.apply(wanted);
    for (const [name, peer] of this.#peers) if (!this.#wanted.has(name)) this.#leave(peer, "unwanted", "it is no longer configured");
    this.#ribs.keep(new Set(this.#wanted.keys()));
    const begin = wanted.flatMap((peer) => this.#change(peer, isFoundAlike(peer, before.get(peer.name))));
    for (const [config, past] of begin) this.#begin(config, past);
  }

  /**
   * Takes what is wanted of a peer, if need be by leaving it; returns what is to begin.
   * @param asBefore its addresses are to be found as they were, so that a session that is up keeps those that it has
   */
  #change(wanted: WantedPeer, asBefore: boolean): readonly (readonly [BgpPeer, Before])[] {
    const before = this.#peers.get(wanted.name);
    const neighbor = this.#neighbors.find(wanted, before?.config, asBefore && before?.isUp === true);
    if (before !== undefined && neighbor.found && before.adopt(neighbor.peer)) return [];
    const moved = asBefore && before !== undefined && neighbor.found && !isSameNeighbor(before.config, neighbor.peer);
    const why = !neighbor.found ? neighbor.why : moved ? "its address or ours is another now" : "its configuration changed";
    const left = before === undefined ? "has none" : this.#leave(before, neighbor.found ? neighbor.peer : "unknown", why);
    if (!neighbor.found) return [];
    return [[neighbor.peer, left === "keeps routes" && before !== undefined ? before.before : this.#keepers.hasKept(wanted.name) ? "life" : "nothing"]];
  }

  #begin(config: BgpPeer, past: Before): void {
    const turned = (): void => {
      this.#look();
    };
    const peer = new Peer(config, { ...this.#parts, self: this.#parts, rib: this.#ribs.of(config.name), keepers: this.#keepers, turned }, past);
    this.#peers.set(config.name, peer);
    this.#startWhenFree(peer);
  }

  /** The interfaces, or the routers on them, may be others; or a session has ended for which they were kept. */
  #look(): void {
    if (this.#state !== "running") return;
    this.#lookAgain ??= this.#parts.clock.timer("bgp neighbors", 0, () => {
      this.#lookAgain = undefined;
      const found = this.neighbors;
      const sought = [...this.#wanted.values()].filter(({ address, sourceInterface }) => address === undefined || sourceInterface !== undefined);
      for (const [config, past] of sought.flatMap((wanted) => this.#change(wanted, true))) this.#begin(config, past);
      this.#flush();
      if (isDeepStrictEqual(found, this.neighbors)) return;
      this.#listeners.peers(this.neighbors);
      this.#parts.neighborsChanged?.();
    });
  }

  /** Waits until an earlier session to the same router is gone: it would take none beside it. */
  #startWhenFree(peer: Peer): void {
    const leaving = this.#leaving.get(addressOf(peer));
    if (leaving === undefined) peer.start();
    else
      void leaving.then(() => {
        if (this.#state === "running" && this.#peers.get(peer.config.name) === peer) peer.start();
      });
  }

  /** Says goodbye to a peer that is no longer wanted, or not like this, or of which it is not known where it is. */
  #leave(peer: Peer, next: BgpPeer | "unwanted" | "unknown", why: string): "keeps routes" | "has none" {
    const { name, address } = peer.config;
    this.#peers.delete(name);
    this.#parts.log.info(`leaving peer ${name}: ${why}`, { peer: name, address });
    const sequel = typeof next !== "string" && next.gracefulRestartMs > 0 && isSameNeighbor(peer.config, next) ? "reconfigured" : "nothing";
    const keeps = peer.keepsRoutesFor(sequel);
    const key = addressOf(peer);
    const subcode = next === "unwanted" ? CEASE_SUBCODE.PEER_DECONFIGURED : CEASE_SUBCODE.OTHER_CONFIGURATION_CHANGE;
    const gone = Promise.all([this.#leaving.get(key), peer.stop(cease(subcode), sequel)]).then(() => {
      if (this.#leaving.get(key) === gone) this.#leaving.delete(key);
    });
    this.#leaving.set(key, gone);
    return keeps ? "keeps routes" : "has none";
  }

  /** A table without aggregates that are about to be allowed is not complete: a router that kept them over a restart would lose them at its end. */
  #flush(): void {
    const view = this.#complete && this.#aggregates.settled ? "complete" : "incomplete";
    for (const peer of this.#peers.values()) peer.flush(view);
  }

  /** Only configured peers reach a machine; whoever else connects is told so and nothing else. */
  #arrived(arrival: TcpArrival): void {
    const { address, zone } = arrival.remote;
    const peers = [...this.#peers.values()].filter(({ config }) => config.address === address && (config.zone === undefined || config.zone === zone));
    const peer = peers.find(({ config }) => config.passive) ?? peers[0]; // the others have connections of their own
    if (peer !== undefined) {
      peer.arrived(arrival);
      return;
    }
    if (!this.#isAwaited(zone) && !this.#strangers.has(address) && this.#strangers.size < MOST_STRANGERS) {
      this.#strangers.add(address);
      this.#parts.log.notice(`${address} wants a session and is no peer of this host: add it to [[bgp.peer]], or have it connect from the address that is there`, { address });
    }
    reject(arrival, cease(CEASE_SUBCODE.CONNECTION_REJECTED));
  }

  /** Whether a router of this interface is to be a peer and has not been heard yet. It may have heard us. */
  #isAwaited(zone: string | undefined): boolean {
    return [...this.#wanted.values()].some((wanted) => wanted.address === undefined && wanted.zone === zone && !this.#peers.has(wanted.name));
  }
}

/** Whether its addresses are found in the same way. */
function isFoundAlike(a: WantedPeer, b: WantedPeer | undefined): boolean {
  return a.address === b?.address && a.zone === b?.zone && a.sourceAddress === b?.sourceAddress && a.sourceInterface === b?.sourceInterface;
}

/** One link-local address may be on several links. */
function addressOf({ config: { address, zone } }: Peer): string {
  return `${address}%${zone ?? ""}`;
}

/** Whether the router takes both for the same neighbor of its own, whose routes it has. */
function isSameNeighbor(a: BgpPeer, b: BgpPeer): boolean {
  return a.address === b.address && a.zone === b.zone && a.sourceAddress === b.sourceAddress && a.localAsn === b.localAsn;
}
