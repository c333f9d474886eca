/**
 * The VIPs that this host stands for on one segment: who claimed each, what this host does about it, and what it wants to ask.
 * Puts `decide` into effect.
 *
 * Nothing here is done per VIP and tick: a VIP is looked at when something happened to it, when its time came, or when the
 * candidates changed.
 */
import type { Address, Mac } from "../net/index.ts";
import { DueQueue } from "../time/index.ts";
import { Attribution } from "./attribution.ts";
import { defended, NO_DEFENCE, provoked } from "./defence.ts";
import { challenged, NO_DUEL, repeated } from "./duel.ts";
import { HeldClaims } from "./held.ts";
import { type Contender, type Contest, isCandidate, prevails } from "./order.ts";
import type { Peer } from "./peers.ts";
import { type QuestionKind, Questions, type Surroundings } from "./questions.ts";
import { Rechecks } from "./rechecks.ts";
import { lapsesAt, meAsContender, newVip, type Seat, situationOf, type Vip } from "./seat.ts";
import type { DueVip, Standing } from "./statement.ts";
import { type ClaimReason, decide, type Verdict } from "./vip.ts";

/** Whoever is no host of the fleet and answers is asked again after this. */
const STRANGER_MS = 2_000;
/** And a host that is believed dead and answers, after this. */
const SPLIT_MS = 1_000;
/** Whether the host to which a VIP was given up serves it is asked after this. */
const RECHECK_MS = 300;
/** A hello that says "serving nothing" may have been on its way before a claim that is younger than this. */
const CROSSING_MS = 1_000;

export class Ownership {
  readonly #seat: Seat;
  readonly #vips = new Map<Address, Vip>();
  readonly #due = new DueQueue<Vip>();
  readonly #questions = new Questions<Vip>();
  readonly #held = new HeldClaims();
  readonly #attribution = new Attribution();
  readonly #rechecks = new Rechecks();
  #serving = 0;
  /** Numbers claims and defences. */
  #announcements = 0;

  constructor(seat: Seat) {
    this.#seat = seat;
  }

  get serving(): number {
    return this.#serving;
  }

  vip(address: Address): Vip | undefined {
    return this.#vips.get(address);
  }

  get nextAt(): number {
    return Math.min(this.#due.next, this.#questions.nextAt);
  }

  /** The VIP is due here, or with undefined not any more. */
  setDue(address: Address, due: DueVip | undefined, now: number): void {
    const vip = this.#vips.get(address);
    if (due === undefined) {
      if (vip !== undefined) this.#drop(vip);
      return;
    }
    const contest: Contest = { address, advertisement: due.advertisement, fitness: due.fitness, scores: vip?.contest.scores ?? [] };
    if (vip !== undefined && sameContest(vip.contest, contest)) return;
    if (vip === undefined) this.#vips.set(address, newVip(contest, now));
    else vip.contest = contest;
    this.#decideAt(address, now);
  }

  /** Somebody announced the address, or answered for it. */
  heard(address: Address, mac: Mac, now: number): void {
    const vip = this.#vips.get(address);
    if (vip === undefined || this.#seat.isOwn(mac)) return;
    const claimer = this.#contender(mac, now);
    if (claimer === undefined) this.#claimedByStranger(vip, mac, now);
    else this.#claimedBy(vip, claimer, mac, now);
  }

  /** Somebody uses the address and does not say that it is his. */
  used(address: Address, mac: Mac, now: number): void {
    const vip = this.#vips.get(address);
    if (vip?.serving === true && !this.#seat.isOwn(mac) && this.#contender(mac, now) === undefined) this.#provoked(vip, mac, now);
  }

  /** Who claimed a VIP asks who has it: he has not. A host on probation asks about what it serves, so its question says nothing. */
  question(address: Address, mac: Mac, now: number): void {
    const vip = this.#vips.get(address);
    if (vip?.claimant?.mac === mac && this.#seat.roster.withMac(mac)?.statement.rank !== 2) this.#release(vip, now);
  }

  /** The result of a question. */
  asked(address: Address, ask: number, answer: Mac | undefined, now: number): void {
    const vip = this.#vips.get(address);
    if (vip?.question?.ask !== ask) return;
    this.#endQuestion(vip, answer !== undefined && !this.#seat.isOwn(answer) ? "answered" : "silent", now);
    if (answer !== undefined) this.heard(address, answer, now);
    this.#decide(vip, now);
  }

  /** A host is heard that was not: its claims that came before its hello count now. */
  appeared(peer: Peer, now: number): void {
    for (const address of this.#held.take(peer.statement.mac, now)) this.heard(address, peer.statement.mac, now);
  }

  /** A host says that it serves nothing here: what it claimed is free. */
  servesNothing(peer: Peer, now: number): void {
    for (const vip of this.#vips.values()) {
      if (vip.claimant?.instance === peer.instance && now - vip.claimant.at > CROSSING_MS) this.#release(vip, now);
    }
  }

  /**
   * Holds what the hosts claimed against what they say that they serve. Where one says less, this host asks for what it would take
   * over itself; what another one would is for that one to find out.
   */
  checkClaims(now: number): void {
    for (const peer of this.#seat.roster.peers()) {
      if (!peer.present || !this.#attribution.fallsShort(peer.instance, peer.statement.serving, now)) continue;
      for (const vip of this.#vips.values()) {
        if (vip.claimant?.instance !== peer.instance || now - vip.claimant.at <= CROSSING_MS) continue;
        const { unfit, place } = situationOf(this.#seat, vip, false, now);
        if (unfit === undefined && place === 0) this.#release(vip, now);
      }
    }
    this.#attribution.forget((instance) => this.#seat.roster.peer(instance) === undefined);
  }

  /** Asks for each VIP that is served here whether another host serves it too. */
  askServed(): void {
    for (const vip of this.#vips.values()) if (vip.serving && vip.question === undefined) this.#request(vip, "own");
  }

  /** The interface was away for so long that others have taken over: starts anew. */
  forget(now: number): void {
    for (const vip of this.#vips.values()) {
      if (vip.serving) this.#stop(vip, undefined, this.#seat.reason, now);
      this.#attribute(vip, undefined);
      vip.claimed = false;
      vip.orphanSince = now;
      vip.silentAt = vip.heldOffUntil = -Infinity;
    }
    this.#held.clear();
    this.decideAll(now);
  }

  /** Looks at every VIP anew: the candidates changed, or this host did. */
  decideAll(now: number): void {
    for (const vip of this.#vips.values()) this.#decide(vip, now);
  }

  /** Does what is due. */
  advance(now: number): void {
    for (const ask of this.#questions.lost(now)) {
      const vip = this.#questions.end(ask);
      if (vip?.question?.ask !== ask) continue;
      vip.question = undefined;
      this.#decide(vip, now);
    }
    for (let vip = this.#due.take(now); vip !== undefined; vip = this.#due.take(now)) {
      if (vip.gone || vip.wakeAt > now) continue;
      vip.wakeAt = Infinity;
      this.#decide(vip, now);
    }
  }

  /** Puts the questions that may be put now. */
  pump(now: number): void {
    const around = this.#surroundings();
    for (let next = this.#questions.next(around); next !== undefined; next = this.#questions.next(around)) {
      const { item: vip, kind } = next;
      if (vip.gone || vip.question?.kind !== kind || vip.question.ask !== undefined) continue;
      vip.question = undefined;
      if (kind === "best" || kind === "sweep") {
        const verdict = decide(situationOf(this.#seat, vip, this.#quiet(now), now));
        if (verdict.do === "ask") this.#begin(vip, verdict.why, now);
        else this.#apply(vip, verdict, now);
      } else if (vip.serving === (kind === "own")) this.#begin(vip, kind, now);
    }
  }

  // ---- claims of others

  /** The host of the fleet that has this MAC. */
  #contender(mac: Mac, now: number): Contender | undefined {
    const { roster } = this.#seat;
    const peer = roster.withMac(mac);
    return peer === undefined ? this.#seat.leased(mac, now) : { candidate: roster.candidate(peer, now), viewAgeMs: now - peer.viewCurrentAt };
  }

  #claimedBy(vip: Vip, claimer: Contender, mac: Mac, now: number): void {
    const { instance, name } = claimer.candidate;
    vip.heldOffUntil = vip.silentAt = -Infinity;
    vip.stranger = undefined;
    if (vip.serving && !this.#yields(vip, claimer, now)) return;
    this.#attribute(vip, { instance, name, mac, at: now });
    if (this.#seat.roster.peer(instance)?.state === "dead") vip.heldOffUntil = now + SPLIT_MS;
    this.#decide(vip, now);
  }

  /** Whether this host stops serving, because it hears that claim. */
  #yields(vip: Vip, claimer: Contender, now: number): boolean {
    const { instance, name } = claimer.candidate;
    const me = meAsContender(this.#seat, now);
    const absentee = this.#seat.roster.peer(instance)?.absentee(now);
    const missed = now < this.#seat.missedClaimsUntil || absentee === "me";
    // Who was away finds out that its VIPs were taken, and gives them up: if both gave them up to each other, nobody had them.
    if (!missed && (absentee === "it" ? isCandidate(vip.contest, me.candidate) : prevails(vip.contest, me, claimer))) {
      // Of claims that come faster than they are answered one is told.
      if (!vip.duel.pending) this.#seat.moved({ fact: "disputed", segment: this.#seat.segment, with: name, count: 1, address: vip.contest.address });
      vip.duel = challenged(vip.duel, now);
      this.#duel(vip, now);
      return false;
    }
    this.#stop(vip, name, this.#seat.mine.rank === 0 ? this.#seat.reason : missed ? "taken while this host was away" : "that host comes first", now);
    if (this.#seat.mine.rank > 0 && this.#rechecks.begin(instance)) vip.recheck = { at: now + RECHECK_MS, instance };
    return true;
  }

  /** Announces once more, because a host that comes after this one claimed it; not too often. */
  #duel(vip: Vip, now: number): void {
    if (now < vip.duel.nextAt) {
      this.#wake(vip, vip.duel.nextAt);
      return;
    }
    vip.duel = repeated(vip.duel, now);
    this.#stand(vip, { role: "owner", claim: ++this.#announcements, ...(vip.question?.ask === undefined ? {} : { ask: vip.question.ask }) });
  }

  #claimedByStranger(vip: Vip, mac: Mac, now: number): void {
    const strange = this.#held.hold(mac, vip.contest.address, now);
    if (vip.serving) {
      this.#provoked(vip, mac, now);
      return;
    }
    if (strange) this.#nameStranger(vip, mac);
    vip.heldOffUntil = now + STRANGER_MS;
    vip.silentAt = -Infinity;
    this.#decide(vip, now);
  }

  #nameStranger(vip: Vip, mac: Mac): void {
    if (vip.stranger !== mac) this.#seat.fact({ fact: "stranger", segment: this.#seat.segment, address: vip.contest.address, mac, serving: vip.serving });
    vip.stranger = mac;
  }

  #provoked(vip: Vip, mac: Mac, now: number): void {
    vip.defence = provoked(vip.defence, mac, now);
    this.#wake(vip, vip.defence.dueAt);
  }

  /** Nothing, if it has turned out that it was a host of the fleet. */
  #defend(vip: Vip, against: Mac, now: number): void {
    if (now < vip.defence.dueAt) {
      this.#wake(vip, vip.defence.dueAt);
      return;
    }
    vip.defence = defended(now);
    if (this.#contender(against, now) !== undefined) return;
    this.#nameStranger(vip, against);
    if (vip.standing.role === "owner") this.#stand(vip, { ...vip.standing, defence: ++this.#announcements });
  }

  #attribute(vip: Vip, claimant: Vip["claimant"]): void {
    this.#attribution.move(vip.claimant?.instance, claimant?.instance);
    vip.claimant = claimant;
  }

  #release(vip: Vip, now: number): void {
    if (vip.serving) return;
    this.#attribute(vip, undefined);
    this.#decide(vip, now);
  }

  // ---- deciding

  #decideAt(address: Address, now: number): void {
    const vip = this.#vips.get(address);
    if (vip !== undefined) this.#decide(vip, now);
  }

  #decide(vip: Vip, now: number): void {
    if (vip.duel.pending && vip.serving) this.#duel(vip, now);
    if (vip.defence.against !== undefined && vip.serving) this.#defend(vip, vip.defence.against, now);
    if (vip.recheck !== undefined) this.#recheck(vip, vip.recheck, now);
    const situation = situationOf(this.#seat, vip, this.#quiet(now), now);
    vip.orphanSince = situation.orphanSince;
    vip.claimed = situation.claimant !== undefined;
    vip.unfitSince = vip.serving && situation.unfit !== undefined ? (vip.unfitSince ?? now) : undefined;
    this.#apply(vip, decide(situation), now);
  }

  #apply(vip: Vip, verdict: Verdict, now: number): void {
    switch (verdict.do) {
      case "serve":
        this.#wake(vip, verdict.until);
        return;
      case "stop":
        this.#stop(vip, undefined, verdict.reason, now);
        // The question tells the others that nobody serves it here any more.
        this.#request(vip, "release");
        return;
      case "claim":
        this.#claim(vip, verdict.why);
        return;
      case "ask":
        this.#standBy(vip, verdict.reason);
        if (vip.question === undefined) this.#request(vip, verdict.why);
        return;
      case "wait":
        this.#standBy(vip, verdict.reason);
        this.#wake(vip, vip.claimed ? Math.min(verdict.until, lapsesAt(this.#seat, vip)) : verdict.until);
    }
  }

  #claim(vip: Vip, why: ClaimReason): void {
    const from = vip.claimant?.name;
    this.#withdrawQuestion(vip);
    this.#endRecheck(vip);
    this.#attribute(vip, undefined);
    vip.stranger = undefined;
    vip.claimed = false;
    vip.silentAt = -Infinity;
    vip.duel = NO_DUEL;
    vip.defence = NO_DEFENCE;
    vip.serving = true;
    this.#serving++;
    this.#stand(vip, { role: "owner", claim: ++this.#announcements });
    this.#seat.moved({ fact: "took", segment: this.#seat.segment, from, why, count: 1, address: vip.contest.address });
  }

  #stop(vip: Vip, to: string | undefined, why: string, now: number): void {
    this.#withdrawQuestion(vip);
    vip.serving = false;
    vip.unfitSince = undefined;
    vip.orphanSince = now;
    this.#serving--;
    this.#stand(vip, { role: "standby", owner: to, reason: why });
    this.#seat.moved({ fact: "gave-up", segment: this.#seat.segment, to, why, count: 1, address: vip.contest.address });
  }

  #drop(vip: Vip): void {
    vip.gone = true;
    this.#withdrawQuestion(vip);
    this.#endRecheck(vip);
    this.#attribute(vip, undefined);
    if (vip.serving) this.#serving--;
    this.#vips.delete(vip.contest.address);
    if (vip.standing.role !== "standby") this.#seat.changed(vip.contest.address);
  }

  // ---- questions

  #request(vip: Vip, kind: QuestionKind): void {
    vip.question = { kind, ask: undefined };
    this.#questions.request(vip, kind);
  }

  #begin(vip: Vip, kind: QuestionKind, now: number): void {
    const ask = this.#questions.begin(vip, kind, now);
    vip.question = { kind, ask };
    this.#stand(vip, vip.standing.role === "owner" ? { ...vip.standing, ask } : { role: "asking", ask });
  }

  #endQuestion(vip: Vip, result: "answered" | "silent", now: number): void {
    const { question, standing } = vip;
    this.#withdrawQuestion(vip);
    if (standing.role === "owner") this.#stand(vip, { role: "owner", claim: standing.claim, ...(standing.defence === undefined ? {} : { defence: standing.defence }) });
    if (vip.serving || question === undefined) return;
    if (question.kind === "best") this.#questions.learn(result === "answered", this.#surroundings(), now);
    if (result === "answered" || question.kind === "release") return;
    if (question.kind === "recheck") this.#attribute(vip, undefined);
    vip.silentAt = now;
  }

  #withdrawQuestion(vip: Vip): void {
    if (vip.question?.ask !== undefined) this.#questions.end(vip.question.ask);
    vip.question = undefined;
  }

  #recheck(vip: Vip, recheck: NonNullable<Vip["recheck"]>, now: number): void {
    if (now < recheck.at) {
      this.#wake(vip, recheck.at);
      return;
    }
    this.#endRecheck(vip);
    if (vip.claimant?.instance === recheck.instance && vip.question === undefined) this.#request(vip, "recheck");
  }

  #endRecheck(vip: Vip): void {
    if (vip.recheck === undefined) return;
    this.#rechecks.end(vip.recheck.instance);
    vip.recheck = undefined;
  }

  #quiet(now: number): boolean {
    return now < this.#questions.quietUntil && this.#surroundings().unserved;
  }

  #surroundings(): Surroundings {
    let served = 0;
    for (const peer of this.#seat.roster.peers()) if (peer.present) served += peer.statement.serving;
    return { unserved: served === 0, covered: served + this.#serving >= this.#vips.size };
  }

  // ---- standing

  #standBy(vip: Vip, reason: string): void {
    if (vip.question?.ask !== undefined) return;
    const owner = vip.claimed ? vip.claimant?.name : undefined;
    const { standing } = vip;
    if (standing.role !== "standby" || standing.owner !== owner || standing.reason !== reason) this.#stand(vip, { role: "standby", owner, reason });
  }

  #stand(vip: Vip, standing: Standing): void {
    const before = vip.standing;
    vip.standing = standing;
    // Of a standby nobody has to be told: there is nothing to do about it.
    if (before.role !== "standby" || standing.role !== "standby") this.#seat.changed(vip.contest.address);
  }

  #wake(vip: Vip, at: number): void {
    if (at >= vip.wakeAt) return;
    vip.wakeAt = at;
    this.#due.push(at, vip);
  }
}

function sameContest(a: Contest, b: Contest): boolean {
  if (a.advertisement !== b.advertisement) return false;
  if (a.fitness === undefined || b.fitness === undefined) return a.fitness === b.fitness;
  if (a.fitness.size !== b.fitness.size) return false;
  for (const [node, fitness] of a.fitness) if (b.fitness.get(node) !== fitness) return false;
  return true;
}
