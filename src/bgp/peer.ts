/**
 * One configured neighbor: its connections, its Adj-RIB-Out, and what the operator is told about it.
 *
 * Owns up to three connections for moments: the one that we open, and those that the peer opens. RFC 4271 6.8 leaves one.
 */
import { isDeepStrictEqual } from "node:util";
import type { Tcp, TcpArrival } from "../linux/index.ts";
import type { Log } from "../log/index.ts";
import type { Address, Prefix } from "../net/index.ts";
import type { Clock, Random, Timer } from "../time/index.ts";
import {
  CEASE,
  CEASE_SUBCODE,
  type Notification,
  OPEN_ERROR,
  OPEN_SUBCODE,
  type Open,
  type Problem,
  type RouteRefresh,
  type Update,
  cease,
  encodeMessage,
  encodeNotification,
} from "../wire/index.ts";
import { AdjRibOut } from "./adj-rib-out.ts";
import { retainedInitiator } from "./collision.ts";
import type { BgpPeer, RouteAttributes } from "./desired.ts";
import { dialOf } from "./dial.ts";
import { type Failure, describeFailure, failureFields } from "./failure.ts";
import type { State } from "./fsm.ts";
import { IdleHold } from "./idle-hold.ts";
import { type Traffic, addTraffic, noTraffic } from "./message-counts.ts";
import { type Negotiated, type Self, canDoWithoutCapabilities, negotiate, ourOpen } from "./negotiated.ts";
import { type AddressesBeside, nextHopFor } from "./next-hop.ts";
import { peerStatus } from "./peer-status.ts";
import { Session, type SessionOwner } from "./session.ts";
import type { BgpPeerStatus } from "./status.ts";
import { Transmitter } from "./transmitter.ts";

export type PeerParts = {
  readonly self: Self;
  readonly tcp: Tcp;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly addressesBeside: AddressesBeside;
  /** A session came up, or ended. */
  readonly turned: () => void;
};

/** From far from to near an established session. */
const PROGRESS: readonly State[] = ["Idle", "Active", "Connect", "OpenSent", "OpenConfirm", "Established"];
const MOST_SENTENCES = 32; // of each kind
const NEXT_HOPS_MS = 5000;

export class Peer {
  readonly config: BgpPeer;
  readonly #parts: PeerParts;
  readonly #rib = new AdjRibOut();
  readonly #transmitter: Transmitter;
  readonly #idleHold: IdleHold;
  readonly #outgoing: Session | undefined;
  /** Connections that the peer opened and that live. */
  #arrivals: readonly Session[] = [];
  #established: Session | undefined;
  #stopped = false;
  #capabilities: "capabilities" | "no-capabilities" = "capabilities";
  #state: State = "Idle";
  #stateSince: number;
  #establishments = 0;
  #nextHopTimer: Timer | undefined;
  #lastFailure: { readonly failure: Failure; readonly text: string; readonly at: number } | undefined;
  /** Failures that were logged since the peer was last up: a retry that fails alike is no news. */
  readonly #saidFailures = new Set<string>();
  /** Malformed attributes that were logged since then. Apart from failures: a peer that sends many must not silence those. */
  readonly #saidSpoilt = new Set<string>();
  #received = { announcements: 0, withdrawals: 0, malformed: 0 };
  readonly #pastTraffic = noTraffic();

  constructor(config: BgpPeer, parts: PeerParts) {
    this.config = config;
    this.#parts = parts;
    this.#stateSince = parts.clock.now();
    this.#transmitter = new Transmitter(this.#rib, parts.clock);
    this.#idleHold = new IdleHold(parts.clock, parts.random, config.connectTimeMs, () => {
      this.#retry();
    });
    this.#outgoing = config.passive ? undefined : this.#session("local");
  }

  /** Whether a changed configuration leaves this peer as it is. */
  isFor(config: BgpPeer): boolean {
    return isDeepStrictEqual(this.config, config);
  }

  get isUp(): boolean {
    return this.#established !== undefined;
  }

  start(): void {
    this.#outgoing?.start();
    this.#noteState();
  }

  offer(vip: Address, prefix: Prefix, attributes: RouteAttributes): void {
    this.#rib.offer(vip, prefix, attributes);
  }

  retract(vip: Address, prefix: Prefix): void {
    this.#rib.retract(vip, prefix);
  }

  isTold(prefix: Prefix): boolean {
    return this.#established !== undefined && this.#rib.isTold(prefix);
  }

  /** Every route that is wanted, for people. */
  routes(): ReturnType<AdjRibOut["list"]> {
    return this.#rib.list();
  }

  /** What was offered and retracted is to be sent. */
  flush(view: "complete" | "incomplete"): void {
    if (view === "complete") this.#transmitter.complete();
  }

  /** The peer opened a connection. */
  arrived(arrival: TcpArrival): void {
    if (this.#stopped || this.#idleHold.refuses) {
      arrival.reject(encodeMessage("NOTIFICATION", encodeNotification(cease(CEASE_SUBCODE.CONNECTION_REJECTED))));
      return;
    }
    for (const other of this.#arrivals) {
      if (other.state === "OpenConfirm") {
        arrival.reject(encodeMessage("NOTIFICATION", encodeNotification(cease(CEASE_SUBCODE.COLLISION))));
        return;
      }
      // It never said a word; the peer has probably forgotten it.
      if (other !== this.#established) void other.stop(cease(CEASE_SUBCODE.COLLISION));
    }
    const session = this.#session("remote");
    session.start(); // to Active, where it takes this connection and never a second one
    this.#arrivals = [...this.#arrivals, session];
    session.adopt(arrival);
  }

  /** Takes all routes back and says why; resolves when that has left, at the latest a second later. Does not start again. */
  async stop(farewell: Notification): Promise<void> {
    this.#stopped = true;
    this.#idleHold.stop();
    this.#transmitter.withdrawAll();
    await Promise.all(this.#sessions().map((session) => session.stop(farewell)));
  }

  status(): BgpPeerStatus {
    const current = this.#foremost();
    const now = this.#parts.clock.now();
    return peerStatus({
      config: this.config,
      state: this.#state,
      inStateMs: now - this.#stateSince,
      current,
      openedBy: current?.agreed === undefined ? undefined : current === this.#outgoing ? "us" : "peer",
      failure: this.#lastFailure === undefined ? undefined : { ...this.#lastFailure, agoMs: now - this.#lastFailure.at },
      nextRetryMs: this.#idleHold.left ?? this.#outgoing?.timeLeft("ConnectRetry"),
      failedAttempts: this.#outgoing?.failedAttempts ?? 0,
      establishments: this.#establishments,
      rib: this.#rib,
      transmitter: this.#transmitter,
      received: { ...this.#received },
      traffic: this.#traffic(),
    });
  }

  #session(initiator: "local" | "remote"): Session {
    const { tcp, clock, random } = this.#parts;
    return new Session({
      tcp,
      clock,
      random,
      settings: { connectRetryMs: this.config.connectTimeMs, passive: initiator === "remote" },
      dial: dialOf(this.config),
      owner: this.#owner,
    });
  }

  readonly #owner: SessionOwner = {
    open: () => ourOpen(this.#parts.self, this.config, this.#capabilities),
    judge: (session, open) => this.#judge(session, open),
    up: (session, agreed) => {
      this.#up(session, agreed);
    },
    down: () => {
      this.#established = undefined;
      this.#nextHopTimer?.cancel();
      this.#transmitter.end();
      this.#parts.turned();
    },
    damp: (_session, after) => {
      if (!this.#stopped && !this.#hasAgreedOne()) this.#idleHold.damp(after);
    },
    failed: (_session, failure, state) => {
      this.#failed(failure, state);
    },
    routes: (update) => {
      this.#routes(update);
    },
    spoilt: (problems, message) => {
      this.#spoilt(problems, message);
    },
    refresh: (refresh: RouteRefresh) => {
      this.#transmitter.refresh(refresh);
    },
    written: () => {
      this.#transmitter.written();
    },
    changed: () => {
      this.#noteState();
    },
  };

  /** RFC 4271 6.8: which connections live is decided when an OPEN tells who the peer is. */
  #judge(session: Session, theirs: Open): Negotiated | "collision" {
    const { self } = this.#parts;
    const agreed = negotiate(self, this.config, this.#owner.open(), theirs);
    const rival = this.#sessions().find((other) => other !== session && (other.state === "OpenConfirm" || other.state === "Established"));
    if (rival === undefined) return agreed;
    const retained = retainedInitiator(
      { identifier: self.routerId, asn: this.config.localAsn },
      { identifier: theirs.identifier, asn: theirs.asn },
    );
    if (rival.state === "Established" || retained !== (session === this.#outgoing ? "local" : "remote")) return "collision";
    rival.yield();
    return agreed;
  }

  #up(session: Session, agreed: Negotiated): void {
    this.#established = session;
    this.#establishments++;
    this.#received = { announcements: 0, withdrawals: 0, malformed: 0 };
    this.#saidFailures.clear();
    this.#saidSpoilt.clear();
    this.#idleHold.up(agreed.holdMs);
    this.#parts.log.info(`session with peer ${this.config.name} is up`, {
      peer: this.config.name,
      address: this.config.address,
      asn: agreed.remoteAsn,
      hold_s: agreed.holdMs / 1000,
      families: agreed.families.join(","),
    });
    for (const other of this.#sessions()) if (other !== session && other.state !== "Idle") other.yield();
    this.#transmitter.begin(session, agreed);
    this.#refreshNextHops();
    this.#transmitter.changed();
    this.#parts.turned();
  }

  #retry(): void {
    if (!this.#stopped && !this.#hasAgreedOne()) this.#outgoing?.restart();
    this.#noteState();
  }

  #failed(failure: Failure, state: State): void {
    if (this.#stopped || isCollision(failure)) return;
    const text = describeFailure(failure, state, this.config, this.#parts.self);
    this.#lastFailure = { failure, text, at: this.#parts.clock.now() };
    this.#capabilities = this.#nextCapabilities(failure);
    if (this.#hasAgreedOne()) return; // the other connection of a collision lives
    if (!isNews(text, this.#saidFailures)) return;
    this.#parts.log.warning(text, { peer: this.config.name, address: this.config.address, ...failureFields(failure) });
  }

  /** RFC 5492 3: a peer that refuses the Capabilities parameter is tried without it, once. */
  #nextCapabilities(failure: Failure): "capabilities" | "no-capabilities" {
    const refused = failure.by === "peer" && failure.notification.code === OPEN_ERROR && failure.notification.subcode === OPEN_SUBCODE.UNSUPPORTED_PARAMETER;
    return refused && this.#capabilities === "capabilities" && canDoWithoutCapabilities(this.config) ? "no-capabilities" : "capabilities";
  }

  /** Nothing that a peer announces is kept. */
  #routes({ reachable, withdrawn }: Update): void {
    for (const field of reachable) this.#received.announcements += field.count;
    for (const field of withdrawn) this.#received.withdrawals += field.count;
  }

  #spoilt(problems: readonly Problem[], message: Uint8Array): void {
    this.#received.malformed++;
    for (const { attribute, approach, text } of problems) {
      const sentence = `peer ${this.config.name} sends a malformed ${attribute}: ${text} (RFC 7606, ${approach})`;
      if (!isNews(sentence, this.#saidSpoilt)) continue;
      this.#parts.log.warning(sentence, { peer: this.config.name });
      this.#parts.log.debug(`the malformed UPDATE of peer ${this.config.name}`, { message: Buffer.from(message).toString("hex") });
    }
  }

  /** Again and again: an interface gets and loses addresses while a session lasts. */
  #refreshNextHops(): void {
    this.#nextHopTimer = this.#parts.clock.timer("bgp next hops", NEXT_HOPS_MS, () => {
      this.#refreshNextHops();
    });
    const session = this.#established;
    const { agreed, local } = session ?? {};
    if (agreed === undefined || local === undefined) return;
    for (const family of agreed.families) {
      this.#transmitter.setNextHop(family, nextHopFor(family, local, this.config, agreed, this.#parts.addressesBeside));
    }
  }

  #sessions(): Session[] {
    return [...(this.#outgoing === undefined ? [] : [this.#outgoing]), ...this.#arrivals];
  }

  #hasAgreedOne(): boolean {
    return this.#sessions().some((session) => session.agreed !== undefined);
  }

  /** The connection that is nearest to an established session. */
  #foremost(): Session | undefined {
    return this.#sessions().reduce<Session | undefined>(
      (best, session) => (best === undefined || PROGRESS.indexOf(session.state) > PROGRESS.indexOf(best.state) ? session : best),
      undefined,
    );
  }

  #noteState(): void {
    const dead = this.#arrivals.filter((session) => session.state === "Idle" || session.state === "Active");
    if (dead.length > 0) {
      for (const { traffic } of dead) addTraffic(this.#pastTraffic, traffic);
      this.#arrivals = this.#arrivals.filter((session) => !dead.includes(session));
    }
    const state = this.#foremost()?.state ?? (this.#stopped || this.#idleHold.left !== undefined ? "Idle" : "Active");
    if (state === this.#state) return;
    this.#state = state;
    this.#stateSince = this.#parts.clock.now();
  }

  #traffic(): Traffic {
    const sum = noTraffic();
    addTraffic(sum, this.#pastTraffic);
    for (const { traffic } of this.#sessions()) addTraffic(sum, traffic);
    return sum;
  }
}

/** Not an error: the peer keeps the other connection. */
function isCollision(failure: Failure): boolean {
  return failure.by === "peer" && failure.notification.code === CEASE && failure.notification.subcode === CEASE_SUBCODE.COLLISION;
}

/** Remembers the sentence; false if it has been said, or too many have. */
function isNews(sentence: string, said: Set<string>): boolean {
  if (said.has(sentence) || said.size >= MOST_SENTENCES) return false;
  said.add(sentence);
  return true;
}
