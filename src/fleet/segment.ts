/** One segment as this host sees it: the hosts heard there, the VIPs it stands for there, and what it says of itself there. */
import type { Address, Mac } from "../net/index.ts";
import type { FleetFact, Moved } from "./fact.ts";
import type { Here } from "./here.ts";
import type { FleetSettings, SegmentState, Urgency } from "./input.ts";
import { type Candidate } from "./order.ts";
import { Ownership } from "./ownership.ts";
import { DEAD_INTERVALS } from "./peers.ts";
import { Probation, type RankReason } from "./rank.ts";
import { candidateOf, type Field, Roster, type RosterEvent, sameAdvertisements } from "./roster.ts";
import type { LeasedContender, Seat } from "./seat.ts";
import type { Statement } from "./statement.ts";

/** What a segment tells the fleet of which it is part. */
export interface Outlet {
  say(segment: string, statement: Statement, urgency: Urgency): void;
  changed(address: Address): void;
  moved(fact: Extract<FleetFact, Moved>): void;
  fact(fact: FleetFact): void;
  isOwn(mac: Mac): boolean;
}

/** What a statement is made of; what is compared to see whether it is news. */
type Said = {
  readonly rank: RankReason;
  readonly leaving: boolean;
  readonly settings: FleetSettings;
  readonly link: SegmentState;
  readonly heard: readonly string[];
  readonly dead: readonly string[];
  readonly serving: number;
};

/** A host that may not own what it serves goes on for so long, so that its successor can claim first. */
const HAND_OVER_MS = 3_000;
/** Its view's age is said anew this often while nothing else changes. */
const VIEW_SAID_MS = 1_000;
/** Two interfaces count as one segment for so long after an own hello crossed. */
const TWIN_MS = 3_000;
/** Above so many hosts each says hello less often. */
const FULL_RATE_HOSTS = 25;
/** It travels in every hello. */
const LONGEST_REASON = 120;

export class Segment implements Seat {
  readonly segment: string;
  readonly roster: Roster;
  readonly ownership: Ownership;
  listeningUntil = -Infinity;
  settledAt = -Infinity;
  missedClaimsUntil = -Infinity;
  /** Its place in the order of preference. */
  order = 0;
  readonly #here: Here;
  readonly #outlet: Outlet;
  readonly #probation: Probation;
  #probationReason = "";
  #link: SegmentState;
  #downSince: number | undefined;
  #twin: { readonly of: string; readonly until: number } | undefined;
  #last: Said;
  #said: Statement;
  #rankSince: number;
  #viewSaidAt = -Infinity;
  #mine: Candidate;
  #decidedFor: { readonly field: Field; readonly mine: Candidate } | undefined;

  constructor(link: SegmentState, here: Here, outlet: Outlet, now: number) {
    this.segment = link.name;
    this.#link = link;
    this.#here = here;
    this.#outlet = outlet;
    this.#probation = new Probation(0, now);
    this.roster = new Roster(here.slots);
    this.ownership = new Ownership(this);
    if (link.up) this.#listen(now);
    else this.#downSince = -Infinity;
    // It may be one that was there before. Those that come with the host share its own probation.
    if (now - here.startedAt >= this.#deathMs) this.probation("its interface is new", now);
    this.#rankSince = now;
    this.#last = this.#gather(now);
    this.#said = this.#statement(this.#last, now);
    this.#mine = candidateOf(this.#said, here.slots, { highest: 3, listensUntil: -Infinity });
    outlet.say(this.segment, this.#said, "now");
    this.#tellRank(undefined);
  }

  // ---- what deciding about VIPs needs

  get mine(): Candidate {
    return this.#mine;
  }
  get viewCurrentAt(): number {
    return this.#here.viewCurrentAt;
  }
  get reason(): string {
    return this.#said.reason;
  }
  get doubting(): boolean {
    return this.#here.doubts.pending;
  }
  get failback(): "auto" | "never" {
    return this.#here.settings.fleet.failback;
  }
  get refreshMs(): number {
    return this.#here.settings.fleet.refreshMs;
  }
  holdUntil(unfitSince: number, succeeded: boolean): number {
    if (this.#downSince !== undefined || this.#here.leaving === "drain") return Infinity;
    if (this.#here.leaving !== undefined) return succeeded ? this.#rankSince + HAND_OVER_MS : -Infinity;
    // The other interface answers on the same segment.
    return this.#twin === undefined ? unfitSince + HAND_OVER_MS : -Infinity;
  }
  isOwn(mac: Mac): boolean {
    return this.#outlet.isOwn(mac);
  }
  leased(mac: Mac, now: number): LeasedContender | undefined {
    return this.#here.leased(mac, now);
  }
  changed(address: Address): void {
    this.#outlet.changed(address);
  }
  moved(fact: Extract<FleetFact, Moved>): void {
    this.#outlet.moved(fact);
  }
  fact(fact: FleetFact): void {
    this.#outlet.fact(fact);
  }

  // ---- what happens to it

  get link(): SegmentState {
    return this.#link;
  }
  get said(): Statement {
    return this.#said;
  }
  /** When something is due; VIPs and peers included. */
  get nextAt(): number {
    return Math.min(this.#downSince === undefined ? this.roster.nextAt : Infinity, this.ownership.nextAt);
  }

  /** The interface changed. Returns whether it came back. */
  relink(link: SegmentState, now: number): "came-back" | undefined {
    const before = this.#link;
    if (sameLink(before, link)) return undefined;
    this.#link = link;
    if (before.up === link.up) return undefined;
    if (!link.up) {
      this.#downSince = now;
      return undefined;
    }
    const away = now - (this.#downSince ?? now);
    this.#downSince = undefined;
    if (away < this.#deathMs) {
      this.roster.excuse(away, now);
      return "came-back";
    }
    // Whoever was there took over. Who is there now has to be heard first, and the network be asked.
    this.#forget(now);
    this.#listen(now);
    return "came-back";
  }

  /** Notices what silence has become by now. While the interface is away, silence is its own. */
  advance(now: number): readonly RosterEvent[] {
    this.roster.forgetOld(now);
    if (this.#downSince === undefined) return this.roster.advance(now);
    // Away for so long that this host counts as dead there: it serves nothing there any more, and knows nothing of who does.
    if (now - this.#downSince >= this.#deathMs && (this.ownership.serving > 0 || this.roster.size > 0)) this.#forget(now);
    return [];
  }

  #forget(now: number): void {
    this.roster.forgetAll();
    this.ownership.forget(now);
  }

  /** What comes until then happened while this host was away: it yields to what was claimed, and claims nothing itself. */
  catchUp(until: number): void {
    this.missedClaimsUntil = until;
    this.listeningUntil = Math.max(this.listeningUntil, until);
  }

  /** Stands back for a while. Returns for how long, in ms. */
  probation(why: string, now: number): number {
    this.#probationReason = `on probation: ${why}`;
    return this.#probation.begin(this.#here.settings.fleet.failbackDelayMs, now);
  }

  /** This interface is on the same segment as another one that goes before it; true if that is news. */
  twin(of: string, now: number): boolean {
    const news = this.#twin?.of !== of;
    this.#twin = { of, until: now + TWIN_MS };
    return news;
  }

  /** Works out its rank, says what changed, and decides anew what depends on it. */
  settle(now: number): void {
    if (this.#twin !== undefined && now >= this.#twin.until) this.#twin = undefined;
    this.#publish(now);
    const field = this.roster.field(now);
    if (this.#decidedFor?.field !== field || this.#decidedFor.mine !== this.#mine) {
      this.#decidedFor = { field, mine: this.#mine };
      this.ownership.decideAll(now);
    }
    this.ownership.pump(now);
    this.#publish(now);
  }

  #listen(now: number): void {
    this.listeningUntil = now + this.#deathMs;
  }

  get #deathMs(): number {
    return DEAD_INTERVALS * this.#here.settings.fleet.helloMs;
  }

  #rank(now: number): RankReason {
    const trouble = this.#downSince !== undefined ? `interface ${this.segment} is down, or has no address to say hello from` : this.#twin === undefined ? undefined : `${this.segment} is the same segment as ${this.#twin.of}`;
    return this.#here.rank(trouble, this.#probation.lasts(now) ? this.#probationReason : undefined, now);
  }

  /** What is to be said now, apart from what changes by itself. */
  #gather(now: number): Said {
    const { settings, leaving } = this.#here;
    return { rank: this.#rank(now), leaving: leaving !== undefined, settings, link: this.#link, heard: this.roster.heard(), dead: this.roster.dead(now), serving: this.ownership.serving };
  }

  #statement(said: Said, now: number): Statement {
    const { self, startedAt, viewCurrentAt, machine } = this.#here;
    const { rank, leaving, settings, link, heard, dead, serving } = said;
    return {
      name: self.name,
      instance: self.instance,
      machine,
      uptimeMs: now - startedAt,
      rank: rank.rank,
      reason: rank.reason.slice(0, LONGEST_REASON),
      leaving,
      node: settings.node,
      advertisements: link.advertisements,
      weight: settings.weight,
      bgp: settings.bgp,
      viewAgeMs: now - viewCurrentAt,
      loopLagMs: 0,
      heard,
      dead,
      serving,
      intervalMs: Math.round(settings.fleet.helloMs * Math.max(1, (heard.length + 1) / FULL_RATE_HOSTS)),
      mac: link.mac,
      addresses: link.addresses,
      digests: settings.digests,
    };
  }

  #publish(now: number): void {
    const before = this.#last;
    const after = this.#gather(now);
    const urgency = urgencyOf(before, after) ?? (this.#here.viewCurrentAt > this.#viewSaidAt && now - this.#viewSaidAt >= VIEW_SAID_MS ? "next" : undefined);
    if (urgency === undefined) return;
    this.#last = after;
    this.#said = this.#statement(after, now);
    this.#viewSaidAt = now;
    if (moves(before, after)) {
      this.#mine = candidateOf(this.#said, this.#here.slots, { highest: 3, listensUntil: -Infinity });
      this.#rankSince = now;
      // By then everybody has had a hello that says so, also who missed the first.
      this.settledAt = now + this.#said.intervalMs;
    }
    // Of two statements of one host on one segment the others would believe now the one, now the other.
    this.#outlet.say(this.segment, this.#said, this.#twin === undefined ? urgency : "never");
    if (before.rank.reason !== after.rank.reason) this.#tellRank(before.rank.rank);
  }

  #tellRank(before: Statement["rank"] | undefined): void {
    this.#outlet.fact({ fact: "rank", segment: this.segment, rank: this.#said.rank, before, reason: this.#said.reason, leaving: this.#said.leaving });
  }
}

/** How soon the others must hear of the difference; undefined if there is none that matters. */
function urgencyOf(before: Said, after: Said): "now" | "next" | undefined {
  if (moves(before, after) || before.heard !== after.heard || before.dead !== after.dead) return "now";
  return before.rank.reason !== after.rank.reason || before.serving !== after.serving || before.link !== after.link ? "next" : undefined;
}

/** The order of candidates may be another one now. */
function moves(before: Said, after: Said): boolean {
  return (
    before.rank.rank !== after.rank.rank ||
    before.leaving !== after.leaving ||
    before.settings !== after.settings ||
    !sameAdvertisements(before.link.advertisements, after.link.advertisements)
  );
}

function sameLink(a: SegmentState, b: SegmentState): boolean {
  return a.up === b.up && a.mac === b.mac && a.addresses.join() === b.addresses.join() && sameAdvertisements(a.advertisements, b.advertisements);
}
