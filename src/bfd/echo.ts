/**
 * The Echo function of one session (RFC 5880 6.4, 6.8.5, 6.8.8, 6.8.9): packets to ourselves that the peer's forwarding returns. In the
 * worker thread.
 *
 * It counts packets rather than time: the path has failed when so many in a row did not come back. A thread that did not run sends none
 * meanwhile, and finds the last one waiting to be read. Packets that have never come back are no failure: the peer does not return any.
 */
import type { Clock, Random, Timer } from "../time/index.ts";
import { BFD_ECHO_TTL, decodeBfdEcho, numberBfdEcho, WireError } from "../wire/index.ts";
import { jittered } from "./session.ts";

export type EchoParts = {
  readonly clock: Clock;
  readonly random: Random;
  /** Nothing may be sent: the main loop stands. */
  readonly muted: () => boolean;
  readonly send: (fd: number, octets: Uint8Array) => string | undefined;
  /** Reads one frame that waits into `octets` and returns its length; undefined: none waits. */
  readonly receive: (fd: number, octets: Uint8Array) => number | undefined;
};

export type EchoEvents = { readonly works: () => void; readonly failed: () => void };

/** Frames that are read at one go; what anybody sends beside ours must not keep us from our work. */
const MOST_FRAMES = 64;

export class Echo {
  readonly #parts: EchoParts;
  readonly #events: EchoEvents;
  readonly #octets = new Uint8Array(128);
  #path: { readonly fd: number; readonly frame: Uint8Array } | undefined;
  #intervalUs: number | undefined;
  #detectMult = 1;
  #timer: Timer | undefined;
  #sent = 0;
  #returned = 0;
  /** One has come back since echo packets are sent. */
  #works = false;

  constructor(parts: EchoParts, events: EchoEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  /** From where, and with which frame, echo packets are sent. */
  use(path: { readonly fd: number; readonly frame: Uint8Array }): void {
    this.#path = path;
    this.#begin();
  }

  /** How often, as the session says now; undefined: not at all. */
  follow(intervalUs: number | undefined, detectMult: number): void {
    this.#detectMult = detectMult;
    if (this.#intervalUs === intervalUs) return;
    this.#intervalUs = intervalUs;
    this.#begin();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #begin(): void {
    if (this.#path === undefined || this.#intervalUs === undefined) {
      this.stop();
      this.#works = false;
      return;
    }
    if (this.#timer !== undefined) return;
    this.#works = false;
    this.#returned = this.#sent; // what is still under way from before does not count
    this.#tick();
  }

  #tick(): void {
    this.#timer = undefined;
    if (this.#path === undefined || this.#intervalUs === undefined) return;
    this.#read(this.#path);
    const missing = this.#sent - this.#returned;
    if (this.#works && missing >= this.#detectMult) {
      this.#works = false;
      this.#events.failed();
    }
    // What has just been told may have ended it, or begun it anew.
    if (!this.#isDue()) return;
    this.#timer = this.#parts.clock.timer("BFD echo", jittered(this.#intervalUs, this.#detectMult, this.#parts.random()) / 1000, () => { this.#tick(); });
    if (this.#parts.muted()) return;
    this.#sent++;
    numberBfdEcho(this.#path.frame, this.#sent >>> 0);
    this.#parts.send(this.#path.fd, this.#path.frame);
  }

  #isDue(): boolean {
    return this.#timer === undefined && this.#path !== undefined && this.#intervalUs !== undefined;
  }

  /** What has come back since the last time. */
  #read({ fd, frame }: { readonly fd: number; readonly frame: Uint8Array }): void {
    for (let frames = 0; frames < MOST_FRAMES; frames++) {
      const length = this.#parts.receive(fd, this.#octets);
      if (length === undefined) return;
      this.#take(this.#octets.subarray(0, length), frame);
    }
  }

  #take(octets: Uint8Array, ours: Uint8Array): void {
    try {
      const [echo, own] = [decodeBfdEcho(octets), decodeBfdEcho(ours)];
      const isOurs = echo.discriminator === own.discriminator && echo.address === own.address && echo.token.every((octet, i) => octet === own.token[i]);
      if (!isOurs || echo.ttl !== BFD_ECHO_TTL - 1) return;
      const ahead = (echo.sequence - this.#returned) >>> 0; // the number wraps, what is counted does not
      if (ahead === 0 || ahead > this.#sent - this.#returned) return;
      this.#returned += ahead;
    } catch (error) {
      if (error instanceof WireError) return;
      throw error;
    }
    if (this.#works) return;
    this.#works = true;
    this.#events.works();
  }
}
