/**
 * The machine of a BFD session: RFC 5880 6.2 and 6.8, to be read beside it. Asynchronous mode; Demand mode of the peer is honoured
 * and never asked for; no authentication.
 *
 * Pure and total: every state answers every event with the next session and what to do. It never touches a socket, a clock or the log.
 * Which session a packet is for: demultiplex.ts. When the next packet leaves, and when the peer has been silent for too long, follows from
 * the session: `transmitInterval`, `detectionTime` and `echoInterval` in session.ts.
 */
import { BFD_DIAGNOSTIC, type BfdControl } from "../wire/index.ts";
import type { BfdProfile } from "./desired.ts";
import { type Intervals, NOBODY, NO_POLL, type Remote, type Session, echoInterval, isDemandActive, isSilenced, transmitInterval, wantedIntervals } from "./session.ts";
import type { BfdState } from "./status.ts";

export type Event =
  /** A packet that passed the rules of 6.8.6 up to "Set bfd.RemoteDiscr". */
  | { readonly type: "packet"; readonly packet: BfdControl }
  /** The transmit interval is over. */
  | { readonly type: "transmit" }
  /** For a Detection Time no packet has been received. */
  | { readonly type: "detection-expired" }
  /** Other settings (6.8.10–6.8.13). */
  | { readonly type: "configure"; readonly profile: BfdProfile }
  /** 6.8.16. */
  | { readonly type: "disable" }
  /** A first echo packet came back. */
  | { readonly type: "echo-works" }
  /** So many in a row did not. */
  | { readonly type: "echo-failed" };

export type Effect =
  /** The packet counts as received: the Detection Time begins again. */
  | "heard"
  /** Send a packet, and begin the transmit interval again. */
  | "send"
  /** Answer a Poll: send a packet with the Final bit, whatever the transmit interval is. */
  | "send-final"
  /** The session came Up. */
  | "up"
  /** It is no longer Up; `localDiag` says why, and `remote.state` whether the peer did so on purpose. */
  | "down";

export type Step = { readonly session: Session; readonly effects: readonly Effect[] };

const NOTHING: readonly Effect[] = [];
const HEARD: readonly Effect[] = ["heard"];
const SEND: readonly Effect[] = ["send"];

/** One step of the machine. Total: every state answers every event. */
export function step(session: Session, event: Event): Step {
  switch (event.type) {
    case "packet":
      return receive(session, event.packet);
    case "transmit":
      return { session, effects: transmitInterval(session) === undefined ? NOTHING : SEND };
    case "detection-expired":
      return expire(session);
    case "configure":
      return { session: configure(session, event.profile), effects: NOTHING };
    case "disable":
      return session.state === "admin-down" ? stay(session) : disable(session);
    case "echo-works":
      return stay(echoInterval(session) === undefined ? session : negotiate({ ...session, echoWorks: true }));
    case "echo-failed":
      return session.echoWorks ? tell(session, { ...session, state: "down", localDiag: BFD_DIAGNOSTIC.ECHO_FAILED }) : stay(session);
  }
}

/** 6.8.6, from "Set bfd.RemoteDiscr to the value of My Discriminator" on. */
function receive(before: Session, packet: BfdControl): Step {
  const learned = confirm(learn(before, packet), packet);
  if (learned.state === "admin-down") return stay(negotiate(learned)); // "Discard the packet"
  const next = transition(learned, packet.state);
  const session = negotiate(next === undefined ? learned : { ...learned, ...next });
  if (next === undefined && !packet.poll) return { session, effects: HEARD };
  const effects: Effect[] = ["heard"];
  // The answer to a Poll says the new state as well.
  if (packet.poll) effects.push("send-final");
  else effects.push("send");
  if (session.state === "up" && before.state !== "up") effects.push("up");
  if (session.state !== "up" && before.state === "up") effects.push("down");
  return { session, effects };
}

/** The same session while the peer says the same. */
function learn(session: Session, packet: BfdControl): Session {
  const { remote } = session;
  if (
    remote.discr === packet.myDiscriminator &&
    remote.state === packet.state &&
    remote.diag === packet.diagnostic &&
    remote.demand === packet.demand &&
    remote.detectMult === packet.detectMult &&
    remote.desiredMinTxUs === packet.desiredMinTxUs &&
    remote.requiredMinRxUs === packet.requiredMinRxUs &&
    remote.requiredMinEchoRxUs === packet.requiredMinEchoRxUs
  )
    return session;
  const learned: Remote = {
    discr: packet.myDiscriminator,
    state: packet.state,
    diag: packet.diagnostic,
    demand: packet.demand,
    detectMult: packet.detectMult,
    desiredMinTxUs: packet.desiredMinTxUs,
    requiredMinRxUs: packet.requiredMinRxUs,
    requiredMinEchoRxUs: packet.requiredMinEchoRxUs,
  };
  // "If the Required Min Echo RX Interval field is zero, the transmission of Echo packets, if any, MUST cease."
  return { ...session, remote: learned, echoWorks: session.echoWorks && packet.requiredMinEchoRxUs !== 0 };
}

/** "If a Poll Sequence is being transmitted … and the Final (F) bit in the received packet is set, the Poll Sequence MUST be terminated." */
function confirm(session: Session, { final }: BfdControl): Session {
  const { poll, advertised } = session;
  if (final && poll.phase === "active") {
    // If the packets of this sequence did not all say the same, the answer may be one to the first.
    const acknowledged = isSame(poll.carries, advertised) ? advertised : session.acknowledged;
    return { ...session, acknowledged, poll: { phase: "settling" } };
  }
  return !final && poll.phase === "settling" ? { ...session, poll: NO_POLL } : session;
}

/** The figure of 6.2 as 6.8.6 says it; undefined: the state stays. */
function transition({ state }: Session, received: BfdState): Pick<Session, "state" | "localDiag"> | undefined {
  if (received === "admin-down") return state === "down" ? undefined : { state: "down", localDiag: BFD_DIAGNOSTIC.NEIGHBOR_DOWN };
  switch (state) {
    case "down":
      if (received === "down") return { state: "init", localDiag: BFD_DIAGNOSTIC.NONE };
      if (received === "init") return { state: "up", localDiag: BFD_DIAGNOSTIC.NONE };
      return undefined;
    case "init":
      return received === "init" || received === "up" ? { state: "up", localDiag: BFD_DIAGNOSTIC.NONE } : undefined;
    case "up":
      return received === "down" ? { state: "down", localDiag: BFD_DIAGNOSTIC.NEIGHBOR_DOWN } : undefined;
    case "admin-down":
      return undefined;
  }
}

/** 6.8.4; and 6.8.1, 6.8.18: what the peer said is forgotten, but for its state. */
function expire(session: Session): Step {
  if (session.remote.discr === 0) return stay(session);
  const alone = { ...session, remote: { ...NOBODY, state: session.remote.state, diag: session.remote.diag } };
  if (session.state !== "init" && session.state !== "up") return stay(negotiate(alone));
  return tell(session, { ...alone, state: "down", localDiag: BFD_DIAGNOSTIC.DETECTION_TIME_EXPIRED });
}

function configure(before: Session, profile: BfdProfile): Session {
  const session = negotiate({ ...before, profile, echoWorks: before.echoWorks && profile.echoMs !== undefined });
  // 6.6: toward a system in Demand mode no packet would say it otherwise.
  const unsaid = isDemandActive(session) && profile.detectMult !== before.profile.detectMult && session.poll.phase === "none";
  return unsaid ? { ...session, poll: { phase: "active", carries: session.advertised } } : session;
}

/** A change of our own: said at once (6.8.7), but for the Passive role before the peer has spoken. */
function tell(before: Session, changed: Session): Step {
  const session = negotiate(changed);
  const effects: Effect[] = isSilenced(session) ? [] : ["send"];
  // That it is disabled is no news to who did it.
  if (before.state === "up" && session.state === "down") effects.push("down");
  return { session, effects };
}

/** 6.8.16. The Poll Sequence shows when the peer knows. */
function disable(before: Session): Step {
  const { session, effects } = tell(before, { ...before, state: "admin-down", localDiag: BFD_DIAGNOSTIC.ADMIN_DOWN });
  return { session: session.remote.discr === 0 ? session : { ...session, poll: { phase: "active", carries: session.advertised } }, effects };
}

/**
 * 6.8.3: what the packets say follows what is wanted, by one Poll Sequence after the other. Without a peer there is nobody to ask. Of a session
 * that is not Up the slower interval is said at once, even in the midst of a Poll Sequence, for none may send faster.
 */
function negotiate(session: Session): Session {
  const { state, remote, advertised, acknowledged, poll } = session;
  const current = state === "up" || !session.echoWorks ? session : { ...session, echoWorks: false };
  const wanted = wantedIntervals(current);
  if (remote.discr === 0) {
    const settled = isSame(wanted, advertised) && isSame(wanted, acknowledged) && poll.phase === "none";
    return settled ? current : { ...current, advertised: wanted, acknowledged: wanted, poll: NO_POLL };
  }
  if (poll.phase === "none") {
    const settled = isSame(wanted, advertised) && isSame(wanted, acknowledged);
    return settled ? current : { ...current, advertised: wanted, poll: { phase: "active", carries: wanted } };
  }
  return state === "up" || isSame(wanted, advertised) ? current : { ...current, advertised: wanted };
}

function isSame(a: Intervals, b: Intervals): boolean {
  return a.desiredMinTxUs === b.desiredMinTxUs && a.requiredMinRxUs === b.requiredMinRxUs;
}

function stay(session: Session): Step {
  return { session, effects: NOTHING };
}
