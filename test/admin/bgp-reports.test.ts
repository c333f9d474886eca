/** What is reported of peers and of the routes to them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answerFrom, type PeerReport, Reporter, type RouteReport } from "../../src/admin/index.ts";
import type { BgpPeerStatus, BgpRouteStatus, BgpStatus } from "../../src/bgp/index.ts";
import { type Address, address, parsePrefix } from "../../src/net/index.ts";
import { service, slice } from "../cluster/objects.ts";
import { advertisement, config, peer } from "../config/values.ts";
import { type Parts, peerStatus, Sources } from "./sources.ts";

const ANNOUNCED = config({
  host: { name: "h1" },
  peers: [peer("tor", "198.51.100.1"), peer("spine", "198.51.100.2"), peer("far", "198.51.100.3", { hosts: ["h2"] })],
  bgp: [advertisement("gold", ["lan"], ["tor"]), advertisement("rest", ["lan"], ["tor", "spine"])],
});

function bgp(...peers: readonly BgpPeerStatus[]): BgpStatus {
  return { routerId: "192.0.2.1" as never, peers, listeners: [], aggregates: [] };
}

function route(prefix: string, parts: Partial<BgpRouteStatus> = {}): BgpRouteStatus {
  const parsed = parsePrefix(prefix);
  assert.ok(parsed !== undefined);
  return { prefix: parsed, state: "sent", because: undefined, attributes: { origin: "igp", as_path: "64500" }, vips: [parsed.address], vipCount: 1, ...parts };
}

function reporterOf(parts: Parts): Reporter {
  const world = new Sources({ config: ANNOUNCED, bgp: () => bgp(peerStatus("tor"), peerStatus("spine")), ...parts }).complete();
  const web = service("web", { ips: ["192.0.2.1"] });
  world.cluster.apply({ type: "service", service: web });
  world.cluster.apply({ type: "slice", slice: slice(web, [{ node: "w1" }]) });
  return new Reporter(world.sources);
}

function listed(rows: Iterable<RouteReport> | string): readonly RouteReport[] {
  if (typeof rows === "string") assert.fail(rows);
  return [...rows];
}

test("a route names the Service that it is for and the advertisement that announces it to that peer", () => {
  const reporter = reporterOf({ routes: () => [route("192.0.2.1/32")] });
  assert.deepEqual(listed(reporter.routes(undefined)).map(({ peer: to, vips }) => [to, vips]), [
    ["tor", [{ address: "192.0.2.1", service: "shop/web", advertisement: "gold" }]],
    ["spine", [{ address: "192.0.2.1", service: "shop/web", advertisement: "rest" }]],
  ]);
});

test("what was sent and what waits are told apart, and a VIP that is gone has neither Service nor advertisement", () => {
  const waiting = route("2001:db8::1/128", { state: "waiting", because: "the session is Idle", attributes: undefined, vips: [address("192.0.2.9")], vipCount: 20 });
  const reporter = reporterOf({ routes: (name) => (name === "tor" ? [route("192.0.2.1/32"), waiting] : []) });
  assert.deepEqual(listed(reporter.routes("tor")), [
    { peer: "tor", prefix: "192.0.2.1/32", family: "ipv4", state: "sent", because: null, attributes: { origin: "igp", as_path: "64500" }, community_names: {}, vips: [{ address: "192.0.2.1", service: "shop/web", advertisement: "gold" }], vips_total: 1 },
    { peer: "tor", prefix: "2001:db8::1/128", family: "ipv6", state: "waiting", because: "the session is Idle", attributes: null, community_names: {}, vips: [{ address: "192.0.2.9", service: null, advertisement: null }], vips_total: 20 },
  ]);
});

test("communities that the operator has named carry these names beside what the message has", () => {
  const attributes = { communities: ["64500:100", "64500:200", "no-export"], large_communities: ["large:64500:1:2"], extended_communities: ["rt:64500:1"] };
  const { bgp: speaker } = ANNOUNCED;
  assert.ok(speaker !== undefined);
  const communityNames = new Map([["64500:100", "gold"], ["large:64500:1:2", "site-1"], ["rt:64500:1", "red"], ["64500:300", "silver"]]);
  const [first] = listed(reporterOf({ config: { ...ANNOUNCED, bgp: { ...speaker, communityNames } }, routes: () => [route("192.0.2.1/32", { attributes })] }).routes("tor"));
  assert.deepEqual(first?.attributes, attributes);
  assert.deepEqual(first.community_names, { "64500:100": "gold", "large:64500:1:2": "site-1", "rt:64500:1": "red" });
});

for (const [what, name, parts, said] of [
  ["no peer has", "tro", {}, 'there is no peer "tro"; the peers of this host are tor, spine'],
  ["a peer of other hosts has", "far", {}, 'peer "far" is not for this host, by its hosts, host_selectors or node_selectors; the peers of this host are tor, spine'],
  ["there is, without any peer", "tor", { config: config(), bgp: () => undefined }, 'there is no peer "tor"; this host has no BGP peer at all'],
] as const) {
  test(`for a name that ${what}, the answer is a sentence that names the peers`, () => {
    const reporter = reporterOf(parts);
    assert.equal(reporter.routes(name), said);
    assert.equal(reporter.peers(name), said);
    for (const path of ["/v1/bgp/routes", "/v1/bgp/peers"]) assert.deepEqual(answerFrom(reporter, path, new URLSearchParams({ target: name })), { error: said });
  });
}

test("without BGP there are no routes, which is no error", () => {
  assert.deepEqual(listed(reporterOf({ bgp: () => undefined }).routes(undefined)), []);
});

test("of a hundred thousand routes only those are worked out that are asked for", () => {
  let worked = 0;
  let planned = 0;
  function* endless(): Generator<BgpRouteStatus> {
    for (;;) {
      worked++;
      yield route("192.0.2.1/32");
    }
  }
  const world = new Sources({ config: ANNOUNCED, bgp: () => bgp(peerStatus("tor")), routes: endless }).complete();
  const { sources } = world;
  const counted = { ...sources, planVip: (one: Address) => { planned++; return sources.planVip(one); } };
  const answered = answerFrom(new Reporter(counted), "/v1/bgp/routes", new URLSearchParams());
  assert.ok(answered !== undefined && "rows" in answered, "it is streamed");
  let read = 0;
  for (const row of answered.rows) if (++read === 10 || !("prefix" in row)) break;
  assert.deepEqual([read, worked, planned], [10, 10, 10]);
});

test("a peer's report has the error with its code, what is agreed, and the timers", () => {
  const status = peerStatus("tor", {
    lastError: { text: "it refused us", by: "peer", code: 2, subcode: 2, agoMs: 3600 },
    nextRetryMs: undefined,
    families: { ipv4: { announced: 3, wanted: 5, held: 0, nextHop: "198.51.100.9" }, ipv6: { announced: 1, wanted: 1, held: 0, nextHop: undefined } },
    negotiated: {
      remoteAsn: 64501,
      remoteIdentifier: "198.51.100.1" as never,
      remoteHostname: "tor",
      internal: false,
      holdMs: 9000,
      keepaliveMs: 3000,
      holdLeftMs: 7123,
      keepaliveLeftMs: undefined,
      fourOctetAs: true,
      families: ["ipv4"],
      restart: { keepsRoutesMs: 0, hardReset: false, peerRestarts: false },
      role: "customer",
      remoteRole: "provider",
      remoteCapabilities: ["ipv4", "capability 71"],
      localCapabilities: ["ipv4", "ipv6"],
      agreedCapabilities: ["ipv4"],
    },
    hint: "look at its policy",
  });
  const reports = reporterOf({ bgp: () => bgp(status) }).peers(undefined) as readonly PeerReport[];
  const [report] = reports;
  assert.ok(report !== undefined && reports.length === 1);
  const { detail, ...rest } = report;
  assert.equal(detail, status);
  assert.deepEqual(rest, {
    name: "tor",
    address: "198.51.100.1",
    asn: "64501",
    state: "Established",
    since_seconds: 5,
    routes: 4,
    routes_wanted: 6,
    families: { ipv4: { sent: 3, wanted: 5, held_back: 0, next_hop: "198.51.100.9" }, ipv6: { sent: 1, wanted: 1, held_back: 0, next_hop: null } },
    notes: [],
    last_error: "it refused us",
    error: { text: "it refused us", sent_by: "peer", code: 2, subcode: 2, seconds_ago: 4 },
    capabilities: { agreed: ["ipv4"], ours: ["ipv4", "ipv6"], peer: ["ipv4", "capability 71"] },
    timers: { hold: 9, keepalive: 3, hold_left: 7.1, keepalive_left: null, next_retry: null },
    bfd: null,
    hint: "look at its policy",
  });
});

test("a peer without a session has a next attempt and nothing agreed", () => {
  const [report] = reporterOf({ bgp: () => bgp(peerStatus("tor", { state: "Idle", nextRetryMs: 1500 })) }).peers("tor") as readonly PeerReport[];
  assert.deepEqual([report?.capabilities, report?.error, report?.timers], [null, null, { hold: null, keepalive: null, hold_left: null, keepalive_left: null, next_retry: 1.5 }]);
});
