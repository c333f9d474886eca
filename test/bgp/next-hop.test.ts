/** Which next hop routes get, over which session: RFC 4271 5.1.3, RFC 2545 3, RFC 8950. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BgpPeer } from "../../src/bgp/index.ts";
import { type Negotiated, negotiate, ourOpen } from "../../src/bgp/negotiated.ts";
import { nextHopFor } from "../../src/bgp/next-hop.ts";
import type { Ipv4, Ipv6 } from "../../src/net/index.ts";
import type { Capability } from "../../src/wire/index.ts";
import { ROUTER, type RouterConnection, Router } from "./router.ts";
import { PEER, World } from "./world.ts";

const V4 = "192.0.2.1" as Ipv4;
const GLOBAL = "2001:db8::1" as Ipv6;
const LINK_LOCAL = "fe80::1" as Ipv6;
const ALL = { ipv4: V4, ipv6: GLOBAL, linkLocal: LINK_LOCAL };
const EXTENDED: Capability = { name: "extended-next-hop", encodings: [{ afi: 1, safi: 1, nextHopAfi: 2 }] };
const OVER_V6: BgpPeer = { ...PEER, address: "fd07::fe" as Ipv6, sourceAddress: "fd07::1" as Ipv6 };
const UNNUMBERED: BgpPeer = { ...PEER, address: "fe80::fe" as Ipv6, zone: "eth1" };

function agreed(peer: BgpPeer, extra: readonly Capability[], asn = 64501): Negotiated {
  const self = { routerId: "10.7.0.1" as Ipv4, hostname: "edge-1" };
  return negotiate(self, peer, ourOpen(self, peer, "capabilities"), { ...ROUTER, asn, capabilities: [...ROUTER.capabilities, ...extra] });
}

const ipv4 = { family: "ipv4", address: V4 } as const;
const both = { family: "ipv6", global: GLOBAL, linkLocal: LINK_LOCAL } as const;
const onlyGlobal = { ...both, linkLocal: undefined } as const;

for (const [what, family, local, peer, extra, beside, expected] of [
  ["IPv4 over IPv4", "ipv4", V4, PEER, [], ALL, ipv4],
  ["IPv4 over IPv4 to a router that takes IPv6 next hops", "ipv4", V4, PEER, [EXTENDED], ALL, ipv4],
  ["IPv6 over IPv4: a third party's, so without the link-local one", "ipv6", V4, PEER, [], ALL, onlyGlobal],
  ["IPv6 over IPv4 on an interface without IPv6", "ipv6", V4, PEER, [], { ipv4: V4 }, undefined],
  ["IPv6 over IPv6 on the link", "ipv6", GLOBAL, OVER_V6, [], ALL, both],
  ["IPv6 over IPv6 and several hops", "ipv6", GLOBAL, { ...OVER_V6, multihop: 2 }, [], ALL, onlyGlobal],
  ["IPv4 over IPv6 to a router that takes IPv4 next hops only", "ipv4", GLOBAL, OVER_V6, [], ALL, ipv4],
  ["the same on an interface without IPv4", "ipv4", GLOBAL, OVER_V6, [], { ipv6: GLOBAL }, undefined],
  ["IPv4 over IPv6 as agreed, though there is an IPv4 address", "ipv4", GLOBAL, OVER_V6, [EXTENDED], ALL, both],
  ["IPv4 over IPv6 as agreed, over several hops", "ipv4", GLOBAL, { ...OVER_V6, multihop: 2 }, [EXTENDED], ALL, onlyGlobal],
  ["IPv4 over a link-local session as agreed", "ipv4", LINK_LOCAL, UNNUMBERED, [EXTENDED], ALL, both],
  ["the same on a link that has nothing else", "ipv4", LINK_LOCAL, UNNUMBERED, [EXTENDED], { linkLocal: LINK_LOCAL }, { family: "ipv6", global: LINK_LOCAL, linkLocal: LINK_LOCAL }],
  ["IPv6 on such a link", "ipv6", LINK_LOCAL, UNNUMBERED, [], { linkLocal: LINK_LOCAL }, { family: "ipv6", global: LINK_LOCAL, linkLocal: LINK_LOCAL }],
  ["IPv4 over a link-local session without agreement, by the link's IPv4 address", "ipv4", LINK_LOCAL, UNNUMBERED, [], ALL, ipv4],
  ["the same without such an address", "ipv4", LINK_LOCAL, UNNUMBERED, [], { linkLocal: LINK_LOCAL }, undefined],
] as const) {
  test(`next hop: ${what}`, () => {
    assert.deepEqual(nextHopFor(family, local, peer, agreed(peer, extra), () => beside), expected);
  });
}

test("inside one AS a link-local next hop is given over a link-local session only", () => {
  const inside = { ...OVER_V6, asn: "internal", localAsn: 64501 } as const;
  assert.deepEqual(nextHopFor("ipv4", GLOBAL, inside, agreed(inside, [EXTENDED]), () => ALL), onlyGlobal);
});

const offered = (peer: BgpPeer): boolean => ourOpen({ routerId: "10.7.0.1" as Ipv4, hostname: "" }, peer, "capabilities").capabilities.some(({ name }) => name === "extended-next-hop");

test("extended next hops are offered over IPv6 and for IPv4 routes, and nowhere else", () => {
  assert.deepEqual([OVER_V6, UNNUMBERED, PEER, { ...OVER_V6, families: ["ipv6"] } as const].map(offered), [true, true, false, false]);
});

for (const [what, encodings, expected] of [
  ["IPv4 unicast by IPv6, among others", [{ afi: 1, safi: 128, nextHopAfi: 2 }, { afi: 1, safi: 1, nextHopAfi: 2 }], true],
  ["only VPN routes by IPv6", [{ afi: 1, safi: 128, nextHopAfi: 2 }], false],
  ["IPv4 unicast by IPv4", [{ afi: 1, safi: 1, nextHopAfi: 1 }], false],
  ["IPv6 unicast by IPv6", [{ afi: 2, safi: 1, nextHopAfi: 2 }], false],
  ["a subsequent family of two octets that only looks like unicast", [{ afi: 1, safi: 257, nextHopAfi: 2 }], false],
] as const) {
  test(`a router that takes ${what}: IPv6 next hops are ${expected ? "agreed" : "not agreed"}`, () => {
    assert.equal(agreed(OVER_V6, [{ name: "extended-next-hop", encodings }]).extendedNextHop, expected);
  });
}

test("without the IPv4 family there is nothing that extended next hops could be for", () => {
  assert.equal(agreed({ ...OVER_V6, families: ["ipv6"] }, [EXTENDED]).extendedNextHop, false);
});

function overIpv6(capabilities: readonly Capability[]): { w: World; last: () => RouterConnection } {
  const w = new World();
  const router = new Router(w.world, w.network, { ...ROUTER, address: OVER_V6.address, capabilities: [...ROUTER.capabilities, ...capabilities] });
  router.listen();
  return { w, last: () => router.last };
}

test("a router over IPv6 that takes extended next hops gets IPv4 routes without an IPv4 address on the link, changes and withdrawals too", () => {
  const { w, last } = overIpv6([EXTENDED]);
  w.beside = { ipv6: "fd07::1" as Ipv6, linkLocal: LINK_LOCAL };
  w.apply({ peers: [OVER_V6], vips: ["10.9.9.9", "10.9.9.10"] });
  w.advance(100);
  const { log, table } = last();
  assert.deepEqual(log.slice(2), ["UPDATE +10.9.9.9/32 +10.9.9.10/32", "UPDATE end ipv4", "UPDATE end ipv6"]);
  assert.deepEqual(table.get("10.9.9.9/32"), { origin: "igp", asPath: [{ type: "sequence", asns: [64500] }] }, "no NEXT_HOP attribute");
  assert.equal(w.peer().families.ipv4.nextHop, "fd07::1 fe80::1");
  assert.deepEqual(w.peer().notes, []);
  w.apply({ peers: [OVER_V6], vips: ["10.9.9.9"] });
  w.advance(100);
  assert.deepEqual(log.slice(5), ["UPDATE -10.9.9.10/32"]);
});

test("one that does not take them gets IPv4 routes with an IPv4 next hop, or none and a note that says both ways out", () => {
  const { w, last } = overIpv6([]);
  w.apply({ peers: [OVER_V6], vips: ["10.9.9.9"] });
  w.advance(100);
  assert.equal(last().table.get("10.9.9.9/32")?.nextHop, "10.7.0.1");
  w.beside = { ipv6: "fd07::1" as Ipv6 };
  w.advance(6000);
  assert.equal(last().table.size, 0);
  assert.deepEqual(w.peer().notes, [
    "1 ipv4 prefixes are not announced: the interface of this session has no ipv4 address to be their next hop, and the peer does not take an IPv6 one (extended next hop, RFC 8950)",
  ]);
});
