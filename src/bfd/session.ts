/**
 * What is known of one session, and what follows from it: the state variables of RFC 5880 6.8.1, and the intervals that are in use
 * (6.8.2–6.8.4, 6.8.7). Pure.
 */
import type { BfdControl } from "../wire/index.ts";
import type { BfdProfile } from "./desired.ts";
import type { BfdState } from "./status.ts";

/** Intervals in microseconds, as in packets. */
export type Session = {
  readonly profile: BfdProfile;
  /** bfd.SessionState. */
  readonly state: BfdState;
  /** bfd.LocalDiscr; not 0. */
  readonly localDiscr: number;
  /** bfd.LocalDiag: why the state last changed. */
  readonly localDiag: number;
  /** What the peer's last packet said. */
  readonly remote: Remote;
  /** bfd.DesiredMinTxInterval and bfd.RequiredMinRxInterval: what our packets say. */
  readonly advertised: Intervals;
  /** What the peer has confirmed by a Poll Sequence. */
  readonly acknowledged: Intervals;
  readonly poll: Poll;
  /** Echo packets come back: the Echo function is active (6.4). */
  readonly echoWorks: boolean;
};

export type Intervals = { readonly desiredMinTxUs: number; readonly requiredMinRxUs: number };

export type Remote = {
  /** bfd.RemoteSessionState. */
  readonly state: BfdState;
  readonly diag: number;
  /** bfd.RemoteDiscr; 0: nobody has been heard for a Detection Time. */
  readonly discr: number;
  /** bfd.RemoteDemandMode. */
  readonly demand: boolean;
  readonly detectMult: number;
  readonly desiredMinTxUs: number;
  /** bfd.RemoteMinRxInterval; 0: it wants no periodic packets. */
  readonly requiredMinRxUs: number;
  /** 0: it returns no echo packets. */
  readonly requiredMinEchoRxUs: number;
};

/** A Poll Sequence (6.5). "settling": it is over, and the next has to wait for a packet without the Final bit, lest its own be mistaken (6.8.3). */
export type Poll = { readonly phase: "none" } | { readonly phase: "active"; readonly carries: Intervals } | { readonly phase: "settling" };

export const NO_POLL: Poll = { phase: "none" };

/** Before its first packet, and after it has been silent for a Detection Time: "MUST be initialized" of 6.8.1. */
export const NOBODY: Remote = { state: "down", diag: 0, discr: 0, demand: false, detectMult: 0, desiredMinTxUs: 0, requiredMinRxUs: 1, requiredMinEchoRxUs: 0 };

const SLOW_US = 1_000_000; // 6.8.3: of a session that is not Up, and the receive interval beside the Echo function

export function newSession(profile: BfdProfile, localDiscr: number): Session {
  const session = { profile, state: "down", localDiscr, localDiag: 0, remote: NOBODY, poll: NO_POLL, echoWorks: false } as const;
  const wanted = wantedIntervals(session);
  return { ...session, advertised: wanted, acknowledged: wanted };
}

/** What our packets are to say in this state (6.8.3). */
export function wantedIntervals({ profile, state, echoWorks }: Pick<Session, "profile" | "state" | "echoWorks">): Intervals {
  const desiredMinTxUs = profile.desiredMinTxMs * 1000;
  const requiredMinRxUs = profile.requiredMinRxMs * 1000;
  return {
    desiredMinTxUs: state === "up" ? desiredMinTxUs : Math.max(desiredMinTxUs, SLOW_US),
    requiredMinRxUs: echoWorks ? Math.max(requiredMinRxUs, SLOW_US) : requiredMinRxUs,
  };
}

/** The time from one periodic packet to the next before jitter, in µs; undefined: there is to be none (6.8.7). */
export function transmitInterval(session: Session): number | undefined {
  const { state, remote, advertised, acknowledged, poll } = session;
  if (isSilenced(session) || remote.requiredMinRxUs === 0) return undefined;
  if (isDemandActive(session) && poll.phase !== "active") return undefined;
  // While Up, an interval that grows is not used before the peer has confirmed it (6.8.3).
  const own = state === "up" ? Math.min(advertised.desiredMinTxUs, acknowledged.desiredMinTxUs) : advertised.desiredMinTxUs;
  return Math.max(own, remote.requiredMinRxUs);
}

/** How long the peer may be silent, in µs (6.8.4); undefined: there is nobody who could be. */
export function detectionTime({ state, remote, advertised, acknowledged }: Session): number | undefined {
  if (remote.discr === 0) return undefined;
  // While Up, an interval that shrinks is not used before the peer has confirmed it (6.8.3).
  const own = state === "up" ? Math.max(advertised.requiredMinRxUs, acknowledged.requiredMinRxUs) : advertised.requiredMinRxUs;
  return remote.detectMult * Math.max(own, remote.desiredMinTxUs);
}

/** The time from one echo packet to the next, in µs; undefined: there is to be none (6.8.9). */
export function echoInterval({ profile, state, remote }: Session): number | undefined {
  if (profile.echoMs === undefined || state !== "up" || remote.requiredMinEchoRxUs === 0) return undefined;
  return Math.max(profile.echoMs * 1000, remote.requiredMinEchoRxUs);
}

/** The part of its interval after which the next packet leaves (6.8.7): up to a quarter less, and with Detect Mult 1 at least a tenth. `chance` is in [0, 1). */
export function jittered(intervalUs: number, detectMult: number, chance: number): number {
  const longest = detectMult === 1 ? 0.9 : 1;
  return intervalUs * (longest - (longest - 0.75) * chance);
}

/** The Passive role: nothing is sent before the peer has spoken (6.8.7). */
export function isSilenced({ profile, remote }: Session): boolean {
  return profile.passive && remote.discr === 0;
}

/** Demand mode is active on the remote system (6.8.6). We never ask for it ourselves. */
export function isDemandActive({ state, remote }: Session): boolean {
  return remote.demand && state === "up" && remote.state === "up";
}

/** The packet to send now (6.8.7). */
export function controlPacket(session: Session, kind: "periodic" | "final"): BfdControl {
  return {
    diagnostic: session.localDiag,
    state: session.state,
    poll: kind === "periodic" && session.poll.phase === "active",
    final: kind === "final",
    controlPlaneIndependent: false, // RFC 5882 4.3.2: this process carries BGP as well
    demand: false,
    detectMult: session.profile.detectMult,
    myDiscriminator: session.localDiscr,
    yourDiscriminator: session.remote.discr,
    desiredMinTxUs: session.advertised.desiredMinTxUs,
    requiredMinRxUs: session.advertised.requiredMinRxUs,
    requiredMinEchoRxUs: 0, // we return no echo packets
  };
}
