/** Hands things out when they are due, in that order, and not faster than a rate. Knows nothing of what they are. */
import type { Clock, Timer } from "../time/index.ts";

export type PacerOptions<T> = {
  readonly clock: Clock;
  /** For people. */
  readonly name: string;
  /** Frames per second; above 0. */
  readonly rate: number;
  /** Sends what `item` stands for and returns how many frames that took: 0 if it is no longer wanted. May add more. */
  readonly send: (item: T) => number;
};

type Entry<T> = { readonly at: number; readonly order: number; readonly item: T };

/** How many frames may go at once after a rest: what the rate allows in this time. */
const SLACK_MS = 20;
const ROUNDING = 1e-6;

export class Pacer<T> {
  readonly #options: PacerOptions<T>;
  /** A binary heap by time, then by order of arrival. */
  readonly #heap: Entry<T>[] = [];
  #order = 0;
  /** Frames that may be sent now. */
  #credit: number;
  #creditAt: number;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #running = false;

  constructor(options: PacerOptions<T>) {
    this.#options = options;
    this.#credit = this.#mostCredit();
    this.#creditAt = options.clock.now();
  }

  /** How many things wait. */
  get length(): number {
    return this.#heap.length;
  }

  /** Hands `item` out at `at` by the clock, or as soon after that as the rate allows. */
  add(item: T, at: number): void {
    this.#push({ at, order: this.#order++, item });
    this.#arm();
  }

  /** Hands out what is due now without waiting for the timer. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    const now = this.#options.clock.now();
    this.#earn(now);
    for (let top = this.#heap[0]; top !== undefined && top.at <= now && this.#credit > 1 - ROUNDING; top = this.#heap[0]) {
      this.#pop();
      this.#credit -= this.#options.send(top.item);
    }
    this.#running = false;
    this.#arm();
  }

  /** Forgets everything. */
  clear(): void {
    this.#heap.length = 0;
    this.#timer?.cancel();
    this.#timerAt = Infinity;
  }

  #mostCredit(): number {
    return Math.max(1, (this.#options.rate * SLACK_MS) / 1000);
  }

  #earn(now: number): void {
    this.#credit = Math.min(this.#mostCredit(), this.#credit + ((now - this.#creditAt) * this.#options.rate) / 1000);
    this.#creditAt = now;
  }

  #arm(): void {
    const top = this.#heap[0];
    if (top === undefined || this.#running) return;
    const affordable = this.#creditAt + (Math.max(0, 1 - this.#credit) * 1000) / this.#options.rate;
    const at = Math.max(top.at, affordable);
    if (this.#timerAt <= at + ROUNDING) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#options.clock.timer(this.#options.name, Math.max(0, at - this.#options.clock.now()), () => {
      this.#timerAt = Infinity;
      this.run();
    });
  }

  #push(entry: Entry<T>): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(entry, above)) break;
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
      const left = 2 * i + 1;
      const child = isBefore(heap[left + 1], heap[left]) ? left + 1 : left;
      const below = heap[child];
      if (below === undefined || !isBefore(below, last)) break;
      heap[i] = below;
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore<T>(a: Entry<T> | undefined, b: Entry<T> | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
