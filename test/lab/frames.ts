/**
 * Reads Ethernet frames for assertions: ARP (RFC 826) and Neighbor Discovery (RFC 4861 4.3, 4.4) in full, IP by its addresses.
 *
 * Deliberately apart from src/wire, so that a mistake there cannot hide itself. Pure.
 */

export type Arp = {
  readonly type: "arp";
  readonly operation: number;
  readonly senderMac: string;
  readonly senderAddress: string;
  readonly targetMac: string;
  readonly targetAddress: string;
};

export type NeighborMessage = {
  readonly type: "solicitation" | "advertisement";
  readonly source: string;
  readonly destination: string;
  readonly hopLimit: number;
  readonly target: string;
  /** Of an advertisement: router, solicited, override. */
  readonly flags: { readonly r: boolean; readonly s: boolean; readonly o: boolean };
  /** The source (of a solicitation) or target (of an advertisement) link-layer address option. */
  readonly linkLayerAddress: string | undefined;
};

export type IpPacket = { readonly type: "ipv4" | "ipv6"; readonly source: string; readonly destination: string; readonly protocol: number };

export type Frame = {
  /** When it was heard, by `now()`. */
  readonly at: number;
  readonly source: string;
  readonly destination: string;
  readonly etherType: number;
  readonly payload: Arp | NeighborMessage | IpPacket | { readonly type: "other" };
  readonly bytes: Buffer;
};

const ARP = 0x0806;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const ICMPV6 = 58;
const OTHER = { type: "other" } as const;

export function readFrame(at: number, bytes: Buffer): Frame {
  if (bytes.length < 14) return { at, source: "", destination: "", etherType: 0, payload: OTHER, bytes };
  const etherType = bytes.readUInt16BE(12);
  return { at, destination: mac(bytes, 0), source: mac(bytes, 6), etherType, payload: readPayload(etherType, bytes.subarray(14)), bytes };
}

function readPayload(etherType: number, data: Buffer): Frame["payload"] {
  if (etherType === ARP && data.length >= 28) {
    return {
      type: "arp",
      operation: data.readUInt16BE(6),
      senderMac: mac(data, 8),
      senderAddress: ipv4(data, 14),
      targetMac: mac(data, 18),
      targetAddress: ipv4(data, 24),
    };
  }
  if (etherType === IPV4 && data.length >= 20) return { type: "ipv4", source: ipv4(data, 12), destination: ipv4(data, 16), protocol: data.readUInt8(9) };
  if (etherType === IPV6 && data.length >= 40) return readNeighborMessage(data) ?? { type: "ipv6", source: ipv6(data, 8), destination: ipv6(data, 24), protocol: data.readUInt8(6) };
  return OTHER;
}

function readNeighborMessage(packet: Buffer): NeighborMessage | undefined {
  const message = packet.subarray(40);
  if (packet.readUInt8(6) !== ICMPV6 || message.length < 24) return undefined;
  const kind = message.readUInt8(0);
  if (kind !== 135 && kind !== 136) return undefined;
  const flags = message.readUInt8(4);
  return {
    type: kind === 135 ? "solicitation" : "advertisement",
    source: ipv6(packet, 8),
    destination: ipv6(packet, 24),
    hopLimit: packet.readUInt8(7),
    target: ipv6(message, 8),
    flags: { r: (flags & 0x80) !== 0, s: (flags & 0x40) !== 0, o: (flags & 0x20) !== 0 },
    linkLayerAddress: linkLayerAddress(message.subarray(24), kind === 135 ? 1 : 2),
  };
}

function linkLayerAddress(options: Buffer, wanted: number): string | undefined {
  for (let at = 0; at + 8 <= options.length; ) {
    const units = options.readUInt8(at + 1);
    if (units === 0) return undefined;
    if (options.readUInt8(at) === wanted) return mac(options, at + 2);
    at += units * 8;
  }
  return undefined;
}

function mac(data: Buffer, at: number): string {
  return [...data.subarray(at, at + 6)].map((octet) => octet.toString(16).padStart(2, "0")).join(":");
}

function ipv4(data: Buffer, at: number): string {
  return [...data.subarray(at, at + 4)].join(".");
}

/** RFC 5952: lower case, the longest run of two or more zero groups shortened. */
function ipv6(data: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => data.readUInt16BE(at + 2 * index).toString(16));
  let best = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (groups[from + length] === "0") length++;
    if (length > best.length) best = { from, length };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.from).join(":")}::${groups.slice(best.from + best.length).join(":")}`;
}
