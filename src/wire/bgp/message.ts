/**
 * The header of every BGP message, and cutting a stream of octets into messages (RFC 4271 4.1, 6.1).
 *
 * Pure: holds no more than one message of the largest size, whatever arrives.
 */
import { BgpError } from "./error.ts";
import { HEADER_SUBCODE, MESSAGE_HEADER_ERROR, notification } from "./notification.ts";
import { u16s } from "./octets.ts";

//  0                16       18     19
//  | Marker (ones)  | Length | Type | Body (variable) |

export const HEADER_OCTETS = 19;
const MARKER_OCTETS = 16;
export const MAX_MESSAGE_OCTETS = 4096; // RFC 4271 4.1; we do not negotiate RFC 8654

export type MessageType = "OPEN" | "UPDATE" | "NOTIFICATION" | "KEEPALIVE" | "ROUTE-REFRESH";

/** A message whose header is right; the body is not copied and holds only until the next call of the framer. */
export type BgpMessage = { readonly type: MessageType; readonly body: Uint8Array };

type TypeRow = { readonly code: number; readonly type: MessageType; readonly least: number; readonly most: number };

const TYPES: readonly TypeRow[] = [
  //  Type                                    Length, header included
  { code: 1, type: "OPEN", least: 29, most: MAX_MESSAGE_OCTETS }, // RFC 4271 4.2
  { code: 2, type: "UPDATE", least: 23, most: MAX_MESSAGE_OCTETS }, // RFC 4271 4.3
  { code: 3, type: "NOTIFICATION", least: 21, most: MAX_MESSAGE_OCTETS }, // RFC 4271 4.5
  { code: 4, type: "KEEPALIVE", least: 19, most: 19 }, // RFC 4271 4.4
  { code: 5, type: "ROUTE-REFRESH", least: 22, most: MAX_MESSAGE_OCTETS }, // RFC 2918 3 has 23; which error 22 is depends on the subtype (RFC 7313 5). ORF entries may follow (RFC 5291)
];

/** The number of a message type on the wire. */
export function typeCode(type: MessageType): number {
  return TYPES.find((row) => row.type === type)?.code ?? 0;
}

/** Puts the header before a body. Throws RangeError if the message would be longer than 4096 octets. */
export function encodeMessage(type: MessageType, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const message = new Uint8Array(HEADER_OCTETS + body.length);
  message.set(body, HEADER_OCTETS);
  writeHeader(message, type);
  return message;
}

/** Fills in the header of a message whose body stands already behind it. Throws RangeError as encodeMessage. */
export function writeHeader(message: Uint8Array, type: MessageType): void {
  if (message.length > MAX_MESSAGE_OCTETS) throw new RangeError(`a BGP message of ${message.length} octets`);
  message.fill(0xff, 0, MARKER_OCTETS);
  message[16] = message.length >> 8;
  message[17] = message.length & 0xff;
  message[18] = typeCode(type);
}

/** Cuts a TCP stream into messages. Each octet of a header is judged as soon as it is there, without waiting for the rest. */
export class Framer {
  readonly #partial = new Uint8Array(MAX_MESSAGE_OCTETS);
  #have = 0;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** More of the stream; `next` must have returned undefined before. The chunk is kept until then. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** The next message; undefined when more octets are needed. Throws BgpError (code 1): the stream cannot be trusted any further. */
  next(): BgpMessage | undefined {
    return this.#have === 0 ? this.#whole() : this.#assembled();
  }

  /** A message that lies whole in the chunk; else begins to assemble one. */
  #whole(): BgpMessage | undefined {
    const left = this.#chunk.subarray(this.#at);
    const header = checkHeader(left);
    if (header !== undefined && left.length >= header.length) {
      this.#at += header.length;
      return { type: header.type, body: left.subarray(HEADER_OCTETS, header.length) };
    }
    return left.length === 0 ? undefined : this.#assembled();
  }

  #assembled(): BgpMessage | undefined {
    this.#fill(HEADER_OCTETS);
    const header = checkHeader(this.#partial.subarray(0, this.#have));
    if (header === undefined || !this.#fill(header.length)) return undefined;
    this.#have = 0;
    return { type: header.type, body: this.#partial.subarray(HEADER_OCTETS, header.length) };
  }

  /** Moves octets until `wanted` are assembled; false if there are not enough yet. */
  #fill(wanted: number): boolean {
    const moved = this.#chunk.subarray(this.#at, this.#at + Math.max(0, wanted - this.#have));
    this.#partial.set(moved, this.#have);
    this.#at += moved.length;
    this.#have += moved.length;
    return this.#have >= wanted;
  }
}

/** Judges what is there of a message, as far as its header goes; undefined if that is not whole yet and nothing is wrong so far. */
function checkHeader(octets: Uint8Array): { readonly type: MessageType; readonly length: number } | undefined {
  for (let i = 0; i < MARKER_OCTETS && i < octets.length; i++) {
    if (octets[i] !== 0xff) throw new BgpError(notification(MESSAGE_HEADER_ERROR, HEADER_SUBCODE.NOT_SYNCHRONIZED), "the marker is not all ones");
  }
  const high = octets[16];
  const low = octets[17];
  const code = octets[18];
  if (high === undefined || low === undefined) return undefined;
  const length = (high << 8) | low;
  if (length < HEADER_OCTETS || length > MAX_MESSAGE_OCTETS) throw badLength(length, "a message");
  if (code === undefined) return undefined;
  const row = TYPES.find((candidate) => candidate.code === code);
  if (row === undefined) {
    throw new BgpError(notification(MESSAGE_HEADER_ERROR, HEADER_SUBCODE.BAD_TYPE, Uint8Array.of(code)), `message type ${code} does not exist`);
  }
  if (length < row.least || length > row.most) throw badLength(length, row.type);
  return { type: row.type, length };
}

/** 1/2, whose data is the length of the whole message. */
export function badLength(length: number, what: string): BgpError {
  return new BgpError(notification(MESSAGE_HEADER_ERROR, HEADER_SUBCODE.BAD_LENGTH, u16s(length)), `${what} cannot be ${length} octets long`);
}
