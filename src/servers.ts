/**
 * What the daemon listens on for people and programs: the socket for reports, the one for orders, and the metrics. It goes on without
 * any of them, and says so.
 */
import { mkdirSync } from "node:fs";
import { AdminSocket, answerFrom, ControlSocket, MetricsServer, type Orders, type Reporter, type Sample } from "./admin/index.ts";
import type { MetricsConfig } from "./config/index.ts";
import type { Log } from "./log/index.ts";
import type { Clock } from "./time/index.ts";

export type ServersOptions = {
  /** Folder of the sockets; may be missing. */
  readonly runtime: string;
  readonly reporter: Reporter;
  readonly carryOut: { readonly [Path in keyof Orders]: () => Promise<Orders[Path]> };
  readonly samples: () => readonly Sample[];
  /** A sentence if the daemon is not healthy. */
  readonly unhealthy: () => string | undefined;
  readonly log: Log;
  readonly clock: Clock;
};

export class Servers {
  readonly #options: ServersOptions;
  readonly #admin: AdminSocket;
  readonly #control: ControlSocket;
  readonly #metrics: MetricsServer;
  #listen: MetricsConfig["listen"] = "off";
  /** Starts and stops of the metrics, one after the other. */
  #turn = Promise.resolve();
  #socketProblems: readonly string[] = [];
  #metricsProblem: string | undefined;

  constructor(options: ServersOptions) {
    this.#options = options;
    const { runtime, reporter, carryOut, samples, unhealthy, log, clock } = options;
    this.#admin = new AdminSocket({ path: `${runtime}/bmlb.sock`, log, clock, soon: (fn) => setImmediate(fn), answer: (path, query) => answerFrom(reporter, path, query) });
    this.#control = new ControlSocket({ path: `${runtime}/control.sock`, log, carryOut });
    this.#metrics = new MetricsServer({ log, read: samples, unhealthy });
  }

  async start({ listen }: MetricsConfig): Promise<void> {
    const { runtime, log } = this.#options;
    const missing = makeFolder(runtime);
    if (missing !== undefined) this.#socketProblems = [`cannot make ${runtime}, so that \`bmlb status\` and its kin get no answer: ${missing}`];
    else this.#socketProblems = (await Promise.all([this.#admin.start(), this.#control.start()])).filter((problem) => problem !== undefined);
    for (const problem of this.#socketProblems) log.error(problem);
    this.#listen = listen;
    await this.#inTurn(() => this.#startMetrics());
  }

  /** Serves the metrics there and nowhere else. */
  configure({ listen }: MetricsConfig): void {
    if (JSON.stringify(listen) === JSON.stringify(this.#listen)) return;
    this.#listen = listen;
    void this.#inTurn(async () => {
      await this.#metrics.stop();
      this.#metricsProblem = undefined;
      await this.#startMetrics();
    });
  }

  /** An address that was not there, or a port that another program had, may have come free. */
  repair(): void {
    void this.#inTurn(async () => {
      if (this.#metricsProblem !== undefined) await this.#startMetrics();
    });
  }

  /** Sentences about what cannot be served. */
  problems(): readonly string[] {
    return [...this.#socketProblems, ...(this.#metricsProblem === undefined ? [] : [this.#metricsProblem])];
  }

  async stop(): Promise<void> {
    await Promise.all([this.#admin.stop(), this.#control.stop(), this.#inTurn(() => this.#metrics.stop())]);
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(step);
    return this.#turn;
  }

  async #startMetrics(): Promise<void> {
    if (this.#listen === "off") return;
    const { log } = this.#options;
    const before = this.#metricsProblem;
    this.#metricsProblem = await this.#metrics.start(this.#listen);
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
