import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Cluster, type Service } from "../../src/cluster/index.ts";
import type { PoolConfig } from "../../src/config/index.ts";
import { type Decision, Ipam } from "../../src/ipam/index.ts";
import { type Address, familyOf } from "../../src/net/index.ts";
import { service, type ServiceParts } from "../cluster/objects.ts";
import { config, type ConfigParts, pool } from "../config/values.ts";

/** An allocator beside a cluster that believes every write. */
class World {
  now = 0;
  readonly cluster = new Cluster();
  readonly ipam: Ipam;

  constructor(parts: ConfigParts = {}) {
    this.ipam = new Ipam(config(parts));
  }

  /** Kubernetes says this of a Service. */
  put(one: Service): void {
    this.cluster.apply({ type: "service", service: one });
    this.ipam.observe(one.key, one, this.now);
  }

  remove(name: string): void {
    const { key } = service(name);
    this.cluster.apply({ type: "service-gone", key });
    this.ipam.observe(key, undefined, this.now);
  }

  decide(one: Service): Decision {
    return this.ipam.decide(one, this.cluster, this.now);
  }

  /** Creates a Service and writes what is decided into its status. Returns its addresses. */
  create(name: string, parts: ServiceParts = {}): readonly string[] {
    const one = service(name, parts);
    this.put(one);
    const decision = this.decide(one);
    if (decision.action !== "assign") return [];
    this.put({ ...one, ingress: decision.addresses.map((ip) => ({ ip })) });
    return decision.addresses;
  }
}

test("Services get the first free addresses in listed order", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.9", "192.0.2.4-192.0.2.5"])] });
  assert.deepEqual([world.create("a"), world.create("b"), world.create("c")], [["192.0.2.9"], ["192.0.2.4"], ["192.0.2.5"]]);
});

test("what a Service already has is adopted and never handed out again", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/30"])] });
  world.put(service("old", { ips: ["192.0.2.0"] }));
  assert.deepEqual(world.decide(service("old", { ips: ["192.0.2.0"] })), { action: "keep" });
  assert.deepEqual(world.create("new"), ["192.0.2.1"]);
});

test("an address that was decided is held before the API confirms it", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/30"])] });
  const [a, b] = [service("a"), service("b")];
  world.put(a);
  world.put(b);
  assert.deepEqual(world.decide(a), { action: "assign", addresses: ["192.0.2.0"], pool: "lan" });
  assert.deepEqual(world.decide(a), { action: "keep" }, "not decided twice while the write is under way");
  assert.deepEqual(world.decide(b), { action: "assign", addresses: ["192.0.2.1"], pool: "lan" });
});

test("an assignment whose write failed is decided again", () => {
  const world = new World();
  const a = service("a");
  world.put(a);
  world.decide(a);
  world.ipam.abandon(a.key, a, world.now);
  assert.equal(world.decide(a).action, "assign");
});

test("an assignment that may or may not have been taken stays held and is written again unchanged", () => {
  const world = new World();
  const [a, b] = [service("a"), service("b")];
  world.put(a);
  world.put(b);
  const first = world.decide(a);
  world.ipam.uncertain(a.key);
  assert.deepEqual(world.decide(b), { action: "assign", addresses: ["192.0.2.1"], pool: "lan" });
  assert.deepEqual(world.decide(a), first);
  assert.deepEqual(world.decide(a), { action: "keep" });
});

test("an assignment that was taken and never shown is decided anew after a while", () => {
  const world = new World();
  const a = service("a");
  world.put(a);
  world.decide(a);
  world.ipam.written(a.key, world.now);
  world.now += 29_000;
  world.put(a);
  assert.deepEqual(world.decide(a), { action: "keep" });
  world.now += 2000;
  world.put(a);
  assert.equal(world.decide(a).action, "assign");
});

test("Services of another class, or of none where that is not served, are left alone", () => {
  const world = new World({ kubernetes: { unclassed: false } });
  for (const one of [service("a"), service("b", { loadBalancerClass: "other.io/lb" }), service("c", { type: "ClusterIP" })]) {
    world.put(one);
    assert.deepEqual(world.decide(one), { action: "keep" });
  }
  assert.deepEqual(world.create("d", { loadBalancerClass: "bmlb.io/bmlb" }), ["192.0.2.0"]);
});

test("an address of another class's Service in our pool is not handed out", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/31"])] });
  world.put(service("foreign", { loadBalancerClass: "other.io/lb", ips: ["192.0.2.0"] }));
  assert.deepEqual(world.create("a"), ["192.0.2.1"]);
});

test("a status outside every pool without our mark is somebody else's and is not touched", () => {
  const world = new World();
  const one = service("a", { ips: ["203.0.113.7"] });
  world.put(one);
  assert.deepEqual(world.decide(one), { action: "keep" });
});

test("an address stays with its Service when the pools change around it", () => {
  const world = new World({ pools: [pool("renamed", ["198.51.100.0/28"])] });
  const one = service("a", { ips: ["192.0.2.3"], annotations: { "bmlb.io/pool": "lan" } });
  world.put(one);
  assert.deepEqual(world.decide(one), { action: "keep" });
});

test("a freed address rests before somebody else gets it, its former Service gets it back at once", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/30"], { reuseDelayMs: 1000 })] });
  world.create("a");
  world.remove("a");
  assert.deepEqual(world.create("b"), ["192.0.2.1"]);
  assert.deepEqual(world.create("a"), ["192.0.2.0"]);
  world.remove("a");
  world.now += 1000;
  assert.deepEqual(world.create("c"), ["192.0.2.0"]);
});

test("when the pool is exhausted, an address is reused before its rest is over", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/31"])] });
  world.create("a");
  world.create("b");
  world.remove("a");
  assert.deepEqual(world.create("c"), ["192.0.2.0"]);
});

test("a change to ClusterIP frees the address", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/32"])] });
  world.create("a");
  world.put(service("a", { type: "ClusterIP" }));
  assert.deepEqual(world.create("b"), ["192.0.2.0"]);
});

test("dual-stack Services get one address of each family from one pool", () => {
  const both = { ipFamilies: ["IPv6", "IPv4"], ipFamilyPolicy: "PreferDualStack" } as const;
  const world = new World({ pools: [pool("a4", ["192.0.2.0/30"]), pool("b46", ["198.51.100.0/30", "2001:db8::/126"])] });
  assert.deepEqual(world.create("web", both), ["2001:db8::", "198.51.100.0"]);
});

test("a Service that prefers two families takes one, a Service that requires them is refused", () => {
  const families = ["IPv4", "IPv6"] as const;
  const world = new World();
  assert.deepEqual(world.create("prefers", { ipFamilies: families, ipFamilyPolicy: "PreferDualStack" }), ["192.0.2.0"]);
  const requires = service("requires", { ipFamilies: families, ipFamilyPolicy: "RequireDualStack" });
  world.put(requires);
  const decision = world.decide(requires);
  assert.equal(decision.action === "refuse" && decision.reason, "PoolExhausted");
});

test("pools bound to the namespace come first, then priority, then name", () => {
  const world = new World({
    pools: [
      pool("zeta", ["192.0.2.0/32"], { priority: 1 }),
      pool("alpha", ["192.0.2.1/32"]),
      pool("beta", ["192.0.2.2/32"]),
      pool("bound", ["192.0.2.3/32"], { namespaces: ["shop"] }),
      pool("other", ["192.0.2.4/32"], { namespaces: ["bank"] }),
      pool("manual", ["192.0.2.5/32"], { autoAssign: false }),
    ],
  });
  assert.deepEqual(
    ["a", "b", "c", "d", "e"].map((name) => world.create(name)),
    [["192.0.2.3"], ["192.0.2.0"], ["192.0.2.1"], ["192.0.2.2"], []],
  );
});

test("namespaces are also selected by their labels, Services by theirs", () => {
  const world = new World({
    pools: [pool("web", ["192.0.2.0/30"], { namespaceSelectors: [[{ key: "team", operator: "In", values: ["web"] }]], serviceSelectors: [[{ key: "tier", operator: "Exists" }]] })],
  });
  assert.deepEqual(world.create("a", { labels: { tier: "edge" } }), []);
  world.cluster.apply({ type: "namespace", namespace: { name: "shop", labels: { team: "web" } } });
  assert.deepEqual(world.create("b", { labels: { tier: "edge" } }), ["192.0.2.0"]);
  assert.deepEqual(world.create("c"), []);
});

for (const [what, request] of [
  ["spec.loadBalancerIP", { loadBalancerIP: "192.0.2.7" }],
  ["bmlb's annotation", { annotations: { "bmlb.io/ips": "192.0.2.7" } }],
  ["MetalLB's annotation", { annotations: { "metallb.io/loadBalancerIPs": "192.0.2.7" } }],
  ["MetalLB's older annotation", { annotations: { "metallb.universe.tf/loadBalancerIPs": " 192.0.2.7 " } }],
] as const) {
  test(`an address asked for by ${what} is given, even from a pool that hands out none by itself`, () => {
    const world = new World({ pools: [pool("lan", ["192.0.2.0/28"], { autoAssign: false })] });
    assert.deepEqual(world.create("a", request), ["192.0.2.7"]);
  });
}

test("a pool that is asked for by name is used", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/28"]), pool("dmz", ["198.51.100.0/28"], { autoAssign: false })] });
  assert.deepEqual(world.create("a", { annotations: { "metallb.io/address-pool": "dmz" } }), ["198.51.100.0"]);
});

for (const [what, parts, reason, words] of [
  ["nonsense", { loadBalancerIP: "nonsense" }, "BadRequest", /spec\.loadBalancerIP asks for "nonsense"/],
  ["an address outside every pool", { loadBalancerIP: "203.0.113.1" }, "AddressNotInPool", /no pool contains/],
  ["an address that is taken", { loadBalancerIP: "192.0.2.0" }, "AddressInUse", /Service shop\/first has/],
  ["a pool that does not exist", { annotations: { "bmlb.io/pool-request": "wan" } }, "NoSuchPool", /the pools are lan/],
  ["a family that no pool has", { ipFamilies: ["IPv6"] }, "PoolExhausted", /no ipv6 address is free in pool lan/],
] as const) {
  test(`a request for ${what} is refused with a reason and a way out, and never replaced by another address`, () => {
    const world = new World();
    world.create("first");
    const one = service("second", parts);
    world.put(one);
    const decision = world.decide(one);
    assert.ok(decision.action === "refuse");
    assert.equal(decision.reason, reason);
    assert.match(decision.message, words);
  });
}

test("of two Services found on one address the younger moves", () => {
  const world = new World();
  const older = service("older", { ips: ["192.0.2.0"], createdAt: 1 });
  const younger = service("younger", { ips: ["192.0.2.0"], createdAt: 2 });
  world.put(younger);
  world.put(older);
  assert.deepEqual(world.decide(older), { action: "keep" });
  assert.deepEqual(world.decide(younger), { action: "assign", addresses: ["192.0.2.1"], pool: "lan" });
});

test("a Service that may not keep a contested address and can have no other loses it", () => {
  const world = new World();
  world.put(service("older", { ips: ["192.0.2.0"], createdAt: 1 }));
  const younger = service("younger", { ips: ["192.0.2.0"], loadBalancerIP: "192.0.2.0", createdAt: 2 });
  world.put(younger);
  assert.equal(world.decide(younger).action, "release");
});

test("addresses that end in 0 or 255 are left out where that is asked for", () => {
  const world = new World({ pools: [pool("lan", ["192.0.1.255-192.0.2.1"], { avoidBuggyIps: true })] });
  assert.deepEqual(world.create("a"), ["192.0.2.1"]);
});

test("use counts what is held in each pool", () => {
  const world = new World();
  world.create("a");
  world.create("b");
  assert.deepEqual(world.ipam.use(), [{ name: "lan", size: 16n, used: 2 }]);
});

test("whatever is created and deleted, no address has two Services, and a pool with room refuses nobody", () => {
  const step = fc.record({ name: fc.constantFrom("a", "b", "c", "d", "e", "f"), create: fc.boolean(), wait: fc.nat(2000) });
  const pools: readonly PoolConfig[] = [pool("small", ["192.0.2.0/31"], { reuseDelayMs: 1000 }), pool("large", ["198.51.100.0/29"], { reuseDelayMs: 1000 })];
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const world = new World({ pools });
      for (const { name, create, wait } of steps) {
        world.now += wait;
        const exists = world.cluster.service(service(name).key) !== undefined;
        if (create && !exists) assert.equal(world.create(name).length, 1);
        else if (!create) world.remove(name);
        const held: Address[] = Array.from(world.cluster.services()).flatMap((one) => one.ingress.map((entry) => entry.ip));
        assert.equal(new Set(held).size, held.length);
        assert.equal(held.every((a) => familyOf(a) === "ipv4"), true);
      }
    }),
  );
});

test("a request that names an address twice gets it once", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/30"])] });
  assert.deepEqual(world.create("web", { annotations: { "bmlb.io/ips": "192.0.2.2, 192.0.2.2" } }), ["192.0.2.2"]);
});

test("use stays true while Services come, share, change type and go", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/30"])] });
  const used = (): number | undefined => world.ipam.use()[0]?.used;
  world.put(service("a", { ips: ["192.0.2.1"] }));
  world.put(service("b", { ips: ["192.0.2.1", "203.0.113.1"] }));
  assert.equal(used(), 1);
  world.remove("a");
  assert.equal(used(), 1);
  world.put(service("b", { type: "ClusterIP" }));
  assert.equal(used(), 0);
});

test("a status that names a host is another controller's, and is left alone", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/30"])] });
  const cloud = service("cloud", { hasHostname: true });
  world.put(cloud);
  assert.deepEqual(world.decide(cloud), { action: "keep" });
});

test("an address stays with its Service while some pool contains it, whatever the pools become", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/29"])] });
  const [a] = world.create("a");
  world.create("b");
  const keepsIts = (): void => { assert.deepEqual(world.decide(service("a", { ips: [a ?? ""], annotations: { "bmlb.io/pool": "lan" } })), { action: "keep" }); };
  for (const [what, pools, used] of [
    ["renamed", [pool("other", ["192.0.2.0/29"])], [2]],
    ["split", [pool("upper", ["192.0.2.4/30"]), pool("lower", ["192.0.2.0/30"])], [0, 2]],
    ["shrunk", [pool("lan", ["192.0.2.0"])], [1]],
    ["gone", [pool("elsewhere", ["198.51.100.0/30"])], [0]],
    ["back", [pool("lan", ["192.0.2.0/29"])], [2]],
  ] as const) {
    world.ipam.configure(config({ pools }));
    assert.deepEqual(world.ipam.use().map((pool) => pool.used), used, what);
    keepsIts();
  }
  assert.deepEqual(world.create("c"), ["192.0.2.2"], "and nobody else gets it");
});

test("other pools change nothing about an assignment that is on its way", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/30"])] });
  const one = service("a");
  world.put(one);
  assert.deepEqual(world.decide(one), { action: "assign", addresses: ["192.0.2.0"], pool: "lan" });
  world.ipam.configure(config({ pools: [pool("lan", ["192.0.2.0/29"])] }));
  assert.deepEqual(world.decide(one), { action: "keep" });
  assert.deepEqual(world.create("b"), ["192.0.2.1"]);
});

test("what was freed rests as long as it would have, whatever pool it is in now", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0/30"], { reuseDelayMs: 10_000 })] });
  world.create("a");
  world.remove("a");
  world.now = 5000;
  world.ipam.configure(config({ pools: [pool("first", ["192.0.2.0/31"], { reuseDelayMs: 10_000 }), pool("second", ["192.0.2.2/31"])] }));
  assert.deepEqual(world.create("b"), ["192.0.2.1"]);
  world.now = 10_000;
  assert.deepEqual(world.create("c"), ["192.0.2.0"]);
});

test("a Service that has waited for an address gets one of a pool that is new, and its class decides anew whether it is ours", () => {
  const world = new World({ pools: [pool("lan", ["192.0.2.0"])] });
  world.create("a");
  assert.deepEqual(world.create("b"), []);
  world.ipam.configure(config({ pools: [pool("lan", ["192.0.2.0"]), pool("more", ["192.0.2.8"])], kubernetes: { unclassed: false } }));
  assert.deepEqual(world.create("b"), []);
  world.ipam.configure(config({ pools: [pool("lan", ["192.0.2.0"]), pool("more", ["192.0.2.8"])] }));
  assert.deepEqual(world.create("b"), ["192.0.2.8"]);
});

test("who was configured anew hands out what one would that had started so", () => {
  const blocks = ["192.0.2.0/30", "192.0.2.4/30", "192.0.2.8/31", "192.0.2.10/31"];
  const cut = fc.uniqueArray(fc.constantFrom(...blocks), { minLength: 1 }).chain((ranges) => fc.integer({ min: 1, max: ranges.length }).map((n) => [pool("p", ranges.slice(0, n)), ...(n < ranges.length ? [pool("q", ranges.slice(n))] : [])]));
  fc.assert(
    fc.property(cut, cut, fc.integer({ min: 0, max: 14 }), (before, after, services) => {
      const world = new World({ pools: before });
      for (let i = 0; i < services; i++) world.create(`s${i}`);
      const fresh = new World({ pools: after });
      for (const one of world.cluster.services()) fresh.put(one);
      world.ipam.configure(config({ pools: after }));
      assert.deepEqual(world.ipam.use(), fresh.ipam.use());
      // A space that is kept goes on where it was; what lies before that is held by somebody.
      for (let i = 0; i < 14; i++) assert.deepEqual(world.create(`n${i}`), fresh.create(`n${i}`));
    }),
  );
});
