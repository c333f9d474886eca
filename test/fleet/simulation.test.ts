import assert from "node:assert/strict";
import { test } from "node:test";
import { KINDS } from "./simulation/faults.ts";
import { simulate } from "./simulation/simulation.ts";

const SEEDS = 300;
const A_TEST = 50;

const seen = new Set<string>();
for (let first = 1; first <= SEEDS; first += A_TEST) {
  test(`the fleet's invariants hold under faults, seeds ${first} to ${first + A_TEST - 1}`, () => {
    for (let seed = first; seed < first + A_TEST; seed++) {
      const { schedule, violations } = simulate(seed);
      for (const kind of schedule.kinds) seen.add(kind);
      const [violation] = violations;
      assert.equal(violation, undefined, `seed ${seed} (${schedule.kinds.join(" ")}): invariant ${violation?.invariant ?? ""} at ${violation?.at ?? ""} ms: ${violation?.what ?? ""}; run: node test/fleet/simulate.ts --seed ${seed} --story`);
    }
  });
}

test("among them is every kind of fault", () => {
  assert.deepEqual([...seen].sort(), [...KINDS].sort());
});

test("a seed that is run again does exactly the same", () => {
  const [first, second] = [simulate(7, "told"), simulate(7, "told")];
  assert.ok(first.story.length > 50, `${first.story.length} lines`);
  assert.deepEqual(first.story, second.story);
});

test("silence after a death is what the protocol promises", () => {
  const silences = Array.from({ length: 100 }, (_, i) => simulate(1_000 + i).silences).flat().filter(({ cause }) => cause === "death").map(({ ms }) => ms).sort((a, b) => a - b);
  assert.ok(silences.length > 100, `${silences.length} silences`);
  const median = silences[Math.floor(silences.length / 2)] ?? Infinity;
  assert.ok(median >= 300 && median <= 620, `median ${median} ms`);
});
