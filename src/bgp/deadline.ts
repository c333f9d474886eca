/** A timer that is restarted far more often than it fires: moving it costs a comparison, not a system timer. */
import type { Clock, Timer } from "../time/index.ts";

export class Deadline {
  readonly #clock: Clock;
  readonly #name: string;
  readonly #expired: () => void;
  #due = Infinity;
  #timer: { readonly handle: Timer; readonly at: number } | undefined;

  constructor(clock: Clock, name: string, expired: () => void) {
    this.#clock = clock;
    this.#name = name;
    this.#expired = expired;
  }

  /** Milliseconds until it fires; undefined if it does not run. */
  get left(): number | undefined {
    return this.#due === Infinity ? undefined : Math.max(0, this.#due - this.#clock.now());
  }

  /** Fires in `ms`, and not at any time that was set before. */
  restart(ms: number): void {
    this.#due = this.#clock.now() + ms;
    if (this.#timer !== undefined && this.#timer.at <= this.#due) return; // it will find out when it fires
    this.#timer?.handle.cancel();
    this.#arm();
  }

  stop(): void {
    this.#due = Infinity;
    this.#timer?.handle.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    const at = this.#due;
    const handle = this.#clock.timer(this.#name, Math.max(0, at - this.#clock.now()), () => {
      this.#timer = undefined;
      if (this.#due > this.#clock.now()) this.#arm();
      else {
        this.#due = Infinity;
        this.#expired();
      }
    });
    this.#timer = { handle, at };
  }
}
