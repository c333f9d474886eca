/**
 * The connections of one peer, and which of them lives (RFC 4271 6.8): the one that we open, and those that the peer opens.
 *
 * Up to three for moments. Knows nothing of routes, of damping, or of what the operator is told.
 */
import type { TcpArrival } from "../linux/index.ts";
import { CEASE_SUBCODE, type Notification, cease, encodeMessage, encodeNotification } from "../wire/index.ts";
import { type Initiator, type Speaker, retainedInitiator } from "./collision.ts";
import { type Traffic, addTraffic, noTraffic } from "./message-counts.ts";
import type { Session } from "./session.ts";
import type { State } from "./transition.ts";

/** From far from to near an established session. */
const PROGRESS: readonly State[] = ["Idle", "Active", "Connect", "OpenSent", "OpenConfirm", "Established"];

export class Connections {
  readonly #create: (initiator: Initiator) => Session;
  /** The peer restarted: its new connection replaces the one that stood. */
  readonly #restarted: () => void;
  /** Undefined: it is for the peer to open one. */
  readonly #outgoing: Session | undefined;
  /** Connections that the peer opened and that live. */
  #arrivals: readonly Session[] = [];
  readonly #pastTraffic = noTraffic();

  constructor(mode: "active" | "passive", create: (initiator: Initiator) => Session, restarted: () => void) {
    this.#create = create;
    this.#restarted = restarted;
    this.#outgoing = mode === "passive" ? undefined : create("local");
  }

  start(): void {
    this.#outgoing?.start();
  }

  /** The time of damping is over: ours is tried once more. */
  restart(): void {
    this.#outgoing?.restart();
  }

  /** Takes a connection that the peer opened, or tells it that another one is kept. */
  adopt(arrival: TcpArrival): void {
    for (const other of this.#arrivals) {
      if (other.state === "OpenConfirm") {
        reject(arrival, cease(CEASE_SUBCODE.COLLISION));
        return;
      }
      // It never said a word; the peer has probably forgotten it.
      if (other.state !== "Established") void other.stop(cease(CEASE_SUBCODE.COLLISION));
    }
    const session = this.#create("remote");
    session.start(); // to Active, where it takes this connection and never a second one
    this.#arrivals = [...this.#arrivals, session];
    session.adopt(arrival);
  }

  /**
   * Which connections live is decided when an OPEN tells who the peer is: whether this one must yield. If not, its rival has.
   *
   * A peer that restarts gracefully opens a new connection while the old one still seems to stand: that one is dropped without a
   * word (RFC 4724 4.2). The RFC does so as soon as the new one is there; we wait for its OPEN. A peer that restarted sends it at
   * once, while of a collision the connection that lost may still arrive, and says nothing any more.
   */
  collide(session: Session, local: Speaker, remote: Speaker): "yields" | "lives" {
    const rival = this.all.find((other) => other !== session && (other.state === "OpenConfirm" || other.state === "Established"));
    if (rival === undefined) return "lives";
    if (rival.agreed?.restart.peerRestarts === true && rival.state === "Established" && this.initiatorOf(session) === "remote") {
      void rival.stop(undefined);
      this.#restarted();
      return "lives";
    }
    if (rival.state === "Established" || retainedInitiator(local, remote) !== this.initiatorOf(session)) return "yields";
    rival.yield();
    return "lives";
  }

  /** It is established: every other one yields. */
  keepOnly(session: Session): void {
    for (const other of this.all) if (other !== session && other.state !== "Idle") other.yield();
  }

  /** Resolves when the farewell has left on all of them, as in Session. */
  async stop(farewell: Notification | undefined): Promise<void> {
    await Promise.all(this.all.map((session) => session.stop(farewell)));
  }

  /** Forgets those that are gone for good. */
  sweep(): void {
    const dead = this.#arrivals.filter((session) => session.state === "Idle" || session.state === "Active");
    if (dead.length === 0) return;
    for (const { traffic } of dead) addTraffic(this.#pastTraffic, traffic);
    this.#arrivals = this.#arrivals.filter((session) => !dead.includes(session));
  }

  get all(): readonly Session[] {
    return [...(this.#outgoing === undefined ? [] : [this.#outgoing]), ...this.#arrivals];
  }

  get hasAgreedOne(): boolean {
    return this.all.some((session) => session.agreed !== undefined);
  }

  /** The connection that is nearest to an established session. */
  get foremost(): Session | undefined {
    return this.all.reduce<Session | undefined>(
      (best, session) => (best === undefined || PROGRESS.indexOf(session.state) > PROGRESS.indexOf(best.state) ? session : best),
      undefined,
    );
  }

  /** Failures since it was started (ConnectRetryCounter). */
  get failedAttempts(): number {
    return this.#outgoing?.failedAttempts ?? 0;
  }

  /** Milliseconds until the next attempt; undefined if none waits. */
  get nextRetryMs(): number | undefined {
    return this.#outgoing?.timeLeft("ConnectRetry");
  }

  /** Over all connections that there were. */
  traffic(): Traffic {
    const sum = noTraffic();
    addTraffic(sum, this.#pastTraffic);
    for (const { traffic } of this.all) addTraffic(sum, traffic);
    return sum;
  }

  initiatorOf(session: Session): Initiator {
    return session === this.#outgoing ? "local" : "remote";
  }
}

/** Nothing but the NOTIFICATION is said on it. */
export function reject(arrival: TcpArrival, why: Notification): void {
  arrival.reject(encodeMessage("NOTIFICATION", encodeNotification(why)));
}
