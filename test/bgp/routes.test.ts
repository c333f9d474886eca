/** `bmlb bgp routes`: what the speaker says that it sent is what the router has, and what waits says for what. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BgpRouteStatus, RouteAttributes } from "../../src/bgp/index.ts";
import { type Family, formatPrefix } from "../../src/net/index.ts";
import { encodeRouteRefresh } from "../../src/wire/index.ts";
import type { MemorySocket } from "./memory-tcp.ts";
import { ROUTER } from "./router.ts";
import { ATTRIBUTES, PEER, US, World } from "./world.ts";

type Row = Pick<BgpRouteStatus, "state" | "because" | "attributes"> & { readonly prefix: string };

/** The speaker says the same of one route as of all. */
function routes(w: World, peer = "tor-1"): Row[] {
  return Array.from(w.speaker.routes(peer) ?? [], (route) => {
    const { prefix, state, because, attributes, vips: [vip] } = route;
    if (vip !== undefined) assert.deepEqual(w.speaker.route(vip, { peer, prefix }), route);
    return { prefix: formatPrefix(prefix), state, because, attributes };
  });
}

const RICH: RouteAttributes = {
  localPref: 250,
  med: 0,
  prepend: 2,
  communities: [
    { type: "standard", value: 0xffffff01 },
    { type: "standard", value: 64500 * 65536 + 100 },
    { type: "large", global: 64500, local1: 1, local2: 2 },
    { type: "route-target", asn: 64500, value: 7 },
  ],
  linkBandwidth: { octetsPerSecond: 375_000, transitive: false },
};

test("a route that was sent shows every attribute that the router got, and no other", () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9", "fd09::9"], attributes: RICH });
  const communities = { communities: ["64500:100", "no-export"], extended_communities: ["rt:64500:7", "link-bandwidth:64500:375000"], large_communities: ["large:64500:1:2"] };
  assert.deepEqual(routes(w), [
    { prefix: "10.9.9.9/32", state: "sent", because: undefined, attributes: { origin: "igp", as_path: "64500 64500 64500", next_hop: US, med: 0, ...communities } },
    { prefix: "fd09::9/128", state: "sent", because: undefined, attributes: { next_hop: "fd07::1", origin: "igp", as_path: "64500 64500 64500", med: 0, ...communities } },
  ]);
});

test("to an internal peer the same route is another one", () => {
  const w = new World();
  w.establish({ peers: [{ ...PEER, asn: "internal", localAsn: 64501 }], vips: ["10.9.9.9"], attributes: RICH });
  const [row] = routes(w);
  assert.deepEqual([row?.state, row?.attributes?.["as_path"], row?.attributes?.["local_pref"]], ["sent", "", 250]);
});

test("what nobody configured but the session adds shows as well", () => {
  const w = new World();
  w.router.behave = (connection) => {
    const more = [{ name: "role", role: 4 }, { name: "long-lived-graceful-restart", families: [] }] as const; // 4: peer (RFC 9234 4.1)
    w.router.sendOpen(connection, { capabilities: [...ROUTER.capabilities, ...more] });
    connection.send("KEEPALIVE");
  };
  w.establish({ peers: [{ ...PEER, role: "peer" }], vips: ["10.9.9.9"] });
  assert.deepEqual(routes(w)[0]?.attributes, { origin: "igp", as_path: "64500", next_hop: US, communities: ["no-llgr"], only_to_customer: 64500 });
});

for (const [what, bring, because] of [
  ["the router is not there", (w: World) => { w.apply({ vips: ["10.9.9.9"] }); w.advance(100); }, "the session is Idle: peer tor-1 refuses connections at 10.7.0.254 port 179: start BGP there, and let it accept this host"],
  ["nothing has been tried yet", (w: World) => { w.router.listen(); w.apply({ vips: ["10.9.9.9"] }); }, "the session is Connect"],
  ["the world is not known", (w: World) => { w.establish({ vips: ["10.9.9.9"], complete: false }); }, "the cluster has not been read completely yet"],
  ["the peer does not speak the family", (w: World) => {
    w.router.behave = (connection) => {
      w.router.sendOpen(connection, { capabilities: ROUTER.capabilities.filter((one) => one.name !== "multiprotocol" || one.afi === 2) });
      connection.send("KEEPALIVE");
    };
    w.establish({ vips: ["10.9.9.9"] });
  }, "the peer does not speak ipv4 unicast"],
  ["there are too many communities", (w: World) => {
    w.establish({ vips: ["10.9.9.9"], attributes: { ...ATTRIBUTES, communities: Array.from({ length: 600 }, (_, value) => ({ type: "standard", value })) } });
  }, "its attributes leave no room for a prefix in a message: fewer communities are needed"],
] as const) {
  test(`a route waits and says why: ${what}`, () => {
    const w = new World();
    bring(w);
    assert.deepEqual(routes(w), [{ prefix: "10.9.9.9/32", state: "waiting", because, attributes: undefined }]);
  });
}

test("an IPv6 route waits for a next hop, and is sent as soon as there is one", () => {
  const w = new World();
  w.beside = { ipv4: US };
  w.establish({ vips: ["fd09::9"] });
  assert.deepEqual(routes(w), [{ prefix: "fd09::9/128", state: "waiting", because: "the interface of this session has no ipv6 address to be the next hop", attributes: undefined }]);
  w.beside = { ipv4: US, ipv6: "fd07::1" as never };
  w.advance(6000);
  assert.deepEqual([routes(w)[0]?.state, routes(w)[0]?.attributes?.["next_hop"]], ["sent", "fd07::1"]);
});

test("while a router takes nothing, what it has and what it should have are told apart", () => {
  const w = new World();
  const many = Array.from({ length: 60_000 }, (_, i) => `10.100.${i >> 8}.${i & 255}`);
  w.establish({ vips: ["10.9.9.8", "10.9.9.9"] });
  const near = (w.router.last.socket as MemorySocket).peer;
  assert.ok(near !== undefined);
  near.stalled = true;
  w.apply({ vips: ["10.9.9.8", "10.9.9.9", ...many] });
  w.advance(2000);
  w.apply({ vips: ["10.9.9.9", ...many], attributes: { ...ATTRIBUTES, med: 5 } });
  w.advance(2000);
  const rows = new Map(routes(w).map((row) => [row.prefix, row]));
  const slow = "the peer does not take what was sent before";
  const attributes = { origin: "igp", as_path: "64500", next_hop: US };
  assert.deepEqual(rows.get("10.9.9.8/32"), { prefix: "10.9.9.8/32", state: "withdrawing", because: slow, attributes });
  assert.deepEqual(rows.get("10.9.9.9/32"), { prefix: "10.9.9.9/32", state: "changing", because: slow, attributes });
  assert.deepEqual(rows.get("10.100.234.95/32"), { prefix: "10.100.234.95/32", state: "waiting", because: slow, attributes: undefined });
  near.unstall();
  w.advance(5000);
  assert.deepEqual(new Set(routes(w).map(({ state }) => state)), new Set(["sent"]));
  assert.deepEqual(routes(w).map(({ prefix }) => prefix).sort(), [...w.router.last.table.keys()].sort());
});

test("a route that the router asks for once more has been sent all the while", () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9"] });
  w.router.last.send("ROUTE-REFRESH", Uint8Array.of(0, 1, 0, 1));
  w.advance(2);
  assert.equal(routes(w)[0]?.state, "sent");
});

test("an aggregate waits for its route in the kernel; then it names the first of the VIPs that ask for it, and how many there are", async () => {
  const w = new World();
  w.establish({ vips: Array.from({ length: 200 }, (_, i) => `10.9.9.${i}>10.9.9.0/24`) });
  assert.deepEqual(routes(w), [{ prefix: "10.9.9.0/24", state: "waiting", because: "aggregate 10.9.9.0/24 is not announced yet: its unreachable route is being made", attributes: undefined }]);
  await w.pass(100);
  const [row, ...more] = w.speaker.routes("tor-1") ?? [];
  assert.deepEqual([row?.state, row?.vipCount, row?.vips.length, row?.vips[0], more.length], ["sent", 200, 16, "10.9.9.0", 0]);
});

test("a table that changes while it is read is read to an end", () => {
  const w = new World();
  const block = (from: number): string[] => Array.from({ length: 100 }, (_, i) => `10.9.${from}.${i}`);
  w.establish({ vips: block(0) });
  let read = 0;
  let round = 0;
  for (const { prefix } of w.speaker.routes("tor-1") ?? []) {
    assert.ok(formatPrefix(prefix).startsWith("10.9."));
    read++;
    w.apply({ vips: block(++round % 2) });
    w.advance(100);
  }
  assert.ok(read > 0 && read <= 100, String(read));
});

test("whom there is no peer for has no routes", () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9"] });
  assert.equal(w.speaker.routes("tor-2"), undefined);
  const families: readonly Family[] = ["ipv6"];
  w.apply({ peers: [{ ...PEER, name: "tor-2", families }], vips: [] });
  assert.equal(w.speaker.routes("tor-1"), undefined);
  assert.deepEqual(routes(w, "tor-2"), []);
});

test("for a peer that has not been found the routes wait for that", () => {
  const w = new World();
  w.apply({ peers: [{ ...PEER, sourceInterface: "dum9" }], vips: ["10.9.9.1>10.9.9.0/24", "10.9.9.2>10.9.9.0/24", "10.8.8.8"] });
  w.advance(100);
  const because = "there is no interface dum9, whose address is to be our source";
  assert.deepEqual(routes(w), [
    { prefix: "10.8.8.8/32", state: "waiting", because, attributes: undefined },
    { prefix: "10.9.9.0/24", state: "waiting", because: "aggregate 10.9.9.0/24 is not announced yet: its unreachable route is being made", attributes: undefined },
  ]);
  assert.equal(w.peer().families.ipv4.wanted, 1);
});

test("how many routes have too many communities is said as it is: a refresh does not double it, and it is over when they have fewer", () => {
  const w = new World();
  const vips = ["10.9.9.1", "10.9.9.2", "10.9.9.3"];
  const communities = Array.from({ length: 1100 }, (_, value) => ({ type: "standard", value }) as const);
  const notes = (): readonly string[] => w.peer().notes;
  w.establish({ vips });
  w.apply({ vips, attributes: { ...ATTRIBUTES, communities } });
  w.advance(100);
  w.router.last.send("ROUTE-REFRESH", encodeRouteRefresh({ afi: 1, safi: 1, subtype: "request" }));
  w.advance(100);
  assert.deepEqual([w.router.last.table.size, notes()], [0, ["3 routes have so many communities that they do not fit a message"]]);
  w.apply({ vips });
  w.advance(100);
  assert.deepEqual([w.router.last.table.size, notes()], [3, []]);
});
