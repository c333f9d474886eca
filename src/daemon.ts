/**
 * The daemon's life: it starts, runs, takes another configuration, and leaves. What it runs is the pipeline (pipeline.ts); beside that
 * stand what people and programs ask of it, and systemd.
 */
import { type DaemonState, type ReloadReport, Reporter, samplesOf } from "./admin/index.ts";
import type { Loaded, LoadedConfig } from "./config/index.ts";
import { Drain } from "./drain.ts";
import type { Credentials } from "./kube/index.ts";
import type { Keepsakes, Notifier } from "./linux/index.ts";
import type { Journal } from "./log/index.ts";
import { Pipeline } from "./pipeline.ts";
import { Reloads } from "./reload.ts";
import { reportSources } from "./report-sources.ts";
import { Servers } from "./servers.ts";
import { WorkerThread } from "./thread/index.ts";
import type { Clock, Random, Timer } from "./time/index.ts";

const PULSE_MS = 100;
const REPAIR_MS = 30_000;
/** How often the watchdog is fed within its limit. */
const FED_PER_INTERVAL = 4;
/** Without a cache, how long READY waits for the first list. */
const FIRST_LIST_MS = 3000;

export type DaemonOptions = {
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
  readonly #options: DaemonOptions;
  readonly #startedAt: number;
  readonly #thread: WorkerThread;
  readonly #pipeline: Pipeline;
  readonly #reporter: Reporter;
  readonly #servers: Servers;
  readonly #reloads: Reloads;
  readonly #drain: Drain;
  #state: DaemonState = "starting";
  #starting = Promise.resolve();
  /** The parts are being stopped. */
  #quiet = false;
  #fedAt = Number.NEGATIVE_INFINITY;
  #nextPulse: Timer | undefined;
  #nextRepair: Timer | undefined;

  constructor(options: DaemonOptions) {
    const { loaded, credentials, folders, keepsakes, journal: log, notifier, clock, random, version } = options;
    this.#options = options;
    this.#startedAt = clock.now();
    const thread = new WorkerThread({ log, clock });
    const pipeline = new Pipeline({ loaded, credentials, stateDirectory: folders.state, keepsakes, thread, log, clock, random });
    this.#thread = thread;
    this.#pipeline = pipeline;
    this.#drain = new Drain({ keepsakes, fleet: pipeline.fleet, clock, log, stopping: () => this.#isStopping() });
    const sources = reportSources(pipeline, {
      version,
      state: () => this.#state,
      uptimeMs: () => clock.now() - this.#startedAt,
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
      load: options.load,
      inForce: () => pipeline.loaded,
      identifier: () => pipeline.routing.speaker?.status().routerId,
      up: () => this.#starting,
      stopping: () => this.#isStopping(),
      soon: (fn) => setImmediate(fn),
      apply: (next) => { this.#configure(next); },
      keep: options.keep,
      told: () => { notifier.status(reporter.line()); },
      log,
      problem: options.notAsInFiles,
    });
  }

  // ---- start

  /** Resolves when it serves what it knows, or was told to stop before that. */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  /** Comes up in the order in which time is lost: first what must listen, then what is on disk, then what others serve. */
  async #start(): Promise<void> {
    const { version, keep, journal: log, notifier, clock } = this.#options;
    const pipeline = this.#pipeline;
    const { loaded, view } = pipeline;
    const { host, pools, metrics } = loaded.config;
    log.notice(`starting as host ${host.name}`, { version, pools: pools.length });
    this.#thread.start();
    pipeline.open();
    this.#pulse();
    await pipeline.join();
    await this.#servers.start(metrics);
    const cached = await pipeline.recall();
    if (this.#isStopping()) return;
    await pipeline.follow(cached ? Number.POSITIVE_INFINITY : FIRST_LIST_MS);
    if (this.#isStopping()) return;
    this.#state = "ready";
    notifier.ready(this.#reporter.line());
    log.notice("ready", { services: view.cluster.serviceCount, view: view.source, ms: Math.round(clock.now() - this.#startedAt) });
    for (const problem of pipeline.interfaceProblems()) log.warning(problem);
    if (!view.cluster.complete) log.warning("the cluster is not known yet, neither from the API nor from the cache: nothing is announced until the API has answered");
    if (this.#reloads.problem === undefined) keep(loaded);
    this.#drain.resume();
    this.#repair();
  }

  // ---- run: what happens runs through the pipeline; these are the clocks

  /** Tells the worker thread, systemd and the pipeline that the main loop turns. */
  #pulse(): void {
    const { clock, notifier } = this.#options;
    this.#thread.tick();
    if (notifier.watchdogIntervalMs !== undefined && clock.now() - this.#fedAt >= notifier.watchdogIntervalMs / FED_PER_INTERVAL) {
      this.#fedAt = clock.now();
      notifier.watchdog();
    }
    this.#pipeline.tick();
    this.#nextPulse = clock.timer("pulse", PULSE_MS, () => { this.#pulse(); });
  }

  /** Looks at everything anew now and then, so that nothing that was missed stays missed. */
  #repair(): void {
    const { clock, notifier } = this.#options;
    this.#nextRepair = clock.timer("repair", REPAIR_MS, () => {
      this.#pipeline.repair();
      if (!this.#quiet) this.#servers.repair();
      notifier.status(this.#reporter.line());
      this.#repair();
    });
  }

  #warnings(): readonly string[] {
    const { kubernetes, hosts, nodeProblem } = this.#pipeline;
    const { election, hostLease, source } = kubernetes;
    const unwritten = source.status().cache?.problem;
    const disk = unwritten === undefined ? undefined : `the cluster cannot be written to disk: ${unwritten}; a restart without the API would know only what was written before`;
    const api = [election.status().problem, hostLease.status().problem].filter((problem) => problem !== undefined);
    const own = [this.#reloads.problem, nodeProblem, disk].filter((problem) => problem !== undefined);
    return [...own, ...this.#drain.problems(), ...this.#servers.problems(), ...this.#pipeline.interfaceProblems(), ...new Set(api), ...hosts.warnings()];
  }

  // ---- reload

  /** Reads the configuration again and puts it in force, or says why not; in its turn. */
  reload(): Promise<ReloadReport> {
    return this.#reloads.reload();
  }

  #configure(next: Loaded): void {
    const { journal: log } = this.#options;
    const { host, metrics } = next.config;
    const known = new Set(this.#pipeline.interfaceProblems());
    log.setLevel(host.logLevel);
    this.#servers.configure(metrics);
    this.#pipeline.configure(next);
    for (const problem of this.#pipeline.interfaceProblems()) if (!known.has(problem)) log.warning(problem);
  }

  // ---- leave

  /** Hands over, withdraws, says goodbye, gives back the Leases. Before a restart (SIGUSR2), what keeps its routes meanwhile is left with them. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const { journal: log, notifier, clock } = this.#options;
    const pipeline = this.#pipeline;
    const began = clock.now();
    const sequel = signal === "SIGUSR2" ? "restart" : "nothing";
    this.#state = "stopping";
    notifier.stopping("handing over");
    log.notice(sequel === "restart" ? "stopping for a restart" : "stopping", { signal });
    pipeline.hurry();
    await this.#starting;
    this.#drain.stop();
    await pipeline.leave(sequel);
    this.#quiet = true;
    await pipeline.stop(sequel);
    await Promise.all([this.#thread.stop(), this.#servers.stop()]);
    this.#nextPulse?.cancel();
    this.#nextRepair?.cancel();
    log.notice("stopped", { ms: Math.round(clock.now() - began) });
  }

  /** A method, so that the compiler does not think that nothing happens while we wait. */
  #isStopping(): boolean {
    return this.#state === "stopping";
  }
}
