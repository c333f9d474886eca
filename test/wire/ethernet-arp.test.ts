import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BROADCAST_MAC, type Ipv4, type Mac, ZERO_MAC, address } from "../../src/net/index.ts";
import {
  type ArpPacket,
  type EthernetFrame,
  ETHERTYPE_ARP,
  WireError,
  arpAnnouncement,
  arpAnnouncementReply,
  arpProbe,
  arpReply,
  decodeArp,
  decodeEthernet,
  encodeArp,
  encodeEthernet,
  isGroupMac,
} from "../../src/wire/index.ts";
import { anyIpv4, anyMac, record } from "./arbitrary.ts";
import { fromHex, patched, toHex } from "./hex.ts";

const A = { mac: "02:00:00:00:00:0a" as Mac, address: address("192.0.2.1") as Ipv4 };
const B = { mac: "02:00:00:00:00:0b" as Mac, address: address("192.0.2.2") as Ipv4 };

// As Linux 6.18 and iputils' arping sent them.
const REQUEST = "ffff ffff ffff 0200 0000 000a 0806 0001 0800 0604 0001 0200 0000 000a c000 0201 0000 0000 0000 c000 0202";
const REPLY = "0200 0000 000a 0200 0000 000b 0806 0001 0800 0604 0002 0200 0000 000b c000 0202 0200 0000 000a c000 0201";
const PROBE = "ffff ffff ffff 0200 0000 000a 0806 0001 0800 0604 0001 0200 0000 000a 0000 0000 ffff ffff ffff c000 0202";
const REPLY_TO_PROBE = "0200 0000 000a 0200 0000 000b 0806 0001 0800 0604 0002 0200 0000 000b c000 0202 0200 0000 000a 0000 0000";
const NOBODY = "0.0.0.0" as Ipv4;

for (const [what, hex, destination, packet] of [
  ["a broadcast request", REQUEST, BROADCAST_MAC, { operation: "request", sender: A, target: { mac: ZERO_MAC, address: B.address } }],
  ["a unicast reply", REPLY, A.mac, { operation: "reply", sender: B, target: A }],
  ["a probe", PROBE, BROADCAST_MAC, { operation: "request", sender: { ...A, address: NOBODY }, target: { mac: BROADCAST_MAC, address: B.address } }],
  ["a reply to a probe", REPLY_TO_PROBE, A.mac, { operation: "reply", sender: B, target: { ...A, address: NOBODY } }],
] as const) {
  test(`decodes and encodes ${what} as Linux sends it`, () => {
    const frame = decodeEthernet(fromHex(hex));
    assert.equal(frame.destination, destination);
    assert.equal(frame.vlan, undefined);
    assert.equal(frame.etherType, ETHERTYPE_ARP);
    assert.deepEqual(decodeArp(frame.payload), packet);
    assert.equal(toHex(encodeEthernet({ ...frame, payload: encodeArp(packet) })), hex.replaceAll(" ", ""));
  });
}

test("the answer to a request, and to a probe, is the one that Linux gives", () => {
  for (const [asked, answered] of [
    [REQUEST, REPLY],
    [PROBE, REPLY_TO_PROBE],
  ] as const) {
    const request = decodeArp(decodeEthernet(fromHex(asked)).payload);
    const payload = encodeArp(arpReply(request, B.mac));
    assert.equal(toHex(payload), answered.replaceAll(" ", "").slice(28));
  }
});

test("an announcement has its own address as sender and target, and no target MAC (RFC 5227 2.3)", () => {
  assert.equal(toHex(encodeArp(arpAnnouncement(A.address, A.mac))), "000108000604000102000000000ac0000201000000000000c0000201");
});

test("the reply form of an announcement names its own MAC as target, which Linux asks of a gratuitous reply", () => {
  assert.equal(toHex(encodeArp(arpAnnouncementReply(A.address, A.mac))), "000108000604000202000000000ac000020102000000000ac0000201");
});

test("a probe says nothing about who has the address (RFC 5227 2.1.1)", () => {
  assert.equal(toHex(encodeArp(arpProbe(B.address, A.mac))), "000108000604000102000000000a00000000000000000000c0000202");
});

const arp = fromHex(REQUEST).subarray(14);
for (const [what, bytes] of [
  ["nothing", new Uint8Array()],
  ["27 octets", arp.subarray(0, 27)],
  ["another hardware type", patched(arp, 0, 0, 7)],
  ["another protocol type", patched(arp, 2, 0x86, 0xdd)],
  ["a hardware address of 8 octets", patched(arp, 4, 8)],
  ["a protocol address of 16 octets", patched(arp, 5, 16)],
  ["reverse ARP", patched(arp, 6, 0, 3)],
  ["operation 0", patched(arp, 6, 0, 0)],
  ["operation 257, whose low octet is a request's", patched(arp, 6, 1, 1)],
] as const) {
  test(`refuses ${what} as ARP`, () => {
    assert.throws(() => decodeArp(bytes), WireError);
  });
}

test("takes the IEEE 802 hardware type and the padding of short frames, as Linux does", () => {
  const padded = new Uint8Array(46);
  padded.set(patched(arp, 0, 0, 6));
  assert.deepEqual(decodeArp(padded), decodeArp(arp));
});

const VLAN_100 = "ffff ffff ffff 0200 0000 000a 8100 6064 0806 0001";
for (const [what, hex, vlan] of [
  ["a customer tag", VLAN_100, 100],
  ["a service tag", VLAN_100.replace("8100", "88a8"), 100],
  ["a priority tag", VLAN_100.replace("6064", "6000"), 0],
] as const) {
  test(`sees through ${what}`, () => {
    const frame = decodeEthernet(fromHex(hex));
    assert.equal(frame.vlan, vlan);
    assert.equal(frame.etherType, ETHERTYPE_ARP);
    assert.deepEqual(frame.payload, Uint8Array.of(0, 1));
  });
}

for (const [what, bytes] of [
  ["nothing", new Uint8Array()],
  ["13 octets", fromHex(REQUEST).subarray(0, 13)],
  ["a tag that is cut off", fromHex(VLAN_100).subarray(0, 17)],
] as const) {
  test(`refuses ${what} as an Ethernet frame`, () => {
    assert.throws(() => decodeEthernet(bytes), WireError);
  });
}

for (const [mac, group] of [
  ["ff:ff:ff:ff:ff:ff", true],
  ["33:33:ff:00:00:01", true],
  ["01:00:5e:00:00:01", true],
  ["02:00:00:00:00:01", false],
  ["00:00:00:00:00:00", false],
] as const) {
  test(`${mac} is ${group ? "" : "not "}a group`, () => {
    assert.equal(isGroupMac(mac as Mac), group);
  });
}

const anyParty = record<ArpPacket["sender"]>({ mac: anyMac, address: anyIpv4 });
const anyArp: fc.Arbitrary<ArpPacket> = record<ArpPacket>({ operation: fc.constantFrom("request", "reply"), sender: anyParty, target: anyParty });

test("every ARP packet survives the wire", () => {
  fc.assert(
    fc.property(anyArp, fc.uint8Array({ maxLength: 18, size: "max" }), (packet, padding) => {
      assert.deepEqual(decodeArp(Uint8Array.of(...encodeArp(packet), ...padding)), packet);
    }),
  );
});

test("every Ethernet frame survives the wire", () => {
  const anyFrame = record<EthernetFrame>({
    destination: anyMac,
    source: anyMac,
    vlan: fc.option(fc.integer({ min: 0, max: 4095 }), { nil: undefined }),
    etherType: fc.constantFrom(0x0806, 0x86dd, 0x0800),
    payload: fc.uint8Array({ maxLength: 64, size: "max" }),
  });
  fc.assert(
    fc.property(anyFrame, (frame) => {
      assert.deepEqual(decodeEthernet(encodeEthernet(frame)), frame);
    }),
  );
});

test("whatever is on the wire, decoding gives a value or a WireError", () => {
  const noise = fc.uint8Array({ maxLength: 80, size: "max" });
  const cut = fc.tuple(fc.constantFrom(REQUEST, REPLY, PROBE, VLAN_100), fc.nat(50)).map(([hex, length]) => fromHex(hex).subarray(0, length));
  const bent = fc
    .tuple(fc.constantFrom(REQUEST, REPLY, PROBE, VLAN_100), fc.nat(), fc.nat(255))
    .map(([hex, at, octet]) => patched(fromHex(hex), at % fromHex(hex).length, octet));
  fc.assert(
    fc.property(fc.oneof(noise, cut, bent), (bytes) => {
      try {
        decodeArp(decodeEthernet(bytes).payload);
      } catch (error) {
        assert.ok(error instanceof WireError);
      }
    }),
    { numRuns: 2000 },
  );
});
