/**
 * The order of the candidates for a VIP, and who prevails when two hosts both claim one.
 *
 * Every host works both out from what the hosts say of themselves, so all come to the same result without asking each other. Pure.
 */
import type { Address } from "../net/index.ts";
import type { Rank } from "./statement.ts";

/** The version of the order that this file defines; hosts say it of themselves, so that a later one can know whom it is among. */
export const ALGORITHM = 1;

/** A host as a candidate on one segment, from its statement. */
export type Candidate = {
  readonly name: string;
  readonly instance: string;
  readonly rank: Rank;
  readonly node: string | undefined;
  /** By [[l2]] advertisement that it stands for, its prefer class. */
  readonly stands: ReadonlyMap<string, number>;
  readonly weight: number;
  /** Of the sections that give `prefer` its meaning; compared only for equality. */
  readonly digest: string;
  /** It has just started and listens until then, by the reader's clock. */
  readonly listensUntil: number;
  /** Place in every VIP's cache of scores: the same for the same name. Undefined: not cached. */
  readonly slot: number | undefined;
};

/** A VIP, as far as the order of its candidates goes. */
export type Contest = {
  readonly address: Address;
  readonly advertisement: string;
  /** As in DueVip. */
  readonly fitness: ReadonlyMap<string, 1 | 2> | undefined;
  /** By slot, for weight 1; filled in when first needed. A death changes who is picked, never a score. */
  readonly scores: number[];
};

/** Two hosts that both claim a VIP, as one of them sees it. */
export type Contender = { readonly candidate: Candidate; readonly viewAgeMs: number };

/** A view of Kubernetes that is younger by more than this prevails in a dispute. */
const YOUNGER_VIEW_MS = 10_000;

/** 2 a ready endpoint or no need of one, 1 a terminating one that still serves, 0 none. */
export function fitnessOf(contest: Contest, candidate: Candidate): 0 | 1 | 2 {
  if (contest.fitness === undefined || candidate.node === undefined) return 2;
  return contest.fitness.get(candidate.node) ?? 0;
}

/** Whether the host may own the VIP at all. */
export function isCandidate(contest: Contest, host: Candidate): boolean {
  return offersItself(contest, host) && fitnessOf(contest, host) > 0;
}

/** Whether the host says that it may own the VIP: no matter what the reader knows of endpoints. */
function offersItself(contest: Contest, host: Candidate): boolean {
  return host.rank > 0 && host.stands.has(contest.advertisement);
}

/**
 * Negative if `a` comes before `b`: rank, fitness, prefer class, weighted rendezvous score, name. The prefer class counts only
 * between hosts whose files agree on what it means, so the caller says whether it does: among more than two it counts for all or
 * for none, else the order would have circles.
 */
export function compareCandidates(contest: Contest, a: Candidate, b: Candidate, prefer: "counts" | "ignored"): number {
  return b.rank - a.rank || compareAtEqualRank(contest, a, b, prefer);
}

/** The same, if both had the same rank. */
export function compareAtEqualRank(contest: Contest, a: Candidate, b: Candidate, prefer: "counts" | "ignored"): number {
  const fitness = fitnessOf(contest, b) - fitnessOf(contest, a);
  if (fitness !== 0) return fitness;
  if (prefer === "counts") {
    const classes = (b.stands.get(contest.advertisement) ?? 0) - (a.stands.get(contest.advertisement) ?? 0);
    if (classes !== 0) return classes;
  }
  const scores = scoreOf(contest, b) - scoreOf(contest, a);
  if (scores !== 0) return scores;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : a.instance < b.instance ? -1 : 1;
}

/**
 * True if `a` prevails over `b` when both claim the VIP. Who by its own word may not own it loses first; then the younger view of
 * Kubernetes prevails (the difference, which stays constant while the API is away); then who has an endpoint, which is what views
 * may differ about; then the order of candidates.
 */
export function prevails(contest: Contest, a: Contender, b: Contender): boolean {
  return before(contest, a, b, compareCandidates);
}

/** The same, if both had the same rank: what decides whether a host that is back takes a VIP from one on probation. */
export function prevailsAtEqualRank(contest: Contest, a: Contender, b: Contender): boolean {
  return before(contest, a, b, compareAtEqualRank);
}

function before(contest: Contest, a: Contender, b: Contender, compare: typeof compareCandidates): boolean {
  const offers = offersItself(contest, a.candidate);
  if (offers !== offersItself(contest, b.candidate)) return offers;
  if (Math.abs(a.viewAgeMs - b.viewAgeMs) > YOUNGER_VIEW_MS) return a.viewAgeMs < b.viewAgeMs;
  const fit = isCandidate(contest, a.candidate);
  if (fit !== isCandidate(contest, b.candidate)) return fit;
  return compare(contest, a.candidate, b.candidate, a.candidate.digest === b.candidate.digest ? "counts" : "ignored") < 0;
}

function scoreOf(contest: Contest, candidate: Candidate): number {
  const { slot, name, weight } = candidate;
  if (slot === undefined) return rendezvousScore(name, contest.address, weight);
  return weight * (contest.scores[slot] ??= rendezvousScore(name, contest.address, 1));
}

/**
 * The weighted rendezvous score (Schindelhauer and Schomaker's logarithmic method): the highest wins, each host wins a share
 * proportional to its weight, and a host that goes moves only what it had. It is part of the protocol: all hosts must agree on it.
 */
export function rendezvousScore(name: string, address: Address, weight: number): number {
  return weight * (-1 / Math.log(hash01(`${name}#${address}`)));
}

/** FNV-1a of the text's UTF-16 units (names and addresses are ASCII), mixed by MurmurHash3's finalizer, as a number in (0, 1). */
function hash01(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return ((hash >>> 0) + 0.5) / 4294967296;
}

const MOST_SLOTS = 1024;

/** Gives each host name its place in the caches of scores; those that come when all are taken are worked out each time. */
export class Slots {
  readonly #slots = new Map<string, number>();

  of(name: string): number | undefined {
    const known = this.#slots.get(name);
    if (known !== undefined || this.#slots.size >= MOST_SLOTS) return known;
    const slot = this.#slots.size;
    this.#slots.set(name, slot);
    return slot;
  }
}
