/** Frames as Linux sent them, read for assertions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readFrame, type Frame } from "./frames.ts";

const read = (hex: string): Frame => readFrame(0, Buffer.from(hex.replaceAll(/\s/g, ""), "hex"));

for (const [what, hex, payload] of [
  [
    "an ARP request",
    "ffffffffffff 02b000000100 0806 0001 0800 06 04 0001 02b000000100 0a070001 000000000000 0a070002",
    { type: "arp", operation: 1, senderMac: "02:b0:00:00:01:00", senderAddress: "10.7.0.1", targetMac: "00:00:00:00:00:00", targetAddress: "10.7.0.2" },
  ],
  [
    "an unsolicited Neighbor Advertisement",
    "333300000001 02b000000100 86dd 60000000 0020 3a ff fe8000000000000000b000fffe000100 ff020000000000000000000000000001" +
      "88 00 0000 20000000 fd070000000000000000000000000240 02 01 02b000000100",
    {
      type: "advertisement",
      source: "fe80::b0:ff:fe00:100",
      destination: "ff02::1",
      hopLimit: 255,
      target: "fd07::240",
      flags: { r: false, s: false, o: true },
      linkLayerAddress: "02:b0:00:00:01:00",
    },
  ],
  [
    "a Neighbor Solicitation for duplicate address detection, which has no option",
    "3333ff000240 02b000000100 86dd 60000000 0018 3a ff 00000000000000000000000000000000 ff0200000000000000000001ff000240" +
      "87 00 0000 00000000 fd070000000000000000000000000240",
    { type: "solicitation", source: "::", destination: "ff02::1:ff00:240", hopLimit: 255, target: "fd07::240", flags: { r: false, s: false, o: false }, linkLayerAddress: undefined },
  ],
  ["an IPv4 packet", "02b000000200 02b000000100 0800 45000014 00000000 4006 0000 0a070001 0a070002", { type: "ipv4", source: "10.7.0.1", destination: "10.7.0.2", protocol: 6 }],
  [
    "an IPv6 packet that is not Neighbor Discovery",
    "02b000000200 02b000000100 86dd 60000000 0000 11 40 20010db8000100000000000000000001 20010db8000000010001000100010001",
    { type: "ipv6", source: "2001:db8:1::1", destination: "2001:db8:0:1:1:1:1:1", protocol: 17 },
  ],
  ["a frame of another protocol", "ffffffffffff 02b000000100 88b5 00", { type: "other" }],
  ["an ARP packet that is cut short", "ffffffffffff 02b000000100 0806 0001 0800", { type: "other" }],
  ["a frame shorter than its header", "ffff", { type: "other" }],
] as const) {
  test(`reads ${what}`, () => {
    assert.deepEqual(read(hex).payload, payload);
  });
}

test("reads the addresses of the frame itself", () => {
  const { source, destination, etherType } = read("ffffffffffff 02b000000100 88b5 00");
  assert.deepEqual({ source, destination, etherType }, { source: "02:b0:00:00:01:00", destination: "ff:ff:ff:ff:ff:ff", etherType: 0x88b5 });
});
