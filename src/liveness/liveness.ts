/**
 * The main thread's side of the hellos: opens the sockets, starts the worker thread and starts it again should it ever end, and tells
 * it what to say. What is heard comes out by callback.
 */
import { Worker } from "node:worker_threads";
import type { Statement, Urgency } from "../fleet/index.ts";
import { closeSocket, type Link, openSegmentSocket } from "../linux/index.ts";
import type { Log } from "../log/index.ts";
import { type Address, isIpv4 } from "../net/index.ts";
import type { Clock } from "../time/index.ts";
import { HELLO_GROUP_IPV4, HELLO_GROUP_IPV6, HELLO_PORT } from "./groups.ts";
import { type FromWorker, processMs, type Rejection, type ToWorker, type WorkerStart } from "./messages.ts";

export type LivenessOptions = {
  readonly log: Log;
  readonly clock: Clock;
  readonly onHello: (segment: string, statement: Statement, sequence: number) => void;
  /** This daemon's own hello, sent on `from`, came in on `segment`. */
  readonly onOwnHello: (segment: string, from: string) => void;
};

/** Young and old space of the worker's heap: it keeps next to nothing. */
const HEAP = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };
const START_AGAIN_MS = 200;
const OPEN_AGAIN_MS = 1000;

const REJECTED: Readonly<Record<Rejection, string>> = {
  malformed: "is no hello of this version of bmlb",
  unsigned: "is not signed, and this fleet has a key: give that host the same Secret bmlb-fleet or key_file",
  "wrong-signature": "is signed with another key: give that host the same Secret bmlb-fleet or key_file",
};

export class Liveness {
  readonly #options: LivenessOptions;
  readonly #pulse = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  readonly #lastTurn = new BigInt64Array(this.#pulse);
  readonly #links = new Map<string, { readonly link: Link; readonly open: boolean }>();
  readonly #said = new Map<string, Extract<ToWorker, { readonly type: "say" }>>();
  readonly #introduced = new Map<string, readonly Address[]>();
  readonly #failed = new Set<string>();
  #key: Uint8Array | undefined;
  #worker: Worker | undefined;
  #stopping = false;

  constructor(options: LivenessOptions) {
    this.#options = options;
  }

  start(): void {
    this.tick();
    this.#startWorker();
  }

  /** The main loop turns. To be called ten times a second. */
  tick(): void {
    Atomics.store(this.#lastTurn, 0, BigInt(processMs()));
  }

  /** On which interfaces to say hello. One that went away and came back, or got another address to speak from, is opened anew. */
  segments(links: readonly Link[]): void {
    const wanted = new Map(links.filter((link) => link.up).map((link) => [link.name, link]));
    for (const [name] of this.#links) {
      if (wanted.has(name)) continue;
      this.#links.delete(name);
      this.#post({ type: "close", segment: name });
    }
    for (const [name, link] of wanted) {
      const known = this.#links.get(name);
      if (known === undefined || !known.open || voiceOf(known.link) !== voiceOf(link)) this.#open(link);
    }
  }

  /** What the hellos on a segment say from now on. */
  say(segment: string, statement: Statement, urgency: Urgency): void {
    const say: ToWorker = { type: "say", segment, saying: statement, at: processMs(), urgency };
    this.#said.set(segment, say);
    this.#post(say);
  }

  /** Signs, and drops what is not signed alike. */
  key(key: Uint8Array | undefined): void {
    this.#key = key;
    this.#post({ type: "key", key });
  }

  /** A Lease names a host: while no multicast of it is heard, it is greeted at its own addresses. None: the Lease is gone. */
  introduce(host: string, addresses: readonly Address[]): void {
    if (addresses.length === 0) this.#introduced.delete(host);
    else this.#introduced.set(host, addresses);
    this.#post({ type: "introduced", hosts: this.#introduced });
  }

  /** Sentences for the operator about what is not as it should be. */
  warnings(): readonly string[] {
    return [
      ...(this.#key === undefined ? ["hellos between hosts are not signed: anybody on the segment can pretend to be a host; create the Secret bmlb-fleet or set [fleet] key_file"] : []),
      ...Array.from(this.#failed, (name) => `hosts cannot hear each other on ${name}: its socket could not be opened`),
    ];
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => worker.once("exit", () => { resolve(); }));
    this.#post({ type: "stop" });
    const timer = this.#options.clock.timer("end the worker thread", 1000, () => void worker.terminate());
    await ended;
    timer.cancel();
  }

  #startWorker(): void {
    const workerData: WorkerStart = { pulse: this.#pulse, port: HELLO_PORT };
    const worker = new Worker(new URL(import.meta.resolve("#liveness-worker")), { name: "liveness", workerData, resourceLimits: HEAP });
    worker.on("message", (message: FromWorker) => { this.#take(message); });
    worker.on("error", (error: unknown) => {
      this.#options.log.error(`the thread that says hello failed: ${String(error)}; starting it again`, { error: error instanceof Error ? error.stack : undefined });
    });
    worker.on("exit", () => {
      if (this.#stopping) return;
      this.#worker = undefined;
      this.#options.clock.timer("start the worker thread again", START_AGAIN_MS, () => { this.#startWorker(); });
    });
    this.#worker = worker;
    this.#post({ type: "key", key: this.#key });
    this.#post({ type: "introduced", hosts: this.#introduced });
    for (const { link } of this.#links.values()) this.#open(link);
  }

  #open(link: Link): void {
    const { log, clock } = this.#options;
    const at = { name: link.name, index: link.index };
    let ipv4: number | undefined;
    let ipv6: number | undefined;
    try {
      if (link.linkLocal !== undefined) ipv6 = openSegmentSocket({ family: "ipv6", interface: at, port: HELLO_PORT, group: HELLO_GROUP_IPV6 });
      if (link.addresses.some(isIpv4)) ipv4 = openSegmentSocket({ family: "ipv4", interface: at, port: HELLO_PORT, group: HELLO_GROUP_IPV4 });
    } catch (error) {
      for (const fd of [ipv4, ipv6]) if (fd !== undefined) closeSocket(fd);
      this.#links.set(link.name, { link, open: false });
      if (!this.#failed.has(link.name)) log.warning(`cannot say hello on ${link.name}: ${error instanceof Error ? error.message : String(error)}`, { interface: link.name });
      this.#failed.add(link.name);
      clock.timer(`open ${link.name} again`, OPEN_AGAIN_MS, () => {
        const known = this.#links.get(link.name);
        if (known !== undefined && !known.open) this.#open(known.link);
      });
      return;
    }
    this.#failed.delete(link.name);
    this.#links.set(link.name, { link, open: true });
    this.#post({ type: "open", segment: link.name, ipv4, ipv6 });
    const said = this.#said.get(link.name);
    if (said !== undefined) this.#post(said);
  }

  #take(message: FromWorker): void {
    const { log, onHello, onOwnHello } = this.#options;
    switch (message.type) {
      case "heard": {
        const { sequence, ...hello } = message.hello;
        onHello(message.segment, { ...hello, machine: hello.instance.slice(0, 8) }, sequence);
        return;
      }
      case "own":
        onOwnHello(message.segment, message.from);
        return;
      case "rejected":
        log.warning(`a datagram from ${message.source} on ${message.segment} ${REJECTED[message.cause]}`, { segment: message.segment, source: message.source, cause: message.cause });
        return;
      case "failed":
        log.warning(`the hello socket on ${message.segment} failed: ${message.error}`, { segment: message.segment });
        return;
    }
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }
}

/** What a socket depends on: another one is needed when it changes. */
function voiceOf(link: Link): string {
  return `${link.index} ${link.linkLocal === undefined ? "" : "ipv6"} ${link.addresses.some(isIpv4) ? "ipv4" : ""}`;
}
