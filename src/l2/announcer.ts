/**
 * Answers and announces VIPs on the segments of this host, asks who else does, and passes on what others say there.
 */
import type { Link } from "../linux/index.ts";
import type { Address } from "../net/index.ts";
import type { Timer } from "../time/index.ts";
import type { AnnouncePace } from "./claims.ts";
import type { L2Desired, L2Intent } from "./desired.ts";
import { Segment, type SegmentIntent, type SegmentOptions } from "./segment.ts";
import type { L2Status } from "./status.ts";

export type AnnouncerOptions = SegmentOptions;

const LOOK_MS = 5_000;

export class Announcer {
  readonly #options: AnnouncerOptions;
  #pace: AnnouncePace;
  readonly #segments = new Map<string, Segment>();
  /** Interfaces that are listened to even if nothing is to be done there. */
  #listening: ReadonlySet<string> = new Set();
  /** By VIP: on which segments something is being done. */
  readonly #busy = new Map<Address, readonly string[]>();
  /** How many VIPs are busy on a segment. */
  readonly #uses = new Map<string, number>();
  #links: ReadonlyMap<string, Link> = new Map();
  #timer: Timer | undefined;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#pace = options;
  }

  start(): void {
    this.#timer ??= this.#options.clock.timer("look at segments", LOOK_MS, () => {
      this.#timer = undefined;
      for (const segment of this.#segments.values()) segment.look();
      this.start();
    });
  }

  /** Listens on these interfaces, whatever there is to do: claims of others must be heard before there is. */
  segments(names: readonly string[]): void {
    this.#listening = new Set(names);
    for (const name of names) this.#open(name);
    for (const name of [...this.#segments.keys()]) this.#closeUnused(name);
  }

  /** Other settings. Sends nothing by itself. */
  configure(pace: AnnouncePace): void {
    this.#pace = pace;
    for (const segment of this.#segments.values()) segment.pace(pace);
  }

  /** Every interface of the host, as it is now. */
  links(links: readonly Link[]): void {
    this.#links = new Map(links.map((link) => [link.name, link]));
    for (const [name, segment] of this.#segments) segment.link(this.#links.get(name));
  }

  /** Makes it so for the addresses that changed; the same twice does nothing. What is silenced is not answered after this call. */
  apply(desired: L2Desired, changed: ReadonlySet<Address>): void {
    for (const address of changed) this.#make(address, desired.get(address) ?? []);
    for (const segment of this.#segments.values()) segment.flush();
  }

  status(): L2Status {
    return { segments: Array.from(this.#segments.values(), (segment) => segment.status()) };
  }

  /** Answers nothing more from this moment. Resolves at once: nothing is waited for. */
  stop(): Promise<void> {
    this.#timer?.cancel();
    for (const segment of this.#segments.values()) segment.stop();
    this.#segments.clear();
    this.#busy.clear();
    this.#uses.clear();
    return Promise.resolve();
  }

  #make(address: Address, intents: readonly L2Intent[]): void {
    const before = this.#busy.get(address) ?? [];
    const after = [...new Set(intents.map((intent) => intent.segment))];
    for (const name of after) if (!before.includes(name)) this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
    for (const name of before) {
      if (after.includes(name)) continue;
      this.#segments.get(name)?.intend(address, undefined);
      this.#uses.set(name, (this.#uses.get(name) ?? 1) - 1);
      this.#closeUnused(name);
    }
    if (after.length === 0) this.#busy.delete(address);
    else this.#busy.set(address, after);
    for (const name of after) this.#open(name).intend(address, on(name, intents));
  }

  #open(name: string): Segment {
    const known = this.#segments.get(name);
    if (known !== undefined) return known;
    const { announceRate, refreshMs } = this.#pace;
    const segment = new Segment(name, { ...this.#options, announceRate, refreshMs });
    this.#segments.set(name, segment);
    segment.link(this.#links.get(name));
    return segment;
  }

  #closeUnused(name: string): void {
    if (this.#listening.has(name) || (this.#uses.get(name) ?? 0) > 0) return;
    this.#segments.get(name)?.stop();
    this.#segments.delete(name);
    this.#uses.delete(name);
  }
}

/** What is intended on one segment; of two intents of a kind the last counts. */
function on(name: string, intents: readonly L2Intent[]): SegmentIntent {
  let claim: number | undefined;
  let defence: number | undefined;
  let ask: number | undefined;
  for (const intent of intents) {
    if (intent.segment !== name) continue;
    switch (intent.action) {
      case "answer":
        ({ claim, defence } = intent);
        break;
      case "ask":
        ask = intent.ask;
        break;
    }
  }
  return { claim, defence, ask };
}
