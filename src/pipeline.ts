/**
 * The way of the data: sources → plan → actuators. What Kubernetes, the other hosts and the kernel say is planned (planning.ts), and what is
 * planned is made so by ARP, NDP and BGP; what these see and hear comes back as inputs of the fleet. Knows nothing of who runs it.
 */
import { Allocator } from "./allocator.ts";
import { Bfd } from "./bfd/index.ts";
import { type Cluster, type ClusterChange, KINDS } from "./cluster/index.ts";
import type { Config, Loaded } from "./config/index.ts";
import { type Fleet, type FleetFact, sayFact } from "./fleet/index.ts";
import { HandOver, type Sequel } from "./hand-over.ts";
import { Hosts } from "./hosts.ts";
import { identify } from "./identity.ts";
import type { Credentials } from "./kube/index.ts";
import { Kubernetes } from "./kubernetes.ts";
import type { Keepsakes } from "./linux/index.ts";
import type { Log } from "./log/index.ts";
import type { Address } from "./net/index.ts";
import { ownNodeProblem, seeNodes } from "./nodes/index.ts";
import { peersOf, type Plan, type PlanChanges, sayReason, withoutInterface, type World } from "./plan/index.ts";
import { Planning } from "./planning.ts";
import { Routing } from "./routing.ts";
import { Segments, type Surroundings } from "./segments.ts";
import type { WorkerThread } from "./thread/index.ts";
import { type Clock, type Random, within } from "./time/index.ts";
import { View } from "./view.ts";

/** The longest that a stop waits for the API. */
const GIVE_BACK_MS = 5000;

export type PipelineOptions = {
  readonly loaded: Loaded;
  readonly credentials: Credentials;
  /** Absolute path. */
  readonly stateDirectory: string;
  readonly keepsakes: Keepsakes;
  readonly thread: WorkerThread;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
};

export class Pipeline {
  readonly view: View;
  readonly hosts: Hosts;
  readonly segments: Segments;
  readonly routing: Routing;
  readonly kubernetes: Kubernetes;
  readonly allocator: Allocator;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #planning: Planning;
  readonly #handOver: HandOver;
  /** What is in force. */
  #loaded: Loaded;
  #nodeProblem: string | undefined;

  constructor({ loaded, credentials, stateDirectory, keepsakes, thread, log, clock, random }: PipelineOptions) {
    const { config } = loaded;
    const { instance, recentStarts } = identify(config.host.name, keepsakes, clock);
    this.#loaded = loaded;
    this.#log = log;
    this.#clock = clock;
    this.view = new View(log, clock);
    this.hosts = new Hosts({
      config,
      instance,
      recentStarts,
      clock,
      random,
      log,
      thread,
      changed: (addresses) => { this.#planning.standingMoved(addresses); },
      presence: () => { this.#planning.standingMoved(this.cluster.addresses()); },
      fact: (fact) => { this.#tell(fact); },
    });
    this.kubernetes = new Kubernetes({
      config,
      credentials,
      instance,
      stateDirectory,
      clock,
      random,
      log,
      onChanges: (changes) => { this.#takeChanges(changes); },
      onHost: (change) => { this.hosts.lease(change); },
      onFleetKey: (key) => { this.hosts.key(key); },
      onElected: () => {
        log.notice("this host is the allocator now");
        this.allocator.elected();
        this.kubernetes.source.relist("services");
      },
      onDeposed: (reason) => {
        log.notice(`this host is the allocator no more: ${reason}`);
        this.allocator.deposed();
      },
    });
    this.#planning = new Planning({
      world: () => this.world(),
      fleet: this.fleet,
      clock,
      soon: (fn) => setImmediate(fn),
      apply: (changes) => { this.#apply(changes); },
      completed: () => {
        this.#applyBgp(new Set());
        this.#judgeOwnNode();
      },
    });
    this.segments = new Segments({
      config,
      surroundings: () => this.#surroundings(),
      hosts: this.hosts,
      isVip: (address) => this.plan.vips.has(address),
      onLinks: () => {
        this.#startBgp();
        this.#planning.worldMoved(this.cluster.addresses());
      },
      log,
      clock,
      random,
    });
    this.routing = new Routing({ keepsakes, log, clock, random, watch: (onEvent) => new Bfd({ log, clock, random, channel: thread.channel("bfd"), onEvent }) });
    this.#handOver = new HandOver({ fleet: this.fleet, routing: this.routing, clock });
    this.allocator = new Allocator({
      config,
      cluster: this.cluster,
      clock,
      random,
      log,
      soon: (fn) => setImmediate(fn),
      leadingSafely: () => this.kubernetes.election.leadingSafely(),
      servicesListedAt: () => this.kubernetes.source.listedAt("services"),
      write: (service, ingress, pool) => this.kubernetes.writer.write(service, ingress, pool),
      wrote: (service) => { this.kubernetes.source.wrote(service); },
      event: (event) => { this.kubernetes.events.say(event); },
    });
  }

  get loaded(): Loaded {
    return this.#loaded;
  }

  get #config(): Config {
    return this.#loaded.config;
  }

  get cluster(): Cluster {
    return this.view.cluster;
  }

  get fleet(): Fleet {
    return this.hosts.fleet;
  }

  get plan(): Plan {
    return this.#planning.plan;
  }

  /** What is wrong with [host] node, as a sentence. */
  get nodeProblem(): string | undefined {
    return this.#nodeProblem;
  }

  /** Advertisements that no interface is there for; nothing before the interfaces have been read. */
  interfaceProblems(): readonly string[] {
    return this.segments.links.length === 0 ? [] : withoutInterface(this.world()).map(sayReason);
  }

  // ---- its life, in this order

  /** What must listen before anything is said to it. */
  open(): void {
    const { fleetKey } = this.#loaded.secrets;
    if (fleetKey !== undefined) this.hosts.key(fleetKey);
    this.segments.announcer.start();
    this.hosts.start();
  }

  /** Finds the interfaces, and says hello on them. */
  async join(): Promise<void> {
    // Before there are interfaces to say hello on: the others would not believe one that is not signed.
    await this.kubernetes.loadKey();
    await this.segments.find();
    this.#judgeOwnNode();
  }

  /** Reads the cluster as it is on disk. True if it is there. */
  async recall(): Promise<boolean> {
    const cached = await this.kubernetes.loadCache();
    if (cached) this.view.readFrom("cache");
    return cached;
  }

  /** Follows the cluster as the API serves it. Resolves when all that is known has been planned, after `ms`, or with `hurry`. */
  follow(ms: number): Promise<void> {
    this.kubernetes.start();
    return this.#planning.settled(ms);
  }

  /** Nobody waits for `follow` any more. */
  hurry(): void {
    this.#planning.hurry();
  }

  /** The main loop turns, ten times a second: the fleet hears how current the view is, and the others' Leases what this host says. */
  tick(): void {
    if (this.hosts.tick()) this.segments.tell();
    const { contact, hostLease } = this.kubernetes;
    if (contact.last !== undefined && this.view.heard(contact.last)) this.fleet.input({ type: "view-current", ageMs: this.#clock.now() - contact.last });
    hostLease.publish(JSON.stringify(Array.from(this.fleet.statements().values())));
  }

  /** Decides everything anew, so that nothing that was missed stays missed. */
  repair(): void {
    this.#planning.worldMoved(this.cluster.addresses());
    this.allocator.lookAtAll();
  }

  /** Puts another configuration in force, by difference: each part compares it with what it has. */
  configure(next: Loaded): void {
    this.#loaded = next;
    const { config, secrets } = next;
    if (secrets.fleetKey !== undefined) this.hosts.key(secrets.fleetKey);
    this.kubernetes.configure(config);
    this.segments.announcer.configure(config.fleet);
    this.hosts.configure(config);
    this.#startBgp();
    this.#takeNodes();
    this.allocator.configure(config);
    this.#planning.worldMoved(this.cluster.addresses());
  }

  /** Tells hosts and routers that this host leaves. Resolves when others have taken over, or had the time to. */
  leave(sequel: Sequel): Promise<void> {
    this.allocator.stop();
    return this.#handOver.begin(sequel);
  }

  /** Withdraws, says goodbye, gives back the Leases. */
  async stop(sequel: Sequel): Promise<void> {
    this.#planning.stop();
    this.segments.hush();
    await within(this.#clock, GIVE_BACK_MS, Promise.all([this.routing.stop(sequel), this.segments.announcer.stop(), this.kubernetes.stop()]));
    this.kubernetes.client.stop();
    this.hosts.stop();
  }

  // ---- sources

  #takeChanges(changes: readonly ClusterChange[]): void {
    const { addresses, services, everything, nodes, servicesListed } = this.view.take(changes);
    if (nodes) this.#takeNodes();
    if (services.size > 0) this.allocator.touched(services);
    if (servicesListed) this.allocator.lookAtAll();
    if (everything) this.#planning.worldMoved(this.cluster.addresses());
    this.#planning.worldMoved(addresses);
    if (KINDS.every((kind) => this.kubernetes.source.listedAt(kind) !== undefined)) this.view.readFrom("api");
    this.#planning.look();
  }

  /** What Kubernetes thinks of the nodes, this host's own first. */
  #takeNodes(): void {
    this.fleet.input({ type: "nodes", ...seeNodes(this.cluster, this.#config.host.node) });
    // node_selectors may choose otherwise now.
    this.segments.tell();
    if (this.#planning.complete) this.#applyBgp(new Set());
    this.#judgeOwnNode();
  }

  /** Says it once when something is wrong with [host] node. */
  #judgeOwnNode(): void {
    const problem = ownNodeProblem(this.cluster, this.#config.host.node);
    if (problem !== undefined && problem !== this.#nodeProblem) this.#log.warning(problem);
    this.#nodeProblem = problem;
  }

  #tell(fact: FleetFact): void {
    const { level, sentence, fields } = sayFact(fact);
    this.#log[level](sentence, fields);
    if (fact.fact === "stranger") this.#tellOfStranger(fact, sentence);
    if (fact.fact === "handed-over") this.#handOver.done();
  }

  /** An Event on the Services, by the host that answers, or by those that would. */
  #tellOfStranger({ address, segment }: Extract<FleetFact, { readonly fact: "stranger" }>, sentence: string): void {
    const standing = this.fleet.standing(address, segment);
    if (standing.role === "standby" && standing.owner !== undefined) return;
    for (const service of this.cluster.servicesAt(address)) {
      this.kubernetes.events.say({ service, type: "Warning", reason: "AddressConflict", action: "Announce", note: sentence });
    }
  }

  // ---- plan

  /** All that a plan is made of, as it is now. */
  world(): World {
    return { ...this.#surroundings(), segments: this.segments.segments };
  }

  #surroundings(): Surroundings {
    return { config: this.#config, cluster: this.cluster, fleet: this.fleet, keepers: this.routing.keepers };
  }

  // ---- actuators

  #apply(changes: PlanChanges): void {
    if (changes.l2.size > 0) this.segments.announcer.apply(this.plan.l2, changes.l2);
    if (changes.bgp.size > 0) this.#applyBgp(changes.bgp);
  }

  #startBgp(): void {
    this.routing.start(this.#config, this.segments.links);
    this.#applyBgp(new Set());
  }

  #applyBgp(changed: ReadonlySet<Address>): void {
    const { passwords } = this.#loaded.secrets;
    this.routing.apply({ config: this.#config, peers: peersOf(this.world()), passwords, routes: this.plan.routes, complete: this.#planning.complete }, changed);
  }
}
