/**
 * The BGP Finite State Machine: RFC 4271 8.2.2, to be read beside it, state by state, event by event. Its events are in event.ts, what
 * several of them have done in transition.ts. Where it departs from the text a comment says "unlike 8.2.2", and why.
 *
 * Pure and total: every state answers every event with the next state and what to do. It never touches a socket, a clock or the log.
 */
import {
  CEASE_SUBCODE,
  FSM_ERROR,
  HOLD_TIMER_EXPIRED,
  type MessageType,
  type Notification,
  SEND_HOLD_TIMER_EXPIRED,
  cease,
  notification,
  typeCode,
} from "../wire/index.ts";
import type { Event } from "./event.ts";
import {
  CONNECT,
  type Confirmed,
  DROP,
  type Fsm,
  SEND_KEEPALIVE,
  type Step,
  begin,
  confirmed,
  connected,
  fail,
  otherVersion,
  startConnectRetry,
  startHold,
  startKeepalive,
  startSessionTimers,
  stay,
  stopTimers,
  stopped,
  to,
  unreachable,
  yields,
} from "./transition.ts";

const COLLISION = cease(CEASE_SUBCODE.COLLISION);

// Subcodes of an FSM error (RFC 6608 3)
const IN_OPEN_SENT = 1;
const IN_OPEN_CONFIRM = 2;
const IN_ESTABLISHED = 3;

/** One step of the machine. Total: every state answers every event. */
export function step(fsm: Fsm, event: Event): Step {
  switch (fsm.state) {
    case "Idle":
      return idle(fsm, event);
    case "Connect":
      return connect(fsm, event);
    case "Active":
      return active(fsm, event);
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
    case "ManualStart": // 1, 4
      return begin({ ...fsm, connectRetryCounter: 0 });
    case "IdleHoldTimer_Expires": // 13
      return begin(fsm);
    case "Tcp_CR_Acked": // 16
    case "TcpConnectionConfirmed": // 17
      return stay(fsm, DROP);
    default: // 2, 8–11, 18–29
      return stay(fsm);
  }
}

/** "In this state, BGP FSM is waiting for the TCP connection to be completed." */
function connect(fsm: Fsm, event: Event): Step {
  switch (event.type) {
    case "ManualStart": // 1, 4
      return stay(fsm);
    case "ManualStop": // 2
      return stopped(fsm);
    case "ConnectRetryTimer_Expires": // 9
      return to(fsm, "Connect", DROP, ...startConnectRetry(fsm), CONNECT);
    case "Tcp_CR_Acked": // 16
    case "TcpConnectionConfirmed": // 17
      return connected(fsm);
    case "TcpConnectionFails": // 18; unlike 8.2.2 it is counted and damped, as in Active: only damping ever leaves Idle again
      return unreachable(fsm);
    case "OpenCollisionDump": // 23
      return yields(fsm);
    default: // 8, 10–11, 13, 19, 21–22, 24–29
      return fail(fsm);
  }
}

/** "In this state, BGP FSM is trying to acquire a peer by listening for, and accepting, a TCP connection." */
function active(fsm: Fsm, event: Event): Step {
  switch (event.type) {
    case "ManualStart": // 1, 4
      return stay(fsm);
    case "ManualStop": // 2
      return stopped(fsm);
    case "ConnectRetryTimer_Expires": // 9
      return to(fsm, "Connect", ...startConnectRetry(fsm), CONNECT);
    case "Tcp_CR_Acked": // 16
    case "TcpConnectionConfirmed": // 17
      return connected(fsm);
    case "TcpConnectionFails": // 18; unlike 8.2.2 the ConnectRetryTimer stops, for Idle ignores it
      return unreachable(fsm);
    case "OpenCollisionDump": // 23
      return yields(fsm);
    default: // 8, 10–11, 13, 19, 21–22, 24–29
      return fail(fsm);
  }
}

/** "In this state, BGP FSM waits for an OPEN message from its peer." */
function openSent(fsm: Fsm, event: Event): Step {
  switch (event.type) {
    case "ManualStart": // 1, 4
      return stay(fsm);
    case "ManualStop": // 2
      return stopped(fsm, event.farewell);
    case "AutomaticStop": // 8
      return fail(fsm, event.farewell);
    case "HoldTimer_Expires": // 10
      return fail(fsm, notification(HOLD_TIMER_EXPIRED, 0));
    case "Tcp_CR_Acked": // 16
    case "TcpConnectionConfirmed": // 17
      return stay(fsm); // the second connection has a machine of its own
    case "TcpConnectionFails": // 18
      return to(fsm, "Active", ...stopTimers(fsm), DROP, ...startConnectRetry(fsm));
    case "BGPOpen": // 19
      return confirmed(fsm, "OpenConfirm", event.agreed, SEND_KEEPALIVE, ...startSessionTimers(event.agreed));
    case "BGPHeaderErr": // 21
    case "BGPOpenMsgErr": // 22
      return fail(fsm, event.answer);
    case "OpenCollisionDump": // 23
      return yields(fsm, COLLISION);
    case "NotifMsgVerErr": // 24
      return otherVersion(fsm);
    case "NotifMsg": // 25; unlike 8.2.2 without an FSM error: a NOTIFICATION is the last message of a connection (4.5) and is never answered (6.4)
      return fail(fsm);
    case "KeepAliveMsg": // 26
    case "UpdateMsg": // 27
    case "UpdateMsgErr": // 28
    case "RouteRefreshMsg":
    case "RouteRefreshMsgErr":
    case "UnexpectedMsg":
      return fail(fsm, unexpected(IN_OPEN_SENT, event));
    case "ConnectRetryTimer_Expires": // 9
    case "KeepaliveTimer_Expires": // 11
    case "IdleHoldTimer_Expires": // 13
    case "SendHoldTimer_Expires": // 29
      return fail(fsm, notification(FSM_ERROR, 0));
  }
}

/** "In this state, BGP waits for a KEEPALIVE or NOTIFICATION message." */
function openConfirm(fsm: Confirmed, event: Event): Step {
  switch (event.type) {
    case "ManualStart": // 1, 4
      return stay(fsm);
    case "ManualStop": // 2
      return stopped(fsm, event.farewell);
    case "AutomaticStop": // 8
      return fail(fsm, event.farewell);
    case "HoldTimer_Expires": // 10
      return fail(fsm, notification(HOLD_TIMER_EXPIRED, 0));
    case "KeepaliveTimer_Expires": // 11
      return stay(fsm, SEND_KEEPALIVE, ...startKeepalive(fsm.agreed));
    case "Tcp_CR_Acked": // 16
    case "TcpConnectionConfirmed": // 17
      return stay(fsm); // the second connection has a machine of its own
    case "TcpConnectionFails": // 18
    case "NotifMsg": // 25
      return fail(fsm);
    case "NotifMsgVerErr": // 24
      return otherVersion(fsm);
    case "BGPHeaderErr": // 21
    case "BGPOpenMsgErr": // 22
      return fail(fsm, event.answer);
    case "OpenCollisionDump": // 23
      return yields(fsm, COLLISION);
    case "KeepAliveMsg": // 26
      return confirmed(fsm, "Established", fsm.agreed, ...startHold(fsm.agreed), { do: "session-up", agreed: fsm.agreed });
    case "BGPOpen": // 19; unlike 8.2.2: what may collide is the OPEN of another connection, and a second one on this connection is none
    case "UpdateMsg": // 27
    case "UpdateMsgErr": // 28
    case "RouteRefreshMsg":
    case "RouteRefreshMsgErr":
    case "UnexpectedMsg":
      return fail(fsm, unexpected(IN_OPEN_CONFIRM, event));
    case "ConnectRetryTimer_Expires": // 9
    case "IdleHoldTimer_Expires": // 13
    case "SendHoldTimer_Expires": // 29
      return fail(fsm, notification(FSM_ERROR, 0));
  }
}

/** "In the Established state, the BGP FSM can exchange UPDATE, NOTIFICATION, and KEEPALIVE messages with its peer." */
function established(fsm: Confirmed, event: Event): Step {
  switch (event.type) {
    case "ManualStart": // 1, 4
      return stay(fsm);
    case "ManualStop": // 2
      return stopped(fsm, event.farewell);
    case "AutomaticStop": // 8
      return fail(fsm, event.farewell);
    case "HoldTimer_Expires": // 10
      return fail(fsm, notification(HOLD_TIMER_EXPIRED, 0));
    case "KeepaliveTimer_Expires": // 11; that UPDATEs restart it too is in session.ts
      return stay(fsm, SEND_KEEPALIVE, ...startKeepalive(fsm.agreed));
    case "Tcp_CR_Acked": // 16
    case "TcpConnectionConfirmed": // 17
      return stay(fsm); // the second connection has a machine of its own
    case "OpenCollisionDump": // 23
      return yields(fsm, COLLISION);
    case "TcpConnectionFails": // 18
    case "NotifMsgVerErr": // 24
    case "NotifMsg": // 25
      return fail(fsm); // unlike 8.2.2 it is damped: only damping ever leaves Idle again
    case "KeepAliveMsg": // 26
      return stay(fsm, ...startHold(fsm.agreed));
    case "UpdateMsg": // 27
      return stay(fsm, { do: "take-routes", update: event.update }, ...startHold(fsm.agreed));
    case "UpdateMsgErr": // 28
    case "RouteRefreshMsgErr":
      return fail(fsm, event.answer);
    case "RouteRefreshMsg":
      return stay(fsm, { do: "refresh", refresh: event.refresh }); // 6.5: only KEEPALIVE and UPDATE show that the peer lives
    case "BGPHeaderErr": // 21; unlike 8.2.2, which has an FSM error: 6.1 says that a header error MUST be indicated as one
      return fail(fsm, event.answer);
    case "BGPOpen": // 19; 8.2.2 says nothing of it unless sessions that are up may collide
    case "BGPOpenMsgErr": // 22
    case "UnexpectedMsg":
      return fail(fsm, unexpected(IN_ESTABLISHED, event));
    case "SendHoldTimer_Expires": // 29
      return fail(fsm, notification(SEND_HOLD_TIMER_EXPIRED, 0));
    case "ConnectRetryTimer_Expires": // 9
    case "IdleHoldTimer_Expires": // 13
      return fail(fsm, notification(FSM_ERROR, 0));
  }
}

/** RFC 6608 4: the state and, as data, the type of the message. */
function unexpected(subcode: number, event: Event): Notification {
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
