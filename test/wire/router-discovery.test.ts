import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Ipv6, type Mac, address, addressFromBytes } from "../../src/net/index.ts";
import {
  type RouterAdvertisement,
  type RouterDiscovery,
  type RouterSolicitation,
  WireError,
  decodeIpv6,
  decodeRouterDiscovery,
  encodeRouterDiscovery,
  icmpv6Checksum,
  routerPresence,
  routerSolicitation,
} from "../../src/wire/index.ts";
import { anyIpv6, anyMac, record, unicastIpv6 } from "./arbitrary.ts";
import { fromHex, patched, toHex } from "./hex.ts";

const v6 = (text: string): Ipv6 => address(text) as Ipv6;
const US = v6("fe80::b0:ff:fe00:100");
const ROUTER = v6("fe80::b0:ff:fe00:200");
const MAC = "02:b0:00:00:02:00" as Mac;

// As FRR 8.4.4 sent it on an interface of an unnumbered neighbor, from the IPv6 header on: hop limit 64, lifetime 30 s.
const ADVERTISEMENT = 
  "600c 80fe 0018 3aff fe8000000000000000b000fffe000200 ff020000000000000000000000000001 8600 34a9 4000 001e 00000000 00000000 0101 02b0 0000 0200".replaceAll(" ", "");
// As Linux sent it through a raw socket: without an option.
const SOLICITATION = "6007 3f7c 0008 3aff fe8000000000000000b000fffe000100 ff020000000000000000000000000002 8500 7c87 0000 0000".replaceAll(" ", "");

test("decodes the advertisement of FRR and a solicitation of Linux", () => {
  assert.deepEqual(decodeRouterDiscovery(fromHex(ADVERTISEMENT)), {
    type: "router-advertisement",
    source: ROUTER,
    destination: "ff02::1",
    lifetimeSeconds: 30,
    sourceMac: MAC,
  });
  assert.deepEqual(decodeRouterDiscovery(fromHex(SOLICITATION)), { type: "router-solicitation", source: US, destination: "ff02::2", sourceMac: undefined });
});

test("a solicitation goes to all routers with our MAC, octet by octet as Linux would send it", () => {
  const without = encodeRouterDiscovery({ ...routerSolicitation(US, MAC), sourceMac: undefined });
  assert.equal(toHex(without), SOLICITATION.replace("60073f7c", "60000000"));
  assert.deepEqual(decodeRouterDiscovery(encodeRouterDiscovery(routerSolicitation(US, MAC))), { type: "router-solicitation", source: US, destination: "ff02::2", sourceMac: MAC });
});

test("our presence makes nobody a default route: lifetime 0, and nothing else is specified", () => {
  const octets = encodeRouterDiscovery(routerPresence(US, MAC));
  assert.equal(octets[7], 255);
  assert.equal(toHex(octets.subarray(44, 56)), "00".repeat(12)); // hop limit, flags, lifetime, both timers
  assert.deepEqual(decodeRouterDiscovery(octets), { type: "router-advertisement", source: US, destination: "ff02::1", lifetimeSeconds: 0, sourceMac: MAC });
});

/** `bytes` with some of them replaced from `at` on and a checksum that is right again, so that it is not the reason for refusing. */
function forged(hex: string, at: number, ...octets: readonly number[]): Uint8Array {
  const bytes = patched(patched(fromHex(hex), at, ...octets), 42, 0, 0);
  const sum = icmpv6Checksum(bytes.subarray(0, 40 + decodeIpv6(bytes).payload.length));
  return patched(bytes, 42, sum >> 8, sum & 0xff);
}

for (const [what, bytes, why] of [
  ["nothing", new Uint8Array(), /header ends/],
  ["a packet that is cut short", fromHex(ADVERTISEMENT).subarray(0, 63), /not all here/],
  ["UDP", patched(fromHex(ADVERTISEMENT), 6, 17), /next header/],
  ["hop limit 254", patched(fromHex(ADVERTISEMENT), 7, 254), /hop limit 254/],
  ["a wrong checksum", patched(fromHex(ADVERTISEMENT), 43, 0), /checksum/],
  ["seven octets of message", patched(fromHex(SOLICITATION), 5, 7), /ends after 7/],
  ["fifteen octets of advertisement", forged(ADVERTISEMENT, 5, 15), /ends after 15/],
  ["an advertisement from a global address", forged(ADVERTISEMENT, 8, 0x20, 1), /link-local/],
  ["an advertisement from ::", forged(ADVERTISEMENT, 8, ...new Array<number>(16).fill(0)), /link-local/],
  ["code 1", forged(ADVERTISEMENT, 41, 1), /code 1/],
  ["a neighbor solicitation", forged(ADVERTISEMENT, 40, 135), /type 135/],
  ["an option of length 0", forged(ADVERTISEMENT, 57, 0), /length 0/],
  ["an option longer than the message", forged(ADVERTISEMENT, 57, 2), /longer/],
  ["a solicitation from :: with a MAC", forgedUnspecified(), /from :: has a source/],
] as const) {
  test(`refuses ${what} (RFC 4861 6.1)`, () => {
    assert.throws(() => decodeRouterDiscovery(bytes), (error) => error instanceof WireError && why.test(error.message));
  });
}

function forgedUnspecified(): Uint8Array {
  return encodeRouterDiscovery({ type: "router-solicitation", source: v6("::"), destination: v6("ff02::2"), sourceMac: MAC });
}

test("flags, timers, prefixes and what else comes with an advertisement are skipped", () => {
  const prefix = "0304 40c0 00015180 00003840 00000000 20010db8000000000000000000000000".replaceAll(" ", "");
  const long = fromHex(ADVERTISEMENT + prefix);
  const bytes = forged(toHex(patched(long, 4, 0, 0x18 + 32)), 45, 0xc0);
  const decoded = decodeRouterDiscovery(bytes);
  assert.ok(decoded.type === "router-advertisement" && decoded.lifetimeSeconds === 30 && decoded.sourceMac === MAC);
});

const linkLocal = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((low) => addressFromBytes(Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...low)) as Ipv6);
const anyAdvertisement = record<RouterAdvertisement>({
  type: fc.constant("router-advertisement"),
  source: linkLocal,
  destination: anyIpv6,
  lifetimeSeconds: fc.nat(0xffff),
  sourceMac: fc.option(anyMac, { nil: undefined }),
});
const anySolicitation = record<RouterSolicitation>({
  type: fc.constant("router-solicitation"),
  source: unicastIpv6,
  destination: anyIpv6,
  sourceMac: fc.option(anyMac, { nil: undefined }),
});

test("every solicitation and advertisement survives the wire, with any padding", () => {
  fc.assert(
    fc.property(fc.oneof<fc.Arbitrary<RouterDiscovery>[]>(anySolicitation, anyAdvertisement), fc.uint8Array({ maxLength: 8 }), (message, padding) => {
      assert.deepEqual(decodeRouterDiscovery(Uint8Array.of(...encodeRouterDiscovery(message), ...padding)), message);
    }),
  );
});

test("whatever is on the wire, decoding gives a value or a WireError", () => {
  const seeds = [fromHex(ADVERTISEMENT), fromHex(SOLICITATION)];
  const mutated = fc.tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 6 }), fc.boolean()).map(([seed, changes, repair]) => {
    let bytes = seed;
    for (const [at, octet] of changes) if (at < bytes.length) bytes = patched(bytes, at, octet);
    if (!repair) return bytes;
    const zeroed = patched(bytes, 42, 0, 0);
    const sum = icmpv6Checksum(zeroed);
    return patched(zeroed, 42, sum >> 8, sum & 0xff);
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 120, size: "max" }), mutated), (bytes) => {
      try {
        decodeRouterDiscovery(bytes);
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
