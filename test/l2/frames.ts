/** Frames of other stations, for tests of l2/. */
import { type Address, BROADCAST_MAC, type Ipv4, type Ipv6, type Mac, ZERO_MAC, address } from "../../src/net/index.ts";
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  type ArpPacket,
  type EthernetFrame,
  type NdpMessage,
  encodeArp,
  encodeEthernet,
  encodeNdp,
  groupMac,
  solicitedNodeGroup,
} from "../../src/wire/index.ts";

export const US = "02:00:00:00:00:01" as Mac;
export const THEM = "02:00:00:00:00:0a" as Mac;
export const THEIRS = address("192.0.2.1") as Ipv4;
export const VIP = address("192.0.2.100") as Ipv4;
export const VIP_V6 = address("2001:db8::100") as Ipv6;
export const THEIRS_V6 = address("fe80::a") as Ipv6;

export function arpFrame(packet: Partial<ArpPacket>, frame: Partial<EthernetFrame> = {}): Uint8Array {
  return encodeEthernet({
    destination: BROADCAST_MAC,
    source: THEM,
    vlan: undefined,
    etherType: ETHERTYPE_ARP,
    payload: encodeArp({
      operation: "request",
      sender: { mac: THEM, address: THEIRS },
      target: { mac: ZERO_MAC, address: VIP },
      ...packet,
    }),
    ...frame,
  });
}

export function ndpFrame(message: NdpMessage, frame: Partial<EthernetFrame> = {}): Uint8Array {
  return encodeEthernet({
    destination: groupMac(message.destination),
    source: THEM,
    vlan: undefined,
    etherType: ETHERTYPE_IPV6,
    payload: encodeNdp(message),
    ...frame,
  });
}

export function solicitation(target: Ipv6 = VIP_V6): NdpMessage {
  return { type: "solicitation", source: THEIRS_V6, destination: solicitedNodeGroup(target), target, sourceMac: THEM };
}

/** Another station claims the address. */
export function claimOf(claimed: Address, mac: Mac = THEM): Uint8Array {
  if (!claimed.includes(":")) {
    const party = { mac, address: claimed as Ipv4 };
    return arpFrame({ sender: party, target: { mac: ZERO_MAC, address: claimed as Ipv4 } }, { source: mac });
  }
  const group = address("ff02::1") as Ipv6;
  return ndpFrame(
    {
      type: "advertisement",
      source: claimed as Ipv6,
      destination: group,
      router: false,
      solicited: false,
      override: true,
      target: claimed as Ipv6,
      targetMac: mac,
    },
    { source: mac },
  );
}
