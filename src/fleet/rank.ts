/**
 * How fit this host says it is, and why. Pure.
 *
 * The highest rank present serves, so correlated trouble (every Node NotReady because the control plane is gone, every host just
 * booted) darkens nothing.
 */
import type { Rank } from "./statement.ts";

export type RankReason = { readonly rank: Rank; readonly reason: string };

/** The daemon stops, or stops and is back at once, or shall serve nothing that another host can. */
export type Leaving = "stop" | "restart" | "drain";

/** What bears on the rank on one segment. Undefined: nothing of the kind. */
export type Fitness = {
  readonly leaving: Leaving | undefined;
  /** The MAC of another machine with this host's name that has been up for longer. */
  readonly duplicate: string | undefined;
  readonly excluded: string | undefined;
  readonly refused: string | undefined;
  /** What keeps it from serving on this segment alone. */
  readonly segment: string | undefined;
  /** What has made it doubtful for long enough. */
  readonly doubt: string | undefined;
  readonly probation: string | undefined;
};

export function rankOf(fitness: Fitness): RankReason {
  if (fitness.leaving !== undefined) return { rank: 0, reason: fitness.leaving === "drain" ? "drained" : "leaving" };
  if (fitness.duplicate !== undefined) return { rank: 0, reason: `another machine has the same [host] name and has been up for longer: ${fitness.duplicate}` };
  if (fitness.excluded !== undefined) return { rank: 0, reason: fitness.excluded };
  if (fitness.refused !== undefined) return { rank: 0, reason: fitness.refused };
  if (fitness.segment !== undefined) return { rank: 0, reason: fitness.segment };
  if (fitness.doubt !== undefined) return { rank: 1, reason: fitness.doubt };
  if (fitness.probation !== undefined) return { rank: 2, reason: fitness.probation };
  return { rank: 3, reason: "eligible" };
}

/** A view of Kubernetes older than this is stale, if another host's is fresh. */
const STALE_MS = 20_000;
const FRESH_MS = 10_000;
/** A doubt counts after it has stood for so long. */
const STANDING_MS = 15_000;

/** A living host, as far as this host's doubts about itself go. */
export type Witness = { readonly node: string | undefined; readonly viewAgeMs: number };

/** What may be wrong with this host and not with others. Doubts count only while a living host is free of them. */
export class Doubts {
  /** There is a doubt, which may have yet to stand for long enough. */
  pending = false;
  #notReadySince: number | undefined;
  #staleSince: number | undefined;

  /** The doubt that has stood for long enough; undefined if there is none. */
  weigh(me: Witness, notReady: ReadonlySet<string>, others: readonly Witness[], now: number): string | undefined {
    const isReady = (host: Witness): boolean => host.node === undefined || !notReady.has(host.node);
    const doubtful = !isReady(me) && others.some(isReady);
    const stale = me.viewAgeMs > STALE_MS && others.some((other) => other.viewAgeMs < FRESH_MS);
    this.#notReadySince = doubtful ? (this.#notReadySince ?? now) : undefined;
    this.#staleSince = stale ? (this.#staleSince ?? now) : undefined;
    this.pending = doubtful || stale;
    if (stands(this.#notReadySince, now)) return `node ${me.node ?? ""} is not Ready`;
    if (stands(this.#staleSince, now)) return "its view of Kubernetes is stale while another host's is current";
    return undefined;
  }
}

function stands(since: number | undefined, now: number): boolean {
  return since !== undefined && now - since >= STANDING_MS;
}

const LONGEST_PROBATION_MS = 900_000;
/** Deaths within this time lengthen the probation. */
const REMEMBERED_MS = 600_000;
/** What follows this soon is the same death seen another way: a stall, then the hellos of those who noticed. */
const SAME_DEATH_MS = 5_000;

/** How long a host that was away stands back: it doubles with each time within ten minutes. */
export class Probation {
  readonly #returns: number[] = [];
  #until = -Infinity;

  constructor(earlier: number, now: number) {
    for (let i = 0; i < Math.min(earlier, 32); i++) this.#returns.push(now - 1 - SAME_DEATH_MS);
  }

  /** It came back: returns how long it stands back from now, in ms. `delayMs` is [fleet] failback_delay. */
  begin(delayMs: number, now: number): number {
    while (this.#returns[0] !== undefined && now - this.#returns[0] > REMEMBERED_MS) this.#returns.shift();
    const last = this.#returns.at(-1);
    if (last === undefined || now - last > SAME_DEATH_MS) this.#returns.push(now);
    const length = Math.min(delayMs * 2 ** Math.min(30, this.#returns.length - 1), Math.max(delayMs, LONGEST_PROBATION_MS));
    this.#until = Math.max(this.#until, now + length);
    return this.#until - now;
  }

  lasts(now: number): boolean {
    return now < this.#until;
  }

  /** When it ends. */
  get until(): number {
    return this.#until;
  }
}
