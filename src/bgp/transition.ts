/**
 * What a step of the BGP machine is made of: the states, what is to be done, and the ways from one state to the next that several
 * events share. Which event does what: fsm.ts. Pure.
 */
import type { Notification, RouteRefresh, Update } from "../wire/index.ts";
import type { Negotiated } from "./negotiated.ts";

export type State = "Idle" | "Connect" | "Active" | "OpenSent" | "OpenConfirm" | "Established";

/** One connection, or the wish for one (RFC 4271 8.2.1: a machine per connection). */
export type Fsm = {
  readonly settings: FsmSettings;
  /** Failures since the operator started it. */
  readonly connectRetryCounter: number;
} & (
  | { readonly state: "Idle" | "Connect" | "Active" | "OpenSent" }
  | { readonly state: "OpenConfirm" | "Established"; readonly agreed: Negotiated }
);

export type FsmSettings = {
  readonly connectRetryMs: number;
  /** PassiveTcpEstablishment: it waits for the peer to connect, and never dials. */
  readonly passive: boolean;
};

export type TimerName = "ConnectRetry" | "Hold" | "Keepalive";

export type Action =
  | { readonly do: "connect" }
  /** Close the connection, or give up the attempt. */
  | { readonly do: "drop" }
  | { readonly do: "send-open" }
  | { readonly do: "send-keepalive" }
  | { readonly do: "send-notification"; readonly notification: Notification }
  /** Starts or restarts. */
  | { readonly do: "start-timer"; readonly timer: TimerName; readonly ms: number }
  | { readonly do: "stop-timer"; readonly timer: TimerName }
  /** Performs peer oscillation damping: IdleHoldTimer_Expires is to come after a while. */
  | { readonly do: "damp"; readonly after: "no-connection" | "failure" }
  | { readonly do: "session-up"; readonly agreed: Negotiated }
  | { readonly do: "session-down" }
  | { readonly do: "take-routes"; readonly update: Update }
  | { readonly do: "refresh"; readonly refresh: RouteRefresh };

export type Step = { readonly fsm: Fsm; readonly actions: readonly Action[] };

export function newFsm(settings: FsmSettings): Fsm {
  return { settings, connectRetryCounter: 0, state: "Idle" };
}

const OPEN_SENT_HOLD_MS = 240_000; // "a HoldTimer value of 4 minutes is suggested"

export const CONNECT: Action = { do: "connect" };
export const DROP: Action = { do: "drop" };
const SEND_OPEN: Action = { do: "send-open" };
export const SEND_KEEPALIVE: Action = { do: "send-keepalive" };

export type Confirmed = Extract<Fsm, { readonly agreed: Negotiated }>;
type Unconfirmed = Exclude<State, Confirmed["state"]>;

export function stay(fsm: Fsm, ...actions: readonly Action[]): Step {
  return { fsm, actions };
}

export function to({ settings, connectRetryCounter }: Fsm, state: Unconfirmed, ...actions: readonly Action[]): Step {
  return { fsm: { settings, connectRetryCounter, state }, actions };
}

export function confirmed({ settings, connectRetryCounter }: Fsm, state: Confirmed["state"], agreed: Negotiated, ...actions: readonly Action[]): Step {
  return { fsm: { settings, connectRetryCounter, state, agreed }, actions };
}

/** Out of Idle, by a start of any kind. */
export function begin(fsm: Fsm): Step {
  return fsm.settings.passive ? to(fsm, "Active", ...startConnectRetry(fsm)) : to(fsm, "Connect", ...startConnectRetry(fsm), CONNECT);
}

/** Event 16 or 17. */
export function connected(fsm: Fsm): Step {
  return to(fsm, "OpenSent", ...stopTimers(fsm), SEND_OPEN, { do: "start-timer", timer: "Hold", ms: OPEN_SENT_HOLD_MS });
}

/** Nobody was reached: that is no failure of the peer's, and damped less. */
export function unreachable(fsm: Fsm): Step {
  return to(attempted(fsm), "Idle", ...stopTimers(fsm), DROP, { do: "damp", after: "no-connection" });
}

/** What every failure has in common: last words, the connection is dropped, damping, Idle. */
export function fail(fsm: Fsm, lastWords?: Notification): Step {
  return to(attempted(fsm), "Idle", ...stopTimers(fsm), ...leave(fsm, lastWords), { do: "damp", after: "failure" });
}

/** Not counted, as 8.2.2 has it; but unlike 8.2.2 damped: only damping ever leaves Idle again. */
export function otherVersion(fsm: Fsm): Step {
  return to(fsm, "Idle", ...stopTimers(fsm), DROP, { do: "damp", after: "failure" });
}

/** The other connection of a collision is kept. That is no oscillation, so the optional damping is not performed. */
export function yields(fsm: Fsm, lastWords?: Notification): Step {
  return to(attempted(fsm), "Idle", ...stopTimers(fsm), ...leave(fsm, lastWords));
}

/** The operator's stop: no damping, and it stays Idle. */
export function stopped(fsm: Fsm, farewell?: Notification): Step {
  return to({ ...fsm, connectRetryCounter: 0 }, "Idle", ...stopTimers(fsm), ...leave(fsm, farewell));
}

function leave(fsm: Fsm, lastWords: Notification | undefined): Action[] {
  return [
    ...(lastWords === undefined ? [] : [{ do: "send-notification", notification: lastWords } as const]),
    DROP,
    ...(fsm.state === "Established" ? [{ do: "session-down" } as const] : []),
  ];
}

function attempted(fsm: Fsm): Fsm {
  return { ...fsm, connectRetryCounter: fsm.connectRetryCounter + 1 };
}

/** Those that can run in this state. */
export function stopTimers(fsm: Fsm): Action[] {
  return TIMERS_OF[fsm.state].map((timer) => ({ do: "stop-timer", timer }));
}

/** Which timers may run in which state. */
export const TIMERS_OF: Readonly<Record<State, readonly TimerName[]>> = {
  Idle: [],
  Connect: ["ConnectRetry"],
  Active: ["ConnectRetry"],
  OpenSent: ["Hold"],
  OpenConfirm: ["Hold", "Keepalive"],
  Established: ["Hold", "Keepalive"],
};

/** Unlike 8.2.2 a passive machine never runs it: in Active it would expire into a connection that we open. */
export function startConnectRetry({ settings }: Fsm): Action[] {
  return settings.passive ? [] : [{ do: "start-timer", timer: "ConnectRetry", ms: settings.connectRetryMs }];
}

/** "If the negotiated hold time value is zero, then the HoldTimer and KeepaliveTimer are not started." */
export function startSessionTimers(agreed: Negotiated): Action[] {
  return agreed.holdMs === 0 ? [{ do: "stop-timer", timer: "Hold" }] : [...startHold(agreed), ...startKeepalive(agreed)];
}

export function startHold({ holdMs }: Negotiated): Action[] {
  return holdMs === 0 ? [] : [{ do: "start-timer", timer: "Hold", ms: holdMs }];
}

export function startKeepalive({ holdMs, keepaliveMs }: Negotiated): Action[] {
  return holdMs === 0 ? [] : [{ do: "start-timer", timer: "Keepalive", ms: keepaliveMs }];
}
