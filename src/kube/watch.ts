/**
 * A supervised list and watch of one resource: what the API has is said to a sink, first as a list in pages, then change by change,
 * for as long as it takes and whatever the server does.
 *
 * It never gives up: every failure is followed by another attempt, after a back-off with jitter or what the server asked for. It never
 * trusts silence: a watch without even a bookmark is broken off, and every outage ends with a new list, because a server that
 * came back with older data goes on as if nothing had been (observed after an etcd restore). It says that something is gone only
 * when the server said so, or after a complete list without it.
 */
import { Backoff, type Clock, type Random } from "../time/index.ts";
import { Slices, pause } from "./breathe.ts";
import type { Api } from "./client.ts";
import type { Contact } from "./contact.ts";
import { type Failure, statusFailure } from "./failure.ts";
import { type Json, parseJson, recordOf, textOf } from "./raw.ts";
import { ItemSplitter, LineSplitter } from "./stream.ts";
import type { Trouble } from "./trouble.ts";
import { isOlder } from "./version.ts";

/** Where the objects go. Nothing here may throw. */
export interface Sink {
  /** The object exists, in this form. */
  put(object: Json): void;
  /** The server says that it was deleted; this was its last form. */
  gone(object: Json): void;
  /** What follows until `listed` is everything that exists. A list that fails begins anew. */
  listing(): void;
  /** The list is complete: what was not in it is gone. */
  listed(): Promise<void>;
  /** A good moment to hand on what came: nothing may come for long. */
  pass(): void;
  /** How many objects are known. */
  readonly size: number;
}

export type WatchState =
  | "starting"
  | "listing"
  | "watching"
  /** Waiting for the next attempt. */
  | "waiting"
  | "stopped";

export type WatchStatus = {
  readonly resource: string;
  readonly state: WatchState;
  /** Unix ms since when. */
  readonly since: number;
  /** True once a list was complete. */
  readonly listed: boolean;
  readonly resourceVersion: string | undefined;
  readonly objects: number;
  /** The sentence of the last failure, if nothing succeeded after it. */
  readonly problem: string | undefined;
  readonly lists: number;
  readonly watches: number;
  readonly events: number;
  readonly failures: number;
  /** Lines and items that were no objects. */
  readonly garbage: number;
};

export type Resource = {
  /** "services"; for people. */
  readonly name: string;
  /** "/api/v1/services". */
  readonly path: string;
};

const PAGE = 500;
/** Until a page begins to come, and between two pieces of it, in ms. */
const PAGE_DEADLINE_MS = 30_000;
/** Bookmarks come every 60 s, the first may take 120 s: only after more than 130 s a watch is dead. */
const SILENCE_MS = 135_000;
const WATCH_SECONDS = { least: 240, most: 300 };
const RELIST_MS = { least: 10 * 60_000, most: 25 * 60_000 };
/** A list that failed while a watch can go on is tried again after this. */
const LIST_AGAIN_MS = 30_000;
/** A watch that lived that long was a good one. */
const GOOD_WATCH_MS = 10_000;

export type WatchOptions = {
  readonly api: Api;
  readonly resource: Resource;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly random: Random;
  readonly trouble: Trouble;
  readonly contact: Contact;
};

/** How a watch ended. */
type End =
  /** The server closed it in order; the next goes on where it was. */
  | { readonly type: "closed" }
  /** What it says does not follow from what it said: list again. */
  | { readonly type: "inconsistent"; readonly failure: Failure }
  | { readonly type: "failed"; readonly failure: Failure };

export class ResourceWatch {
  readonly #options: WatchOptions;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #state: WatchState = "starting";
  #since: number;
  #listedAt: number | undefined;
  #current: { destroy(): unknown } | undefined;
  #version: string | undefined;
  #relistAt = 0;
  #problem: string | undefined;
  #count = { lists: 0, watches: 0, events: 0, failures: 0, garbage: 0 };

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#since = options.clock.wall();
    this.#backoff = new Backoff({ first: 250, longest: 15_000 }, options.random);
  }

  /** Monotonic ms at which the last complete list was asked for; undefined if there was none. */
  get listedAt(): number | undefined {
    return this.#listedAt;
  }

  /** Lists everything again, now. */
  relist(): void {
    this.#relistAt = Number.NEGATIVE_INFINITY;
    this.#current?.destroy();
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#enter("stopped");
  }

  status(): WatchStatus {
    return {
      resource: this.#options.resource.name,
      state: this.#state,
      since: this.#since,
      listed: this.#listedAt !== undefined,
      resourceVersion: this.#version,
      objects: this.#options.sink.size,
      problem: this.#problem,
      ...this.#count,
    };
  }

  get #stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  #enter(state: WatchState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#since = this.#options.clock.wall();
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#round();
      } catch (error) {
        // A defect of ours, not of the server: say it, list again.
        this.#version = undefined;
        await this.#fail({ kind: "garbage", sentence: `the watch of ${this.#options.resource.name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}` });
      }
    }
  }

  /** One list, if one is due, and one watch. */
  async #round(): Promise<void> {
    const { clock } = this.#options;
    if (this.#version === undefined || clock.now() >= this.#relistAt) {
      const failure = await this.#list();
      if (failure !== undefined) {
        this.#relistAt = clock.now() + LIST_AGAIN_MS;
        await this.#fail(failure);
      }
      if (failure !== undefined || clock.now() >= this.#relistAt) return;
    } else if (await this.#wentBack(this.#version)) {
      this.#version = undefined;
      return;
    }
    const began = clock.now();
    const eventsBefore = this.#count.events;
    const end = await this.#watch();
    const good = clock.now() - began >= GOOD_WATCH_MS || this.#count.events > eventsBefore;
    if (good) this.#backoff.reset();
    if (end.type !== "closed") {
      // Asked to slow down is no outage: nothing was missed.
      if (end.failure.kind !== "status" || end.failure.status !== 429) this.#version = undefined;
      await this.#fail(end.failure);
    } else if (clock.now() - began < GOOD_WATCH_MS && clock.now() < this.#relistAt) {
      await this.#wait(this.#backoff.next(), this.#stop.signal);
    }
  }

  /** Says a failure, and waits. */
  async #fail(failure: Failure): Promise<void> {
    if (this.#stopping) return;
    this.#count.failures++;
    this.#problem = failure.sentence;
    this.#options.trouble.failed(this.#what, failure);
    const ms = this.#backoff.next();
    if (failure.kind === "status" && failure.status < 500) {
      await this.#wait(Math.max(failure.retryAfterMs ?? 0, ms), this.#stop.signal);
      return;
    }
    // The server as a whole was away: whoever hears first that it is back tells the others.
    const early = new AbortController();
    const forget = this.#options.contact.onRecovery(() => {
      early.abort();
    });
    await this.#wait(ms, AbortSignal.any([this.#stop.signal, early.signal]));
    forget();
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    this.#enter("waiting");
    await pause(this.#options.clock, `watch ${this.#options.resource.name}`, ms, signal);
  }

  #worked(): void {
    this.#problem = undefined;
    this.#options.contact.made();
    this.#options.trouble.worked(this.#what);
  }

  get #what(): string {
    return `list and watch ${this.#options.resource.name}`;
  }

  /** Reads everything, page by page, and says it to the sink; or why that did not work. */
  async #list(): Promise<Failure | undefined> {
    const { sink, resource, contact } = this.#options;
    this.#enter("listing");
    const asked = this.#options.clock.now();
    // Before the list, so that a relist() meanwhile is not forgotten.
    this.#relistAt = asked + RELIST_MS.least + this.#options.random() * (RELIST_MS.most - RELIST_MS.least);
    sink.listing();
    let version: string | undefined;
    let rest = "";
    do {
      const page = await this.#page(`${resource.path}?limit=${PAGE}${rest === "" ? "" : `&continue=${encodeURIComponent(rest)}`}`);
      if ("kind" in page) return page;
      version ??= page.version;
      rest = page.rest;
      sink.pass();
      contact.made();
    } while (rest !== "" && !this.#stopping);
    if (this.#stopping) return cancelled;
    this.#version = version;
    this.#count.lists++;
    this.#listedAt = asked;
    await sink.listed();
    sink.pass();
    this.#worked();
    return undefined;
  }

  async #page(path: string): Promise<Failure | { readonly version: string; readonly rest: string }> {
    const { api, resource, sink, clock } = this.#options;
    const opened = await api.open({ method: "GET", path, what: `list ${resource.name}`, timeoutMs: PAGE_DEADLINE_MS, signal: this.#stop.signal });
    if (!opened.ok) return opened.failure;
    const splitter = new ItemSplitter();
    const broken = await this.#chunks(opened.response, PAGE_DEADLINE_MS, async (chunk, slices) => {
      for (const text of splitter.push(chunk)) {
        const object = recordOf(parseJson(text));
        if (object === undefined) return garbled(api, `listed ${resource.name} with something that is no object`);
        sink.put(object);
        if (slices.spent) await slices.breathe();
      }
      return undefined;
    }, clock);
    if (broken !== undefined) return broken;
    this.#count.garbage += splitter.skipped;
    const metadata = recordOf(recordOf(parseJson(splitter.envelope() ?? ""))?.["metadata"]);
    const version = textOf(metadata?.["resourceVersion"]);
    if (version === undefined) return garbled(api, `listed ${resource.name} without a resourceVersion`);
    return { version, rest: textOf(metadata?.["continue"]) ?? "" };
  }

  /** True if the server's newest version is older than ours: it was restored from a backup. False if it cannot be asked now. */
  async #wentBack(ours: string): Promise<boolean> {
    const { api, resource } = this.#options;
    const answer = await api.request({ method: "GET", path: `${resource.path}?limit=1`, what: `list ${resource.name}`, timeoutMs: PAGE_DEADLINE_MS, signal: this.#stop.signal });
    if (!answer.ok) return false;
    return isOlder(textOf(recordOf(recordOf(answer.body)?.["metadata"])?.["resourceVersion"]), ours);
  }

  async #watch(): Promise<End> {
    const { api, resource, random, clock } = this.#options;
    const seconds = Math.round(WATCH_SECONDS.least + random() * (WATCH_SECONDS.most - WATCH_SECONDS.least));
    const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${encodeURIComponent(this.#version ?? "")}`;
    const opened = await api.open({ method: "GET", path: `${resource.path}?${query}`, what: `watch ${resource.name}`, timeoutMs: PAGE_DEADLINE_MS, signal: this.#stop.signal });
    if (!opened.ok) return { type: "failed", failure: opened.failure };
    this.#enter("watching");
    this.#current = opened.response;
    this.#count.watches++;
    this.#worked();
    const due = clock.timer(`list ${resource.name} again`, Math.max(0, this.#relistAt - clock.now()), () => opened.response.destroy());
    const splitter = new LineSplitter();
    let inconsistent: Failure | undefined;
    const broken = await this.#chunks(opened.response, SILENCE_MS, async (chunk, slices) => {
      for (const line of splitter.push(chunk)) {
        inconsistent = this.#event(line);
        if (inconsistent !== undefined) break;
        if (slices.spent) await slices.breathe();
      }
      if (splitter.skipped > 0) inconsistent ??= garbled(api, `sent an event about ${resource.name} that is longer than any object`);
      this.#options.sink.pass();
      return inconsistent;
    }, clock);
    due.cancel();
    this.#current = undefined;
    if (clock.now() >= this.#relistAt) return { type: "closed" };
    if (inconsistent !== undefined) return { type: "inconsistent", failure: inconsistent };
    return broken === undefined ? { type: "closed" } : { type: "failed", failure: broken };
  }

  /** One line of a watch; a failure means that the watch cannot be trusted any more. */
  #event(line: string): Failure | undefined {
    const { api, resource, sink } = this.#options;
    const event = recordOf(parseJson(line));
    const object = recordOf(event?.["object"]);
    if (event === undefined || object === undefined) {
      this.#count.garbage++;
      return garbled(api, `sent something into the watch of ${resource.name} that is no event`);
    }
    if (event["type"] === "ERROR") return statusFailure(`watch ${resource.name}`, api.party, 500, object, undefined);
    const version = textOf(recordOf(object["metadata"])?.["resourceVersion"]);
    if (isOlder(version, this.#version)) return garbled(api, `went back in time, from version ${this.#version ?? ""} of ${resource.name} to ${version ?? ""}`);
    this.#count.events++;
    this.#version = version ?? this.#version;
    this.#worked();
    switch (event["type"]) {
      case "ADDED":
      case "MODIFIED":
        sink.put(object);
        return undefined;
      case "DELETED":
        sink.gone(object);
        return undefined;
      case "BOOKMARK":
        return undefined;
      default:
        this.#count.garbage++;
        return garbled(api, `sent an event of an unknown type into the watch of ${resource.name}`);
    }
  }

  /**
   * Feeds a response to `take`, chunk by chunk, until it ends (undefined), breaks, is silent for `silenceMs`, or `take` has enough of it.
   * Taking stops the stream: what the server sends meanwhile waits in the socket.
   */
  async #chunks(
    response: AsyncIterable<Buffer> & { destroy(error?: Error): unknown },
    silenceMs: number,
    take: (chunk: Buffer, slices: Slices) => Promise<Failure | undefined>,
    clock: Clock,
  ): Promise<Failure | undefined> {
    const { api, resource } = this.#options;
    const silence: Failure = { kind: "timeout", sentence: `the API server at ${api.party.server} fell silent for ${silenceMs / 1000} s while sending ${resource.name}` };
    let silent: Failure | undefined;
    const arm = () =>
      clock.timer(`silence of ${resource.name}`, silenceMs, () => {
        silent = silence;
        response.destroy(new Error("silence"));
      });
    let timer = arm();
    const slices = new Slices(clock);
    try {
      for await (const chunk of response) {
        timer.cancel();
        const failure = await take(chunk, slices);
        if (failure !== undefined) return failure;
        if (slices.spent) await slices.breathe();
        timer = arm();
      }
      return silent;
    } catch (error) {
      return silent ?? api.failureOf(error);
    } finally {
      timer.cancel();
    }
  }
}

const cancelled: Failure = { kind: "cancelled", sentence: "stopped" };

function garbled(api: Api, sentence: string): Failure {
  return { kind: "garbage", sentence: `the API server at ${api.party.server} ${sentence}` };
}
