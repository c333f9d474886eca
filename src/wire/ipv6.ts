/**
 * The IPv6 header (RFC 8200 3), multicast on Ethernet (RFC 2464 7), and the checksum of ICMPv6 (RFC 4443 2.3).
 *
 * Extension headers are not followed: Neighbor Discovery does not need them. Pure: octets in, values out.
 */
import { type Ipv6, type Mac, addressFromBytes, addressToBytes, macFromBytes } from "../net/index.ts";
import { WireError } from "./error.ts";
import { putUint16, uint16 } from "./octets.ts";

//  0     4       12           32
//  | ver | class | flow label |
//  | payload length | next header | hop limit |      octets 4–7
//  | source         16 octets |                      octets 8–23
//  | destination    16 octets |                      octets 24–39

const HEADER_OCTETS = 40;
const ADDRESSES_AT = 8;
export const NEXT_HEADER_ICMPV6 = 58;

export const UNSPECIFIED_IPV6 = "::" as Ipv6;
export const ALL_NODES = "ff02::1" as Ipv6; // RFC 4291 2.7.1
export const ALL_ROUTERS = "ff02::2" as Ipv6;

export type Ipv6Packet = {
  readonly source: Ipv6;
  readonly destination: Ipv6;
  readonly nextHeader: number;
  /** 0–255. */
  readonly hopLimit: number;
  /** What follows the header: extension headers too. */
  readonly payload: Uint8Array;
};

/**
 * Decodes the packet of a frame; `payload` is a view into `bytes` and ends where the packet ends, before the frame's padding.
 * Throws WireError if it is cut short, of another version, or from a multicast address (RFC 4291 2.7).
 */
export function decodeIpv6(bytes: Uint8Array): Ipv6Packet {
  if (bytes.length < HEADER_OCTETS) throw new WireError("IPv6", `the header ends after ${bytes.length} octets`);
  const version = (bytes[0] ?? 0) >> 4;
  if (version !== 6) throw new WireError("IPv6", `version ${version} is not 6`);
  const length = uint16(bytes, 4);
  if (bytes.length < HEADER_OCTETS + length) throw new WireError("IPv6", `${length} octets of payload are not all here`);
  const source = addressFromBytes(bytes.subarray(8, 24)) as Ipv6;
  if (isMulticast(source)) throw new WireError("IPv6", "the source is a multicast address");
  return {
    source,
    destination: addressFromBytes(bytes.subarray(24, 40)) as Ipv6,
    nextHeader: bytes[6] ?? 0,
    hopLimit: bytes[7] ?? 0,
    payload: bytes.subarray(HEADER_OCTETS, HEADER_OCTETS + length),
  };
}

/** Encodes a packet of traffic class 0 and flow label 0. Throws RangeError if the payload is longer than 65 535 octets. */
export function encodeIpv6(packet: Ipv6Packet): Uint8Array {
  if (packet.payload.length > 0xffff) throw new RangeError(`${packet.payload.length} octets do not fit an IPv6 packet`);
  const bytes = new Uint8Array(HEADER_OCTETS + packet.payload.length);
  bytes[0] = 6 << 4;
  putUint16(bytes, 4, packet.payload.length);
  bytes[6] = packet.nextHeader;
  bytes[7] = packet.hopLimit;
  bytes.set(addressToBytes(packet.source), 8);
  bytes.set(addressToBytes(packet.destination), 24);
  bytes.set(packet.payload, HEADER_OCTETS);
  return bytes;
}

/** ff00::/8 (RFC 4291 2.7). */
export function isMulticast(a: Ipv6): boolean {
  // Four digits: RFC 5952 drops leading zeros, "ff0:…" is 0ff0.
  return /^ff[0-9a-f]{2}:/.test(a);
}

/** ff02::1:ffXX:XXXX, on which the owner of an address hears who asks for it (RFC 4291 2.7.1). */
export function solicitedNodeGroup(a: Ipv6): Ipv6 {
  const bytes = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0);
  bytes.set(addressToBytes(a).subarray(13), 13);
  return addressFromBytes(bytes) as Ipv6;
}

/** Whether it is the solicited-node group of any address: ff02::1:ff00:0/104. */
export function isSolicitedNodeGroup(a: Ipv6): boolean {
  return isMulticast(a) && solicitedNodeGroup(a) === a;
}

/** 33:33 and the last four octets of the group (RFC 2464 7). */
export function groupMac(group: Ipv6): Mac {
  return macFromBytes(Uint8Array.of(0x33, 0x33, ...addressToBytes(group).subarray(12)));
}

/**
 * The checksum of a packet's ICMPv6 message with its pseudo-header (RFC 8200 8.1), as 16 bits. Where the checksum field is zero it
 * is the value to put there; where the checksum is right it is 0.
 * @param packet the header and the message, nothing between or behind them
 */
export function icmpv6Checksum(packet: Uint8Array): number {
  let sum = packet.length - HEADER_OCTETS + NEXT_HEADER_ICMPV6;
  for (let i = ADDRESSES_AT; i < packet.length; i += 2) sum += uint16(packet, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
