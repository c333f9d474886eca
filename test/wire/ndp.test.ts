import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Ipv6, type Mac, address, isLinkLocal } from "../../src/net/index.ts";
import {
  type Ipv6Packet,
  type NdpMessage,
  type NeighborAdvertisement,
  type NeighborSolicitation,
  WireError,
  decodeIpv6,
  decodeNdp,
  encodeIpv6,
  encodeNdp,
  groupMac,
  icmpv6Checksum,
  isMulticast,
  isSolicitedNodeGroup,
  neighborAnnouncement,
  neighborProbe,
  neighborReply,
  solicitedNodeGroup,
} from "../../src/wire/index.ts";
import { anyIpv6, anyMac, record, unicastIpv6 } from "./arbitrary.ts";
import { fromHex, patched, toHex } from "./hex.ts";

const v6 = (text: string): Ipv6 => address(text) as Ipv6;
const MAC_A = "02:00:00:00:00:0a" as Mac;
const MAC_B = "02:00:00:00:00:0b" as Mac;

// As Linux 6.18 sent them, from the IPv6 header on.
const SOLICITATION =
  "6000 0000 0020 3aff 20010db8000000000000000000000001 ff0200000000000000000001ff000002" +
  "8700 1c1e 0000 0000 20010db8000000000000000000000002 0101 0200 0000 000a";
const ADVERTISEMENT =
  "6000 0000 0020 3aff 20010db8000000000000000000000002 20010db8000000000000000000000001" +
  "8800 8a68 6000 0000 20010db8000000000000000000000002 0201 0200 0000 000b";
const FROM_LINK_LOCAL =
  "6008 d2d3 0020 3aff fe80000000000000000000fffe00000a ff0200000000000000000001ff000002" +
  "8700 4c4d 0000 0000 20010db8000000000000000000000002 0101 0200 0000 000a";
// Duplicate address detection, with a nonce (RFC 7527).
const DETECTION =
  "6000 0000 0020 3aff 00000000000000000000000000000000 ff0200000000000000000001ff000002" +
  "8700 2f3a 0000 0000 20010db8000000000000000000000002 0e01 bd24 e328 6f5a";
// A reachability check: to the address itself.
const UNICAST =
  "6000 0000 0020 3aff fe80000000000000000000fffe00000b 20010db8000000000000000000000001" +
  "8700 1c99 0000 0000 20010db8000000000000000000000001 0101 0200 0000 000b";
// The answer to it has no option.
const WITHOUT_OPTION =
  "6000 0000 0018 3aff 20010db8000000000000000000000001 fe80000000000000000000fffe00000b" +
  "8800 deac 4000 0000 20010db8000000000000000000000001";

const one = v6("2001:db8::1");
const two = v6("2001:db8::2");

for (const [what, hex, message] of [
  ["a solicitation", SOLICITATION, { type: "solicitation", source: one, destination: v6("ff02::1:ff00:2"), target: two, sourceMac: MAC_A }],
  ["a unicast solicitation", UNICAST, { type: "solicitation", source: v6("fe80::ff:fe00:b"), destination: one, target: one, sourceMac: MAC_B }],
  [
    "a solicited advertisement",
    ADVERTISEMENT,
    { type: "advertisement", source: two, destination: one, router: false, solicited: true, override: true, target: two, targetMac: MAC_B },
  ],
  [
    "an advertisement without an option",
    WITHOUT_OPTION,
    {
      type: "advertisement",
      source: one,
      destination: v6("fe80::ff:fe00:b"),
      router: false,
      solicited: true,
      override: false,
      target: one,
      targetMac: undefined,
    },
  ],
] as const) {
  test(`decodes and encodes ${what} as Linux sends it`, () => {
    assert.deepEqual(decodeNdp(fromHex(hex)), message);
    assert.equal(toHex(encodeNdp(message)), hex.replaceAll(" ", ""));
  });
}

test("decodes duplicate address detection and skips its nonce", () => {
  assert.deepEqual(decodeNdp(fromHex(DETECTION)), {
    type: "solicitation",
    source: "::",
    destination: "ff02::1:ff00:2",
    target: "2001:db8::2",
    sourceMac: undefined,
  });
});

test("a flow label and the padding behind the packet do not matter", () => {
  const bytes = Uint8Array.of(...fromHex(FROM_LINK_LOCAL), 0xde, 0xad);
  assert.deepEqual(decodeNdp(bytes), { type: "solicitation", source: "fe80::ff:fe00:a", destination: "ff02::1:ff00:2", target: two, sourceMac: MAC_A });
});

test("the answer to a solicitation is the one that Linux gives", () => {
  const question = decodeNdp(fromHex(SOLICITATION));
  assert.ok(question.type === "solicitation");
  assert.equal(toHex(encodeNdp(neighborReply(question, MAC_B, false))), ADVERTISEMENT.replaceAll(" ", ""));
});

test("a router says so in its answer", () => {
  const question = decodeNdp(fromHex(SOLICITATION));
  assert.ok(question.type === "solicitation");
  assert.equal(encodeNdp(neighborReply(question, MAC_B, true))[44], 0xe0); // R, S, O
});

test("the defence against duplicate address detection goes to all nodes and is not solicited (RFC 4862 5.4.3)", () => {
  const question = decodeNdp(fromHex(DETECTION));
  assert.ok(question.type === "solicitation");
  const answer = neighborReply(question, MAC_B, false);
  assert.deepEqual(answer, { ...neighborAnnouncement(two, MAC_B, false) });
  assert.equal(answer.destination, "ff02::1");
  assert.equal(encodeNdp(answer)[44], 0x20); // O alone
});

test("a question from a link-local address carries our MAC; one from :: must not (RFC 4861 4.3)", () => {
  const linkLocal = v6("fe80::ff:fe00:a");
  assert.deepEqual(neighborProbe(two, MAC_A, linkLocal), decodeNdp(fromHex(FROM_LINK_LOCAL)));
  assert.deepEqual(neighborProbe(two, MAC_A, undefined), decodeNdp(fromHex(DETECTION)));
});

/** `bytes` with some of them replaced from `at` on and a checksum that is right again, so that it is not the reason for refusing. */
function forged(hex: string, at: number, ...octets: readonly number[]): Uint8Array {
  const bytes = patched(patched(fromHex(hex), at, ...octets), 42, 0, 0);
  const sum = icmpv6Checksum(bytes.subarray(0, 40 + decodeIpv6(bytes).payload.length));
  return patched(bytes, 42, sum >> 8, sum & 0xff);
}

for (const [what, bytes, why] of [
  ["nothing", new Uint8Array(), /header ends/],
  ["half a header", fromHex(SOLICITATION).subarray(0, 39), /header ends/],
  ["a packet that is cut short", fromHex(SOLICITATION).subarray(0, 71), /not all here/],
  ["version 4", patched(fromHex(SOLICITATION), 0, 0x40), /version/],
  ["a multicast source", patched(fromHex(SOLICITATION), 8, 0xff), /multicast/],
  ["an extension header", patched(fromHex(SOLICITATION), 6, 0), /next header/],
  ["hop limit 254", patched(fromHex(SOLICITATION), 7, 254), /hop limit/],
  ["a wrong checksum", patched(fromHex(SOLICITATION), 43, 0), /checksum/],
  ["23 octets of message", patched(fromHex(WITHOUT_OPTION), 5, 23), /ends after 23/],
  ["a router advertisement", forged(SOLICITATION, 40, 134), /type 134/],
  ["code 1", forged(SOLICITATION, 41, 1), /code/],
  ["a multicast target", forged(SOLICITATION, 48, 0xff), /target/],
  ["an option of length 0", forged(SOLICITATION, 65, 0), /length 0/],
  ["an option longer than the message", forged(SOLICITATION, 65, 2), /longer/],
  ["a solicitation from :: to a unicast address", forged(DETECTION, 24, 0x20), /solicited-node/],
  ["a solicitation from :: to all nodes", forged(DETECTION, 35, 1, 0, 0, 0, 1), /solicited-node/],
  ["a solicitation from :: with a source address option", forged(DETECTION, 64, 1), /source link-layer/],
  ["a solicited advertisement to a group", forged(ADVERTISEMENT, 24, 0xff), /solicited/],
] as const) {
  test(`refuses ${what} (RFC 4861 7.1)`, () => {
    assert.throws(
      () => decodeNdp(bytes),
      (error) => error instanceof WireError && why.test(error.message),
    );
  });
}

test("refuses an address option that does not hold an Ethernet address, but only where it is used", () => {
  const long = fromHex(
    "6000 0000 0028 3aff 20010db8000000000000000000000001 ff0200000000000000000001ff000002" +
      "8700 0000 0000 0000 20010db8000000000000000000000002 0102 0200 0000 000a 0000 0000 0000 0000",
  );
  const hex = toHex(long);
  assert.throws(() => decodeNdp(forged(hex, 64, 1)), /does not hold/);
  const skipped = decodeNdp(forged(hex, 64, 2)); // a target address in a solicitation
  assert.ok(skipped.type === "solicitation" && skipped.sourceMac === undefined);
});

for (const [target, group, mac] of [
  ["2001:db8::1", "ff02::1:ff00:1", "33:33:ff:00:00:01"],
  ["fe80::200:ff:fe12:3456", "ff02::1:ff12:3456", "33:33:ff:12:34:56"],
  ["2001:db8::ffff:ffff", "ff02::1:ffff:ffff", "33:33:ff:ff:ff:ff"],
] as const) {
  test(`who asks for ${target} asks ${group} at ${mac}`, () => {
    assert.equal(solicitedNodeGroup(v6(target)), group);
    assert.ok(isSolicitedNodeGroup(v6(group)));
    assert.equal(groupMac(v6(group)), mac);
  });
}

for (const [text, multicast, linkLocal] of [
  ["ff02::1", true, false],
  ["ff12::626d:6c62", true, false],
  ["ff0::1", false, false], // 0ff0::1
  ["ff::1", false, false],
  ["fe80::1", false, true],
  ["febf::1", false, true],
  ["fec0::1", false, false],
  ["fe8::1", false, false],
  ["::", false, false],
  ["2001:db8::1", false, false],
] as const) {
  test(`${text} is ${multicast ? "a group" : linkLocal ? "link-local" : "neither a group nor link-local"}`, () => {
    assert.equal(isMulticast(v6(text)), multicast);
    assert.equal(isLinkLocal(v6(text)), linkLocal);
    assert.equal(isSolicitedNodeGroup(v6(text)), false);
  });
}

const anySolicitation = record<NeighborSolicitation>({
  type: fc.constant("solicitation"),
  source: unicastIpv6,
  destination: anyIpv6,
  target: unicastIpv6,
  sourceMac: fc.option(anyMac, { nil: undefined }),
});
const anyAdvertisement = record<NeighborAdvertisement>({
  type: fc.constant("advertisement"),
  source: unicastIpv6,
  destination: unicastIpv6,
  router: fc.boolean(),
  solicited: fc.boolean(),
  override: fc.boolean(),
  target: unicastIpv6,
  targetMac: fc.option(anyMac, { nil: undefined }),
});

test("every solicitation and advertisement survives the wire", () => {
  fc.assert(
    fc.property(fc.oneof<fc.Arbitrary<NdpMessage>[]>(anySolicitation, anyAdvertisement), fc.uint8Array({ maxLength: 8 }), (message, padding) => {
      assert.deepEqual(decodeNdp(Uint8Array.of(...encodeNdp(message), ...padding)), message);
    }),
  );
});

test("every IPv6 packet survives the wire", () => {
  const anyPacket = record<Ipv6Packet>({
    source: unicastIpv6,
    destination: anyIpv6,
    nextHeader: fc.nat(255),
    hopLimit: fc.nat(255),
    payload: fc.uint8Array({ maxLength: 100, size: "max" }),
  });
  fc.assert(
    fc.property(anyPacket, (packet) => {
      assert.deepEqual(decodeIpv6(encodeIpv6(packet)), packet);
    }),
  );
});

test("whatever is on the wire, decoding gives a value or a WireError", () => {
  const samples = [SOLICITATION, ADVERTISEMENT, DETECTION, UNICAST, WITHOUT_OPTION];
  const sample = fc.constantFrom(...samples);
  const noise = fc.uint8Array({ maxLength: 120, size: "max" });
  const cut = fc.tuple(sample, fc.nat(72)).map(([hex, length]) => fromHex(hex).subarray(0, length));
  // With the checksum made good the bent octet reaches the rules behind it.
  const bent = fc
    .tuple(sample, fc.nat(), fc.nat(255))
    .filter(([, at, octet]) => at % 64 >= 40 || (at % 64 >= 8 && octet !== 0xff))
    .map(([hex, at, octet]) => forged(hex, at % 64, octet));
  fc.assert(
    fc.property(fc.oneof(noise, cut, bent), (bytes) => {
      try {
        decodeNdp(bytes);
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});
