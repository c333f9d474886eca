/**
 * The BGP speaker: sessions to the configured peers, and on each the routes that it is to carry. Announces only; what peers
 * announce is checked, counted and dropped.
 *
 * Implements RFC 4271 with 1997, 2545, 2918, 4360, 4486, 4724, 4760, 5082, 5492, 6286, 6608, 6793, 7313, 7606, 7607, 8092, 8538, 9003,
 * 9072 (received), 9687, and TCP MD5 (2385).
 */
import type { Tcp, TcpArrival } from "../linux/index.ts";
import type { Log } from "../log/index.ts";
import type { Address, Ipv4 } from "../net/index.ts";
import type { Clock, Random } from "../time/index.ts";
import { CEASE_SUBCODE, cease } from "../wire/index.ts";
import { reject } from "./connections.ts";
import type { BgpDesired, BgpPeer, BgpRoute } from "./desired.ts";
import type { Before } from "./graceful-restart.ts";
import { RouteKeepers } from "./keepers.ts";
import { Listeners } from "./listeners.ts";
import type { AddressesBeside } from "./next-hop.ts";
import { Peer } from "./peer.ts";
import type { BgpStatus } from "./status.ts";

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
};

const MOST_STRANGERS = 32;

export class BgpSpeaker {
  readonly #parts: BgpSpeakerParts;
  readonly #keepers: RouteKeepers;
  #state: "new" | "running" | "stopped" = "new";
  #peers = new Map<string, Peer>();
  /** Sessions that have been told goodbye, by the peer's address. */
  readonly #leaving = new Map<Address, Promise<void>>();
  /** What was last asked for, by VIP. */
  readonly #routes = new Map<Address, readonly BgpRoute[]>();
  readonly #listeners: Listeners;
  /** Addresses that are no peer's and wanted a session: that one does so again is no news. */
  readonly #strangers = new Set<Address>();

  constructor(parts: BgpSpeakerParts) {
    this.#parts = parts;
    this.#keepers = parts.keepers ?? new RouteKeepers([], () => undefined);
    this.#listeners = new Listeners(parts, (arrival) => {
      this.#arrived(arrival);
    });
  }

  start(): void {
    if (this.#state === "new") this.#state = "running";
  }

  /**
   * Makes peers and routers match. `changed` names the VIPs whose routes may differ from those of the last call; the rest is
   * not looked at. The same twice sends nothing.
   */
  apply(desired: BgpDesired, changed: ReadonlySet<Address>): void {
    if (this.#state !== "running") return;
    this.#listeners.apply(desired.listen ?? [], desired.peers);
    this.#applyPeers(desired);
    for (const vip of changed) this.#applyRoutes(vip, desired.routes.get(vip) ?? []);
    for (const peer of this.#peers.values()) peer.flush(desired.complete ? "complete" : "incomplete");
  }

  status(): BgpStatus {
    return {
      routerId: this.#parts.routerId,
      peers: [...this.#peers.values()].map((peer) => peer.status()),
      listeners: this.#listeners.status(),
    };
  }

  /** Names of the peers that have been told a route for this VIP. */
  announcedTo(vip: Address): string[] {
    const told = (this.#routes.get(vip) ?? []).filter(({ peer, prefix }) => this.#peers.get(peer)?.isTold(prefix) === true);
    return [...new Set(told.map(({ peer }) => peer))];
  }

  /** The routes of a peer with their attributes, whether sent or waiting; undefined if there is no such peer. */
  routes(peer: string): ReturnType<Peer["routes"]> | undefined {
    return this.#peers.get(peer)?.routes();
  }

  /** Whether a stop would take routes from some peer that has been told any. */
  wouldTakeBack(sequel: "nothing" | "restart"): boolean {
    return [...this.#peers.values()].some((peer) => peer.hasRoutes && !peer.keepsRoutesFor(sequel));
  }

  /**
   * Withdraws everything and tells the peers why (RFC 9003); before a restart, peers that keep our routes are left with them and without
   * a word. Resolves when that has left, or the peers take nothing any more.
   */
  async stop(reason: string, sequel: "nothing" | "restart" = "nothing"): Promise<void> {
    this.#state = "stopped";
    this.#listeners.stop();
    const kept = [...this.#peers.values()].filter((peer) => peer.keepsRoutesFor(sequel)).map((peer) => peer.config.name);
    if (kept.length > 0) this.#parts.log.notice("leaves its routes with the peers that keep them until it is back", { peers: kept.join(",") });
    const farewell = cease(sequel === "nothing" ? CEASE_SUBCODE.ADMINISTRATIVE_SHUTDOWN : CEASE_SUBCODE.ADMINISTRATIVE_RESET, reason);
    await Promise.all([...this.#leaving.values(), ...[...this.#peers.values()].map((peer) => peer.stop(farewell, sequel))]);
  }

  #applyPeers(desired: BgpDesired): void {
    const wanted = new Map(desired.peers.map((config) => [config.name, config]));
    const kept = new Map<string, Before>();
    for (const [name, peer] of this.#peers) {
      const config = wanted.get(name);
      if (config !== undefined && peer.isFor(config)) continue;
      this.#peers.delete(name);
      if (this.#leave(peer, config) === "keeps routes") kept.set(name, peer.before);
    }
    for (const config of desired.peers) {
      if (this.#peers.has(config.name)) continue;
      const before = kept.get(config.name) ?? (this.#keepers.hasKept(config.name) ? "life" : "nothing");
      const peer = new Peer(config, { ...this.#parts, self: this.#parts, keepers: this.#keepers }, before);
      this.#peers.set(config.name, peer);
      for (const [vip, routes] of this.#routes) for (const route of routes) if (route.peer === config.name) peer.offer(vip, route.prefix, route.attributes);
      this.#startWhenFree(peer);
    }
  }

  /** Waits until an earlier session to the same router is gone: it would take none beside it. */
  #startWhenFree(peer: Peer): void {
    const leaving = this.#leaving.get(peer.config.address);
    if (leaving === undefined) peer.start();
    else
      void leaving.then(() => {
        if (this.#state === "running" && this.#peers.get(peer.config.name) === peer) peer.start();
      });
  }

  /** Says goodbye to a peer that is no longer wanted, or not like this. */
  #leave(peer: Peer, next: BgpPeer | undefined): "keeps routes" | "has none" {
    const { name, address } = peer.config;
    const [subcode, why] =
      next === undefined
        ? [CEASE_SUBCODE.PEER_DECONFIGURED, "it is no longer configured"]
        : [CEASE_SUBCODE.OTHER_CONFIGURATION_CHANGE, "its configuration changed"];
    this.#parts.log.info(`leaving peer ${name}: ${why}`, { peer: name, address });
    const sequel = next !== undefined && next.gracefulRestartMs > 0 && isSameNeighbor(peer.config, next) ? "reconfigured" : "nothing";
    const keeps = peer.keepsRoutesFor(sequel);
    const gone = peer.stop(cease(subcode), sequel).finally(() => {
      if (this.#leaving.get(address) === gone) this.#leaving.delete(address);
    });
    this.#leaving.set(address, gone);
    return keeps ? "keeps routes" : "has none";
  }

  #applyRoutes(vip: Address, wanted: readonly BgpRoute[]): void {
    const before = this.#routes.get(vip) ?? [];
    if (before === wanted) return;
    for (const route of before) if (!wanted.some((other) => isSameDestination(route, other))) this.#peers.get(route.peer)?.retract(vip, route.prefix);
    for (const { peer, prefix, attributes } of wanted) this.#peers.get(peer)?.offer(vip, prefix, attributes);
    if (wanted.length === 0) this.#routes.delete(vip);
    else this.#routes.set(vip, wanted);
  }

  /** Only configured peers reach a machine; whoever else connects is told so and nothing else. */
  #arrived(arrival: TcpArrival): void {
    const { address, zone } = arrival.remote;
    const peer = [...this.#peers.values()].find(({ config }) => config.address === address && (config.zone === undefined || config.zone === zone));
    if (peer !== undefined) {
      peer.arrived(arrival);
      return;
    }
    if (!this.#strangers.has(address) && this.#strangers.size < MOST_STRANGERS) {
      this.#strangers.add(address);
      this.#parts.log.notice(`${address} wants a session and is no peer of this host: add it to [[bgp.peer]], or have it connect from the address that is there`, { address });
    }
    reject(arrival, cease(CEASE_SUBCODE.CONNECTION_REJECTED));
  }
}

/** Whether the router takes both for the same neighbor of its own, whose routes it has. */
function isSameNeighbor(a: BgpPeer, b: BgpPeer): boolean {
  return a.address === b.address && a.zone === b.zone && a.sourceAddress === b.sourceAddress && a.localAsn === b.localAsn;
}

function isSameDestination(a: BgpRoute, b: BgpRoute): boolean {
  return a.peer === b.peer && a.prefix.address === b.prefix.address && a.prefix.length === b.prefix.length;
}
