/**
 * What all messages of Neighbor Discovery have in common (RFC 4861 4): the packet around them, the checks that come before their
 * meaning, and the options that hold link-layer addresses.
 *
 * Pure: octets in, values out.
 */
import { type Ipv6, type Mac, macFromBytes, macToBytes } from "../net/index.ts";
import { WireError } from "./error.ts";
import { NEXT_HEADER_ICMPV6, decodeIpv6, encodeIpv6, icmpv6Checksum } from "./ipv6.ts";
import { putUint16 } from "./octets.ts";

//  0      1      2          4
//  | type | code | checksum | …            the message
//
//  0      1        2                8
//  | type | length | Ethernet address |    an option: length in units of 8 octets

const HEADER_OCTETS = 40; // of IPv6
const CHECKSUM_AT = 2;
const HOP_LIMIT = 255; // RFC 4861 6.1, 7.1: no router has forwarded it

export const SOURCE_LINK_LAYER_ADDRESS = 1;
export const TARGET_LINK_LAYER_ADDRESS = 2;
export const ADDRESS_OPTION_OCTETS = 8; // on Ethernet, RFC 2464 6

export type NdPacket = { readonly source: Ipv6; readonly destination: Ipv6; readonly type: number; /** With its four octets of type, code and checksum. */ readonly message: Uint8Array };

/**
 * Opens the IPv6 packet of a frame. Throws WireError if it is not ICMPv6, was forwarded, is shorter than `least` octets of message, or
 * has a wrong checksum.
 */
export function openNdPacket(bytes: Uint8Array, least: number): NdPacket {
  const { source, destination, payload, nextHeader, hopLimit } = decodeIpv6(bytes);
  if (nextHeader !== NEXT_HEADER_ICMPV6) throw new WireError("NDP", `next header ${nextHeader} is not ICMPv6`);
  if (hopLimit !== HOP_LIMIT) throw new WireError("NDP", `hop limit ${hopLimit} is not 255: it has been forwarded`);
  if (payload.length < least) throw new WireError("NDP", `the message ends after ${payload.length} octets`);
  if (icmpv6Checksum(bytes.subarray(0, HEADER_OCTETS + payload.length)) !== 0) throw new WireError("NDP", "the checksum is wrong");
  return { source, destination, type: payload[0] ?? 0, message: payload };
}

/** Every message of Neighbor Discovery has code 0. Throws WireError. */
export function checkCode(message: Uint8Array): void {
  const code = message[1] ?? 0;
  if (code !== 0) throw new WireError("NDP", `code ${code} is not 0`);
}

/** The packet with that message, whose checksum is put in. */
export function sealNdPacket(source: Ipv6, destination: Ipv6, message: Uint8Array): Uint8Array {
  const packet = encodeIpv6({ source, destination, nextHeader: NEXT_HEADER_ICMPV6, hopLimit: HOP_LIMIT, payload: message });
  putUint16(packet, HEADER_OCTETS + CHECKSUM_AT, icmpv6Checksum(packet));
  return packet;
}

/**
 * The Ethernet address in the option of that type; of several the first counts, as in Linux. All others are skipped, whatever they
 * hold (RFC 4861 4.6). Throws WireError if the options do not fill `bytes`.
 */
export function decodeAddressOption(bytes: Uint8Array, wanted: number): Mac | undefined {
  let mac: Mac | undefined;
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at + 1] ?? 0) * 8;
    if (length === 0) throw new WireError("NDP", "an option has length 0");
    if (at + length > bytes.length) throw new WireError("NDP", "an option is longer than the message");
    if (bytes[at] === wanted && mac === undefined) {
      if (length !== ADDRESS_OPTION_OCTETS) throw new WireError("NDP", `a link-layer address option of ${length} octets does not hold an Ethernet address`);
      mac = macFromBytes(bytes.subarray(at + 2, at + 8));
    }
    at += length;
  }
  return mac;
}

/** Puts an option with that address at that place. */
export function putAddressOption(message: Uint8Array, at: number, type: number, mac: Mac): void {
  message[at] = type;
  message[at + 1] = ADDRESS_OPTION_OCTETS / 8;
  message.set(macToBytes(mac), at + 2);
}
