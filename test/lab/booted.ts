/**
 * A whole Debian, booted by systemd on a host of the lab: the same network namespace, its own files, processes and journal. What is installed or
 * changed in it outlives a reboot and a power cut, and goes with the lab.
 *
 * systemd-nspawn starts it. Not to be seen in such a container: what the kernel refuses it (raised rlimits, OOMScoreAdjust, memory limits).
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addCgroup, removeCgroups } from "./cgroup.ts";
import { eventually, within } from "./eventually.ts";
import type { Host } from "./host.ts";
import { mountSystem } from "./mounts.ts";
import { CommandError, LabProcess, run, runToEnd, type Output, type RunOptions } from "./run.ts";

/** A release of Debian. */
export type Release = 12 | 13;

const SETUP = join(import.meta.dirname, "..", "..", "scripts", "setup-package");
const DISK_BYTES = 1 << 30;
const BOOT_MS = 60_000;
const DOWN_MS = 30_000;
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

// The group first, then nspawn in it. With the two settings the container may do in its namespace what a machine may: change interfaces and sysctls.
const START = `for file in $CGROUPS; do echo $$ >"$file"; done
exec systemd-nspawn --quiet --directory="$1" --machine="$2" --hostname="$3" --register=no --keep-unit --capability=CAP_NET_ADMIN \
  --network-namespace-path="/run/netns/$4" --resolv-conf=off --timezone=off --link-journal=no --console=pipe --boot </dev/null`;

// Routes without a device, such as unreachable ones, do not go with the interfaces; 251 is the protocol of what bmlb puts into tables of its own.
const FORGET = `nft flush ruleset
for family in -4 -6; do ip $family route flush table main; ip $family route flush table all proto 251; ip $family rule flush protocol 251; done`;

/** Why no Debian can be booted on this machine; undefined if it can. */
export function whyNoBoot(): string | undefined {
  if (!existsSync("/usr/bin/systemd-nspawn")) return "booted systems need systemd-nspawn: scripts/setup-package installs it";
  for (const release of [12, 13] as const) if (!existsSync(treeOf(release))) return `there is no tree of Debian ${release} yet: scripts/setup-package makes one`;
  return undefined;
}

export class BootedSystem {
  readonly host: Host;
  readonly release: Release;
  /** Where its files are, seen from the machine. */
  readonly root: string;
  #container: { readonly process: LabProcess; readonly init: number } | undefined;

  private constructor(host: Host, release: Release, root: string) {
    this.host = host;
    this.release = release;
    this.root = root;
  }

  /** A freshly installed system, named after its host, and boots it. */
  static async start(host: Host, release: Release): Promise<BootedSystem> {
    const reason = whyNoBoot();
    if (reason !== undefined) throw new Error(reason);
    const [disk, root] = [host.path("disk"), host.path("root")];
    for (const folder of [disk, root]) mkdirSync(folder);
    await mountSystem(treeOf(release), disk, root, DISK_BYTES);
    const system = new BootedSystem(host, release, root);
    system.write("/etc/hostname", `${host.name}\n`, 0o644);
    system.write("/etc/hosts", `127.0.0.1 localhost\n127.0.1.1 ${host.name}\n::1 localhost\n`, 0o644);
    system.write("/etc/machine-id", readFileSync(host.path("machine-id"), "utf8"), 0o444);
    await system.boot();
    return system;
  }

  get name(): string {
    return this.host.name;
  }

  /** Turns it on; returns when systemd has nothing more to start. */
  async boot(): Promise<void> {
    await this.turnOn();
    await eventually(`${this.name} has booted`, BOOT_MS, async () => {
      const { stdout } = await this.shToEnd("systemctl is-system-running");
      return ["running", "degraded"].includes(stdout.trim());
    });
  }

  /** Turns it on; returns when commands can be run in it, which is long before all of its services run. */
  async turnOn(): Promise<void> {
    if (this.#container !== undefined) throw new Error(`${this.name} is on already`);
    for (const link of this.host.links) {
      await link.up();
      await link.restore();
    }
    const { namespace, name } = this.host;
    const argv = ["sh", "-c", START, "sh", this.root, namespace.replaceAll(".", "-"), name, namespace];
    const started = await LabProcess.start(`${name} (Debian ${this.release})`, argv, {
      env: { CGROUPS: addCgroup(namespace).join(" "), SYSTEMD_NSPAWN_API_VFS_WRITABLE: "network" },
      logFile: join(this.host.directory, "..", "logs", `${name}-console.log`),
    });
    const init = await eventually(`systemd runs on ${name}`, BOOT_MS, () => {
      if (started.exit !== undefined) throw new Error(`the container ended:\n${started.lastLines()}`);
      return childrenOf(started.pid).find((pid) => commandOf(pid) === "systemd");
    });
    this.#container = { process: started, init };
    await eventually(`${name} runs commands`, BOOT_MS, async () => (await this.shToEnd("systemctl show --property=Version")).status === 0);
  }

  /** Runs shell commands in it as root and returns their standard output. Throws CommandError unless the status is 0. */
  async sh(script: string, options?: RunOptions): Promise<string> {
    const output = await this.shToEnd(script, options);
    if (output.status !== 0) throw new CommandError([`${this.name}#`, script], output);
    return output.stdout;
  }

  /** As `sh`, but any status will do. */
  async shToEnd(script: string, options: RunOptions = {}): Promise<Output> {
    const variables = Object.entries(options.env ?? {}).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
    return await runToEnd([...this.#inside(), ...variables, "sh", "-c", script], { timeoutMs: 30_000, ...options, env: undefined });
  }

  /** What a shell of the machine runs in order to run `script` in it, as ssh would: `script` is expanded by both. */
  enter(script: string): string {
    return `${this.#inside().join(" ")} sh -c "${script}"`;
  }

  /** A path of it, as the machine sees it. */
  path(inside: string): string {
    return join(this.root, inside);
  }

  /** Writes a file into it, as root's. */
  write(inside: string, text: string, mode = 0o600): void {
    writeFileSync(this.path(inside), text, { mode });
    chmodSync(this.path(inside), mode); // of a file that was there already, too
  }

  read(inside: string): string {
    return readFileSync(this.path(inside), "utf8");
  }

  /** `systemctl reboot`; returns when it has booted again. */
  async reboot(): Promise<void> {
    const { process } = this.#running();
    await this.shToEnd("systemctl reboot");
    await within(`${this.name} went down for a reboot`, DOWN_MS, process.exited);
    await this.#off();
    await this.boot();
  }

  /** The plug is pulled: silence on every cable, then no process is left. Its files are as they were; what the kernel kept in memory is gone. */
  async powerCut(): Promise<void> {
    const { process: container, init } = this.#running();
    await Promise.all(this.host.links.map((link) => link.cutSilently()));
    process.kill(init, "SIGKILL");
    await within(`${this.name} is without power`, DOWN_MS, container.exited);
    await this.#off();
  }

  /** Its journal so far, as text for people, also when it is off: `journal("--unit=bmlb", "--output=short-precise")`. */
  async journal(...options: readonly string[]): Promise<string> {
    return await run(["journalctl", "--no-pager", `--directory=${this.path("/var/log/journal")}`, ...options], { timeoutMs: 30_000 });
  }

  /** What a kernel forgets when it ends: addresses, routes, rules, neighbours. */
  async #off(): Promise<void> {
    this.#container = undefined;
    await removeCgroups((name) => name === this.host.namespace);
    for (const link of this.host.links) await link.down();
    await this.host.exec(["sh", "-c", FORGET]);
  }

  #inside(): readonly string[] {
    return ["nsenter", "--target", String(this.#running().init), "--all", "env", "-i", `PATH=${PATH}`, "HOME=/root", "LC_ALL=C.UTF-8"];
  }

  #running(): { readonly process: LabProcess; readonly init: number } {
    if (this.#container === undefined) throw new Error(`${this.name} is off`);
    return this.#container;
  }
}

let trees: ReadonlyMap<string, string> | undefined;

/** The folder of a release's files. */
function treeOf(release: Release): string {
  trees ??= new Map(
    execFileSync(SETUP, ["--names"], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map((line) => line.split(" ", 2) as [string, string]),
  );
  return trees.get(String(release)) ?? "";
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return ""; // it has ended
  }
}
