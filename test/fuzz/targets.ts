/**
 * Every decoder that takes octets from the network, each with what must hold whatever the octets are.
 *
 * A target does nothing when all is well and throws when a rule is broken. "It is refused with the decoder's own error" is well.
 */
import assert from "node:assert/strict";
import { type Negotiated, negotiate, ourOpen } from "../../src/bgp/negotiated.ts";
import { Engine } from "../../src/bfd/engine.ts";
import { PacketCounters, type Report } from "../../src/bfd/messages.ts";
import { readHeaderError, readMessage } from "../../src/bgp/reading.ts";
import type { State } from "../../src/bgp/transition.ts";
import { type Self, react } from "../../src/l2/responder.ts";
import { type Address, type Ipv4, ZERO_MAC, address, isLinkLocal } from "../../src/net/index.ts";
import {
  BgpError,
  Framer,
  type MessageType,
  type UpdateContext,
  WireError,
  decodeArp,
  decodeEthernet,
  decodeHello,
  decodeNdp,
  decodeNotification,
  decodeOpen,
  decodeRouteRefresh,
  decodeRouterDiscovery,
  decodeUpdate,
  describeCapability,
  describeNotification,
  encodeArp,
  encodeEthernet,
  encodeHello,
  encodeMessage,
  encodeNdp,
  encodeNotification,
  encodeOpen,
  encodeRouterDiscovery,
  icmpv6Checksum,
  isGroupMac,
  prefixesOf,
  decodeBfd,
  decodeBfdEcho,
  encodeBfd,
  encodeBfdEcho,
} from "../../src/wire/index.ts";
import { VirtualClock, VirtualWorld, seededRandom } from "../../src/time/index.ts";
import { PEER } from "../bgp/world.ts";
import { US, VIP, VIP_V6 } from "../l2/frames.ts";

export type Target = {
  readonly name: string;
  /** The most octets that its caller ever hands to it. */
  readonly most: number;
  /** Throws if a rule is broken. */
  readonly run: (octets: Uint8Array) => void;
};

const FRAME_OCTETS = 1518;
const BODY_OCTETS = 4077; // of a BGP message of 4096 octets
const SELF = { routerId: "10.7.0.1" as Ipv4, hostname: "edge-1" };

/** What the decoder made of them; undefined if it refused them with its own error. */
function accepted<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** The same for BGP, whose error is a NOTIFICATION of the right code that can be sent. */
function acceptedByBgp<T>(code: number, decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    assert.equal(error.notification.code, code, error.message);
    encodeMessage("NOTIFICATION", encodeNotification(error.notification));
    return undefined;
  }
}

const UPDATE_CONTEXTS: readonly UpdateContext[] = [
  { fourOctetAs: true, internal: false, families: ["ipv4", "ipv6"], extendedNextHop: true },
  { fourOctetAs: true, internal: true, families: ["ipv6"], extendedNextHop: false },
  { fourOctetAs: false, internal: false, families: ["ipv4"], extendedNextHop: false },
];

const AGREED: Negotiated = negotiate(SELF, PEER, ourOpen(SELF, PEER, "capabilities"), { asn: 64501, holdSeconds: 90, identifier: "10.7.0.254" as Ipv4, capabilities: [
  { name: "multiprotocol", afi: 1, safi: 1 },
  { name: "multiprotocol", afi: 2, safi: 1 },
  { name: "enhanced-route-refresh" },
  { name: "four-octet-as", asn: 64501 },
] });

const answered = new Set<Address>([VIP, VIP_V6]);
const STATION: Self = { mac: US, router: false, answers: (a) => answered.has(a), isOwn: (a) => answered.has(a), isVip: (a) => answered.has(a) };

export const TARGETS: readonly Target[] = [
  {
    name: "ethernet",
    most: FRAME_OCTETS,
    run: (octets) => {
      const frame = accepted(() => decodeEthernet(octets));
      if (frame !== undefined) assert.deepEqual(decodeEthernet(encodeEthernet(frame)), frame);
    },
  },
  {
    name: "arp",
    most: FRAME_OCTETS,
    run: (octets) => {
      const packet = accepted(() => decodeArp(octets));
      if (packet !== undefined) assert.deepEqual(decodeArp(encodeArp(packet)), packet);
    },
  },
  {
    name: "ndp",
    most: FRAME_OCTETS,
    run: (octets) => {
      for (const packet of [octets, repairedNdp(octets)]) {
        const message = accepted(() => decodeNdp(packet));
        if (message !== undefined) assert.deepEqual(decodeNdp(encodeNdp(message)), message);
      }
    },
  },
  {
    name: "router-discovery",
    most: FRAME_OCTETS,
    run: (octets) => {
      for (const packet of [octets, repairedNdp(octets, 133)]) {
        const message = accepted(() => decodeRouterDiscovery(packet));
        if (message === undefined) continue;
        assert.deepEqual(decodeRouterDiscovery(encodeRouterDiscovery(message)), message);
        assert.ok(message.type === "router-solicitation" || isLinkLocal(message.source));
      }
    },
  },
  {
    name: "frame",
    most: FRAME_OCTETS,
    run: (octets) => {
      for (const frame of [octets, Buffer.concat([octets.subarray(0, 14), repairedNdp(octets.subarray(14))])]) {
        const reaction = react(frame, STATION);
        if (reaction.type === "answer") mustBeAnswer(reaction.frame);
        else if (reaction.type !== "ignored") assert.ok(answered.has(reaction.address) && reaction.mac !== ZERO_MAC && !isGroupMac(reaction.mac));
      }
    },
  },
  {
    name: "hello",
    most: FRAME_OCTETS,
    run: (octets) => {
      const read = accepted(() => decodeHello(octets));
      if (read === undefined) return;
      assert.equal(read.signedPart.length + (read.signature?.length ?? 0), octets.length);
      const once = decodeHello(encodeHello(read.hello, "plain")).hello;
      assert.deepEqual([once.name, once.instance, once.sequence, once.rank], [read.hello.name, read.hello.instance, read.hello.sequence, read.hello.rank]);
      assert.deepEqual(decodeHello(encodeHello(once, "plain")).hello, once);
    },
  },
  {
    name: "bfd",
    most: 24 * 8,
    run: (octets) => {
      const packet = accepted(() => decodeBfd(octets));
      if (packet !== undefined && !packet.authenticationPresent) assert.deepEqual(decodeBfd(encodeBfd(packet)), packet);
      hearBfd(octets);
    },
  },
  {
    name: "bfd-echo",
    most: FRAME_OCTETS,
    run: (octets) => {
      const echo = accepted(() => decodeBfdEcho(octets));
      if (echo !== undefined) assert.deepEqual(decodeBfdEcho(encodeBfdEcho(echo, US, US)), echo);
    },
  },
  {
    name: "bgp-open",
    most: BODY_OCTETS,
    run: (octets) => {
      if (octets.length < 10) return; // the header check lets no shorter body through
      const open = acceptedByBgp(2, () => decodeOpen(octets));
      if (open === undefined) return;
      assert.ok(open.asn > 0 && (open.holdSeconds === 0 || open.holdSeconds >= 3) && open.identifier !== "0.0.0.0");
      for (const capability of open.capabilities) assert.ok(describeCapability(capability).length < 64);
      const agreed = acceptedByBgp(2, () => negotiate(SELF, PEER, ourOpen(SELF, PEER, "capabilities"), open));
      if (agreed !== undefined) assert.ok(agreed.families.length > 0 && agreed.holdMs <= PEER.holdTimeMs && agreed.keepaliveMs <= agreed.holdMs / 2);
      const again = { ...open, capabilities: open.capabilities.slice(0, 4).filter(({ name }) => name !== "unknown") };
      const { asn, holdSeconds, identifier } = decodeOpen(encodeOpen({ ...again, capabilities: [...again.capabilities, { name: "four-octet-as", asn: open.asn }] }));
      assert.deepEqual([asn, holdSeconds, identifier], [open.asn, open.holdSeconds, open.identifier]);
    },
  },
  {
    name: "bgp-update",
    most: BODY_OCTETS,
    run: (octets) => {
      if (octets.length < 4) return;
      for (const context of UPDATE_CONTEXTS) {
        const update = acceptedByBgp(3, () => decodeUpdate(octets, context));
        if (update === undefined) continue;
        const withdraws = update.problems.some(({ approach }) => approach === "treat-as-withdraw");
        if (withdraws) assert.equal(update.reachable.length, 0, "RFC 7606 2: a route that is to be treated as withdrawn is reachable");
        for (const field of [...update.reachable, ...update.withdrawn]) {
          assert.ok(field.count > 0);
          assert.equal(prefixesOf(field).length, field.count);
          if (field.family === "ipv6") assert.ok(context.families.includes("ipv6"), "routes of a family that was not agreed on");
        }
      }
    },
  },
  {
    name: "bgp-notification",
    most: BODY_OCTETS,
    run: (octets) => {
      if (octets.length < 2) return;
      const notification = decodeNotification(octets);
      assert.deepEqual(Buffer.from(encodeNotification(notification)), Buffer.from(octets));
      assert.ok(describeNotification(notification).length < 1000, "what fits no line of a log");
    },
  },
  {
    name: "bgp-route-refresh",
    most: BODY_OCTETS,
    run: (octets) => {
      if (octets.length < 4) return;
      acceptedByBgp(7, () => decodeRouteRefresh(octets, { enhancedRouteRefresh: true }));
      assert.equal(decodeRouteRefresh(octets, { enhancedRouteRefresh: false }).subtype, "request", "RFC 2918 3: the octet is reserved and ignored");
    },
  },
  {
    name: "bgp-stream",
    most: 3 * 4096,
    run: (octets) => {
      const [pick = 0, cut = 0] = octets;
      const state = STATES[pick % STATES.length] ?? "Established";
      for (const stream of [octets.subarray(2), framed(octets.subarray(2))]) {
        assert.deepEqual(eventsOf(stream, state, 1 + cut), eventsOf(stream, state, stream.length), "how TCP cuts a stream changes what it says");
      }
    },
  },
];

const DISCRIMINATOR = 0x1111;

/** A session that hears packets of 24 octets, one after the other, half of which name it. */
function hearBfd(octets: Uint8Array): void {
  const world = new VirtualWorld();
  let report: Report | undefined;
  let sent = 0;
  const engine = new Engine({
    clock: new VirtualClock(world),
    random: seededRandom(1),
    processMs: () => world.time,
    muted: () => false,
    send: (_fd, answer) => {
      sent++;
      assert.equal(decodeBfd(answer).myDiscriminator, DISCRIMINATOR);
      return undefined;
    },
    receive: () => undefined,
    afterArrivals: (fn) => { fn(); },
    tell: (message) => {
      if (message.type === "report") report = message.report;
    },
  });
  const profile = { requiredMinRxMs: 50, desiredMinTxMs: 50, detectMult: 3, echoMs: undefined, passive: false, minimumTtl: 254 };
  engine.take({ type: "add", session: DISCRIMINATOR, remote: address("10.7.0.254"), listener: 1, fd: 3, profile, counters: new PacketCounters().shared });
  for (let at = 0; at < octets.length; at += 24) {
    const packet = Uint8Array.from(octets.subarray(at, at + 24));
    if (packet.length === 24 && (packet[23] ?? 0) % 2 === 0) packet.set([0, 0, 0x11, 0x11], 8);
    engine.arrived(1, packet, "10.7.0.254");
    world.advance(20);
  }
  world.advance(10_000);
  engine.stop();
  // Periodic ones, no faster than jitter allows; at most two at once for what is heard, a change of state and an answer; and the end of a Detection Time for each.
  const most = 1 + world.time / (0.75 * profile.desiredMinTxMs) + 3 * Math.ceil(octets.length / 24);
  assert.ok(report !== undefined && sent <= most, `${sent} packets`);
}

const TYPES: readonly MessageType[] = ["UPDATE", "OPEN", "NOTIFICATION", "KEEPALIVE", "ROUTE-REFRESH"];
const STATES: readonly State[] = ["Established", "OpenSent", "OpenConfirm"];

/** What the machine would hear of a stream that arrives in pieces of so many octets. */
function eventsOf(stream: Uint8Array, state: State, piece: number): string[] {
  const framer = new Framer();
  const events: string[] = [];
  const judge = (open: Parameters<typeof negotiate>[3]): Negotiated => negotiate(SELF, PEER, ourOpen(SELF, PEER, "capabilities"), open);
  for (let at = 0; at < stream.length; at += piece) {
    framer.push(stream.subarray(at, at + piece));
    try {
      for (let message = framer.next(); message !== undefined; message = framer.next()) {
        const { event, problem } = readMessage(message, { state, agreed: state === "OpenSent" ? undefined : AGREED, judge });
        const routes = event.type === "UpdateMsg" ? event.update.reachable.flatMap((field) => prefixesOf(field, 3)).length : 0;
        events.push(`${event.type} ${problem} ${routes}`);
        if ("answer" in event) encodeMessage("NOTIFICATION", encodeNotification(event.answer));
      }
    } catch (error) {
      const { event, problem } = readHeaderError(error);
      return [...events, `${event.type} ${problem}`];
    }
  }
  return events;
}

/** A stream of messages with headers that are right, which mutation seldom leaves: each octet pair is a type and a length, and the body follows. */
function framed(octets: Uint8Array): Uint8Array {
  const messages: Uint8Array[] = [];
  for (let at = 0; at + 2 <= octets.length; ) {
    const [pick = 0, length = 0] = octets.subarray(at, at + 2);
    messages.push(encodeMessage(TYPES[pick % TYPES.length] ?? "UPDATE", octets.subarray(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  return Buffer.concat(messages);
}

/**
 * The packet with a header and a checksum that let it through to the options, which mutation alone would hardly ever hit. It is of the
 * given type or of the one after it.
 */
function repairedNdp(octets: Uint8Array, type = 135): Uint8Array {
  const packet = Uint8Array.from(octets);
  if (packet.length < 64) return packet;
  packet.set([0x60, 0, 0, 0, (packet.length - 40) >> 8, (packet.length - 40) & 0xff, 58, 255]);
  packet.set([type + ((packet[40] ?? 0) % 2 === 0 ? 1 : 0), 0, 0, 0], 40);
  const checksum = icmpv6Checksum(packet);
  packet.set([checksum >> 8, checksum & 0xff], 42);
  return packet;
}

/** Our own MAC for an address that we answer for, to one station; only who checks for duplicates is told by multicast. */
function mustBeAnswer(octets: Uint8Array): void {
  const frame = decodeEthernet(octets);
  assert.equal(frame.source, US);
  if (frame.etherType === 0x0806) {
    const { operation, sender } = decodeArp(frame.payload);
    assert.ok(operation === "reply" && sender.mac === US && answered.has(sender.address) && !isGroupMac(frame.destination));
  } else {
    const message = decodeNdp(frame.payload);
    assert.ok(message.type === "advertisement" && message.targetMac === US && answered.has(message.target));
    assert.ok(!isGroupMac(frame.destination) || !message.solicited);
  }
}
