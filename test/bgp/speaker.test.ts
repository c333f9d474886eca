/** The speaker as a router sees it: sessions, timers, routes, and what the operator is told. On the virtual clock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ipv4, Ipv6 } from "../../src/net/index.ts";
import { communicationOf, encodeRouteRefresh } from "../../src/wire/index.ts";
import type { MemorySocket } from "./memory-tcp.ts";
import { ROUTER, Router } from "./router.ts";
import { ATTRIBUTES, PEER, US, World } from "./world.ts";

test("a session comes up and carries both families, each with its End-of-RIB", () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.10", "10.9.9.9", "fd09::9"] });
  const { log, open, table } = w.router.last;
  assert.deepEqual(log, ["OPEN", "KEEPALIVE", "UPDATE +10.9.9.10/32 +10.9.9.9/32", "UPDATE end ipv4", "UPDATE +fd09::9/128", "UPDATE end ipv6"]);
  assert.equal(open?.asn, 64500);
  assert.equal(open.holdSeconds, 90);
  assert.equal(open.identifier, "10.7.0.1");
  assert.deepEqual(open.capabilities.map(({ name }) => name), ["multiprotocol", "multiprotocol", "route-refresh", "four-octet-as", "enhanced-route-refresh", "fqdn"]);
  assert.deepEqual(table.get("10.9.9.9/32"), { origin: "igp", asPath: [{ type: "sequence", asns: [64500] }], nextHop: US });
  const status = w.peer();
  assert.equal(status.state, "Established");
  assert.deepEqual([status.families.ipv4.announced, status.families.ipv6.announced], [2, 1]);
  assert.deepEqual(w.speaker.announcedTo("10.9.9.9" as Ipv4), ["tor-1"]);
  assert.deepEqual(w.lines, ["info session with peer tor-1 is up; if routes do not show there, its import policy may drop them (RFC 8212) peer=tor-1 address=10.7.0.254 asn=64501 hold_s=90 families=ipv4,ipv6"]);
});

test("the same wish twice sends nothing; a change sends the difference, coalesced", () => {
  const w = new World();
  const vips = ["10.9.9.1", "10.9.9.2", "10.9.9.3"];
  w.establish({ vips });
  const { log } = w.router.last;
  log.length = 0;
  w.apply({ vips });
  w.advance(1000);
  assert.deepEqual(log, []);
  w.apply({ vips: ["10.9.9.2", "10.9.9.3", "10.9.9.4"] });
  w.advance(1000);
  assert.deepEqual(log, ["UPDATE -10.9.9.1/32", "UPDATE +10.9.9.4/32"]);
  log.length = 0;
  for (let n = 5; n < 14; n++) {
    w.apply({ vips: Array.from({ length: n }, (_, i) => `10.9.9.${i + 1}`) });
    w.advance(0.4);
  }
  w.advance(1000);
  assert.deepEqual(
    log,
    ["UPDATE +10.9.9.1/32 +10.9.9.5/32", "UPDATE +10.9.9.6/32", "UPDATE +10.9.9.7/32", "UPDATE +10.9.9.8/32", "UPDATE +10.9.9.9/32", "UPDATE +10.9.9.10/32 +10.9.9.11/32 +10.9.9.12/32 +10.9.9.13/32"],
    "the first few at once, the rest together",
  );
  w.apply({ vips: [] });
  w.apply({ vips: Array.from({ length: 13 }, (_, i) => `10.9.9.${i + 1}`) });
  log.length = 0;
  w.advance(1000);
  assert.deepEqual(log, [], "gone and back before anything was sent is nothing");
});

test("a change of attributes announces again and resets nothing", () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9", "fd09::9"] });
  w.apply({ vips: ["10.9.9.9", "fd09::9"], attributes: { ...ATTRIBUTES, med: 7, prepend: 1, communities: [{ type: "standard", value: 1 }] } });
  w.advance(1000);
  assert.deepEqual(w.router.last.log.slice(6), ["UPDATE +10.9.9.9/32", "UPDATE +fd09::9/128"]);
  const attributes = w.router.last.table.get("fd09::9/128");
  assert.deepEqual([attributes?.med, attributes?.communities, attributes?.asPath], [7, [1], [{ type: "sequence", asns: [64500, 64500] }]]);
  assert.equal(w.peer().establishments, 1);
});

test("inside one AS the path is empty and LOCAL_PREF is sent", () => {
  const w = new World();
  w.establish({ peers: [{ ...PEER, asn: "internal", localAsn: 64501 }], vips: ["10.9.9.9"], attributes: { ...ATTRIBUTES, localPref: 250, prepend: 3 } });
  assert.deepEqual(w.router.last.table.get("10.9.9.9/32"), { origin: "igp", asPath: [], nextHop: US, localPref: 250 });
});

test("what a route is worth goes with it, and another worth is announced without a reset", () => {
  const w = new World();
  const worth = (endpoints: number) => ({ attributes: { ...ATTRIBUTES, linkBandwidth: { octetsPerSecond: endpoints * 125_000, transitive: false } } });
  w.establish({ vips: ["10.9.9.9"], ...worth(3) });
  assert.deepEqual(w.router.last.table.get("10.9.9.9/32")?.extendedCommunities, [0x4004fbf448b71b00n]);
  w.router.last.log.length = 0;
  w.apply({ vips: ["10.9.9.9"], ...worth(1) });
  w.advance(100);
  w.apply({ vips: ["10.9.9.9"], ...worth(1) });
  w.advance(100);
  assert.deepEqual(w.router.last.log, ["UPDATE +10.9.9.9/32"]);
  assert.deepEqual(w.router.last.table.get("10.9.9.9/32")?.extendedCommunities, [0x4004fbf447f42400n]);
  assert.equal(w.peer().establishments, 1);
});

test("toward a router that keeps routes long after a restart, ours say that they must not be (RFC 9494)", () => {
  const NO_LLGR = 0xffff0007;
  for (const [extra, communities, expected] of [
    [[{ name: "long-lived-graceful-restart", families: [] }], [], [NO_LLGR]],
    [[{ name: "long-lived-graceful-restart", families: [{ afi: 1, safi: 1, forwarding: true, staleSeconds: 86_400 }] }], [1, NO_LLGR], [1, NO_LLGR]],
    [[], [], undefined],
    [[], [NO_LLGR], [NO_LLGR]],
  ] as const) {
    const w = new World();
    w.router.behave = (connection) => { w.router.establish(connection, { capabilities: [...ROUTER.capabilities, ...extra] }); };
    w.establish({ vips: ["10.9.9.9"], attributes: { ...ATTRIBUTES, communities: communities.map((value) => ({ type: "standard", value })) } });
    assert.deepEqual(w.router.last.table.get("10.9.9.9/32")?.communities, expected);
  }
});

test("a prefix that several VIPs share is announced until the last of them goes", async () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.1>10.9.9.0/24", "10.9.9.2>10.9.9.0/24"] });
  await w.pass(100);
  const { log } = w.router.last;
  assert.equal(log[2], "UPDATE +10.9.9.0/24");
  log.length = 0;
  w.apply({ vips: ["10.9.9.2>10.9.9.0/24"] });
  w.advance(1000);
  assert.deepEqual(log, []);
  w.apply({ vips: [] });
  w.advance(1000);
  assert.deepEqual(log, ["UPDATE -10.9.9.0/24"]);
});

test("before the first complete view the session is up and silent: no route, no End-of-RIB", () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9"], complete: false });
  assert.equal(w.peer().state, "Established");
  w.advance(10_000);
  assert.deepEqual(w.router.last.log, ["OPEN", "KEEPALIVE"]);
  w.apply({ vips: ["10.9.9.9"] });
  w.advance(1000);
  assert.deepEqual(w.router.last.log.slice(2), ["UPDATE +10.9.9.9/32", "UPDATE end ipv4", "UPDATE end ipv6"]);
});

test("the smaller hold time is kept, KEEPALIVEs come three times as often, and silence ends the session", () => {
  const w = new World();
  w.router.behave = (connection) => {
    w.router.sendOpen(connection, { holdSeconds: 30 });
    connection.send("KEEPALIVE");
  };
  w.establish();
  assert.equal(w.peer().negotiated?.holdMs, 30_000);
  assert.equal(w.peer().negotiated?.keepaliveMs, 10_000);
  const { log } = w.router.last;
  w.advance(29_000);
  const keepalives = log.filter((line) => line === "KEEPALIVE").length;
  assert.ok(keepalives >= 3 && keepalives <= 5, `${keepalives} in 29 s`);
  assert.equal(w.peer().state, "Established");
  w.advance(1500);
  assert.equal(log.at(-1), "NOTIFICATION 4/0");
  assert.equal(w.router.last.closed, true);
  assert.equal(w.said(/warning closed the session with peer tor-1, which fell silent \(hold timer expired\)/).length, 1);
});

test("with a hold time of zero silence is no reason to end a session", () => {
  const w = new World();
  w.router.behave = (connection) => {
    w.router.sendOpen(connection, { holdSeconds: 0 });
    connection.send("KEEPALIVE");
  };
  w.establish();
  w.advance(3_600_000);
  assert.equal(w.peer().state, "Established");
  assert.equal(w.router.last.counts.KEEPALIVE, 1);
});

test("a router that stays silent after TCP is given four minutes and told that its hold timer expired", () => {
  const w = new World();
  w.router.behave = () => undefined;
  w.establish();
  w.advance(239_000);
  assert.equal(w.router.last.notification, undefined);
  w.advance(2000);
  assert.equal(w.router.connections[0]?.log.at(-1), "NOTIFICATION 4/0");
  assert.equal(w.said(/warning gave up peer tor-1: it took the connection, but no OPEN arrives/).length, 1);
});

/** When each attempt to connect came, in seconds. */
function attempts(w: World, forMs: number): number[] {
  const times: number[] = [];
  let seen = w.router.connections.length;
  const end = w.world.time + forMs;
  while (w.world.time < end) {
    w.advance(100);
    for (; seen < w.router.connections.length; seen++) times.push(w.world.time / 1000);
  }
  return times;
}

test("a router that does not listen is tried again at least every connect_time, one that does not answer too", () => {
  const w = new World();
  w.apply({});
  w.advance(300_000);
  assert.equal(w.peer().lastError?.text, "peer tor-1 refuses connections at 10.7.0.254 port 179: start BGP there, and let it accept this host");
  assert.equal(w.said(/refuses connections/).length, 1, "a retry that fails alike is no news");
  w.router.listen();
  w.advance(12_600);
  assert.equal(w.peer().state, "Established");

  const silent = new World();
  silent.network.silence(PEER.address);
  silent.apply({});
  silent.advance(100_000);
  assert.equal(silent.said(/warning no answer from peer tor-1 at 10\.7\.0\.254 port 179: check the way there, that the peer wants no password/).length, 1);
  assert.equal(silent.peer().state, "Connect");
});

test("a router that refuses us is tried ever more rarely", () => {
  const w = new World();
  w.router.listen();
  w.router.behave = (connection) => { connection.onMessage(() => { connection.notify(2, 2); }); };
  w.apply({});
  const times = attempts(w, 600_000);
  assert.ok(times.length < 20, `${times.length} attempts in ten minutes`);
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  assert.ok((gaps[0] ?? 0) < 2 && gaps.slice(-3).every((gap) => gap >= 44 && gap <= 76), gaps.join(" "));
  assert.equal(w.said(/refused our AS 64500: enter 64500 as the AS of this neighbor there, or set asn or local_asn here to what it expects \(OPEN error, bad peer AS\)/).length, 1);
  assert.deepEqual([w.peer().lastError?.by, w.peer().lastError?.code, w.peer().lastError?.subcode], ["peer", 2, 2]);
});

test("established, then NOTIFICATION at once, is a failure too; only a session of a hold time makes the next retry quick", () => {
  const w = new World();
  w.router.listen();
  w.router.behave = (connection) => {
    w.router.establish(connection);
    w.world.after(100, () => { connection.notify(6, 4); });
  };
  w.apply({});
  const times = attempts(w, 300_000);
  assert.ok(times.length < 14, `${times.length} sessions in five minutes`);
  w.router.behave = (connection) => { w.router.establish(connection); };
  w.advance(200_000);
  assert.equal(w.peer().state, "Established");
  w.router.last.notify(6, 4);
  const [next] = attempts(w, 3000);
  assert.ok(next !== undefined, "the next attempt comes within 1.25 s");
});

test("a session of three seconds that only fell silent has not lasted, so its retries become rare too", () => {
  const w = new World();
  w.router.listen();
  w.router.behave = (connection) => {
    w.router.sendOpen(connection, { holdSeconds: 3 });
    connection.send("KEEPALIVE");
  };
  w.apply({});
  const times = attempts(w, 600_000);
  assert.ok(times.length < 20, `${times.length} sessions in ten minutes`);
});

test("a peer of another AS is refused with 2/2, one with our router ID inside our AS with 2/3", () => {
  const w = new World();
  w.router.behave = (connection) => { w.router.establish(connection, { asn: 64777, capabilities: [] }); };
  w.establish();
  assert.equal(w.router.last.log.at(-1), "NOTIFICATION 2/2");
  assert.equal(w.said(/warning refused peer tor-1: .*it says that it is AS 64777, not 64501; correct asn of the peer/).length, 1);

  const inside = new World({ routerId: ROUTER.identifier });
  inside.establish({ peers: [{ ...PEER, asn: "internal", localAsn: 64501 }] });
  assert.equal(inside.router.last.log.at(-1), "NOTIFICATION 2/3");

  const outside = new World({ routerId: ROUTER.identifier });
  outside.establish();
  assert.equal(outside.peer().state, "Established", "between ASes identifiers may be equal (RFC 6286)");
});

test("asn = external takes any AS but our own", () => {
  const w = new World();
  w.establish({ peers: [{ ...PEER, asn: "external" }] });
  assert.equal(w.peer().state, "Established");
  const own = new World();
  own.establish({ peers: [{ ...PEER, asn: "external", localAsn: 64501 }] });
  assert.equal(own.router.last.log.at(-1), "NOTIFICATION 2/2");
});

test("a router without capabilities speaks IPv4 and two-octet AS numbers", () => {
  const w = new World();
  w.router.behave = (connection) => { w.router.establish(connection, { capabilities: [] }); };
  w.establish({ peers: [{ ...PEER, localAsn: 4_200_000_001 }], vips: ["10.9.9.9", "fd09::9"] });
  const { negotiated, notes } = w.peer();
  assert.equal(negotiated?.fourOctetAs, false);
  assert.deepEqual(negotiated.families, ["ipv4"]);
  assert.deepEqual(notes[0], "1 ipv6 prefixes are not announced: the peer does not speak ipv6 unicast");
});

test("a router that refuses the capabilities parameter is tried without it", () => {
  const w = new World();
  w.router.behave = (connection) => {
    connection.onMessage((type) => {
      if (type !== "OPEN") return;
      if ((connection.open?.capabilities.length ?? 0) > 0) connection.notify(2, 4);
      else {
        w.router.sendOpen(connection, { capabilities: [] });
        connection.send("KEEPALIVE");
      }
    });
  };
  w.establish({ vips: ["10.9.9.9"] });
  w.advance(3000);
  assert.equal(w.peer().state, "Established");
  assert.ok(w.router.last.table.has("10.9.9.9/32"));
});

test("a router that speaks none of our families is refused with 2/7 and told what is missing", () => {
  const w = new World();
  w.establish({ peers: [{ ...PEER, families: ["ipv6"] }] });
  assert.equal(w.peer().state, "Established");
  const other = new World();
  other.router.behave = (connection) => { other.router.establish(connection, { capabilities: [{ name: "multiprotocol", afi: 1, safi: 1 }] }); };
  other.establish({ peers: [{ ...PEER, families: ["ipv6"] }] });
  assert.deepEqual(other.router.last.notification, { code: 2, subcode: 7, data: Uint8Array.of(1, 4, 0, 2, 0, 1) });
});

for (const [what, routerId, kept] of [
  ["lower than the router's: its connection is kept", "10.7.0.1", "peer"],
  ["higher than the router's: ours is kept", "10.7.1.1", "us"],
] as const) {
  test(`both sides connect at once, our identifier is ${what}`, () => {
    for (const delay of [0, 1, 2, 3, 4, 5]) {
      const w = new World({ routerId });
      w.router.listen();
      w.apply({ vips: ["10.9.9.9"], listen: [{ address: US, port: 179 }] });
      w.world.after(delay, () => { w.router.dial(US); });
      // The router waits with its OPENs so that the connections overlap, and leaves the decision to us.
      w.router.behave = (connection) => {
        w.world.after(5, () => { w.router.sendOpen(connection); });
        connection.onMessage((type) => {
          if (type === "OPEN") w.world.after(10, () => { connection.send("KEEPALIVE"); });
        });
      };
      w.advance(500);
      const { state, openedBy, establishments } = w.peer();
      assert.deepEqual([state, openedBy, establishments], ["Established", kept, 1], `dialled ${delay} ms later`);
      const [survivor, ...others] = w.router.connections.filter(({ closed }) => !closed);
      assert.ok(survivor?.table.has("10.9.9.9/32"));
      assert.equal(others.length, 0);
      const [loser] = w.router.connections.filter(({ closed }) => closed);
      assert.equal(loser?.log.at(-1), "NOTIFICATION 6/7");
      assert.deepEqual(w.said(/^(warning|error)/), [], "a collision is no error");
      w.advance(60_000);
      assert.equal(w.router.connections.length, 2, "nobody dials beside an established session");
    }
  });
}

test("a second connection beside an established session is heard out and closed with 6/7", () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9"], listen: [{ address: US, port: 179 }] });
  const first = w.router.last;
  const second = w.router.dial(US);
  w.advance(100);
  assert.deepEqual(second.log, ["OPEN", "NOTIFICATION 6/7"]);
  assert.equal(first.closed, false);
  assert.equal(w.peer().state, "Established");
});

test("a stranger is told that it is not welcome, and a thousand connections of the peer leave its session alone", () => {
  const w = new World();
  w.establish({ listen: [{ address: US, port: 179 }] });
  const stranger = new Router(w.world, w.network, { ...ROUTER, address: "10.7.0.99" as Ipv4 });
  const visit = stranger.dial(US);
  w.advance(10);
  assert.deepEqual(visit.log, ["NOTIFICATION 6/5"]);
  stranger.dial(US);
  w.advance(10);
  assert.equal(w.said(/notice 10\.7\.0\.99 wants a session and is no peer of this host/).length, 1, "once, for who has entered the wrong address");
  w.router.behave = () => undefined;
  const many = Array.from({ length: 1000 }, () => w.router.dial(US));
  w.advance(1000);
  assert.equal(many.filter(({ closed }) => !closed).length, 1);
  assert.equal(w.peer().state, "Established");
});

test("a passive peer is waited for; while it is held back after a failure its connections are rejected", () => {
  const w = new World();
  w.apply({ peers: [{ ...PEER, passive: true }], vips: ["10.9.9.9"], listen: [{ address: US, port: 179 }] });
  w.advance(60_000);
  assert.equal(w.peer().state, "Active");
  w.router.dial(US);
  w.advance(100);
  assert.deepEqual([w.peer().state, w.peer().openedBy], ["Established", "peer"]);
  w.router.last.notify(6, 4);
  w.advance(100);
  assert.equal(w.peer().state, "Idle");
  const early = w.router.dial(US);
  w.advance(100);
  assert.equal(early.log.at(-1), "NOTIFICATION 6/5");
  w.advance(1200);
  w.router.dial(US);
  w.advance(100);
  assert.equal(w.peer().state, "Established");
});

test("of two sessions with one router the passive one gets the connection that comes from there", () => {
  const w = new World();
  w.apply({ peers: [{ ...PEER, name: "active", port: 1179 }, { ...PEER, passive: true }], listen: [{ address: US, port: 179 }] });
  w.advance(100);
  w.router.dial(US);
  w.advance(100);
  const { peers } = w.speaker.status();
  assert.deepEqual(peers.map(({ name, state, openedBy }) => [name, state === "Established", openedBy]), [["active", false, undefined], ["tor-1", true, "peer"]]);
});

test("a half-open connection that the peer forgot does not keep it out", () => {
  const w = new World();
  w.apply({ peers: [{ ...PEER, passive: true }], listen: [{ address: US, port: 179 }] });
  w.router.behave = () => undefined;
  w.router.dial(US);
  w.advance(100);
  w.router.behave = (connection) => { w.router.establish(connection); };
  w.router.dial(US);
  w.advance(100);
  assert.equal(w.peer().state, "Established");
});

test("an address that another daemon listens on is one line, and is tried again", () => {
  const w = new World();
  const listen = [{ address: US, port: 179 }];
  const other = w.network.tcpOf(US).listen({ address: US, zone: undefined, port: 179 }, { arrived: () => undefined, failed: () => undefined });
  w.apply({ listen });
  w.advance(60_000);
  assert.equal(w.said(/error cannot listen on 10\.7\.0\.1 port 179: another BGP daemon has the port/).length, 1);
  assert.equal(w.speaker.status().listeners[0]?.error, "EADDRINUSE");
  other.close();
  w.advance(11_000);
  w.router.dial(US);
  w.advance(100);
  assert.equal(w.peer().state, "Established");
  assert.equal(w.speaker.status().listeners[0]?.error, undefined);
});

test("a route refresh is answered with everything, between BoRR and EoRR", () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9", "fd09::9"] });
  const { log } = w.router.last;
  log.length = 0;
  w.router.last.send("ROUTE-REFRESH", encodeRouteRefresh({ afi: 1, safi: 1, subtype: "request" }));
  w.advance(1000);
  assert.deepEqual(log, ["ROUTE-REFRESH 00010101", "UPDATE +10.9.9.9/32", "ROUTE-REFRESH 00010201"]);
  log.length = 0;
  for (const [afi, safi, subtype] of [[1, 128, "request"], [25, 70, "request"], [1, 1, "begin"], [1, 1, "end"]] as const) {
    w.router.last.send("ROUTE-REFRESH", encodeRouteRefresh({ afi, safi, subtype }));
  }
  w.advance(1000);
  assert.deepEqual(log, [], "families that we do not speak, and the router's own marks, are nothing to us");
  assert.equal(w.peer().state, "Established");
});

test("a flood of route refreshes is answered once for what came together, and once more for what came meanwhile", () => {
  const w = new World();
  const vips = Array.from({ length: 60_000 }, (_, i) => `10.9.${i >> 8}.${i & 255}`); // more than may wait for a socket
  w.establish({ vips });
  w.advance(1000);
  const { log } = w.router.last;
  log.length = 0;
  const ask = (): void => { w.router.last.send("ROUTE-REFRESH", encodeRouteRefresh({ afi: 1, safi: 1, subtype: "request" })); };
  for (let i = 0; i < 10_000; i++) ask();
  w.advance(1000);
  const marks = (): string[] => log.filter((line) => line.startsWith("ROUTE-REFRESH"));
  assert.ok(marks().length <= 4, `${marks().length / 2} refreshes`);
  assert.deepEqual(marks().slice(0, 2), ["ROUTE-REFRESH 00010101", "ROUTE-REFRESH 00010201"]);
  assert.equal(w.router.last.table.size, 60_000);

  log.length = 0;
  const near = (w.router.last.socket as MemorySocket).peer;
  assert.ok(near !== undefined);
  near.stalled = true; // so that a refresh lasts
  ask();
  w.advance(1000);
  ask();
  w.advance(1000);
  near.unstall();
  w.advance(1000);
  assert.deepEqual(marks(), ["ROUTE-REFRESH 00010101", "ROUTE-REFRESH 00010201", "ROUTE-REFRESH 00010101", "ROUTE-REFRESH 00010201"], "it may have missed the beginning of the first");
  assert.equal(w.peer().state, "Established");
});

test("the longest ROUTE-REFRESH that marks a refresh costs the session, and no more", () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9"] });
  const body = new Uint8Array(4077);
  body.set([0, 1, 1, 1]);
  w.router.last.send("ROUTE-REFRESH", body);
  w.advance(100);
  assert.match(w.router.last.log.at(-1) ?? "", /^NOTIFICATION 7\/1/);
  w.advance(60_000);
  assert.equal(w.peer().state, "Established");
});

test("without enhanced route refresh there are no marks", () => {
  const w = new World();
  w.router.behave = (connection) => { w.router.establish(connection, { capabilities: ROUTER.capabilities.filter(({ name }) => name !== "enhanced-route-refresh") }); };
  w.establish({ vips: ["10.9.9.9"] });
  const { log } = w.router.last;
  log.length = 0;
  w.router.last.send("ROUTE-REFRESH", encodeRouteRefresh({ afi: 1, safi: 1, subtype: "request" }));
  w.advance(1000);
  assert.deepEqual(log, ["UPDATE +10.9.9.9/32"]);
});

test("a route that goes while a refresh is due is withdrawn, not forgotten", () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9", "10.9.9.10"] });
  w.router.last.send("ROUTE-REFRESH", encodeRouteRefresh({ afi: 1, safi: 1, subtype: "request" }));
  w.apply({ vips: ["10.9.9.10"] });
  w.advance(1000);
  assert.deepEqual([...w.router.last.table.keys()], ["10.9.9.10/32"]);
});

test("a family without next hop is not announced, the status says why, and it follows when there is one", () => {
  const w = new World();
  w.beside = {};
  w.establish({ vips: ["10.9.9.9", "fd09::9"] });
  assert.deepEqual([...w.router.last.table.keys()], ["10.9.9.9/32"]);
  assert.ok(w.router.last.log.includes("UPDATE end ipv6"));
  assert.equal(w.peer().notes[0], "1 ipv6 prefixes are not announced: the interface of this session has no ipv6 address to be their next hop");
  w.beside = { ipv6: "fd07::1" as Ipv6 };
  w.advance(10_000);
  assert.deepEqual([...w.router.last.table.keys()], ["10.9.9.9/32", "fd09::9/128"]);
  w.beside = {};
  w.advance(10_000);
  assert.deepEqual([...w.router.last.table.keys()], ["10.9.9.9/32"]);
  assert.equal(w.peer().families.ipv6.announced, 0);
});

test("stopping withdraws everything, then says why (RFC 9003)", async () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9", "fd09::9"] });
  const { log } = w.router.last;
  log.length = 0;
  const stopped = w.speaker.stop("edge-1 is stopping");
  w.advance(10);
  await stopped;
  assert.deepEqual(log, ["UPDATE -10.9.9.9/32", "UPDATE -fd09::9/128", "NOTIFICATION 6/2"]);
  const last = w.router.last.notification;
  assert.equal(last === undefined ? "" : communicationOf(last), "edge-1 is stopping");
  w.advance(600_000);
  assert.equal(w.router.connections.length, 1, "it does not come back");
  assert.deepEqual(w.said(/^(warning|error)/), []);
});

for (const [what, code, subcode, data, text] of [
  ["its text", 6, 2, Buffer.from("\x18line card swap, TKT-1234"), 'peer tor-1 closed the session (cease, administrative shutdown: "line card swap, TKT-1234")'],
  ["its text after a reset", 6, 4, Buffer.from("\x04back"), 'peer tor-1 closed the session (cease, administrative reset: "back")'],
  ["the text inside a Hard Reset", 6, 9, Buffer.from("\x06\x02\x03bye"), 'peer tor-1 closed the session (cease, hard reset (cease, administrative shutdown: "bye"))'],
  ["a text of 255 octets", 6, 2, Buffer.from([255, ...Buffer.alloc(255, "x")]), `peer tor-1 closed the session (cease, administrative shutdown: "${"x".repeat(255)}")`],
  ["nothing of a text that is cut off", 6, 2, Buffer.from("\x18line card"), "peer tor-1 closed the session (cease, administrative shutdown)"],
  ["nothing of an empty text", 6, 2, Buffer.from("\0"), "peer tor-1 closed the session (cease, administrative shutdown)"],
] as const) {
  test(`a router that shuts the session down leaves ${what} in the last error (RFC 9003)`, () => {
    const w = new World();
    w.establish();
    w.router.last.notify(code, subcode, data);
    w.advance(10);
    assert.equal(w.peer().lastError?.text, text);
    assert.deepEqual([w.peer().lastError?.by, w.peer().lastError?.code, w.peer().lastError?.subcode], ["peer", code, subcode]);
  });
}

test("a text that would steer the terminal is escaped in the journal", () => {
  const w = new World();
  w.establish();
  w.router.last.notify(6, 2, Buffer.from("\x0bred\x1b[31m\n<0>"));
  w.advance(10);
  assert.equal(w.said(/warning peer tor-1 closed the session \(cease, administrative shutdown: "red\\x1b\[31m\\x0a<0"\)/).length, 1);
});

test("a peer that is removed gets 6/3, one that changes 6/6 and a new session, the others nothing", async () => {
  const w = new World();
  const other = new Router(w.world, w.network, { ...ROUTER, address: "10.7.0.253" as Ipv4, identifier: "10.7.0.253" as Ipv4 });
  other.listen();
  const second = { ...PEER, name: "tor-2", address: "10.7.0.253" as Ipv4 };
  w.establish({ peers: [PEER, second], vips: ["10.9.9.9"] });
  w.apply({ peers: [{ ...PEER, holdTimeMs: 30_000, keepaliveTimeMs: 10_000 }, second], vips: ["10.9.9.9"] });
  w.advance(10);
  assert.deepEqual(w.router.connections[0]?.log.slice(-2), ["UPDATE -10.9.9.9/32", "NOTIFICATION 6/6"]);
  await new Promise(setImmediate); // the new session waits for a promise: that the old one is gone
  w.advance(100);
  assert.equal(w.router.connections.length, 2);
  assert.equal(w.router.last.open?.holdSeconds, 30);
  assert.ok(w.router.last.table.has("10.9.9.9/32"));
  w.apply({ peers: [{ ...PEER, holdTimeMs: 30_000, keepaliveTimeMs: 10_000 }], vips: ["10.9.9.9"] });
  w.advance(100);
  assert.equal(other.connections.length, 1);
  assert.deepEqual(other.last.log.slice(-2), ["UPDATE -10.9.9.9/32", "NOTIFICATION 6/3"]);
  assert.equal(w.router.last.closed, false);
  assert.deepEqual(w.speaker.status().peers.map(({ name }) => name), ["tor-1"]);
});

test("a peer that goes and comes back before the plan has looked at a VIP again has its route", async () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9"] });
  w.peers([]);
  w.advance(100);
  assert.deepEqual(w.router.last.log.slice(-2), ["UPDATE -10.9.9.9/32", "NOTIFICATION 6/3"]);
  await new Promise(setImmediate);
  w.peers([PEER]);
  w.advance(100);
  assert.equal(w.router.connections.length, 2);
  assert.ok(w.router.last.table.has("10.9.9.9/32"));
  w.apply({ vips: [] });
  w.advance(100);
  assert.equal(w.router.last.log.at(-1), "UPDATE -10.9.9.9/32");
});

test("what a router announces is counted, its mistakes are logged once, and neither is kept", () => {
  const w = new World();
  w.establish();
  const good = Buffer.from("00000014400101004002060201" + "0000fbf5" + "4003040a0700fe" + "18cb0071" + "20c6336407", "hex");
  const bad = Buffer.from("00000014400101094002060201" + "0000fbf5" + "4003040a0700fe" + "18cb0071", "hex");
  for (let i = 0; i < 10; i++) w.router.last.send("UPDATE", good);
  for (let i = 0; i < 10; i++) w.router.last.send("UPDATE", bad);
  w.advance(1000);
  assert.deepEqual(w.peer().received, { announcements: 20, withdrawals: 10, malformed: 10, leaked: 0 });
  assert.equal(w.said(/warning peer tor-1 sends a malformed ORIGIN: its value is not defined \(RFC 7606, treat-as-withdraw\) peer=tor-1 routes=203\.0\.113\.0\/24$/).length, 1);
  assert.equal(w.said(/^debug the malformed UPDATE of peer tor-1 message=f{32}/).length, 1);
  assert.equal(w.peer().state, "Established");
});

test("a peer that sends many kinds of malformed routes does not silence the sentence about why its session ended", () => {
  const w = new World();
  w.establish();
  for (let length = 5; length < 60; length++) {
    const nextHop = `4003${length.toString(16).padStart(2, "0")}${"00".repeat(length)}`;
    const attributes = `4001010040020602010000fbf5${nextHop}`;
    w.router.last.send("UPDATE", Buffer.from(`0000${(attributes.length / 2).toString(16).padStart(4, "0")}${attributes}18cb0071`, "hex"));
  }
  w.advance(1000);
  assert.equal(w.said(/sends a malformed NEXT_HOP/).length, 32);
  w.router.last.notify(6, 4);
  w.advance(10);
  assert.equal(w.said(/warning peer tor-1 closed the session \(cease, administrative reset\)/).length, 1);
});

test("an UPDATE that cannot be understood ends the session with its own error", () => {
  const w = new World();
  w.establish();
  w.router.last.send("UPDATE", Buffer.from("000421cb00710000", "hex"));
  w.advance(100);
  assert.equal(w.router.last.log.at(-1), "NOTIFICATION 3/10");
  assert.equal(w.said(/warning closed the session with peer tor-1: a field of routes holds what is no IPv4 prefix \(UPDATE error, invalid network field\)/).length, 1);
});

for (const [what, octets, answer] of [
  ["an OPEN in an established session", "ffffffffffffffffffffffffffffffff001d0104fbf5005a0a0700fe00", "5/3"],
  ["a wrong marker", "00ffffffffffffffffffffffffffffff001304", "1/1"],
  ["a wrong length", "ffffffffffffffffffffffffffffffff000004", "1/2"],
  ["a wrong type", "ffffffffffffffffffffffffffffffff001309", "1/3"],
] as const) {
  test(`${what} is answered with ${answer}`, () => {
    const w = new World();
    w.establish();
    w.router.last.raw(Buffer.from(octets, "hex"));
    w.advance(100);
    assert.equal(w.router.last.log.at(-1), `NOTIFICATION ${answer}`);
  });
}

for (const [what, octets, answer] of [
  ["a KEEPALIVE", "ffffffffffffffffffffffffffffffff001304", "5/1"],
  ["an UPDATE", "ffffffffffffffffffffffffffffffff00170200000000", "5/1"],
  ["a malformed UPDATE", "ffffffffffffffffffffffffffffffff001702ffff0000", "5/1"],
  ["an OPEN of version 3", "ffffffffffffffffffffffffffffffff001d0103fbf5005a0a0700fe00", "2/1"],
] as const) {
  test(`${what} where an OPEN is due is answered with ${answer}`, () => {
    const w = new World();
    w.router.behave = (connection) => { connection.raw(Buffer.from(octets, "hex")); };
    w.establish();
    assert.deepEqual(w.router.last.log, ["OPEN", `NOTIFICATION ${answer}`]);
  });
}

test("a router that reads slowly costs no memory, and is brought up to date with what is then true", () => {
  const w = new World();
  w.router.listen();
  w.apply({});
  w.advance(100);
  const near = (w.router.last.socket as MemorySocket).peer;
  assert.ok(near !== undefined);
  near.stalled = true;
  const many = Array.from({ length: 100_000 }, (_, i) => `10.${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`);
  w.apply({ vips: many });
  w.advance(5000);
  assert.ok(near.queued < 300_000, `${near.queued} octets wait`);
  const { log } = w.router.last;
  for (let i = 0; i < 3; i++) {
    w.apply({ vips: many, attributes: { ...ATTRIBUTES, med: i } });
    w.advance(1000);
  }
  assert.ok(near.queued < 300_000, `${near.queued} octets wait`);
  w.apply({ vips: ["10.9.9.9"] });
  near.unstall();
  w.advance(20_000);
  assert.deepEqual([...w.router.last.table.keys()], ["10.9.9.9/32"]);
  assert.equal(w.peer().state, "Established");
  assert.ok(log.length > 0);
});

test("a router that talks but takes nothing any more is given up after the send hold time (RFC 9687)", () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9"] });
  const near = (w.router.last.socket as MemorySocket).peer;
  assert.ok(near !== undefined);
  near.stalled = true;
  w.advance(150_000);
  assert.equal(w.peer().state, "Established", "it is alive by its KEEPALIVEs");
  w.advance(80_000);
  assert.equal(w.said(/warning closed the session with peer tor-1, which no longer reads what we send \(send hold timer expired\) .*code=8/).length, 1);
});

test("half a million routes, octet by octet if need be, leave the session up and other timers on time", () => {
  const w = new World();
  w.establish();
  const attributes = "400101004002060201" + "0000fbf5" + "4003040a0700fe";
  const nlri = Array.from({ length: 780 }, (_, i) => `20c633${(i >> 8).toString(16).padStart(2, "0")}${(i & 255).toString(16).padStart(2, "0")}`).join("");
  const body = Buffer.from(`00000014${attributes}${nlri}`, "hex");
  for (let i = 0; i < 641; i++) w.router.last.send("UPDATE", body);
  w.advance(1000);
  assert.equal(w.peer().received.announcements, 641 * 780);
  for (const octet of Buffer.from("ffffffffffffffffffffffffffffffff001304", "hex")) {
    w.router.last.raw(Uint8Array.of(octet));
    w.router.last.raw(new Uint8Array(0));
    w.advance(1000);
  }
  assert.equal(w.peer().state, "Established");
  assert.ok(w.peer().messages.received.KEEPALIVE >= 2);
});

test("a peer that flaps ten times a second is held back, and the others do not notice", () => {
  const w = new World();
  const calm = new Router(w.world, w.network, { ...ROUTER, address: "10.7.0.253" as Ipv4, identifier: "10.7.0.253" as Ipv4 });
  calm.listen();
  w.router.behave = (connection) => {
    w.router.establish(connection);
    w.world.after(50, () => { connection.drop(); });
  };
  w.establish({ peers: [PEER, { ...PEER, name: "tor-2", address: "10.7.0.253" as Ipv4 }], vips: ["10.9.9.9"], listen: [{ address: US, port: 179 }] });
  for (let i = 0; i < 600; i++) {
    w.router.dial(US);
    w.advance(100);
  }
  assert.ok(w.peer().establishments < 10, `${w.peer().establishments} sessions in a minute`);
  assert.deepEqual([calm.connections.length, w.peer("tor-2").state], [1, "Established"]);
  assert.ok(w.lines.length < 40, `${w.lines.length} log lines`);
});

test("what both OPENs offered is what is agreed; the rest is shown as one side's", () => {
  const w = new World();
  w.establish();
  const { negotiated } = w.peer();
  assert.deepEqual(negotiated?.localCapabilities, ["ipv4", "ipv6", "route-refresh", "four-octet-as", "enhanced-route-refresh", "fqdn"]);
  assert.deepEqual(negotiated.agreedCapabilities, ["ipv4", "ipv6", "route-refresh", "four-octet-as", "enhanced-route-refresh"]);
  assert.ok((negotiated.keepaliveLeftMs ?? 0) > 20_000 && (negotiated.keepaliveLeftMs ?? 0) <= 30_000);

  const narrow = new World();
  narrow.router.behave = (connection) => {
    narrow.router.sendOpen(connection, { capabilities: [{ name: "multiprotocol", afi: 2, safi: 1 }, { name: "unknown", code: 99, value: new Uint8Array(0) }] });
    connection.send("KEEPALIVE");
  };
  narrow.establish();
  assert.deepEqual(narrow.peer().negotiated?.agreedCapabilities, ["ipv6"]);
  assert.deepEqual(narrow.peer().negotiated?.remoteCapabilities, ["ipv6", "capability 99"]);
});

test("a path that BFD finds down ends the session at once, says so to the peer, and is damped like any failure (RFC 9384)", () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9"] });
  w.speaker.pathDown("tor-1", "control detection time expired");
  assert.equal(w.peer().state, "Idle");
  w.advance(10);
  assert.equal(w.router.last.log.at(-1), "NOTIFICATION 6/10");
  assert.equal(w.router.last.closed, true);
  assert.equal(w.said(/warning closed the session with peer tor-1: BFD says that the path to it is down: control detection time expired \(cease, BFD down\) .*sent_by=us code=6 subcode=10/).length, 1);
  assert.equal(w.speaker.announcedTo("10.9.9.9" as Ipv4).length, 0);
  assert.ok((w.peer().nextRetryMs ?? 0) > 500);
  w.advance(3000);
  assert.equal(w.peer().state, "Established", "BGP does not wait for BFD");
  assert.ok(w.router.last.table.has("10.9.9.9/32"));
});

test("whatever there is of a session ends with the path; what is only tried goes on", () => {
  const silent = new World();
  silent.router.behave = () => undefined;
  silent.establish();
  assert.equal(silent.peer().state, "OpenSent");
  silent.speaker.pathDown("tor-1", "neighbor signaled session down");
  silent.advance(10);
  assert.deepEqual(silent.router.last.log, ["OPEN", "NOTIFICATION 6/10"]);

  const absent = new World();
  absent.apply({});
  absent.speaker.pathDown("tor-1", "control detection time expired");
  assert.equal(absent.peer().state, "Connect");
  absent.speaker.pathDown("nobody", "control detection time expired");
  assert.equal(absent.said(/BFD/).length, 0);
});

test("a path that comes and goes makes the retries rarer", () => {
  const w = new World();
  w.router.listen();
  w.router.behave = (connection) => {
    w.router.establish(connection);
    w.world.after(100, () => { w.speaker.pathDown("tor-1", "control detection time expired"); });
  };
  w.apply({});
  const times = attempts(w, 300_000);
  assert.ok(times.length > 3 && times.length < 14, `${times.length} sessions in five minutes`);
});

test("a peer that is changed twice, or is two, is tried again when every goodbye to it has left, and a stop waits for each", async () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.9"] });
  const first = w.router.last;
  const near = (first.socket as MemorySocket).peer;
  assert.ok(near !== undefined);
  near.stalled = true;
  for (const holdTimeMs of [60_000, 45_000]) {
    w.apply({ vips: ["10.9.9.9"], peers: [{ ...PEER, holdTimeMs }] });
    await w.pass(100);
  }
  assert.deepEqual([w.router.connections.length, first.closed], [1, false], "the router would take none beside the one that it has");
  let stopped = false;
  void w.speaker.stop("bmlb is stopping").then(() => { stopped = true; });
  await w.pass(100);
  assert.equal(stopped, false);
  near.unstall();
  await w.pass(100);
  assert.deepEqual([stopped, [...first.table.keys()], first.log.at(-1)], [true, [], "NOTIFICATION 6/6"]);
});
