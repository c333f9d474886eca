/** Who answers for a VIP, and who gives way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Address, Mac } from "../../src/net/index.ts";
import { Rig, vips } from "./rig.ts";
import { mac } from "./statement.ts";

const [MINE] = vips(1, "mine") as readonly [Address];
const [THEIRS] = vips(1, "theirs") as readonly [Address];
const EDGE_2 = mac(2);
const STRANGER = mac(0x99);
const octet = (value: number): string => (value & 0xff).toString(16).padStart(2, "0");

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

for (const how of ["heard", "used"] as const) {
  test(`a VIP that a stranger ${how === "heard" ? "claims" : "uses"} is defended a second after the first time, and then once in ten seconds (RFC 5227 2.4)`, () => {
    const rig = Rig.settled([MINE]);
    const before = rig.claims(MINE);
    rig[how](MINE, STRANGER);
    rig.pass(900);
    assert.equal(rig.claims(MINE), before);
    rig.pass(200);
    assert.deepEqual(rig.standing(MINE), { role: "owner", claim: before, defence: before + 1 }, "with a single announcement, no new claim");
    for (let i = 0; i < 300; i++) {
      rig[how](MINE, STRANGER);
      rig.pass(100);
    }
    assert.equal(rig.claims(MINE), before + 1 + 3);
    assert.deepEqual(rig.factsOf("stranger").map(({ mac: who, serving }) => ({ who, serving })), [{ who: STRANGER, serving: true }]);
    rig.pass(60_000);
    assert.equal(rig.claims(MINE), before + 5, "once more against what he said after that, and not when he is silent");
  });
}

test("however many strangers claim a VIP, it is defended and told once in ten seconds", () => {
  const rig = Rig.settled([MINE]);
  const before = rig.claims(MINE);
  for (let i = 0; i < 20_000; i++) {
    rig.heard(MINE, `02:00:00:01:${octet(i >> 8)}:${octet(i)}` as Mac);
    if (i % 10 === 9) rig.pass(10);
  }
  assert.ok(rig.claims(MINE) - before <= 3, `${rig.claims(MINE) - before} announcements`);
  assert.ok(rig.factsOf("stranger").length <= 3);
});

test("a host of the fleet that is heard within the second is no stranger, and what its kernel asks in a VIP's name is no claim", () => {
  const rig = Rig.settled([MINE]);
  const before = rig.claims(MINE);
  rig.used(MINE, EDGE_2);
  rig.pass(500);
  rig.says({ serving: 0 });
  rig.used(MINE, EDGE_2);
  rig.pass(5_000);
  assert.equal(rig.serves(MINE), true);
  assert.equal(rig.claims(MINE), before);
  assert.equal(rig.factsOf("stranger").length, 0);
});

test("a host that claims a VIP a thousand times a second is told as often as it is answered", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ serving: 0 });
  for (let i = 0; i < 3_000; i++) {
    rig.heard(MINE, EDGE_2);
    rig.pass(1);
  }
  rig.pass(500);
  const told = rig.factsOf("disputed").reduce((sum, { count }) => sum + count, 0);
  assert.ok(told >= 2 && told <= 3, `${told}`);
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

test("a host that says that it serves less than it claimed is asked about by whoever would take over", () => {
  const rig = Rig.settled([]);
  rig.says({ serving: 3, rank: 2 });
  // Of lower rank but out of reach of a pre-emption, because it would win at equal rank.
  const theirs = vips(3, "theirs");
  for (const vip of theirs) rig.answers.set(vip, EDGE_2);
  rig.due(theirs);
  rig.pass(1_000);
  rig.asked.length = 0;
  rig.pass(10_000);
  assert.equal(rig.asked.length, 0);
  const [given] = theirs;
  if (given !== undefined) rig.answers.delete(given);
  rig.says({ serving: 2, rank: 2 });
  rig.pass(2_000);
  assert.deepEqual(theirs.map((vip) => rig.serves(vip)), [true, false, false]);
  assert.equal(rig.asked.length, 3);
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
