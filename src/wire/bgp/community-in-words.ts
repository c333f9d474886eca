/** Communities as an operator knows them: by name where there is one, else as the configuration writes them. Pure. */
import type { LargeCommunity } from "./community.ts";

/** IANA's registry of well-known communities, those in use. */
const WELL_KNOWN: Readonly<Record<number, string>> = {
  0xffff0000: "graceful-shutdown", // RFC 8326
  0xffff0001: "accept-own", // RFC 7611
  0xffff0006: "llgr-stale", // RFC 9494
  0xffff0007: "no-llgr", // RFC 9494
  0xffff029a: "blackhole", // RFC 7999
  0xffffff01: "no-export", // RFC 1997
  0xffffff02: "no-advertise", // RFC 1997
  0xffffff03: "no-export-subconfed", // RFC 1997
  0xffffff04: "no-peer", // RFC 3765
};

/** "64500:100", "no-export". */
export function standardCommunityInWords(community: number): string {
  return WELL_KNOWN[community] ?? `${community >>> 16}:${community & 0xffff}`;
}

/** "large:64500:1:2". */
export function largeCommunityInWords({ global, local1, local2 }: LargeCommunity): string {
  return `large:${global}:${local1}:${local2}`;
}

//  0      1          2                    8
//  | Type | Sub-type | Value (six octets) |

/** "rt:64500:1"; "link-bandwidth:64500:125000000" with octets per second; 16 hexadecimal digits for what has no name. */
export function extendedCommunityInWords(community: bigint): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, community);
  switch (view.getUint16(0)) {
    case 0x0002: // RFC 4360 4
      return `rt:${view.getUint16(2)}:${view.getUint32(4)}`;
    case 0x0102: // an IPv4 address instead of the AS
      return `rt:${view.getUint8(2)}.${view.getUint8(3)}.${view.getUint8(4)}.${view.getUint8(5)}:${view.getUint16(6)}`;
    case 0x0202: // RFC 5668 2
      return `rt:${view.getUint32(2)}:${view.getUint16(6)}`;
    case 0x0004: // draft-ietf-idr-link-bandwidth, transitive
    case 0x4004: // and not
      return `link-bandwidth:${view.getUint16(2)}:${view.getFloat32(4)}`;
    default:
      return `0x${community.toString(16).padStart(16, "0")}`;
  }
}
