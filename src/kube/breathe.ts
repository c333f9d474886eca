/** Long work in slices: the main loop answers ARP and feeds the watchdog, so nothing may hold it for long. */
import type { Clock } from "../time/index.ts";

const SLICE_MS = 2;

/** Resolves in the next turn of the event loop, after sockets and timers had theirs. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Counts how long this piece of work has held the main loop, and lets others in when that was long enough. */
export class Slices {
  readonly #clock: Clock;
  #began: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.now();
  }

  /** True when it is time to `breathe`. */
  get spent(): boolean {
    return this.#clock.now() - this.#began >= SLICE_MS;
  }

  /** Lets the main loop turn once. */
  async breathe(): Promise<void> {
    await nextTurn();
    this.#began = this.#clock.now();
  }
}

/** Waits by `clock`; resolves early, and quietly, when `signal` is aborted. */
export function pause(clock: Clock, name: string, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.timer(name, ms, done);
    signal.addEventListener("abort", done);
  });
}
