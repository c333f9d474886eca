/**
 * DampPeerOscillations (RFC 4271 8.1.1, 8.2.2): how long a peer stays Idle before the next attempt.
 *
 * Two back-offs: a router that does not answer is tried again soon, because it may be booting; one that was reached and
 * then refused or dropped us is tried ever more rarely. The second forgets only after a session that lasted its hold time, and at
 * least 30 s: "established, then NOTIFICATION at once" is a failure as well, and so is "established, then silent for three seconds".
 */
import { Backoff, type Clock, type Random, type Timer } from "../time/index.ts";

const FIRST_MS = 1000;
const LONGEST_AFTER_FAILURE_MS = 60_000;
const LEAST_LASTING_MS = 30_000; // with a hold time of 3 s a peer that says nothing at all would count as lasting
const LASTING_WITHOUT_TIMER_MS = 90_000; // what counts as lasting when the negotiated hold time is 0

export class IdleHold {
  readonly #clock: Clock;
  readonly #expired: () => void;
  readonly #unreachable: Backoff;
  readonly #failures: Backoff;
  #up: { readonly since: number; readonly lasting: number } | undefined;
  #timer: { readonly handle: Timer; readonly due: number; readonly refuses: boolean } | undefined;

  /** `longestUnreachableMs`: the longest time between two attempts to reach a router that does not answer. */
  constructor(clock: Clock, random: Random, longestUnreachableMs: number, expired: () => void) {
    this.#clock = clock;
    this.#expired = expired;
    this.#unreachable = new Backoff({ first: Math.min(FIRST_MS, longestUnreachableMs), longest: longestUnreachableMs }, random);
    this.#failures = new Backoff({ first: FIRST_MS, longest: LONGEST_AFTER_FAILURE_MS }, random);
  }

  /** Milliseconds until the next attempt; undefined if none waits. */
  get left(): number | undefined {
    return this.#timer === undefined ? undefined : Math.max(0, this.#timer.due - this.#clock.now());
  }

  /** Whether the peer's own connections are refused meanwhile, as Idle does after a failure. */
  get refuses(): boolean {
    return this.#timer?.refuses === true;
  }

  /** A session with that hold time came up. */
  up(holdMs: number): void {
    this.stop();
    this.#unreachable.reset();
    this.#up = { since: this.#clock.now(), lasting: holdMs === 0 ? LASTING_WITHOUT_TIMER_MS : Math.max(LEAST_LASTING_MS, holdMs) };
  }

  /** Calls `expired` after a while; never earlier than an attempt that already waits. */
  damp(after: "no-connection" | "failure"): void {
    if (this.#up !== undefined && this.#clock.now() - this.#up.since >= this.#up.lasting) this.#failures.reset();
    this.#up = undefined;
    const delay = after === "failure" ? this.#failures.next() : this.#unreachable.next();
    const due = Math.max(this.#clock.now() + delay, this.#timer?.due ?? 0);
    const refuses = after === "failure" || this.refuses;
    this.stop();
    const handle = this.#clock.timer("bgp IdleHold", due - this.#clock.now(), () => {
      this.#timer = undefined;
      this.#expired();
    });
    this.#timer = { handle, due, refuses };
  }

  stop(): void {
    this.#timer?.handle.cancel();
    this.#timer = undefined;
  }
}
