import assert from "node:assert/strict";
import { test } from "node:test";
import { Reporter, samplesOf } from "../../src/admin/index.ts";
import { address } from "../../src/net/index.ts";
import { service, type ServiceParts, slice } from "../cluster/objects.ts";
import { advertisement, config, l2, peer } from "../config/values.ts";
import { bfdStatus, type Parts, peerStatus, routeStatus, Sources } from "./sources.ts";

const ANNOUNCED = config({ l2: [l2("lan", ["lan"])], peers: [peer("tor", "198.51.100.1")], bgp: [advertisement("out", ["lan"], ["tor"])] });

/** A reporter for a cluster with one Service, shop/web. */
function reporterOf(parts: Parts, web?: ServiceParts): Reporter {
  const world = new Sources({ config: ANNOUNCED, ...parts }).complete();
  if (web !== undefined) {
    const one = service("web", web);
    world.cluster.apply({ type: "service", service: one });
    world.cluster.apply({ type: "slice", slice: slice(one, [{ node: "w1" }]) });
  }
  return new Reporter(world.sources);
}

for (const [what, parts, web, said] of [
  ["is unknown", {}, undefined, /^"shop\/web" is neither an IP address nor the NAMESPACE\/NAME of a Service of type LoadBalancer that this host knows$/],
  ["belongs to another load balancer", {}, { loadBalancerClass: "other.io/lb" }, /belongs to another load balancer \(loadBalancerClass other\.io\/lb\)/],
  ["is being deleted", {}, { deleting: true }, /is being deleted/],
  ["was refused an address", { allocator: "h1", refusal: () => "the pool is empty" }, {}, /^Service shop\/web gets no address: the pool is empty$/],
  ["waits for this host", { allocator: "h1" }, {}, /this host is the allocator/],
  ["waits for another host", { allocator: "h2" }, {}, /h2 is the allocator; `bmlb explain shop\/web` there says more/],
  ["waits for nobody", {}, {}, /no host is the allocator: see `bmlb status`/],
] as const) {
  test(`a Service without an address that ${what} is explained by a sentence`, () => {
    const found = reporterOf(parts, web).explain("shop/web");
    assert.equal(typeof found, "string");
    assert.match(found as string, said);
  });
}

test("while the cluster has not been read, that is why a Service is unknown", () => {
  assert.match(new Reporter(new Sources().sources).explain("shop/web") as string, /not been read completely yet.*`bmlb status`/);
});

for (const [what, target, said] of [
  ["in no pool", "203.0.113.9", "no Service has 203.0.113.9 in its status, and no configured pool contains it"],
  ["free in a pool", "192.0.2.9", "no Service has 192.0.2.9 in its status; it is free in pool lan"],
] as const) {
  test(`an address that is ${what} is explained as such`, () => {
    const found = reporterOf({}).explain(target);
    assert.ok(typeof found !== "string");
    assert.deepEqual(found.map(({ answers_here, ways }) => ({ answers_here, ways })), [{ answers_here: false, ways: [{ way: "in any way", here: false, because: said }] }]);
  });
}

test("each way of announcing an address is explained, by address as by Service", () => {
  const reporter = reporterOf({ owner: "h1", route: (_vip, { prefix }) => routeStatus(prefix, "waiting", "the session is Active: it does not answer") }, { ips: ["192.0.2.1"] });
  const found = reporter.explain("192.0.2.1");
  assert.deepEqual(found, reporter.explain("shop/web"));
  assert.ok(typeof found !== "string");
  assert.deepEqual(found[0]?.ways, [
    { way: "l2 lan on eth0", here: true, because: "this host owns it and answers" },
    { way: "bgp out to tor", here: false, because: "the session is Active: it does not answer" },
  ]);
  assert.deepEqual([found[0].address, found[0].service, found[0].pool, found[0].answers_here], ["192.0.2.1", "shop/web", "lan", true]);
});

test("a standby host names the owner and why it is the owner", () => {
  const [report] = reporterOf({ owner: "h2", route: (_vip, { prefix }) => routeStatus(prefix, "changing", "it is about to be sent") }, { ips: ["192.0.2.1"] }).explain("192.0.2.1");
  assert.ok(report !== undefined && typeof report !== "string");
  assert.deepEqual(report.ways, [
    { way: "l2 lan on eth0", here: false, because: "h2 answers for it: h2 is better placed" },
    { way: "bgp out to tor", here: true, because: "announced as 192.0.2.1/32" },
  ]);
});

test("a peer that is not there has no route, and no reason of its own", () => {
  const [report] = reporterOf({ owner: "h2" }, { ips: ["192.0.2.1"] }).explain("192.0.2.1");
  assert.ok(report !== undefined && typeof report !== "string");
  assert.deepEqual(report.ways[1], { way: "bgp out to tor", here: false, because: "there is no session to this peer on this host" });
});

test("VIPs come in the order of their addresses, with who answers for them", () => {
  const world = new Sources({ config: ANNOUNCED, owner: "h2" }).complete();
  for (const [name, ip] of [["b", "192.0.2.10"], ["a", "192.0.2.9"], ["outside", "203.0.113.1"]] as const) world.cluster.apply({ type: "service", service: service(name, { ips: [ip] }) });
  const reports = [...new Reporter(world.sources).vips()];
  assert.deepEqual(reports.map(({ address, service: of, owners, answered_on }) => ({ address, of, owners, answered_on })), [
    { address: "192.0.2.9", of: "shop/a", owners: { eth0: "h2" }, answered_on: [] },
    { address: "192.0.2.10", of: "shop/b", owners: { eth0: "h2" }, answered_on: [] },
  ]);
});

test("the status counts what is announced and carries the peers' notes", () => {
  const reporter = reporterOf({ owner: "h1", warnings: () => ["one"], bgp: () => ({ routerId: "192.0.2.1" as never, peers: [peerStatus("tor", { notes: ["no next hop"] }), peerStatus("spine", { state: "Idle", families: peerStatus("x").families })], listeners: [{ address: address("10.9.9.9"), port: 179, error: "EADDRNOTAVAIL", problem: "cannot listen there" }], aggregates: [{ prefix: { address: address("192.0.2.0"), length: 28 }, vips: 1, problem: "held back" }, { prefix: { address: address("198.51.100.0"), length: 24 }, vips: 9, problem: "held back too" }, { prefix: { address: address("203.0.113.0"), length: 24 }, vips: 9, problem: undefined }] }) }, { ips: ["192.0.2.1"] });
  const status = reporter.status();
  assert.deepEqual(status.vips, { total: 1, answered_here: 1, routes_announced: 2 });
  assert.deepEqual(status.peers, { configured: 2, established: 1 });
  assert.deepEqual(status.warnings, ["one", "cannot listen there", "held back (and so is another one)", "peer tor: no next hop"]);
  assert.deepEqual([status.state, status.uptime_seconds, status.kubernetes.current_seconds_ago], ["ready", 61, 1]);
});

test("pools show their ranges, their use and who announces them", () => {
  assert.deepEqual(reporterOf({ pools: () => [{ name: "lan", size: 16n, used: 3 }] }).pools(), [{ name: "lan", addresses: ["192.0.2.0-192.0.2.15"], size: "16", used: 3, announced_by: ["l2:lan", "bgp:out"] }]);
});

test("every metric has one type and help text and a name of ours", () => {
  const reporter = reporterOf({ owner: "h1" }, { ips: ["192.0.2.1"] });
  const samples = samplesOf({ status: reporter.status(), pools: reporter.pools(), l2: { segments: [] }, bgp: { routerId: "192.0.2.1" as never, peers: [peerStatus("tor")], listeners: [], aggregates: [] }, bfd: { sessions: [bfdStatus("tor"), bfdStatus("spine", { detectionMs: undefined })], problems: ["a port is taken"] }, linesLost: 2 });
  const kinds = new Map<string, string>();
  for (const { name, help, type } of samples) {
    assert.match(name, type === "counter" ? /^bmlb_[a-z0-9_]+_total$/ : /^bmlb_[a-z0-9_]+$/);
    const kind = `${type} ${help}`;
    assert.equal(kinds.get(name) ?? kind, kind);
    kinds.set(name, kind);
  }
  assert.equal(samples.find(({ name }) => name === "bmlb_vips_answered")?.value, 1);
  assert.equal(samples.find(({ name }) => name === "bmlb_log_lines_lost_total")?.value, 2);
  const of = (name: string, peer: string): readonly number[] => samples.filter((one) => one.name === name && one.labels?.["peer"] === peer).map(({ value }) => value);
  assert.deepEqual([of("bmlb_bfd_up", "tor"), of("bmlb_bfd_downs_total", "tor"), of("bmlb_bfd_packets_total", "tor"), of("bmlb_bfd_detection_seconds", "spine")], [[1], [2], [10, 11, 1], []]);
  assert.equal(samples.find(({ name }) => name === "bmlb_bfd_problems")?.value, 1);
});
