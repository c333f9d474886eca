/**
 * What the daemon listens on for people and programs: the socket for reports, and the metrics. It goes on without any of them, and
 * says so.
 */
import { mkdirSync } from "node:fs";
import { AdminSocket, answerFrom, MetricsServer, type Reporter, type Sample } from "./admin/index.ts";
import type { Config } from "./config/index.ts";
import type { Log } from "./log/index.ts";
import type { Clock } from "./time/index.ts";

export type ServersOptions = {
  /** Folder of the sockets; may be missing. */
  readonly runtime: string;
  readonly metrics: Config["metrics"];
  readonly reporter: Reporter;
  readonly samples: () => readonly Sample[];
  /** A sentence if the daemon is not healthy. */
  readonly unhealthy: () => string | undefined;
  readonly log: Log;
  readonly clock: Clock;
};

export class Servers {
  readonly #options: ServersOptions;
  readonly #admin: AdminSocket;
  readonly #metrics: MetricsServer | undefined;
  #adminProblem: string | undefined;
  #metricsProblem: string | undefined;

  constructor(options: ServersOptions) {
    this.#options = options;
    const { runtime, metrics, reporter, samples, unhealthy, log, clock } = options;
    this.#admin = new AdminSocket({ path: `${runtime}/bmlb.sock`, log, clock, soon: (fn) => setImmediate(fn), answer: (path, query) => answerFrom(reporter, path, query) });
    this.#metrics = metrics.listen === "off" ? undefined : new MetricsServer({ ...metrics.listen, log, read: samples, unhealthy });
  }

  async start(): Promise<void> {
    const { runtime, log } = this.#options;
    const missing = makeFolder(runtime);
    this.#adminProblem = missing === undefined ? await this.#admin.start() : `cannot make ${runtime}, so that \`bmlb status\` and its kin get no answer: ${missing}`;
    if (this.#adminProblem !== undefined) log.error(this.#adminProblem);
    await this.#startMetrics();
  }

  /** An address that was not there, or a port that another program had, may have come free. */
  async repair(): Promise<void> {
    if (this.#metricsProblem !== undefined) await this.#startMetrics();
  }

  /** Sentences about what cannot be served. */
  problems(): readonly string[] {
    return [this.#adminProblem, this.#metricsProblem].filter((problem) => problem !== undefined);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#admin.stop(), this.#metrics?.stop()]);
  }

  async #startMetrics(): Promise<void> {
    const { log } = this.#options;
    const before = this.#metricsProblem;
    this.#metricsProblem = await this.#metrics?.start();
    if (this.#metricsProblem !== undefined && before === undefined) log.error(this.#metricsProblem);
    if (this.#metricsProblem === undefined && before !== undefined) log.notice("metrics are served now");
  }
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
