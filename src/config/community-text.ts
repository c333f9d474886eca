/**
 * BGP communities as an operator writes them: `64500:100` (RFC 1997), `large:64500:1:2` (RFC 8092), `rt:64500:1` (RFC 4360),
 * the well-known names, and the operator's own names for any of these. Pure. Never throws.
 */
import type { Community } from "./config.ts";
import { nearestOf, didYouMean, type Nearest } from "./nearest.ts";
import { quote } from "./problem.ts";
import type { Parsed } from "./value.ts";

/** Names for a standard community. */
const WELL_KNOWN_COMMUNITIES: Readonly<Record<string, number>> = {
  "no-export": 0xffffff01, // RFC 1997
  "no-advertise": 0xffffff02,
  "no-export-subconfed": 0xffffff03,
  "no-peer": 0xffffff04, // RFC 3765
  "graceful-shutdown": 0xffff0000, // RFC 8326
  blackhole: 0xffff029a, // RFC 7999
  "no-llgr": 0xffff0007, // RFC 9494
};

const MOST_32 = 0xffffffff;
const SYNTAX = '"64500:100", "large:64500:1:2", "rt:64500:1"';
const NAMES = Object.keys(WELL_KNOWN_COMMUNITIES);

/** What a name of [bgp.communities] may stand for: a literal or a well-known name. */
function parseCommunityLiteral(text: string): Parsed<Community> {
  const wellKnown = Object.hasOwn(WELL_KNOWN_COMMUNITIES, text) ? WELL_KNOWN_COMMUNITIES[text] : undefined;
  if (wellKnown !== undefined) return { value: { type: "standard", value: wellKnown } };
  const parts = text.split(":");
  const numbers = parts.filter((part) => /^[0-9]{1,10}$/.test(part)).map(Number);
  if (parts[0] === "large" && numbers.length === 3 && parts.length === 4) return large(numbers);
  if (parts[0] === "rt" && numbers.length === 2 && parts.length === 3) return routeTarget(numbers);
  if (numbers.length === 2 && parts.length === 2) return standard(numbers);
  return { error: `is no community: use ${SYNTAX} or one of ${NAMES.join(", ")}` };
}

/** As `parseCommunityLiteral`, or one of the operator's own names. */
export function parseCommunity(text: string, own: ReadonlyMap<string, Community>, nearest: Nearest): Parsed<Community> {
  const named = own.get(text);
  if (named !== undefined) return { value: named };
  const literal = parseCommunityLiteral(text);
  if ("value" in literal || /^[0-9:]|^(large|rt):/.test(text)) return literal;
  return { error: `is neither a community (${SYNTAX}), nor a well-known one (${NAMES.join(", ")}), nor a name in [bgp.communities]${didYouMean(nearest(text))}` };
}

/** One entry of [bgp.communities]; the error is a sentence of its own. */
export function parseCommunityAlias(name: string, text: string): Parsed<Community> {
  if (Object.hasOwn(WELL_KNOWN_COMMUNITIES, name.toLowerCase())) return { error: "is a well-known community and cannot be given another meaning; choose another name" };
  const parsed = parseCommunityLiteral(text);
  return "value" in parsed ? parsed : { error: `${quote(text)} ${parsed.error}; a name cannot stand for another name` };
}

/** Suggests among the operator's names and the well-known ones. */
export function nearestCommunity(own: Iterable<string>): Nearest {
  return nearestOf([...own, ...NAMES]);
}

/** The same text for the same community. */
export function communityKey(community: Community): string {
  switch (community.type) {
    case "standard":
      return `${community.value >>> 16}:${community.value & 0xffff}`;
    case "large":
      return `large:${community.global}:${community.local1}:${community.local2}`;
    case "route-target":
      return `rt:${community.asn}:${community.value}`;
  }
}

function standard(numbers: readonly number[]): Parsed<Community> {
  const [high = 0, low = 0] = numbers;
  if (high > 0xffff || low > 0xffff) return { error: "has a number above 65535; use large:A:B:C for larger numbers" };
  return { value: { type: "standard", value: high * 0x10000 + low } };
}

function large(numbers: readonly number[]): Parsed<Community> {
  const [global = 0, local1 = 0, local2 = 0] = numbers;
  if (Math.max(global, local1, local2) > MOST_32) return { error: `has a number above ${MOST_32}` };
  return { value: { type: "large", global, local1, local2 } };
}

/** Type 0x00 has two octets of AS and four of value, type 0x02 the other way round (RFC 4360 3.1, RFC 5668 2). */
function routeTarget(numbers: readonly number[]): Parsed<Community> {
  const [asn = 0, value = 0] = numbers;
  if (asn > MOST_32 || value > MOST_32) return { error: `has a number above ${MOST_32}` };
  if (asn > 0xffff && value > 0xffff) return { error: "has an AS above 65535, so that its value can be at most 65535" };
  return { value: { type: "route-target", asn, value } };
}
