/** AS_PATH and AS4_PATH (RFC 4271 4.3 and 5.1.2, RFC 6793, error rules: RFC 7606 7.2, RFC 7607). Pure. */
import { Reader, concat, u16s, u32s } from "./octets.ts";

//  0              1                     2
//  | Segment type | Segment length (AS) | AS numbers of two or four octets |

/** Stands for an AS number that does not fit two octets (RFC 6793 3). */
export const AS_TRANS = 23456;

export type AsPathSegment = { readonly type: "set" | "sequence" | "confed-sequence" | "confed-set"; readonly asns: readonly number[] };
export type AsPath = readonly AsPathSegment[];

/** Octets per AS number: two toward a speaker without the four-octet AS capability (RFC 6793 4). */
export type AsWidth = 2 | 4;

const SEGMENT_TYPES = ["set", "sequence", "confed-sequence", "confed-set"] as const; // 1, 2 (RFC 4271), 3, 4 (RFC 5065)
const MOST_IN_SEGMENT = 255;

/** The path of a route that we originate toward an external peer: our AS, as often as it is to count. */
export function ownPath(asn: number, times: number): AsPath {
  return [{ type: "sequence", asns: Array<number>(times).fill(asn) }];
}

/** Whether the path needs AS4_PATH beside it when AS numbers are sent with two octets (RFC 6793 4.2.2). */
export function needsFourOctets(path: AsPath): boolean {
  return path.some((segment) => segment.asns.some((asn) => asn > 0xffff));
}

export function encodeAsPath(path: AsPath, width: AsWidth): Uint8Array {
  return concat(
    ...path.flatMap(({ type, asns }) => {
      if (asns.length === 0 || asns.length > MOST_IN_SEGMENT) throw new RangeError(`an AS_PATH segment of ${asns.length} AS numbers`);
      const numbers = width === 4 ? u32s(...asns) : u16s(...asns.map((asn) => (asn > 0xffff ? AS_TRANS : asn)));
      return [Uint8Array.of(SEGMENT_TYPES.indexOf(type) + 1, asns.length), numbers];
    }),
  );
}

/** A path, or why it is malformed (RFC 7606 7.2; AS 0: RFC 7607 2). */
export function decodeAsPath(octets: Uint8Array, width: AsWidth): AsPath | string {
  const path: AsPathSegment[] = [];
  const reader = new Reader(octets);
  while (reader.left > 0) {
    if (reader.left < 2) return "a segment header is cut off";
    const code = reader.u8();
    const type = SEGMENT_TYPES[code - 1];
    if (type === undefined) return `segment type ${code} does not exist`;
    const count = reader.u8();
    if (count === 0) return "a segment is empty";
    if (count * width > reader.left) return "a segment is longer than the attribute";
    const asns = Array.from({ length: count }, () => (width === 4 ? reader.u32() : reader.u16()));
    if (asns.includes(0)) return "it contains AS 0";
    path.push({ type, asns });
  }
  return path;
}
