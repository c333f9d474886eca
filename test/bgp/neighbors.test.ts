/** Peers whose addresses are found on interfaces: unnumbered ones, and sources by interface. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { WantedPeer } from "../../src/bgp/index.ts";
import type { Link } from "../../src/linux/index.ts";
import { type Ipv4, type Ipv6, type Mac, address } from "../../src/net/index.ts";
import { ETHERTYPE_IPV6, type RouterDiscovery, decodeEthernet, decodeRouterDiscovery, encodeEthernet, encodeRouterDiscovery, groupMac, routerSolicitation } from "../../src/wire/index.ts";
import { ROUTER, Router } from "./router.ts";
import { link } from "../linux/link.ts";
import { PEER, US, World } from "./world.ts";

const v6 = (text: string): Ipv6 => address(text) as Ipv6;
const A = v6("fe80::a");
const B = v6("fe80::b");
const OTHER_MAC = "02:00:00:00:00:aa" as Mac;
const UNNUMBERED: WantedPeer = { ...PEER, address: undefined, zone: "eth1", asn: "external" };
const ETH1 = link("eth1");
const WITHIN_TEN_SECONDS = 10_000;

function hear(w: World, message: RouterDiscovery, name = "eth1"): void {
  w.frames.hear(name, encodeEthernet({ destination: groupMac(message.destination), source: OTHER_MAC, vlan: undefined, etherType: ETHERTYPE_IPV6, payload: encodeRouterDiscovery(message) }));
}

function advertise(w: World, source: Ipv6, lifetimeSeconds = 30): void {
  hear(w, { type: "router-advertisement", source, destination: v6("ff02::1"), lifetimeSeconds, sourceMac: OTHER_MAC });
}

/** What was said on the link since the last look. */
function saidOn(w: World): RouterDiscovery[] {
  return w.frames.sent.splice(0).map(({ frame }) => decodeRouterDiscovery(decodeEthernet(frame).payload));
}

/** A world with that unnumbered peer, its interface, and routers that listen at both addresses. */
function unnumberedWorld(links: readonly Link[] = [ETH1]): { readonly w: World; readonly routers: readonly Router[] } {
  const w = new World();
  const routers = [A, B].map((at, i) => new Router(w.world, w.network, { ...ROUTER, address: at, identifier: `10.7.0.${254 - i}` as Ipv4 }));
  for (const router of routers) router.listen();
  w.apply({ peers: [UNNUMBERED], vips: ["10.9.9.9"] });
  w.speaker.links(links);
  w.advance(0);
  return { w, routers };
}

test("an unnumbered peer is asked for, heard, connected to and told the routes", () => {
  const { w, routers } = unnumberedWorld();
  assert.deepEqual(saidOn(w).map(({ type }) => type), ["router-solicitation"]);
  assert.deepEqual([w.peer().state, w.peer().address, w.peer().zone], ["Idle", undefined, "eth1"]);
  assert.match(w.peer().notes[0] ?? "", /^no router advertises itself on interface eth1: /);
  assert.deepEqual([w.peer().families.ipv4.wanted, w.peer().families.ipv6.wanted], [1, 0], "what waits for it shows");
  advertise(w, A);
  w.advance(100);
  assert.deepEqual([w.peer().state, w.peer().address, w.peer().notes], ["Established", A, []]);
  assert.deepEqual([...(routers[0]?.last.table.keys() ?? [])], ["10.9.9.9/32"]);
  assert.deepEqual(w.said(/no session/), []);
});

test("we advertise ourselves as no default router: soon, thrice, then every 7.5 to 10 s, and never twice in 3 s", () => {
  const { w } = unnumberedWorld();
  const times: number[] = [];
  const start = w.world.time;
  for (let ms = 0; ms < 120_000; ms += 10) {
    w.advance(10);
    if (ms === 60_000) hear(w, routerSolicitation(B, OTHER_MAC));
    for (const message of saidOn(w)) {
      if (message.type !== "router-advertisement") continue;
      assert.deepEqual([message.lifetimeSeconds, message.source, message.destination], [0, "fe80::1", "ff02::1"]);
      times.push(w.world.time - start);
    }
  }
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
  assert.ok((times[0] ?? Infinity) <= 1000, String(times[0]));
  assert.ok(gaps.every((gap) => gap >= 2990 && gap <= 10_020), gaps.join(" "));
  assert.ok((gaps[0] ?? 0) < 3500 && (gaps[1] ?? 0) < 3500, gaps.join(" "));
  assert.ok(gaps.slice(2).filter((gap) => gap < 7400).length <= 1, "only the solicited one comes earlier");
});

test("a solicitation is answered within half a second, and many of them once in three", () => {
  const { w } = unnumberedWorld();
  w.advance(11_000);
  saidOn(w);
  w.advance(3_000); // since the last one
  saidOn(w);
  for (let i = 0; i < 50; i++) {
    hear(w, routerSolicitation(B, OTHER_MAC));
    w.advance(20);
  }
  assert.equal(saidOn(w).filter(({ type }) => type === "router-advertisement").length, 1);
});

test("without a router there is one warning after a while, and questions that become rare", () => {
  const { w } = unnumberedWorld();
  w.advance(600_000);
  assert.equal(w.said(/^warning no session with peer tor-1: no router advertises itself on interface eth1/).length, 1);
  const questions = saidOn(w).filter(({ type }) => type === "router-solicitation").length;
  assert.ok(questions >= 8 && questions <= 20, String(questions));
});

for (const [what, links, sentence] of [
  ["no interface", [], "there is no interface eth1"],
  ["an interface that is down", [link("eth1", { up: false, carrier: false })], "interface eth1 is down"],
  ["an interface without carrier", [link("eth1", { carrier: false })], "interface eth1 is down"],
  ["an interface that is no Ethernet", [link("eth1", { mac: undefined })], "interface eth1 is not Ethernet: give the peer's address"],
  ["an interface without IPv6", [link("eth1", { linkLocal: undefined })], "interface eth1 has no IPv6 link-local address"],
] as const) {
  test(`with ${what} the peer is down and says why; when it comes, so does the session`, () => {
    const { w } = unnumberedWorld(links);
    assert.ok((w.peer().notes[0] ?? "").startsWith(sentence), w.peer().notes[0]);
    w.advance(WITHIN_TEN_SECONDS);
    assert.equal(w.said(/^warning no session with peer tor-1: /).length, 1);
    w.speaker.links([ETH1]);
    advertise(w, A);
    w.advance(100);
    assert.equal(w.peer().state, "Established");
  });
}

test("a second router is told of, and the session that stands is kept, be it advertised or not", () => {
  const { w } = unnumberedWorld();
  advertise(w, B);
  w.advance(100);
  advertise(w, A);
  w.advance(100);
  assert.deepEqual(w.peer().notes, ["interface eth1 has more than one router: fe80::a and fe80::b; use address"]);
  assert.deepEqual([w.peer().state, w.peer().address, w.peer().establishments], ["Established", B, 1]);
  w.advance(31_000);
  advertise(w, A);
  w.advance(10_000);
  assert.deepEqual([w.peer().address, w.peer().establishments, w.peer().notes], [B, 1, []]);
});

test("other hosts that advertise themselves as we do are no routers where there is one", () => {
  const { w } = unnumberedWorld();
  advertise(w, B, 0);
  advertise(w, A, 1800);
  w.advance(100);
  assert.deepEqual([w.peer().state, w.peer().address, w.peer().notes], ["Established", A, []]);
});

test("a router that is nobody's default is a peer as well", () => {
  const { w } = unnumberedWorld();
  advertise(w, A, 0);
  w.advance(100);
  assert.deepEqual([w.peer().state, w.peer().address], ["Established", A]);
});

test("when the router has another address, the session that stands stays, and the next one goes there", () => {
  const { w, routers } = unnumberedWorld();
  advertise(w, A, 1800);
  w.advance(100);
  advertise(w, B, 1800);
  w.advance(20_000);
  assert.deepEqual([w.peer().address, w.peer().establishments], [A, 1]);
  saidOn(w);
  routers[0]?.last.drop();
  w.network.silence(A);
  w.advance(1000);
  assert.ok(saidOn(w).some(({ type }) => type === "router-solicitation"), "asked again");
  advertise(w, B, 1800);
  w.advance(5000);
  assert.deepEqual([w.peer().state, w.peer().address], ["Established", B]);
  assert.equal(w.said(/leaving peer tor-1: its address or ours is another now/).length, 1);
});

test("frames of a VLAN, of ourselves, or forged from afar are not heard", () => {
  const { w } = unnumberedWorld();
  const payload = encodeRouterDiscovery({ type: "router-advertisement", source: A, destination: v6("ff02::1"), lifetimeSeconds: 30, sourceMac: OTHER_MAC });
  const frame = { destination: groupMac(v6("ff02::1")), source: OTHER_MAC, vlan: undefined, etherType: ETHERTYPE_IPV6, payload };
  w.frames.hear("eth1", encodeEthernet({ ...frame, vlan: 7 }));
  w.frames.hear("eth1", encodeEthernet({ ...frame, source: ETH1.mac ?? OTHER_MAC }));
  const forwarded = payload.slice();
  forwarded[7] = 64;
  w.frames.hear("eth1", encodeEthernet({ ...frame, payload: forwarded }));
  w.frames.hear("eth1", payload.subarray(0, 9));
  w.advance(100);
  assert.equal(w.peer().address, undefined);
});

test("a thousand forged routers are not remembered, and the one that was first is kept", () => {
  const { w } = unnumberedWorld();
  advertise(w, A);
  for (let i = 0; i < 1000; i++) advertise(w, v6(`fe80::dead:${i.toString(16)}`));
  w.advance(100);
  assert.deepEqual([w.peer().state, w.peer().address], ["Established", A]);
  assert.ok((w.peer().notes[0] ?? "").length < 600);
});

test("a peer that is no longer configured leaves its interface in peace", () => {
  const { w } = unnumberedWorld();
  assert.ok(w.frames.has("eth1"));
  w.apply({ peers: [PEER] });
  assert.ok(!w.frames.has("eth1"));
  saidOn(w);
  w.advance(60_000);
  assert.deepEqual(saidOn(w), []);
});

test("a router that connects before it was heard is no stranger, and one that was heard is accepted", () => {
  const { w } = unnumberedWorld();
  w.apply({ peers: [{ ...UNNUMBERED, passive: true }], listen: [{ address: US, port: 179 }] });
  const router = new Router(w.world, w.network, { ...ROUTER, address: A });
  router.dial(US);
  w.advance(100);
  assert.deepEqual(w.said(/wants a session/), []);
  assert.equal(router.last.notification?.code, 6);
  advertise(w, A);
  w.advance(100);
  router.dial(US);
  w.advance(100);
  assert.deepEqual([w.peer().state, w.peer().openedBy, w.peer().address], ["Established", "peer", A]);
});

const LO = link("lo", { mac: undefined, broadcast: false, linkLocal: undefined, addresses: ["127.0.0.1", "169.254.1.1", "10.0.0.7", "10.0.0.8", "::1", "fe80::7", "fd00::7"].map(address) });
const BY_LO: WantedPeer = { ...PEER, sourceInterface: "lo" };

test("a source by interface is its first address of the peer's family that others can know", () => {
  const w = new World();
  w.router.listen();
  w.speaker.links([LO]);
  w.apply({ peers: [BY_LO] });
  w.advance(100);
  assert.deepEqual([w.peer().state, w.peer().localAddress], ["Established", "10.0.0.7"]);
});

test("a source by interface follows the interface from one session to the next, and not in between", async () => {
  const w = new World();
  w.router.listen();
  w.speaker.links([LO]);
  w.apply({ peers: [BY_LO] });
  w.advance(100);
  w.speaker.links([{ ...LO, addresses: [address("10.0.0.9")] }]);
  w.advance(60_000);
  assert.deepEqual([w.peer().localAddress, w.peer().establishments], ["10.0.0.7", 1]);
  w.router.last.drop();
  w.advance(10);
  await turn(); // the session that was
  w.advance(5000);
  assert.deepEqual([w.peer().state, w.peer().localAddress], ["Established", "10.0.0.9"]);
});

for (const [what, links, sentence] of [
  ["no interface", [], "there is no interface lo, whose address is to be our source"],
  ["an interface that is down", [{ ...LO, up: false }], "interface lo, whose address is to be our source, is down"],
  ["no address of the family", [{ ...LO, addresses: [address("127.0.0.1"), address("fd00::7")] }], "interface lo has no IPv4 address that could be our source"],
] as const) {
  test(`a source by interface with ${what}: the peer is down and says why, until there is one`, () => {
    const w = new World();
    w.router.listen();
    w.speaker.links(links);
    w.apply({ peers: [BY_LO] });
    w.advance(WITHIN_TEN_SECONDS);
    assert.deepEqual([w.peer().state, w.peer().address, w.peer().notes], ["Idle", PEER.address, [sentence]]);
    assert.deepEqual(w.said(/^warning/), [`warning no session with peer tor-1: ${sentence} peer=tor-1`]);
    assert.equal(w.router.connections.length, 0);
    w.speaker.links([LO]);
    w.advance(100);
    assert.equal(w.peer().state, "Established");
  });
}

test("a changed configuration of a peer whose source is found takes effect at once", async () => {
  const w = new World();
  w.router.listen();
  w.speaker.links([LO, link("dummy0", { addresses: [address("10.0.1.1")] })]);
  w.apply({ peers: [BY_LO] });
  w.advance(100);
  w.apply({ peers: [{ ...BY_LO, sourceInterface: "dummy0" }] });
  await turn(); // the session that was
  w.advance(2000);
  assert.deepEqual([w.peer().state, w.peer().localAddress], ["Established", "10.0.1.1"]);
  assert.equal(w.said(/leaving peer tor-1: its configuration changed/).length, 1);
});
