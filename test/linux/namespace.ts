/**
 * Network namespaces for tests. The test's own process moves into a new one, so that what is under test runs right here, and what it
 * makes vanishes with the process, also after a crash; neighbours live in namespaces of their own as long as the test does.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createRequire } from "node:module";
import type koffi from "koffi";

const CLONE_NEWNET = 0x40000000;

/** Moves the main thread of this process into a new namespace whose loopback interface is up. */
export function enterNewNamespace(): void {
  const native = createRequire(import.meta.url)("koffi") as typeof koffi;
  const unshare = native.load("libc.so.6").func("int unshare(int)") as (flags: number) => number;
  if (unshare(CLONE_NEWNET) !== 0) throw new Error("a network namespace needs root");
  ip("link set lo up");
}

/** Runs ip(8) in the test's namespace; `args` as in a shell. */
export function ip(args: string): string {
  return execFileSync("ip", args.split(" "), { encoding: "utf8" });
}

/** A machine on the other end of a veth pair. */
export class Neighbour implements Disposable {
  readonly #process: ChildProcess;
  readonly pid: number;

  constructor() {
    // cat ends with its standard input, which ends with this process.
    this.#process = spawn("unshare", ["--net", "cat"], { stdio: ["pipe", "ignore", "inherit"] });
    if (this.#process.pid === undefined) throw new Error("unshare cannot be started");
    this.pid = this.#process.pid;
    const deadline = Date.now() + 5_000;
    while (namespaceOf(this.pid) === namespaceOf(process.pid)) {
      if (Date.now() > deadline) throw new Error("the neighbour has no namespace");
    }
    this.run("ip link set lo up");
  }

  /** Connects `ours` here with `theirs` there; both are up and have the addresses given. */
  connect(ours: string, theirs: string, ourAddresses: readonly string[] = [], theirAddresses: readonly string[] = []): void {
    ip(`link add ${ours} type veth peer name ${theirs} netns ${this.pid}`);
    for (const address of ourAddresses) ip(`addr add ${address} dev ${ours}${address.includes(":") ? " nodad" : ""}`);
    for (const address of theirAddresses) this.run(`ip addr add ${address} dev ${theirs}${address.includes(":") ? " nodad" : ""}`);
    this.run(`ip link set ${theirs} up`);
    ip(`link set ${ours} up`);
  }

  /** Runs a command there, given as its words or as a line of words. Throws if it fails. */
  run(command: string | readonly string[]): string {
    return execFileSync("nsenter", this.#inside(command), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  /** The same without waiting, for what must run beside the test; its output in the end. Rejects if it fails. */
  async start(command: string | readonly string[]): Promise<string> {
    const child = spawn("nsenter", this.#inside(command), { stdio: ["ignore", "pipe", "ignore"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    return await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (status) => {
        if (status === 0) resolve(output);
        else reject(new Error(`${String(command)}: status ${status}: ${output}`));
      });
    });
  }

  #inside(command: string | readonly string[]): string[] {
    return ["-t", String(this.pid), "-n", ...(typeof command === "string" ? command.split(" ") : command)];
  }

  [Symbol.dispose](): void {
    this.#process.stdin?.end();
  }
}

function namespaceOf(pid: number): string {
  return execFileSync("readlink", [`/proc/${pid}/ns/net`], { encoding: "utf8" });
}

/** Waits until `condition` gives something true, and returns it; fails after `ms`. */
export async function eventually<T>(what: string, condition: () => T | Promise<T>, ms = 10_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`after ${ms} ms it is still not so that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
