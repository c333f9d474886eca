/**
 * The fleet protocol: which hosts live, and who answers for a VIP on a segment.
 *
 * Five times a second, on each segment, a host says who it is and how fit it is. From what the hosts say of themselves every host
 * can order the candidates for a VIP. The best one claims it by announcing it, and everybody on the segment hears that. Whoever
 * serves a VIP and hears a better host's claim stops; whoever serves it and hears a worse host's claim announces again. Nobody stops
 * by its own reckoning while it may serve. No object, Lease or API call stands between a VIP and its owner.
 *
 * A synchronous machine: inputs in, effects out, clock and chance passed in; no promise, no socket, no log. What it was told last
 * is done when `input` returns.
 */
import type { Address, Mac } from "../net/index.ts";
import type { Timer } from "../time/index.ts";
import { Tally } from "./fact.ts";
import { Here } from "./here.ts";
import type { FleetEffects, FleetInput, FleetOptions, Presence, SegmentState } from "./input.ts";
import { LAG_MS, type Peer, SUSPECT_INTERVALS } from "./peers.ts";
import { presenceOf } from "./presence.ts";
import type { RosterEvent } from "./roster.ts";
import { type Outlet, Segment } from "./segment.ts";
import type { DueVip, Standing, Statement } from "./statement.ts";
import { type Explanation, explainVip, type HostView, viewHosts } from "./view.ts";

/** The longest that it does not look at the clock. */
const TICK_MS = 100;
/** What queued up while the main loop stood comes within this time. */
const BACKLOG_MS = 100;
/** Moves of VIPs are told together, once they have stopped coming for a moment. */
const TALLY_MS = 300;

export class Fleet {
  readonly #options: FleetOptions;
  readonly #effects: FleetEffects;
  readonly #here: Here;
  readonly #segments = new Map<string, Segment>();
  readonly #due = new Map<Address, readonly DueVip[]>();
  readonly #outlet: Outlet;
  readonly #tally = new Tally();
  readonly #inbox: FleetInput[] = [];
  #changed = new Set<Address>();
  #presence: Presence = { rank: 0, announceBgp: false, keeps: "of the last life", retiring: false, reason: "just started" };
  /** As in Situation. */
  #resuming = true;
  #listeningUntil: number;
  /** Since when it leaves, and what it was before. */
  #left: { readonly at: number; readonly before: Presence } | undefined;
  #told = false;
  #busy = false;
  #timer: Timer | undefined;
  #armedFor = Infinity;
  #lastTurn = Infinity;
  #weighedAt = -Infinity;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#effects = options.effects;
    this.#here = new Here(options);
    this.#listeningUntil = this.#here.startedAt + 3 * options.settings.fleet.helloMs;
    this.#outlet = {
      say: (segment, statement, urgency) => {
        this.#effects.say(segment, statement, urgency);
      },
      changed: (address) => {
        this.#changed.add(address);
      },
      moved: (fact) => {
        this.#tally.add(fact, this.#now);
      },
      fact: (fact) => {
        this.#effects.fact(fact);
      },
      isOwn: (mac) => this.#isOwn(mac),
    };
  }

  /** Time begins to count. */
  start(): void {
    this.#lastTurn = this.#now;
    this.#turn();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#lastTurn = Infinity;
  }

  /** Takes in what happened. Never throws for anything that another host said. */
  input(event: FleetInput): void {
    if ((event.type === "heard" || event.type === "used") && this.#segments.get(event.segment)?.ownership.vip(event.address) === undefined) return;
    this.#inbox.push(event);
    this.#turn();
  }

  /** What this host is to do about a VIP on a segment, and why. */
  standing(address: Address, segment: string): Standing {
    return this.#segments.get(segment)?.ownership.vip(address)?.standing ?? { role: "standby", owner: undefined, reason: "not decided yet" };
  }

  presence(): Presence {
    return this.#presence;
  }

  /** Every host that is known, on each segment on which it is. */
  hosts(): readonly HostView[] {
    return viewHosts(this.#here, this.#segments.values(), this.#now);
  }

  /** Why this host does with the VIP what it does; undefined if it does not stand for it there. */
  explain(address: Address, segment: string): Explanation | undefined {
    const seat = this.#segments.get(segment);
    const vip = seat?.ownership.vip(address);
    return seat === undefined || vip === undefined ? undefined : explainVip(seat, vip, this.#now);
  }

  /** It leaves, and serves nothing any more. */
  handedOver(): boolean {
    return this.#here.leaving !== undefined && this.#serving === 0;
  }

  /** How many VIPs it serves on a segment. */
  serving(segment: string): number {
    return this.#segments.get(segment)?.ownership.serving ?? 0;
  }

  /** What it says of itself on each segment, for its Lease. */
  statements(): ReadonlyMap<string, Statement> {
    return new Map(Array.from(this.#segments.values(), (segment) => [segment.segment, segment.said]));
  }

  get #now(): number {
    return this.#options.clock.now();
  }

  get #serving(): number {
    let serving = 0;
    for (const segment of this.#segments.values()) serving += segment.ownership.serving;
    return serving;
  }

  // ---- one turn

  /** Everything that is due, then everything in the inbox, then what follows. Not re-entered: an effect may call `input`. */
  #turn(): void {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const now = this.#now;
      this.#noticeStall(now);
      let whole = this.#inbox.length === 0;
      for (let event = this.#inbox.shift(); event !== undefined; event = this.#inbox.shift()) whole = !this.#takeFrame(event, now) || whole;
      if (whole) this.#advance(now);
      this.#tell(now);
      this.#arm(now);
    } finally {
      this.#busy = false;
    }
    if (this.#inbox.length > 0) this.#turn();
  }

  /** Nothing is heard while the main loop stands: that is nobody's silence but this host's own. */
  #noticeStall(now: number): void {
    const stood = now - this.#lastTurn - TICK_MS;
    this.#lastTurn = this.#lastTurn === Infinity ? Infinity : now;
    if (!(stood > TICK_MS / 2)) return;
    for (const segment of this.#segments.values()) segment.roster.excuse(stood, now);
    if (stood <= Math.max(LAG_MS, SUSPECT_INTERVALS * this.#here.settings.fleet.helloMs)) return;
    for (const segment of this.#segments.values()) segment.catchUp(now + BACKLOG_MS);
    this.#return(undefined, `its main loop stood for ${Math.round(stood)} ms`, now);
  }

  #advance(now: number): void {
    for (const segment of this.#segments.values()) {
      for (const event of segment.advance(now)) this.#follow(segment, event, now);
      segment.ownership.advance(now);
    }
    if (now - this.#weighedAt >= TICK_MS) {
      this.#weighedAt = now;
      this.#weighDoubts(now);
      this.#judgePresence(now);
      for (const segment of this.#segments.values()) segment.ownership.checkClaims(now);
    }
    for (const segment of this.#segments.values()) segment.settle(now);
  }

  #tell(now: number): void {
    if (this.#changed.size > 0) {
      const changed = this.#changed;
      this.#changed = new Set();
      this.#effects.changed(changed);
    }
    if (now - this.#tally.since >= TALLY_MS) for (const fact of this.#tally.take()) this.#effects.fact(fact);
    if (this.#left !== undefined && this.handedOver() && !this.#told) {
      this.#told = true;
      for (const fact of this.#tally.take()) this.#effects.fact(fact);
      this.#effects.fact({ fact: "handed-over", ms: now - this.#left.at });
    }
  }

  #arm(now: number): void {
    if (this.#lastTurn === Infinity) return;
    let next = now + TICK_MS;
    for (const segment of this.#segments.values()) next = Math.min(next, segment.nextAt);
    if (this.#timer !== undefined && this.#armedFor <= next) return;
    this.#timer?.cancel();
    // Never at once: what is due by a hair's breadth would be looked at forever.
    this.#armedFor = Math.max(next, now + 1);
    this.#timer = this.#options.clock.timer("fleet", this.#armedFor - now, () => {
      this.#timer = undefined;
      this.#turn();
    });
  }

  // ---- inputs

  /** What comes by the thousand and concerns one VIP, or nothing, is done without looking at anything else. True if it was of that kind. */
  #takeFrame(event: FleetInput, now: number): boolean {
    if (event.type === "hello") return this.#takeHello(event.segment, event.statement, event.sequence, now) === "nothing new";
    if (event.type !== "heard" && event.type !== "used" && event.type !== "question" && event.type !== "asked") {
      this.#take(event, now);
      return false;
    }
    const ownership = this.#segments.get(event.segment)?.ownership;
    if (ownership === undefined) return true;
    if (event.type === "asked") ownership.asked(event.address, event.ask, event.answer, now);
    else ownership[event.type](event.address, event.mac, now);
    ownership.pump(now);
    return true;
  }

  #take(event: Exclude<FleetInput, { readonly type: "hello" | "heard" | "used" | "question" | "asked" }>, now: number): void {
    switch (event.type) {
      case "segments":
        this.#takeSegments(event.segments, now);
        return;
      case "settings":
        // Equal ones are no news: nobody is to hear of them.
        if (JSON.stringify(event.settings) !== JSON.stringify(this.#here.settings)) this.#here.settings = event.settings;
        return;
      case "vips":
        for (const [address, due] of event.due) this.#takeDue(address, due, now);
        return;
      case "own-hello":
        this.#takeOwnHello(event.segment, event.from, now);
        return;
      case "lease":
        if (event.host === this.#here.self.name || event.statements.length === 0) this.#here.leases.delete(event.host);
        else this.#here.leases.set(event.host, { statements: event.statements, at: now });
        return;
      case "view-current":
        this.#here.viewCurrentAt = Math.max(this.#here.viewCurrentAt, now - event.ageMs);
        return;
      case "nodes":
        this.#here.notReady = event.notReady;
        this.#here.excluded = event.excluded;
        return;
      case "data-plane":
        this.#here.refused = event.refused;
        return;
      case "leave":
        if (this.#here.leaving === event.why) return;
        this.#here.leaving = event.why;
        this.#weighedAt = -Infinity;
        this.#left = { at: now, before: this.#presence };
        this.#told = false;
        this.#effects.fact({ fact: "leaving", why: event.why, serving: this.#serving });
        return;
      case "undrain":
        if (this.#here.leaving !== "drain") return;
        this.#here.leaving = undefined;
        this.#weighedAt = -Infinity;
        this.#left = undefined;
        this.#effects.fact({ fact: "undrained" });
    }
  }

  #takeSegments(states: readonly SegmentState[], now: number): void {
    const names = new Set(states.map((state) => state.name));
    for (const segment of this.#segments.values()) {
      if (names.has(segment.segment)) continue;
      this.#segments.delete(segment.segment);
      for (const [address, due] of this.#due) if (due.some((vip) => vip.segment === segment.segment)) this.#changed.add(address);
    }
    states.forEach((state, order) => {
      let segment = this.#segments.get(state.name);
      if (segment === undefined) {
        segment = new Segment(state, this.#here, this.#outlet, now);
        this.#segments.set(state.name, segment);
        for (const [address, due] of this.#due) this.#takeDueOn(segment, address, due, now);
      } else if (segment.relink(state, now) === "came-back") {
        this.#return(segment, "its interface was down", now);
      }
      segment.order = order;
    });
  }

  #takeDue(address: Address, due: readonly DueVip[], now: number): void {
    if (due.length === 0) this.#due.delete(address);
    else this.#due.set(address, due);
    for (const segment of this.#segments.values()) this.#takeDueOn(segment, address, due, now);
  }

  #takeDueOn(segment: Segment, address: Address, due: readonly DueVip[], now: number): void {
    segment.ownership.setDue(
      address,
      due.find((vip) => vip.segment === segment.segment),
      now,
    );
  }

  #takeHello(name: string, statement: Statement, sequence: number, now: number): "news" | "nothing new" {
    const segment = this.#segments.get(name);
    if (segment === undefined || statement.instance === this.#here.self.instance) return "nothing new";
    const namesake = statement.name === this.#here.self.name;
    const yields = namesake ? this.#here.meetNamesake(statement, now) : undefined;
    if (yields !== undefined) this.#effects.fact({ fact: "duplicate-name", segment: name, mac: statement.mac, yields });
    const events = segment.roster.hello(statement, sequence, this.#here.self.instance, now);
    for (const event of events) this.#follow(segment, event, now);
    return namesake || events.length > 0 ? "news" : "nothing new";
  }

  #takeOwnHello(name: string, from: string, now: number): void {
    const [a, b] = [this.#segments.get(name), this.#segments.get(from)];
    if (a === undefined || b === undefined || a === b) return;
    const [first, second] = a.order < b.order ? [a, b] : [b, a];
    if (second.twin(first.segment, now)) this.#effects.fact({ fact: "same-segment", segment: second.segment, as: first.segment });
  }

  // ---- what follows

  #follow(segment: Segment, event: RosterEvent, now: number): void {
    const { peer } = event;
    const who = { segment: segment.segment, host: peer.statement.name };
    switch (event.event) {
      case "appeared":
        this.#effects.fact({ fact: "host-alive", ...who, rank: peer.statement.rank, silenceMs: event.silenceMs });
        segment.ownership.appeared(peer, now);
        if (peer.statement.serving > 0) segment.ownership.askServed();
        return;
      case "suspect":
        this.#effects.fact({ fact: "host-suspect", ...who, silenceMs: event.silenceMs });
        return;
      case "died":
        this.#effects.fact({ fact: "host-dead", ...who, silenceMs: event.silenceMs, serving: peer.statement.serving, leaving: peer.statement.leaving });
        return;
      case "restarted":
        this.#effects.fact({ fact: "host-restarted", ...who });
        return;
      case "restated":
        return;
      case "hears-me-again":
        segment.ownership.askServed();
        return;
      case "serves-nothing":
        segment.ownership.servesNothing(peer, now);
        return;
      case "declares-me-dead":
        this.#return(segment, `${peer.statement.name} had declared it dead`, now);
    }
  }

  /** This host was away, without having been asked: it stands back, and asks who else serves what it serves. */
  #return(where: Segment | undefined, why: string, now: number): void {
    let probationMs: number;
    if (where !== undefined) probationMs = where.probation(why, now);
    else {
      this.#here.probationReason = `on probation: ${why}`;
      probationMs = this.#here.probation.begin(this.#here.settings.fleet.failbackDelayMs, now);
    }
    this.#effects.fact({ fact: "returning", segment: where?.segment, why, probationMs });
    for (const segment of where === undefined ? this.#segments.values() : [where]) {
      segment.settle(now);
      segment.ownership.askServed();
    }
  }

  #weighDoubts(now: number): void {
    const { settings, viewCurrentAt, notReady, doubts } = this.#here;
    const others = this.#peers().map((peer) => ({ node: peer.statement.node, viewAgeMs: now - peer.viewCurrentAt }));
    this.#here.doubt = doubts.weigh({ node: settings.node, viewAgeMs: now - viewCurrentAt }, notReady, others, now);
  }

  #judgePresence(now: number): void {
    const before = this.#presence;
    const { leaving: why } = this.#here;
    const leaving = why === undefined || this.#left === undefined ? undefined : { why, ms: now - this.#left.at, before: this.#left.before };
    const rank = this.#here.rank(undefined, undefined, now);
    const sound = this.#here.soundRank(now);
    const listening = now < this.#listeningUntil;
    const after = presenceOf(rank, { speaks: this.#here.settings.bgp, listening, sound, resuming: this.#resuming, leaving }, this.#peers());
    this.#resuming = after.keeps === "of the last life" && (listening || rank.rank < sound);
    this.#presence = after;
    // Before a restart, what is told depends on the peer.
    if (this.#here.settings.bgp && why !== "restart" && (before.announceBgp !== after.announceBgp || (after.announceBgp && before.retiring !== after.retiring))) {
      this.#effects.fact({ fact: "bgp", announces: after.announceBgp, retiring: after.retiring, reason: after.reason });
    }
    if (before.announceBgp !== after.announceBgp || before.keeps !== after.keeps || before.retiring !== after.retiring) this.#effects.presence(after);
  }

  #peers(): readonly Peer[] {
    const peers: Peer[] = [];
    for (const segment of this.#segments.values()) for (const peer of segment.roster.peers()) if (peer.present) peers.push(peer);
    return peers;
  }

  #isOwn(mac: Mac): boolean {
    for (const segment of this.#segments.values()) if (segment.link.mac === mac) return true;
    return false;
  }
}
