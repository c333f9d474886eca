/**
 * The one thread beside the main loop: what would be mistaken for death if it came late is sent and timed there, because a garbage
 * collection of the main loop can take longer. Started here, and started again should it ever end. What runs in it: src/worker.ts.
 */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { Log } from "../log/index.ts";
import type { Clock, Timer } from "../time/index.ts";
import type { Channel, ChannelEvents } from "./channel.ts";
import { Pulse } from "./pulse.ts";

/** What the thread is given: `workerData`. */
export type ThreadStart = {
  readonly pulse: SharedArrayBuffer;
  /** By the name of the part; a part that nobody asked for has none. */
  readonly ports: Readonly<Record<string, MessagePort>>;
};

/** Young and old space of its heap: it keeps next to nothing. */
const HEAP = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 1 };
const START_AGAIN_MS = 200;
const END_MS = 1000;

export type WorkerThreadOptions = {
  readonly log: Log;
  readonly clock: Clock;
  /** What runs in it; default: src/worker.ts. */
  readonly entry?: URL;
};

export class WorkerThread {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #entry: URL;
  readonly #pulse = new Pulse();
  readonly #channels = new Map<string, PortChannel>();
  #worker: Worker | undefined;
  #stopping = false;
  #again: Timer | undefined;

  constructor({ log, clock, entry = new URL(import.meta.resolve("#worker")) }: WorkerThreadOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#entry = entry;
  }

  /** The way to one part of the thread; each is asked for once, before the start. */
  channel<To, From>(part: string): Channel<To, From> {
    const channel = new PortChannel();
    this.#channels.set(part, channel);
    return channel;
  }

  start(): void {
    this.tick();
    this.#start();
  }

  /** The main loop turns. To be called ten times a second. */
  tick(): void {
    this.#pulse.beat();
  }

  /** Its parts close what they have when their channels close. Resolves when it has ended, at the latest a second later. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#again?.cancel();
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => worker.once("exit", () => { resolve(); }));
    for (const channel of this.#channels.values()) channel.close();
    const timer = this.#clock.timer("end the worker thread", END_MS, () => void worker.terminate());
    await ended;
    timer.cancel();
  }

  #start(): void {
    const ends = [...this.#channels].map(([part, channel]) => [part, channel, new MessageChannel()] as const);
    const ports = Object.fromEntries(ends.map(([part, , { port2 }]) => [part, port2]));
    const workerData: ThreadStart = { pulse: this.#pulse.shared, ports };
    const worker = new Worker(this.#entry, { name: "worker", workerData, transferList: Object.values(ports), resourceLimits: HEAP });
    worker.on("error", (error: unknown) => {
      this.#log.error(`the worker thread failed: ${String(error)}; starting it again`, { error: error instanceof Error ? error.stack : undefined });
    });
    worker.on("exit", () => {
      this.#worker = undefined;
      if (this.#stopping) return;
      for (const channel of this.#channels.values()) channel.lose();
      this.#again = this.#clock.timer("start the worker thread again", START_AGAIN_MS, () => { this.#start(); });
    });
    this.#worker = worker;
    for (const [, channel, { port1 }] of ends) channel.take(port1);
  }
}

class PortChannel implements Channel<unknown, unknown> {
  #port: MessagePort | undefined;
  #events: ChannelEvents<unknown> | undefined;

  get open(): boolean {
    return this.#port !== undefined;
  }

  post(message: unknown): void {
    this.#port?.postMessage(message);
  }

  serve(events: ChannelEvents<unknown>): void {
    this.#events = events;
  }

  take(port: MessagePort): void {
    port.on("message", (message: unknown) => this.#events?.message(message));
    this.#port = port;
    this.#events?.began();
  }

  lose(): void {
    this.close();
    this.#events?.ended();
  }

  close(): void {
    this.#port?.close();
    this.#port = undefined;
  }
}
