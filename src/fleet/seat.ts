/**
 * The place from which this host decides about VIPs on one segment, and the situation of a VIP as seen from there. Reads; changes
 * nothing.
 */
import type { Address, Mac } from "../net/index.ts";
import { type Defence, NO_DEFENCE } from "./defence.ts";
import { type Duel, NO_DUEL } from "./duel.ts";
import type { FleetFact, Moved } from "./fact.ts";
import { type Candidate, compareAtEqualRank, compareCandidates, type Contender, type Contest, fitnessOf, isCandidate, prevails, prevailsAtEqualRank } from "./order.ts";
import type { QuestionKind } from "./questions.ts";
import type { Roster } from "./roster.ts";
import type { Standing } from "./statement.ts";
import type { Claimant, Situation } from "./vip.ts";

/** What this host knows of a segment and says of itself there. */
export interface Seat {
  readonly segment: string;
  readonly roster: Roster;
  /** This host, as it last said that it was. */
  readonly mine: Candidate;
  /** When this host's view of Kubernetes was known to be current. */
  readonly viewCurrentAt: number;
  /** Why this host is of its rank here. */
  readonly reason: string;
  /** Until when a VIP is served on that this host may not own since then; `succeeded`: another host could own it. */
  holdUntil(unfitSince: number, succeeded: boolean): number;
  readonly listeningUntil: number;
  readonly settledAt: number;
  /** Claims that come before then were made while this host was away. */
  readonly missedClaimsUntil: number;
  /** This host may soon be doubtful itself. */
  readonly doubting: boolean;
  readonly failback: "auto" | "never";
  /** How often a claim is repeated; 0 = never. */
  readonly refreshMs: number;
  isOwn(mac: Mac): boolean;
  /** A host that is known by its Lease only. */
  leased(mac: Mac, now: number): LeasedContender | undefined;
  changed(address: Address): void;
  moved(fact: Extract<FleetFact, Moved>): void;
  fact(fact: FleetFact): void;
}

export type LeasedContender = Contender & { readonly leaving: boolean };

/** Everything that is remembered of a VIP. Times are of this host's clock; -Infinity: never, or not any more. */
export type Vip = {
  contest: Contest;
  serving: boolean;
  standing: Standing;
  /** The last host but this one that claimed it, and when. */
  claimant: { readonly instance: string; readonly name: string; readonly mac: Mac; readonly at: number } | undefined;
  /** The claimant was alive when last looked at. */
  claimed: boolean;
  /** Since when nobody has claimed it. */
  orphanSince: number;
  /** When a question about it last went unanswered. */
  silentAt: number;
  /** Somebody else answers: it is not taken before then. */
  heldOffUntil: number;
  /** Who was last said not to be of the fleet. */
  stranger: Mac | undefined;
  /** A question that waits, or with a number is open. */
  question: { readonly kind: QuestionKind; readonly ask: number | undefined } | undefined;
  /** It was given up to this host, which is checked on then. */
  recheck: { readonly at: number; readonly instance: string } | undefined;
  unfitSince: number | undefined;
  duel: Duel;
  defence: Defence;
  /** When it is looked at next. */
  wakeAt: number;
  gone: boolean;
};

/** A VIP of which nothing is known yet. */
export function newVip(contest: Contest, now: number): Vip {
  return {
    contest,
    serving: false,
    standing: { role: "standby", owner: undefined, reason: "not decided yet" },
    claimant: undefined,
    claimed: false,
    orphanSince: now,
    silentAt: -Infinity,
    heldOffUntil: -Infinity,
    stranger: undefined,
    question: undefined,
    recheck: undefined,
    unfitSince: undefined,
    duel: NO_DUEL,
    defence: NO_DEFENCE,
    wakeAt: Infinity,
    gone: false,
  };
}

/** A death is evidence for so long; then the question is put again. */
const DEATH_HOLDS_MS = 2_000;
const UNANSWERED_HOLDS_MS = 1_000;
/** A claim counts until so many refreshes were missed. */
const REFRESHES = 3.5;

/** What `decide` has to know of a VIP. `quiet`: nobody on the segment answers for anything. */
export function situationOf(seat: Seat, vip: Vip, quiet: boolean, now: number): Situation {
  const { mine } = seat;
  const { candidates, digest } = seat.roster.field(now);
  const prefer = digest === undefined || digest === mine.digest ? "counts" : "ignored";
  const fit = isCandidate(vip.contest, mine);
  const vacant = vacancyOf(seat, vip, quiet, now);
  let best: Candidate | undefined = fit ? mine : undefined;
  let place = 0;
  let upstagedBy: string | undefined;
  for (const candidate of candidates.values()) {
    if (!isCandidate(vip.contest, candidate)) continue;
    // Who has just started still listens: a VIP that has lost its owner does not wait for that.
    if (vacant === "owner-died" && now < candidate.listensUntil) continue;
    if (best === undefined || compareCandidates(vip.contest, candidate, best, prefer) < 0) best = candidate;
    if (!fit) continue;
    if (compareCandidates(vip.contest, candidate, mine, prefer) < 0) place++;
    else if (candidate.rank < mine.rank && compareAtEqualRank(vip.contest, candidate, mine, prefer) < 0) upstagedBy = candidate.name;
  }
  const claimant = claimantOf(seat, vip, place, now);
  const unfitSince = vip.unfitSince ?? now;
  return {
    now,
    serving: vip.serving,
    unfit: fit ? undefined : whyUnfit(seat, vip.contest),
    holdUntil: fit ? Infinity : seat.holdUntil(unfitSince, best !== undefined),
    rank: mine.rank,
    place,
    best: best?.name,
    claimant,
    upstagedBy,
    vacant,
    orphanSince: vip.claimed && claimant === undefined ? now : vip.orphanSince,
    heldOffUntil: vip.heldOffUntil,
    listeningUntil: seat.listeningUntil,
    settledAt: seat.settledAt,
    doubting: seat.doubting,
    failback: seat.failback,
  };
}

/** This host in a dispute. */
export function meAsContender(seat: Seat, now: number): Contender {
  return { candidate: seat.mine, viewAgeMs: now - seat.viewCurrentAt };
}

/** A claim is repeated; one that is not any more, though its host lives, is none. */
export function lapsesAt(seat: Seat, vip: Vip): number {
  return vip.claimant === undefined || seat.refreshMs === 0 ? Infinity : vip.claimant.at + REFRESHES * seat.refreshMs;
}

/** Why a host that is no candidate for a VIP is none. */
export function whyUnfit(seat: Seat, contest: Contest): string {
  const { mine, reason } = seat;
  if (mine.rank === 0) return reason;
  if (!mine.stands.has(contest.advertisement)) return `this host does not stand for advertisement ${contest.advertisement} here`;
  return fitnessOf(contest, mine) === 0 ? `no endpoint that could serve is on node ${mine.node ?? ""}` : reason;
}

/** The last claimant, if it lives. */
function claimantOf(seat: Seat, vip: Vip, place: number, now: number): Claimant | undefined {
  const last = vip.claimant;
  if (last === undefined || now >= lapsesAt(seat, vip)) return undefined;
  const peer = seat.roster.peer(last.instance);
  if (peer !== undefined) {
    if (!peer.present) return undefined;
    const viewAgeMs = now - peer.viewCurrentAt;
    return asClaimant(seat, vip, { candidate: seat.roster.candidate(peer, now), viewAgeMs, leaving: peer.statement.leaving }, place, now);
  }
  const leased = seat.leased(last.mac, now);
  return leased?.candidate.instance === last.instance ? asClaimant(seat, vip, leased, place, now) : undefined;
}

function asClaimant(seat: Seat, vip: Vip, claimer: LeasedContender, place: number, now: number): Claimant {
  const { candidate, leaving } = claimer;
  // Whether it yields is asked only by the first in line.
  const me = place === 0 ? meAsContender(seat, now) : undefined;
  return {
    name: candidate.name,
    rank: candidate.rank,
    leaving: leaving && candidate.rank === 0,
    candidate: isCandidate(vip.contest, candidate),
    yields: me !== undefined && prevails(vip.contest, me, claimer),
    yieldsAtEqualRank: me !== undefined && prevailsAtEqualRank(vip.contest, me, claimer),
  };
}

/** Why nobody serves it. A death is believed; once the network is asked about it, its answer belongs here. */
function vacancyOf(seat: Seat, vip: Vip, quiet: boolean, now: number): Situation["vacant"] {
  const { claimant } = vip;
  const peer = claimant === undefined ? undefined : seat.roster.peer(claimant.instance);
  if (claimant !== undefined && peer?.present === false && now - peer.goneAt < DEATH_HOLDS_MS && claimant.at <= peer.goneAt) return "owner-died";
  return quiet || now - vip.silentAt < UNANSWERED_HOLDS_MS ? "unanswered" : undefined;
}
