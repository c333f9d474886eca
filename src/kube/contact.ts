/** When the API was last known to work: any event or bookmark of a watch, any complete answer to a list, any Lease written. */
import type { Clock } from "../time/index.ts";

/** A gap that long is an outage, whose end those who wait in a long back-off want to hear of. */
const OUTAGE_MS = 4_000;

export class Contact {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #last: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  made(): void {
    const before = this.#last;
    this.#last = this.#clock.now();
    if (before !== undefined && this.#last - before < OUTAGE_MS) return;
    const waiting = Array.from(this.#waiting);
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Monotonic ms of the last contact; undefined if there was none yet. */
  get last(): number | undefined {
    return this.#last;
  }

  /** Calls `wake` once, when an outage ends. Returns what takes that back. */
  onRecovery(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => {
      this.#waiting.delete(wake);
    };
  }
}
