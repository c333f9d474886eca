import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Address, address } from "../../src/net/index.ts";
import { Rig, vips } from "./rig.ts";
import { mac, statement } from "./statement.ts";

const [MINE] = vips(1, "mine") as readonly [Address];
const [THEIRS] = vips(1, "theirs") as readonly [Address];
const EDGE_2 = mac(2);
const STRANGER = mac(0x99);

// ---- starting

test("a host that is alone asks while it listens, and serves when it has listened for three hellos' time", () => {
  const rig = new Rig();
  rig.due([MINE]);
  assert.equal(rig.standing(MINE).role, "asking");
  rig.pass(590);
  assert.equal(rig.serves(MINE), false);
  rig.pass(20);
  assert.equal(rig.serves(MINE), true);
  assert.equal(rig.rank, 2);
  assert.equal(rig.asked.length, 1);
});

test("alone with 10 000 VIPs, it serves all within a second, having asked for a sample", () => {
  const rig = new Rig();
  const all = Array.from({ length: 10_000 }, (_, i) => address(`10.0.${i >> 8}.${i & 255}`));
  rig.due(all);
  rig.pass(1_000);
  assert.equal(rig.fleet.serving("eth0"), 10_000);
  assert.ok(rig.asked.length < 64, `${rig.asked.length} questions`);
  rig.pass(1_000);
  assert.equal(rig.factsOf("took").length, 1);
  assert.equal(rig.factsOf("took")[0]?.count, 10_000);
});

test("if one of the sample is answered, each VIP is asked about", () => {
  const rig = new Rig();
  const all = Array.from({ length: 1_000 }, (_, i) => address(`10.0.${i >> 8}.${i & 255}`));
  for (const vip of all) rig.answers.set(vip, STRANGER);
  rig.due(all);
  rig.pass(3_000);
  assert.equal(rig.fleet.serving("eth0"), 0);
});

test("beside a host that serves, it takes nothing without asking, and nothing that is answered", () => {
  const rig = new Rig();
  const all = vips(600, "mine");
  rig.says({ rank: 2, serving: 600 });
  for (const vip of all.slice(0, 300)) rig.answers.set(vip, EDGE_2);
  rig.due(all);
  rig.pass(2_000);
  assert.equal(rig.fleet.serving("eth0"), 300);
  assert.ok(all.slice(0, 300).every((vip) => !rig.serves(vip)));
  assert.equal(rig.standing(all[0] as Address).role === "standby" && (rig.standing(all[0] as Address) as { owner?: string }).owner, "edge-2");
});

test("beside one that is eligible, a host on probation takes nothing", () => {
  const rig = new Rig();
  rig.says({ serving: 1 });
  rig.answers.set(MINE, EDGE_2);
  rig.due([MINE]);
  rig.pass(50_000);
  assert.equal(rig.serves(MINE), false);
});

test("when its probation ends it takes back what it comes first for, and only that", () => {
  const rig = new Rig();
  rig.says({ serving: 2 });
  rig.due([MINE, THEIRS]);
  for (const vip of [MINE, THEIRS]) rig.heard(vip, EDGE_2);
  rig.pass(59_000);
  assert.equal(rig.serves(MINE), false);
  rig.pass(2_000);
  assert.deepEqual([rig.serves(MINE), rig.serves(THEIRS)], [true, false]);
  assert.equal(rig.asked.length, 0);
});

test('with failback = "never" it takes nothing from one that serves', () => {
  const rig = new Rig({ settings: { failback: "never" } });
  rig.says({ serving: 1 });
  rig.due([MINE]);
  rig.heard(MINE, EDGE_2);
  rig.pass(70_000);
  assert.equal(rig.serves(MINE), false);
});

test("it says that it is eligible a hello's time before it takes anything", () => {
  const rig = new Rig();
  rig.says({ serving: 1 });
  rig.due([MINE]);
  rig.heard(MINE, EDGE_2);
  rig.until(() => rig.rank === 3, 70_000);
  assert.equal(rig.serves(MINE), false);
  assert.equal(rig.urgent.at(-1)?.rank, 3);
  assert.ok(rig.until(() => rig.serves(MINE), 1_000) >= 190);
});

// ---- deaths

test("the VIPs of a host that falls silent are taken after 600 ms, without asking", () => {
  const rig = Rig.settled([MINE, THEIRS]);
  rig.says({ serving: 1 });
  rig.heard(THEIRS, EDGE_2);
  rig.answers.set(THEIRS, EDGE_2);
  assert.equal(rig.serves(THEIRS), false);
  rig.pass(1_000);
  rig.asked.length = 0;
  rig.silence();
  const silence = rig.until(() => rig.serves(THEIRS), 1_000);
  assert.ok(silence >= 400 && silence <= 610, `${silence} ms`);
  rig.pass(500);
  assert.equal(rig.asked.length, 0);
  assert.deepEqual(rig.factsOf("host-dead").map(({ host }) => host), ["edge-2"]);
  assert.deepEqual(rig.factsOf("took").map(({ from, why, count }) => ({ from, why, count })), [{ from: "edge-2", why: "owner-died", count: 1 }]);
  assert.deepEqual(rig.said.get("eth0")?.dead, [statement().instance]);
});

test("a death is listed for 30 s", () => {
  const rig = Rig.settled([]);
  rig.says({});
  rig.silence();
  rig.pass(29_000);
  assert.equal(rig.said.get("eth0")?.dead.length, 1);
  rig.pass(2_000);
  assert.equal(rig.said.get("eth0")?.dead.length, 0);
});

test("a host whose thread sends while its main loop stands dies the same death", () => {
  const rig = Rig.settled([THEIRS]);
  rig.says({ serving: 1 });
  rig.heard(THEIRS, EDGE_2);
  rig.pass(500);
  rig.says({ serving: 1, loopLagMs: 450 });
  assert.equal(rig.fleet.hosts().find(({ name }) => name === "edge-2")?.state, "suspect");
  rig.says({ serving: 1, loopLagMs: 610 });
  assert.equal(rig.serves(THEIRS), true);
  rig.says({ serving: 1, loopLagMs: 800 });
  assert.equal(rig.fleet.hosts().find(({ name }) => name === "edge-2")?.state, "dead");
});

test("a new life of the same machine ends the one before at once", () => {
  const rig = Rig.settled([THEIRS]);
  rig.says({ serving: 1 });
  rig.heard(THEIRS, EDGE_2);
  rig.pass(500);
  rig.silence();
  rig.says({ instance: "0000000200000002", uptimeMs: -rig.world.time, rank: 2, serving: 0 });
  assert.equal(rig.serves(THEIRS), true);
  assert.deepEqual(rig.factsOf("host-restarted").map(({ host }) => host), ["edge-2"]);
});

test("clones that share a machine-id under different names are different hosts", () => {
  const rig = Rig.settled([]);
  rig.says({});
  rig.says({ name: "edge-3", instance: "0000000200000009" });
  rig.pass(1_000);
  assert.deepEqual(rig.fleet.hosts().map(({ state }) => state), ["self", "alive", "alive"]);
});

test("an old or repeated hello is no sign of life", () => {
  const rig = Rig.settled([]);
  rig.input({ type: "hello", segment: "eth0", statement: statement(), sequence: 10 });
  for (let i = 0; i < 7; i++) {
    rig.pass(100);
    rig.input({ type: "hello", segment: "eth0", statement: statement(), sequence: 10 - i });
  }
  assert.equal(rig.fleet.hosts().find(({ name }) => name === "edge-2")?.state, "dead");
});

// ---- claims

test("whoever serves and hears a better host's claim stops at once", () => {
  const rig = Rig.settled([THEIRS]);
  rig.says({ serving: 1 });
  assert.equal(rig.serves(THEIRS), true);
  rig.heard(THEIRS, EDGE_2);
  assert.deepEqual(rig.standing(THEIRS), { role: "standby", owner: "edge-2", reason: "edge-2 is better placed" });
});

test("it asks once after 0.3 s whether that host really serves", () => {
  const rig = Rig.settled([THEIRS]);
  rig.says({});
  rig.heard(THEIRS, EDGE_2);
  rig.answers.set(THEIRS, EDGE_2);
  rig.pass(10_000);
  assert.deepEqual(rig.asked.map(({ at }) => at - 61_000), [300]);
  assert.equal(rig.serves(THEIRS), false);
});

test("and if nobody answers, the next in line takes the VIP back after it has left time to the best one", () => {
  const rig = Rig.settled([THEIRS]);
  rig.says({});
  rig.heard(THEIRS, EDGE_2);
  const ms = rig.until(() => rig.serves(THEIRS), 5_000);
  assert.ok(ms > 2_500 && ms < 3_500, `${ms}`);
});

test("whoever serves and hears a worse host's claim repeats its own, at most after 1, 2, 4 and 8 s", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ serving: 1 });
  const claims = new Map<number, number>();
  for (let ms = 0; ms < 20_000; ms += 50) {
    rig.heard(MINE, EDGE_2);
    const standing = rig.standing(MINE);
    assert.equal(standing.role, "owner");
    if (!claims.has(standing.claim)) claims.set(standing.claim, ms);
    rig.pass(50);
  }
  assert.deepEqual(Array.from(claims.values()).map((ms) => Math.round(ms / 1_000)), [0, 1, 3, 7, 15]);
});

test("10 000 VIPs given up are one line, not 10 000", () => {
  const all = vips(500, "theirs");
  const rig = Rig.settled(all);
  rig.says({});
  for (const vip of all) rig.heard(vip, EDGE_2);
  rig.pass(400);
  assert.deepEqual(rig.factsOf("gave-up").map(({ count, to }) => ({ count, to })), [{ count: 500, to: "edge-2" }]);
  assert.ok(rig.asked.length <= 16, `${rig.asked.length} questions`);
});

test("a claim heard before its host's first hello counts when that comes", () => {
  const rig = Rig.settled([THEIRS]);
  rig.heard(THEIRS, EDGE_2);
  assert.equal(rig.serves(THEIRS), true);
  rig.pass(100);
  rig.says({ serving: 1 });
  assert.equal(rig.serves(THEIRS), false);
});

test("what a stranger answers for is not taken; it is asked about every 2 s, told once, and taken when he is silent", () => {
  const rig = new Rig();
  rig.answers.set(MINE, STRANGER);
  rig.due([MINE]);
  rig.pass(10_000);
  assert.equal(rig.serves(MINE), false);
  assert.ok(rig.asked.length >= 4 && rig.asked.length <= 6, `${rig.asked.length} questions`);
  assert.deepEqual(rig.factsOf("stranger").map(({ mac: who, serving }) => ({ who, serving })), [{ who: STRANGER, serving: false }]);
  rig.answers.delete(MINE);
  rig.until(() => rig.serves(MINE), 3_000);
});

test("a stranger's claim does not make a host give up what it serves", () => {
  const rig = Rig.settled([MINE]);
  for (let i = 0; i < 20; i++) {
    rig.heard(MINE, STRANGER);
    rig.pass(100);
  }
  assert.equal(rig.serves(MINE), true);
  assert.deepEqual(rig.factsOf("stranger").map(({ serving }) => serving), [true]);
});

test("what this host itself announces is no claim of another", () => {
  const rig = Rig.settled([MINE]);
  rig.heard(MINE, mac(1));
  assert.equal(rig.serves(MINE), true);
  assert.equal(rig.facts.length, 0);
});

test("a VIP that the best host does not claim is swept up after asking", () => {
  const rig = Rig.settled([]);
  rig.says({ serving: 0 });
  rig.due([THEIRS]);
  const ms = rig.until(() => rig.serves(THEIRS), 5_000);
  assert.ok(ms >= 2_500 && ms <= 3_000, `${ms}`);
  assert.equal(rig.asked.length, 1);
});

test("a host that says that it serves nothing any more has released what it claimed", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ serving: 1 });
  rig.notDue([MINE]);
  rig.due([THEIRS]);
  rig.heard(THEIRS, EDGE_2);
  rig.pass(10_000);
  assert.equal(rig.serves(THEIRS), false);
  rig.says({ serving: 0 });
  rig.until(() => rig.serves(THEIRS), 4_000);
});

test("a question by the last claimant tells everybody that it does not serve the VIP", () => {
  const rig = Rig.settled([]);
  rig.says({ serving: 5 });
  rig.due([THEIRS]);
  rig.heard(THEIRS, EDGE_2);
  rig.pass(5_000);
  rig.input({ type: "question", segment: "eth0", address: THEIRS, mac: EDGE_2 });
  rig.until(() => rig.serves(THEIRS), 4_000);
});

test("a claim that is not repeated any more, though its host lives, counts no longer", () => {
  const rig = Rig.settled([], { settings: { refreshMs: 1_000 } });
  rig.says({ serving: 5 });
  rig.due([THEIRS]);
  rig.heard(THEIRS, EDGE_2);
  rig.pass(3_000);
  assert.equal(rig.asked.length, 0);
  rig.until(() => rig.serves(THEIRS), 4_000);
});

test("a question whose result never comes is put again", () => {
  const rig = new Rig();
  rig.losesResults = true;
  rig.due([MINE]);
  rig.pass(2_900);
  assert.equal(rig.asked.length, 1);
  rig.losesResults = false;
  rig.pass(600);
  assert.equal(rig.asked.length, 2);
  assert.equal(rig.serves(MINE), true);
});

test("the result of another question is not taken for it", () => {
  const rig = new Rig();
  rig.due([MINE]);
  const standing = rig.standing(MINE);
  assert.equal(standing.role, "asking");
  rig.input({ type: "asked", segment: "eth0", address: MINE, ask: standing.ask + 1, answer: undefined });
  assert.deepEqual(rig.standing(MINE), standing);
});

// ---- Local, files

test("under Local a host without an endpoint serves on until its successor claims, and stops then", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ serving: 0 });
  rig.due([MINE], new Map([["edge-2", 2]]));
  rig.pass(200);
  assert.equal(rig.serves(MINE), true);
  rig.heard(MINE, EDGE_2);
  assert.equal(rig.serves(MINE), false);
});

test("and stops after 3 s without one, asking once so that all know", () => {
  const rig = Rig.settled([MINE]);
  rig.due([MINE], new Map());
  rig.pass(2_900);
  assert.equal(rig.serves(MINE), true);
  rig.pass(200);
  assert.equal(rig.serves(MINE), false);
  rig.pass(5_000);
  assert.equal(rig.asked.length, 1);
});

test("a host whose file says otherwise is judged by what it publishes, not by this host's file", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ serving: 1, advertisements: [{ name: "lan", prefer: 1 }] });
  rig.heard(MINE, EDGE_2);
  assert.equal(rig.serves(MINE), false);
});

test("a VIP that is not due any more is not served any more", () => {
  const rig = Rig.settled([MINE]);
  const before = rig.changes;
  rig.notDue([MINE]);
  assert.equal(rig.serves(MINE), false);
  assert.equal(rig.changes, before + 1);
  assert.equal(rig.fleet.explain(MINE, "eth0"), undefined);
});

test("the same said again changes nothing", () => {
  const rig = Rig.settled([MINE], {});
  rig.due([MINE], new Map([["edge-1", 2]]));
  const before = rig.changes;
  rig.due([MINE], new Map([["edge-1", 2]]));
  rig.link("up");
  rig.pass(1_000);
  assert.equal(rig.changes, before);
});

// ---- leaving

test("a host that leaves says so at once and serves each VIP until its successor's claim", () => {
  const rig = Rig.settled([MINE, THEIRS]);
  rig.says({});
  rig.input({ type: "leave", why: "stop" });
  assert.deepEqual([rig.urgent.at(-1)?.rank, rig.urgent.at(-1)?.leaving], [0, true]);
  rig.heard(MINE, EDGE_2);
  assert.deepEqual([rig.serves(MINE), rig.serves(THEIRS)], [false, true]);
  assert.equal(rig.fleet.handedOver(), false);
  rig.heard(THEIRS, EDGE_2);
  assert.equal(rig.fleet.handedOver(), true);
  rig.pass(200);
  assert.equal(rig.factsOf("handed-over").length, 1);
});

test("it waits for 3 s at most", () => {
  const rig = Rig.settled([MINE]);
  rig.says({});
  rig.input({ type: "leave", why: "stop" });
  const ms = rig.until(() => rig.fleet.handedOver(), 4_000);
  assert.ok(ms >= 2_900 && ms <= 3_100, `${ms}`);
});

test("it waits for nobody if there is nobody", () => {
  const rig = Rig.settled([MINE]);
  rig.input({ type: "leave", why: "stop" });
  assert.equal(rig.fleet.handedOver(), true);
});

test("a drained host without a successor keeps answering", () => {
  const rig = Rig.settled([MINE]);
  rig.input({ type: "leave", why: "drain" });
  rig.pass(60_000);
  assert.equal(rig.serves(MINE), true);
  assert.equal(rig.fleet.handedOver(), false);
  rig.says({});
  rig.heard(MINE, EDGE_2);
  assert.equal(rig.fleet.handedOver(), true);
});

test("what a host that leaves serves is claimed while it still answers", () => {
  const rig = Rig.settled([]);
  rig.says({ serving: 1 });
  rig.due([THEIRS]);
  rig.heard(THEIRS, EDGE_2);
  rig.says({ serving: 1, rank: 0, leaving: true });
  assert.equal(rig.serves(THEIRS), true);
});

// ---- returning

test("an interface that is away for a moment keeps its VIPs, and asks who else has them when it is back", () => {
  const rig = Rig.settled([MINE]);
  rig.link("down");
  rig.pass(300);
  assert.equal(rig.serves(MINE), true);
  rig.link("up");
  assert.equal(rig.rank, 2);
  rig.pass(300);
  assert.equal(rig.asked.length, 1);
  assert.equal(rig.serves(MINE), true);
});

test("one that finds its VIP taken gives it up", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ serving: 0 });
  rig.link("down");
  rig.pass(300);
  rig.answers.set(MINE, EDGE_2);
  rig.link("up");
  rig.pass(300);
  assert.equal(rig.serves(MINE), false);
});

test("an interface that is away for long serves nothing, and listens and asks before it does again", () => {
  const rig = Rig.settled([MINE]);
  rig.link("down");
  assert.equal(rig.rank, 0);
  rig.pass(700);
  assert.equal(rig.serves(MINE), false);
  rig.pass(5_000);
  rig.link("up");
  rig.pass(550);
  assert.equal(rig.serves(MINE), false);
  rig.pass(100);
  assert.equal(rig.serves(MINE), true);
  assert.equal(rig.asked.length, 1);
});

test("while its own interface is down it declares nobody dead", () => {
  const rig = Rig.settled([MINE]);
  rig.says({});
  rig.pass(1_000);
  rig.silence();
  rig.link("down");
  rig.pass(5_000);
  assert.equal(rig.factsOf("host-dead").length, 0);
});

test("a main loop that stood judges nobody's silence by its own deafness", () => {
  const rig = Rig.settled([MINE, THEIRS]);
  rig.says({ serving: 1 });
  rig.heard(THEIRS, EDGE_2);
  rig.pass(1_000);
  // Nothing is heard for as long as it stands; the timers come first when it goes on.
  rig.clock.pause(3_000, "seen");
  rig.silence();
  rig.pass(3_001);
  rig.says({ serving: 1 });
  assert.equal(rig.factsOf("host-dead").length, 0);
  assert.equal(rig.serves(THEIRS), false);
  assert.equal(rig.rank, 2);
  assert.match(rig.factsOf("returning")[0]?.why ?? "", /main loop stood/);
});

test("whatever was claimed while it stood is given up without comparing", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ serving: 0 });
  rig.pass(1_000);
  rig.silence();
  rig.clock.pause(1_500, "seen");
  rig.pass(1_501);
  rig.heard(MINE, EDGE_2);
  assert.equal(rig.serves(MINE), false);
});

test("who was declared dead stands back, and asks who else serves what it serves", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ dead: ["0000000100000001"], serving: 0 });
  assert.equal(rig.rank, 2);
  rig.pass(300);
  assert.equal(rig.asked.length, 1);
  rig.pass(10_000);
  assert.equal(rig.factsOf("returning").length, 1);
});

test("when a split heals, each VIP that is served is asked about", () => {
  const rig = Rig.settled([MINE, THEIRS]);
  rig.says({ heard: ["0000000100000001"] });
  rig.pass(1_000);
  rig.says({ heard: [], serving: 2 });
  rig.pass(2_000);
  rig.asked.length = 0;
  rig.says({ heard: ["0000000100000001"], serving: 2 });
  rig.pass(300);
  assert.equal(rig.asked.length, 2);
});

// ---- one machine, several interfaces; several machines, one name

test("two interfaces on one segment: the first is used, the other serves nothing", () => {
  const rig = new Rig({ segments: ["eth0", "eth1"] });
  rig.due([MINE]);
  rig.pass(1_000);
  assert.deepEqual([rig.serves(MINE, "eth0"), rig.serves(MINE, "eth1")], [true, true]);
  rig.input({ type: "own-hello", segment: "eth0", from: "eth1" });
  rig.pass(100);
  assert.deepEqual([rig.serves(MINE, "eth0"), rig.serves(MINE, "eth1")], [true, false]);
  assert.equal(rig.said.get("eth1")?.rank, 0);
  assert.deepEqual(rig.factsOf("same-segment").map(({ segment, as }) => [segment, as]), [["eth1", "eth0"]]);
  rig.pass(4_000);
  assert.notEqual(rig.said.get("eth1")?.rank, 0);
});

test("of two machines with one name, the one that has been up for less long serves nothing", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ name: "edge-1", instance: "0000000900000001", machine: "00000009", mac: mac(9), uptimeMs: 1e9 });
  assert.equal(rig.rank, 0);
  assert.deepEqual(rig.factsOf("duplicate-name").map(({ yields }) => yields), ["this host"]);
  rig.silence("0000000900000001");
  rig.pass(3_000);
  assert.equal(rig.rank, 3);
});

test("the other one keeps the name, and says so once", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ name: "edge-1", instance: "0000000900000001", machine: "00000009", mac: mac(9), uptimeMs: -60_000, rank: 0 });
  rig.pass(5_000);
  assert.equal(rig.rank, 3);
  assert.deepEqual(rig.factsOf("duplicate-name").map(({ yields }) => yields), ["the other"]);
});

test("a straggler of this machine's last life is no namesake", () => {
  const rig = new Rig();
  rig.input({ type: "hello", segment: "eth0", statement: statement({ name: "edge-1", instance: "0000000100000000", machine: "00000001", uptimeMs: 1e9 }), sequence: 1 });
  rig.pass(1_000);
  assert.equal(rig.rank, 2);
  assert.equal(rig.factsOf("duplicate-name").length, 0);
});

// ---- Leases

test("a host that is known by its Lease alone is listed, and its claim is a claim", () => {
  const rig = Rig.settled([THEIRS]);
  rig.input({ type: "lease", host: "edge-2", statements: [statement()] });
  assert.deepEqual(rig.fleet.hosts().map(({ name, state }) => [name, state]), [["edge-1", "self"], ["edge-2", "leased"]]);
  assert.equal(rig.serves(THEIRS), true);
  rig.heard(THEIRS, EDGE_2);
  assert.equal(rig.serves(THEIRS), false);
});

test("a Lease that is deleted or forged moves nothing", () => {
  const rig = Rig.settled([MINE, THEIRS]);
  rig.says({ serving: 1 });
  rig.heard(THEIRS, EDGE_2);
  rig.answers.set(THEIRS, EDGE_2);
  rig.pass(1_000);
  rig.facts.length = 0;
  rig.input({ type: "lease", host: "edge-2", statements: [statement({ rank: 0, leaving: true })] });
  rig.input({ type: "lease", host: "edge-2", statements: [] });
  rig.input({ type: "lease", host: "edge-1", statements: [statement({ name: "edge-1", mac: mac(1), rank: 0 })] });
  rig.pass(5_000);
  assert.deepEqual([rig.serves(MINE), rig.serves(THEIRS)], [true, false]);
  assert.deepEqual(rig.facts, []);
});

// ---- BGP

test("BGP is announced when it has listened, if nobody better does", () => {
  const rig = new Rig({ bgp: true });
  assert.equal(rig.fleet.presence().announceBgp, false);
  rig.pass(700);
  assert.equal(rig.fleet.presence().announceBgp, true);
  assert.deepEqual(rig.presences, [true]);
});

for (const [what, other, announces] of [
  ["a better host that announces too", { bgp: true, rank: 3 }, false],
  ["an equal one", { bgp: true, rank: 2 }, true],
  ["a better one without BGP", { bgp: false, rank: 3 }, true],
] as const) {
  test(`a host on probation beside ${what} ${announces ? "announces" : "leaves it to that"}`, () => {
    const rig = new Rig({ bgp: true });
    rig.says(other);
    rig.pass(1_000);
    assert.equal(rig.fleet.presence().announceBgp, announces);
  });
}

test("a host that leaves withdraws, unless there is no other", () => {
  const rig = Rig.settled([], { bgp: true });
  rig.input({ type: "leave", why: "drain" });
  rig.pass(200);
  assert.equal(rig.fleet.presence().announceBgp, true);
  rig.says({ bgp: true });
  rig.pass(200);
  assert.equal(rig.fleet.presence().announceBgp, false);
});

// ---- the view from outside

test("explain names the candidates in order, and why one is none", () => {
  const rig = Rig.settled([]);
  rig.says({});
  rig.says({ name: "edge-3", instance: "0000000300000001", machine: "00000003", mac: mac(3), node: "edge-3" });
  rig.says({ name: "edge-4", instance: "0000000400000001", machine: "00000004", mac: mac(4), rank: 0 });
  rig.due([THEIRS], new Map([["edge-1", 1], ["edge-2", 2]]));
  const explanation = rig.fleet.explain(THEIRS, "eth0");
  assert.ok(explanation !== undefined);
  assert.deepEqual(explanation.candidates.slice(0, 2).map(({ host, unfit }) => [host, unfit]), [["edge-2", undefined], ["edge-1", undefined]]);
  assert.deepEqual(new Map(explanation.candidates.slice(2).map(({ host, unfit }) => [host, unfit])), new Map([["edge-3", "no endpoint that could serve is on node edge-3"], ["edge-4", "it says that it must serve nothing"]]));
});

test("what it says for its Lease is what it says in its hellos", () => {
  const rig = Rig.settled([MINE]);
  assert.deepEqual(rig.fleet.statements(), rig.said);
  assert.equal(rig.said.get("eth0")?.serving, 1);
});

test("above 25 hosts hellos come less often", () => {
  const rig = Rig.settled([]);
  for (let i = 2; i <= 50; i++) rig.input({ type: "hello", segment: "eth0", statement: statement({ name: `edge-${i}`, instance: i.toString(16).padStart(8, "0") + "00000001", machine: i.toString(16).padStart(8, "0"), mac: mac(i) }), sequence: 1 });
  assert.equal(rig.said.get("eth0")?.intervalMs, 400);
});

// ---- robustness

test("an effect may put an input in: it is taken when the one that caused it is done", () => {
  const rig = Rig.settled([MINE]);
  let servedThen: boolean | undefined;
  rig.onFact = (fact) => {
    if (fact.fact !== "host-alive") return;
    rig.notDue([MINE]);
    servedThen = rig.serves(MINE);
  };
  rig.says({});
  assert.equal(servedThen, true);
  assert.equal(rig.serves(MINE), false);
});

test("nothing that a host says makes it throw, and nothing that is said grows without bound", () => {
  const statements = fc.record({
    name: fc.string(),
    instance: fc.string(),
    machine: fc.constantFrom("00000001", "00000002", ""),
    uptimeMs: fc.double({ noNaN: true }),
    rank: fc.constantFrom(0, 1, 2, 3),
    leaving: fc.boolean(),
    weight: fc.double({ noNaN: true }),
    viewAgeMs: fc.double({ noNaN: true }),
    loopLagMs: fc.double({ noNaN: true }),
    intervalMs: fc.double({ noNaN: true }),
    serving: fc.nat(),
    mac: fc.constantFrom(mac(1), mac(2), mac(3)),
    heard: fc.array(fc.constantFrom("0000000100000001", "x")),
    dead: fc.array(fc.constantFrom("0000000100000001", "x")),
    advertisements: fc.array(fc.record({ name: fc.constantFrom("lan", "x", "__proto__"), prefer: fc.nat() })),
  });
  fc.assert(
    fc.property(fc.array(statements, { maxLength: 30 }), (list) => {
      const rig = new Rig();
      rig.due([MINE, THEIRS]);
      list.forEach((each, i) => {
        rig.input({ type: "hello", segment: "eth0", statement: { ...statement(), ...each, rank: each.rank }, sequence: i });
        rig.heard(MINE, each.mac);
        rig.pass(50);
      });
      rig.pass(200_000);
      // Once they have all been silent for three of the longest intervals that are believed, it serves again.
      assert.ok(rig.serves(MINE) && rig.serves(THEIRS));
    }),
    { numRuns: 60 },
  );
});

test("a flood of new hosts is bounded", () => {
  const rig = Rig.settled([MINE]);
  for (let i = 0; i < 2_000; i++) rig.input({ type: "hello", segment: "eth0", statement: statement({ name: `flood-${i}`, instance: `flood-${i}`, machine: `m${i}` }), sequence: 1 });
  assert.ok(rig.fleet.hosts().length <= 257);
});
