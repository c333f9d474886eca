/** Hands things out when they are due, in that order, and not faster than a rate. Knows nothing of what they are. */
import { type Clock, DueQueue, type Timer } from "../time/index.ts";

export type PacerOptions<T> = {
  readonly clock: Clock;
  /** For people. */
  readonly name: string;
  /** Frames per second; above 0. */
  readonly rate: number;
  /** Sends what `item` stands for and returns how many frames that took: 0 if it is no longer wanted. May add more. */
  readonly send: (item: T) => number;
};

/** How many frames may go at once after a rest: what the rate allows in this time. */
const SLACK_MS = 5;
const ROUNDING = 1e-6;

export class Pacer<T> {
  readonly #options: PacerOptions<T>;
  readonly #queue = new DueQueue<T>();
  #rate: number;
  /** Frames that may be sent now. */
  #credit: number;
  #creditAt: number;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #running = false;

  constructor(options: PacerOptions<T>) {
    this.#options = options;
    this.#rate = options.rate;
    this.#credit = this.#mostCredit();
    this.#creditAt = options.clock.now();
  }

  /** How many things wait. */
  get length(): number {
    return this.#queue.length;
  }

  /** Hands `item` out at `at` by the clock, or as soon after that as the rate allows. */
  add(item: T, at: number): void {
    this.#queue.push(at, item);
    this.#arm();
  }

  /** Frames per second from now on; above 0. */
  pace(rate: number): void {
    if (rate === this.#rate) return;
    this.#earn(this.#options.clock.now());
    this.#rate = rate;
    this.#credit = Math.min(this.#credit, this.#mostCredit());
    this.#timer?.cancel();
    this.#timerAt = Infinity;
    this.#arm();
  }

  /** Hands out what is due now without waiting for the timer. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    const now = this.#options.clock.now();
    this.#earn(now);
    while (this.#credit > 1 - ROUNDING) {
      const item = this.#queue.take(now);
      if (item === undefined) break;
      this.#credit -= this.#options.send(item);
    }
    this.#running = false;
    this.#arm();
  }

  /** Forgets everything. */
  clear(): void {
    this.#queue.clear();
    this.#timer?.cancel();
    this.#timerAt = Infinity;
  }

  #mostCredit(): number {
    return Math.max(1, (this.#rate * SLACK_MS) / 1000);
  }

  #earn(now: number): void {
    this.#credit = Math.min(this.#mostCredit(), this.#credit + ((now - this.#creditAt) * this.#rate) / 1000);
    this.#creditAt = now;
  }

  #arm(): void {
    if (this.#queue.length === 0 || this.#running) return;
    const affordable = this.#creditAt + (Math.max(0, 1 - this.#credit) * 1000) / this.#rate;
    const at = Math.max(this.#queue.next, affordable);
    if (this.#timerAt <= at + ROUNDING) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#options.clock.timer(this.#options.name, Math.max(0, at - this.#options.clock.now()), () => {
      this.#timerAt = Infinity;
      this.run();
    });
  }
}
