/** What stands before the value of every path attribute (RFC 4271 4.3), and whether a list of attributes is one. Pure. */
import { Reader } from "./octets.ts";

//  0       1      2 (or 2–3 with the Extended Length flag)
//  | Flags | Type | Length | Value |

export const OPTIONAL = 0x80;
export const TRANSITIVE = 0x40;
const EXTENDED_LENGTH = 0x10;
export const WELL_KNOWN = TRANSITIVE;
export const OPTIONAL_TRANSITIVE = OPTIONAL | TRANSITIVE;
export const OPTIONAL_NON_TRANSITIVE = OPTIONAL;

/** Flags, type and length; the Extended Length flag only where the length needs it. */
export function attributeHeader(flags: number, code: number, length: number): Uint8Array {
  return length > 255 ? Uint8Array.of(flags | EXTENDED_LENGTH, code, length >> 8, length & 0xff) : Uint8Array.of(flags, code, length);
}

/** Flags, type and length; undefined if the attribute does not fit what is left (RFC 7606 4). */
export function readAttributeHead(reader: Reader): { readonly flags: number; readonly code: number; readonly length: number } | undefined {
  if (reader.left < 3) return undefined;
  const flags = reader.u8();
  const code = reader.u8();
  const extended = (flags & EXTENDED_LENGTH) !== 0;
  if (extended && reader.left < 2) return undefined;
  const length = extended ? reader.u16() : reader.u8();
  return length > reader.left ? undefined : { flags, code, length };
}

/** Whether a list of attributes can be cut into attributes; what is in them is not looked at. */
export function isAttributeList(octets: Uint8Array): boolean {
  const reader = new Reader(octets);
  while (reader.left > 0) {
    const head = readAttributeHead(reader);
    if (head === undefined) return false;
    reader.take(head.length);
  }
  return true;
}
