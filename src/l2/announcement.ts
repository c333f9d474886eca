/**
 * The frames by which a host says unasked that it has a VIP, or asks who has one. Which forms reach which receivers was measured on
 * Linux: the request form and the reply form of ARP both count at once, even within a second of the last change; so does an
 * unsolicited advertisement with O = 1 and a target link-layer address.
 *
 * Pure.
 */
import { type Address, BROADCAST_MAC, type Ipv6, type Mac, isIpv4 } from "../net/index.ts";
import {
  ALL_NODES,
  type ArpPacket,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  type NdpMessage,
  arpAnnouncement,
  arpAnnouncementReply,
  arpProbe,
  encodeArp,
  encodeEthernet,
  encodeNdp,
  groupMac,
  neighborAnnouncement,
  neighborProbe,
  solicitedNodeGroup,
} from "../wire/index.ts";

/** The form that every receiver understands: an ARP request for the own address (RFC 5227 2.3), an unsolicited advertisement. */
export function firstForm(address: Address, mac: Mac, router: boolean): Uint8Array {
  return isIpv4(address)
    ? arpFrame(arpAnnouncement(address, mac))
    : ndpFrame(neighborAnnouncement(address, mac, router), mac, ALL_NODES);
}

/** For receivers that learn from ARP replies alone; IPv6 has no second form. */
export function secondForm(address: Address, mac: Mac): Uint8Array | undefined {
  return isIpv4(address) ? arpFrame(arpAnnouncementReply(address, mac)) : undefined;
}

/** An ARP probe or a solicitation: who has the address? `linkLocal`: ours, to which alone an answer then comes. */
export function question(address: Address, mac: Mac, linkLocal: Ipv6 | undefined): Uint8Array {
  if (isIpv4(address)) return arpFrame(arpProbe(address, mac));
  return ndpFrame(neighborProbe(address, mac, linkLocal), mac, solicitedNodeGroup(address));
}

function arpFrame(packet: ArpPacket): Uint8Array {
  return encodeEthernet({
    destination: BROADCAST_MAC,
    source: packet.sender.mac,
    vlan: undefined,
    etherType: ETHERTYPE_ARP,
    payload: encodeArp(packet),
  });
}

function ndpFrame(message: NdpMessage, source: Mac, group: Ipv6): Uint8Array {
  return encodeEthernet({ destination: groupMac(group), source, vlan: undefined, etherType: ETHERTYPE_IPV6, payload: encodeNdp(message) });
}
