/** A host goes, and comes back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address } from "../../src/net/index.ts";
import { Rig, vips } from "./rig.ts";
import { mac } from "./statement.ts";

const [MINE] = vips(1, "mine") as readonly [Address];
const [THEIRS] = vips(1, "theirs") as readonly [Address];
const EDGE_2 = mac(2);

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

for (const [failback, again] of [
  ["auto", true],
  ["never", false],
] as const) {
  test(`an undrained host is eligible at once, and with failback = "${failback}" ${again ? "takes its VIP back" : "leaves its VIP where it is"}`, () => {
    const rig = Rig.settled([MINE], { settings: { failback } });
    rig.says({});
    rig.input({ type: "leave", why: "drain" });
    rig.heard(MINE, EDGE_2);
    rig.says({ serving: 1 });
    assert.deepEqual([rig.rank, rig.serves(MINE)], [0, false]);
    rig.pass(5_000);
    rig.input({ type: "undrain" });
    assert.deepEqual([rig.rank, rig.urgent.at(-1)?.leaving], [3, false]);
    rig.pass(2_000);
    assert.equal(rig.serves(MINE), again);
  });
}

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

test("an interface that is made anew is as one that was down: nothing is taken back at once", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ serving: 1 });
  rig.input({ type: "segments", segments: [] });
  rig.pass(2_000);
  rig.link("up");
  rig.says({ serving: 1 });
  rig.heard(MINE, EDGE_2);
  assert.equal(rig.rank, 2);
  rig.pass(50_000);
  assert.equal(rig.serves(MINE), false);
  rig.heard(MINE, EDGE_2);
  rig.pass(12_000);
  assert.equal(rig.serves(MINE), true);
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
