/**
 * The composition root: builds the parts, wires sources → plan → actuators and the inputs back, and stops them in order.
 *
 * Everything that happens ends up as dirty addresses in one queue; a pass over it tells the fleet where this host stands, plans, and
 * applies what changed. What the actuators see and hear comes back as inputs of the fleet.
 */
import { mkdirSync } from "node:fs";
import { AdminSocket, answerFrom, type DaemonState, MetricsServer, Reporter, type ReportSources, samplesOf } from "./admin/index.ts";
import { Allocator } from "./allocator.ts";
import { type BgpPeer, BgpSpeaker } from "./bgp/index.ts";
import { Cluster, type ClusterChange, KINDS, type ServiceKey } from "./cluster/index.ts";
import { type Config, configDigests, type LoadedConfig } from "./config/index.ts";
import { ALGORITHM, Fleet, type FleetFact, type FleetSettings, readStatements, sayFact, type Statement } from "./fleet/index.ts";
import { identify, routerId } from "./identity.ts";
import type { Credentials, HostsChange } from "./kube/index.ts";
import { Kubernetes } from "./kubernetes.ts";
import { Announcer, type L2Event } from "./l2/index.ts";
import { addressesBeside, defaultRouteAddress, ipv6Forwarding, type Keepsakes, type Link, LinkWatcher, MulticastGroups, type Notifier, openFrameSocket, systemTcp } from "./linux/index.ts";
import { Liveness } from "./liveness/index.ts";
import type { Journal } from "./log/index.ts";
import type { Address } from "./net/index.ts";
import { ownNodeProblem, seeNodes } from "./nodes/index.ts";
import { DirtyQueue, dueVips, notServed, peersOf, Planner, planVip, sayReason, standsFor, withoutInterface, type World } from "./plan/index.ts";
import { type Clock, type Random, type Timer, within } from "./time/index.ts";

const PULSE_MS = 100;
const REPAIR_MS = 30_000;
/** How often the watchdog is fed within its limit. */
const FED_PER_INTERVAL = 4;
/** The longest that a stop waits for others to take over. */
const HAND_OVER_MS = 3500;
/** The longest that a stop waits for the API. */
const GIVE_BACK_MS = 5000;
/** Without a cache, how long READY waits for the first list. */
const FIRST_LIST_MS = 3000;

type SegmentLink = Link & { readonly mac: NonNullable<Link["mac"]> };

type Parts = {
  readonly loaded: Extract<LoadedConfig, { readonly ok: true }>;
  readonly credentials: Credentials;
  readonly version: string;
  /** Absolute paths; the runtime directory may be missing. */
  readonly folders: { readonly state: string; readonly runtime: string };
  readonly keepsakes: Keepsakes;
  readonly journal: Journal;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly random: Random;
};

export class Daemon {
  readonly #parts: Parts;
  readonly #config: Config;
  readonly #startedAt: number;
  readonly #cluster = new Cluster();
  readonly #planner = new Planner();
  readonly #queue: DirtyQueue<Address>;
  /** Dirty addresses for which the world changed, not only this host's standing. */
  readonly #moved = new Set<Address>();
  readonly #fleet: Fleet;
  readonly #liveness: Liveness;
  readonly #l2: Announcer;
  readonly #links: LinkWatcher;
  readonly #kubernetes: Kubernetes;
  readonly #allocator: Allocator;
  readonly #reporter: Reporter;
  readonly #admin: AdminSocket;
  readonly #metrics: MetricsServer | undefined;
  readonly #problems: string[] = [];
  #bgp: BgpSpeaker | undefined;
  #peers: readonly BgpPeer[] = [];
  #view: "none" | "cache" | "api" = "none";
  #state: DaemonState = "starting";
  #viewTold: number | undefined;
  #complete = false;
  /** The parts have been stopped: whatever still happens must not start them again. */
  #quiet = false;
  #starting = Promise.resolve();
  #fedAt = Number.NEGATIVE_INFINITY;
  #nodeProblem: string | undefined;
  #metricsProblem: string | undefined;
  #onIdle: (() => void) | undefined;
  #onHandedOver: (() => void) | undefined;
  #nextPulse: Timer | undefined;
  #nextRepair: Timer | undefined;

  constructor(parts: Parts) {
    const { loaded, credentials, folders, keepsakes, journal: log, clock, random, version } = parts;
    const config = loaded.config;
    this.#parts = parts;
    this.#config = config;
    this.#startedAt = clock.now();
    const { instance, recentStarts } = identify(config.host.name, keepsakes, clock);

    this.#queue = new DirtyQueue({ pass: (addresses) => { this.#plan(addresses); }, now: () => clock.now(), soon: (fn) => setImmediate(fn) });
    this.#liveness = new Liveness({
      log,
      clock,
      onHello: (segment, statement, sequence) => { this.#fleet.input({ type: "hello", segment, statement, sequence }); },
      onOwnHello: (segment, from) => { this.#fleet.input({ type: "own-hello", segment, from }); },
    });
    this.#fleet = new Fleet({
      self: { name: config.host.name, instance, node: config.host.node, recentStarts },
      settings: fleetSettings(config),
      clock,
      random,
      effects: {
        say: (segment, statement, urgency) => { this.#liveness.say(segment, statement, urgency); },
        changed: (addresses) => { this.#queue.mark(addresses); },
        presence: () => { this.#queue.mark(this.#cluster.addresses()); },
        fact: (fact) => { this.#tell(fact); },
      },
    });
    this.#l2 = new Announcer({
      log,
      clock,
      random,
      openFrames: openFrameSocket,
      groups: new MulticastGroups(log),
      forwards: ipv6Forwarding,
      isVip: (address) => this.#planner.plan.vips.has(address),
      refreshMs: config.fleet.refreshMs,
      announceRate: config.fleet.announceRate,
      onEvent: (event) => { this.#hear(event); },
    });
    this.#links = new LinkWatcher({ log, clock, onChange: (links) => { this.#takeLinks(links); } });
    this.#kubernetes = new Kubernetes({
      config,
      credentials,
      instance,
      stateDirectory: folders.state,
      clock,
      random,
      log,
      onChanges: (changes) => { this.#takeChanges(changes); },
      onHost: (change) => { this.#takeHost(change); },
      onFleetKey: (key) => { this.#liveness.key(key); },
      onElected: () => {
        log.notice("this host is the allocator now");
        this.#allocator.elected();
        this.#kubernetes.source.relist("services");
      },
      onDeposed: (reason) => {
        log.notice(`this host is the allocator no more: ${reason}`);
        this.#allocator.deposed();
      },
    });
    this.#allocator = new Allocator({
      config,
      cluster: this.#cluster,
      clock,
      random,
      log,
      soon: (fn) => setImmediate(fn),
      leadingSafely: () => this.#kubernetes.election.leadingSafely(),
      servicesListedAt: () => this.#kubernetes.source.listedAt("services"),
      write: (service, ingress, pool) => this.#kubernetes.writer.write(service, ingress, pool),
      wrote: (service) => { this.#kubernetes.source.wrote(service); },
      event: (event) => { this.#kubernetes.events.say(event); },
    });
    const sources = this.#reportSources(version);
    const reporter = new Reporter(sources);
    this.#reporter = reporter;
    this.#admin = new AdminSocket({ path: `${folders.runtime}/bmlb.sock`, log, clock, soon: (fn) => setImmediate(fn), answer: (path, query) => answerFrom(reporter, path, query) });
    const { listen } = config.metrics;
    this.#metrics =
      listen === "off"
        ? undefined
        : new MetricsServer({
            ...listen,
            log,
            read: () => samplesOf({ status: reporter.status(), pools: reporter.pools(), l2: sources.l2(), bgp: sources.bgp(), linesLost: log.dropped }),
            unhealthy: () => (this.#state === "ready" ? undefined : this.#state),
          });
  }

  /** Resolves when it serves what it knows, or was told to stop before that. */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  /** Comes up in the order in which time is lost: first what must listen, then what is on disk, then what others serve. */
  async #start(): Promise<void> {
    const { journal: log, notifier, clock, loaded } = this.#parts;
    log.notice(`starting as host ${this.#config.host.name}`, { version: this.#parts.version, pools: this.#config.pools.length });
    if (loaded.secrets.fleetKey !== undefined) this.#liveness.key(loaded.secrets.fleetKey);
    this.#liveness.start();
    this.#l2.start();
    this.#fleet.start();
    this.#pulse();
    await this.#links.start();
    this.#judgeOwnNode();
    await this.#startServers();
    const cached = await this.#kubernetes.loadCache();
    if (cached) {
      this.#view = "cache";
      log.info(`read ${this.#cluster.serviceCount} Services from the cache on disk`, { services: this.#cluster.serviceCount });
    }
    if (this.#isStopping()) return;
    this.#kubernetes.start();
    await this.#settled(cached ? Number.POSITIVE_INFINITY : FIRST_LIST_MS);
    if (this.#isStopping()) return;
    this.#state = "ready";
    notifier.ready(this.#statusLine());
    log.notice("ready", { services: this.#cluster.serviceCount, view: this.#view, ms: Math.round(clock.now() - this.#startedAt) });
    for (const problem of this.#interfaceProblems()) log.warning(problem);
    if (!this.#cluster.complete) log.warning("the cluster is not known yet, neither from the API nor from the cache: nothing is announced until the API has answered");
    this.#repair();
  }

  /** Hands over, withdraws, says goodbye, gives back the Leases. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const { journal: log, notifier, clock } = this.#parts;
    const began = clock.now();
    this.#state = "stopping";
    notifier.stopping("handing over");
    log.notice("stopping", { signal });
    this.#onIdle?.();
    await this.#starting;
    this.#allocator.stop();
    const handedOver = new Promise<void>((resolve) => {
      this.#onHandedOver = resolve;
    });
    this.#fleet.input({ type: "leave", why: "stop" });
    if (!this.#fleet.handedOver()) await within(this.#parts.clock, HAND_OVER_MS, handedOver);
    this.#quiet = true;
    this.#links.stop();
    await within(this.#parts.clock, GIVE_BACK_MS, Promise.all([this.#bgp?.stop("bmlb is stopping"), this.#l2.stop(), this.#kubernetes.stop()]));
    this.#kubernetes.client.stop();
    this.#fleet.stop();
    await Promise.all([this.#liveness.stop(), this.#admin.stop(), this.#metrics?.stop()]);
    this.#nextPulse?.cancel();
    this.#nextRepair?.cancel();
    log.notice("stopped", { ms: Math.round(clock.now() - began) });
  }

  // ---- sources

  #takeChanges(changes: readonly ClusterChange[]): void {
    const addresses = new Set<Address>();
    const services = new Set<ServiceKey>();
    let everything = false;
    let nodes = false;
    for (const change of changes) {
      const touched = this.#cluster.apply(change);
      for (const address of touched.addresses) addresses.add(address);
      for (const key of touched.services) services.add(key);
      everything ||= touched.everything;
      nodes ||= change.type === "node" || change.type === "node-gone";
    }
    if (nodes) this.#takeNodes();
    if (services.size > 0) this.#allocator.touched(services);
    if (changes.some((change) => change.type === "synced" && change.kind === "services")) this.#allocator.lookAtAll();
    if (everything) this.#worldMoved(this.#cluster.addresses());
    this.#worldMoved(addresses);
    if (this.#view !== "api" && KINDS.every((kind) => this.#kubernetes.source.listedAt(kind) !== undefined)) {
      this.#view = "api";
      this.#parts.journal.info(`read ${this.#cluster.serviceCount} Services from the API`, { services: this.#cluster.serviceCount });
    }
    if (this.#queue.idle) this.#idle();
  }

  /** What Kubernetes thinks of the nodes, this host's own first. */
  #takeNodes(): void {
    this.#fleet.input({ type: "nodes", ...seeNodes(this.#cluster, this.#config.host.node) });
    // node_selectors may choose otherwise now.
    this.#tellFleetSegments();
    if (this.#complete) this.#applyBgp(new Set());
    this.#judgeOwnNode();
  }

  /** Says it once when something is wrong with [host] node. */
  #judgeOwnNode(): void {
    const problem = ownNodeProblem(this.#cluster, this.#config.host.node);
    if (problem !== undefined && problem !== this.#nodeProblem) this.#parts.journal.warning(problem);
    this.#nodeProblem = problem;
  }

  #takeLinks(links: readonly Link[]): void {
    this.#startBgp(links);
    this.#l2.links(links);
    this.#tellFleetSegments();
    this.#worldMoved(this.#cluster.addresses());
  }

  #tellFleetSegments(): void {
    if (this.#quiet) return;
    const world = this.#world();
    const links = this.#segmentLinks();
    // Who announces by BGP alone says hello, and has no use for frames.
    this.#l2.segments(this.#config.l2.length === 0 ? [] : links.map((link) => link.name));
    this.#liveness.segments(links);
    this.#fleet.input({
      type: "segments",
      // Without any address it can neither say hello nor hear one: the others take it for dead, so it must not answer.
      segments: links.map((link) => ({ name: link.name, up: link.up && link.carrier && link.addresses.length > 0, mac: link.mac, addresses: link.addresses, advertisements: standsFor(world, link.name) })),
    });
  }

  /** Another host's Lease introduces it; what stands in it is somebody else's text. */
  #takeHost(change: HostsChange): void {
    const host = change.type === "lease" ? change.lease.name : change.name;
    const statements = change.type === "lease" && change.lease.holder !== "" ? readStatements(change.lease.statement ?? "") : [];
    this.#fleet.input({ type: "lease", host, statements });
    this.#liveness.introduce(host, statements.flatMap((statement: Statement) => statement.addresses));
  }

  #hear(event: L2Event): void {
    this.#fleet.input(event);
  }

  #tell(fact: FleetFact): void {
    const { level, sentence, fields } = sayFact(fact);
    this.#parts.journal[level](sentence, fields);
    if (fact.fact === "handed-over") this.#onHandedOver?.();
  }

  // ---- plan

  #worldMoved(addresses: Iterable<Address>): void {
    const list = Array.from(addresses);
    for (const address of list) this.#moved.add(address);
    this.#queue.mark(list);
  }

  #plan(addresses: readonly Address[]): void {
    if (this.#quiet) return;
    const world = this.#world();
    const moved = addresses.filter((address) => this.#moved.delete(address));
    if (moved.length > 0) this.#fleet.input({ type: "vips", due: new Map(moved.map((address) => [address, dueVips(world, address)])) });
    const changes = this.#planner.update(world, addresses);
    if (changes.l2.size > 0) this.#l2.apply(this.#planner.plan.l2, changes.l2);
    if (changes.bgp.size > 0) this.#applyBgp(changes.bgp);
    if (this.#queue.idle) this.#idle();
  }

  /** Nothing is left to plan: what has been announced is all that there is. */
  #idle(): void {
    if (!this.#cluster.complete) return;
    if (!this.#complete) {
      this.#complete = true;
      this.#applyBgp(new Set());
      this.#judgeOwnNode();
    }
    this.#onIdle?.();
  }

  #world(): World {
    return {
      config: this.#config,
      cluster: this.#cluster,
      segments: this.#broadcastLinks().map((link) => ({ name: link.name, up: link.up && link.carrier })),
      fleet: this.#fleet,
    };
  }

  /**
   * The interfaces that can carry VIPs. Of a macvlan and the one that it is made on only the latter, if both are meant: they are one
   * segment, on which this host would answer with two MACs, and no hello passes between them that would show it.
   */
  #broadcastLinks(): readonly Link[] {
    const links = this.#links.links.filter((link) => link.broadcast);
    if (links.every(({ over }) => over === undefined)) return links;
    const meant = { config: this.#config, cluster: this.#cluster, segments: [], fleet: this.#fleet };
    const isMeant = ({ name }: Link): boolean => this.#config.l2.length === 0 || standsFor(meant, name).length > 0;
    return links.filter(({ over }) => over === undefined || !links.some((link) => link.index === over && isMeant(link)));
  }

  /** The interfaces on which this host says hello: those of its [[l2]] advertisements; all if only BGP concerns it. */
  #segmentLinks(): readonly SegmentLink[] {
    const world = this.#world();
    const links = this.#broadcastLinks().filter(hasMac);
    const chosen = links.filter((link) => standsFor(world, link.name).length > 0);
    return chosen.length === 0 && (this.#config.l2.length === 0 || peersOf(world).length > 0) ? links : chosen;
  }

  // ---- actuators

  #startBgp(links: readonly Link[]): void {
    if (this.#bgp !== undefined || this.#config.bgp === undefined) return;
    const { journal: log, clock, random } = this.#parts;
    this.#bgp = new BgpSpeaker({
      routerId: routerId(this.#config.host.routerId, this.#parts.keepsakes, () => defaultRouteAddress(links)),
      hostname: this.#config.host.name,
      tcp: systemTcp,
      clock,
      random,
      log,
      addressesBeside,
    });
    this.#bgp.start();
    this.#applyBgp(new Set());
  }

  #applyBgp(changed: ReadonlySet<Address>): void {
    const { bgp } = this.#config;
    if (bgp === undefined) return;
    const { passwords } = this.#parts.loaded.secrets;
    this.#peers = peersOf(this.#world()).map((peer) => ({ ...peer, password: passwords.get(peer.name) }));
    this.#bgp?.apply({ peers: this.#peers, listen: bgp.listen, routes: this.#planner.plan.routes, complete: this.#complete }, changed);
  }

  async #startServers(): Promise<void> {
    const { runtime } = this.#parts.folders;
    const missing = makeFolder(runtime);
    const unheard = missing === undefined ? await this.#admin.start() : `cannot make ${runtime}, so that \`bmlb status\` and its kin get no answer: ${missing}`;
    if (unheard !== undefined) {
      this.#problems.push(unheard);
      this.#parts.journal.error(unheard);
    }
    await this.#startMetrics();
  }

  /** An address that is not there yet, or a port that another program has, may come free. */
  async #startMetrics(): Promise<void> {
    const before = this.#metricsProblem;
    this.#metricsProblem = await this.#metrics?.start();
    if (this.#metricsProblem !== undefined && before === undefined) this.#parts.journal.error(this.#metricsProblem);
    if (this.#metricsProblem === undefined && before !== undefined) this.#parts.journal.notice("metrics are served now");
  }

  // ---- time

  /** Tells the worker thread and systemd that the main loop turns, and the fleet how current the view is. */
  #pulse(): void {
    const { clock, notifier } = this.#parts;
    this.#liveness.tick();
    if (notifier.watchdogIntervalMs !== undefined && clock.now() - this.#fedAt >= notifier.watchdogIntervalMs / FED_PER_INTERVAL) {
      this.#fedAt = clock.now();
      notifier.watchdog();
    }
    const { contact, hostLease } = this.#kubernetes;
    if (contact.last !== undefined && contact.last !== this.#viewTold) {
      this.#viewTold = contact.last;
      this.#fleet.input({ type: "view-current", ageMs: clock.now() - contact.last });
    }
    hostLease.publish(JSON.stringify(Array.from(this.#fleet.statements().values())));
    this.#nextPulse = clock.timer("pulse", PULSE_MS, () => { this.#pulse(); });
  }

  /** Decides everything anew now and then, so that nothing that was missed stays missed. */
  #repair(): void {
    const { clock, notifier } = this.#parts;
    this.#nextRepair = clock.timer("repair", REPAIR_MS, () => {
      this.#worldMoved(this.#cluster.addresses());
      this.#allocator.lookAtAll();
      if (this.#metricsProblem !== undefined && !this.#quiet) void this.#startMetrics();
      notifier.status(this.#statusLine());
      this.#repair();
    });
  }

  /** Resolves when everything that is known has been planned, or after `ms`. */
  #settled(ms: number): Promise<void> {
    const settled = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    if (this.#queue.idle) this.#idle();
    return within(this.#parts.clock, ms, settled);
  }

  #statusLine(): string {
    const { vips, peers } = this.#reporter.status();
    const view = { none: "the cluster is not known yet", cache: "cluster as the cache on disk has it", api: "cluster as the API has it" }[this.#view];
    return `${vips.total} VIPs, ${vips.answered_here} answered here; ${peers.established} of ${peers.configured} BGP peers; ${view}`;
  }

  /** A method, so that the compiler does not think that nothing happens while we wait. */
  #isStopping(): boolean {
    return this.#state === "stopping";
  }

  /** Nothing before the interfaces have been read. */
  #interfaceProblems(): readonly string[] {
    return this.#links.links.length === 0 ? [] : withoutInterface(this.#world()).map(sayReason);
  }

  #warnings(): readonly string[] {
    const { election, hostLease } = this.#kubernetes;
    const api = [election.status().problem, hostLease.status().problem].filter((problem) => problem !== undefined);
    const own = [this.#metricsProblem, this.#nodeProblem].filter((problem) => problem !== undefined);
    return [...this.#problems, ...own, ...this.#interfaceProblems(), ...new Set(api), ...this.#liveness.warnings()];
  }

  /** What the reporter may look at, as it is when it looks. */
  #reportSources(version: string): ReportSources {
    const { clock } = this.#parts;
    return {
      version,
      pid: process.pid,
      config: this.#config,
      cluster: this.#cluster,
      state: () => this.#state,
      uptimeMs: () => clock.now() - this.#startedAt,
      view: () => this.#view,
      viewAgeMs: () => (this.#viewTold === undefined ? undefined : clock.now() - this.#viewTold),
      plan: () => this.#planner.plan,
      warnings: () => this.#warnings(),
      kube: () => ({ source: this.#kubernetes.source.status(), client: this.#kubernetes.client.status(), election: this.#kubernetes.election.status() }),
      l2: () => this.#l2.status(),
      bgp: () => this.#bgp?.status(),
      announcedTo: (address) => this.#bgp?.announcedTo(address) ?? [],
      hosts: () => this.#fleet.hosts(),
      presence: () => this.#fleet.presence(),
      standing: (address, segment) => this.#fleet.standing(address, segment),
      explainOwnership: (address, segment) => this.#fleet.explain(address, segment),
      planVip: (address) => planVip(this.#world(), address),
      sayReason,
      notServed: (service) => notServed(this.#config, service),
      pools: () => this.#allocator.pools(),
      refusal: (service) => this.#allocator.refusals().get(service.key),
    };
  }
}

function fleetSettings(config: Config): FleetSettings {
  return { fleet: config.fleet, weight: config.host.weight, bgp: (config.bgp?.peers.length ?? 0) > 0, digests: { ...configDigests(config), algorithm: ALGORITHM } };
}

function hasMac(link: Link): link is SegmentLink {
  return link.mac !== undefined;
}

/** The reason why the folder cannot be made; undefined if it is there. */
function makeFolder(path: string): string | undefined {
  try {
    mkdirSync(path, { recursive: true, mode: 0o750 });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
