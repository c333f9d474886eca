/** BFD Control packets as seen on the wire, read apart from src/wire so that a mistake there cannot hide itself; and packets that nobody should believe. */
import { join } from "node:path";
import type { Frame, Host } from "../lab/index.ts";

const STATES = ["admin-down", "down", "init", "up"] as const;

export type Seen = {
  readonly at: number;
  readonly source: string;
  readonly ttl: number;
  /** TOS, or traffic class. */
  readonly tos: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly diagnostic: number;
  readonly state: (typeof STATES)[number];
  readonly poll: boolean;
  readonly final: boolean;
  readonly mine: number;
  readonly yours: number;
  /** In ms. */
  readonly transmit: number;
  readonly receive: number;
};

/** The packets among frames, in their order. */
export function bfdIn(frames: readonly Frame[]): Seen[] {
  return frames.flatMap((frame) => {
    const { payload, bytes, at } = frame;
    if (payload.type !== "ipv4" && payload.type !== "ipv6") return [];
    const ip = bytes.subarray(14);
    const isIpv4 = payload.type === "ipv4";
    const udp = ip.subarray(isIpv4 ? 4 * (ip.readUInt8(0) & 15) : 40);
    const bfd = udp.subarray(8);
    const flags = bfd.readUInt8(1);
    return {
      at,
      source: payload.source,
      ttl: ip.readUInt8(isIpv4 ? 8 : 7),
      tos: isIpv4 ? ip.readUInt8(1) : (ip.readUInt16BE(0) >> 4) & 255,
      sourcePort: udp.readUInt16BE(0),
      destinationPort: udp.readUInt16BE(2),
      diagnostic: bfd.readUInt8(0) & 31,
      state: STATES[flags >> 6] ?? "admin-down",
      poll: (flags & 0x20) !== 0,
      final: (flags & 0x10) !== 0,
      mine: bfd.readUInt32BE(4),
      yours: bfd.readUInt32BE(8),
      transmit: bfd.readUInt32BE(12) / 1000,
      receive: bfd.readUInt32BE(16) / 1000,
    };
  });
}

/** Sends a datagram from a host as if a BFD daemon there did. */
export async function forge(host: Host, from: string, to: string, hex: string, { ttl = 255, port = 3784 } = {}): Promise<void> {
  await host.exec([process.execPath, join(import.meta.dirname, "forger.ts"), from.includes(":") ? "ipv6" : "ipv4", from, String(ttl), to, String(port), hex.replaceAll(" ", "")]);
}

/** The first packet of somebody: Down, and no session named. */
export const FIRST_PACKET = "20400318 0badcafe 00000000 000f4240 000f4240 00000000";
