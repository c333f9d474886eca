/** UPDATE: RFC 4271 4.3, 4760, 2545, 6793, 1997, 4360, 8092, and the error handling of RFC 7606. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Family, type Ipv4, type Ipv6, type Prefix, address, addressFromBigInt, formatPrefix, prefixOf } from "../../src/net/index.ts";
import {
  BgpError,
  Framer,
  type NextHop,
  type PathAttributes,
  type Update,
  type UpdateContext,
  announcement,
  decodeUpdate,
  encodeAnnouncement,
  encodeEndOfRib,
  encodeWithdrawal,
  linkBandwidth,
  ownPath,
  prefixesOf,
  routeTarget,
} from "../../src/wire/index.ts";
import { toHex } from "./hex.ts";
import { octets } from "./octets.ts";

const EXTERNAL: UpdateContext = { fourOctetAs: true, internal: false, families: ["ipv4", "ipv6"], extendedNextHop: false };
const EXTENDED: UpdateContext = { ...EXTERNAL, extendedNextHop: true };
const INTERNAL: UpdateContext = { ...EXTERNAL, internal: true };
const OLD: UpdateContext = { ...EXTERNAL, fourOctetAs: false };

const V4: NextHop = { family: "ipv4", address: "192.0.2.1" as Ipv4 };
const V6: NextHop = { family: "ipv6", global: "2001:db8::1" as Ipv6, linkLocal: undefined };
const V6_ON_LINK: NextHop = { family: "ipv6", global: "2001:db8::1" as Ipv6, linkLocal: "fe80::1" as Ipv6 };
const ONLY_ON_LINK: NextHop = { family: "ipv6", global: "fe80::1" as Ipv6, linkLocal: "fe80::1" as Ipv6 };
const PLAIN = { origin: "igp", asPath: ownPath(64500, 1) } as const;

function prefix(text: string): Prefix {
  const [bare = "", length] = text.split("/");
  return { address: address(bare), length: Number(length) };
}

/** Decodes one whole message. */
function decode(message: Uint8Array, context = EXTERNAL): Update {
  const framer = new Framer();
  framer.push(message);
  const framed = framer.next();
  assert.equal(framed?.type, "UPDATE");
  return decodeUpdate(framed.body, context);
}

function routes(fields: Update["reachable"]): string[] {
  return fields.flatMap((field) => prefixesOf(field).map(formatPrefix));
}

function announce(attributes: PathAttributes, nextHop: NextHop, context: UpdateContext, prefixes: readonly string[]): Uint8Array[] {
  const encoded = announcement(prefixes.some((prefix) => prefix.includes(":")) ? "ipv6" : "ipv4", attributes, nextHop, context);
  assert.ok(encoded !== undefined);
  return encodeAnnouncement(encoded, prefixes.map(prefix));
}

// What is written, octet by octet.
for (const [what, messages, expected] of [
  [
    "IPv4, external",
    announce(PLAIN, V4, EXTERNAL, ["198.51.100.7/32", "203.0.113.0/24"]),
    "ff*16 0034 02 0000 0014  40 01 01 00  40 02 06 02 01 0000fbf4  40 03 04 c0000201  20 c6336407  18 cb0071",
  ],
  [
    "IPv4, internal: an empty AS_PATH and LOCAL_PREF",
    announce({ origin: "igp", asPath: [], localPref: 100 }, V4, INTERNAL, ["198.51.100.7/32"]),
    "ff*16 0031 02 0000 0015  40 01 01 00  40 02 00  40 03 04 c0000201  40 05 04 00000064  20 c6336407",
  ],
  [
    "IPv4, every attribute that is ours to set",
    announce(
      {
        origin: "igp",
        asPath: ownPath(64500, 3),
        med: 50,
        communities: [0xffffff01, 0xfbf40064, 0xffffff01],
        extendedCommunities: [routeTarget(64500, 7)],
        largeCommunities: [
          { global: 64500, local1: 2, local2: 1 },
          { global: 64500, local1: 1, local2: 2 },
        ],
      },
      V4,
      EXTERNAL,
      ["198.51.100.7/32"],
    ),
    `ff*16 0070 02 0000 0054  40 01 01 00  40 02 0e 02 03 0000fbf4 0000fbf4 0000fbf4  40 03 04 c0000201  80 04 04 00000032
     c0 08 08 fbf40064 ffffff01  c0 10 08 0002fbf400000007  c0 20 18 0000fbf4 00000001 00000002 0000fbf4 00000002 00000001  20 c6336407`,
  ],
  [
    "IPv6: MP_REACH_NLRI first, no NEXT_HOP",
    announce(PLAIN, V6, EXTERNAL, ["2001:db8:1::7/128"]),
    `ff*16 004d 02 0000 0036  80 0e 26 0002 01 10 20010db8000000000000000000000001 00 80 20010db8000100000000000000000007
     40 01 01 00  40 02 06 02 01 0000fbf4`,
  ],
  [
    "IPv6 on a shared link: global and link-local next hop",
    announce(PLAIN, V6_ON_LINK, EXTERNAL, ["2001:db8:1::/48"]),
    `ff*16 0053 02 0000 003c  80 0e 2c 0002 01 20 20010db8000000000000000000000001 fe800000000000000000000000000001 00 30 20010db80001
     40 01 01 00  40 02 06 02 01 0000fbf4`,
  ],
  [
    "IPv4 by an IPv6 next hop (RFC 8950): MP_REACH_NLRI first, no NEXT_HOP",
    announce(PLAIN, V6, EXTENDED, ["198.51.100.7/32"]),
    `ff*16 0041 02 0000 002a  80 0e 1a 0001 01 10 20010db8000000000000000000000001 00 20 c6336407
     40 01 01 00  40 02 06 02 01 0000fbf4`,
  ],
  [
    "IPv4 on a link without a global address: the link-local one twice",
    announce(PLAIN, ONLY_ON_LINK, EXTENDED, ["198.51.100.7/32"]),
    `ff*16 0051 02 0000 003a  80 0e 2a 0001 01 20 fe800000000000000000000000000001 fe800000000000000000000000000001 00 20 c6336407
     40 01 01 00  40 02 06 02 01 0000fbf4`,
  ],
  [
    "toward a speaker of two-octet AS numbers: AS_TRANS and AS4_PATH",
    announce({ origin: "igp", asPath: ownPath(4_200_000_001, 2) }, V4, OLD, ["198.51.100.7/32"]),
    "ff*16 003d 02 0000 0021  40 01 01 00  40 02 06 02 02 5ba0 5ba0  40 03 04 c0000201  c0 11 0a 02 02 fa56ea01 fa56ea01  20 c6336407",
  ],
  [
    "toward a speaker of two-octet AS numbers, from one: no AS4_PATH",
    announce(PLAIN, V4, OLD, ["198.51.100.7/32"]),
    "ff*16 002e 02 0000 0012  40 01 01 00  40 02 04 02 01 fbf4  40 03 04 c0000201  20 c6336407",
  ],
  [
    "toward a speaker of two-octet AS numbers: AGGREGATOR with AS_TRANS, and AS4_AGGREGATOR",
    announce({ ...PLAIN, aggregator: { asn: 4_200_000_001, address: "192.0.2.9" as Ipv4 } }, V4, OLD, ["198.51.100.7/32"]),
    "ff*16 0042 02 0000 0026  40 01 01 00  40 02 04 02 01 fbf4  40 03 04 c0000201  c0 07 06 5ba0 c0000209  c0 12 08 fa56ea01 c0000209  20 c6336407",
  ],
  ["withdrawal of IPv4", encodeWithdrawal("ipv4", ["198.51.100.7/32", "0.0.0.0/0"].map(prefix)), "ff*16 001d 02 0006 20 c6336407 00 0000"],
  ["withdrawal of IPv6", encodeWithdrawal("ipv6", ["2001:db8::/33"].map(prefix)), "ff*16 0023 02 0000 000c  80 0f 09 0002 01 21 20010db800"],
  ["End-of-RIB of IPv4", [encodeEndOfRib("ipv4")], "ff*16 0017 02 0000 0000"],
  ["End-of-RIB of IPv6", [encodeEndOfRib("ipv6")], "ff*16 001d 02 0000 0006  80 0f 03 0002 01"],
] as const) {
  test(`writes: ${what}`, () => {
    assert.deepEqual(messages.map(toHex), [toHex(octets(expected))]);
  });
}

test("what has no prefix to say makes no message", () => {
  assert.deepEqual(encodeWithdrawal("ipv4", []), []);
  assert.deepEqual(announce(PLAIN, V6, EXTERNAL, []), []);
});

test("IPv6 routes never have an IPv4 next hop", () => {
  assert.throws(() => announcement("ipv6", PLAIN, V4, EXTERNAL), RangeError);
});

test("attributes that leave no room for prefixes are refused instead of sent", () => {
  const communities = Array.from({ length: 600 }, (_, i) => i);
  assert.equal(announcement("ipv4", { ...PLAIN, communities }, V4, EXTERNAL), undefined);
  assert.notEqual(announcement("ipv4", { ...PLAIN, communities: communities.slice(0, 400) }, V4, EXTERNAL), undefined);
});

const prefixes: Readonly<Record<Family, fc.Arbitrary<Prefix>>> = {
  ipv4: fc.tuple(fc.bigInt(0n, (1n << 32n) - 1n), fc.nat(32)).map(([n, length]) => prefixOf(addressFromBigInt("ipv4", n), length)),
  ipv6: fc.tuple(fc.bigInt(0n, (1n << 128n) - 1n), fc.nat(128)).map(([n, length]) => prefixOf(addressFromBigInt("ipv6", n), length)),
};
const attributes = fc
  .record({
    times: fc.integer({ min: 1, max: 10 }),
    asn: fc.integer({ min: 1, max: 0xffffffff }),
    med: fc.option(fc.nat(0xffffffff), { nil: undefined }),
    communities: fc.array(fc.nat(0xffffffff), { maxLength: 120, size: "max" }),
    large: fc.array(fc.record({ global: fc.nat(0xffffffff), local1: fc.nat(9), local2: fc.nat(9) }), { maxLength: 20, size: "max" }),
  })
  .map(
    ({ times, asn, med, communities, large }): PathAttributes => ({
      origin: "igp",
      asPath: ownPath(asn, times),
      ...(med === undefined ? {} : { med }),
      ...(communities.length === 0 ? {} : { communities }),
      ...(large.length === 0 ? {} : { largeCommunities: large }),
    }),
  );
const context = fc.constantFrom(EXTERNAL, OLD, INTERNAL);

for (const family of ["ipv4", "ipv6"] as const) {
  test(`any number of ${family} prefixes is packed into whole messages of one kind, and read back without a complaint`, () => {
    fc.assert(
      fc.property(fc.array(prefixes[family], { minLength: 1, maxLength: 1500, size: "max" }), attributes, context, fc.constantFrom(V4, V6, V6_ON_LINK, ONLY_ON_LINK), (list, sent, agreed, hop) => {
        const nextHop = family === "ipv6" && hop === V4 ? V6 : hop;
        const session = { ...agreed, extendedNextHop: nextHop !== V4 };
        const encoded = announcement(family, session.internal ? { ...sent, localPref: 100 } : sent, nextHop, session);
        assert.ok(encoded !== undefined);
        const wanted = list.map(formatPrefix);
        const announced = encodeAnnouncement(encoded, list);
        const withdrawn = encodeWithdrawal(family, list);
        assert.deepEqual(announced.flatMap((message) => read(message, session, "reachable")), wanted);
        assert.deepEqual(withdrawn.flatMap((message) => read(message, session, "withdrawn")), wanted);
        // Full but for less than one prefix, except the last.
        for (const message of [...announced.slice(0, -1), ...withdrawn.slice(0, -1)]) assert.ok(message.length > 4096 - 20, `${message.length} octets`);
      }),
      { numRuns: 40 },
    );
  });
}

function read(message: Uint8Array, session: UpdateContext, kind: "reachable" | "withdrawn"): string[] {
  assert.ok(message.length <= 4096);
  const update = decode(message, session);
  assert.deepEqual(update.problems, []);
  assert.deepEqual(update[kind === "reachable" ? "withdrawn" : "reachable"], []);
  assert.equal(update[kind].length, 1);
  return routes(update[kind]);
}

// What is read. The pieces of RFC 7606's cases:
const ORIGIN = "40 01 01 00";
const AS_PATH = "40 02 06 02 01 0000fde9";
const NEXT_HOP = "40 03 04 c0000202";
const LOCAL_PREF = "40 05 04 00000064";
const NLRI = "18 cb0071";
const MP_REACH = "80 0e 1a 0002 01 10 20010db8000000000000000000000002 00 20 20010db8";
const MP_UNREACH = "80 0f 08 0002 01 20 20010db8";

function body(attributeOctets: string, nlriOctets = "", withdrawnOctets = ""): Uint8Array {
  const [a, n, w] = [octets(attributeOctets), octets(nlriOctets), octets(withdrawnOctets)];
  return Buffer.concat([Uint8Array.of(w.length >> 8, w.length), w, Uint8Array.of(a.length >> 8, a.length), a, n]);
}

test("a plain announcement is read", () => {
  const update = decodeUpdate(body(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} 80 04 04 00000001`, NLRI), EXTERNAL);
  assert.deepEqual(update.attributes, { origin: "igp", asPath: [{ type: "sequence", asns: [65001] }], nextHop: "192.0.2.2", med: 1 });
  assert.deepEqual(routes(update.reachable), ["203.0.113.0/24"]);
  assert.deepEqual(update.problems, []);
});

for (const [what, session, octetsOf, expected] of [
  ["extended length without need", EXTERNAL, body(`50 01 0001 00 ${AS_PATH} ${NEXT_HOP}`, NLRI), ["203.0.113.0/24"]],
  ["attributes in any order", EXTERNAL, body(`${NEXT_HOP} ${AS_PATH} ${ORIGIN}`, NLRI), ["203.0.113.0/24"]],
  ["an empty AS_PATH from inside", INTERNAL, body(`${ORIGIN} 40 02 00 ${NEXT_HOP} ${LOCAL_PREF}`, NLRI), ["203.0.113.0/24"]],
  ["confederation segments from inside", INTERNAL, body(`${ORIGIN} 40 02 06 03 01 0000fde9 ${NEXT_HOP} ${LOCAL_PREF}`, NLRI), ["203.0.113.0/24"]],
  ["two-octet AS numbers", OLD, body(`${ORIGIN} 40 02 04 02 01 fde9 ${NEXT_HOP}`, NLRI), ["203.0.113.0/24"]],
  ["IPv6", EXTERNAL, body(`${MP_REACH} ${ORIGIN} ${AS_PATH}`), ["2001:db8::/32"]],
  ["IPv6 with two next hops", EXTERNAL, body(`80 0e 2a 0002 01 20 20010db8000000000000000000000002 fe800000000000000000000000000002 00 20 20010db8 ${ORIGIN} ${AS_PATH}`), ["2001:db8::/32"]],
  ["IPv4 in MP_REACH_NLRI", EXTERNAL, body(`80 0e 0d 0001 01 04 c0000202 00 18 cb0071 ${ORIGIN} ${AS_PATH}`), ["203.0.113.0/24"]],
  ["IPv4 by an IPv6 next hop", EXTENDED, body(`80 0e 19 0001 01 10 20010db8000000000000000000000002 00 18 cb0071 ${ORIGIN} ${AS_PATH}`), ["203.0.113.0/24"]],
  ["IPv4 by a link-local next hop alone", EXTENDED, body(`80 0e 19 0001 01 10 fe800000000000000000000000000002 00 18 cb0071 ${ORIGIN} ${AS_PATH}`), ["203.0.113.0/24"]],
  ["IPv4 by two IPv6 next hops", EXTENDED, body(`80 0e 29 0001 01 20 20010db8000000000000000000000002 fe800000000000000000000000000002 00 18 cb0071 ${ORIGIN} ${AS_PATH}`), ["203.0.113.0/24"]],
  ["IPv4 in MP_REACH_NLRI where IPv6 next hops are agreed", EXTENDED, body(`80 0e 0d 0001 01 04 c0000202 00 18 cb0071 ${ORIGIN} ${AS_PATH}`), ["203.0.113.0/24"]],
  ["IPv6 extended communities and ATTR_SET", EXTERNAL, body(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} c0 19 14 00*20 c0 80 08 0000fde9 40 01 01 00`, NLRI), ["203.0.113.0/24"]],
  ["IPv4 and IPv6 in one message", EXTERNAL, body(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} ${MP_REACH}`, NLRI), ["203.0.113.0/24", "2001:db8::/32"]],
  ["an unknown optional attribute", EXTERNAL, body(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} c0 63 02 0000`, NLRI), ["203.0.113.0/24"]],
  ["an unknown optional attribute twice", EXTERNAL, body(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} c0 63 00 c0 63 00`, NLRI), ["203.0.113.0/24"]],
  ["ORIGIN twice: the first counts", EXTERNAL, body(`${ORIGIN} 40 01 01 09 ${AS_PATH} ${NEXT_HOP}`, NLRI), ["203.0.113.0/24"]],
  ["the partial flag", EXTERNAL, body(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} e0 08 04 fde90001`, NLRI), ["203.0.113.0/24"]],
  ["a family that was not agreed on", { ...EXTERNAL, families: ["ipv4"] }, body(`${MP_REACH} ${ORIGIN} ${AS_PATH}`), []],
  ["VPN routes that nobody asked for", EXTERNAL, body(`80 0e 11 0001 80 0c 0000000000000000c0000202 00 ${ORIGIN} ${AS_PATH}`), []],
  ["host bits in a prefix", EXTERNAL, body(`${ORIGIN} ${AS_PATH} ${NEXT_HOP}`, "17 cb0071"), ["203.0.112.0/23"]],
  ["nothing but attributes from inside", INTERNAL, body(`${ORIGIN} ${AS_PATH}`), []],
  ["nothing but attributes", EXTERNAL, body(`${ORIGIN} ${AS_PATH}`), []],
] as const) {
  test(`accepts ${what}`, () => {
    const update = decodeUpdate(octetsOf, session);
    assert.deepEqual(update.problems, []);
    assert.deepEqual(routes(update.reachable), expected);
    assert.deepEqual(update.withdrawn, []);
  });
}

for (const [what, octetsOf, family] of [
  ["an empty UPDATE", body(""), "ipv4"],
  ["an empty MP_UNREACH_NLRI of IPv6", body("80 0f 03 0002 01"), "ipv6"],
  ["an empty MP_UNREACH_NLRI of IPv4", body("80 0f 03 0001 01"), "ipv4"],
  ["an empty MP_UNREACH_NLRI of something else", body("80 0f 03 0001 80"), undefined],
  ["a withdrawal", body("", "", "18 cb0071"), undefined],
  ["an empty MP_UNREACH_NLRI beside a withdrawal", body("80 0f 03 0002 01", "", "18 cb0071"), undefined],
  ["an empty MP_UNREACH_NLRI beside another attribute", body(`80 0f 03 0002 01 ${ORIGIN}`), undefined],
] as const) {
  test(`${what} is ${family === undefined ? "no End-of-RIB" : `the End-of-RIB of ${family}`}`, () => {
    assert.equal(decodeUpdate(octetsOf, EXTERNAL).endOfRib, family);
  });
}

test("both ways to withdraw are read", () => {
  const update = decodeUpdate(body(MP_UNREACH, "", "18 cb0071 20 c6336407"), EXTERNAL);
  assert.deepEqual(routes(update.withdrawn), ["203.0.113.0/24", "198.51.100.7/32", "2001:db8::/32"]);
  assert.deepEqual(update.reachable, []);
});

// RFC 7606: what only costs routes or an attribute.
const REST = `${AS_PATH} ${NEXT_HOP}`;
for (const [what, session, list, attribute, approach] of [
  ["ORIGIN with an undefined value", EXTERNAL, `40 01 01 03 ${REST}`, "ORIGIN", "treat-as-withdraw"],
  ["ORIGIN of two octets", EXTERNAL, `40 01 02 0000 ${REST}`, "ORIGIN", "treat-as-withdraw"],
  ["an empty ORIGIN", EXTERNAL, `40 01 00 ${REST}`, "ORIGIN", "treat-as-withdraw"],
  ["ORIGIN that is optional", EXTERNAL, `c0 01 01 00 ${REST}`, "ORIGIN", "treat-as-withdraw"],
  ["no ORIGIN", EXTERNAL, REST, "ORIGIN", "treat-as-withdraw"],
  ["no AS_PATH", EXTERNAL, `${ORIGIN} ${NEXT_HOP}`, "AS_PATH", "treat-as-withdraw"],
  ["no NEXT_HOP", EXTERNAL, `${ORIGIN} ${AS_PATH}`, "NEXT_HOP", "treat-as-withdraw"],
  ["an unknown segment type", EXTERNAL, `${ORIGIN} 40 02 06 05 01 0000fde9 ${NEXT_HOP}`, "AS_PATH", "treat-as-withdraw"],
  ["an empty segment", EXTERNAL, `${ORIGIN} 40 02 02 02 00 ${NEXT_HOP}`, "AS_PATH", "treat-as-withdraw"],
  ["a segment that is too long", EXTERNAL, `${ORIGIN} 40 02 06 02 02 0000fde9 ${NEXT_HOP}`, "AS_PATH", "treat-as-withdraw"],
  ["one octet behind the last segment", EXTERNAL, `${ORIGIN} 40 02 07 02 01 0000fde9 02 ${NEXT_HOP}`, "AS_PATH", "treat-as-withdraw"],
  ["AS 0 in the path", EXTERNAL, `${ORIGIN} 40 02 06 02 01 00000000 ${NEXT_HOP}`, "AS_PATH", "treat-as-withdraw"],
  ["a confederation segment from outside", EXTERNAL, `${ORIGIN} 40 02 06 03 01 0000fde9 ${NEXT_HOP}`, "AS_PATH", "treat-as-withdraw"],
  ["NEXT_HOP of five octets", EXTERNAL, `${ORIGIN} ${AS_PATH} 40 03 05 c000020200`, "NEXT_HOP", "treat-as-withdraw"],
  ["NEXT_HOP 0.0.0.0", EXTERNAL, `${ORIGIN} ${AS_PATH} 40 03 04 00000000`, "NEXT_HOP", "treat-as-withdraw"],
  ["a multicast NEXT_HOP", EXTERNAL, `${ORIGIN} ${AS_PATH} 40 03 04 e0000001`, "NEXT_HOP", "treat-as-withdraw"],
  ["MULTI_EXIT_DISC of three octets", EXTERNAL, `${ORIGIN} ${REST} 80 04 03 000000`, "MULTI_EXIT_DISC", "treat-as-withdraw"],
  ["LOCAL_PREF from outside", EXTERNAL, `${ORIGIN} ${REST} 40 05 04 00000064`, "LOCAL_PREF", "attribute-discard"],
  ["LOCAL_PREF from outside, malformed", EXTERNAL, `${ORIGIN} ${REST} 80 05 01 00`, "LOCAL_PREF", "attribute-discard"],
  ["LOCAL_PREF from inside, malformed", INTERNAL, `${ORIGIN} ${REST} 40 05 01 00`, "LOCAL_PREF", "treat-as-withdraw"],
  ["no LOCAL_PREF from inside", INTERNAL, `${ORIGIN} ${REST}`, "LOCAL_PREF", "treat-as-withdraw"],
  ["ATOMIC_AGGREGATE with a value", EXTERNAL, `${ORIGIN} ${REST} 40 06 01 00`, "ATOMIC_AGGREGATE", "attribute-discard"],
  ["AGGREGATOR of two-octet form", EXTERNAL, `${ORIGIN} ${REST} c0 07 06 fde9 c0000201`, "AGGREGATOR", "attribute-discard"],
  ["AGGREGATOR of four-octet form", OLD, `${ORIGIN} 40 02 04 02 01 fde9 ${NEXT_HOP} c0 07 08 0000fde9 c0000201`, "AGGREGATOR", "attribute-discard"],
  ["AGGREGATOR of AS 0", EXTERNAL, `${ORIGIN} ${REST} c0 07 08 00000000 c0000201`, "AGGREGATOR", "attribute-discard"],
  ["COMMUNITIES of five octets", EXTERNAL, `${ORIGIN} ${REST} c0 08 05 fde9000100`, "COMMUNITIES", "treat-as-withdraw"],
  ["empty COMMUNITIES", EXTERNAL, `${ORIGIN} ${REST} c0 08 00`, "COMMUNITIES", "treat-as-withdraw"],
  ["ORIGINATOR_ID from outside", EXTERNAL, `${ORIGIN} ${REST} 80 09 04 c0000201`, "ORIGINATOR_ID", "attribute-discard"],
  ["ORIGINATOR_ID from inside, malformed", INTERNAL, `${ORIGIN} ${REST} ${LOCAL_PREF} 80 09 03 c00002`, "ORIGINATOR_ID", "treat-as-withdraw"],
  ["CLUSTER_LIST from outside", EXTERNAL, `${ORIGIN} ${REST} 80 0a 04 c0000201`, "CLUSTER_LIST", "attribute-discard"],
  ["CLUSTER_LIST from inside, malformed", INTERNAL, `${ORIGIN} ${REST} ${LOCAL_PREF} 80 0a 00`, "CLUSTER_LIST", "treat-as-withdraw"],
  ["EXTENDED COMMUNITIES of nine octets", EXTERNAL, `${ORIGIN} ${REST} c0 10 09 00*9`, "EXTENDED COMMUNITIES", "treat-as-withdraw"],
  ["LARGE_COMMUNITY of eleven octets", EXTERNAL, `${ORIGIN} ${REST} c0 20 0b 00*11`, "LARGE_COMMUNITY", "treat-as-withdraw"],
  ["AS4_PATH from a speaker of four octets", EXTERNAL, `${ORIGIN} ${REST} c0 11 06 02 01 0000fde9`, "AS4_PATH", "attribute-discard"],
  ["AS4_PATH, malformed", OLD, `${ORIGIN} 40 02 04 02 01 5ba0 ${NEXT_HOP} c0 11 06 07 01 0000fde9`, "AS4_PATH", "attribute-discard"],
  ["AS4_AGGREGATOR of seven octets", OLD, `${ORIGIN} 40 02 04 02 01 5ba0 ${NEXT_HOP} c0 12 07 0000fde9 c00002`, "AS4_AGGREGATOR", "attribute-discard"],
  ["IPv6 extended communities of nineteen octets", EXTERNAL, `${ORIGIN} ${REST} c0 19 13 00*19`, "IPV6 EXTENDED COMMUNITIES", "treat-as-withdraw"],
  ["empty IPv6 extended communities", EXTERNAL, `${ORIGIN} ${REST} c0 19 00`, "IPV6 EXTENDED COMMUNITIES", "treat-as-withdraw"],
  ["ATTR_SET without an AS", EXTERNAL, `${ORIGIN} ${REST} c0 80 03 0000fd`, "ATTR_SET", "treat-as-withdraw"],
  ["ATTR_SET with an attribute that is cut off", EXTERNAL, `${ORIGIN} ${REST} c0 80 07 0000fde9 40 01 01`, "ATTR_SET", "treat-as-withdraw"],
  ["OTC of three octets", EXTERNAL, `${ORIGIN} ${REST} c0 23 03 00fde9`, "OTC", "treat-as-withdraw"],
  ["an attribute longer than the list", EXTERNAL, `${ORIGIN} ${REST} 80 04 05 000000`, "path attributes", "treat-as-withdraw"],
  ["two octets behind the last attribute", EXTERNAL, `${ORIGIN} ${REST} 80 04`, "path attributes", "treat-as-withdraw"],
  ["three octets where the extended length needs four", EXTERNAL, `${ORIGIN} ${REST} 90 04 00`, "path attributes", "treat-as-withdraw"],
] as const) {
  test(`${what}: ${approach}, and the session stays`, () => {
    const update = decodeUpdate(body(list, NLRI), session);
    assert.deepEqual(update.problems.map((problem) => [problem.attribute, problem.approach]), [[attribute, approach]]);
    const [stay, go] = approach === "treat-as-withdraw" ? [update.withdrawn, update.reachable] : [update.reachable, update.withdrawn];
    assert.deepEqual(routes(stay), ["203.0.113.0/24"]);
    assert.deepEqual(go, []);
  });
}

test("MP_REACH_NLRI that is well-known can be read all the same, so that its routes are withdrawn and the session stays", () => {
  const update = decodeUpdate(body(`40${MP_REACH.slice(2)} ${ORIGIN} ${AS_PATH}`), EXTERNAL);
  assert.deepEqual(update.problems, [{ attribute: "MP_REACH_NLRI", approach: "treat-as-withdraw", text: "its flags are 0x40" }]);
  assert.deepEqual([routes(update.withdrawn), update.reachable], [["2001:db8::/32"], []]);
});

test("of several errors the strongest decides", () => {
  const update = decodeUpdate(body(`${ORIGIN} ${REST} 40 05 04 00000064 80 04 00`, NLRI), EXTERNAL);
  assert.deepEqual(update.problems.map(({ approach }) => approach), ["attribute-discard", "treat-as-withdraw"]);
  assert.deepEqual(update.reachable, []);
});

// RFC 7606: what costs the session.
for (const [what, octetsOf, subcode, data] of [
  ["withdrawn routes longer than the message", octets("0005 18 cb0071"), 1, ""],
  ["withdrawn routes that leave no room for the attributes' length", octets("0004 18 cb0071"), 1, ""],
  ["attributes longer than the message", octets("0000 0005 40 01 01 00"), 1, ""],
  ["a prefix of 33 bits", body(`${ORIGIN} ${AS_PATH} ${NEXT_HOP}`, "21 cb007100 00"), 10, ""],
  ["a prefix that is cut off", body(`${ORIGIN} ${AS_PATH} ${NEXT_HOP}`, "18 cb00"), 10, ""],
  ["a withdrawn prefix of 33 bits", body("", "", "21 cb007100 00"), 10, ""],
  ["a withdrawn prefix that is cut off", body("", "", "20 cb0071"), 10, ""],
  ["MP_REACH_NLRI twice", body(`${MP_REACH} ${MP_REACH} ${ORIGIN} ${AS_PATH}`), 1, ""],
  ["MP_UNREACH_NLRI twice", body(`${MP_UNREACH} ${MP_UNREACH}`), 1, ""],
  ["MP_REACH_NLRI of four octets", body(`80 0e 04 0002 01 00 ${ORIGIN} ${AS_PATH}`), 9, "800e0400020100"],
  ["MP_UNREACH_NLRI of two octets", body("80 0f 02 0002"), 9, "800f020002"],
  ["MP_UNREACH_NLRI that is transitive beside another attribute, and no routes to withdraw", body(`c0 0f 03 0002 01 ${ORIGIN}`), 4, "c00f03000201"],
  ["MP_UNREACH_NLRI that is transitive and the beginning of another attribute", body("c0 0f 03 0002 01 40"), 4, "c00f03000201"],
  ["an IPv6 next hop of four octets", body(`80 0e 0e 0002 01 04 c0000202 00 20 20010db8 ${ORIGIN} ${AS_PATH}`), 9, "800e0e00020104c00002020020" + "20010db8"],
  ["an IPv6 next hop of IPv4 routes that was not agreed on", body(`80 0e 19 0001 01 10 20010db8000000000000000000000002 00 18 cb0071 ${ORIGIN} ${AS_PATH}`), 9, "800e1900010110" + "20010db8000000000000000000000002" + "0018cb0071"],
  ["an IPv4 next hop of eight octets", body(`80 0e 11 0001 01 08 c0000202c0000203 00 18 cb0071 ${ORIGIN} ${AS_PATH}`), 9, "800e1100010108c0000202c00002030018cb0071"],
  ["a next hop longer than the attribute", body(`80 0e 05 0002 01 10 00 ${ORIGIN} ${AS_PATH}`), 9, "800e050002011000"],
  ["an IPv6 prefix of 129 bits", body("80 0f 15 0002 01 81 00*17"), 9, `800f1500020181${"00".repeat(17)}`],
  ["an IPv6 prefix that is cut off", body("80 0f 05 0002 01 20 20"), 9, "800f050002012020"],
  ["an unknown well-known attribute", body(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} 40 63 01 07`, NLRI), 2, "40630107"],
  ["a malformed attribute and no routes to withdraw", body(`40 01 01 07 ${AS_PATH}`), 6, "40010107"],
  ["a malformed attribute beside withdrawn routes", body(`${ORIGIN} 80 04 01 00`, "", "18 cb0071"), 5, "80040100"],
  ["an attribute list that is cut off and no routes to withdraw", body("40 01"), 1, ""],
] as const) {
  test(`${what}: the session is reset with 3/${subcode}`, () => {
    assert.throws(
      () => decodeUpdate(octetsOf, EXTERNAL),
      (error) => {
        assert.ok(error instanceof BgpError, String(error));
        assert.deepEqual([error.notification.code, error.notification.subcode, toHex(error.notification.data)], [3, subcode, data]);
        return true;
      },
    );
  });
}

test("an UPDATE that is cut off anywhere, or changed anywhere, is an UPDATE or a BgpError of code 3", () => {
  const whole = [
    body(`${MP_REACH} ${ORIGIN} ${AS_PATH} ${NEXT_HOP} 80 04 04 00000001 c0 08 04 fde90001 c0 10 08 00*8 c0 20 0c 00*12`, NLRI),
    body(MP_UNREACH, "", "18 cb0071"),
  ];
  for (const one of whole) for (let length = 4; length < one.length; length++) mustBeTotal(one.subarray(0, length));
  fc.assert(
    fc.property(fc.constantFrom(...whole), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), context, (one, changes, session) => {
      const changed = Uint8Array.from(one);
      for (const [place, octet] of changes) changed[place % changed.length] = octet;
      mustBeTotal(changed, session);
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 100, size: "max" }), (garbage) => {
      mustBeTotal(garbage);
    }),
  );
});

function mustBeTotal(octetsOf: Uint8Array, session = EXTERNAL): void {
  try {
    const update = decodeUpdate(octetsOf, session);
    for (const field of [...update.reachable, ...update.withdrawn]) assert.equal(prefixesOf(field).length, field.count);
  } catch (error) {
    assert.ok(error instanceof BgpError, String(error));
    assert.equal(error.notification.code, 3);
  }
}

test("a route target has the AS in two octets where it fits, else in four (RFC 4360, RFC 5668)", () => {
  assert.equal(routeTarget(64500, 7), 0x0002fbf400000007n);
  assert.equal(routeTarget(4_200_000_001, 7), 0x0202fa56ea010007n);
  assert.throws(() => routeTarget(4_200_000_001, 65536), RangeError);
});

test("a link bandwidth has the AS in two octets, AS_TRANS if it does not fit, and octets per second as a float (draft-ietf-idr-link-bandwidth)", () => {
  assert.equal(linkBandwidth(65001, { octetsPerSecond: 125_000_000, transitive: false }), 0x4004fde94cee6b28n); // 1 Gbit/s
  assert.equal(linkBandwidth(65001, { octetsPerSecond: 125_000, transitive: true }), 0x0004fde947f42400n);
  assert.equal(linkBandwidth(4_200_000_001, { octetsPerSecond: 375_000, transitive: true }), 0x00045ba048b71b00n);
});

test("a hundred thousand prefixes are written in 129 messages", () => {
  const list = Array.from({ length: 100_000 }, (_, i) => prefix(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`));
  const encoded = announcement("ipv4", PLAIN, V4, EXTERNAL);
  assert.ok(encoded !== undefined);
  const messages = encodeAnnouncement(encoded, list);
  assert.equal(messages.length, Math.ceil(100_000 / Math.floor((4096 - 23 - 20) / 5)));
});
