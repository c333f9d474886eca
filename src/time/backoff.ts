/** Exponential back-off with jitter. */
import type { Random } from "./random.ts";

export type BackoffLimits = {
  /** The first delay, in ms. */
  readonly first: number;
  /** No delay is longer, in ms. */
  readonly longest: number;
};

/** Delays that double from `first` to `longest`, each drawn from 75–125 % so that many hosts do not retry in step. */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: Random;
  #failures = 0;

  constructor(limits: BackoffLimits, random: Random) {
    this.#limits = limits;
    this.#random = random;
  }

  /** Milliseconds to wait before the next attempt; each call is one failure more. */
  next(): number {
    const delay = Math.min(this.#limits.longest, this.#limits.first * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return delay * (0.75 + 0.5 * this.#random());
  }

  /** How many delays were drawn since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** It works again: the next failure waits `first`. */
  reset(): void {
    this.#failures = 0;
  }
}
