/** The BGP side of the daemon, put together: the speaker, made once the interfaces are known, and the peers with their passwords. */
import { type BgpDesired, BgpSpeaker, RouteKeepers, type WantedPeer } from "./bgp/index.ts";
import type { BgpPeerConfig, Config } from "./config/index.ts";
import { routerId } from "./identity.ts";
import { LastLeave } from "./last-leave.ts";
import { addressesBeside, defaultRouteAddress, type Keepsakes, type Link, MulticastGroups, openFrameSocket, systemRoutes, systemTcp } from "./linux/index.ts";
import type { Log } from "./log/index.ts";
import type { Address } from "./net/index.ts";
import type { Keepers } from "./plan/index.ts";
import type { Clock, Random } from "./time/index.ts";

export type RoutingOptions = {
  readonly keepsakes: Keepsakes;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
};

/** What is to be so; `peers` are those that are for this host. */
export type RoutingDesired = Pick<BgpDesired, "routes" | "complete"> & {
  readonly config: Config;
  readonly peers: readonly BgpPeerConfig[];
  /** By the name of the peer. */
  readonly passwords: ReadonlyMap<string, string>;
};

export class Routing {
  readonly #options: RoutingOptions;
  readonly #lastLeave: LastLeave;
  readonly #keepers: RouteKeepers;
  #speaker: BgpSpeaker | undefined;

  constructor(options: RoutingOptions) {
    this.#options = options;
    this.#lastLeave = new LastLeave(options.keepsakes);
    this.#keepers = new RouteKeepers(this.#lastLeave.keepers(), (keepers) => { this.#lastLeave.stands(keepers); });
  }

  /** Undefined while there was nothing to speak. */
  get speaker(): BgpSpeaker | undefined {
    return this.#speaker;
  }

  /** Makes the speaker when it is first wanted, and tells it of the interfaces as they are now. */
  start({ host, bgp }: Config, links: readonly Link[]): void {
    if (this.#speaker === undefined && bgp !== undefined) {
      const { keepsakes, log, clock, random } = this.#options;
      const identifier = routerId(host.routerId, keepsakes, () => defaultRouteAddress(links));
      const kernel = { tcp: systemTcp, addressesBeside, openFrames: openFrameSocket, groups: new MulticastGroups(log), routes: systemRoutes };
      this.#speaker = new BgpSpeaker({ routerId: identifier, hostname: host.name, ...kernel, clock, random, log, keepers: this.#keepers });
      this.#speaker.start();
      const kept = this.#lastLeave.keepers().map(({ peer }) => peer);
      if (kept.length > 0) log.info("peers may still have the routes from before the restart, which stay until this daemon has sent its own", { peers: kept.join(",") });
    }
    this.#speaker?.links(links);
  }

  /** Makes it so for the VIPs that changed. Where [bgp] is gone, the sessions end. */
  apply({ config, peers, passwords, routes, complete }: RoutingDesired, changed: ReadonlySet<Address>): void {
    this.#speaker?.apply({ peers: peers.map((peer) => neighbor(peer, passwords.get(peer.name))), listen: config.bgp?.listen ?? [], routes, complete }, changed);
  }

  /** Peers that keep this host's routes over a restart of the daemon: they are to lose none by one. */
  get keepers(): Keepers {
    return this.#keepers;
  }

  /** Whether a stop would take routes from some router. */
  wouldTakeBack(sequel: "nothing" | "restart"): boolean {
    return this.#speaker?.wouldTakeBack(sequel) === true;
  }

  async stop(sequel: "nothing" | "restart"): Promise<void> {
    await this.#speaker?.stop(sequel === "restart" ? "bmlb is restarting" : "bmlb is stopping", sequel);
    this.#lastLeave.left();
  }
}

/** What a session is made of: what only says on which hosts there is one is left out, so that changing it resets none. */
function neighbor(peer: BgpPeerConfig, password: string | undefined): WantedPeer {
  const { name, address, zone, asn, localAsn, port, sourceAddress, sourceInterface, multihop, ttlSecurity, families, passive, maxPrefixes, role } = peer;
  const { holdTimeMs, keepaliveTimeMs, connectTimeMs, gracefulRestartMs } = peer;
  const session = { multihop, ttlSecurity, families, passive, maxPrefixes, role, holdTimeMs, keepaliveTimeMs, connectTimeMs, gracefulRestartMs, password };
  return { name, address, zone, asn, localAsn, port, sourceAddress, sourceInterface, ...session };
}
