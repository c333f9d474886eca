/** What people see of the fleet, and what no host can do to it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Address } from "../../src/net/index.ts";
import { Rig, vips } from "./rig.ts";
import { mac, statement } from "./statement.ts";

const [MINE] = vips(1, "mine") as readonly [Address];
const [THEIRS] = vips(1, "theirs") as readonly [Address];

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
    fc.property(fc.array(statements, { maxLength: 30, size: "max" }), (list) => {
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
