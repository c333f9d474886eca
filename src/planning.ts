/**
 * What is planned when. Everything that happens ends up as dirty addresses in one queue; a pass over it tells the fleet where this host
 * stands, plans, and has applied what changed.
 */
import type { Fleet } from "./fleet/index.ts";
import type { Address } from "./net/index.ts";
import { DirtyQueue, dueVips, type Plan, type PlanChanges, Planner, type World } from "./plan/index.ts";
import { type Clock, within } from "./time/index.ts";

export type PlanningOptions = {
  readonly world: () => World;
  readonly fleet: Pick<Fleet, "input">;
  readonly clock: Clock;
  /** Runs the function in a later turn of the loop. */
  readonly soon: (fn: () => void) => void;
  readonly apply: (changes: PlanChanges) => void;
  /** For the first time all that is known of a cluster that is known as a whole has been planned. */
  readonly completed: () => void;
};

export class Planning {
  readonly #options: PlanningOptions;
  readonly #planner = new Planner();
  readonly #queue: DirtyQueue<Address>;
  /** Dirty addresses for which the world changed, not only this host's standing. */
  readonly #moved = new Set<Address>();
  #complete = false;
  #stopped = false;
  #settled: (() => void) | undefined;

  constructor(options: PlanningOptions) {
    const { clock, soon } = options;
    this.#options = options;
    this.#queue = new DirtyQueue({ pass: (addresses) => { this.#pass(addresses); }, now: () => clock.now(), soon });
  }

  get plan(): Plan {
    return this.#planner.plan;
  }

  /** What is planned is all that there is: what is not wanted now is not wanted. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Something is other than it was for these addresses. */
  worldMoved(addresses: Iterable<Address>): void {
    const list = Array.from(addresses);
    for (const address of list) this.#moved.add(address);
    this.#queue.mark(list);
  }

  /** The fleet sees this host otherwise for these addresses. */
  standingMoved(addresses: Iterable<Address>): void {
    this.#queue.mark(addresses);
  }

  /** Nothing may be left to plan although nothing was: the cluster has been read, and has no VIPs. */
  look(): void {
    if (!this.#queue.idle || !this.#options.world().cluster.complete) return;
    if (!this.#complete) {
      this.#complete = true;
      this.#options.completed();
    }
    this.hurry();
  }

  /** Resolves when everything that is known has been planned, after `ms`, or with `hurry`. */
  settled(ms: number): Promise<void> {
    const settled = new Promise<void>((resolve) => {
      this.#settled = resolve;
    });
    this.look();
    return within(this.#options.clock, ms, settled);
  }

  /** Nobody waits for it any more. */
  hurry(): void {
    this.#settled?.();
  }

  stop(): void {
    this.#stopped = true;
  }

  #pass(addresses: readonly Address[]): void {
    if (this.#stopped) return;
    const { world: look, fleet, apply } = this.#options;
    const world = look();
    const moved = addresses.filter((address) => this.#moved.delete(address));
    if (moved.length > 0) fleet.input({ type: "vips", due: new Map(moved.map((address) => [address, dueVips(world, address)])) });
    apply(this.#planner.update(world, addresses));
    this.look();
  }
}
