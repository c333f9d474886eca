/**
 * BFD Echo packets (RFC 5880 5, RFC 5881 4) over IPv4, as Ethernet frames: addressed to the sender itself by IP and to the peer by MAC, so
 * that the peer's forwarding returns them. What they carry is the sender's own business.
 *
 * Pure: octets in, values out. Opens no socket, reads no clock, writes no log.
 */
import { type Ipv4, type Mac, addressFromBytes, addressToBytes, macToBytes } from "../net/index.ts";
import { WireError } from "./error.ts";
import { putUint16, uint16 } from "./octets.ts";

//  0             6        12     14            34         42              46         50       58
//  | destination | source | 0800 | IPv4 header | UDP header | discriminator | sequence | token  |

const ETHERTYPE_IPV4 = 0x0800;
const IP_AT = 14;
const UDP_AT = 34;
const PAYLOAD_AT = 42;
const SEQUENCE_AT = 46;
const TOKEN_AT = 50;
const FRAME_OCTETS = 58;

export const BFD_ECHO_PORT = 3785; // RFC 5881 4
export const BFD_ECHO_TTL = 255;
export const BFD_ECHO_TOKEN_OCTETS = 8;
const CLASS_SELECTOR_6 = 0xc0; // RFC 4594 3.2: network control
const UDP = 17;
const VERSION_AND_LENGTH = 0x45;

export type BfdEcho = {
  /** Sender and destination at once. */
  readonly address: Ipv4;
  /** Of the packet as it comes: one less than `BFD_ECHO_TTL` after the peer returned it. */
  readonly ttl: number;
  readonly discriminator: number;
  readonly sequence: number;
  /** Known to nobody else. */
  readonly token: Uint8Array;
};

/** Encodes a frame to the peer's MAC. */
export function encodeBfdEcho({ address, ttl, discriminator, sequence, token }: BfdEcho, to: Mac, from: Mac): Uint8Array {
  const frame = new Uint8Array(FRAME_OCTETS);
  frame.set(macToBytes(to), 0);
  frame.set(macToBytes(from), 6);
  putUint16(frame, 12, ETHERTYPE_IPV4);
  frame[IP_AT] = VERSION_AND_LENGTH;
  frame[IP_AT + 1] = CLASS_SELECTOR_6;
  putUint16(frame, IP_AT + 2, FRAME_OCTETS - IP_AT);
  frame[IP_AT + 8] = ttl;
  frame[IP_AT + 9] = UDP;
  frame.set(addressToBytes(address), IP_AT + 12);
  frame.set(addressToBytes(address), IP_AT + 16);
  putUint16(frame, IP_AT + 10, headerChecksum(frame.subarray(IP_AT, UDP_AT)));
  putUint16(frame, UDP_AT, BFD_ECHO_PORT);
  putUint16(frame, UDP_AT + 2, BFD_ECHO_PORT);
  putUint16(frame, UDP_AT + 4, FRAME_OCTETS - UDP_AT); // no checksum, which IPv4 allows: RFC 768
  new DataView(frame.buffer).setUint32(PAYLOAD_AT, discriminator);
  frame.set(token.subarray(0, BFD_ECHO_TOKEN_OCTETS), TOKEN_AT);
  numberBfdEcho(frame, sequence);
  return frame;
}

/** The same frame with another number, 0–4294967295. */
export function numberBfdEcho(frame: Uint8Array, sequence: number): void {
  new DataView(frame.buffer, frame.byteOffset).setUint32(SEQUENCE_AT, sequence);
}

/** Decodes a frame; padding behind it is ignored. Throws WireError for anything that `encodeBfdEcho` does not make. */
export function decodeBfdEcho(frame: Uint8Array): BfdEcho {
  if (frame.length < FRAME_OCTETS) throw new WireError("BFD echo", `the frame ends after ${frame.length} octets`);
  if (uint16(frame, 12) !== ETHERTYPE_IPV4 || frame[IP_AT] !== VERSION_AND_LENGTH || frame[IP_AT + 9] !== UDP) throw new WireError("BFD echo", "it is no UDP over IPv4");
  if (uint16(frame, IP_AT + 2) !== FRAME_OCTETS - IP_AT || uint16(frame, UDP_AT + 2) !== BFD_ECHO_PORT) throw new WireError("BFD echo", "it is no echo packet of ours");
  const address = addressFromBytes(frame.subarray(IP_AT + 12, IP_AT + 16)) as Ipv4;
  if (addressFromBytes(frame.subarray(IP_AT + 16, IP_AT + 20)) !== address) throw new WireError("BFD echo", "it is to somebody else than its sender");
  const view = new DataView(frame.buffer, frame.byteOffset);
  return {
    address,
    ttl: frame[IP_AT + 8] ?? 0,
    discriminator: view.getUint32(PAYLOAD_AT),
    sequence: view.getUint32(SEQUENCE_AT),
    token: frame.slice(TOKEN_AT, TOKEN_AT + BFD_ECHO_TOKEN_OCTETS),
  };
}

/** RFC 791 3.1: the ones' complement of the ones' complement sum. */
function headerChecksum(header: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += uint16(header, at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
