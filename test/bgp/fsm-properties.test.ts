/** What holds for the machine of RFC 4271 8.2.2 whatever happens to it, in any order, likely or not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Event } from "../../src/bgp/event.ts";
import { step } from "../../src/bgp/fsm.ts";
import { type Negotiated, negotiate, ourOpen } from "../../src/bgp/negotiated.ts";
import { type Action, type Fsm, type State, type TimerName, newFsm } from "../../src/bgp/transition.ts";
import type { Ipv4 } from "../../src/net/index.ts";
import { BgpError, type Capability, type MessageType, cease, notification } from "../../src/wire/index.ts";
import { AGREED } from "./agreed.ts";
import { PEER } from "./world.ts";

const STATES: readonly State[] = ["Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"];
const OPEN_SENT_HOLD_MS = 240_000; // RFC 4271 8.2.2: "a HoldTimer value of 4 minutes is suggested"
const NO_UPDATE = { withdrawn: [], reachable: [], attributes: {}, endOfRib: undefined, problems: [] } as const;

const agreement = fc.constantFrom(0, 3, 9, 90, 65_535).map((seconds): Negotiated => ({ ...AGREED, holdMs: seconds * 1000, keepaliveMs: (seconds * 1000) / 3 }));
const words = fc.tuple(fc.nat(255), fc.nat(255)).map(([code, subcode]) => notification(code, subcode));
const messageType = fc.constantFrom<MessageType>("OPEN", "UPDATE", "NOTIFICATION", "KEEPALIVE", "ROUTE-REFRESH");

const plain = fc.constantFrom<Event>(
  { type: "ManualStart" },
  { type: "ManualStop", farewell: cease(2, "bye") },
  { type: "ManualStop", farewell: undefined },
  { type: "AutomaticStop", farewell: cease(2, "bye") },
  { type: "ConnectRetryTimer_Expires" },
  { type: "HoldTimer_Expires" },
  { type: "KeepaliveTimer_Expires" },
  { type: "IdleHoldTimer_Expires" },
  { type: "SendHoldTimer_Expires" },
  { type: "TcpConnectionFails" },
  { type: "OpenCollisionDump" },
  { type: "NotifMsgVerErr" },
  { type: "NotifMsg" },
  { type: "UpdateMsg", update: NO_UPDATE },
  { type: "RouteRefreshMsg", refresh: { afi: 1, safi: 1, subtype: "request" } },
);
const wrong = fc.tuple(fc.constantFrom("BGPHeaderErr", "BGPOpenMsgErr", "UpdateMsgErr", "RouteRefreshMsgErr"), words).map(([type, answer]): Event => ({ type, answer }));
const upward = fc.oneof(
  fc.constantFrom<Event>({ type: "ManualStart" }, { type: "Tcp_CR_Acked" }, { type: "TcpConnectionConfirmed" }, { type: "KeepAliveMsg" }),
  agreement.map((agreed): Event => ({ type: "BGPOpen", agreed })),
);
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: upward },
  { weight: 3, arbitrary: plain },
  { weight: 1, arbitrary: wrong },
  { weight: 1, arbitrary: messageType.map((message): Event => ({ type: "UnexpectedMsg", message })) },
);
/** A part of the way up, or all of it: one event after the other at random hardly ever gets there. */
const rise = fc.tuple(fc.integer({ min: 1, max: 4 }), agreement).map(([far, agreed]) => {
  const way: readonly Event[] = [{ type: "ManualStart" }, { type: "Tcp_CR_Acked" }, { type: "BGPOpen", agreed }, { type: "KeepAliveMsg" }];
  return way.slice(0, far);
});

type Check = (before: Fsm, event: Event, after: Fsm, actions: readonly Action[]) => void;

/** Calls `check` for every step of the machine through those of the events that can happen where it stands. */
function walk(passive: boolean, events: readonly Event[], check: Check, happens: (fsm: Fsm, event: Event) => boolean = () => true): void {
  let fsm = newFsm({ connectRetryMs: 5000, passive });
  for (const event of events) {
    if (!happens(fsm, event)) continue;
    const { fsm: after, actions } = step(fsm, event);
    check(fsm, event, after, actions);
    fsm = after;
  }
}

// Without a size, fast-check makes no array longer than ten.
const histories = fc.array(fc.oneof({ weight: 1, arbitrary: rise }, { weight: 2, arbitrary: anyEvent.map((event) => [event]) }), { maxLength: 40, size: "max" }).map((parts) => parts.flat());

test("the histories have every event in every state, many times", () => {
  const times = new Map<string, number>();
  for (const events of fc.sample(histories, { numRuns: 3000, seed: 1 })) {
    for (const passive of [false, true]) {
      walk(passive, events, ({ state }, { type }) => {
        times.set(`${state} ${type}`, (times.get(`${state} ${type}`) ?? 0) + 1);
      });
    }
  }
  const types = new Set([...times.keys()].map((pair) => pair.split(" ")[1]));
  assert.equal(types.size, 23);
  for (const state of STATES) for (const type of types) assert.ok((times.get(`${state} ${type}`) ?? 0) >= 10, `${state} ${type}: ${times.get(`${state} ${type}`) ?? 0} times`);
});

test("any event in any state leads to a state of RFC 4271; what was agreed is known exactly where it matters", () => {
  fc.assert(
    fc.property(fc.boolean(), histories, (passive, events) => {
      walk(passive, events, (before, { type }, after) => {
        assert.ok(STATES.includes(after.state));
        assert.equal("agreed" in after, after.state === "OpenConfirm" || after.state === "Established");
        const forgets = type === "ManualStop" || (type === "ManualStart" && before.state === "Idle");
        if (!forgets) assert.ok(after.connectRetryCounter - before.connectRetryCounter === 0 || after.connectRetryCounter - before.connectRetryCounter === 1);
        if (type === "ManualStop" && before.state !== "Idle") assert.deepEqual([after.state, after.connectRetryCounter], ["Idle", 0]);
      });
    }),
    { numRuns: 3000 },
  );
});

test("Established is reached from OpenConfirm alone, OpenConfirm from OpenSent alone, each by the one event that leads there", () => {
  fc.assert(
    fc.property(fc.boolean(), histories, (passive, events) => {
      walk(passive, events, (before, { type }, after) => {
        if (before.state === after.state) return;
        if (after.state === "Established") assert.deepEqual([before.state, type], ["OpenConfirm", "KeepAliveMsg"]);
        if (after.state === "OpenConfirm") assert.deepEqual([before.state, type], ["OpenSent", "BGPOpen"]);
        if (after.state === "OpenSent") assert.ok(["Connect", "Active"].includes(before.state) && ["Tcp_CR_Acked", "TcpConnectionConfirmed"].includes(type));
        if (before.state === "Idle") assert.ok(type === "ManualStart" || type === "IdleHoldTimer_Expires");
      });
    }),
    { numRuns: 3000 },
  );
});

test("nothing is sent in Idle, and nothing before the connection stands", () => {
  fc.assert(
    fc.property(fc.boolean(), histories, (passive, events) => {
      walk(passive, events, (before, { type }, _after, actions) => {
        const sent = actions.filter((action) => action.do.startsWith("send-"));
        if (before.state === "Idle") assert.deepEqual(sent, []);
        if (before.state === "Connect" || before.state === "Active") {
          const connects = type === "Tcp_CR_Acked" || type === "TcpConnectionConfirmed";
          assert.deepEqual(sent, connects ? [{ do: "send-open" }] : []);
        }
        const last = actions.findIndex((action) => action.do === "send-notification");
        if (last !== -1) assert.deepEqual(actions[last + 1], { do: "drop" }, "a NOTIFICATION is the last word (RFC 4271 6)");
      });
    }),
    { numRuns: 3000 },
  );
});

test("in each state exactly its timers run, with the times that were agreed", () => {
  const running = new Map<TimerName, number>();
  const fires = (fsm: Fsm, { type }: Event): boolean => {
    const timer = /^(ConnectRetry|Hold|Keepalive)Timer_Expires$/.exec(type)?.[1];
    return timer === undefined || running.delete(timer as TimerName) || (fsm.state === "Idle" && running.size === 0);
  };
  fc.assert(
    fc.property(fc.boolean(), histories, (passive, events) => {
      running.clear();
      walk(
        passive,
        events,
        (_before, _event, after, actions) => {
          for (const action of actions) {
            if (action.do === "start-timer") running.set(action.timer, action.ms);
            if (action.do === "stop-timer") running.delete(action.timer);
          }
          assert.deepEqual(new Map([...running].sort()), expectedTimers(after), after.state);
        },
        fires,
      );
    }),
    { numRuns: 3000 },
  );
});

/** In alphabetical order. */
function expectedTimers(fsm: Fsm): Map<TimerName, number> {
  switch (fsm.state) {
    case "Idle":
      return new Map();
    case "Connect":
    case "Active":
      return new Map(fsm.settings.passive ? [] : [["ConnectRetry", 5000]]);
    case "OpenSent":
      return new Map([["Hold", OPEN_SENT_HOLD_MS]]);
    case "OpenConfirm":
    case "Established":
      return new Map(fsm.agreed.holdMs === 0 ? [] : [["Hold", fsm.agreed.holdMs], ["Keepalive", fsm.agreed.keepaliveMs]]);
  }
}

test("what keeps a session alive is what the peer says, never what we say", () => {
  const heard = ["KeepAliveMsg", "UpdateMsg"]; // RFC 4271 6.5
  fc.assert(
    fc.property(histories, (events) => {
      walk(false, events, (before, { type }, after, actions) => {
        if (before.state !== "Established" || after.state !== "Established") return;
        const restarts = actions.some((action) => action.do === "start-timer" && action.timer === "Hold");
        assert.equal(restarts, before.agreed.holdMs > 0 && heard.includes(type));
      });
    }),
    { numRuns: 3000 },
  );
});

test("a session that comes up goes down once, and every failure is damped", () => {
  fc.assert(
    fc.property(fc.boolean(), histories, (passive, events) => {
      walk(passive, events, (before, { type }, after, actions) => {
        const has = (what: Action["do"]): boolean => actions.some((action) => action.do === what);
        assert.equal(has("session-up"), before.state === "OpenConfirm" && after.state === "Established");
        assert.equal(has("session-down"), before.state === "Established" && after.state !== "Established");
        const fails = before.state !== "Idle" && after.state === "Idle" && type !== "ManualStop" && type !== "OpenCollisionDump";
        assert.equal(has("damp"), fails);
      });
    }),
    { numRuns: 3000 },
  );
});

const holdSeconds = fc.oneof(fc.constantFrom(0, 3, 4, 9, 90, 65_535), fc.integer({ min: 3, max: 65_535 }));

test("the hold time is the smaller one, KEEPALIVEs come three times as often or as configured, never more than one a second", () => {
  const capabilities: Capability[] = [{ name: "multiprotocol", afi: 1, safi: 1 }, { name: "four-octet-as", asn: 64501 }];
  fc.assert(
    fc.property(holdSeconds, holdSeconds, fc.constantFrom(0, 1000, 30_000, 120_000), (own, theirs, keepaliveTimeMs) => {
      const peer = { ...PEER, holdTimeMs: own * 1000, keepaliveTimeMs };
      const self = { routerId: "10.7.0.1" as Ipv4, hostname: "" };
      const agreed = negotiate(self, peer, ourOpen(self, peer, "capabilities"), { asn: 64501, holdSeconds: theirs, identifier: "10.7.0.254" as Ipv4, capabilities });
      assert.equal(agreed.holdMs, Math.min(own, theirs) * 1000);
      if (agreed.holdMs === 0) assert.equal(agreed.keepaliveMs, 0);
      else assert.ok(agreed.keepaliveMs >= 1000 && agreed.keepaliveMs <= agreed.holdMs / 3, `${agreed.keepaliveMs} of ${agreed.holdMs}`);
    }),
  );
});

test("an OPEN of the wrong AS, whatever else it says, is refused with 2/2", () => {
  const self = { routerId: "10.7.0.1" as Ipv4, hostname: "" };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0xffffffff }).filter((asn) => asn !== 64501), holdSeconds, (asn, hold) => {
      const open = { asn, holdSeconds: hold, identifier: "10.7.0.1" as Ipv4, capabilities: [] };
      assert.throws(() => negotiate(self, PEER, ourOpen(self, PEER, "capabilities"), open), (error) => error instanceof BgpError && error.notification.code === 2 && error.notification.subcode === 2);
    }),
  );
});
