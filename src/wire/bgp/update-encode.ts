/**
 * Writing UPDATE messages (RFC 4271 4.3). Pure.
 *
 * One kind of route per message and MP_REACH_NLRI or MP_UNREACH_NLRI first (RFC 7606 5.1); as many prefixes as fit; IPv4 in
 * the fields of RFC 4271, and in MP_REACH_NLRI only where its next hop is IPv6, which the caller has agreed on (RFC 8950 4).
 * Routers reset sessions for less, and every VIP of the host goes with one.
 */
import type { Family, Ipv4, Prefix } from "../../net/index.ts";
import { encodeAttributes } from "./attribute-encode.ts";
import { OPTIONAL, attributeHeader } from "./attribute-header.ts";
import type { AttributeContext, PathAttributes } from "./attribute.ts";
import { HEADER_OCTETS, MAX_MESSAGE_OCTETS, writeHeader } from "./message.ts";
import { type Ipv6NextHop, MP_REACH_NLRI, MP_UNREACH_NLRI, encodeMpReachHead, encodeMpUnreachHead } from "./multiprotocol.ts";
import { octetsOfPrefix, writePrefix } from "./nlri.ts";
import { concat, u16s } from "./octets.ts";

/** Where routes point; its family may differ from theirs (RFC 8950). */
export type NextHop = ({ readonly family: "ipv4" } & { readonly address: Ipv4 }) | ({ readonly family: "ipv6" } & Ipv6NextHop);

/** Attributes and next hop, encoded once for all prefixes that share them; what MP_REACH_NLRI begins with, if the routes are to be in it. */
export type Announcement = { readonly attributes: Uint8Array; readonly mpReach: Uint8Array | undefined };

const MOST_OCTETS_OF_ATTRIBUTES = 2048; // half a message; the rest is for prefixes

/**
 * For routes of that family. Undefined if the attributes are so long that hardly a prefix would fit beside them: more than 2048
 * octets. Throws RangeError for IPv6 routes with an IPv4 next hop, which do not exist.
 */
export function announcement(family: Family, attributes: Omit<PathAttributes, "nextHop">, nextHop: NextHop, context: AttributeContext): Announcement | undefined {
  if (family === "ipv6" && nextHop.family === "ipv4") throw new RangeError(`IPv6 routes with next hop ${nextHop.address}`);
  const all = nextHop.family === "ipv4" ? { ...attributes, nextHop: nextHop.address } : attributes;
  const encoded = encodeAttributes(all, context);
  if (encoded.length > MOST_OCTETS_OF_ATTRIBUTES) return undefined;
  return { attributes: encoded, mpReach: nextHop.family === "ipv4" ? undefined : encodeMpReachHead(family, nextHop) };
}

/** The messages that announce these prefixes, in the order given. */
export function encodeAnnouncement({ attributes, mpReach }: Announcement, prefixes: readonly Prefix[]): Uint8Array[] {
  return mpReach === undefined
    ? pack(prefixes, (octets) => ({ before: concat(u16s(0, attributes.length), attributes), octets, after: NOTHING }), FIELDS + attributes.length)
    : pack(prefixes, (octets) => multiprotocol(MP_REACH_NLRI, mpReach, octets, attributes), FIELDS + LONGEST_HEAD + mpReach.length + attributes.length);
}

/** The messages that withdraw these prefixes, in the order given. */
export function encodeWithdrawal(family: Family, prefixes: readonly Prefix[]): Uint8Array[] {
  if (family === "ipv4") return pack(prefixes, (octets) => ({ before: u16s(octets), octets, after: u16s(0) }), FIELDS);
  const head = encodeMpUnreachHead(family);
  return pack(prefixes, (octets) => multiprotocol(MP_UNREACH_NLRI, head, octets, NOTHING), FIELDS + LONGEST_HEAD + head.length);
}

/** The End-of-RIB marker (RFC 4724 2): the initial table of the family is complete. */
export function encodeEndOfRib(family: Family): Uint8Array {
  if (family === "ipv4") return message({ before: u16s(0), octets: 0, after: u16s(0) }, []);
  return message(multiprotocol(MP_UNREACH_NLRI, encodeMpUnreachHead(family), 0, NOTHING), []);
}

const NOTHING = new Uint8Array(0);
const FIELDS = 4; // the two length fields of an UPDATE
const LONGEST_HEAD = 4; // of an attribute: flags, type, extended length

/** A message around `octets` octets of prefixes. */
type Frame = { readonly before: Uint8Array; readonly octets: number; readonly after: Uint8Array };

function multiprotocol(code: number, head: Uint8Array, octets: number, attributes: Uint8Array): Frame {
  const attribute = attributeHeader(OPTIONAL, code, head.length + octets);
  const total = attribute.length + head.length + octets + attributes.length;
  return { before: concat(u16s(0, total), attribute, head), octets, after: attributes };
}

/** Fills one message after the other; `overhead` is the most that a body needs beside the prefixes. */
function pack(prefixes: readonly Prefix[], frame: (octets: number) => Frame, overhead: number): Uint8Array[] {
  const room = MAX_MESSAGE_OCTETS - HEADER_OCTETS - overhead;
  const messages: Uint8Array[] = [];
  for (let from = 0; from < prefixes.length; ) {
    let octets = 0;
    let to = from;
    for (let next = prefixes[to]; next !== undefined && octets + octetsOfPrefix(next) <= room; next = prefixes[++to]) octets += octetsOfPrefix(next);
    messages.push(message(frame(octets), prefixes.slice(from, to)));
    from = to;
  }
  return messages;
}

function message({ before, octets, after }: Frame, prefixes: readonly Prefix[]): Uint8Array {
  const whole = new Uint8Array(HEADER_OCTETS + before.length + octets + after.length);
  whole.set(before, HEADER_OCTETS);
  let at = HEADER_OCTETS + before.length;
  for (const prefix of prefixes) at = writePrefix(prefix, whole, at);
  whole.set(after, at);
  writeHeader(whole, "UPDATE");
  return whole;
}
