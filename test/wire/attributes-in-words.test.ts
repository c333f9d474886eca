/** What the operator is told of a route's attributes, read from the octets that are sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Ipv4, type Ipv6, address } from "../../src/net/index.ts";
import { type NextHop, type PathAttributes, announcement, attributesInWords, encodeAnnouncement, ownPath, routeTarget } from "../../src/wire/index.ts";
import { octets } from "./octets.ts";

const EXTERNAL = { fourOctetAs: true, internal: false };
const V4: NextHop = { family: "ipv4", address: "192.0.2.1" as Ipv4 };
const V6: NextHop = { family: "ipv6", global: "2001:db8::1" as Ipv6, linkLocal: undefined };
const V6_ON_LINK: NextHop = { family: "ipv6", global: "2001:db8::1" as Ipv6, linkLocal: "fe80::1" as Ipv6 };
const PLAIN = { origin: "igp", asPath: ownPath(64500, 1) } as const;

function sent(attributes: PathAttributes, nextHop: NextHop, context = EXTERNAL): Uint8Array {
  const encoded = announcement(nextHop.family, attributes, nextHop, context);
  const prefix = nextHop.family === "ipv4" ? { address: address("10.9.9.9"), length: 32 } : { address: address("2001:db8:9::"), length: 64 };
  const [message] = encoded === undefined ? [] : encodeAnnouncement(encoded, [prefix]);
  assert.ok(message !== undefined);
  return message;
}

for (const [what, attributes, nextHop, context, expected] of [
  ["the least that there is", PLAIN, V4, EXTERNAL, { origin: "igp", as_path: "64500", next_hop: "192.0.2.1" }],
  ["a path inside our AS", { origin: "igp", asPath: [], localPref: 250 }, V4, { ...EXTERNAL, internal: true }, { origin: "igp", as_path: "", next_hop: "192.0.2.1", local_pref: 250 }],
  ["an IPv6 next hop", PLAIN, V6, EXTERNAL, { next_hop: "2001:db8::1", origin: "igp", as_path: "64500" }],
  ["an IPv6 next hop on the link", PLAIN, V6_ON_LINK, EXTERNAL, { next_hop: "2001:db8::1 fe80::1", origin: "igp", as_path: "64500" }],
  ["a long path to a speaker of two octets", { origin: "igp", asPath: ownPath(4_200_000_001, 2) }, V4, { ...EXTERNAL, fourOctetAs: false }, { origin: "igp", as_path: "23456 23456", next_hop: "192.0.2.1", as4_path: "4200000001 4200000001" }],
  ["a path of every kind", { origin: "incomplete", asPath: [{ type: "sequence", asns: [1, 2] }, { type: "set", asns: [3, 4] }, { type: "confed-sequence", asns: [5] }, { type: "confed-set", asns: [6] }] }, V4, { ...EXTERNAL, internal: true }, { origin: "incomplete", as_path: "1 2 {3 4} (5) [6]", next_hop: "192.0.2.1" }],
  ["numbers of zero", { ...PLAIN, med: 0, localPref: 0 }, V4, EXTERNAL, { origin: "igp", as_path: "64500", next_hop: "192.0.2.1", med: 0, local_pref: 0 }],
  ["communities by name, sorted as they are sent", { ...PLAIN, communities: [0xffffff01, 0xffff029a, 0xffff0000, 0xffff0007, (64500 << 16) >>> 0, ((64500 << 16) >>> 0) + 100] }, V4, EXTERNAL, { origin: "igp", as_path: "64500", next_hop: "192.0.2.1", communities: ["64500:0", "64500:100", "graceful-shutdown", "no-llgr", "blackhole", "no-export"] }],
  ["extended communities", { ...PLAIN, extendedCommunities: [routeTarget(64500, 7), routeTarget(4_200_000_001, 8), 0x0102_c000_0201_0009n, 0x4004_fbf4_4cee_6b28n, 0x0004_fbf4_4cee_6b28n, 0x0b0c_0000_0000_0001n] }, V4, EXTERNAL,
    { origin: "igp", as_path: "64500", next_hop: "192.0.2.1", extended_communities: ["rt:64500:7", "link-bandwidth:64500:125000000", "rt:192.0.2.1:9", "rt:4200000001:8", "0x0b0c000000000001", "link-bandwidth:64500:125000000"] }],
  ["large communities", { ...PLAIN, largeCommunities: [{ global: 64500, local1: 2, local2: 3 }, { global: 64500, local1: 1, local2: 4 }] }, V4, EXTERNAL, { origin: "igp", as_path: "64500", next_hop: "192.0.2.1", large_communities: ["large:64500:1:4", "large:64500:2:3"] }],
  ["what an aggregate carries", { ...PLAIN, atomicAggregate: true, aggregator: { asn: 64500, address: "192.0.2.9" as Ipv4 } }, V4, EXTERNAL, { origin: "igp", as_path: "64500", next_hop: "192.0.2.1", atomic_aggregate: true, aggregator: "64500 192.0.2.9" }],
  ["what a customer may not pass on", { ...PLAIN, onlyToCustomer: 64500 }, V4, EXTERNAL, { origin: "igp", as_path: "64500", next_hop: "192.0.2.1", only_to_customer: 64500 }],
] as const satisfies readonly (readonly [string, PathAttributes, NextHop, typeof EXTERNAL, object])[]) {
  test(`says ${what}`, () => {
    const words = attributesInWords(sent(attributes, nextHop, context), context);
    assert.deepEqual(words, expected);
    assert.deepEqual(Object.keys(words), Object.keys(expected), "in the order of the wire");
  });
}

test("an attribute that has no name yet shows by its number", () => {
  const message = octets("ffffffffffffffffffffffffffffffff 0020 02 0000 0009 40 01 01 00  c0 63 02 abcd");
  assert.deepEqual(attributesInWords(message, EXTERNAL), { origin: "igp", attribute_99: "0xabcd" });
});

test("whatever of these a route has shows, and nothing else", () => {
  const names = { med: fc.nat(), localPref: fc.nat(), communities: fc.array(fc.nat(0xffffffff), { minLength: 1, maxLength: 5 }), onlyToCustomer: fc.nat() };
  fc.assert(
    fc.property(fc.record(names, { requiredKeys: [] }), (some) => {
      const words = attributesInWords(sent({ ...PLAIN, ...some }, V6), EXTERNAL);
      assert.equal(Object.keys(words).length, 3 + Object.keys(some).length);
    }),
  );
});
