/**
 * Leaving without a gap: hosts and routers are told that this host leaves, and it goes on serving until they have found another way, or had
 * the time to.
 */
import type { Fleet } from "./fleet/index.ts";
import type { Routing } from "./routing.ts";
import { type Clock, within } from "./time/index.ts";

/** The longest that a stop waits for others to take over. */
const HAND_OVER_MS = 3500;
/** How long a stop waits after it told routers that this host leaves (RFC 8326): for them to find another way. */
const GRACEFUL_SHUTDOWN_MS = 2000;

/** What comes after a stop: before a restart, what keeps its routes meanwhile is left with them. */
export type Sequel = "nothing" | "restart";

export type HandOverOptions = {
  readonly fleet: Pick<Fleet, "input" | "handedOver">;
  readonly routing: Pick<Routing, "wouldTakeBack">;
  readonly clock: Clock;
};

export class HandOver {
  readonly #options: HandOverOptions;
  #done: (() => void) | undefined;

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  /** Begins, and resolves when it is over. */
  async begin(sequel: Sequel): Promise<void> {
    const { fleet, routing, clock } = this.#options;
    const done = new Promise<void>((resolve) => {
      this.#done = resolve;
    });
    fleet.input({ type: "leave", why: sequel === "restart" ? "restart" : "stop" });
    await Promise.all([
      fleet.handedOver() ? undefined : within(clock, HAND_OVER_MS, done),
      routing.wouldTakeBack(sequel) ? within(clock, GRACEFUL_SHUTDOWN_MS, new Promise(() => undefined)) : undefined,
    ]);
  }

  /** The fleet says that others serve all that this host did. */
  done(): void {
    this.#done?.();
  }
}
