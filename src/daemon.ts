/**
 * The composition root: builds the parts, wires sources → plan → actuators and the inputs back, and stops them in order.
 *
 * Everything that happens is planned (planning.ts) and applied. What the actuators see and hear comes back as inputs of the fleet.
 */
import { type DaemonState, type ReloadReport, Reporter, samplesOf } from "./admin/index.ts";
import { Allocator } from "./allocator.ts";
import { Bfd } from "./bfd/index.ts";
import { Cluster, type ClusterChange, KINDS, type ServiceKey } from "./cluster/index.ts";
import type { Config, Loaded, LoadedConfig } from "./config/index.ts";
import { Drain } from "./drain.ts";
import { type FleetFact, sayFact } from "./fleet/index.ts";
import { Hosts } from "./hosts.ts";
import { identify } from "./identity.ts";
import type { Credentials } from "./kube/index.ts";
import { Kubernetes } from "./kubernetes.ts";
import { Announcer } from "./l2/index.ts";
import { ipv6Forwarding, type Keepsakes, type Link, LinkWatcher, MulticastGroups, type Notifier, openFrameSocket } from "./linux/index.ts";
import type { Journal } from "./log/index.ts";
import type { Address } from "./net/index.ts";
import { ownNodeProblem, seeNodes } from "./nodes/index.ts";
import { peersOf, type PlanChanges, sayReason, standsFor, withoutInterface, type World } from "./plan/index.ts";
import { Planning } from "./planning.ts";
import { Reloads } from "./reload.ts";
import { reportSources } from "./report-sources.ts";
import { Routing } from "./routing.ts";
import { Servers } from "./servers.ts";
import { WorkerThread } from "./thread/index.ts";
import { type Clock, type Random, type Timer, within } from "./time/index.ts";

const PULSE_MS = 100;
const REPAIR_MS = 30_000;
/** How often the watchdog is fed within its limit. */
const FED_PER_INTERVAL = 4;
/** The longest that a stop waits for others to take over. */
const HAND_OVER_MS = 3500;
/** How long a stop waits after it told routers that this host leaves (RFC 8326): for them to find another way. */
const GRACEFUL_SHUTDOWN_MS = 2000;
/** The longest that a stop waits for the API. */
const GIVE_BACK_MS = 5000;
/** Without a cache, how long READY waits for the first list. */
const FIRST_LIST_MS = 3000;

type Parts = {
  readonly loaded: Loaded;
  /** Reads the configuration again. */
  readonly load: () => LoadedConfig;
  /** Is told of every configuration that came into force and is what the files say. */
  readonly keep: (loaded: Loaded) => void;
  /** Why `loaded` is not what the files say, as a sentence; undefined if it is. */
  readonly notAsInFiles: string | undefined;
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
  /** What is in force. */
  #loaded: Loaded;
  readonly #startedAt: number;
  readonly #cluster = new Cluster();
  readonly #thread: WorkerThread;
  readonly #hosts: Hosts;
  readonly #planning: Planning;
  readonly #l2: Announcer;
  readonly #links: LinkWatcher;
  readonly #routing: Routing;
  readonly #kubernetes: Kubernetes;
  readonly #allocator: Allocator;
  readonly #reporter: Reporter;
  readonly #servers: Servers;
  readonly #reloads: Reloads;
  readonly #drain: Drain;
  #view: "none" | "cache" | "api" = "none";
  #state: DaemonState = "starting";
  #viewTold: number | undefined;
  /** The parts have been stopped: whatever still happens must not start them again. */
  #quiet = false;
  #starting = Promise.resolve();
  #fedAt = Number.NEGATIVE_INFINITY;
  #nodeProblem: string | undefined;
  #onHandedOver: (() => void) | undefined;
  #nextPulse: Timer | undefined;
  #nextRepair: Timer | undefined;

  constructor(parts: Parts) {
    const { loaded, credentials, folders, keepsakes, journal: log, clock, random, version } = parts;
    const config = loaded.config;
    this.#parts = parts;
    this.#loaded = loaded;
    this.#startedAt = clock.now();
    const { instance, recentStarts } = identify(config.host.name, keepsakes, clock);

    this.#thread = new WorkerThread({ log, clock });
    this.#hosts = new Hosts({
      config,
      instance,
      recentStarts,
      clock,
      random,
      log,
      thread: this.#thread,
      changed: (addresses) => { this.#planning.standingMoved(addresses); },
      presence: () => { this.#planning.standingMoved(this.#cluster.addresses()); },
      fact: (fact) => { this.#tell(fact); },
    });
    this.#planning = new Planning({
      world: () => this.#world(),
      fleet: this.#hosts.fleet,
      clock,
      soon: (fn) => setImmediate(fn),
      apply: (changes) => { this.#apply(changes); },
      completed: () => {
        this.#applyBgp(new Set());
        this.#judgeOwnNode();
      },
    });
    this.#l2 = new Announcer({
      log,
      clock,
      random,
      openFrames: openFrameSocket,
      groups: new MulticastGroups(log),
      forwards: ipv6Forwarding,
      isVip: (address) => this.#planning.plan.vips.has(address),
      refreshMs: config.fleet.refreshMs,
      announceRate: config.fleet.announceRate,
      onEvent: (event) => { this.#hosts.fleet.input(event); },
    });
    this.#links = new LinkWatcher({ log, clock, onChange: (links) => { this.#takeLinks(links); } });
    this.#routing = new Routing({ keepsakes, log, clock, random, watch: (onEvent) => new Bfd({ log, clock, random, channel: this.#thread.channel("bfd"), onEvent }) });
    this.#kubernetes = new Kubernetes({
      config,
      credentials,
      instance,
      stateDirectory: folders.state,
      clock,
      random,
      log,
      onChanges: (changes) => { this.#takeChanges(changes); },
      onHost: (change) => { this.#hosts.lease(change); },
      onFleetKey: (key) => { this.#hosts.key(key); },
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
    this.#drain = new Drain({ keepsakes, fleet: this.#hosts.fleet, clock, log, stopping: () => this.#isStopping() });
    const sources = reportSources({
      version,
      cluster: this.#cluster,
      plan: () => this.#planning.plan,
      fleet: this.#hosts.fleet,
      l2: this.#l2,
      kubernetes: this.#kubernetes,
      allocator: this.#allocator,
      world: () => this.#world(),
      speaker: () => this.#routing.speaker,
      bfd: () => this.#routing.bfd(),
      state: () => this.#state,
      uptimeMs: () => clock.now() - this.#startedAt,
      view: () => this.#view,
      viewAgeMs: () => (this.#viewTold === undefined ? undefined : clock.now() - this.#viewTold),
      asInFiles: () => this.#reloads.problem === undefined,
      warnings: () => this.#warnings(),
      drainedSince: () => this.#drain.since,
    });
    const reporter = new Reporter(sources);
    this.#reporter = reporter;
    this.#servers = new Servers({
      runtime: folders.runtime,
      reporter,
      carryOut: {
        "/v1/reload": () => this.reload(),
        "/v1/drain": () => Promise.resolve(this.#drain.drain()),
        "/v1/undrain": () => Promise.resolve(this.#drain.undrain()),
      },
      samples: () => samplesOf({ status: reporter.status(), pools: reporter.pools(), l2: sources.l2(), bgp: sources.bgp(), bfd: sources.bfd(), linesLost: log.dropped }),
      unhealthy: () => (this.#state === "ready" ? undefined : this.#state),
      log,
      clock,
    });
    this.#reloads = new Reloads({
      load: parts.load,
      inForce: () => this.#loaded,
      identifier: () => this.#routing.speaker?.status().routerId,
      up: () => this.#starting,
      stopping: () => this.#isStopping(),
      soon: (fn) => setImmediate(fn),
      apply: (next) => { this.#configure(next); },
      keep: parts.keep,
      told: () => { parts.notifier.status(this.#reporter.line()); },
      log,
      problem: parts.notAsInFiles,
    });
  }

  get #config(): Config {
    return this.#loaded.config;
  }

  /** Resolves when it serves what it knows, or was told to stop before that. */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  /** Comes up in the order in which time is lost: first what must listen, then what is on disk, then what others serve. */
  async #start(): Promise<void> {
    const { journal: log, notifier, clock } = this.#parts;
    log.notice(`starting as host ${this.#config.host.name}`, { version: this.#parts.version, pools: this.#config.pools.length });
    if (this.#loaded.secrets.fleetKey !== undefined) this.#hosts.key(this.#loaded.secrets.fleetKey);
    this.#l2.start();
    this.#thread.start();
    this.#hosts.start();
    this.#pulse();
    // Before there are interfaces to say hello on: the others would not believe one that is not signed.
    await this.#kubernetes.loadKey();
    await this.#links.start();
    this.#judgeOwnNode();
    await this.#servers.start(this.#config.metrics);
    const cached = await this.#kubernetes.loadCache();
    if (cached) {
      this.#view = "cache";
      log.info(`read ${this.#cluster.serviceCount} Services from the cache on disk`, { services: this.#cluster.serviceCount });
    }
    if (this.#isStopping()) return;
    this.#kubernetes.start();
    await this.#planning.settled(cached ? Number.POSITIVE_INFINITY : FIRST_LIST_MS);
    if (this.#isStopping()) return;
    this.#state = "ready";
    notifier.ready(this.#reporter.line());
    log.notice("ready", { services: this.#cluster.serviceCount, view: this.#view, ms: Math.round(clock.now() - this.#startedAt) });
    for (const problem of this.#interfaceProblems()) log.warning(problem);
    if (!this.#cluster.complete) log.warning("the cluster is not known yet, neither from the API nor from the cache: nothing is announced until the API has answered");
    if (this.#reloads.problem === undefined) this.#parts.keep(this.#loaded);
    this.#drain.resume();
    this.#repair();
  }

  /** Reads the configuration again and puts it in force, or says why not; in its turn. */
  reload(): Promise<ReloadReport> {
    return this.#reloads.reload();
  }

  /** Puts another configuration in force, by difference: each part compares it with what it has. */
  #configure(next: Loaded): void {
    const { journal: log } = this.#parts;
    const known = new Set(this.#interfaceProblems());
    this.#loaded = next;
    const { config, secrets } = next;
    log.setLevel(config.host.logLevel);
    if (secrets.fleetKey !== undefined) this.#hosts.key(secrets.fleetKey);
    this.#kubernetes.configure(config);
    this.#servers.configure(config.metrics);
    this.#l2.configure(config.fleet);
    this.#hosts.configure(config);
    this.#startBgp();
    this.#takeNodes();
    this.#allocator.configure(config);
    this.#planning.worldMoved(this.#cluster.addresses());
    for (const problem of this.#interfaceProblems()) if (!known.has(problem)) log.warning(problem);
  }

  /** Hands over, withdraws, says goodbye, gives back the Leases. Before a restart (SIGUSR2), what keeps its routes meanwhile is left with them. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const { journal: log, notifier, clock } = this.#parts;
    const began = clock.now();
    const isRestart = signal === "SIGUSR2";
    this.#state = "stopping";
    notifier.stopping("handing over");
    log.notice(isRestart ? "stopping for a restart" : "stopping", { signal });
    this.#planning.hurry();
    await this.#starting;
    this.#allocator.stop();
    this.#drain.stop();
    const handedOver = new Promise<void>((resolve) => {
      this.#onHandedOver = resolve;
    });
    this.#hosts.fleet.input({ type: "leave", why: isRestart ? "restart" : "stop" });
    const sequel = isRestart ? "restart" : "nothing";
    await Promise.all([
      this.#hosts.fleet.handedOver() ? undefined : within(clock, HAND_OVER_MS, handedOver),
      this.#routing.wouldTakeBack(sequel) ? within(clock, GRACEFUL_SHUTDOWN_MS, new Promise(() => undefined)) : undefined,
    ]);
    this.#quiet = true;
    this.#planning.stop();
    this.#links.stop();
    await within(this.#parts.clock, GIVE_BACK_MS, Promise.all([this.#routing.stop(sequel), this.#l2.stop(), this.#kubernetes.stop()]));
    this.#kubernetes.client.stop();
    this.#hosts.stop();
    await Promise.all([this.#thread.stop(), this.#servers.stop()]);
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
    if (everything) this.#planning.worldMoved(this.#cluster.addresses());
    this.#planning.worldMoved(addresses);
    if (this.#view !== "api" && KINDS.every((kind) => this.#kubernetes.source.listedAt(kind) !== undefined)) {
      this.#view = "api";
      this.#parts.journal.info(`read ${this.#cluster.serviceCount} Services from the API`, { services: this.#cluster.serviceCount });
    }
    this.#planning.look();
  }

  /** What Kubernetes thinks of the nodes, this host's own first. */
  #takeNodes(): void {
    this.#hosts.fleet.input({ type: "nodes", ...seeNodes(this.#cluster, this.#config.host.node) });
    // node_selectors may choose otherwise now.
    this.#tellSegments();
    if (this.#planning.complete) this.#applyBgp(new Set());
    this.#judgeOwnNode();
  }

  /** Says it once when something is wrong with [host] node. */
  #judgeOwnNode(): void {
    const problem = ownNodeProblem(this.#cluster, this.#config.host.node);
    if (problem !== undefined && problem !== this.#nodeProblem) this.#parts.journal.warning(problem);
    this.#nodeProblem = problem;
  }

  #takeLinks(links: readonly Link[]): void {
    this.#startBgp();
    this.#l2.links(links);
    this.#tellSegments();
    this.#planning.worldMoved(this.#cluster.addresses());
  }

  #tellSegments(): void {
    if (this.#quiet) return;
    const segments = this.#hosts.segments(this.#world(), this.#broadcastLinks());
    // Who announces by BGP alone says hello, and has no use for frames.
    this.#l2.segments(this.#config.l2.length === 0 ? [] : segments);
  }

  #tell(fact: FleetFact): void {
    const { level, sentence, fields } = sayFact(fact);
    this.#parts.journal[level](sentence, fields);
    if (fact.fact === "stranger") this.#tellOfStranger(fact, sentence);
    if (fact.fact === "handed-over") this.#onHandedOver?.();
  }

  /** An Event on the Services, by the host that answers, or by those that would. */
  #tellOfStranger({ address, segment }: Extract<FleetFact, { readonly fact: "stranger" }>, sentence: string): void {
    const standing = this.#hosts.fleet.standing(address, segment);
    if (standing.role === "standby" && standing.owner !== undefined) return;
    for (const service of this.#cluster.servicesAt(address)) {
      this.#kubernetes.events.say({ service, type: "Warning", reason: "AddressConflict", action: "Announce", note: sentence });
    }
  }

  // ---- plan

  #world(): World {
    return {
      config: this.#config,
      cluster: this.#cluster,
      segments: this.#broadcastLinks().map((link) => ({ name: link.name, up: link.up && link.carrier })),
      fleet: this.#hosts.fleet,
      keepers: this.#routing.keepers,
    };
  }

  /**
   * The interfaces that can carry VIPs. Of a macvlan and the one that it is made on only the latter, if both are meant: they are one
   * segment, on which this host would answer with two MACs, and no hello passes between them that would show it.
   */
  #broadcastLinks(): readonly Link[] {
    const links = this.#links.links.filter((link) => link.broadcast);
    if (links.every(({ over }) => over === undefined)) return links;
    const meant = { config: this.#config, cluster: this.#cluster, segments: [], fleet: this.#hosts.fleet, keepers: this.#routing.keepers };
    const isMeant = ({ name }: Link): boolean => this.#config.l2.length === 0 || standsFor(meant, name).length > 0;
    return links.filter(({ over }) => over === undefined || !links.some((link) => link.index === over && isMeant(link)));
  }

  // ---- actuators

  #apply(changes: PlanChanges): void {
    if (changes.l2.size > 0) this.#l2.apply(this.#planning.plan.l2, changes.l2);
    if (changes.bgp.size > 0) this.#applyBgp(changes.bgp);
  }

  #startBgp(): void {
    this.#routing.start(this.#config, this.#links.links);
    this.#applyBgp(new Set());
  }

  #applyBgp(changed: ReadonlySet<Address>): void {
    const { passwords } = this.#loaded.secrets;
    this.#routing.apply({ config: this.#config, peers: peersOf(this.#world()), passwords, routes: this.#planning.plan.routes, complete: this.#planning.complete }, changed);
  }

  // ---- time

  /** Tells the worker thread and systemd that the main loop turns, and the fleet how current the view is. */
  #pulse(): void {
    const { clock, notifier } = this.#parts;
    this.#thread.tick();
    if (this.#hosts.tick()) this.#tellSegments();
    if (notifier.watchdogIntervalMs !== undefined && clock.now() - this.#fedAt >= notifier.watchdogIntervalMs / FED_PER_INTERVAL) {
      this.#fedAt = clock.now();
      notifier.watchdog();
    }
    const { contact, hostLease } = this.#kubernetes;
    if (contact.last !== undefined && contact.last !== this.#viewTold) {
      this.#viewTold = contact.last;
      this.#hosts.fleet.input({ type: "view-current", ageMs: clock.now() - contact.last });
    }
    hostLease.publish(JSON.stringify(Array.from(this.#hosts.fleet.statements().values())));
    this.#nextPulse = clock.timer("pulse", PULSE_MS, () => { this.#pulse(); });
  }

  /** Decides everything anew now and then, so that nothing that was missed stays missed. */
  #repair(): void {
    const { clock, notifier } = this.#parts;
    this.#nextRepair = clock.timer("repair", REPAIR_MS, () => {
      this.#planning.worldMoved(this.#cluster.addresses());
      this.#allocator.lookAtAll();
      if (!this.#quiet) this.#servers.repair();
      notifier.status(this.#reporter.line());
      this.#repair();
    });
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
    const { election, hostLease, source } = this.#kubernetes;
    const unwritten = source.status().cache?.problem;
    const disk = unwritten === undefined ? undefined : `the cluster cannot be written to disk: ${unwritten}; a restart without the API would know only what was written before`;
    const api = [election.status().problem, hostLease.status().problem].filter((problem) => problem !== undefined);
    const own = [this.#reloads.problem, this.#nodeProblem, disk].filter((problem) => problem !== undefined);
    return [...own, ...this.#drain.problems(), ...this.#servers.problems(), ...this.#interfaceProblems(), ...new Set(api), ...this.#hosts.warnings()];
  }
}
