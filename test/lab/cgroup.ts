/**
 * Control groups for booted systems: systemd as the first process of a container keeps the tree of its own services below the group that it was
 * started in, so each system gets a group of its own. Its name begins with the lab's id, by which it is found again (namespace.ts).
 */
import { existsSync, readdirSync, readFileSync, rmdirSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./eventually.ts";

const MOUNT = "/sys/fs/cgroup";
/** cgroup v2 alone has one tree; in systemd's hybrid layout systemd keeps its units in a tree without controllers, and in v2 beside it. */
const TREES = existsSync(join(MOUNT, "cgroup.controllers")) ? [MOUNT] : [join(MOUNT, "systemd"), join(MOUNT, "unified")].filter((tree) => existsSync(tree));

/** Makes a group in every tree. Returns the files into which a process writes its id to enter them. */
export function addCgroup(name: string): readonly string[] {
  return TREES.map((tree) => {
    mkdirSync(join(tree, name), { recursive: true });
    return join(tree, name, "cgroup.procs");
  });
}

/** Kills whatever is in the groups with such names, and removes them. Harmless when there are none. */
export async function removeCgroups(fits: (name: string) => boolean): Promise<void> {
  for (const tree of TREES) {
    for (const name of readdirSync(tree).filter(fits)) {
      await eventually(`nothing is in the control group ${name}`, 10_000, () => {
        const pids = processesBelow(join(tree, name));
        for (const pid of pids) kill(pid);
        return pids.length === 0;
      });
      remove(join(tree, name));
    }
  }
}

/** Also of groups further down. A process that is dead but not yet reaped is none. */
function processesBelow(group: string): readonly number[] {
  const own = readIfThere(join(group, "cgroup.procs")).split("\n").filter(Boolean).map(Number);
  return [...own.filter((pid) => pid > 0), ...below(group).flatMap(processesBelow)];
}

function remove(group: string): void {
  for (const one of below(group)) remove(one);
  try {
    rmdirSync(group);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function below(group: string): readonly string[] {
  try {
    return readdirSync(group, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [join(group, entry.name)] : []));
  } catch {
    return []; // its systemd has just removed it
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended by itself
  }
}
