/**
 * A virtual world for tests and simulations: one queue of events, any number of hosts that each see it through a clock of
 * their own. Synchronous: no promise ever runs inside, so the same seed gives the same run.
 */
import type { Clock, Timer } from "./clock.ts";
import { DueQueue } from "./due.ts";

type Entry = { readonly host: VirtualClock | undefined; fn: (() => void) | undefined };

export class VirtualWorld {
  /** Milliseconds since the world began. */
  time = 0;
  readonly #queue = new DueQueue<Entry>();

  /** Runs `fn` in `ms`. With `host`: only if that host then lives, and after its pause if it is paused. */
  after(ms: number, fn: () => void, host?: VirtualClock): Timer {
    const entry: Entry = { host, fn };
    this.#queue.push(this.time + Math.max(0, ms), entry);
    return {
      cancel: () => {
        entry.fn = undefined;
      },
    };
  }

  /** Lets `ms` pass. */
  advance(ms: number): void {
    this.runUntil(this.time + ms);
  }

  /** Runs everything that is due until `end`, in order. */
  runUntil(end: number): void {
    for (let at = this.#queue.next; at <= end; at = this.#queue.next) {
      const entry = this.#queue.take(at);
      if (entry === undefined) break;
      this.time = Math.max(this.time, at);
      const { fn, host } = entry;
      if (fn === undefined || host?.dead === true) continue;
      if (host !== undefined && host.pausedUntil > this.time) {
        // The same entry goes back, not a copy: its timer must still be able to cancel it.
        this.#queue.push(host.pausedUntil, entry);
        continue;
      }
      entry.fn = undefined;
      fn();
    }
    this.time = Math.max(this.time, end);
  }
}

const ROUNDING_MS = 1e-6;

/** One host's view of the virtual world. */
export class VirtualClock implements Clock {
  /** A dead host's timers never fire. */
  dead = false;
  /** How far this host's wall clock is off, in ms. */
  wallOffset: number;
  readonly #world: VirtualWorld;
  readonly #bootedAt: number;
  #pausedUntil = 0;
  #pausedSince = 0;
  #lost = 0;
  #standingSince: number | undefined;

  constructor(world: VirtualWorld, wallOffset = 0) {
    this.#world = world;
    this.#bootedAt = world.time - 1000;
    this.wallOffset = wallOffset;
  }

  /** World time until which the host does nothing; what was due meanwhile comes then. */
  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  get paused(): boolean {
    return this.#world.time < this.#pausedUntil;
  }

  /** How long it has been paused by now; 0 if it is not. */
  get pausedFor(): number {
    return this.paused ? this.#world.time - this.#pausedSince : 0;
  }

  /** Stops the host for `ms`. `seen`: its clock goes on, as for a stopped process; `unseen`: it stands too, as for a suspended VM. */
  pause(ms: number, clock: "seen" | "unseen"): void {
    if (!this.paused) this.#pausedSince = this.#world.time;
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#world.time + ms);
    if (clock === "seen" || this.#standingSince !== undefined) return;
    const since = this.#world.time;
    this.#standingSince = since;
    const resume = (): void => {
      if (this.paused) {
        this.#world.after(this.#pausedUntil - this.#world.time, resume);
        return;
      }
      this.#lost += this.#world.time - since;
      this.#standingSince = undefined;
    };
    this.#world.after(ms, resume);
  }

  now(): number {
    return (this.#standingSince ?? this.#world.time) - this.#bootedAt - this.#lost;
  }

  wall(): number {
    return 1_700_000_000_000 + this.#world.time + this.wallOffset;
  }

  timer(_name: string, ms: number, fn: () => void): Timer {
    const due = this.now() + Math.max(0, ms);
    let timer: Timer;
    const arm = (wait: number): void => {
      timer = this.#world.after(wait, fire, this);
    };
    // The clock may have stood in the meantime.
    const fire = (): void => {
      if (this.now() < due - ROUNDING_MS) arm(due - this.now());
      else fn();
    };
    arm(ms);
    return {
      cancel: () => {
        timer.cancel();
      },
    };
  }
}
