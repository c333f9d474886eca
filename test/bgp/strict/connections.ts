/**
 * TCP connections out of captured frames: what each side sent, octet for octet, and when.
 *
 * Retransmissions and segments out of order are put in their places. Pure.
 */
import type { Frame } from "../../lab/index.ts";

/** Octets of one direction, in order, without gaps. */
export type Stream = {
  readonly octets: Buffer;
  /** When the octet at this place could be read, with all before it, in ms. */
  readonly readableAt: (place: number) => number;
};

export type Connection = {
  /** "10.7.0.1:40000 > 10.7.0.254:179", who opened it first. */
  readonly name: string;
  readonly openedBy: "us" | "them";
  readonly ours: Stream;
  readonly theirs: Stream;
  /** When it was closed or reset by either side; undefined if it lives. */
  readonly endedAt: number | undefined;
};

type Segment = { readonly at: number; readonly from: string; readonly to: string; readonly sequence: number; readonly flags: number; readonly data: Buffer };
type Side = { start: number | undefined; readonly segments: Segment[] };
type Building = { readonly name: string; readonly openedBy: "us" | "them"; readonly ours: Side; readonly theirs: Side; endedAt: number | undefined };

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;
const TCP = 6;

/** @param isOurs whether an address is one of the speaker's */
export function connectionsIn(frames: readonly Frame[], isOurs: (address: string) => boolean): readonly Connection[] {
  const open = new Map<string, Building>();
  const all: Building[] = [];
  for (const frame of frames) {
    const segment = readSegment(frame);
    if (segment === undefined) continue;
    const outgoing = isOurs(segment.from.slice(0, segment.from.lastIndexOf(":")));
    const key = outgoing ? `${segment.from} ${segment.to}` : `${segment.to} ${segment.from}`;
    let connection = open.get(key);
    if ((segment.flags & SYN) !== 0 && (segment.flags & ACK) === 0 && connection?.[outgoing ? "ours" : "theirs"].start !== next(segment.sequence)) {
      connection = { name: `${segment.from} > ${segment.to}`, openedBy: outgoing ? "us" : "them", ours: { start: undefined, segments: [] }, theirs: { start: undefined, segments: [] }, endedAt: undefined };
      open.set(key, connection);
      all.push(connection);
    }
    if (connection === undefined) continue; // it began before the capture
    const side = connection[outgoing ? "ours" : "theirs"];
    if ((segment.flags & SYN) !== 0) side.start = next(segment.sequence);
    if (segment.data.length > 0) side.segments.push(segment);
    if ((segment.flags & (FIN | RST)) !== 0) connection.endedAt ??= segment.at;
  }
  return all.map((connection) => ({ ...connection, ours: streamOf(connection.ours), theirs: streamOf(connection.theirs) }));
}

function streamOf({ start = 0, segments }: Side): Stream {
  const parts: { readonly at: number; readonly end: number; readonly octets: Buffer }[] = [];
  let end = 0;
  let waiting: Segment[] = [];
  for (const { at, ...segment } of segments) {
    waiting.push({ at, ...segment });
    for (let fits = waiting.find(adjoins); fits !== undefined; fits = waiting.find(adjoins)) {
      const octets = fits.data.subarray(end - place(fits, start));
      end += octets.length;
      parts.push({ at, end, octets });
    }
    waiting = waiting.filter((one) => place(one, start) > end);
  }
  return { octets: Buffer.concat(parts.map(({ octets }) => octets)), readableAt: (index) => parts.find((part) => index < part.end)?.at ?? Infinity };

  function adjoins(one: Segment): boolean {
    return place(one, start) <= end && place(one, start) + one.data.length > end;
  }
}

function place({ sequence }: Segment, start: number): number {
  return (sequence - start) >>> 0;
}

function next(sequence: number): number {
  return (sequence + 1) >>> 0;
}

/** TCP over IPv4 without options of IP, or IPv6 without extension headers. */
function readSegment({ at, bytes, payload }: Frame): Segment | undefined {
  if ((payload.type !== "ipv4" && payload.type !== "ipv6") || payload.protocol !== TCP) return undefined;
  const packet = bytes.subarray(14);
  const isIpv4 = payload.type === "ipv4";
  const header = isIpv4 ? (packet.readUInt8(0) & 0x0f) * 4 : 40;
  const total = isIpv4 ? packet.readUInt16BE(2) : 40 + packet.readUInt16BE(4);
  const tcp = packet.subarray(header, total);
  return {
    at,
    from: `${payload.source}:${tcp.readUInt16BE(0)}`,
    to: `${payload.destination}:${tcp.readUInt16BE(2)}`,
    sequence: tcp.readUInt32BE(4),
    flags: tcp.readUInt8(13),
    data: tcp.subarray((tcp.readUInt8(12) >> 4) * 4),
  };
}
