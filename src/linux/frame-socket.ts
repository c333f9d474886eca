/**
 * A raw socket on one interface that survives what happens to the interface: it is taken down and up, deleted and made again.
 *
 * A capture by `pcap` goes deaf without a word when its link goes down, so this listens to what the link watcher says, and counts:
 * frames that the kernel has caught and that never came here mean that the capture is deaf, whatever the link says.
 */
import type { Log } from "../log/index.ts";
import { Backoff, type Clock, type Random, type Timer } from "../time/index.ts";
import type { Link } from "./links.ts";
import { type PcapCounters, PcapSession } from "./pcap-session.ts";

export interface FrameSocket {
  /** The interface as it is now, or undefined if there is none of that name. To be called with every news of it. */
  link(link: Link | undefined): void;
  /** Sends a whole Ethernet frame. False if the kernel did not take it. */
  send(frame: Uint8Array): boolean;
  status(): FrameSocketStatus;
  /** For ever. */
  close(): void;
}

export type FrameSocketStatus = {
  readonly state: FrameSocketState;
  /** Of the present capture; zero without one. */
  readonly counters: PcapCounters;
  /** How often a capture was found deaf or void and opened anew. */
  readonly reopened: number;
};

export type FrameSocketState =
  | { readonly type: "open" }
  | { readonly type: "closed"; readonly reason: "no-interface" | "link-down" }
  /** It is tried again. */
  | { readonly type: "failed"; readonly error: string };

export type FrameSocketOptions = {
  readonly interface: string;
  /** pcap-filter(7). */
  readonly filter: string;
  /** The frame is the receiver's to keep. `ageMs`: how long ago it arrived. */
  readonly onFrame: (frame: Uint8Array, ageMs: number) => void;
  /** A new capture is open: what came or went before may be lost. */
  readonly onOpen: () => void;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
};

/** How a part that needs frames gets them: `openFrameSocket` in the daemon. */
export type OpenFrames = (options: FrameSocketOptions) => FrameSocket;

const RETRY = { first: 500, longest: 30_000 };
const CHECK_MS = 1_000;
const DEAF_AFTER = 2; // checks
const NOTHING: PcapCounters = { received: 0, dropped: 0, delivered: 0, shed: 0 };

export const openFrameSocket: OpenFrames = (options) => new PcapFrameSocket(options);

class PcapFrameSocket implements FrameSocket {
  readonly #options: FrameSocketOptions;
  readonly #backoff: Backoff;
  #link: Link | undefined;
  #state: FrameSocketState = { type: "closed", reason: "no-interface" };
  #session: PcapSession | undefined;
  #timer: Timer | undefined;
  #checked = NOTHING;
  #silentChecks = 0;
  #flooded = false;
  /** Attempts to open that failed since the last that did not. */
  #failures = 0;
  /** What was last said of them. */
  #said: string | undefined;
  #reopened = 0;

  constructor(options: FrameSocketOptions) {
    this.#options = options;
    this.#backoff = new Backoff(RETRY, options.random);
  }

  link(link: Link | undefined): void {
    const before = this.#link;
    this.#link = link;
    if (link?.up !== true) {
      this.#shut({ type: "closed", reason: link === undefined ? "no-interface" : "link-down" });
    } else if (this.#session === undefined || before?.index !== link.index || before.epoch !== link.epoch) {
      this.#backoff.reset();
      this.#open();
    }
  }

  send(frame: Uint8Array): boolean {
    return this.#session?.send(frame) ?? false;
  }

  status(): FrameSocketStatus {
    return { state: this.#state, counters: this.#session?.counters() ?? NOTHING, reopened: this.#reopened };
  }

  close(): void {
    this.#link = undefined;
    this.#shut({ type: "closed", reason: "no-interface" });
  }

  #open(): void {
    const { clock, log, onFrame, onOpen } = this.#options;
    const old = this.#session;
    this.#session = undefined;
    this.#timer?.cancel();
    try {
      const session: PcapSession = new PcapSession({
        interface: this.#options.interface,
        filter: this.#options.filter,
        onFrame: (frame, ageMs) => {
          if (this.#session === session) onFrame(frame, ageMs);
        },
        onError: (error) => {
          log.error("a received frame could not be handled", { interface: this.#options.interface, error: String(error) });
        },
      });
      this.#session = session;
      this.#state = { type: "open" };
      this.#checked = NOTHING;
      this.#silentChecks = 0;
      this.#failures = 0;
      this.#said = undefined;
      if (old !== undefined) this.#reopened++;
      this.#timer = clock.timer("check capture", CHECK_MS, () => {
        this.#check(session);
      });
      onOpen();
    } catch (error) {
      this.#failed(error);
    }
    // After the new one serves: to close takes its time.
    if (old !== undefined) retire(old);
  }

  #failed(error: unknown): void {
    const { clock, log } = this.#options;
    const text = error instanceof Error ? error.message : String(error);
    // Once is no news: an interface that goes down just then is soon heard of.
    if (++this.#failures > 1 && this.#said !== text) {
      this.#said = text;
      log.warning("frames cannot be captured; trying again", { interface: this.#options.interface, error: text });
    }
    this.#state = { type: "failed", error: text };
    this.#timer = clock.timer("open capture", this.#backoff.next(), () => {
      this.#open();
    });
  }

  #shut(state: FrameSocketState): void {
    this.#timer?.cancel();
    this.#failures = 0;
    this.#said = undefined;
    this.#state = state;
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined) retire(session);
  }

  /** Deaf is whose kernel catches frames, check after check, of which none arrives here. */
  #check(session: PcapSession): void {
    const { clock, log } = this.#options;
    const now = session.counters();
    const caught = now.received - now.dropped > this.#checked.received - this.#checked.dropped;
    const read = now.delivered + now.shed > this.#checked.delivered + this.#checked.shed;
    this.#silentChecks = caught && !read ? this.#silentChecks + 1 : 0;
    const lost = now.shed + now.dropped - this.#checked.shed - this.#checked.dropped;
    if (lost > 0 && !this.#flooded) {
      log.warning("more frames come than can be handled; some were thrown away", {
        interface: this.#options.interface,
        frames: lost,
      });
    }
    this.#flooded = lost > 0;
    this.#checked = now;
    if (this.#silentChecks >= DEAF_AFTER) {
      log.warning("the capture had gone deaf and is opened anew", { interface: this.#options.interface });
      this.#open();
      return;
    }
    this.#timer = clock.timer("check capture", CHECK_MS, () => {
      this.#check(session);
    });
  }
}

/** Closes it in a turn of its own. */
function retire(session: PcapSession): void {
  setImmediate(() => {
    session.close();
  });
}
