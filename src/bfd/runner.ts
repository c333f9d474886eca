/**
 * One session while it runs: the machine, its timers and its packets. In the worker thread.
 *
 * One timer serves for both the next packet and the Detection Time. It is not set anew for each packet that comes: when it fires too early
 * for what was put off meanwhile, it is set for what is left.
 */
import type { Address } from "../net/index.ts";
import type { Clock, Random, Timer } from "../time/index.ts";
import { BFD_CONTROL_OCTETS, BFD_DIAGNOSTIC, type BfdControl, encodeBfd } from "../wire/index.ts";
import type { BfdProfile } from "./desired.ts";
import { Echo } from "./echo.ts";
import { type Event, step } from "./machine.ts";
import { type Discard, type FromThread, PacketCounters, type Report, type ToThread } from "./messages.ts";
import { controlPacket, detectionTime, echoInterval, jittered, newSession, type Session, transmitInterval } from "./session.ts";

/** What a runner needs of the thread. */
export type RunnerParts = {
  readonly clock: Clock;
  readonly random: Random;
  /** By the clock that all threads share, in ms. */
  readonly processMs: () => number;
  /** Nothing may be sent: the main loop stands. */
  readonly muted: () => boolean;
  /** Sends a datagram; the errno's name if that failed. */
  readonly send: (fd: number, octets: Uint8Array) => string | undefined;
  /** Reads one frame of echo packets that waits into `octets` and returns its length; undefined: none waits. */
  readonly receive: (fd: number, octets: Uint8Array) => number | undefined;
  /** Calls when everything has been taken that had arrived by now, as far as one turn of the loop reads. */
  readonly afterArrivals: (fn: () => void) => void;
  /** How many datagrams have been read on all sockets. */
  readonly arrivals: () => number;
  readonly tell: (message: FromThread) => void;
};

/** Turns of the loop for which the Detection Time is put off while datagrams go on being read that had to wait. */
const MOST_TURNS = 64;
/** How often AdminDown is said to a peer that does not answer. */
const FAREWELLS = 3;
/** What changes again sooner than this is reported with the next packet: a peer that says something else in each must not keep the main loop busy. */
const REPORT_MS = 100;

export class Runner {
  readonly remote: Address;
  readonly listener: number;
  readonly #parts: RunnerParts;
  readonly #fd: number;
  readonly #counters: PacketCounters;
  readonly #octets = new Uint8Array(BFD_CONTROL_OCTETS);
  readonly #echo: Echo;
  #session: Session;
  #since: number;
  #timer: { readonly timer: Timer; readonly due: number } | undefined;
  /** When a periodic packet last left, and what part of the interval the next one waits. */
  #sentAt = Number.NEGATIVE_INFINITY;
  #chance = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  #wasHeard = false;
  #suspected = false;
  #farewells = 0;
  #removed = false;
  #diagnostic: number | undefined;
  #ups = 0;
  #downs = 0;
  #discarding: Discard | undefined;
  #sendError: string | undefined;
  /** What was last reported, and when; `stale`: something is other by now. */
  #reported: { readonly state: Session["state"] | undefined; readonly at: number; readonly stale: boolean } = { state: undefined, at: Number.NEGATIVE_INFINITY, stale: false };

  constructor({ session, remote, listener, fd, profile, counters }: Extract<ToThread, { readonly type: "add" }>, parts: RunnerParts) {
    this.remote = remote;
    this.listener = listener;
    this.#parts = parts;
    this.#fd = fd;
    this.#counters = new PacketCounters(counters);
    this.#session = newSession(profile, session);
    this.#since = parts.processMs();
    this.#echo = new Echo(parts, { works: () => { this.#take({ type: "echo-works" }); }, failed: () => { this.#take({ type: "echo-failed" }); } });
  }

  get session(): Session {
    return this.#session;
  }

  /** It says its last words. */
  get leaving(): boolean {
    return this.#session.state === "admin-down";
  }

  start(): void {
    this.#report();
    this.#wake();
  }

  configure(profile: BfdProfile): void {
    this.#take({ type: "configure", profile });
  }

  echo(path: Extract<ToThread, { readonly type: "echo" }>["path"]): void {
    this.#echo.use(path);
  }

  received(packet: BfdControl): void {
    this.#counters.countReceived();
    this.#wasHeard = true;
    if (this.#discarding !== undefined) {
      this.#discarding = undefined;
      this.#report();
    }
    this.#take({ type: "packet", packet });
  }

  discarded(why: Discard): void {
    this.#counters.countDiscarded();
    if (this.#discarding === why) return;
    this.#discarding = why;
    this.#report();
  }

  /** Says AdminDown; tells when that is done. */
  remove(): void {
    this.#take({ type: "disable" });
  }

  /** The thread ends. */
  stop(): void {
    this.#removed = true;
    this.#timer?.timer.cancel();
    this.#echo.stop();
  }

  #leaveIfTold(): void {
    const { remote, poll } = this.#session;
    const told = remote.discr === 0 || poll.phase !== "active" || this.#farewells >= FAREWELLS || transmitInterval(this.#session) === undefined;
    if (!this.leaving || !told || this.#removed) return;
    this.stop();
    this.#parts.tell({ type: "removed", session: this.#session.localDiscr });
  }

  #take(event: Event): void {
    const before = this.#session;
    const { session, effects } = step(before, event);
    this.#session = session;
    if (session.state !== before.state) {
      this.#since = this.#parts.processMs();
      if (session.localDiag !== BFD_DIAGNOSTIC.NONE) this.#diagnostic = session.localDiag;
    }
    for (const effect of effects) {
      if (effect === "heard") this.#heardAt = this.#parts.clock.now();
      else if (effect === "send") this.#send("periodic");
      else if (effect === "send-final") this.#send("final");
      else if (effect === "up") this.#ups++;
      else this.#downs++;
    }
    if (session !== before) this.#report();
    if (effects.includes("up")) this.#parts.tell({ type: "up", session: session.localDiscr });
    if (effects.includes("down")) this.#parts.tell({ type: "down", session: session.localDiscr, diagnostic: session.localDiag, administrative: session.remote.state === "admin-down" && session.localDiag === BFD_DIAGNOSTIC.NEIGHBOR_DOWN });
    this.#echo.follow(echoInterval(session), session.profile.detectMult);
    this.#leaveIfTold();
    this.#arm();
  }

  #send(kind: "periodic" | "final"): void {
    if (kind === "periodic") {
      this.#sentAt = this.#parts.clock.now();
      this.#chance = this.#parts.random();
      if (this.leaving) this.#farewells++;
    }
    if (this.#parts.muted()) return;
    const error = this.#parts.send(this.#fd, encodeBfd(controlPacket(this.#session, kind), this.#octets));
    if (error === undefined) this.#counters.countSent();
    if (error === this.#sendError) return;
    this.#sendError = error;
    this.#report();
  }

  get #nextPacket(): number {
    const interval = transmitInterval(this.#session);
    return interval === undefined ? Number.POSITIVE_INFINITY : this.#sentAt + jittered(interval, this.#session.profile.detectMult, this.#chance) / 1000;
  }

  get #deadline(): number {
    const time = detectionTime(this.#session);
    return time === undefined ? Number.POSITIVE_INFINITY : this.#heardAt + time / 1000;
  }

  #arm(): void {
    if (this.#removed) return;
    const due = Math.min(this.#nextPacket, this.#suspected ? Number.POSITIVE_INFINITY : this.#deadline);
    if (this.#timer !== undefined && this.#timer.due <= due) return;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    if (due === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#parts;
    this.#timer = { due, timer: clock.timer("BFD", Math.max(0, due - clock.now()), () => { this.#timer = undefined; this.#wake(); }) };
  }

  #wake(): void {
    const now = this.#parts.clock.now();
    if (now >= this.#nextPacket) this.#take({ type: "transmit" });
    if (now >= this.#deadline && !this.#suspected) this.#suspect(MOST_TURNS);
    if (this.#reported.stale) this.#report();
    this.#arm();
  }

  /** It may be us who are late: what has arrived and waits to be read comes first. */
  #suspect(turns: number): void {
    const { clock, afterArrivals, arrivals } = this.#parts;
    this.#suspected = true;
    const before = arrivals();
    afterArrivals(() => {
      this.#suspected = false;
      if (this.#removed) return;
      if (clock.now() < this.#deadline) this.#arm();
      else if (arrivals() !== before && turns > 0) this.#suspect(turns - 1);
      else this.#take({ type: "detection-expired" });
    });
  }

  #report(): void {
    const session = this.#session;
    const { remote } = session;
    const now = this.#parts.clock.now();
    if (this.#reported.state === session.state && now - this.#reported.at < REPORT_MS) {
      this.#reported = { ...this.#reported, stale: true };
      return;
    }
    this.#reported = { state: session.state, at: now, stale: false };
    const report: Report = {
      state: session.state,
      since: this.#since,
      diagnostic: this.#diagnostic,
      remoteDiscriminator: remote.discr,
      remote: this.#wasHeard ? { state: remote.state, diagnostic: remote.diag } : undefined,
      transmitMs: inMs(transmitInterval(session)),
      detectionMs: inMs(detectionTime(session)),
      echoMs: session.echoWorks ? inMs(echoInterval(session)) : undefined,
      echoWelcome: remote.requiredMinEchoRxUs !== 0,
      ups: this.#ups,
      downs: this.#downs,
      discarding: this.#discarding,
      sendError: this.#sendError,
    };
    this.#parts.tell({ type: "report", session: session.localDiscr, report });
  }
}

function inMs(us: number | undefined): number | undefined {
  return us === undefined ? undefined : us / 1000;
}
