/**
 * The hosts that are heard on one segment: takes in their hellos, notices their silence, and knows who of them is a candidate for
 * what. Reports what happened as events; decides nothing about VIPs.
 */
import type { Mac } from "../net/index.ts";
import { type Candidate, type Slots } from "./order.ts";
import { BACK_MS, Peer, STRAGGLER_MS, stepPeer } from "./peers.ts";
import type { Rank, Statement } from "./statement.ts";

export type RosterEvent =
  /** Heard for the first time, or again after its death; `silenceMs` is undefined for the first time. */
  | { readonly event: "appeared"; readonly peer: Peer; readonly silenceMs: number | undefined }
  /** It says something else of itself that bears on the order of candidates. */
  | { readonly event: "restated"; readonly peer: Peer }
  | { readonly event: "suspect"; readonly peer: Peer; readonly silenceMs: number }
  | { readonly event: "died"; readonly peer: Peer; readonly silenceMs: number }
  /** A new life of a machine was heard, so the one before is over. */
  | { readonly event: "restarted"; readonly peer: Peer; readonly before: Peer }
  /** It hears this host again, which it did not for a while: a split has healed. */
  | { readonly event: "hears-me-again"; readonly peer: Peer }
  /** It served VIPs here and now says that it serves none. */
  | { readonly event: "serves-nothing"; readonly peer: Peer }
  | { readonly event: "declares-me-dead"; readonly peer: Peer };

/** The dead are listed in the hello for so long. */
const DEAD_LISTED_MS = 30_000;
/** Not to hear a host for a moment is not a split. */
const DEAF_MS = 1_000;
/** Those that are gone are remembered for `bmlb hosts` for so long. */
const REMEMBERED_MS = 600_000;
const MOST_PEERS = 256;

export class Roster {
  readonly #slots: Slots;
  readonly #peers = new Map<string, Peer>();
  #field: Field | undefined;
  #candidatesUntil = Infinity;
  #heard: readonly string[] | undefined;
  #dead: readonly string[] | undefined;
  #deadUntil = Infinity;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  peers(): Iterable<Peer> {
    return this.#peers.values();
  }

  /** How many are known, the dead included. */
  get size(): number {
    return this.#peers.size;
  }

  peer(instance: string): Peer | undefined {
    return this.#peers.get(instance);
  }

  /** The host with that MAC, the living before the dead. */
  withMac(mac: Mac): Peer | undefined {
    let found: Peer | undefined;
    for (const peer of this.#peers.values()) {
      if (peer.statement.mac !== mac || peer.state === "superseded") continue;
      if (peer.present) return peer;
      found = peer;
    }
    return found;
  }

  /** Instances heard here, for the hello; the same value while they are the same. */
  heard(): readonly string[] {
    this.#heard ??= this.#instances((peer) => peer.present);
    return this.#heard;
  }

  /** Instances declared dead lately, for the hello; the same value while they are the same. */
  dead(now: number): readonly string[] {
    if (this.#dead !== undefined && now < this.#deadUntil) return this.#dead;
    this.#deadUntil = Infinity;
    this.#dead = this.#instances((peer) => {
      const listed = peer.state === "dead" && now - peer.since < DEAD_LISTED_MS;
      if (listed) this.#deadUntil = Math.min(this.#deadUntil, peer.since + DEAD_LISTED_MS);
      return listed;
    });
    return this.#dead;
  }

  #instances(which: (peer: Peer) => boolean): readonly string[] {
    const instances: string[] = [];
    for (const peer of this.#peers.values()) if (which(peer)) instances.push(peer.instance);
    return instances.sort();
  }

  /** Who is present changed, or what it says of itself. */
  #changed(): void {
    this.#field = this.#heard = this.#dead = undefined;
  }

  /** When a silence makes a difference next. */
  get nextAt(): number {
    let next = this.#field === undefined ? Infinity : this.#candidatesUntil;
    for (const peer of this.#peers.values()) next = Math.min(next, peer.nextAt);
    return next;
  }

  /** Takes in a hello. `me` is the reader's own instance. */
  hello(statement: Statement, sequence: number, me: string, now: number): readonly RosterEvent[] {
    const events: RosterEvent[] = [];
    const known = this.#peers.get(statement.instance);
    if (known !== undefined && (sequence <= known.sequence || (known.state === "superseded" && now - known.since < STRAGGLER_MS))) return events;
    if (known === undefined && !this.#makeRoom(now)) return events;
    const peer = known ?? new Peer(statement, sequence, now);
    const silenceMs = known?.silenceMs(now);
    const before = peer.statement;
    const wasPresent = known?.present === true;
    peer.hear(statement, sequence, now);
    this.#peers.set(peer.instance, peer);
    peer.become(stepPeer(peer.state, { type: "hello", lagging: peer.lagging }), now);
    if (known === undefined) for (const other of this.#earlierLives(peer)) events.push(this.#supersede(other, peer, now));
    if (!wasPresent && peer.present) {
      if (known !== undefined) peer.backAt = now;
      events.push({ event: "appeared", peer, silenceMs });
    }
    if (!wasPresent || !sameStanding(before, statement)) {
      this.#changed();
      events.push({ event: "restated", peer });
    }
    if (before.serving > 0 && statement.serving === 0) events.push({ event: "serves-nothing", peer });
    events.push(...regard(peer, me, now));
    events.push(...this.#judge(peer, now));
    return events;
  }

  /** Notices what silence has become by now. */
  advance(now: number): readonly RosterEvent[] {
    if (now >= this.#candidatesUntil) this.#field = undefined;
    const events: RosterEvent[] = [];
    for (const peer of this.#peers.values()) if (now >= peer.nextAt) events.push(...this.#judge(peer, now));
    return events;
  }

  #judge(peer: Peer, now: number): readonly RosterEvent[] {
    const silenceMs = peer.silenceMs(now);
    const state = stepPeer(peer.state, { type: "silence", intervals: silenceMs / peer.intervalMs });
    if (state === peer.state) return [];
    peer.become(state, now);
    if (state === "suspect") return [{ event: "suspect", peer, silenceMs }];
    this.#changed();
    return [{ event: "died", peer, silenceMs }];
  }

  /** Lives of the same machine under the same name that are not known to be over. Clones of one image share a machine-id, not a name. */
  #earlierLives(peer: Peer): readonly Peer[] {
    const { machine, name } = peer.statement;
    return Array.from(this.#peers.values()).filter(
      (other) => other !== peer && other.state !== "superseded" && other.statement.machine === machine && other.statement.name === name,
    );
  }

  #supersede(before: Peer, peer: Peer, now: number): RosterEvent {
    before.become(stepPeer(before.state, { type: "new-life" }), now);
    this.#changed();
    return { event: "restarted", peer, before };
  }

  #makeRoom(now: number): boolean {
    if (this.#peers.size < MOST_PEERS) return true;
    for (const peer of this.#peers.values()) {
      if (peer.present || now - peer.since < DEAD_LISTED_MS) continue;
      this.#peers.delete(peer.instance);
      return true;
    }
    return false;
  }

  /** Drops those that have been gone for long. */
  forgetOld(now: number): void {
    for (const peer of this.#peers.values()) if (!peer.present && now - peer.since > REMEMBERED_MS) this.#peers.delete(peer.instance);
  }

  /** Nothing was heard for `ms` because nobody listened: that is not their silence. */
  excuse(ms: number, now: number): void {
    for (const peer of this.#peers.values()) if (peer.present) peer.signAt = Math.min(now, peer.signAt + ms);
  }

  /** The interface was away: who is on the segment now has to be heard anew. */
  forgetAll(): void {
    this.#peers.clear();
    this.#changed();
  }

  /** The hosts present, as candidates for what they stand for; the same value while they are the same. */
  field(now: number): Field {
    if (this.#field !== undefined && now < this.#candidatesUntil) return this.#field;
    this.#candidatesUntil = Infinity;
    const candidates = new Map<string, Candidate>();
    for (const peer of this.#peers.values()) {
      if (!peer.present) continue;
      const backFor = now - peer.backAt;
      // Whom I declared dead counts as at most rank 2 for a moment.
      if (backFor < BACK_MS) this.#candidatesUntil = Math.min(this.#candidatesUntil, peer.backAt + BACK_MS);
      candidates.set(peer.instance, candidateOf(peer.statement, this.#slots, { highest: backFor < BACK_MS ? 2 : 3, listensUntil: peer.listensUntil }));
    }
    const digests = new Set(Array.from(candidates.values(), (candidate) => candidate.digest));
    const [digest] = digests;
    this.#field = { candidates, digest: digests.size > 1 ? "differing" : digest };
    return this.#field;
  }

  /** One host as a candidate, present or not. */
  candidate(peer: Peer, now: number): Candidate {
    return this.field(now).candidates.get(peer.instance) ?? candidateOf(peer.statement, this.#slots, { highest: 2, listensUntil: peer.listensUntil });
  }
}

/** The other hosts present, by instance. */
export type Field = {
  readonly candidates: ReadonlyMap<string, Candidate>;
  /** What `prefer` means to all of them; undefined if there is none, "differing" if it does not mean the same to all. */
  readonly digest: string | undefined;
};

/** A host as a candidate, from what it says, and what the reader makes of it. */
export function candidateOf(statement: Statement, slots: Slots, { highest, listensUntil }: { readonly highest: Rank; readonly listensUntil: number }): Candidate {
  return {
    name: statement.name,
    instance: statement.instance,
    rank: statement.rank > highest ? highest : statement.rank,
    node: statement.node,
    stands: new Map(statement.advertisements.map(({ name, prefer }) => [name, prefer])),
    weight: statement.weight,
    digest: `${statement.digests.pools} ${statement.digests.l2}`,
    listensUntil,
    slot: slots.of(statement.name),
  };
}

/** What its hello says about the reader. */
function regard(peer: Peer, me: string, now: number): readonly RosterEvent[] {
  const events: RosterEvent[] = [];
  if (!peer.statement.heard.includes(me)) peer.deafToMeSince ??= now;
  else {
    if (peer.deafToMeSince !== undefined && now - peer.deafToMeSince > DEAF_MS) events.push({ event: "hears-me-again", peer });
    peer.deafToMeSince = undefined;
  }
  const declaresMeDead = peer.statement.dead.includes(me);
  if (declaresMeDead && !peer.declaresMeDead) {
    peer.declaredMeDeadAt = now;
    events.push({ event: "declares-me-dead", peer });
  }
  peer.declaresMeDead = declaresMeDead;
  return events;
}

/** Nothing that the order of candidates looks at differs. */
function sameStanding(a: Statement, b: Statement): boolean {
  return (
    a.rank === b.rank &&
    a.leaving === b.leaving &&
    a.weight === b.weight &&
    a.name === b.name &&
    a.node === b.node &&
    a.digests.pools === b.digests.pools &&
    a.digests.l2 === b.digests.l2 &&
    sameAdvertisements(a.advertisements, b.advertisements)
  );
}

export function sameAdvertisements(a: Statement["advertisements"], b: Statement["advertisements"]): boolean {
  if (a.length !== b.length) return false;
  for (const [i, { name, prefer }] of a.entries()) {
    const other = b[i];
    if (other?.name !== name || other.prefer !== prefer) return false;
  }
  return true;
}
