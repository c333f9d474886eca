/** The machine of RFC 4271 8.2.2: the transitions of the text, and what holds for any sequence of events. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Event } from "../../src/bgp/event.ts";
import { step } from "../../src/bgp/fsm.ts";
import type { Negotiated } from "../../src/bgp/negotiated.ts";
import { type Action, type Fsm, type State, TIMERS_OF, newFsm } from "../../src/bgp/transition.ts";
import { cease, notification } from "../../src/wire/index.ts";
import { AGREED } from "./agreed.ts";

const NO_HOLD: Negotiated = { ...AGREED, holdMs: 0, keepaliveMs: 0 };
const FAREWELL = cease(2, "bye");
const ANSWER = notification(2, 2);
const NO_UPDATE = { withdrawn: [], reachable: [], attributes: {}, endOfRib: undefined, problems: [] } as const;

const EVENTS: readonly Event[] = [
  { type: "ManualStart" },
  { type: "ManualStop", farewell: FAREWELL },
  { type: "AutomaticStop", farewell: FAREWELL },
  { type: "ConnectRetryTimer_Expires" },
  { type: "HoldTimer_Expires" },
  { type: "KeepaliveTimer_Expires" },
  { type: "IdleHoldTimer_Expires" },
  { type: "SendHoldTimer_Expires" },
  { type: "Tcp_CR_Acked" },
  { type: "TcpConnectionConfirmed" },
  { type: "TcpConnectionFails" },
  { type: "BGPOpen", agreed: AGREED },
  { type: "BGPOpen", agreed: NO_HOLD },
  { type: "BGPHeaderErr", answer: ANSWER },
  { type: "BGPOpenMsgErr", answer: ANSWER },
  { type: "OpenCollisionDump" },
  { type: "NotifMsgVerErr" },
  { type: "NotifMsg" },
  { type: "KeepAliveMsg" },
  { type: "UpdateMsg", update: NO_UPDATE },
  { type: "UpdateMsgErr", answer: ANSWER },
  { type: "RouteRefreshMsg", refresh: { afi: 1, safi: 1, subtype: "request" } },
  { type: "RouteRefreshMsgErr", answer: ANSWER },
  { type: "UnexpectedMsg", message: "UPDATE" },
];

/** The path of events that leads to each state. */
const PATHS: Readonly<Record<State, readonly Event["type"][]>> = {
  Idle: [],
  Connect: ["ManualStart"],
  Active: ["ManualStart", "Tcp_CR_Acked", "TcpConnectionFails"],
  OpenSent: ["ManualStart", "Tcp_CR_Acked"],
  OpenConfirm: ["ManualStart", "Tcp_CR_Acked", "BGPOpen"],
  Established: ["ManualStart", "Tcp_CR_Acked", "BGPOpen", "KeepAliveMsg"],
};

function event(type: Event["type"]): Event {
  const found = EVENTS.find((one) => one.type === type);
  assert.ok(found !== undefined);
  return found;
}

function inState(state: State): Fsm {
  const fsm = PATHS[state].reduce((before, type) => step(before, event(type)).fsm, newFsm({ connectRetryMs: 5000, passive: false }));
  assert.equal(fsm.state, state);
  return fsm;
}

/** Actions in short: "send-open", "start Hold 240000", "send 6/7". */
function short(action: Action): string {
  switch (action.do) {
    case "start-timer":
      return `start ${action.timer} ${action.ms}`;
    case "stop-timer":
      return `stop ${action.timer}`;
    case "send-notification":
      return `send ${action.notification.code}/${action.notification.subcode}`;
    case "damp":
      return `damp ${action.after}`;
    default:
      return action.do;
  }
}

const FAILED = ["drop", "damp failure"];
const DOWN = ["drop", "session-down", "damp failure"];
const LIVE = ["stop Hold", "stop Keepalive"];

for (const [state, type, next, actions] of [
  ["Idle", "ManualStart", "Connect", ["start ConnectRetry 5000", "connect"]],
  ["Idle", "IdleHoldTimer_Expires", "Connect", ["start ConnectRetry 5000", "connect"]],
  ["Idle", "ManualStop", "Idle", []],
  ["Idle", "TcpConnectionConfirmed", "Idle", ["drop"]],
  ["Connect", "ManualStart", "Connect", []],
  ["Connect", "ManualStop", "Idle", ["stop ConnectRetry", "drop"]],
  ["Connect", "ConnectRetryTimer_Expires", "Connect", ["drop", "start ConnectRetry 5000", "connect"]],
  ["Connect", "Tcp_CR_Acked", "OpenSent", ["stop ConnectRetry", "send-open", "start Hold 240000"]],
  ["Connect", "TcpConnectionFails", "Idle", ["stop ConnectRetry", "drop", "damp no-connection"]],
  ["Connect", "OpenCollisionDump", "Idle", ["stop ConnectRetry", "drop"]],
  ["Active", "ConnectRetryTimer_Expires", "Connect", ["start ConnectRetry 5000", "connect"]],
  ["Active", "TcpConnectionConfirmed", "OpenSent", ["stop ConnectRetry", "send-open", "start Hold 240000"]],
  ["Active", "HoldTimer_Expires", "Idle", ["stop ConnectRetry", ...FAILED]],
  ["OpenSent", "BGPOpen", "OpenConfirm", ["send-keepalive", "start Hold 90000", "start Keepalive 30000"]],
  ["OpenSent", "BGPOpenMsgErr", "Idle", ["stop Hold", "send 2/2", ...FAILED]],
  ["OpenSent", "BGPHeaderErr", "Idle", ["stop Hold", "send 2/2", ...FAILED]],
  ["OpenSent", "ManualStop", "Idle", ["stop Hold", "send 6/2", "drop"]],
  ["OpenSent", "AutomaticStop", "Idle", ["stop Hold", "send 6/2", ...FAILED]],
  ["OpenSent", "HoldTimer_Expires", "Idle", ["stop Hold", "send 4/0", ...FAILED]],
  ["OpenSent", "TcpConnectionFails", "Active", ["stop Hold", "drop", "start ConnectRetry 5000"]],
  ["OpenSent", "OpenCollisionDump", "Idle", ["stop Hold", "send 6/7", "drop"]],
  ["OpenSent", "NotifMsg", "Idle", ["stop Hold", ...FAILED]],
  ["OpenSent", "NotifMsgVerErr", "Idle", ["stop Hold", ...FAILED]],
  ["Connect", "IdleHoldTimer_Expires", "Idle", ["stop ConnectRetry", ...FAILED]],
  ["Active", "IdleHoldTimer_Expires", "Idle", ["stop ConnectRetry", ...FAILED]],
  ["OpenSent", "IdleHoldTimer_Expires", "Idle", ["stop Hold", "send 5/0", ...FAILED]],
  ["OpenConfirm", "IdleHoldTimer_Expires", "Idle", [...LIVE, "send 5/0", ...FAILED]],
  ["Established", "IdleHoldTimer_Expires", "Idle", [...LIVE, "send 5/0", ...DOWN]],
  ["OpenSent", "KeepAliveMsg", "Idle", ["stop Hold", "send 5/1", ...FAILED]],
  ["OpenSent", "UnexpectedMsg", "Idle", ["stop Hold", "send 5/1", ...FAILED]],
  ["OpenSent", "ConnectRetryTimer_Expires", "Idle", ["stop Hold", "send 5/0", ...FAILED]],
  ["OpenConfirm", "KeepAliveMsg", "Established", ["start Hold 90000", "session-up"]],
  ["OpenConfirm", "KeepaliveTimer_Expires", "OpenConfirm", ["send-keepalive", "start Keepalive 30000"]],
  ["OpenConfirm", "HoldTimer_Expires", "Idle", [...LIVE, "send 4/0", ...FAILED]],
  ["OpenConfirm", "UpdateMsg", "Idle", [...LIVE, "send 5/2", ...FAILED]],
  ["OpenConfirm", "BGPOpen", "Idle", [...LIVE, "send 5/2", ...FAILED]],
  ["OpenConfirm", "TcpConnectionFails", "Idle", [...LIVE, ...FAILED]],
  ["OpenConfirm", "NotifMsg", "Idle", [...LIVE, ...FAILED]],
  ["OpenConfirm", "OpenCollisionDump", "Idle", [...LIVE, "send 6/7", "drop"]],
  ["Established", "KeepAliveMsg", "Established", ["start Hold 90000"]],
  ["Established", "UpdateMsg", "Established", ["take-routes", "start Hold 90000"]],
  ["Established", "RouteRefreshMsg", "Established", ["refresh"]],
  ["Established", "KeepaliveTimer_Expires", "Established", ["send-keepalive", "start Keepalive 30000"]],
  ["Established", "HoldTimer_Expires", "Idle", [...LIVE, "send 4/0", ...DOWN]],
  ["Established", "SendHoldTimer_Expires", "Idle", [...LIVE, "send 8/0", ...DOWN]],
  ["Established", "UpdateMsgErr", "Idle", [...LIVE, "send 2/2", ...DOWN]],
  ["Established", "BGPHeaderErr", "Idle", [...LIVE, "send 2/2", ...DOWN]],
  ["Established", "RouteRefreshMsgErr", "Idle", [...LIVE, "send 2/2", ...DOWN]],
  ["Established", "BGPOpen", "Idle", [...LIVE, "send 5/3", ...DOWN]],
  ["Established", "NotifMsg", "Idle", [...LIVE, ...DOWN]],
  ["Established", "TcpConnectionFails", "Idle", [...LIVE, ...DOWN]],
  ["Established", "ManualStop", "Idle", [...LIVE, "send 6/2", "drop", "session-down"]],
  ["Established", "AutomaticStop", "Idle", [...LIVE, "send 6/2", ...DOWN]],
  ["Established", "TcpConnectionConfirmed", "Established", []],
] as const) {
  test(`${state}, ${type}: ${next}${actions.length === 0 ? "" : `, ${actions.join(", ")}`}`, () => {
    const { fsm, actions: done } = step(inState(state), event(type));
    assert.equal(fsm.state, next);
    assert.deepEqual(done.map(short), actions);
  });
}

test("an unexpected message is named in the data of the FSM error (RFC 6608)", () => {
  for (const [state, type, data] of [
    ["OpenSent", "KeepAliveMsg", 4],
    ["OpenConfirm", "RouteRefreshMsg", 5],
    ["OpenConfirm", "UpdateMsgErr", 2],
    ["Established", "BGPOpenMsgErr", 1],
  ] as const) {
    const sent = step(inState(state), event(type)).actions.find((action) => action.do === "send-notification");
    assert.deepEqual([...(sent?.notification.data ?? [])], [data]);
  }
});

test("with a negotiated hold time of zero neither timer runs", () => {
  const { fsm, actions } = step(inState("OpenSent"), { type: "BGPOpen", agreed: NO_HOLD });
  assert.deepEqual(actions.map(short), ["send-keepalive", "stop Hold"]);
  assert.deepEqual(step(fsm, event("KeepAliveMsg")).actions.map(short), ["session-up"]);
});

test("a passive peer listens and never dials", () => {
  const passive = step(newFsm({ connectRetryMs: 5000, passive: true }), event("ManualStart"));
  assert.equal(passive.fsm.state, "Active");
  assert.deepEqual(passive.actions, []);
  const lost = step(step(passive.fsm, event("TcpConnectionConfirmed")).fsm, event("TcpConnectionFails"));
  assert.equal(lost.fsm.state, "Active");
  assert.deepEqual(lost.actions.map(short), ["stop Hold", "drop"]);
});

test("ConnectRetryCounter does not count a peer of another version", () => {
  for (const state of ["OpenSent", "OpenConfirm"] as const) assert.equal(step(inState(state), event("NotifMsgVerErr")).fsm.connectRetryCounter, 0);
  assert.equal(step(inState("Established"), event("NotifMsgVerErr")).fsm.connectRetryCounter, 1);
});

test("ConnectRetryCounter counts failures and is reset by the operator", () => {
  let fsm = inState("Connect");
  for (let failures = 1; failures < 4; failures++) {
    fsm = step(fsm, event("TcpConnectionFails")).fsm;
    assert.equal(fsm.connectRetryCounter, failures);
    fsm = step(fsm, event("IdleHoldTimer_Expires")).fsm;
  }
  assert.equal(step(fsm, event("ManualStop")).fsm.connectRetryCounter, 0);
});

test("stopped without a farewell, a session ends without a NOTIFICATION (RFC 4724 4.1, 4.2)", () => {
  for (const state of ["Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"] as const) {
    const { fsm, actions } = step(inState(state), { type: "ManualStop", farewell: undefined });
    assert.equal(fsm.state, "Idle");
    assert.ok(!actions.some((action) => action.do === "send-notification"));
    assert.equal(actions.some((action) => action.do === "drop"), state !== "Idle");
  }
});

/** What a shell would see: it complains of every action that makes no sense. */
class Shell {
  timers = new Set<string>();
  connected = false;
  dialling = false;
  opens = 0;
  up = false;
  saidGoodbye = false;
  mayRestart = false;

  perform(action: Action): void {
    switch (action.do) {
      case "connect":
        assert.ok(!this.connected && !this.dialling, "a second attempt beside the first");
        this.dialling = true;
        return;
      case "drop":
        this.connected = this.dialling = this.saidGoodbye = false;
        this.opens = 0;
        return;
      case "send-open":
        this.#sends();
        assert.equal(++this.opens, 1, "two OPENs on one connection");
        return;
      case "send-keepalive":
        this.#sends();
        assert.equal(this.opens, 1, "a KEEPALIVE before OPEN");
        return;
      case "send-notification":
        this.#sends();
        assert.equal(this.opens, 1, "a NOTIFICATION before OPEN");
        this.saidGoodbye = true;
        return;
      case "start-timer":
        assert.ok(action.ms > 0);
        this.timers.add(action.timer);
        return;
      case "stop-timer":
        this.timers.delete(action.timer);
        return;
      case "damp":
        this.mayRestart = true;
        return;
      case "session-up":
        assert.ok(!this.up, "up twice");
        this.up = true;
        return;
      case "session-down":
        assert.ok(this.up, "down without up");
        this.up = false;
        return;
      case "take-routes":
      case "refresh":
        assert.ok(this.up);
    }
  }

  #sends(): void {
    assert.ok(this.connected, "sends without a connection");
    assert.ok(!this.saidGoodbye, "sends after its NOTIFICATION");
  }
}

test("no sequence of events makes the machine do what makes no sense", () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(fc.constantFrom(...EVENTS), { maxLength: 60, size: "max" }), (passive, events) => {
      let fsm = newFsm({ connectRetryMs: 5000, passive });
      const shell = new Shell();
      for (const next of events) {
        // Events of TCP only happen to those who wait for one; timers fire only if they run.
        if (next.type === "Tcp_CR_Acked" && !shell.dialling) continue;
        if (next.type === "TcpConnectionConfirmed" && (shell.connected || shell.dialling)) continue;
        if (next.type === "TcpConnectionFails" && !shell.dialling && !shell.connected) continue;
        const timer = /^(ConnectRetry|Hold|Keepalive)Timer_Expires$/.exec(next.type)?.[1];
        if (timer !== undefined && !shell.timers.delete(timer)) continue;
        if (isMessage(next) && !shell.connected) continue;
        if (next.type === "Tcp_CR_Acked" || next.type === "TcpConnectionConfirmed") {
          shell.connected = true;
          shell.dialling = false;
        }
        const { fsm: after, actions } = step(fsm, next);
        shell.mayRestart = false;
        actions.forEach((action) => { shell.perform(action); });

        const allowed = new Set<string>(TIMERS_OF[after.state]);
        assert.ok([...shell.timers].every((running) => allowed.has(running)), `${[...shell.timers].join()} in ${after.state}`);
        assert.equal(shell.up, after.state === "Established");
        assert.equal(shell.connected, ["OpenSent", "OpenConfirm", "Established"].includes(after.state));
        if (after.state === "Connect") assert.ok(shell.dialling && shell.timers.has("ConnectRetry"), "nothing will ever happen in Connect");
        if (after.state === "Active" && !passive) assert.ok(shell.timers.has("ConnectRetry"), "nothing will ever happen in Active");
        if (after.state === "Idle" && fsm.state !== "Idle" && next.type !== "ManualStop" && next.type !== "OpenCollisionDump") {
          assert.ok(shell.mayRestart, `${fsm.state} ended in Idle for ever`);
        }
        if (passive) assert.ok(!shell.dialling);
        fsm = after;
      }
    }),
    { numRuns: 2000 },
  );
});

test("every state answers every event", () => {
  for (const state of Object.keys(PATHS) as State[]) for (const one of EVENTS) assert.ok(step(inState(state), one).fsm.state in PATHS);
});

function isMessage({ type }: Event): boolean {
  return type.startsWith("BGP") || type.endsWith("Msg") || type.endsWith("MsgErr") || type.startsWith("Notif");
}
