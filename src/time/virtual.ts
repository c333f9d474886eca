/**
 * A virtual world for tests and simulations: one queue of events, any number of hosts that each see it through a clock of
 * their own. Synchronous: no promise ever runs inside, so the same seed gives the same run.
 */
import type { Clock, Timer } from "./clock.ts";

type Entry = { at: number; order: number; readonly host: VirtualClock | undefined; fn: (() => void) | undefined };

export class VirtualWorld {
  /** Milliseconds since the world began. */
  time = 0;
  #order = 0;
  readonly #heap: Entry[] = [];

  /** Runs `fn` in `ms`. With `host`: only if that host then lives, and after its pause if it is paused. */
  after(ms: number, fn: () => void, host?: VirtualClock): Timer {
    const entry: Entry = { at: this.time + Math.max(0, ms), order: this.#order++, host, fn };
    this.#push(entry);
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
    for (let entry = this.#heap[0]; entry !== undefined && entry.at <= end; entry = this.#heap[0]) {
      this.#pop();
      this.time = Math.max(this.time, entry.at);
      const { fn, host } = entry;
      if (fn === undefined || host?.dead === true) continue;
      if (host !== undefined && host.pausedUntil > this.time) {
        // The same entry goes back, not a copy: its timer must still be able to cancel it.
        entry.at = host.pausedUntil;
        entry.order = this.#order++;
        this.#push(entry);
        continue;
      }
      entry.fn = undefined;
      fn();
    }
    this.time = Math.max(this.time, end);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !earlier(entry, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && earlier(right, below)) {
        child++;
        below = right;
      }
      if (!earlier(below, last)) break;
      heap[i] = below;
      i = child;
    }
    heap[i] = last;
  }
}

function earlier(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** One host's view of the virtual world. */
export class VirtualClock implements Clock {
  /** A dead host's timers never fire. */
  dead = false;
  /** World time until which the host does nothing; what was due meanwhile comes then. */
  pausedUntil = 0;
  /** How far this host's wall clock is off, in ms. */
  wallOffset: number;
  readonly #world: VirtualWorld;
  readonly #bootedAt: number;

  constructor(world: VirtualWorld, wallOffset = 0) {
    this.#world = world;
    this.#bootedAt = world.time - 1000;
    this.wallOffset = wallOffset;
  }

  now(): number {
    return this.#world.time - this.#bootedAt;
  }

  wall(): number {
    return 1_700_000_000_000 + this.#world.time + this.wallOffset;
  }

  timer(_name: string, ms: number, fn: () => void): Timer {
    return this.#world.after(ms, fn, this);
  }
}
