/** The machine of a BFD session: the rules of RFC 5880 6.8, one by one, and what holds for any sequence of events. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BfdProfile, BfdState } from "../../src/bfd/index.ts";
import { type Effect, type Event, type Step, step } from "../../src/bfd/machine.ts";
import { type Session, controlPacket, detectionTime, echoInterval, isDemandActive, jittered, newSession, transmitInterval } from "../../src/bfd/session.ts";
import { type BfdControl, decodeBfd, encodeBfd } from "../../src/wire/index.ts";
import { record } from "../wire/arbitrary.ts";

const PROFILE: BfdProfile = { requiredMinRxMs: 100, desiredMinTxMs: 50, detectMult: 3, echoMs: undefined, passive: false, minimumTtl: 254 };
const MINE = 0x1111;
const THEIRS = 0x2222;
const STATES: readonly BfdState[] = ["admin-down", "down", "init", "up"];

/** A packet of the peer, 200 ms × 4. */
function packet(given: Partial<BfdControl> = {}): BfdControl {
  return {
    diagnostic: 0,
    state: "up",
    poll: false,
    final: false,
    controlPlaneIndependent: false,
    demand: false,
    detectMult: 4,
    myDiscriminator: THEIRS,
    yourDiscriminator: MINE,
    desiredMinTxUs: 200_000,
    requiredMinRxUs: 60_000,
    requiredMinEchoRxUs: 0,
    ...given,
  };
}

const hear = (session: Session, given?: Partial<BfdControl>): Step => step(session, { type: "packet", packet: packet(given) });
const after = (session: Session, ...events: readonly Event[]): Session => events.reduce((before, event) => step(before, event).session, session);
const from = (given?: Partial<BfdControl>): Event => ({ type: "packet", packet: packet(given) });

/** A session in each state, with a peer that has been heard and no Poll Sequence left over. */
const IN: Readonly<Record<BfdState, (profile?: Partial<BfdProfile>) => Session>> = {
  down: (profile) => after(newSession({ ...PROFILE, ...profile }, MINE), from({ state: "up" })),
  init: (profile) => after(newSession({ ...PROFILE, ...profile }, MINE), from({ state: "down", yourDiscriminator: 0 })),
  up: (profile) => after(newSession({ ...PROFILE, ...profile }, MINE), from({ state: "init" }), from({ state: "up", final: true }), from({ state: "up" })),
  "admin-down": (profile) => after(newSession({ ...PROFILE, ...profile }, MINE), from({ state: "up" }), { type: "disable" }, from({ final: true }), from()),
};

test("a new session is Down, knows nobody and asks for no more than a packet a second", () => {
  const session = newSession(PROFILE, MINE);
  assert.deepEqual([session.state, session.localDiag, session.remote.state, session.remote.discr, session.remote.requiredMinRxUs], ["down", 0, "down", 0, 1]);
  assert.equal(transmitInterval(session), 1_000_000);
  assert.equal(detectionTime(session), undefined);
  assert.deepEqual(controlPacket(session, "periodic"), { ...packet({ state: "down", detectMult: 3, myDiscriminator: MINE, yourDiscriminator: 0, desiredMinTxUs: 1_000_000, requiredMinRxUs: 100_000 }) });
});

// 6.8.6, and the figure of 6.2.
for (const [state, received, next, diag, effects] of [
  ["down", "admin-down", "down", 0, []],
  ["down", "down", "init", 0, ["send"]],
  ["down", "init", "up", 0, ["send", "up"]],
  ["down", "up", "down", 0, []],
  ["init", "admin-down", "down", 3, ["send"]],
  ["init", "down", "init", 0, []],
  ["init", "init", "up", 0, ["send", "up"]],
  ["init", "up", "up", 0, ["send", "up"]],
  ["up", "admin-down", "down", 3, ["send", "down"]],
  ["up", "down", "down", 3, ["send", "down"]],
  ["up", "init", "up", 0, []],
  ["up", "up", "up", 0, []],
] as const) {
  test(`${state}, hears ${received}: ${next}${effects.length === 0 ? "" : `, ${effects.join(", ")}`}`, () => {
    const done = hear(IN[state](), { state: received });
    assert.deepEqual([done.session.state, done.session.localDiag], [next, diag]);
    assert.deepEqual(done.effects, ["heard", ...effects]);
  });
}

test("in AdminDown what the packet says is noted, and the packet discarded: no state, no answer, no sign of life", () => {
  for (const state of STATES) {
    const { session, effects } = hear(IN["admin-down"](), { state, poll: true, requiredMinRxUs: 77 });
    assert.deepEqual([session.state, session.remote.state, session.remote.requiredMinRxUs, effects], ["admin-down", state, 77, []]);
  }
});

test("a Poll is answered at once, in every state, with the state that it leads to", () => {
  for (const [state, received, next] of [["down", "down", "init"], ["init", "up", "up"], ["up", "up", "up"], ["up", "down", "down"]] as const) {
    const { session, effects } = hear(IN[state](), { state: received, poll: true });
    assert.ok(effects.includes("send-final") && !effects.includes("send"));
    const answer = controlPacket(session, "final");
    assert.deepEqual([answer.state, answer.final, answer.poll, answer.yourDiscriminator], [next, true, false, THEIRS]);
  }
});

test("a packet that says what the last one said changes nothing at all", () => {
  const session = IN.up();
  const { session: same, effects } = hear(session);
  assert.equal(same, session);
  assert.deepEqual(effects, ["heard"]);
});

test("the Detection Time is the peer's multiplier times the slower of what we take and what it sends (6.8.4)", () => {
  assert.equal(detectionTime(IN.up()), 4 * 200_000);
  assert.equal(detectionTime(hear(IN.up(), { desiredMinTxUs: 10_000, detectMult: 7 }).session), 7 * 100_000);
});

test("silence for the Detection Time ends a session in Init or Up, and the peer is forgotten in every state", () => {
  for (const [state, next, diag, effects] of [["init", "down", 1, ["send"]], ["up", "down", 1, ["send", "down"]], ["down", "down", 0, []], ["admin-down", "admin-down", 7, []]] as const) {
    const { session, effects: done } = step(IN[state](), { type: "detection-expired" });
    assert.deepEqual([session.state, session.localDiag, session.remote.discr, session.remote.requiredMinRxUs, session.remote.demand], [next, diag, 0, 1, false]);
    assert.deepEqual(done, effects);
    assert.equal(detectionTime(session), undefined);
    assert.equal(controlPacket(session, "periodic").poll, false, "there is nobody to ask");
  }
});

test("our packets leave at the slower of what we want and what the peer takes, and not at all if it takes none (6.8.7)", () => {
  assert.equal(transmitInterval(IN.up()), 60_000);
  assert.equal(transmitInterval(hear(IN.up(), { requiredMinRxUs: 10_000 }).session), 50_000);
  assert.equal(transmitInterval(IN.init()), 1_000_000, "not Up: at least a second");
  const silent = hear(IN.up(), { requiredMinRxUs: 0 }).session;
  assert.equal(transmitInterval(silent), undefined);
  assert.deepEqual(step(silent, { type: "transmit" }).effects, []);
  assert.deepEqual(step(IN.up(), { type: "transmit" }).effects, ["send"]);
});

test("the interval is shortened by up to a quarter, and with Detect Mult 1 by a tenth at least (6.8.7)", () => {
  assert.deepEqual([jittered(100, 3, 0), jittered(100, 3, 0.999999)].map(Math.round), [100, 75]);
  assert.deepEqual([jittered(100, 1, 0), jittered(100, 1, 0.999999)].map(Math.round), [90, 75]);
});

test("coming Up, the faster interval is used at once and confirmed by a Poll Sequence", () => {
  const up = hear(IN.init(), { state: "init" }).session;
  const first = controlPacket(up, "periodic");
  assert.deepEqual([first.poll, first.desiredMinTxUs], [true, 50_000]);
  assert.equal(transmitInterval(up), 60_000);
  assert.equal(controlPacket(hear(up).session, "periodic").poll, true, "until it is answered");
  const answered = hear(up, { final: true }).session;
  assert.equal(controlPacket(answered, "periodic").poll, false);
});

test("while Up, an interval that grows waits for the Final, and one that shrinks does not (6.8.3)", () => {
  const slower = step(IN.up(), { type: "configure", profile: { ...PROFILE, desiredMinTxMs: 500 } });
  assert.deepEqual(slower.effects, [], "the next packet is soon enough: none is added for a Poll (6.5)");
  assert.deepEqual([controlPacket(slower.session, "periodic").poll, controlPacket(slower.session, "periodic").desiredMinTxUs, transmitInterval(slower.session)], [true, 500_000, 60_000]);
  assert.equal(transmitInterval(hear(slower.session, { final: true }).session), 500_000);
  const faster = step(IN.up(), { type: "configure", profile: { ...PROFILE, desiredMinTxMs: 10 } }).session;
  assert.equal(transmitInterval(hear(faster, { requiredMinRxUs: 5000 }).session), 10_000);
});

test("while Up, a receive interval that shrinks waits for the Final, and one that grows does not (6.8.3)", () => {
  const fast = hear(IN.up(), { desiredMinTxUs: 1000 }).session;
  const faster = step(fast, { type: "configure", profile: { ...PROFILE, requiredMinRxMs: 20 } }).session;
  assert.deepEqual([controlPacket(faster, "periodic").requiredMinRxUs, detectionTime(faster)], [20_000, 4 * 100_000]);
  assert.equal(detectionTime(hear(faster, { desiredMinTxUs: 1000, final: true }).session), 4 * 20_000);
  const slower = step(fast, { type: "configure", profile: { ...PROFILE, requiredMinRxMs: 300 } }).session;
  assert.equal(detectionTime(slower), 4 * 300_000);
});

test("one Poll Sequence at a time: a change during one is said in the next, after a packet without Final (6.8.3)", () => {
  const first = step(IN.up(), { type: "configure", profile: { ...PROFILE, desiredMinTxMs: 500 } }).session;
  const second = step(first, { type: "configure", profile: { ...PROFILE, desiredMinTxMs: 700 } }).session;
  assert.equal(controlPacket(second, "periodic").desiredMinTxUs, 500_000);
  const answered = hear(second, { final: true }).session;
  assert.deepEqual([transmitInterval(answered), controlPacket(answered, "periodic").poll], [500_000, false]);
  const settled = hear(answered).session;
  assert.deepEqual([controlPacket(settled, "periodic").poll, controlPacket(settled, "periodic").desiredMinTxUs, transmitInterval(settled)], [true, 700_000, 500_000]);
  assert.equal(transmitInterval(hear(settled, { final: true }).session), 700_000);
});

test("a Final to a Poll whose packets did not all say the same confirms nothing", () => {
  const polling = step(IN.up(), { type: "configure", profile: { ...PROFILE, desiredMinTxMs: 500 } }).session;
  const down = hear(polling, { state: "down" }).session;
  assert.equal(controlPacket(down, "periodic").desiredMinTxUs, 1_000_000, "slow at once (6.8.3)");
  const answered = hear(down, { state: "down", final: true }).session;
  assert.equal(controlPacket(hear(answered, { state: "down" }).session, "periodic").poll, true, "it is asked again");
});

test("another multiplier is said in the next packet without a Poll (6.8.12), but to a peer in Demand mode, whom no packet would reach", () => {
  const calm = step(IN.up(), { type: "configure", profile: { ...PROFILE, detectMult: 9 } }).session;
  assert.deepEqual([controlPacket(calm, "periodic").poll, controlPacket(calm, "periodic").detectMult], [false, 9]);
  const demanding = hear(IN.up(), { demand: true }).session;
  assert.equal(transmitInterval(demanding), undefined, "6.8.7: periodic packets cease");
  const told = step(demanding, { type: "configure", profile: { ...PROFILE, detectMult: 9 } }).session;
  assert.equal(transmitInterval(told), 60_000);
  assert.equal(transmitInterval(hear(told, { demand: true, final: true }).session), undefined);
  assert.equal(transmitInterval(hear(demanding, { state: "down", demand: true }).session), 1_000_000, "Demand mode is over when either is not Up");
  assert.equal(detectionTime(demanding), 800_000, "we go on expecting its packets");
});

test("the Passive role says nothing before the peer has spoken, nor after it has fallen silent (6.8.7)", () => {
  const passive = newSession({ ...PROFILE, passive: true }, MINE);
  assert.equal(transmitInterval(passive), undefined);
  assert.equal(transmitInterval(hear(passive, { state: "down" }).session), 1_000_000);
  const { session, effects } = step(IN.up({ passive: true }), { type: "detection-expired" });
  assert.deepEqual([effects, transmitInterval(session)], [["down"], undefined]);
});

test("disabled, it says AdminDown at once, and a Final shows that the peer knows", () => {
  const { session, effects } = step(IN.up(), { type: "disable" });
  assert.deepEqual([session.state, session.localDiag, effects], ["admin-down", 7, ["send"]]);
  assert.deepEqual([controlPacket(session, "periodic").poll, session.poll.phase], [true, "active"]);
  assert.equal(hear(session, { final: true }).session.poll.phase, "settling");
  assert.deepEqual(step(session, { type: "disable" }), { session, effects: [] });
});

test("echo packets are sent only while Up, to a peer that returns them, no faster than it says (6.8.9)", () => {
  const willing = hear(IN.up({ echoMs: 20 }), { requiredMinEchoRxUs: 50_000 }).session;
  assert.equal(echoInterval(willing), 50_000);
  assert.equal(echoInterval(IN.up({ echoMs: 20 })), undefined);
  assert.equal(echoInterval(hear(IN.up(), { requiredMinEchoRxUs: 50_000 }).session), undefined, "not configured");
  assert.equal(echoInterval(hear(IN.init({ echoMs: 20 }), { state: "down", requiredMinEchoRxUs: 50_000 }).session), undefined);
});

test("once echo packets come back control packets need come but once a second; echo lost is diagnostic 2", () => {
  const willing = hear(IN.up({ echoMs: 20 }), { requiredMinEchoRxUs: 50_000 }).session;
  const active = step(willing, { type: "echo-works" }).session;
  assert.deepEqual([controlPacket(active, "periodic").requiredMinRxUs, controlPacket(active, "periodic").poll], [1_000_000, true]);
  const failed = step(active, { type: "echo-failed" });
  assert.deepEqual([failed.session.state, failed.session.localDiag, failed.effects, failed.session.echoWorks], ["down", 2, ["send", "down"], false]);
  const ceased = hear(active, { requiredMinEchoRxUs: 0 }).session;
  assert.deepEqual([ceased.echoWorks, echoInterval(ceased)], [false, undefined]);
});

const interval = fc.constantFrom(0, 1, 10_000, 50_000, 1_000_000, 0xffff_ffff);
const anyPacket = record<BfdControl>({
  diagnostic: fc.nat(31),
  state: fc.constantFrom(...STATES),
  poll: fc.boolean(),
  final: fc.boolean(),
  controlPlaneIndependent: fc.boolean(),
  demand: fc.boolean(),
  detectMult: fc.integer({ min: 1, max: 255 }),
  myDiscriminator: fc.constantFrom(THEIRS, THEIRS, 3),
  yourDiscriminator: fc.constantFrom(MINE, 0),
  desiredMinTxUs: interval,
  requiredMinRxUs: interval,
  requiredMinEchoRxUs: interval,
});
const anyProfile = record<BfdProfile>({
  requiredMinRxMs: fc.constantFrom(10, 50, 300, 2000),
  desiredMinTxMs: fc.constantFrom(10, 50, 300, 2000),
  detectMult: fc.integer({ min: 1, max: 255 }),
  echoMs: fc.constantFrom(undefined, 20),
  passive: fc.boolean(),
  minimumTtl: fc.constant(254),
});
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: anyPacket.map((one): Event => ({ type: "packet", packet: one })) },
  { weight: 3, arbitrary: fc.constantFrom<Event>(from({ state: "down" }), from({ state: "init" }), from(), from({ final: true })) },
  { weight: 3, arbitrary: fc.constantFrom<Event>({ type: "transmit" }, { type: "detection-expired" }, { type: "echo-works" }, { type: "echo-failed" }) },
  { weight: 1, arbitrary: anyProfile.map((profile): Event => ({ type: "configure", profile })) },
  { weight: 1, arbitrary: fc.constant<Event>({ type: "disable" }) },
);

/** What must hold after any step, whatever came before. */
function check(before: Session, event: Event, { session, effects }: Step): void {
  const has = (effect: Effect): boolean => effects.includes(effect);
  assert.equal(has("up"), session.state === "up" && before.state !== "up");
  assert.equal(has("down"), session.state === "down" && before.state === "up");
  assert.ok(before.state !== "admin-down" || session.state === "admin-down", "nothing leads out of AdminDown");
  const poll = event.type === "packet" && event.packet.poll;
  assert.equal(has("send-final"), poll && before.state !== "admin-down");
  if (session.state !== before.state) assert.ok(has("send") || has("send-final") || (session.profile.passive && session.remote.discr === 0), "a change of state is said at once");
  if (has("send")) assert.ok(!session.profile.passive || session.remote.discr !== 0);
  assert.equal(new Set(effects).size, effects.length);

  for (const kind of ["periodic", "final"] as const) {
    const said = controlPacket(session, kind);
    assert.deepEqual(decodeBfd(encodeBfd(said)), { ...said, authenticationPresent: false });
    assert.ok(!(said.poll && said.final) && !said.demand && !said.controlPlaneIndependent && said.requiredMinEchoRxUs === 0);
    assert.ok(session.state === "up" || said.desiredMinTxUs >= 1_000_000, "not Up: a second at least");
    assert.ok(!said.poll || said.yourDiscriminator !== 0, "nobody is asked");
  }
  const sends = transmitInterval(session);
  if (sends !== undefined) {
    assert.ok(sends >= session.remote.requiredMinRxUs && sends >= 10_000 && !(isDemandActive(session) && session.poll.phase !== "active"));
    assert.ok(session.state === "up" || sends >= 1_000_000);
  }
  const detection = detectionTime(session);
  assert.equal(detection === undefined, session.remote.discr === 0);
  if (detection !== undefined) assert.ok(detection >= session.remote.detectMult * 10_000 && detection >= session.remote.detectMult * session.remote.desiredMinTxUs);
  if (session.echoWorks) assert.ok(echoInterval(session) !== undefined);

  // An interval that grows, or a Detection Time that shrinks, by our own will, waits for the Final.
  if (event.type === "configure" && before.state === "up") {
    assert.ok((transmitInterval(session) ?? 0) <= (transmitInterval(before) ?? Infinity));
    assert.ok((detectionTime(session) ?? Infinity) >= (detectionTime(before) ?? 0));
  }
}

test("no sequence of events breaks a rule of RFC 5880", () => {
  fc.assert(
    fc.property(anyProfile, fc.array(anyEvent, { maxLength: 40, size: "max" }), (profile, events) => {
      let session = newSession(profile, MINE);
      for (const event of events) {
        const done = step(session, event);
        check(session, event, done);
        session = done.session;
      }
    }),
    { numRuns: 3000 },
  );
});

test("whatever has happened, a peer that answers brings the session up with what its profile asks for, and no Poll goes on for ever", () => {
  fc.assert(
    fc.property(anyProfile, fc.array(anyEvent.filter(({ type }) => type !== "disable"), { maxLength: 30, size: "max" }), (profile, events) => {
      let session = after(newSession(profile, MINE), ...events);
      for (const state of ["down", "init", "up", "up", "up"] as const) session = after(session, from({ state }), from({ state, final: true }), from({ state }));
      const said = controlPacket(session, "periodic");
      assert.deepEqual([session.state, said.poll, said.desiredMinTxUs], ["up", false, session.profile.desiredMinTxMs * 1000]);
      assert.equal(transmitInterval(session), Math.max(session.profile.desiredMinTxMs * 1000, 60_000));
    }),
  );
});
