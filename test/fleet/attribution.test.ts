import assert from "node:assert/strict";
import { test } from "node:test";
import { Attribution } from "../../src/fleet/attribution.ts";

/** Three claims of edge-2. */
function claims(): Attribution {
  const attribution = new Attribution();
  for (let i = 0; i < 3; i++) attribution.move(undefined, "edge-2");
  return attribution;
}

test("a host that says that it serves what it claimed, or more, is believed", () => {
  const attribution = claims();
  for (let now = 0; now < 100_000; now += 100) assert.equal(attribution.fallsShort("edge-2", 3 + (now % 2), now), false);
});

test("one that says less is doubted after a second, and then less and less often", () => {
  const attribution = claims();
  const doubts: number[] = [];
  for (let now = 0; now < 200_000; now += 100) if (attribution.fallsShort("edge-2", 2, now)) doubts.push(now);
  assert.deepEqual(doubts, [1_000, 6_000, 16_000, 36_000, 76_000, 136_000, 196_000]);
});

test("a hello and a claim that cross are no reason for doubt", () => {
  const attribution = claims();
  assert.equal(attribution.fallsShort("edge-2", 2, 0), false);
  assert.equal(attribution.fallsShort("edge-2", 3, 200), false);
  assert.equal(attribution.fallsShort("edge-2", 2, 1_200), false);
});

test("a claim counts for its last claimant only", () => {
  const attribution = claims();
  attribution.move("edge-2", "edge-3");
  attribution.move("edge-2", undefined);
  attribution.move("edge-3", "edge-3");
  assert.equal(attribution.fallsShort("edge-2", 1, 0), false);
  assert.equal(attribution.fallsShort("edge-2", 1, 2_000), false);
  assert.equal(attribution.fallsShort("edge-3", 0, 0), false);
  assert.equal(attribution.fallsShort("edge-3", 0, 1_000), true);
});
