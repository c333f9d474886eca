/**
 * `bmlb run` as a process: its signals, its exit status, the folders that it works in, and what becomes of an error that nobody caught.
 */
import { writeSync } from "node:fs";
import { isListenedOn } from "./admin/index.ts";
import { formatProblem } from "./config/index.ts";
import { loadConfiguration } from "./configuration.ts";
import { Daemon } from "./daemon.ts";
import { openCredentials } from "./kubernetes.ts";
import { configurationToStartWith, keepCopy, type Start } from "./last-good.ts";
import { Keepsakes, type Notifier, systemdNotifier } from "./linux/index.ts";
import { formatLine, Journal } from "./log/index.ts";
import { sayFirst } from "./reload.ts";
import { systemClock, systemRandom } from "./time/index.ts";

export type RunOptions = { readonly configPath: string; readonly version: string };

/** Exit statuses beside 0: systemd does not restart what ends with EX_CONFIG (sysexits.h). */
const EX_CONFIG = 78;
const NOT_FINE = 1;

/** How long something may outlive the stop. */
const LINGER_MS = 1000;

/** Until SIGTERM, or SIGUSR2 for a restart. Resolves with the exit status. */
export async function runDaemon({ configPath, version }: RunOptions): Promise<number> {
  const journal = new Journal(process.stdout, "info");
  const signals = new Signals();
  watchOver();
  const notifier = systemdNotifier(journal);
  const folders = { state: process.env["STATE_DIRECTORY"] ?? "/var/lib/bmlb", runtime: process.env["RUNTIME_DIRECTORY"] ?? "/run/bmlb" };
  const start = configurationToStartWith(configPath, folders.state);
  if (start.from === "nothing") return refuseToStart(start, journal, notifier);
  const { loaded } = start;
  const notAsInFiles = start.from === "files" ? undefined : tellOfCopy(start, journal, notifier);
  journal.setLevel(loaded.config.host.logLevel);
  for (const warning of loaded.warnings) journal.warning(formatProblem(warning));
  const refuse = (sentence: string): number => {
    journal.error(sentence);
    notifier.status(`cannot start: ${sentence}`);
    return NOT_FINE;
  };
  const socket = `${folders.runtime}/bmlb.sock`;
  if (await isListenedOn(socket)) return refuse(`another bmlb runs on this host and listens on ${socket}; two would claim each other's VIPs, so this one ends`);
  const keepsakes = openKeepsakes(folders.state);
  if (typeof keepsakes === "string") return refuse(keepsakes);
  const credentials = await openCredentials(loaded.config, systemClock, journal);
  const daemon = new Daemon({
    loaded,
    load: () => loadConfiguration(configPath),
    keep: (good) => { keepCopy(configPath, good, keepsakes, new Date(systemClock.wall()).toISOString(), journal); },
    notAsInFiles,
    credentials,
    version,
    folders,
    keepsakes,
    journal,
    notifier,
    clock: systemClock,
    random: systemRandom,
  });
  const started = daemon.start();
  signals.onHangup(() => void daemon.reload());
  const signal = await Promise.race([signals.end, started.then(() => signals.end)]);
  await daemon.stop(signal);
  endAnyhow();
  return 0;
}

/** Says every problem, as errors where systemd takes the log, and as they are where a person reads. Returns the exit status. */
function refuseToStart({ problems, copy }: Extract<Start, { readonly from: "nothing" }>, journal: Journal, notifier: Notifier): number {
  const bySystemd = process.env["NOTIFY_SOCKET"] !== undefined;
  for (const line of [...problems.map(formatProblem), ...(copy === undefined ? [] : [copy])]) {
    if (bySystemd) journal.error(line);
    else process.stderr.write(`${line}\n`);
  }
  notifier.status(`cannot start: ${sayFirst(problems)}`);
  return bySystemd ? EX_CONFIG : NOT_FINE;
}

/** Listens from the first moment: until then a signal would end the process. */
class Signals {
  /** What ends the daemon. The same signal a second time does not wait for the stop. */
  readonly end: Promise<NodeJS.Signals>;
  #hangUp: (() => void) | undefined;
  /** A SIGHUP came before anybody wanted to know. */
  #hungUp = false;

  constructor() {
    process.on("SIGHUP", () => {
      if (this.#hangUp === undefined) this.#hungUp = true;
      else this.#hangUp();
    });
    this.end = new Promise((resolve) => {
      for (const signal of ["SIGTERM", "SIGINT", "SIGUSR2"] as const) process.once(signal, resolve);
    });
  }

  onHangup(hangUp: () => void): void {
    this.#hangUp = hangUp;
    if (this.#hungUp) hangUp();
  }
}

/** Says loudly that the files are wrong and not in force. Returns the sentence for the status. */
function tellOfCopy({ problems, since }: Extract<Start, { readonly from: "copy" }>, journal: Journal, notifier: Notifier): string {
  for (const problem of problems) journal.error(formatProblem(problem));
  journal.error("the configuration is wrong: starting with the last good copy of it instead; mend it, then run `systemctl reload bmlb`", { since });
  notifier.status("starting with the last good copy of the configuration, because its files are wrong");
  return `the configuration is wrong, and bmlb was started with the last good copy of it, in force since ${since}: ${sayFirst(problems)}`;
}

/**
 * A defect ends the process at once, as one line in the journal: its state is unknown, other hosts take over within a second, and
 * systemd starts it again. A log that nobody reads any more is no defect.
 */
function watchOver(): void {
  process.on("uncaughtException", (error: unknown) => {
    lastWords(`<3>${formatLine("bmlb ends because of a defect of its own; please report this line", { error: error instanceof Error ? error.stack : String(error) })}\n`);
    process.exit(NOT_FINE);
  });
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
}

/** Written before the process ends, whatever waits in the streams. */
function lastWords(line: string): void {
  try {
    writeSync(process.stderr.fd, line);
  } catch {
    // Nobody reads them.
  }
}

/** A request that nobody answers must not keep a stopped daemon alive until systemd kills it. */
function endAnyhow(): void {
  setTimeout(() => {
    lastWords(`<4>${formatLine("stopped, but something had not ended; ending it", { left: process.getActiveResourcesInfo().join(",") })}\n`);
    process.exit(0);
  }, LINGER_MS).unref();
}

/** A sentence if the folder cannot be made. */
function openKeepsakes(folder: string): Keepsakes | string {
  try {
    return new Keepsakes(folder);
  } catch (error) {
    return `cannot make the state directory ${folder}: ${(error as Error).message}; make it, or run bmlb by its systemd unit, which does`;
  }
}
