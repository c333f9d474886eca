/** Settings that change while the host serves: a reload of its configuration. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Address } from "../../src/net/index.ts";
import { Rig, SEGMENT, vips } from "./rig.ts";

const [VIP] = vips(1, "mine") as readonly [Address];

test("the same settings once more are no news: nothing is said, nothing moves", () => {
  const rig = Rig.settled([VIP]);
  const before = rig.said.get(SEGMENT);
  rig.urgent.length = rig.facts.length = 0;
  rig.changes = 0;
  rig.input({ type: "settings", settings: structuredClone(rig.settings) });
  assert.equal(rig.said.get(SEGMENT), before);
  assert.deepEqual([rig.urgent.length, rig.changes, rig.facts.length], [0, 0, 0]);
});

test("other settings are said at once, and what is served stays", () => {
  const rig = Rig.settled([VIP]);
  rig.urgent.length = 0;
  rig.changes = 0;
  const { fleet, digests } = rig.settings;
  rig.input({ type: "settings", settings: { ...rig.settings, weight: 50, node: "another", bgp: true, fleet: { ...fleet, helloMs: 500 }, digests: { ...digests, pools: "other" } } });
  const [said] = rig.urgent;
  assert.deepEqual(
    { weight: said?.weight, node: said?.node, bgp: said?.bgp, intervalMs: said?.intervalMs, pools: said?.digests.pools, serving: said?.serving },
    { weight: 50, node: "another", bgp: true, intervalMs: 500, pools: "other", serving: 1 },
  );
  rig.pass(5000);
  assert.equal(rig.fleet.standing(VIP, SEGMENT).role, "owner");
  assert.equal(rig.changes, 0);
});
