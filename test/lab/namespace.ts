/**
 * Network namespaces of the lab: their names, and how they are removed with everything that runs in them.
 *
 * A name begins with the process that made it, `bmlb-PID.START-`, START being the process's start time, so that a process id that was
 * given out again is not mistaken for the one that died. What a dead process left is found by that name, at the start of the next lab
 * and by a guardian (guardian.ts) at once.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeCgroups } from "./cgroup.ts";
import { eventually } from "./eventually.ts";
import { unmountBelow } from "./mounts.ts";
import { run, runToEnd } from "./run.ts";

const NAMESPACES = "/run/netns";
const OURS = /^bmlb-(?<pid>[0-9]+)\.(?<start>[0-9a-z]+)\./;

let labs = 0;

/** A prefix that no other lab of this machine has. */
export function newLabId(): string {
  labs++;
  return `bmlb-${process.pid}.${startTime(process.pid) ?? "0"}.${labs}`;
}

/** Where a lab keeps its files; goes with it. Short: socket paths have 107 octets. */
export function directoryOf(id: string): string {
  return join(tmpdir(), id);
}

/** Removes the namespaces, booted systems and files of one lab, and kills what runs in them. Harmless when they are gone. */
export async function removeLab(id: string): Promise<void> {
  await removeCgroups((name) => name.startsWith(`${id}-`));
  const all = namespaces().filter((name) => name.startsWith(`${id}-`));
  await Promise.all(all.map(killAllIn));
  for (const name of all) await runToEnd(["ip", "netns", "del", name]); // another sweeper may have been faster
  await unmountBelow(directoryOf(id));
  rmSync(directoryOf(id), { recursive: true, force: true });
}

/** Kills everything that runs in a namespace, and waits until it is gone. */
export async function killAllIn(namespace: string): Promise<void> {
  await eventually(`nothing runs in ${namespace}`, 5000, async () => {
    const pids = await processesIn(namespace);
    for (const pid of pids) sendKill(pid);
    return pids.length === 0;
  });
}

/** The ids of all processes in a namespace. */
export async function processesIn(namespace: string): Promise<readonly number[]> {
  const { stdout } = await runToEnd(["ip", "netns", "pids", namespace]);
  return stdout.split("\n").filter(Boolean).map(Number);
}

/** Removes what test processes that died have left. Returns the ids of the labs that it removed. */
export async function sweep(): Promise<readonly string[]> {
  const left = new Set<string>();
  for (const name of [...namespaces(), ...readdirSync(tmpdir())]) {
    const id = /^bmlb-[0-9]+\.[0-9a-z]+\.[0-9]+/.exec(name)?.[0];
    if (id !== undefined && !ownerLives(id)) left.add(id);
  }
  for (const id of left) await removeLab(id);
  return [...left];
}

/** Makes an empty namespace with its loopback up. */
export async function addNamespace(name: string, sysctls: Readonly<Record<string, string | number>>): Promise<void> {
  await run(["ip", "netns", "add", name]);
  await run(["ip", "netns", "exec", name, "sysctl", "-q", "-w", ...Object.entries(sysctls).map(([key, value]) => `${key}=${value}`)]);
  await run(["ip", "-n", name, "link", "set", "lo", "up"]);
}

function ownerLives(id: string): boolean {
  const owner = OURS.exec(`${id}-`)?.groups;
  return owner?.["start"] !== undefined && startTime(Number(owner["pid"])) === owner["start"];
}

function namespaces(): readonly string[] {
  try {
    return readdirSync(NAMESPACES).filter((name) => OURS.test(name));
  } catch {
    return []; // no namespace was ever made on this machine
  }
}

/** When a process was started, in clock ticks since boot, base 36; undefined if it does not live. proc_pid_stat(5), field 22. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return Number(fields[19]).toString(36);
  } catch {
    return undefined;
  }
}

function sendKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended by itself
  }
}
