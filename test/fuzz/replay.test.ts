/** What fuzzing once found stays found: seeds and crashers, each through its target. `npm run fuzz` looks for more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../src/time/index.ts";
import { breakOf } from "./break.ts";
import { crashersOf, seedsOf } from "./corpus.ts";
import { mutate } from "./mutate.ts";
import { TARGETS } from "./targets.ts";

const MUTANTS = 2000;

for (const target of TARGETS) {
  test(`${target.name}: no seed and no mutant of one breaks a rule`, () => {
    const seeds = seedsOf(target.name);
    assert.ok(seeds.length > 0, "there is nothing to begin with");
    for (const seed of seeds) assert.equal(breakOf(target, seed), undefined, Buffer.from(seed).toString("hex"));
    const random = seededRandom(1);
    for (let i = 0; i < MUTANTS; i++) {
      const mutant = mutate(seeds[i % seeds.length] ?? new Uint8Array(0), seeds, target.most, random);
      assert.equal(breakOf(target, mutant), undefined, Buffer.from(mutant).toString("hex"));
    }
  });

  for (const [file, octets] of crashersOf(target.name)) {
    test(`${target.name}: ${file} breaks no rule any more`, () => {
      assert.equal(breakOf(target, octets), undefined);
    });
  }
}

test("a rule that is broken is noticed, and the same fault has the same name", () => {
  const broken = (octets: Uint8Array): string | undefined =>
    breakOf({ name: "broken", most: 10, run: (given) => { if (given[0] === 1) throw new RangeError(`octet ${given[1] ?? 0}`); } }, octets);
  assert.equal(broken(Uint8Array.of(0, 7)), undefined);
  assert.match(broken(Uint8Array.of(1, 7)) ?? "", /^RangeError at test\/fuzz\/replay\.test\.ts:\d+:\d+: octet N$/);
  assert.equal(broken(Uint8Array.of(1, 7)), broken(Uint8Array.of(1, 9)));
  assert.equal(breakOf({ name: "writer", most: 10, run: (given) => { given[0] = 9; } }, Uint8Array.of(1)), "it changes its input");
});
