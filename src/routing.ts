/**
 * The routers' side of the daemon, put together: the speaker of BGP, made once the interfaces are known, with the peers and their
 * passwords; and what watches the paths to them by BFD.
 */
import type { BfdDesired, BfdEvent, BfdSession, BfdStatus } from "./bfd/index.ts";
import { type BgpDesired, type BgpListen, type BgpPeer, BgpSpeaker, RouteKeepers, type WantedPeer } from "./bgp/index.ts";
import type { BfdProfileConfig, BgpPeerConfig, Config } from "./config/index.ts";
import { routerId } from "./identity.ts";
import { LastLeave } from "./last-leave.ts";
import { addressesBeside, defaultRouteAddress, type Keepsakes, type Link, MulticastGroups, openFrameSocket, systemRoutes, systemTcp, type Tcp } from "./linux/index.ts";
import type { Log } from "./log/index.ts";
import type { Address } from "./net/index.ts";
import type { Keepers } from "./plan/index.ts";
import type { Clock, Random } from "./time/index.ts";

export type RoutingOptions = {
  readonly keepsakes: Keepsakes;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /** Makes what watches the paths, and will call this when one goes up or down. */
  readonly watch: (onEvent: (event: BfdEvent) => void) => PathWatch;
  /** Default: the kernel's. */
  readonly tcp?: Tcp;
};

/** What Routing needs of BFD. */
export interface PathWatch {
  start(): void;
  apply(desired: BfdDesired): void;
  status(): BfdStatus;
  stop(): Promise<void>;
}

/** What is to be so; `peers` are those that are for this host. */
export type RoutingDesired = Pick<BgpDesired, "routes" | "complete"> & {
  readonly config: Config;
  readonly peers: readonly BgpPeerConfig[];
  /** By the name of the peer. */
  readonly passwords: ReadonlyMap<string, string>;
};

/** The speaker's peers, and what they were made of. */
type Wanted = Pick<RoutingDesired, "peers" | "passwords"> & { readonly neighbors: readonly WantedPeer[] };

export class Routing {
  readonly #options: RoutingOptions;
  readonly #lastLeave: LastLeave;
  readonly #keepers: RouteKeepers;
  readonly #watch: PathWatch;
  /** By the name of the peer whose path is to be watched. */
  #profiles: ReadonlyMap<string, BfdProfileConfig> = new Map();
  #speaker: BgpSpeaker | undefined;
  #wanted: Wanted = { peers: [], passwords: new Map(), neighbors: [] };

  constructor(options: RoutingOptions) {
    this.#options = options;
    this.#watch = options.watch((event) => {
      // A peer that has switched BFD off says nothing of the path (RFC 5882 3.2).
      if (event.type === "down" && !event.administrative) this.#speaker?.pathDown(event.peer, event.diagnostic);
    });
    this.#lastLeave = new LastLeave(options.keepsakes);
    this.#keepers = new RouteKeepers(this.#lastLeave.keepers(), (keepers) => { this.#lastLeave.stands(keepers); });
  }

  /** Undefined while there was nothing to speak. */
  get speaker(): BgpSpeaker | undefined {
    return this.#speaker;
  }

  bfd(): BfdStatus {
    return this.#watch.status();
  }

  /** Makes the speaker when it is first wanted, and tells it of the interfaces as they are now. */
  start({ host, bgp }: Config, links: readonly Link[]): void {
    if (this.#speaker === undefined && bgp !== undefined) {
      const { keepsakes, log, clock, random, tcp = systemTcp } = this.#options;
      const identifier = routerId(host.routerId, keepsakes, () => defaultRouteAddress(links));
      const kernel = { tcp, addressesBeside, openFrames: openFrameSocket, groups: new MulticastGroups(log), routes: systemRoutes };
      const neighborsChanged = (): void => { this.#watchPaths(); };
      this.#speaker = new BgpSpeaker({ routerId: identifier, hostname: host.name, ...kernel, clock, random, log, keepers: this.#keepers, neighborsChanged });
      this.#speaker.start();
      this.#watch.start();
      const kept = this.#lastLeave.keepers().map(({ peer }) => peer);
      if (kept.length > 0) log.info("peers may still have the routes from before the restart, which stay until this daemon has sent its own", { peers: kept.join(",") });
    }
    this.#speaker?.links(links);
  }

  /** Makes it so for the VIPs that changed. Where [bgp] is gone, the sessions end. */
  apply({ config, peers, passwords, routes, complete }: RoutingDesired, changed: ReadonlySet<Address>): void {
    this.#profiles = profilesOf(peers, config.bfd);
    this.#speaker?.apply({ peers: this.#neighbors(peers, passwords), listen: config.bgp?.listen ?? NOWHERE, routes, complete }, changed);
    this.#watchPaths();
  }

  /** Made anew when the configuration is another, not with every slice of a plan: the speaker then does not look at them. */
  #neighbors(peers: readonly BgpPeerConfig[], passwords: ReadonlyMap<string, string>): readonly WantedPeer[] {
    const before = this.#wanted;
    const same = before.passwords === passwords && before.peers.length === peers.length && before.peers.every((peer, i) => peer === peers[i]);
    if (!same) this.#wanted = { peers, passwords, neighbors: peers.map((peer) => neighbor(peer, passwords.get(peer.name))) };
    return this.#wanted.neighbors;
  }

  /** Once it is known where the peers are, which may change while the configuration does not. */
  #watchPaths(): void {
    this.#watch.apply({ sessions: (this.#speaker?.neighbors ?? []).flatMap((peer) => sessionWith(peer, this.#profiles.get(peer.name)) ?? []) });
  }

  /** Peers that keep this host's routes over a restart of the daemon: they are to lose none by one. */
  get keepers(): Keepers {
    return this.#keepers;
  }

  /** Whether a stop would take routes from some router. */
  wouldTakeBack(sequel: "nothing" | "restart"): boolean {
    return this.#speaker?.wouldTakeBack(sequel) === true;
  }

  /**
   * BFD says AdminDown, so that nobody takes the silence for a broken path (RFC 5882 3.2, 4.3). Before a restart only once the connections of
   * BGP are closed: a router that takes AdminDown for a failure all the same then keeps the routes, because it waits for us already.
   */
  async stop(sequel: "nothing" | "restart"): Promise<void> {
    const said = sequel === "restart" ? undefined : this.#watch.stop();
    await this.#speaker?.stop(sequel === "restart" ? "bmlb is restarting" : "bmlb is stopping", sequel);
    await (said ?? this.#watch.stop());
    this.#lastLeave.left();
  }
}

const NOWHERE: readonly BgpListen[] = [];

/** Of the peers that name one. Of others, and of those that no longer do, the path is not watched; their sessions of BGP know nothing of it. */
function profilesOf(peers: readonly BgpPeerConfig[], profiles: readonly BfdProfileConfig[]): ReadonlyMap<string, BfdProfileConfig> {
  const byName = new Map(profiles.map((profile) => [profile.name, profile]));
  return new Map(peers.flatMap(({ name, bfd }) => {
    const profile = bfd === undefined ? undefined : byName.get(bfd);
    return profile === undefined ? [] : [[name, profile]];
  }));
}

function sessionWith({ name, address, zone, sourceAddress, multihop }: BgpPeer, profile: BfdProfileConfig | undefined): BfdSession | undefined {
  if (profile === undefined) return undefined;
  return {
    peer: name,
    remote: address,
    zone,
    local: sourceAddress,
    multihop: multihop > 0,
    profile: {
      requiredMinRxMs: profile.receiveIntervalMs,
      desiredMinTxMs: profile.transmitIntervalMs,
      detectMult: profile.detectMultiplier,
      echoMs: profile.echoIntervalMs,
      passive: profile.passive,
      minimumTtl: profile.minimumTtl,
    },
  };
}

/** What a session is made of: what only says on which hosts there is one is left out, so that changing it resets none. */
function neighbor(peer: BgpPeerConfig, password: string | undefined): WantedPeer {
  const { name, address, zone, asn, localAsn, port, sourceAddress, sourceInterface, multihop, ttlSecurity, families, passive, maxPrefixes, role } = peer;
  const { holdTimeMs, keepaliveTimeMs, connectTimeMs, gracefulRestartMs } = peer;
  const session = { multihop, ttlSecurity, families, passive, maxPrefixes, role, holdTimeMs, keepaliveTimeMs, connectTimeMs, gracefulRestartMs, password };
  return { name, address, zone, asn, localAsn, port, sourceAddress, sourceInterface, ...session };
}
