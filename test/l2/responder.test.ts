import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Address, BROADCAST_MAC, type Ipv4, type Ipv6, type Mac, ZERO_MAC, address } from "../../src/net/index.ts";
import { type IgnoreCause, type Self, react } from "../../src/l2/responder.ts";
import { type ArpPacket, type NdpMessage, decodeArp, decodeEthernet, decodeNdp, neighborProbe } from "../../src/wire/index.ts";
import { patched } from "../wire/hex.ts";
import { THEIRS, THEIRS_V6, THEM, US, VIP, VIP_V6, arpFrame, claimOf, ndpFrame, solicitation } from "./frames.ts";

const OTHER_VIP = address("192.0.2.101") as Ipv4;
const OTHER_VIP_V6 = address("2001:db8::101") as Ipv6;
const answered = new Set<Address>([VIP, VIP_V6, address("192.0.2.102")]);
const vips = new Set<Address>([...answered, OTHER_VIP, OTHER_VIP_V6]);
const OURS = address("192.0.2.2") as Ipv4; // the kernel answers for these
const OURS_V6 = address("2001:db8::2") as Ipv6;
const own = new Set<Address>([...answered, OURS, OURS_V6]);
const self: Self = { mac: US, router: false, answers: (a) => answered.has(a), isOwn: (a) => own.has(a), isVip: (a) => vips.has(a) };

const request = (sender: string, mac: Mac = THEM): Partial<ArpPacket> => ({ sender: { mac, address: address(sender) as Ipv4 } });

for (const [what, frame, to] of [
  ["a broadcast request", arpFrame({}), THEIRS],
  ["a unicast request", arpFrame({}, { destination: US }), THEIRS],
  ["a probe from 0.0.0.0", arpFrame(request("0.0.0.0")), address("0.0.0.0")],
  ["a request with a priority tag", arpFrame({}, { vlan: 0 }), THEIRS],
  ["a request from a reserved network, which Linux takes", arpFrame(request("240.0.0.1")), address("240.0.0.1")],
  ["a request from the network 0/8, which Linux takes", arpFrame(request("0.1.2.3")), address("0.1.2.3")],
  ["a request by a proxy, whose own MAC is another", arpFrame({}, { source: "02:00:00:00:00:0f" as Mac }), THEIRS],
] as const) {
  test(`answers ${what} to the station that the packet names`, () => {
    const reaction = react(frame, self);
    assert.ok(reaction.type === "answer");
    assert.equal(reaction.protocol, "arp");
    const reply = decodeEthernet(reaction.frame);
    assert.deepEqual([reply.destination, reply.source, reply.vlan], [THEM, US, undefined]);
    assert.deepEqual(decodeArp(reply.payload), {
      operation: "reply",
      sender: { mac: US, address: VIP },
      target: { mac: THEM, address: to },
    });
  });
}

for (const [what, frame, vip] of [
  ["an ARP probe", arpFrame({ ...request("0.0.0.0"), target: { mac: ZERO_MAC, address: OTHER_VIP } }), OTHER_VIP],
  ["duplicate address detection", ndpFrame(neighborProbe(OTHER_VIP_V6, THEM, undefined)), OTHER_VIP_V6],
] as const) {
  test(`${what} for a VIP that this host does not answer for is told as a question`, () => {
    assert.deepEqual(react(frame, self), { type: "question", address: vip, mac: THEM });
  });
}

for (const [what, frame, vip] of [
  ["an ARP request for another address", arpFrame({ ...request(VIP), target: { mac: ZERO_MAC, address: THEIRS } }), VIP],
  ["an ARP request for another VIP of ours", arpFrame({ ...request("192.0.2.102") }), address("192.0.2.102")],
  ["a solicitation for another address", ndpFrame({ ...solicitation(THEIRS_V6), source: VIP_V6 }), VIP_V6],
  ["a solicitation for the VIP itself", ndpFrame({ ...solicitation(), source: VIP_V6 }), VIP_V6],
] as const) {
  test(`${what} in the name of a VIP that we answer for is told, for whoever hears it will send the VIP's traffic there, and not answered`, () => {
    assert.deepEqual(react(frame, self), { type: "used", address: vip, mac: THEM });
  });
}

function answerOf(frame: Uint8Array, as: Self = self): { readonly to: Mac; readonly message: NdpMessage } {
  const reaction = react(frame, as);
  assert.ok(reaction.type === "answer");
  assert.equal(reaction.protocol, "ndp");
  const reply = decodeEthernet(reaction.frame);
  assert.equal(reply.source, US);
  return { to: reply.destination, message: decodeNdp(reply.payload) };
}

const ADVERTISEMENT = { type: "advertisement", source: VIP_V6, router: false, override: true, target: VIP_V6, targetMac: US } as const;

for (const [what, question] of [
  ["a solicitation to the group", ndpFrame(solicitation())],
  ["one without a source address option", ndpFrame({ ...solicitation(), type: "solicitation", sourceMac: undefined })],
  ["a reachability check", ndpFrame({ ...solicitation(), destination: VIP_V6 }, { destination: US })],
  ["a question to all nodes", ndpFrame({ ...solicitation(), destination: address("ff02::1") as Ipv6 })],
  ["a question to this host by another of its addresses", ndpFrame({ ...solicitation(), destination: OURS_V6 }, { destination: US })],
  ["a reachability check without option", ndpFrame({ ...solicitation(), type: "solicitation", destination: VIP_V6, sourceMac: undefined }, { destination: US })],
] as const) {
  test(`answers ${what} to who asked, solicited and overriding, with our MAC (RFC 4861 7.2.4)`, () => {
    assert.deepEqual(answerOf(question), { to: THEM, message: { ...ADVERTISEMENT, destination: THEIRS_V6, solicited: true } });
  });
}

test("the option says where the answer goes, not the frame", () => {
  assert.equal(answerOf(ndpFrame(solicitation(), { source: "02:00:00:00:00:0f" as Mac })).to, THEM);
});

test("defends a VIP against duplicate address detection before all nodes (RFC 4862 5.4.3)", () => {
  const question = ndpFrame({ ...solicitation(), type: "solicitation", source: address("::") as Ipv6, sourceMac: undefined });
  assert.deepEqual(answerOf(question), { to: "33:33:00:00:00:01", message: { ...ADVERTISEMENT, destination: "ff02::1", solicited: false } });
});

test("a router says that it is one", () => {
  const { message } = answerOf(ndpFrame(solicitation()), { ...self, router: true });
  assert.ok(message.type === "advertisement" && message.router);
});

const LATER = "02:00:00:00:00:0b" as Mac;
const advertisement: NdpMessage = { ...ADVERTISEMENT, destination: address("ff02::1") as Ipv6, solicited: false, targetMac: LATER };
for (const [what, frame, vip, mac] of [
  ["an ARP announcement", claimOf(OTHER_VIP), OTHER_VIP, THEM],
  ["one for a VIP that we answer for", claimOf(VIP), VIP, THEM],
  ["one as older senders have it, with target MAC ff:…", arpFrame({ sender: { mac: THEM, address: VIP }, target: { mac: BROADCAST_MAC, address: VIP } }), VIP, THEM],
  ["a gratuitous reply", arpFrame({ operation: "reply", sender: { mac: THEM, address: VIP }, target: { mac: THEM, address: VIP } }), VIP, THEM],
  ["a reply to us", arpFrame({ operation: "reply", sender: { mac: THEM, address: OTHER_VIP }, target: { mac: US, address: THEIRS } }, { destination: US }), OTHER_VIP, THEM],
  ["an unsolicited advertisement", claimOf(OTHER_VIP_V6), OTHER_VIP_V6, THEM],
  ["an advertisement with another MAC than the frame's", ndpFrame(advertisement), VIP_V6, LATER],
  ["one without an option", ndpFrame({ ...advertisement, type: "advertisement", targetMac: undefined }), VIP_V6, THEM],
  ["a solicited one to us", ndpFrame({ ...advertisement, type: "advertisement", destination: THEIRS_V6, solicited: true }, { destination: US }), VIP_V6, LATER],
  ["one that does not override", ndpFrame({ ...advertisement, type: "advertisement", override: false }), VIP_V6, LATER],
] as const) {
  test(`hears a claim in ${what}`, () => {
    assert.deepEqual(react(frame, self), { type: "heard", address: vip, mac });
  });
}

const good = arpFrame({});
for (const [what, frame, cause] of [
  ["nothing", new Uint8Array(), "malformed"],
  ["a frame of another protocol", arpFrame({}, { etherType: 0x0800 }), "malformed"],
  ["half an ARP packet", good.subarray(0, 30), "malformed"],
  ["an ARP packet for another kind of address", patched(good, 16, 0x86), "malformed"],
  ["a solicitation that a router has forwarded", patched(ndpFrame(solicitation()), 21, 254), "malformed"],
  ["a solicitation with a wrong checksum", patched(ndpFrame(solicitation()), 56, 1, 2), "malformed"],
  ["a request in a VLAN", arpFrame({}, { vlan: 7 }), "tagged"],
  ["our own request, sent back by the network", arpFrame({}, { source: US }), "own"],
  ["our own request in a stranger's frame", arpFrame(request("192.0.2.1", US)), "own"],
  ["our own announcement in a stranger's frame", arpFrame({ sender: { mac: US, address: VIP } }), "own"],
  ["our own advertisement in a stranger's frame", ndpFrame({ ...advertisement, type: "advertisement", targetMac: US }), "own"],
  ["our own solicitation in a stranger's frame", ndpFrame({ ...solicitation(), type: "solicitation", sourceMac: US }), "own"],
  ["a request to another station's MAC", arpFrame({}, { destination: "02:00:00:00:00:0c" as Mac }), "not-to-us"],
  ["a request for a VIP that is another host's", arpFrame({ target: { mac: ZERO_MAC, address: OTHER_VIP } }), "other-address"],
  ["a request for an address that is none of ours", arpFrame({ target: { mac: ZERO_MAC, address: THEIRS } }), "other-address"],
  ["a solicitation for a VIP that is another host's", ndpFrame(solicitation(OTHER_VIP_V6)), "other-address"],
  ["the announcement of an ordinary host", claimOf(THEIRS), "other-address"],
  ["the advertisement of an ordinary host", claimOf(THEIRS_V6), "other-address"],
  ["a request from a group's MAC", arpFrame(request("192.0.2.1", BROADCAST_MAC)), "bad-sender"],
  ["a request from no MAC", arpFrame(request("192.0.2.1", ZERO_MAC)), "bad-sender"],
  ["a claim for the broadcast MAC", arpFrame({ sender: { mac: BROADCAST_MAC, address: VIP }, target: { mac: ZERO_MAC, address: VIP } }), "bad-sender"],
  ["a request from a loopback address", arpFrame(request("127.0.0.1")), "bad-sender"],
  ["a request from a multicast address", arpFrame(request("224.0.0.1")), "bad-sender"],
  ["a request from the broadcast address", arpFrame(request("255.255.255.255")), "bad-sender"],
  ["a request from the address of this host", arpFrame(request(OURS)), "bad-sender"],
  ["a solicitation to another address's group", ndpFrame({ ...solicitation(), destination: address("ff02::1:ff99:9999") as Ipv6 }), "not-to-us"],
  ["a solicitation to another host's address", ndpFrame({ ...solicitation(), destination: THEIRS_V6 }), "not-to-us"],
  ["a solicitation from the address of this host", ndpFrame({ ...solicitation(), source: OURS_V6 }), "bad-sender"],
  ["a solicitation from the loopback address", ndpFrame({ ...solicitation(), source: address("::1") as Ipv6 }), "bad-sender"],
  ["a solicitation that wants its answer at a group's MAC", ndpFrame({ ...solicitation(), type: "solicitation", sourceMac: BROADCAST_MAC }), "bad-sender"],
  ["an advertisement of a group's MAC", ndpFrame({ ...advertisement, type: "advertisement", targetMac: BROADCAST_MAC }), "bad-sender"],
] as const satisfies readonly (readonly [string, Uint8Array, IgnoreCause])[]) {
  test(`ignores ${what}`, () => {
    assert.deepEqual(react(frame, self), { type: "ignored", cause });
  });
}

test("every frame has a reaction, and no answer goes to a group but the defence against duplicate address detection", () => {
  const samples = [good, claimOf(VIP), ndpFrame(solicitation()), claimOf(VIP_V6)];
  const bent = fc
    .tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
    .map(([frame, changes]) => changes.reduce((bytes, [at, octet]) => patched(bytes, at % bytes.length, octet), frame));
  const cut = fc.tuple(fc.constantFrom(...samples), fc.nat(90)).map(([frame, length]) => frame.subarray(0, length));
  fc.assert(
    fc.property(fc.oneof(bent, cut, fc.uint8Array({ maxLength: 120, size: "max" })), (frame) => {
      const reaction = react(frame, self);
      if (reaction.type !== "answer") return;
      const { destination, source } = decodeEthernet(reaction.frame);
      assert.equal(source, US);
      assert.ok((Number.parseInt(destination.slice(0, 2), 16) & 1) === 0 || destination === "33:33:00:00:00:01");
    }),
    { numRuns: 3000 },
  );
});
