/**
 * Ethernet II frames, and the IEEE 802.1Q tag in front of their type.
 *
 * Pure: octets in, values out. Opens no socket, reads no clock, writes no log.
 */
import { type Mac, macFromBytes, macToBytes } from "../net/index.ts";
import { WireError } from "./error.ts";
import { putUint16, uint16 } from "./octets.ts";

//  0             6        12      14
//  | destination | source | type  | payload …
//  0             6        12     14     16     18
//  | destination | source | 8100  | TCI  | type | payload …     with a tag; the low 12 bits of TCI are the VLAN

export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100; // IEEE 802.1Q customer tag
const ETHERTYPE_SERVICE_VLAN = 0x88a8; // IEEE 802.1ad service tag

const HEADER_OCTETS = 14;
const TAG_OCTETS = 4;
const VLAN_MASK = 0x0fff;

export type EthernetFrame = {
  readonly destination: Mac;
  readonly source: Mac;
  /**
   * The VLAN of the outer tag, 0–4095; undefined without a tag. VLAN 0 is a priority tag: the frame belongs to the untagged network.
   */
  readonly vlan: number | undefined;
  /** The type behind the outer tag. A second tag stays in the payload. */
  readonly etherType: number;
  /** With the padding, if the frame has any. */
  readonly payload: Uint8Array;
};

/** Decodes a frame. `payload` is a view into `bytes`. Throws WireError if it ends within its header. */
export function decodeEthernet(bytes: Uint8Array): EthernetFrame {
  if (bytes.length < HEADER_OCTETS) throw new WireError("Ethernet", `the frame ends after ${bytes.length} octets`);
  const outer = uint16(bytes, 12);
  const tagged = outer === ETHERTYPE_VLAN || outer === ETHERTYPE_SERVICE_VLAN;
  const header = tagged ? HEADER_OCTETS + TAG_OCTETS : HEADER_OCTETS;
  if (bytes.length < header) throw new WireError("Ethernet", "the frame ends within its VLAN tag");
  return {
    destination: macFromBytes(bytes.subarray(0, 6)),
    source: macFromBytes(bytes.subarray(6, 12)),
    vlan: tagged ? uint16(bytes, 14) & VLAN_MASK : undefined,
    etherType: tagged ? uint16(bytes, 16) : outer,
    payload: bytes.subarray(header),
  };
}

/** Encodes a frame, without padding: the driver pads to 60 octets. A tag has priority 0. */
export function encodeEthernet(frame: EthernetFrame): Uint8Array {
  const header = frame.vlan === undefined ? HEADER_OCTETS : HEADER_OCTETS + TAG_OCTETS;
  const bytes = new Uint8Array(header + frame.payload.length);
  bytes.set(macToBytes(frame.destination), 0);
  bytes.set(macToBytes(frame.source), 6);
  if (frame.vlan !== undefined) {
    putUint16(bytes, 12, ETHERTYPE_VLAN);
    putUint16(bytes, 14, frame.vlan & VLAN_MASK);
  }
  putUint16(bytes, header - 2, frame.etherType);
  bytes.set(frame.payload, header);
  return bytes;
}

/** Whether a MAC names a group of stations, the broadcast address included (IEEE 802 individual/group bit). */
export function isGroupMac(mac: Mac): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}
