/**
 * NOTIFICATION (RFC 4271 4.5): why a session is closed, and the words for it.
 *
 * Codes and subcodes: RFC 4271 4.5, 4486 (Cease), 5492 (2/7), 6608 (5/x), 7313 (7/1), 8538 (6/9), 9234 (2/11), 9384 (6/10), 9687 (8).
 * Shutdown Communication: RFC 9003. Pure.
 */
import { Reader, hex } from "./octets.ts";

//  0            1              2
//  | Error code | Error subcode | Data (variable) |

export type Notification = {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
};

export const MESSAGE_HEADER_ERROR = 1;
export const OPEN_ERROR = 2;
export const UPDATE_ERROR = 3;
export const HOLD_TIMER_EXPIRED = 4;
export const FSM_ERROR = 5;
export const CEASE = 6;
export const ROUTE_REFRESH_ERROR = 7;
export const SEND_HOLD_TIMER_EXPIRED = 8;

export const HEADER_SUBCODE = { NOT_SYNCHRONIZED: 1, BAD_LENGTH: 2, BAD_TYPE: 3 } as const;

export const OPEN_SUBCODE = {
  UNSPECIFIC: 0,
  UNSUPPORTED_VERSION: 1,
  BAD_PEER_AS: 2,
  BAD_IDENTIFIER: 3,
  UNSUPPORTED_PARAMETER: 4,
  UNACCEPTABLE_HOLD_TIME: 6,
  UNSUPPORTED_CAPABILITY: 7,
  ROLE_MISMATCH: 11,
} as const;

export const UPDATE_SUBCODE = {
  MALFORMED_ATTRIBUTE_LIST: 1,
  UNRECOGNIZED_WELL_KNOWN: 2,
  MISSING_WELL_KNOWN: 3,
  ATTRIBUTE_FLAGS: 4,
  ATTRIBUTE_LENGTH: 5,
  INVALID_ORIGIN: 6,
  INVALID_NEXT_HOP: 8,
  OPTIONAL_ATTRIBUTE: 9,
  INVALID_NETWORK: 10,
  MALFORMED_AS_PATH: 11,
} as const;

export const CEASE_SUBCODE = {
  MAXIMUM_PREFIXES: 1,
  ADMINISTRATIVE_SHUTDOWN: 2,
  PEER_DECONFIGURED: 3,
  ADMINISTRATIVE_RESET: 4,
  CONNECTION_REJECTED: 5,
  OTHER_CONFIGURATION_CHANGE: 6,
  COLLISION: 7,
  OUT_OF_RESOURCES: 8,
  HARD_RESET: 9,
  BFD_DOWN: 10,
} as const;

const NAMES: Readonly<Record<number, { readonly name: string; readonly subcodes: Readonly<Record<number, string>> }>> = {
  1: { name: "message header error", subcodes: { 1: "connection not synchronized", 2: "bad message length", 3: "bad message type" } },
  2: {
    name: "OPEN error",
    subcodes: {
      1: "unsupported version number",
      2: "bad peer AS",
      3: "bad BGP identifier",
      4: "unsupported optional parameter",
      5: "authentication failure",
      6: "unacceptable hold time",
      7: "unsupported capability",
      11: "role mismatch",
    },
  },
  3: {
    name: "UPDATE error",
    subcodes: {
      1: "malformed attribute list",
      2: "unrecognized well-known attribute",
      3: "missing well-known attribute",
      4: "attribute flags error",
      5: "attribute length error",
      6: "invalid ORIGIN attribute",
      7: "AS routing loop",
      8: "invalid NEXT_HOP attribute",
      9: "optional attribute error",
      10: "invalid network field",
      11: "malformed AS_PATH",
    },
  },
  4: { name: "hold timer expired", subcodes: {} },
  5: {
    name: "finite state machine error",
    subcodes: {
      1: "unexpected message in OpenSent state",
      2: "unexpected message in OpenConfirm state",
      3: "unexpected message in Established state",
    },
  },
  6: {
    name: "cease",
    subcodes: {
      1: "maximum number of prefixes reached",
      2: "administrative shutdown",
      3: "peer de-configured",
      4: "administrative reset",
      5: "connection rejected",
      6: "other configuration change",
      7: "connection collision resolution",
      8: "out of resources",
      9: "hard reset",
      10: "BFD down",
    },
  },
  7: { name: "ROUTE-REFRESH error", subcodes: { 1: "invalid message length" } },
  8: { name: "send hold timer expired", subcodes: {} },
};

/** A NOTIFICATION; `data` is empty unless the error has some (RFC 4271 6). */
export function notification(code: number, subcode: number, data: Uint8Array = new Uint8Array(0)): Notification {
  return { code, subcode, data };
}

/** A Cease with a subcode of RFC 4486 and, where RFC 9003 2 allows one, a Shutdown Communication. */
export function cease(subcode: number, communication = ""): Notification {
  return notification(CEASE, subcode, carriesCommunication(subcode) ? encodeCommunication(communication) : undefined);
}

/**
 * Those that RFC 8538 5.1 would have as a Hard Reset: the session is not meant to come back soon. And BFD Down (RFC 9384), after which
 * routes would lead over a path that is known to be down.
 */
const FINAL: readonly number[] = [CEASE_SUBCODE.MAXIMUM_PREFIXES, CEASE_SUBCODE.ADMINISTRATIVE_SHUTDOWN, CEASE_SUBCODE.PEER_DECONFIGURED, CEASE_SUBCODE.BFD_DOWN];

/**
 * The same to a peer with which the N bit was exchanged (RFC 8538 3.1): a Cease that is final goes inside a Hard Reset, because the
 * peer would keep our routes after any other.
 */
export function asHardReset(farewell: Notification): Notification {
  if (farewell.code !== CEASE || !FINAL.includes(farewell.subcode)) return farewell;
  return notification(CEASE, CEASE_SUBCODE.HARD_RESET, encodeNotification(farewell));
}

/** What a Hard Reset wraps; anything else is itself. */
export function insideHardReset(received: Notification): Notification {
  return wraps(received) ? decodeNotification(received.data) : received;
}

function wraps({ code, subcode, data }: Notification): boolean {
  return code === CEASE && subcode === CEASE_SUBCODE.HARD_RESET && data.length >= 2;
}

const MOST_DATA = 4096 - 19 - 2; // octets that a message holds beside its header, code and subcode (RFC 4271 4.1, 4.5)

/** The body of the message. Never fails; data that no message can hold, as a whole message of the peer's, is cut. */
export function encodeNotification({ code, subcode, data }: Notification): Uint8Array {
  return Uint8Array.of(code, subcode, ...data.subarray(0, MOST_DATA));
}

/**
 * Decodes the body of a NOTIFICATION, which the header check has made at least two octets long. Any code and subcode is one: an error
 * in it cannot be reported back (RFC 4271 6.4).
 */
export function decodeNotification(body: Uint8Array): Notification {
  const reader = new Reader(body);
  return { code: reader.u8(), subcode: reader.u8(), data: reader.rest().slice() };
}

/** "OPEN error, bad peer AS"; numbers where there is no name; what a Hard Reset wraps (RFC 8538 3) in brackets. */
export function describeNotification(received: Notification): string {
  // A Hard Reset inside a Hard Reset says nothing more, and two thousand of them fit a message.
  return wraps(received) ? `${inWords(received)} (${inWords(insideHardReset(received))})` : inWords(received);
}

function inWords(received: Notification): string {
  const { code, subcode } = received;
  const named = NAMES[code];
  if (named === undefined) return `error code ${code}, subcode ${subcode}`;
  const words = subcode === 0 ? named.name : `${named.name}, ${named.subcodes[subcode] ?? `subcode ${subcode}`}`;
  const text = communicationOf(received);
  return text === "" ? words : `${words}: "${text}"`;
}

/** The Shutdown Communication of a Cease (RFC 9003), "" if there is none; octets that are not UTF-8 as hexadecimal. */
export function communicationOf({ code, subcode, data }: Notification): string {
  if (code !== CEASE || !carriesCommunication(subcode) || data.length === 0) return "";
  const length = data[0] ?? 0;
  const text = data.subarray(1, 1 + length);
  if (text.length < length) return "";
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
  } catch {
    return `0x${hex(text)}`;
  }
}

const LONGEST_COMMUNICATION = 128; // octets that every receiver accepts (RFC 9003 3)

function encodeCommunication(text: string): Uint8Array {
  const into = new Uint8Array(1 + LONGEST_COMMUNICATION);
  const { written } = new TextEncoder().encodeInto(text, into.subarray(1)); // stops before a character that does not fit
  into[0] = written;
  return written === 0 ? new Uint8Array(0) : into.slice(0, 1 + written);
}

function carriesCommunication(subcode: number): boolean {
  return subcode === CEASE_SUBCODE.ADMINISTRATIVE_SHUTDOWN || subcode === CEASE_SUBCODE.ADMINISTRATIVE_RESET;
}
