/**
 * Another host as it is heard on one segment, and the machine of its life.
 *
 *              hello                 2 intervals            3 intervals
 *   (unheard) ──────► alive ────────────────────► suspect ─────────────► dead
 *                       ▲ ◄──────────────────────────┘ hello              │ hello
 *                       └─────────────────────────────────────────────────┘
 *   and from everywhere, when a new life of the same machine is heard: superseded
 *
 * The intervals are the peer's own. Silence is the age of the last sign that its main loop lives: a hello says how long ago the
 * loop last turned, and a host that cannot answer must not look alive because a thread of it still sends.
 *
 * A death is believed after three intervals of silence. What the network says about it (does it still answer for its VIPs, and is
 * the silence not our own fault) is to be weighed here, between `suspect` and `dead`, before anybody takes its VIPs.
 */
import type { Statement } from "./statement.ts";

export type PeerState = "alive" | "suspect" | "dead" | "superseded";

export type PeerEvent =
  /** `lagging`: its main loop has not turned for so long that the hello is no sign of life. */
  | { readonly type: "hello"; readonly lagging: boolean }
  /** It gave no sign of life for so many of its intervals. */
  | { readonly type: "silence"; readonly intervals: number }
  | { readonly type: "new-life" };

export const SUSPECT_INTERVALS = 2;
export const DEAD_INTERVALS = 3;
/** A main loop that turned this long ago is late; one that is merely busy is not. */
export const LAG_MS = 400;
/** Whom I declared dead is treated as such until it has been heard again for so long: it has to find out first. */
export const BACK_MS = 1_000;
/** A hello of a life that a newer one replaced is a straggler for this long; later it shows two machines with one identity. */
export const STRAGGLER_MS = 2_000;

/** One step. Total: every state answers every event. */
export function stepPeer(state: PeerState, event: PeerEvent): PeerState {
  switch (event.type) {
    case "new-life":
      return "superseded";
    case "hello":
      return event.lagging ? state : "alive";
    case "silence":
      if (state === "dead" || state === "superseded") return state;
      if (event.intervals >= DEAD_INTERVALS) return "dead";
      return event.intervals >= SUSPECT_INTERVALS ? "suspect" : state;
  }
}

export class Peer {
  readonly instance: string;
  /** Times are of the reader's clock, in ms. */
  readonly firstHeardAt: number;
  statement: Statement;
  sequence: number;
  state: PeerState = "alive";
  /** When `state` became what it is. */
  since: number;
  /** When it was last found to be gone, dead or superseded. */
  goneAt = -Infinity;
  heardAt: number;
  /** When its main loop last turned, as far as can be told. */
  signAt: number;
  /** When its view of Kubernetes was known to be current. */
  viewCurrentAt: number;
  /** When it was heard again after it had been declared dead. */
  backAt = -Infinity;
  /** Since when it does not list this host among those it hears; undefined while it does. */
  deafToMeSince: number | undefined;
  /** It lists this host as declared dead. */
  declaresMeDead = false;
  /** When it was first seen to do so. */
  declaredMeDeadAt = -Infinity;

  constructor(statement: Statement, sequence: number, now: number) {
    this.instance = statement.instance;
    this.statement = statement;
    this.sequence = sequence;
    this.firstHeardAt = this.since = this.heardAt = this.signAt = this.viewCurrentAt = now;
  }

  /** It is a candidate for what it stands for. */
  get present(): boolean {
    return isPresent(this.state);
  }

  /**
   * Whether it, or this host, was lately declared dead by the other: then what either claimed meanwhile stands. Undefined if
   * neither, or both, as after a split.
   */
  absentee(now: number): "it" | "me" | undefined {
    const it = this.state === "dead" || now - this.backAt < BACK_MS;
    const me = now - this.declaredMeDeadAt < BACK_MS;
    return it === me ? undefined : it ? "it" : "me";
  }

  /** Its hello interval in ms, kept within reason whatever it says. */
  get intervalMs(): number {
    return Math.min(60_000, Math.max(50, this.statement.intervalMs));
  }

  get lagging(): boolean {
    return this.statement.loopLagMs > Math.max(LAG_MS, SUSPECT_INTERVALS * this.intervalMs);
  }

  /** When it will have listened after its start. */
  get listensUntil(): number {
    return this.heardAt - this.statement.uptimeMs + DEAD_INTERVALS * this.intervalMs;
  }

  /** How long it has given no sign of life, in ms. */
  silenceMs(now: number): number {
    return now - this.signAt;
  }

  /** When its silence next makes a difference. */
  get nextAt(): number {
    if (this.state === "alive") return this.signAt + SUSPECT_INTERVALS * this.intervalMs;
    return this.state === "suspect" ? this.signAt + DEAD_INTERVALS * this.intervalMs : Infinity;
  }

  /** Takes in what a hello says, apart from what follows for `state`. */
  hear(statement: Statement, sequence: number, now: number): void {
    this.statement = statement;
    this.sequence = sequence;
    this.heardAt = now;
    this.signAt = this.lagging ? now - statement.loopLagMs : now;
    this.viewCurrentAt = now - statement.viewAgeMs;
  }

  become(state: PeerState, now: number): void {
    if (state === this.state) return;
    if (this.present && !isPresent(state)) this.goneAt = now;
    this.state = state;
    this.since = now;
  }
}

function isPresent(state: PeerState): boolean {
  return state === "alive" || state === "suspect";
}
