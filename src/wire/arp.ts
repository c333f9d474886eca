/**
 * ARP for IPv4 over Ethernet (RFC 826; probes and announcements: RFC 5227).
 *
 * Pure: octets in, values out. Opens no socket, reads no clock, writes no log.
 */
import { type Ipv4, type Mac, ZERO_MAC, addressFromBytes, addressToBytes, macFromBytes, macToBytes } from "../net/index.ts";
import { WireError } from "./error.ts";
import { putUint16, uint16 } from "./octets.ts";

//  0       2       4     5     6      8         14        18        24        28
//  | htype | ptype | hln | pln | oper | sha     | spa     | tha     | tpa     |

const HTYPE_ETHERNET = 1;
const HTYPE_IEEE802 = 6; // RFC 1042; Linux takes it on Ethernet as well
const PTYPE_IPV4 = 0x0800;
const REQUEST = 1;
const REPLY = 2;
const PACKET_OCTETS = 28;

export const UNSPECIFIED_IPV4 = "0.0.0.0" as Ipv4;

export type ArpPacket = {
  readonly operation: "request" | "reply";
  readonly sender: { readonly mac: Mac; readonly address: Ipv4 };
  readonly target: { readonly mac: Mac; readonly address: Ipv4 };
};

/** Decodes the ARP payload of a frame; padding behind it is ignored. Throws WireError for anything that is not ARP for IPv4 over Ethernet. */
export function decodeArp(bytes: Uint8Array): ArpPacket {
  if (bytes.length < PACKET_OCTETS) throw new WireError("ARP", `the packet ends after ${bytes.length} octets`);
  const htype = uint16(bytes, 0);
  if (htype !== HTYPE_ETHERNET && htype !== HTYPE_IEEE802) throw new WireError("ARP", `hardware type ${htype} is not Ethernet`);
  const ptype = uint16(bytes, 2);
  if (ptype !== PTYPE_IPV4) throw new WireError("ARP", `protocol type ${ptype} is not IPv4`);
  if (bytes[4] !== 6 || bytes[5] !== 4) throw new WireError("ARP", "the address lengths are not 6 and 4");
  const oper = uint16(bytes, 6);
  if (oper !== REQUEST && oper !== REPLY) throw new WireError("ARP", `operation ${oper} is neither request nor reply`);
  return {
    operation: oper === REQUEST ? "request" : "reply",
    sender: { mac: macFromBytes(bytes.subarray(8, 14)), address: ipv4(bytes.subarray(14, 18)) },
    target: { mac: macFromBytes(bytes.subarray(18, 24)), address: ipv4(bytes.subarray(24, 28)) },
  };
}

/** Encodes the payload of an ARP frame: 28 octets. */
export function encodeArp(packet: ArpPacket): Uint8Array {
  const bytes = new Uint8Array(PACKET_OCTETS);
  putUint16(bytes, 0, HTYPE_ETHERNET);
  putUint16(bytes, 2, PTYPE_IPV4);
  bytes[4] = 6;
  bytes[5] = 4;
  putUint16(bytes, 6, packet.operation === "request" ? REQUEST : REPLY);
  bytes.set(macToBytes(packet.sender.mac), 8);
  bytes.set(addressToBytes(packet.sender.address), 14);
  bytes.set(macToBytes(packet.target.mac), 18);
  bytes.set(addressToBytes(packet.target.address), 24);
  return bytes;
}

/** The answer to a request for one of our addresses (RFC 826, "Packet Reception"). A probe is answered like any other (RFC 5227 2.1). */
export function arpReply(request: ArpPacket, mac: Mac): ArpPacket {
  return { operation: "reply", sender: { mac, address: request.target.address }, target: request.sender };
}

/** An ARP probe: asks whether anybody has the address without saying that we do (RFC 5227 2.1.1). */
export function arpProbe(address: Ipv4, mac: Mac): ArpPacket {
  return { operation: "request", sender: { mac, address: UNSPECIFIED_IPV4 }, target: { mac: ZERO_MAC, address } };
}

/** An ARP announcement (RFC 5227 2.3): a request for the address that the sender says is its own. */
export function arpAnnouncement(address: Ipv4, mac: Mac): ArpPacket {
  return { operation: "request", sender: { mac, address }, target: { mac: ZERO_MAC, address } };
}

/**
 * The same as a reply, for receivers that learn from replies alone. The target MAC is the sender's own: Linux counts no
 * other gratuitous reply as one, and ignores it within a second of a change.
 */
export function arpAnnouncementReply(address: Ipv4, mac: Mac): ArpPacket {
  return { operation: "reply", sender: { mac, address }, target: { mac, address } };
}

function ipv4(bytes: Uint8Array): Ipv4 {
  return addressFromBytes(bytes) as Ipv4;
}
