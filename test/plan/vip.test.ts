import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster, KINDS } from "../../src/cluster/index.ts";
import { dueVips, type Keepers, planVip, type Ownership, sayReason, standsFor, withoutInterface, type World } from "../../src/plan/index.ts";
import { address, formatPrefix } from "../../src/net/index.ts";
import { node, service, type ServiceParts, slice } from "../cluster/objects.ts";
import { advertisement, config, type ConfigParts, l2, peer, pool } from "../config/values.ts";

const VIP = address("192.0.2.1");

const NO_KEEPERS: Keepers = { hasKept: () => false, wouldKeep: () => false };
const OWNER: Ownership = { standing: () => ({ role: "owner", claim: 3 }), presence: () => ({ announceBgp: true, keeps: "nothing", retiring: false, reason: "eligible" }) };

type Scene = ConfigParts & {
  readonly service?: ServiceParts;
  readonly endpoints?: readonly { readonly node?: string; readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean }[];
  readonly fleet?: Ownership;
  readonly keepers?: Keepers;
  readonly segments?: World["segments"];
};

/** One Service "web" with 192.0.2.1 and a ready endpoint on node w1, this host h1, one interface. */
function world({ service: parts = {}, endpoints = [{ node: "w1" }], fleet = OWNER, keepers = NO_KEEPERS, segments = [{ name: "eth0", up: true }], ...rest }: Scene = {}): World {
  const cluster = new Cluster();
  const web = service("web", { ips: [VIP], ...parts });
  cluster.apply({ type: "service", service: web });
  cluster.apply({ type: "slice", slice: slice(web, endpoints) });
  cluster.apply({ type: "node", node: node("w1", { labels: { zone: "a" } }) });
  for (const kind of KINDS) cluster.apply({ type: "synced", kind });
  return { config: config({ pools: [pool("lan", ["192.0.2.0/28"])], ...rest }), cluster, segments, fleet, keepers };
}

const IN_L2 = { l2: [l2("lan", ["lan"])] };
const IN_BGP = { peers: [peer("tor-1", "198.51.100.1"), peer("tor-2", "198.51.100.2")], bgp: [advertisement("out", ["lan"], ["tor-1", "tor-2"])] };

test("the owner answers on its segment, with the claim to be announced", () => {
  const plan = planVip(world(IN_L2), VIP);
  assert.deepEqual(plan.intents, [{ segment: "eth0", action: "answer", claim: 3 }]);
  assert.equal(plan.l2[0]?.announced, true);
});

test("a standby does nothing and knows who answers", () => {
  const fleet: Ownership = { ...OWNER, standing: () => ({ role: "standby", owner: "h2", reason: "it ranks higher" }) };
  const plan = planVip(world({ ...IN_L2, fleet }), VIP);
  assert.deepEqual(plan.intents, []);
  const decision = plan.l2[0];
  assert.ok(decision?.announced === false);
  assert.equal(sayReason(decision.why), "h2 answers for it: it ranks higher");
});

test("a question that the fleet has is asked on the wire", () => {
  const plan = planVip(world({ ...IN_L2, fleet: { ...OWNER, standing: () => ({ role: "asking", ask: 7 }) } }), VIP);
  assert.deepEqual(plan.intents, [{ segment: "eth0", action: "ask", ask: 7 }]);
});

test("every peer of an advertisement gets the host route", () => {
  const plan = planVip(world(IN_BGP), VIP);
  assert.deepEqual(
    plan.bgp.map((decision) => decision.announced && [decision.route.peer, decision.route.prefix]),
    [
      ["tor-1", { address: VIP, length: 32 }],
      ["tor-2", { address: VIP, length: 32 }],
    ],
  );
});

const AGGREGATED = (ipv4: number, ranges: readonly string[] = ["192.0.2.0/28"]): Scene => ({
  pools: [pool("lan", ranges)],
  peers: [peer("tor-1", "198.51.100.1")],
  bgp: [advertisement("out", ["lan"], ["tor-1"], { aggregationLength: { ipv4, ipv6: 128 } })],
});

for (const [what, scene, vip, expected] of [
  ["the aggregate of its length", AGGREGATED(28), "192.0.2.1", "192.0.2.0/28"],
  ["a longer one", AGGREGATED(30), "192.0.2.5", "192.0.2.4/30"],
  ["itself with the whole length", AGGREGATED(32), "192.0.2.5", "192.0.2.5/32"],
  ["what is left of the aggregate at the end of a range", AGGREGATED(29, ["192.0.2.0-192.0.2.10"]), "192.0.2.9", "192.0.2.8/31"],
  ["itself at the very end of a range", AGGREGATED(29, ["192.0.2.0-192.0.2.10"]), "192.0.2.10", "192.0.2.10/32"],
  ["the whole aggregate at the beginning of a range", AGGREGATED(29, ["192.0.2.0-192.0.2.10"]), "192.0.2.7", "192.0.2.0/29"],
] as const) {
  test(`a VIP is announced as ${what}: ${expected}`, () => {
    const plan = planVip(world({ ...scene, service: { ips: [address(vip)] } }), address(vip));
    assert.deepEqual(plan.bgp.map((decision) => decision.announced && formatPrefix(decision.route.prefix)), [expected]);
  });
}

test("two advertisements of different lengths are two routes to one peer; of equal ones the first counts", () => {
  const lengths = (ipv4: number) => ({ aggregationLength: { ipv4, ipv6: 128 } });
  const bgp = [advertisement("wide", ["lan"], ["tor-1"], lengths(28)), advertisement("single", ["lan"], ["tor-1"], { localPref: 200 }), advertisement("again", ["lan"], ["tor-1"], lengths(28))];
  const plan = planVip(world({ peers: [peer("tor-1", "198.51.100.1")], bgp }), VIP);
  assert.deepEqual(
    plan.bgp.map((decision) => decision.announced && [decision.advertisement, formatPrefix(decision.route.prefix), decision.route.attributes.localPref]),
    [
      ["wide", "192.0.2.0/28", 100],
      ["single", "192.0.2.1/32", 200],
    ],
  );
});

/** What is announced nowhere, and the words that say why. */
for (const [what, scene, words] of [
  ["a Service of another class", { ...IN_L2, service: { loadBalancerClass: "other.io/lb" } }, /belongs to another load balancer \(loadBalancerClass other\.io\/lb\)/],
  ["a Service without class where that is not served", { ...IN_L2, kubernetes: { unclassed: false } }, /names no class/],
  ["a Service that is being deleted", { ...IN_L2, service: { deleting: true } }, /is being deleted/],
  ["an address outside every pool", { ...IN_L2, pools: [pool("lan", ["198.51.100.0/24"])] }, /no configured pool contains 192\.0\.2\.1/],
  ["an address of a pool that nothing announces", {}, /no \[\[l2\]\] or \[\[bgp\.advertisement\]\] announces pool lan/],
] as const) {
  test(`${what} is not announced, and the plan says why`, () => {
    const plan = planVip(world(scene), VIP);
    assert.deepEqual([plan.intents, plan.bgp], [[], []]);
    assert.ok(plan.not !== undefined);
    assert.match(sayReason(plan.not), words);
    assert.deepEqual(dueVips(world({ ...scene, l2: [] }), VIP), []);
  });
}

test("nothing is announced before the view is complete", () => {
  const cluster = new Cluster();
  cluster.apply({ type: "service", service: service("web", { ips: [VIP] }) });
  const plan = planVip({ ...world(IN_L2), cluster }, VIP);
  assert.equal(plan.not?.reason, "view-incomplete");
  assert.deepEqual(plan.intents, []);
});

/** What keeps one advertisement from being used on this host, in layer 2. */
for (const [what, scene, reason] of [
  ["is for other hosts", { l2: [l2("lan", ["lan"], { hosts: ["edge-*"] })] }, "host-not-selected"],
  ["is for hosts with other labels", { l2: [l2("lan", ["lan"], { hostSelectors: [[{ key: "rack", operator: "Exists" }]] })] }, "host-not-selected"],
  ["is for nodes, and this host is a gateway", { l2: [l2("lan", ["lan"], { nodeSelectors: [[{ key: "zone", operator: "Exists" }]] })] }, "node-not-selected"],
  ["is for other Services", { l2: [l2("lan", ["lan"], { serviceSelectors: [[{ key: "public", operator: "Exists" }]] })] }, "service-not-selected"],
  ["is for other interfaces", { l2: [l2("lan", ["lan"], { interfaces: ["bond*"] })] }, "no-interface"],
  ["is for an interface that is down", { ...IN_L2, segments: [{ name: "eth0", up: false }] }, "interface-down"],
] as const) {
  test(`an [[l2]] that ${what} is not used, and the decision says why`, () => {
    const plan = planVip(world(scene), VIP);
    assert.deepEqual(plan.intents, []);
    assert.ok(plan.l2[0]?.announced === false);
    assert.equal(plan.l2[0].why.reason, reason);
    assert.notEqual(sayReason(plan.l2[0].why), "");
    const stands = reason === "interface-down" ? ["eth0"] : [];
    assert.deepEqual(dueVips(world(scene), VIP).map(({ segment }) => segment), stands);
  });
}

test("hosts that are named or whose labels or node are selected use the advertisement", () => {
  const named = l2("a", ["lan"], { hosts: ["h?"] });
  const labelled = l2("b", ["lan"], { hostSelectors: [[{ key: "rack", operator: "In", values: ["r1"] }]] });
  const noded = l2("c", ["lan"], { nodeSelectors: [[{ key: "zone", operator: "In", values: ["a"] }]] });
  for (const one of [named, labelled, noded]) {
    const plan = planVip(world({ l2: [one], host: { labels: { rack: "r1" }, node: "w1" } }), VIP);
    assert.equal(plan.l2[0]?.announced, true, one.name);
  }
});

test("of two advertisements on one segment the first of the file has it", () => {
  const plan = planVip(world({ l2: [l2("first", ["lan"], { interfaces: ["eth0"] }), l2("second", ["lan"])], segments: ["eth0", "eth1"].map((name) => ({ name, up: true })) }), VIP);
  assert.deepEqual(
    plan.l2.map((decision) => [decision.advertisement, decision.segment]),
    [
      ["first", "eth0"],
      ["second", "eth1"],
    ],
  );
});

test("under policy Local the fleet is told which nodes can serve, and how well", () => {
  const [due] = dueVips(
    world({
      ...IN_L2,
      service: { externalTrafficPolicy: "Local" },
      endpoints: [{ node: "w1" }, { node: "w2", ready: false, serving: true, terminating: true }, { node: "w3", ready: false, serving: false }, { node: "w1", ready: false, serving: true, terminating: true }],
    }),
    VIP,
  );
  assert.deepEqual(
    due?.fitness,
    new Map([
      ["w1", 2],
      ["w2", 1],
    ]),
  );
  assert.equal(dueVips(world(IN_L2), VIP)[0]?.fitness, undefined);
});

/** When a route is withdrawn, and why. */
for (const [what, scene, reason] of [
  ["no endpoint serves", { ...IN_BGP, endpoints: [{ ready: false, serving: false }] }, "no-endpoint"],
  ["policy Local has its endpoints elsewhere", { ...IN_BGP, host: { node: "w2" }, service: { externalTrafficPolicy: "Local" } }, "no-local-endpoint"],
  ["a better host is there", { ...IN_BGP, fleet: { ...OWNER, presence: () => ({ announceBgp: false, keeps: "nothing" as const, retiring: false, reason: "h2 has rank 3, this host 2" }) } }, "host-unfit"],
  ["the advertisement has no peer", { ...IN_BGP, bgp: [advertisement("out", ["lan"], [])] }, "no-peer"],
  ["the peer is for other hosts", { peers: [peer("tor-1", "198.51.100.1", { hosts: ["h9"] })], bgp: [advertisement("out", ["lan"], ["tor-1"])] }, "peer-not-for-this-host"],
  ["the peer carries the other family", { peers: [peer("tor-1", "198.51.100.1", { families: ["ipv6"] })], bgp: [advertisement("out", ["lan"], ["tor-1"])] }, "peer-without-family"],
] as const) {
  test(`no route is announced when ${what}, and the decision says why`, () => {
    const plan = planVip(world(scene), VIP);
    assert.ok(plan.bgp[0]?.announced === false);
    assert.equal(plan.bgp[0].why.reason, reason);
    assert.notEqual(sayReason(plan.bgp[0].why), "");
  });
}

/** What of the two peers is announced to, and with which communities: "tor-1:[1]". */
function toldTo(keeps: ReturnType<Ownership["presence"]>["keeps"], { announceBgp = true, retiring = false, communities = [1, 0xffff0000] } = {}): readonly string[] {
  const fleet: Ownership = { ...OWNER, presence: () => ({ announceBgp, keeps, retiring, reason: "it leaves" }) };
  const keepers: Keepers = { hasKept: (name) => name === "tor-1", wouldKeep: (name) => name === "tor-2" };
  const bgp = [advertisement("out", ["lan"], ["tor-1", "tor-2"], { communities: communities.map((value) => ({ type: "standard", value })) })];
  return planVip(world({ ...IN_BGP, bgp, fleet, keepers }), VIP).bgp.flatMap((one) => {
    if (!one.announced) return [];
    const values = one.route.attributes.communities.map((community) => (community.type === "standard" ? community.value : 0));
    return [`${one.route.peer}:${one.route.attributes.localPref} ${values.join()}`];
  });
}

test("a host that leaves announces with GRACEFUL_SHUTDOWN and the lowest LOCAL_PREF (RFC 8326), once", () => {
  const last = "0 1,4294901760";
  assert.deepEqual(toldTo("nothing", { retiring: true }), [`tor-1:${last}`, `tor-2:${last}`]);
  assert.deepEqual(toldTo("nothing", { retiring: true, communities: [1] }), [`tor-1:${last}`, `tor-2:${last}`]);
  assert.deepEqual(toldTo("nothing", { communities: [1] }), ["tor-1:100 1", "tor-2:100 1"]);
});

test("before a restart the routers that would keep the routes have them as they are; after it, those that kept them", () => {
  const [communities, last] = [[1], "0 1,4294901760"];
  assert.deepEqual(toldTo("for the next life", { retiring: true, communities }), [`tor-1:${last}`, "tor-2:100 1"]);
  assert.deepEqual(toldTo("for the next life", { announceBgp: false, retiring: true, communities }), ["tor-2:100 1"]);
  assert.deepEqual(toldTo("of the last life", { announceBgp: false, communities }), ["tor-1:100 1"]);
  assert.deepEqual(toldTo("nothing", { announceBgp: false, communities }), []);
});

/** In endpoints; undefined: no link bandwidth is announced. */
function worthOf(scene: Scene, linkBandwidth: "off" | "transitive" | "non-transitive" = "transitive", presence: Partial<ReturnType<Ownership["presence"]>> = {}): number | undefined {
  const fleet: Ownership = { ...OWNER, presence: () => ({ announceBgp: true, keeps: "nothing", retiring: false, reason: "", ...presence }) };
  const local = { ...IN_BGP, host: { node: "w1" }, service: { externalTrafficPolicy: "Local" as const, ...scene.service } };
  const one = planVip(world({ ...local, ...scene, bgp: [advertisement("out", ["lan"], ["tor-1"], { linkBandwidth })], fleet }), VIP).bgp[0];
  assert.ok(one?.announced === true);
  const worth = one.route.attributes.linkBandwidth;
  if (worth !== undefined) assert.equal(worth.transitive, linkBandwidth === "transitive");
  return worth === undefined ? undefined : worth.octetsPerSecond / 125_000;
}

test("under policy Local a route is worth as much as the node of this host has endpoints that are ready", () => {
  const [ready, away, draining, dead] = [{ node: "w1" }, { node: "w2" }, { node: "w1", ready: false, serving: true, terminating: true }, { node: "w1", ready: false, serving: false }];
  for (const [endpoints, worth] of [
    [[ready], 1],
    [[ready, ready, away, draining, dead], 2],
    [[draining, draining, away], 2],
  ] as const) assert.equal(worthOf({ endpoints }), worth);
  assert.equal(worthOf({ endpoints: [ready, ready] }, "non-transitive"), 2);
  assert.equal(worthOf({ endpoints: [ready, ready] }, "transitive", { retiring: true }), 2, "to the last");
});

test("a route is worth as much as any other where that is off, on a gateway, and under policy Cluster", () => {
  const endpoints = [{ node: "w1" }, { node: "w1" }];
  assert.equal(worthOf({ endpoints }, "off"), undefined);
  assert.equal(worthOf({ endpoints, host: { node: undefined } }), undefined);
  assert.equal(worthOf({ endpoints, service: { externalTrafficPolicy: "Cluster" } }), undefined);
});

test("a Pod of both families is one endpoint of an address", () => {
  const both = world({ ...IN_BGP, host: { node: "w1" }, service: { externalTrafficPolicy: "Local" }, endpoints: [], bgp: [advertisement("out", ["lan"], ["tor-1"], { linkBandwidth: "transitive" })] });
  assert.ok(both.cluster instanceof Cluster);
  for (const family of ["ipv4", "ipv6"] as const) both.cluster.apply({ type: "slice", slice: slice(service("web"), [{ node: "w1" }, { node: "w1" }], family) });
  const [one] = planVip(both, VIP).bgp;
  assert.ok(one?.announced === true);
  assert.equal(one.route.attributes.linkBandwidth?.octetsPerSecond, 250_000);
});

test("a Cluster-policy route is kept without endpoints where that is configured", () => {
  const scene = { ...IN_BGP, endpoints: [], bgp: [advertisement("out", ["lan"], ["tor-1"], { withoutEndpoints: "keep" })] };
  assert.equal(planVip(world(scene), VIP).bgp[0]?.announced, true);
});

test("an endpoint that terminates but still serves keeps the route", () => {
  const scene = { ...IN_BGP, host: { node: "w1" }, service: { externalTrafficPolicy: "Local" }, endpoints: [{ node: "w1", ready: false, serving: true, terminating: true }] } as const;
  assert.equal(planVip(world(scene), VIP).bgp[0]?.announced, true);
});

test("a host stands for the advertisements of a segment, with its place among the preferred", () => {
  const scene = world({ l2: [l2("a", ["lan"], { prefer: ["h9", "h1"] }), l2("b", ["lan"]), l2("c", ["lan"], { interfaces: ["bond0"] })] });
  assert.deepEqual(standsFor(scene, "eth0"), [
    { name: "a", prefer: 1 },
    { name: "b", prefer: 0 },
  ]);
});

test("an advertisement for this host without an interface here is named, one for other hosts is not", () => {
  const scene = world({ l2: [l2("lan", ["lan"], { interfaces: ["eth9"] }), l2("any", ["lan"]), l2("others", ["lan"], { hosts: ["h2"], interfaces: ["eth9"] })] });
  assert.deepEqual(withoutInterface(scene).map(sayReason), ["this host has no interface for advertisement lan: none matches eth9"]);
  assert.equal(withoutInterface({ ...scene, segments: [] }).length, 2);
});
