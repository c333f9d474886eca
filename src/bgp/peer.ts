/**
 * One configured neighbor: its sessions, its Adj-RIB-Out, and when it is tried again.
 *
 * Which of its connections lives: connections.ts. What a failure says: failure.ts. What the journal hears of it: peer-log.ts.
 */
import { isDeepStrictEqual } from "node:util";
import type { Tcp, TcpArrival } from "../linux/index.ts";
import type { Log } from "../log/index.ts";
import type { Prefix } from "../net/index.ts";
import type { Clock, Random, Timer } from "../time/index.ts";
import { CEASE_SUBCODE, type Notification, type Open, type RouteRefresh, type Update, cease } from "../wire/index.ts";
import type { AdjRibOut } from "./adj-rib-out.ts";
import type { Initiator } from "./collision.ts";
import { Connections, reject } from "./connections.ts";
import type { BgpPeer } from "./desired.ts";
import { dialOf } from "./dial.ts";
import { type Failure, describeFailure, isCollision, refusesCapabilities } from "./failure.ts";
import type { Before } from "./graceful-restart.ts";
import { IdleHold } from "./idle-hold.ts";
import type { RouteKeepers } from "./keepers.ts";
import { type Negotiated, type Self, canDoWithoutCapabilities, negotiate, ourOpen } from "./negotiated.ts";
import { type AddressesBeside, nextHopFor } from "./next-hop.ts";
import { PeerLog } from "./peer-log.ts";
import { peerStatus } from "./peer-status.ts";
import { isLeak } from "./role.ts";
import type { RouteFacts } from "./route-status.ts";
import { Session, type SessionOwner } from "./session.ts";
import type { BgpPeerStatus } from "./status.ts";
import type { State } from "./transition.ts";
import { Transmitter } from "./transmitter.ts";

export type PeerParts = {
  readonly self: Self;
  /** What the peer is to have. Nobody else's while this one lasts. */
  readonly rib: AdjRibOut;
  readonly tcp: Tcp;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly addressesBeside: AddressesBeside;
  readonly keepers: RouteKeepers;
  /** A session came up, or ended. */
  readonly turned: () => void;
};

/**
 * What follows on a stop: nothing; another life of the daemon; or a session with another configuration, at once and so that the
 * peer sees the same neighbor. A peer with which that was agreed keeps its routes for the latter two.
 */
export type Sequel = "nothing" | "restart" | "reconfigured";

const NEXT_HOPS_MS = 5000;

export class Peer {
  #config: BgpPeer;
  readonly #parts: PeerParts;
  readonly #log: PeerLog;
  readonly #rib: AdjRibOut;
  readonly #transmitter: Transmitter;
  readonly #idleHold: IdleHold;
  readonly #connections: Connections;
  #established: Session | undefined;
  #stopped = false;
  #before: Before;
  #capabilities: "capabilities" | "no-capabilities" = "capabilities";
  #state: State = "Idle";
  #stateSince: number;
  #establishments = 0;
  #nextHopTimer: Timer | undefined;
  #lastFailure: { readonly failure: Failure; readonly text: string; readonly at: number } | undefined;
  #received = { announcements: 0, withdrawals: 0, malformed: 0, leaked: 0 };

  constructor(config: BgpPeer, parts: PeerParts, before: Before) {
    this.#config = config;
    this.#before = before;
    this.#parts = parts;
    this.#log = new PeerLog(parts.log, config);
    this.#stateSince = parts.clock.now();
    this.#rib = parts.rib;
    this.#transmitter = new Transmitter(parts.rib, parts.clock, () => {
      this.#before = "session"; // the peer has been sent its End-of-RIB
    });
    this.#idleHold = new IdleHold(parts.clock, parts.random, config.connectTimeMs, () => {
      this.#retry();
    });
    this.#connections = new Connections(
      config.passive ? "passive" : "active",
      (initiator) => this.#session(initiator),
      () => {
        this.#log.restarted();
      },
    );
    this.#limit();
  }

  get config(): BgpPeer {
    return this.#config;
  }

  /** Takes a changed configuration; false if that needs another session, and then nothing has changed. */
  adopt(config: BgpPeer): boolean {
    if (!isDeepStrictEqual({ ...this.#config, maxPrefixes: 0 }, { ...config, maxPrefixes: 0 })) return false;
    this.#config = config;
    this.#limit();
    return true;
  }

  get isUp(): boolean {
    return this.#established !== undefined;
  }

  start(): void {
    this.#connections.start();
    this.#noteState();
  }

  isTold(prefix: Prefix): boolean {
    return this.#established !== undefined && this.#rib.isTold(prefix);
  }

  /** For people: what its routes wait for. */
  routeFacts(): RouteFacts {
    const noSession = `the session is ${this.#state}${this.#lastFailure === undefined ? "" : `: ${this.#lastFailure.text}`}`;
    return { transmitter: this.#transmitter, agreed: this.#established?.agreed, noSession };
  }

  /** What was offered and retracted is to be sent. */
  flush(view: "complete" | "incomplete"): void {
    if (view === "incomplete") {
      this.#transmitter.changed(); // to a peer that knows all of an earlier view, it is one more change
      return;
    }
    for (const family of this.config.families) this.#log.held(family, this.#rib.held(family), this.config.maxPrefixes);
    this.#transmitter.complete();
  }

  /** The peer opened a connection. */
  arrived(arrival: TcpArrival): void {
    if (this.#stopped || this.#idleHold.refuses) reject(arrival, cease(CEASE_SUBCODE.CONNECTION_REJECTED));
    else this.#connections.adopt(arrival);
  }

  /** What the peer may have of the time before the next OPEN. */
  get before(): Before {
    return this.#before;
  }

  /** Whether it has been told a route and not that it is gone. */
  get hasRoutes(): boolean {
    return this.#established !== undefined && this.#rib.count("ipv4").sent + this.#rib.count("ipv6").sent > 0;
  }

  /** It is away and keeps the routes that it was left with until its time is over: there is nobody to take them back from. */
  get isAwayWithRoutes(): boolean {
    return this.#established === undefined && this.#parts.keepers.wouldKeep(this.config.name);
  }

  /** Whether the peer keeps its routes until then, if it is left now. */
  keepsRoutesFor(sequel: Sequel): boolean {
    if (sequel === "nothing") return false;
    const restart = this.#established?.agreed?.restart;
    // One that is away and was left with them keeps them still.
    if (restart === undefined) return this.#parts.keepers.wouldKeep(this.config.name);
    // Who has none keeps none, as of a drained host: its next life is to begin without. What the last one left may be there until End-of-RIB.
    if (!this.hasRoutes && this.#before !== "life") return false;
    return restart.keepsRoutesMs > 0 && (sequel === "restart" || restart.hardReset);
  }

  /**
   * BFD found that the path to it is down: what there is of a session ends at once (RFC 5882 4.1), with the subcode of RFC 9384. A
   * connection that is only being tried is left to find out for itself.
   */
  pathDown(diagnostic: string): void {
    for (const session of this.#connections.all) {
      if (session.state !== "OpenSent" && session.agreed === undefined) continue;
      session.end(cease(CEASE_SUBCODE.BFD_DOWN), `BFD says that the path to it is down: ${diagnostic}`);
    }
  }

  /**
   * Takes all routes back and says why, unless the peer keeps them for what follows; resolves when that has left, or the peer takes
   * nothing any more. Does not start again.
   */
  async stop(farewell: Notification, sequel: Sequel): Promise<void> {
    this.#stopped = true;
    this.#idleHold.stop();
    const keeps = this.keepsRoutesFor(sequel);
    if (!keeps) {
      if (this.#before === "life") this.#transmitter.endTables();
      this.#parts.keepers.released(this.config.name);
    }
    this.#transmitter.close(keeps ? "routes stay" : "routes go");
    // A NOTIFICATION would end it, but for those who know the N bit (RFC 4724 4).
    await this.#connections.stop(keeps && sequel === "restart" ? undefined : farewell);
  }

  status(): BgpPeerStatus {
    const current = this.#connections.foremost;
    const now = this.#parts.clock.now();
    return peerStatus({
      config: this.config,
      state: this.#state,
      inStateMs: now - this.#stateSince,
      current,
      openedBy: current?.agreed === undefined ? undefined : this.#connections.initiatorOf(current) === "local" ? "us" : "peer",
      open: current?.sentOpen ?? this.#owner.open(),
      failure: this.#lastFailure === undefined ? undefined : { ...this.#lastFailure, agoMs: now - this.#lastFailure.at },
      nextRetryMs: this.#idleHold.left ?? this.#connections.nextRetryMs,
      failedAttempts: this.#connections.failedAttempts,
      establishments: this.#establishments,
      rib: this.#rib,
      transmitter: this.#transmitter,
      received: { ...this.#received },
      traffic: this.#connections.traffic(),
    });
  }

  #limit(): void {
    this.#rib.limit(this.config.maxPrefixes === 0 ? Infinity : this.config.maxPrefixes);
  }

  #session(initiator: Initiator): Session {
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
    open: () => ourOpen(this.#parts.self, this.config, this.#capabilities, this.#before),
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
      if (!this.#stopped && !this.#connections.hasAgreedOne) this.#idleHold.damp(after);
    },
    failed: (_session, failure, state) => {
      this.#failed(failure, state);
    },
    routes: (update) => {
      this.#routes(update);
    },
    spoilt: (update, message) => {
      this.#received.malformed++;
      this.#log.spoilt(update, message);
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

  #judge(session: Session, theirs: Open): Negotiated | "collision" {
    const { self } = this.#parts;
    const agreed = negotiate(self, this.config, session.sentOpen ?? this.#owner.open(), theirs);
    const fate = this.#connections.collide(
      session,
      { identifier: self.routerId, asn: this.config.localAsn },
      { identifier: theirs.identifier, asn: theirs.asn },
    );
    return fate === "yields" ? "collision" : agreed;
  }

  #up(session: Session, agreed: Negotiated): void {
    this.#established = session;
    this.#establishments++;
    if (this.#before === "nothing") this.#before = "session";
    this.#received = { announcements: 0, withdrawals: 0, malformed: 0, leaked: 0 };
    this.#idleHold.up(agreed.holdMs);
    this.#parts.keepers.agreed(this.config.name, agreed.restart.keepsRoutesMs);
    this.#transmitter.begin(session, agreed);
    this.#refreshNextHops();
    this.#transmitter.sendNow(); // nothing else is as urgent
    this.#log.up(agreed);
    this.#connections.keepOnly(session);
    this.#parts.turned();
  }

  #retry(): void {
    if (!this.#stopped && !this.#connections.hasAgreedOne) this.#connections.restart();
    this.#noteState();
  }

  #failed(failure: Failure, state: State): void {
    if (this.#stopped || isCollision(failure)) return;
    const text = describeFailure(failure, state, this.config, this.#parts.self);
    this.#lastFailure = { failure, text, at: this.#parts.clock.now() };
    this.#capabilities = this.#nextCapabilities(failure);
    if (this.#connections.hasAgreedOne) return; // the other connection of a collision lives
    this.#log.failed(text, failure);
  }

  /** RFC 5492 3: a peer that refuses the Capabilities parameter is tried without it, once. */
  #nextCapabilities(failure: Failure): "capabilities" | "no-capabilities" {
    const without = refusesCapabilities(failure) && this.#capabilities === "capabilities" && canDoWithoutCapabilities(this.config);
    return without ? "no-capabilities" : "capabilities";
  }

  /** Nothing that a peer announces is kept. */
  #routes({ reachable, withdrawn, attributes }: Update): void {
    const agreed = this.#established?.agreed;
    const leaks = agreed !== undefined && isLeak(agreed.role, agreed.remoteAsn, attributes);
    for (const { count } of reachable) {
      this.#received.announcements += count;
      if (leaks) this.#received.leaked += count;
    }
    for (const field of withdrawn) this.#received.withdrawals += field.count;
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

  #noteState(): void {
    this.#connections.sweep();
    const state = this.#connections.foremost?.state ?? (this.#stopped || this.#idleHold.left !== undefined ? "Idle" : "Active");
    if (state === this.#state) return;
    this.#state = state;
    this.#stateSince = this.#parts.clock.now();
  }
}
