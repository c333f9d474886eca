/** A host starts, and others die. */
import assert from "node:assert/strict";
import { test } from "node:test";
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

test("5 000 VIPs of a host that dies are taken in one turn, told in one line", () => {
  const theirs = vips(5_000, "theirs");
  const rig = Rig.settled(theirs);
  rig.says({});
  for (const vip of theirs) {
    rig.answers.set(vip, EDGE_2);
    rig.heard(vip, EDGE_2);
  }
  rig.says({ serving: 5_000 });
  rig.pass(5_000);
  assert.equal(rig.fleet.serving("eth0"), 0);
  rig.facts.length = rig.asked.length = 0;
  rig.silence();
  rig.until(() => rig.fleet.serving("eth0") > 0, 1_000);
  assert.equal(rig.fleet.serving("eth0"), 5_000);
  rig.pass(1_000);
  assert.equal(rig.asked.length, 0);
  assert.deepEqual(rig.facts.map(({ fact }) => fact), ["host-suspect", "host-dead", "took"]);
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
