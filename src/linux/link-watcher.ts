/**
 * Follows the host's network interfaces and their addresses through rtnetlink(7).
 *
 * A message of the kernel is taken as a hint that something changed, never as the change itself: package `netlink` does not tell
 * new from deleted, and messages get lost when they come too fast. After each hint, and every 5 s without one, everything is read anew.
 */
import { createRequire } from "node:module";
import type * as Rt from "netlink/dist/rt/rt.js";
import type { Log } from "../log/index.ts";
import type { Clock, Timer } from "../time/index.ts";
import { type Link, isDisruption, linksFrom } from "./links.ts";

export type LinkWatcherOptions = {
  readonly log: Log;
  readonly clock: Clock;
  /** All interfaces, by index; called when something is different, the first time with what there is. */
  readonly onChange: (links: readonly Link[]) => void;
};

const SETTLE_MS = 5; // one change makes several messages
const REST_MS = 100; // between two readings: a host with many pods has many changes
const RESYNC_MS = 5_000;
const ANSWER_MS = 2_000;
const GROUPS = ["LINK", "IPV4_IFADDR", "IPV6_IFADDR"] as const;
const SOCKET_OPTIONS = { ref: true, recvBufferSize: 1 << 20, sendBufferSize: 1 << 16 };

type Socket = ReturnType<typeof Rt.createRtNetlink>;

export class LinkWatcher {
  readonly #options: LinkWatcherOptions;
  readonly #epochs = new Map<number, number>();
  #hints: Socket | undefined;
  #questions: Socket | undefined;
  #next: Timer | undefined;
  #nextAt = Infinity;
  #lastRead = -Infinity;
  #state: "stopped" | "waiting" | "reading" = "stopped";
  #links: readonly Link[] = [];
  #text = "";
  #hintedAt = -Infinity;
  #failing = false;

  constructor(options: LinkWatcherOptions) {
    this.#options = options;
  }

  /** As last read; empty before the first time. */
  get links(): readonly Link[] {
    return this.#links;
  }

  /** Resolves when the interfaces have been read for the first time, or could not be. */
  async start(): Promise<void> {
    if (this.#state !== "stopped") return;
    this.#state = "waiting";
    await this.#read();
  }

  stop(): void {
    this.#state = "stopped";
    this.#next?.cancel();
    this.#closeSockets();
  }

  /** Reads within `ms`, if nothing is to be read sooner. */
  #readIn(ms: number): void {
    const { clock } = this.#options;
    const at = clock.now() + ms;
    if (this.#state === "stopped" || this.#nextAt <= at) return;
    this.#next?.cancel();
    this.#nextAt = at;
    this.#next = clock.timer("read links", ms, () => {
      this.#nextAt = Infinity;
      void this.#read();
    });
  }

  /** Rejects only with what the receiver throws. */
  async #read(): Promise<void> {
    if (this.#state !== "waiting") return;
    this.#state = "reading";
    this.#lastRead = this.#options.clock.now();
    const links = await this.#ask().catch((error: unknown) => {
      this.#failed(error);
    });
    if (this.#isStopped()) return;
    if (links !== undefined) this.#recovered();
    this.#state = "waiting";
    this.#readIn(this.#hintedAt >= this.#lastRead ? REST_MS : RESYNC_MS);
    // Last, so that a receiver that throws is no failure to read.
    if (links !== undefined) this.#take(links);
  }

  /** A method, so that the compiler does not think that nothing happens while we wait. */
  #isStopped(): boolean {
    return this.#state === "stopped";
  }

  async #ask(): Promise<readonly Link[]> {
    const questions = this.#openSockets();
    // One after the other: the kernel answers one such question at a time per socket.
    const links = await questions.getLinks({}, {}, { timeout: ANSWER_MS });
    const addresses = await questions.getAddresses({}, {}, { timeout: ANSWER_MS });
    return linksFrom(links, addresses, this.#epochs);
  }

  #take(links: readonly Link[]): void {
    const text = JSON.stringify(links);
    if (text === this.#text) return;
    this.#text = text;
    this.#links = links;
    const known = new Set(links.map((link) => link.index));
    for (const index of this.#epochs.keys()) if (!known.has(index)) this.#epochs.delete(index);
    this.#options.onChange(links);
  }

  #hinted(): void {
    this.#hintedAt = this.#options.clock.now();
    this.#readIn(Math.max(SETTLE_MS, this.#lastRead + REST_MS - this.#hintedAt));
  }

  /** Hints have a socket of their own: one that comes in the midst of an answer would cut it in two. */
  #openSockets(): Socket {
    // Without the tables of other protocols, which the package's index loads too and which take longer than all else here.
    const { createRtNetlink } = createRequire(import.meta.url)("netlink/dist/rt/rt.js") as typeof Rt;
    if (this.#hints === undefined) {
      const hints = createRtNetlink(SOCKET_OPTIONS);
      this.#hints = hints;
      hints.on("message", (messages) => {
        for (const message of messages) if (message.kind === "link" && isDisruption(message)) this.#disrupted(message.data.index);
        this.#hinted();
      });
      hints.on("invalid", () => {
        this.#hinted();
      });
      hints.socket.on("error", (error) => {
        // Hints were lost (ENOBUFS): any link may have been down meanwhile.
        for (const link of this.#links) this.#disrupted(link.index);
        this.#failed(error);
      });
      for (const group of GROUPS) hints.addMembership(group);
    }
    if (this.#questions === undefined) {
      this.#questions = createRtNetlink(SOCKET_OPTIONS);
      this.#questions.socket.on("error", (error) => {
        this.#failed(error);
      });
    }
    return this.#questions;
  }

  #disrupted(index: number | undefined): void {
    if (index !== undefined) this.#epochs.set(index, (this.#epochs.get(index) ?? 0) + 1);
  }

  #failed(error: unknown): void {
    this.#closeSockets();
    if (this.#isStopped()) return;
    if (!this.#failing) this.#options.log.warning("the network interfaces could not be read; trying again", { error: String(error) });
    this.#failing = true;
    this.#readIn(REST_MS);
  }

  #recovered(): void {
    if (this.#failing) this.#options.log.notice("the network interfaces are read again");
    this.#failing = false;
  }

  #closeSockets(): void {
    this.#hints?.socket.close();
    this.#questions?.socket.close();
    this.#hints = undefined;
    this.#questions = undefined;
  }
}
