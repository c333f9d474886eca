import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Cluster, type ClusterChange, KINDS } from "../../src/cluster/index.ts";
import type { Standing } from "../../src/fleet/index.ts";
import { type Address, address } from "../../src/net/index.ts";
import { DirtyQueue, Planner, type World } from "../../src/plan/index.ts";
import { service, slice } from "../cluster/objects.ts";
import { advertisement, config, l2, peer } from "../config/values.ts";

const CONFIG = config({ host: { node: "w1" }, l2: [l2("lan", ["lan"])], peers: [peer("tor", "198.51.100.1")], bgp: [advertisement("out", ["lan"], ["tor"], { linkBandwidth: "transitive" })] });

function worldOf(cluster: Cluster, standings: ReadonlyMap<Address, Standing>): World {
  return {
    config: CONFIG,
    cluster,
    segments: [{ name: "eth0", up: true }],
    fleet: { standing: (a) => standings.get(a) ?? { role: "standby", owner: undefined, reason: "nobody" }, presence: () => ({ announceBgp: true, keeps: "nothing", retiring: false, reason: "" }) },
    keepers: { hasKept: () => false, wouldKeep: () => false },
  };
}

test("planning what changed gives the same as planning everything, after any sequence of changes", () => {
  const names = fc.constantFrom("a", "b", "c");
  const ips = fc.uniqueArray(fc.constantFrom("192.0.2.1", "192.0.2.2", "192.0.2.3", "203.0.113.1"), { maxLength: 2 });
  const change: fc.Arbitrary<ClusterChange> = fc.oneof(
    fc.tuple(names, ips, fc.boolean()).map(([name, list, deleting]): ClusterChange => ({ type: "service", service: service(name, { ips: list, deleting, externalTrafficPolicy: deleting || list.length === 1 ? "Cluster" : "Local" }) })),
    names.map((name): ClusterChange => ({ type: "service-gone", key: service(name).key })),
    fc.tuple(names, fc.array(fc.boolean(), { maxLength: 3 })).map(([name, all]): ClusterChange => ({ type: "slice", slice: slice(service(name), all.map((ready) => ({ node: "w1", ready, serving: ready }))) })),
    names.map((name): ClusterChange => ({ type: "slice-gone", key: slice(service(name), []).key })),
  );
  const standing = fc.tuple(fc.constantFrom("192.0.2.1", "192.0.2.2"), fc.boolean(), fc.nat(3));
  fc.assert(
    fc.property(fc.array(fc.oneof(change, standing), { maxLength: 40, size: "max" }), (steps) => {
      const cluster = new Cluster();
      for (const kind of KINDS) cluster.apply({ type: "synced", kind });
      const standings = new Map<Address, Standing>();
      const incremental = new Planner();
      for (const step of steps) {
        if ("type" in step) incremental.update(worldOf(cluster, standings), cluster.apply(step).addresses);
        else {
          const [text, owner, claim] = step;
          standings.set(address(text), owner ? { role: "owner", claim } : { role: "standby", owner: "other", reason: "it is better" });
          incremental.update(worldOf(cluster, standings), [address(text)]);
        }
      }
      const full = new Planner();
      full.update(worldOf(cluster, standings), cluster.addresses());
      assert.deepEqual(new Map([...incremental.plan.l2].sort()), new Map([...full.plan.l2].sort()));
      assert.deepEqual(new Map([...incremental.plan.routes].sort()), new Map([...full.plan.routes].sort()));
    }),
  );
});

test("the same world twice changes nothing", () => {
  const cluster = new Cluster();
  for (const kind of KINDS) cluster.apply({ type: "synced", kind });
  const web = service("web", { ips: ["192.0.2.1"] });
  cluster.apply({ type: "service", service: web });
  cluster.apply({ type: "slice", slice: slice(web, [{ node: "w1" }]) });
  const planner = new Planner();
  const world = worldOf(cluster, new Map([[address("192.0.2.1"), { role: "owner", claim: 1 }]]));
  assert.deepEqual(planner.update(world, cluster.addresses()), { l2: new Set(["192.0.2.1"]), bgp: new Set(["192.0.2.1"]) });
  assert.deepEqual(planner.update(world, cluster.addresses()), { l2: new Set(), bgp: new Set() });
});

test("the queue drains every key once, in slices, also those that come while it drains", () => {
  const turns: (() => void)[] = [];
  const seen: number[] = [];
  let now = 0;
  const queue = new DirtyQueue<number>({
    pass: (keys) => {
      seen.push(...keys);
      if (seen.length === 64) queue.mark([5000]);
      now += 1.5;
    },
    now: () => now,
    soon: (fn) => turns.push(fn),
  });
  queue.mark(Array.from({ length: 1000 }, (_, i) => i));
  queue.mark([3]);
  let slices = 0;
  for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
    turn();
    slices++;
  }
  assert.equal(queue.idle, true);
  assert.deepEqual(new Set(seen).size, 1001);
  assert.equal(seen.length, 1001);
  assert.equal(slices, 8, "two passes of 1.5 ms fill a slice of 2 ms");
});

test("a pass that throws does not stop the queue", () => {
  const turns: (() => void)[] = [];
  const seen: string[] = [];
  const queue = new DirtyQueue<string>({
    pass: (keys) => {
      seen.push(...keys);
      if (keys.includes("bad")) throw new Error("bad");
    },
    now: () => 0,
    soon: (fn) => turns.push(fn),
  });
  queue.mark(["bad"]);
  assert.throws(() => turns.shift()?.(), /bad/);
  queue.mark(["good"]);
  turns.shift()?.();
  assert.deepEqual(seen, ["bad", "good"]);
});
