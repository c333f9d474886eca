/** bmlb itself in the lab: the bundle that ships, on a host of its own, with what systemd would give it. */
import { mkdirSync } from "node:fs";
import { BMLB, ensureBundle } from "./bundle.ts";
import { eventually } from "./eventually.ts";
import type { Host } from "./host.ts";
import { NotifySocket, type Notification } from "./notify.ts";
import { describeExit, type Environment, type Exit, type LabProcess, type Line, type Output } from "./run.ts";
import { isTable, toToml, type TomlValue } from "./toml.ts";

export type DaemonOptions = {
  /** config.toml, as text or as a value. Of a value, `host.name` defaults to the host's name. */
  readonly config: string | { readonly [key: string]: TomlValue | undefined };
  readonly env?: Environment | undefined;
};

/** What a command of the command line left. */
export type CliOutput = Output & { /** Its standard output, parsed. */ readonly json: () => unknown };

export class Daemon {
  readonly host: Host;
  readonly process: LabProcess;
  readonly #notify: NotifySocket;
  readonly #env: Environment;

  private constructor(host: Host, process: LabProcess, notify: NotifySocket, env: Environment) {
    this.host = host;
    this.process = process;
    this.#notify = notify;
    this.#env = env;
    void process.exited.then(() => {
      notify.close();
    });
  }

  /** Starts it. State and runtime directory belong to the host, so a second daemon there finds what the first one kept. */
  static async start(host: Host, options: DaemonOptions): Promise<Daemon> {
    await ensureBundle();
    for (const folder of ["state", "run"]) mkdirSync(host.path(folder), { recursive: true, mode: 0o750 });
    const file = host.write("config.toml", configText(host, options.config));
    const notify = new NotifySocket(host.path(`notify-${host.processes.length}`));
    const env: Environment = {
      STATE_DIRECTORY: host.path("state"),
      RUNTIME_DIRECTORY: host.path("run"),
      NOTIFY_SOCKET: notify.path,
      WATCHDOG_USEC: "10000000", // as the unit: 10 s
      WATCHDOG_PID: undefined,
      CREDENTIALS_DIRECTORY: undefined,
      KUBECONFIG: undefined,
      ...options.env,
    };
    return new Daemon(host, await host.spawn([BMLB, "run", "-c", file], { name: "bmlb", env }), notify, env);
  }

  /** Writes another configuration in the place of the one it was started with; `cli(["reload"])` has it read. */
  configure(config: DaemonOptions["config"]): void {
    this.host.write("config.toml", configText(this.host, config));
  }

  /** Its process id is that of the unit's main process. */
  get pid(): number {
    return this.process.pid;
  }

  /** What it told systemd, oldest first. */
  get notifications(): readonly Notification[] {
    return this.#notify.received;
  }

  /** Waits for READY=1 and returns when it came, by `now()`. */
  async ready(withinMs = 15_000): Promise<number> {
    return await eventually(`bmlb on ${this.host.name} is ready`, withinMs, () => {
      if (this.process.exit !== undefined) throw new Error(`it ended (${describeExit(this.process.exit)}):\n${this.process.lastLines()}`);
      return this.notifications.find((one) => one.key === "READY")?.at;
    });
  }

  /** Its log so far. */
  log(): readonly Line[] {
    return this.process.lines;
  }

  /** The first line of its log, at or after index `from`, that matches. */
  async waitForLog(pattern: RegExp, withinMs = 10_000, from = 0): Promise<Line> {
    return await this.process.waitForLine(pattern, withinMs, from);
  }

  /** Runs a command beside it: `cli(["vips", "--json"])`. Any exit status will do. */
  async cli(argv: readonly string[]): Promise<CliOutput> {
    const output = await this.host.execToEnd([BMLB, ...argv], { env: this.#env });
    return {
      ...output,
      json: () => {
        try {
          return JSON.parse(output.stdout) as unknown;
        } catch (error) {
          throw new Error(`bmlb ${argv.join(" ")} did not print JSON: ${output.stdout}${output.stderr}`, { cause: error });
        }
      },
    };
  }

  /** SIGTERM: a stop, which hands over. Throws if it takes longer than the unit allows. */
  async stop(withinMs = 20_000): Promise<Exit> {
    return await this.process.stop(withinMs);
  }

  /** SIGKILL. */
  async kill(): Promise<Exit> {
    return await this.process.kill();
  }

  pause(): void {
    this.process.pause();
  }

  resume(): void {
    this.process.resume();
  }

  signal(signal: NodeJS.Signals): void {
    this.process.signal(signal);
  }
}

function configText(host: Host, config: DaemonOptions["config"]): string {
  if (typeof config === "string") return config;
  const own = config["host"] ?? {};
  if (!isTable(own)) throw new Error("host is a table");
  return toToml({ ...config, host: { name: host.name, ...own } });
}
