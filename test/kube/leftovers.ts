/**
 * What a test starts and makes, so that nothing of it outlives the test: processes are ended and folders removed when the test's
 * process exits, whatever the reason. When it was killed by SIGKILL, its children get a signal from the kernel (PR_SET_PDEATHSIG).
 *
 * Ends only what was started here, each by its own handle.
 */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const processes = new Set<ChildProcess>();
const folders = new Set<string>();
let watching = false;

/** Makes a private folder (mode 0700) that is removed when the process exits, or earlier by {@link removeFolder}. */
export function temporaryFolder(purpose: string): string {
  removeOrphans();
  return ownedFolder(mkdtempSync(join(tmpdir(), `bmlb-test-${purpose}-${process.pid}-`)));
}

/** The folders of test processes that were killed and could remove nothing any more. */
function removeOrphans(): void {
  if (watching) return;
  for (const name of readdirSync(tmpdir())) {
    const owner = /^bmlb-test-[a-z-]+-(\d+)-\w{6}$/.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Takes a folder that another process made and perhaps does not live to remove. */
export function ownedFolder(folder: string): string {
  watchForTheEnd();
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  if (folders.delete(folder)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** The command that runs `command` in a network namespace; its process is the command itself, since `ip netns exec` only execs. */
export function inNamespace(namespace: string | undefined, command: readonly string[]): readonly string[] {
  return namespace === undefined ? command : ["ip", "netns", "exec", namespace, ...command];
}

/**
 * Starts a process that ends with this one at the latest. Its pid is that of the command.
 * @param deathSignal what it gets if this process is killed: TERM for one that has something to tidy up
 */
export function startOwned(command: readonly string[], options: SpawnOptions, deathSignal: "KILL" | "TERM" = "KILL"): ChildProcess {
  watchForTheEnd();
  const child = spawn("setpriv", ["--pdeathsig", deathSignal, "--", ...command], options);
  processes.add(child);
  child.once("exit", () => processes.delete(child));
  child.once("error", () => processes.delete(child));
  return child;
}

/** Asks a process to end, by force after `patienceMs`, and waits until it has. */
export async function endOwned(child: ChildProcess, patienceMs = 5_000): Promise<void> {
  if (hasEnded(child) || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => { resolve(); }));
  child.kill("SIGTERM");
  child.kill("SIGCONT"); // a stopped process sees SIGTERM only when it goes on
  await Promise.race([ended, delay(patienceMs, undefined, { ref: false })]);
  if (!hasEnded(child)) child.kill("SIGKILL");
  await ended;
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function watchForTheEnd(): void {
  if (watching) return;
  watching = true;
  process.once("exit", () => {
    for (const child of processes) child.kill("SIGKILL");
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}
