/**
 * The BGP Finite State Machine: RFC 4271 8.2.2, to be read beside it. Events and states have its names.
 *
 * Pure and total: every state answers every event with the next state and what to do. It never touches a socket, a clock or
 * the log. Of the optional attributes it has PassiveTcpEstablishment and DampPeerOscillations; no DelayOpen, so that
 * events 12 and 20 do not exist. Events beyond RFC 4271: ROUTE-REFRESH (RFC 2918, 7313) and the SendHoldTimer (RFC 9687).
 */
import {
  CEASE_SUBCODE,
  FSM_ERROR,
  HOLD_TIMER_EXPIRED,
  type MessageType,
  type Notification,
  type RouteRefresh,
  SEND_HOLD_TIMER_EXPIRED,
  type Update,
  cease,
  notification,
  typeCode,
} from "../wire/index.ts";
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
  /** PassiveTcpEstablishment: listens only, and never runs the ConnectRetryTimer. */
  readonly passive: boolean;
};

export type Event =
  // Administrative (8.1.2)
  | { readonly type: "ManualStart" } // 1, or 4 if the settings say passive
  /** 2. Without a farewell: the peer is to keep our routes (RFC 4724 4.1), or has restarted and forgotten the connection (4.2). */
  | { readonly type: "ManualStop"; readonly farewell: Notification | undefined }
  | { readonly type: "AutomaticStop"; readonly farewell: Notification } // 8
  // Timers (8.1.3)
  | { readonly type: "ConnectRetryTimer_Expires" } // 9
  | { readonly type: "HoldTimer_Expires" } // 10
  | { readonly type: "KeepaliveTimer_Expires" } // 11
  | { readonly type: "IdleHoldTimer_Expires" } // 13
  | { readonly type: "SendHoldTimer_Expires" } // RFC 9687
  // TCP (8.1.4)
  | { readonly type: "Tcp_CR_Acked" } // 16
  | { readonly type: "TcpConnectionConfirmed" } // 17
  | { readonly type: "TcpConnectionFails" } // 18
  // Messages (8.1.5)
  | { readonly type: "BGPOpen"; readonly agreed: Negotiated } // 19
  | { readonly type: "BGPHeaderErr"; readonly answer: Notification } // 21
  | { readonly type: "BGPOpenMsgErr"; readonly answer: Notification } // 22
  | { readonly type: "OpenCollisionDump" } // 23
  | { readonly type: "NotifMsgVerErr" } // 24
  | { readonly type: "NotifMsg" } // 25
  | { readonly type: "KeepAliveMsg" } // 26
  | { readonly type: "UpdateMsg"; readonly update: Update } // 27
  | { readonly type: "UpdateMsgErr"; readonly answer: Notification } // 28
  | { readonly type: "RouteRefreshMsg"; readonly refresh: RouteRefresh } // RFC 2918
  | { readonly type: "RouteRefreshMsgErr"; readonly answer: Notification } // RFC 7313 5
  /** A message that its state does not expect, whatever is in it (RFC 6608). */
  | { readonly type: "UnexpectedMsg"; readonly message: MessageType };

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

const OPEN_SENT_HOLD_MS = 240_000; // "a HoldTimer value of 4 minutes is suggested"

const CONNECT: Action = { do: "connect" };
const DROP: Action = { do: "drop" };
const SEND_OPEN: Action = { do: "send-open" };
const SEND_KEEPALIVE: Action = { do: "send-keepalive" };

export function newFsm(settings: FsmSettings): Fsm {
  return { settings, connectRetryCounter: 0, state: "Idle" };
}

/** One step of the machine. Total: every state answers every event. */
export function step(fsm: Fsm, event: Event): Step {
  switch (fsm.state) {
    case "Idle":
      return idle(fsm, event);
    case "Connect":
    case "Active":
      return connecting(fsm, event);
    case "OpenSent":
      return openSent(fsm, event);
    case "OpenConfirm":
      return openConfirm(fsm, event);
    case "Established":
      return established(fsm, event);
  }
}

/** "In this state, BGP FSM refuses all incoming BGP connections for this peer." */
function idle(fsm: Fsm, event: Event): Step {
  switch (event.type) {
    case "ManualStart":
      return begin({ ...fsm, connectRetryCounter: 0 });
    case "IdleHoldTimer_Expires":
      return begin(fsm);
    case "Tcp_CR_Acked":
    case "TcpConnectionConfirmed":
      return stay(fsm, DROP);
    default:
      return stay(fsm);
  }
}

function begin(fsm: Fsm): Step {
  return fsm.settings.passive ? to(fsm, "Active") : to(fsm, "Connect", ...startConnectRetry(fsm), CONNECT);
}

/** Connect waits for the connection that we open, Active for one that the peer opens. What they do is the same but for two events. */
function connecting(fsm: Fsm, event: Event): Step {
  switch (event.type) {
    case "ManualStart":
      return stay(fsm);
    case "ManualStop":
      return to({ ...fsm, connectRetryCounter: 0 }, "Idle", ...stopTimers(fsm), DROP);
    case "ConnectRetryTimer_Expires":
      return to(fsm, "Connect", DROP, ...startConnectRetry(fsm), CONNECT);
    case "Tcp_CR_Acked":
    case "TcpConnectionConfirmed":
      return to(fsm, "OpenSent", ...stopTimers(fsm), SEND_OPEN, { do: "start-timer", timer: "Hold", ms: OPEN_SENT_HOLD_MS });
    case "TcpConnectionFails":
      // 8.2.2 counts and damps in Active alone, but only damping ever leaves Idle again.
      return to(attempted(fsm), "Idle", ...stopTimers(fsm), DROP, { do: "damp", after: "no-connection" });
    case "OpenCollisionDump":
      return to(attempted(fsm), "Idle", ...stopTimers(fsm), DROP);
    default:
      return fail(fsm);
  }
}

function openSent(fsm: Fsm, event: Event): Step {
  switch (event.type) {
    case "ManualStart":
      return stay(fsm);
    case "ManualStop":
      return stopped(fsm, event.farewell);
    case "AutomaticStop":
      return fail(fsm, event.farewell);
    case "HoldTimer_Expires":
      return fail(fsm, notification(HOLD_TIMER_EXPIRED, 0));
    case "TcpConnectionFails":
      return to(fsm, "Active", ...stopTimers(fsm), DROP, ...startConnectRetry(fsm));
    case "BGPOpen":
      return confirmed(fsm, "OpenConfirm", event.agreed, SEND_KEEPALIVE, ...startSessionTimers(event.agreed));
    case "BGPHeaderErr":
    case "BGPOpenMsgErr":
      return fail(fsm, event.answer);
    case "OpenCollisionDump":
      return yieldTo(fsm);
    case "NotifMsgVerErr":
      return refused(fsm);
    case "NotifMsg":
      // 8.2.2 answers event 25 with an FSM error here. But a NOTIFICATION is the last message of a connection (4.5) and no
      // error is ever reported back for one (6.4), so nobody does that.
      return fail(fsm);
    case "Tcp_CR_Acked":
    case "TcpConnectionConfirmed":
      return stay(fsm); // the second connection has a machine of its own
    case "UnexpectedMsg":
    case "KeepAliveMsg":
    case "UpdateMsg":
    case "UpdateMsgErr":
    case "RouteRefreshMsg":
    case "RouteRefreshMsgErr":
      return fail(fsm, unexpected(1, event));
    case "ConnectRetryTimer_Expires":
    case "KeepaliveTimer_Expires":
    case "IdleHoldTimer_Expires":
    case "SendHoldTimer_Expires":
      return fail(fsm, notification(FSM_ERROR, 0));
  }
}

function openConfirm(fsm: Confirmed, event: Event): Step {
  switch (event.type) {
    case "ManualStart":
      return stay(fsm);
    case "ManualStop":
      return stopped(fsm, event.farewell);
    case "AutomaticStop":
      return fail(fsm, event.farewell);
    case "HoldTimer_Expires":
      return fail(fsm, notification(HOLD_TIMER_EXPIRED, 0));
    case "KeepaliveTimer_Expires":
      return stay(fsm, SEND_KEEPALIVE, ...startKeepalive(fsm.agreed));
    case "Tcp_CR_Acked":
    case "TcpConnectionConfirmed":
      return stay(fsm); // the second connection has a machine of its own
    case "NotifMsgVerErr":
      return refused(fsm);
    case "TcpConnectionFails":
    case "NotifMsg":
      return fail(fsm);
    case "BGPHeaderErr":
    case "BGPOpenMsgErr":
      return fail(fsm, event.answer);
    case "OpenCollisionDump":
      return yieldTo(fsm);
    case "KeepAliveMsg":
      return confirmed(fsm, "Established", fsm.agreed, ...startHold(fsm.agreed), { do: "session-up", agreed: fsm.agreed });
    case "BGPOpen": // a second one on this connection; of 8.2.2 it is an OPEN on the other one that may collide
    case "UnexpectedMsg":
    case "UpdateMsg":
    case "UpdateMsgErr":
    case "RouteRefreshMsg":
    case "RouteRefreshMsgErr":
      return fail(fsm, unexpected(2, event));
    case "ConnectRetryTimer_Expires":
    case "IdleHoldTimer_Expires":
    case "SendHoldTimer_Expires":
      return fail(fsm, notification(FSM_ERROR, 0));
  }
}

function established(fsm: Confirmed, event: Event): Step {
  switch (event.type) {
    case "ManualStart":
      return stay(fsm);
    case "ManualStop":
      return stopped(fsm, event.farewell);
    case "AutomaticStop":
      return fail(fsm, event.farewell);
    case "HoldTimer_Expires":
      return fail(fsm, notification(HOLD_TIMER_EXPIRED, 0));
    case "SendHoldTimer_Expires":
      return fail(fsm, notification(SEND_HOLD_TIMER_EXPIRED, 0));
    case "KeepaliveTimer_Expires":
      return stay(fsm, SEND_KEEPALIVE, ...startKeepalive(fsm.agreed));
    case "Tcp_CR_Acked":
    case "TcpConnectionConfirmed":
      return stay(fsm); // the second connection has a machine of its own
    case "OpenCollisionDump":
      return yieldTo(fsm);
    case "TcpConnectionFails":
    case "NotifMsgVerErr":
    case "NotifMsg":
      return fail(fsm);
    case "KeepAliveMsg":
      return stay(fsm, ...startHold(fsm.agreed));
    case "UpdateMsg":
      return stay(fsm, { do: "take-routes", update: event.update }, ...startHold(fsm.agreed));
    case "RouteRefreshMsg":
      return stay(fsm, { do: "refresh", refresh: event.refresh }); // 6.5: only KEEPALIVE and UPDATE show that the peer lives
    case "UpdateMsgErr":
    case "RouteRefreshMsgErr":
      return fail(fsm, event.answer);
    case "BGPHeaderErr":
      // 8.2.2 counts event 21 among the FSM errors here; 6.1 says that a header error MUST be indicated as one.
      return fail(fsm, event.answer);
    case "BGPOpen":
    case "BGPOpenMsgErr":
    case "UnexpectedMsg":
      return fail(fsm, unexpected(3, event));
    case "ConnectRetryTimer_Expires":
    case "IdleHoldTimer_Expires":
      return fail(fsm, notification(FSM_ERROR, 0));
  }
}

type Confirmed = Extract<Fsm, { readonly agreed: Negotiated }>;
type Unconfirmed = Exclude<State, Confirmed["state"]>;

function stay(fsm: Fsm, ...actions: readonly Action[]): Step {
  return { fsm, actions };
}

function to({ settings, connectRetryCounter }: Fsm, state: Unconfirmed, ...actions: readonly Action[]): Step {
  return { fsm: { settings, connectRetryCounter, state }, actions };
}

function confirmed({ settings, connectRetryCounter }: Fsm, state: Confirmed["state"], agreed: Negotiated, ...actions: readonly Action[]): Step {
  return { fsm: { settings, connectRetryCounter, state, agreed }, actions };
}

/** What every failure has in common: last words, the connection is dropped, damping, Idle. */
function fail(fsm: Fsm, lastWords?: Notification): Step {
  return to(attempted(fsm), "Idle", ...stopTimers(fsm), ...leave(fsm, lastWords), { do: "damp", after: "failure" });
}

/** Event 24: the peer speaks another version. 8.2.2 neither counts it nor damps, but only damping ever leaves Idle again. */
function refused(fsm: Fsm): Step {
  return to(fsm, "Idle", ...stopTimers(fsm), DROP, { do: "damp", after: "failure" });
}

/** The other connection of a collision is kept; that is no oscillation, so the optional damping is not performed. */
function yieldTo(fsm: Fsm): Step {
  return to(attempted(fsm), "Idle", ...stopTimers(fsm), ...leave(fsm, cease(CEASE_SUBCODE.COLLISION)));
}

/** The operator's stop: no damping, and it stays Idle. */
function stopped(fsm: Fsm, farewell: Notification | undefined): Step {
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

/** RFC 6608 4: the state and, as data, the type of the message. */
function unexpected(subcode: 1 | 2 | 3, event: Event): Notification {
  return notification(FSM_ERROR, subcode, Uint8Array.of(typeCode(messageOf(event))));
}

function messageOf(event: Event): MessageType {
  switch (event.type) {
    case "UnexpectedMsg":
      return event.message;
    case "KeepAliveMsg":
      return "KEEPALIVE";
    case "UpdateMsg":
    case "UpdateMsgErr":
      return "UPDATE";
    case "RouteRefreshMsg":
    case "RouteRefreshMsgErr":
      return "ROUTE-REFRESH";
    default:
      return "OPEN";
  }
}

/** Those that can run in this state. */
function stopTimers(fsm: Fsm): Action[] {
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

function startConnectRetry({ settings }: Fsm): Action[] {
  return settings.passive ? [] : [{ do: "start-timer", timer: "ConnectRetry", ms: settings.connectRetryMs }];
}

/** "If the negotiated hold time value is zero, then the HoldTimer and KeepaliveTimer are not started." */
function startSessionTimers(agreed: Negotiated): Action[] {
  return agreed.holdMs === 0 ? [{ do: "stop-timer", timer: "Hold" }] : [...startHold(agreed), ...startKeepalive(agreed)];
}

function startHold({ holdMs }: Negotiated): Action[] {
  return holdMs === 0 ? [] : [{ do: "start-timer", timer: "Hold", ms: holdMs }];
}

function startKeepalive({ holdMs, keepaliveMs }: Negotiated): Action[] {
  return holdMs === 0 ? [] : [{ do: "start-timer", timer: "Keepalive", ms: keepaliveMs }];
}
