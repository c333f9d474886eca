/**
 * What a frame on a segment means to a host that answers for VIPs, as Linux would answer for addresses of its own: ARP (RFC 826, 5227),
 * Neighbor Discovery (RFC 4861 7.2).
 *
 * Pure: a frame in, an answer or a piece of news out. Opens no socket, reads no clock, remembers nothing.
 */
import { type Address, type Ipv4, type Ipv6, type Mac, ZERO_MAC } from "../net/index.ts";
import {
  ALL_NODES,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  type EthernetFrame,
  type NeighborAdvertisement,
  type NeighborSolicitation,
  UNSPECIFIED_IPV4,
  UNSPECIFIED_IPV6,
  WireError,
  arpReply,
  decodeArp,
  decodeEthernet,
  decodeNdp,
  encodeArp,
  encodeEthernet,
  encodeNdp,
  groupMac,
  isGroupMac,
  isMulticast,
  neighborReply,
  solicitedNodeGroup,
} from "../wire/index.ts";

/** This host on the segment. */
export type Self = {
  readonly mac: Mac;
  /** Whether it forwards IPv6 there. */
  readonly router: boolean;
  /** Whether it is to answer for the address there. */
  answers(address: Address): boolean;
  /** Whether the address is the host's there, be it a VIP that it is to answer for or one that its kernel answers for. */
  isOwn(address: Address): boolean;
  /** Whether the address is one of the fleet's, so that another's claim to it matters. */
  isVip(address: Address): boolean;
};

export type Reaction =
  | { readonly type: "answer"; readonly protocol: "arp" | "ndp"; readonly frame: Uint8Array }
  /** Another station says that it has the address. */
  | { readonly type: "heard"; readonly address: Address; readonly mac: Mac }
  /** Another station asks in the name of a VIP that is ours, as one who has it. */
  | { readonly type: "used"; readonly address: Address; readonly mac: Mac }
  /** Another station asks about a VIP as one who does not have it: an ARP probe, or duplicate address detection. */
  | { readonly type: "question"; readonly address: Address; readonly mac: Mac }
  | { readonly type: "ignored"; readonly cause: IgnoreCause };

export type IgnoreCause =
  /** Not what its protocol says. */
  | "malformed"
  /** Of a VLAN that has an interface of its own. */
  | "tagged"
  /** From our own MAC: the network has sent it back. */
  | "own"
  /** To another station's MAC. */
  | "not-to-us"
  /** About an address that we do not answer for, or neither ask nor claim. */
  | "other-address"
  /** From an address that no neighbour can have, or that is ours to use. */
  | "bad-sender";

/** Total: every frame has a reaction. */
export function react(bytes: Uint8Array, self: Self): Reaction {
  try {
    const frame = decodeEthernet(bytes);
    // VLAN 0 is a priority tag: the frame is the untagged network's.
    if (frame.vlan !== undefined && frame.vlan !== 0) return ignored("tagged");
    if (frame.source === self.mac) return ignored("own");
    if (frame.destination !== self.mac && !isGroupMac(frame.destination)) return ignored("not-to-us");
    switch (frame.etherType) {
      case ETHERTYPE_ARP:
        return reactToArp(frame, self);
      case ETHERTYPE_IPV6:
        return reactToNdp(frame, self);
      default:
        return ignored("malformed");
    }
  } catch (error) {
    if (error instanceof WireError) return ignored("malformed");
    throw error;
  }
}

function reactToArp(frame: EthernetFrame, self: Self): Reaction {
  const packet = decodeArp(frame.payload);
  const { sender, target } = packet;
  if (sender.mac === self.mac) return ignored("own");
  if (isGroupMac(sender.mac) || sender.mac === ZERO_MAC) return ignored("bad-sender");
  if (packet.operation === "reply" || sender.address === target.address) {
    return self.isVip(sender.address) ? { type: "heard", address: sender.address, mac: sender.mac } : ignored("other-address");
  }
  if (self.isOwn(sender.address)) return ownName(sender.address, sender.mac, self);
  if (!self.answers(target.address)) {
    const asks = sender.address === UNSPECIFIED_IPV4 && self.isVip(target.address);
    return asks ? { type: "question", address: target.address, mac: sender.mac } : ignored("other-address");
  }
  if (!canAsk(sender.address)) return ignored("bad-sender");
  return answer("arp", sender.mac, self.mac, ETHERTYPE_ARP, encodeArp(arpReply(packet, self.mac)));
}

function reactToNdp(frame: EthernetFrame, self: Self): Reaction {
  const message = decodeNdp(frame.payload);
  return message.type === "solicitation" ? reactToSolicitation(message, frame.source, self) : reactToAdvertisement(message, frame.source, self);
}

function reactToSolicitation(message: NeighborSolicitation, etherSource: Mac, self: Self): Reaction {
  const { source, destination, target } = message;
  // The option is optional in a unicast question (RFC 4861 4.3); the frame's own source is as good.
  const asker = message.sourceMac ?? etherSource;
  if (asker === self.mac) return ignored("own");
  if (isGroupMac(asker) || asker === ZERO_MAC) return ignored("bad-sender");
  if (self.isOwn(source)) return ownName(source, asker, self);
  if (!self.answers(target)) {
    const asks = source === UNSPECIFIED_IPV6 && self.isVip(target);
    return asks ? { type: "question", address: target, mac: asker } : ignored("other-address");
  }
  if (!reaches(destination, target, self)) return ignored("not-to-us");
  const reply = encodeNdp(neighborReply(message, self.mac, self.router));
  // Duplicate address detection: another station is about to take the address.
  if (source === UNSPECIFIED_IPV6) return answer("ndp", groupMac(ALL_NODES), self.mac, ETHERTYPE_IPV6, reply);
  if (source === LOOPBACK_IPV6) return ignored("bad-sender");
  return answer("ndp", asker, self.mac, ETHERTYPE_IPV6, reply);
}

function reactToAdvertisement(message: NeighborAdvertisement, etherSource: Mac, self: Self): Reaction {
  const mac = message.targetMac ?? etherSource;
  if (mac === self.mac) return ignored("own");
  if (isGroupMac(mac) || mac === ZERO_MAC) return ignored("bad-sender");
  return self.isVip(message.target) ? { type: "heard", address: message.target, mac } : ignored("other-address");
}

const LOOPBACK_IPV6 = "::1" as Ipv6;

/** Who asks with an address of ours as his own gets no answer, as from Linux; neighbours that hear him will send its traffic to him. */
function ownName(address: Address, mac: Mac, self: Self): Reaction {
  return self.isVip(address) ? { type: "used", address, mac } : ignored("bad-sender");
}

/** Whether Linux would take a solicitation for one of its addresses that was sent there: to an address or a group that it has. */
function reaches(destination: Ipv6, target: Ipv6, self: Self): boolean {
  if (isMulticast(destination)) return destination === ALL_NODES || destination === solicitedNodeGroup(target);
  return destination === target || self.isOwn(destination);
}

/** Linux answers none but these: a probe from 0.0.0.0, and sources outside of 127/8, 224/4 and the broadcast address. */
function canAsk(source: Ipv4): boolean {
  const first = Number.parseInt(source, 10);
  return first !== 127 && (first < 224 || first >= 240) && source !== "255.255.255.255";
}

function answer(protocol: "arp" | "ndp", destination: Mac, source: Mac, etherType: number, payload: Uint8Array): Reaction {
  return { type: "answer", protocol, frame: encodeEthernet({ destination, source, vlan: undefined, etherType, payload }) };
}

function ignored(cause: IgnoreCause): Reaction {
  return { type: "ignored", cause };
}
