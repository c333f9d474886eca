/** The side of the other hosts, put together: the fleet protocol, and the hellos that carry it. */
import { type Config, configDigests } from "./config/index.ts";
import { ALGORITHM, Fleet, type FleetEffects, type FleetSettings, readStatements, type Statement } from "./fleet/index.ts";
import type { HostsChange } from "./kube/index.ts";
import type { Link } from "./linux/index.ts";
import { Liveness } from "./liveness/index.ts";
import type { Log } from "./log/index.ts";
import { peersOf, standsFor, type World } from "./plan/index.ts";
import type { WorkerThread } from "./thread/index.ts";
import type { Clock, Random } from "./time/index.ts";

export type HostsOptions = Omit<FleetEffects, "say"> & {
  readonly config: Config;
  readonly instance: string;
  readonly recentStarts: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly thread: WorkerThread;
};

type SegmentLink = Link & { readonly mac: NonNullable<Link["mac"]> };

/** How long hellos go on where a changed configuration wants none any more: the others are to hear that this host serves nothing there, not to miss it. */
const LINGER_MS = 1000;

export class Hosts {
  readonly fleet: Fleet;
  readonly #liveness: Liveness;
  readonly #clock: Clock;
  /** Interfaces on which hellos pass. */
  #speaking: readonly string[] = [];
  #lingering: { readonly names: readonly string[]; readonly until: number } | undefined;

  constructor({ config, instance, recentStarts, clock, random, log, thread, ...effects }: HostsOptions) {
    this.#clock = clock;
    this.#liveness = new Liveness({
      log,
      clock,
      channel: thread.channel("hello"),
      onHello: (segment, statement, sequence) => { this.fleet.input({ type: "hello", segment, statement, sequence }); },
      onOwnHello: (segment, from) => { this.fleet.input({ type: "own-hello", segment, from }); },
    });
    this.fleet = new Fleet({
      self: { name: config.host.name, instance, recentStarts },
      settings: settingsOf(config),
      clock,
      random,
      effects: { ...effects, say: (segment, statement, urgency) => { this.#liveness.say(segment, statement, urgency); } },
    });
  }

  start(): void {
    this.fleet.start();
  }

  stop(): void {
    this.fleet.stop();
    this.#liveness.stop();
  }

  /** Hellos are signed with it, and believed if they are. What this host had before its first hello, the others have as well; of what comes later they learn like this one. */
  key(key: Uint8Array | undefined): void {
    this.#liveness.key(key, this.#speaking.length === 0 ? "at once" : "gradually");
  }

  /** Other settings. The segments are to be told anew after this. */
  configure(config: Config): void {
    this.#lingering = { names: this.#speaking, until: this.#clock.now() + LINGER_MS };
    this.fleet.input({ type: "settings", settings: settingsOf(config) });
  }

  /** The main loop turns. True if the segments are to be told anew. */
  tick(): boolean {
    this.#liveness.tick();
    const lingered = this.#lingering !== undefined && this.#clock.now() >= this.#lingering.until;
    if (lingered) this.#lingering = undefined;
    return lingered;
  }

  /**
   * Says hello on the interfaces on which this host has to do with others, and tells the fleet what it stands for there. Returns their names.
   * @param links those that can carry VIPs
   */
  segments(world: World, links: readonly Link[]): readonly string[] {
    const speaking = this.#choose(world, links);
    this.#speaking = speaking.map((link) => link.name);
    this.#liveness.segments(speaking);
    this.fleet.input({
      type: "segments",
      // Without any address it can neither say hello nor hear one: the others take it for dead, so it must not answer.
      segments: speaking.map((link) => ({ name: link.name, up: link.up && link.carrier && link.addresses.length > 0, mac: link.mac, addresses: link.addresses, advertisements: standsFor(world, link.name) })),
    });
    return this.#speaking;
  }

  /** Another host's Lease introduces it; what stands in it is somebody else's text. */
  lease(change: HostsChange): void {
    const host = change.type === "lease" ? change.lease.name : change.name;
    const statements = change.type === "lease" && change.lease.holder !== "" ? readStatements(change.lease.statement ?? "") : [];
    this.fleet.input({ type: "lease", host, statements });
    this.#liveness.introduce(host, statements.flatMap((statement: Statement) => statement.addresses));
  }

  warnings(): readonly string[] {
    return this.#liveness.warnings();
  }

  /** The interfaces of the [[l2]] advertisements; all if only BGP concerns this host. */
  #choose(world: World, links: readonly Link[]): readonly SegmentLink[] {
    const able = links.filter(hasMac);
    const chosen = able.filter((link) => standsFor(world, link.name).length > 0);
    if (chosen.length === 0 && (world.config.l2.length === 0 || peersOf(world).length > 0)) return able;
    return able.filter((link) => chosen.includes(link) || this.#lingering?.names.includes(link.name) === true);
  }
}

function settingsOf(config: Config): FleetSettings {
  const { fleet, host, bgp } = config;
  return { fleet, node: host.node, weight: host.weight, bgp: (bgp?.peers.length ?? 0) > 0, digests: { ...configDigests(config), algorithm: ALGORITHM } };
}

function hasMac(link: Link): link is SegmentLink {
  return link.mac !== undefined;
}
