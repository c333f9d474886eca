/**
 * Reads an UPDATE as strictly as the RFCs allow (4271 4.3 and 5, 4760, 2545, 6793, 7606 5.1, 1997, 4360, 8092, 8950, 9234).
 *
 * Deliberately apart from src/wire, so that a mistake there cannot hide itself. Pure.
 */
import type { Complain } from "./messages.ts";

/** What the OPENs of a connection agreed. */
export type Agreed = {
  readonly ourAs: number;
  readonly internal: boolean;
  readonly fourOctetAs: boolean;
  /** "1/1", "2/1": both sides listed them. */
  readonly families: readonly string[];
  /** IPv4 with an IPv6 next hop (RFC 8950). */
  readonly extendedNextHop: boolean;
  /** RFC 9234. */
  readonly roles: boolean;
};

export type Update =
  | { readonly kind: "announce" | "withdraw"; readonly family: string; readonly prefixes: readonly string[] }
  | { readonly kind: "end-of-rib"; readonly family: string };

type Attribute = { readonly code: number; readonly flags: number; readonly value: Buffer };

const OPTIONAL = 0x80;
const TRANSITIVE = 0x40;
const EXTENDED = 0x10;

const ORIGIN = 1;
const AS_PATH = 2;
const NEXT_HOP = 3;
const LOCAL_PREF = 5;
const MP_REACH = 14;
const MP_UNREACH = 15;
const AS4_PATH = 17;
const ONLY_TO_CUSTOMER = 35;

/** Everything that a speaker that only announces may send; whatever else is a complaint. */
const ATTRIBUTES: Readonly<Record<number, { readonly flags: number; readonly length: (octets: number) => boolean }>> = {
  [ORIGIN]: { flags: TRANSITIVE, length: (octets) => octets === 1 },
  [AS_PATH]: { flags: TRANSITIVE, length: () => true },
  [NEXT_HOP]: { flags: TRANSITIVE, length: (octets) => octets === 4 },
  4: { flags: OPTIONAL, length: (octets) => octets === 4 }, // MULTI_EXIT_DISC
  [LOCAL_PREF]: { flags: TRANSITIVE, length: (octets) => octets === 4 },
  8: { flags: OPTIONAL | TRANSITIVE, length: (octets) => octets > 0 && octets % 4 === 0 }, // COMMUNITIES
  [MP_REACH]: { flags: OPTIONAL, length: (octets) => octets >= 5 },
  [MP_UNREACH]: { flags: OPTIONAL, length: (octets) => octets >= 3 },
  16: { flags: OPTIONAL | TRANSITIVE, length: (octets) => octets > 0 && octets % 8 === 0 }, // EXTENDED COMMUNITIES
  [AS4_PATH]: { flags: OPTIONAL | TRANSITIVE, length: (octets) => octets >= 6 },
  32: { flags: OPTIONAL | TRANSITIVE, length: (octets) => octets > 0 && octets % 12 === 0 }, // LARGE_COMMUNITY
  [ONLY_TO_CUSTOMER]: { flags: OPTIONAL | TRANSITIVE, length: (octets) => octets === 4 },
};
const COMMUNITY_OCTETS: Readonly<Record<number, number>> = { 8: 4, 16: 8, 32: 12 };

/** Undefined if it cannot be read at all. */
export function readUpdate(body: Buffer, agreed: Agreed, complain: Complain): Update | undefined {
  const withdrawnOctets = body.readUInt16BE(0);
  const attributesAt = 2 + withdrawnOctets + 2;
  if (attributesAt > body.length) {
    complain("the withdrawn routes are longer than the message");
    return undefined;
  }
  const attributeOctets = body.readUInt16BE(attributesAt - 2);
  if (attributesAt + attributeOctets > body.length) {
    complain("the attributes are longer than the message");
    return undefined;
  }
  const withdrawn = body.subarray(2, 2 + withdrawnOctets);
  const attributes = readAttributes(body.subarray(attributesAt, attributesAt + attributeOctets), complain);
  const nlri = body.subarray(attributesAt + attributeOctets);
  const valueOf = (code: number): Buffer | undefined => attributes.find((attribute) => attribute.code === code)?.value;
  const [reach, unreach] = [valueOf(MP_REACH), valueOf(MP_UNREACH)];

  const kinds = [withdrawn.length > 0, nlri.length > 0, reach !== undefined, unreach !== undefined].filter(Boolean).length;
  if (kinds > 1) complain("more than one kind of route in a message (RFC 7606 5.1)");
  checkAttributes(attributes, agreed, complain);
  if (nlri.length > 0 || reach !== undefined) checkRouteAttributes(attributes, nlri.length > 0, agreed, complain);
  else if (attributes.some(({ code }) => code !== MP_UNREACH)) complain("attributes beside routes that are withdrawn");

  if (reach !== undefined) return announced(reach, agreed, complain);
  if (unreach !== undefined) {
    const family = familyOf(unreach, agreed, complain);
    const prefixes = readPrefixes(unreach.subarray(3), family, complain);
    return prefixes.length === 0 ? { kind: "end-of-rib", family } : { kind: "withdraw", family, prefixes };
  }
  if (!agreed.families.includes("1/1")) complain("IPv4 routes, which were not agreed on");
  if (nlri.length > 0) return { kind: "announce", family: "1/1", prefixes: readPrefixes(nlri, "1/1", complain) };
  if (withdrawn.length > 0) return { kind: "withdraw", family: "1/1", prefixes: readPrefixes(withdrawn, "1/1", complain) };
  return { kind: "end-of-rib", family: "1/1" };
}

function readAttributes(octets: Buffer, complain: Complain): Attribute[] {
  const attributes: Attribute[] = [];
  for (let at = 0; at < octets.length; ) {
    const [flags, code] = [octets.readUInt8(at), octets[at + 1] ?? 0];
    const head = (flags & EXTENDED) === 0 ? 3 : 4;
    if (at + head > octets.length) {
      complain("an attribute is cut off");
      return attributes;
    }
    const length = head === 3 ? octets.readUInt8(at + 2) : octets.readUInt16BE(at + 2);
    if (head === 4 && length <= 255) complain(`attribute ${code} has an extended length for ${length} octets`);
    if (at + head + length > octets.length) {
      complain(`attribute ${code} is longer than the list`);
      return attributes;
    }
    attributes.push({ code, flags: flags & ~EXTENDED, value: octets.subarray(at + head, at + head + length) });
    at += head + length;
  }
  return attributes;
}

function checkAttributes(attributes: readonly Attribute[], agreed: Agreed, complain: Complain): void {
  const codes = attributes.map(({ code }) => code);
  const rank = (code: number): number => (code === MP_REACH || code === MP_UNREACH ? 0 : code);
  if (codes.some((code, index) => index > 0 && rank(code) <= rank(codes[index - 1] ?? 0))) complain(`attributes in the order ${codes.join(", ")}`);
  for (const { code, flags, value } of attributes) {
    const row = ATTRIBUTES[code];
    if (row === undefined) {
      complain(`attribute ${code}, which is not ours to send`);
      continue;
    }
    if (flags !== row.flags) complain(`attribute ${code} has flags 0x${flags.toString(16)}, not 0x${row.flags.toString(16)}`);
    if (!row.length(value.length)) complain(`attribute ${code} of ${value.length} octets`);
    const unit = COMMUNITY_OCTETS[code];
    if (unit !== undefined) checkOrder(code, value, unit, complain);
    if (code === ONLY_TO_CUSTOMER && (!agreed.roles || agreed.internal)) complain("ONLY_TO_CUSTOMER without roles");
  }
}

function checkOrder(code: number, value: Buffer, unit: number, complain: Complain): void {
  for (let at = unit; at + unit <= value.length; at += unit) {
    const order = Buffer.compare(value.subarray(at - unit, at), value.subarray(at, at + unit));
    if (order >= 0) complain(`communities of attribute ${code} are not ${order === 0 ? "distinct" : "sorted"}`);
  }
}

/** What a route must have, and must not have. */
function checkRouteAttributes(attributes: readonly Attribute[], classic: boolean, agreed: Agreed, complain: Complain): void {
  const valueOf = (code: number): Buffer | undefined => attributes.find((attribute) => attribute.code === code)?.value;
  const origin = valueOf(ORIGIN);
  if (origin === undefined || (origin[0] ?? 3) > 2) complain("no ORIGIN, or one that does not exist");
  const nextHop = valueOf(NEXT_HOP);
  if ((nextHop !== undefined) !== classic) complain(classic ? "IPv4 routes without NEXT_HOP" : "NEXT_HOP beside MP_REACH_NLRI");
  const first = nextHop?.[0];
  if (first !== undefined && (first === 0 || first === 127 || first >= 224)) complain(`next hop ${[...(nextHop ?? [])].join(".")}`);
  if ((valueOf(LOCAL_PREF) !== undefined) !== agreed.internal) complain(agreed.internal ? "no LOCAL_PREF inside our AS" : "LOCAL_PREF to an external peer");
  checkPath(valueOf(AS_PATH), valueOf(AS4_PATH), agreed, complain);
}

function checkPath(path: Buffer | undefined, as4Path: Buffer | undefined, { ourAs, internal, fourOctetAs }: Agreed, complain: Complain): void {
  if (path === undefined) {
    complain("no AS_PATH");
    return;
  }
  if (internal) {
    if (path.length > 0 || as4Path !== undefined) complain("a path inside our AS");
    return;
  }
  const hops = onlySequence(path, fourOctetAs ? 4 : 2, complain);
  const shown = fourOctetAs || ourAs <= 0xffff ? ourAs : 23456;
  if (hops.length === 0 || hops.some((asn) => asn !== shown)) complain(`AS_PATH ${hops.join(" ")}, not of AS ${shown} alone`);
  const needed = !fourOctetAs && ourAs > 0xffff;
  if ((as4Path !== undefined) !== needed) complain(needed ? "no AS4_PATH, though AS_TRANS is in AS_PATH" : "AS4_PATH where nobody needs it");
  const real = as4Path === undefined ? undefined : onlySequence(as4Path, 4, complain);
  if (real !== undefined && (real.length !== hops.length || real.some((asn) => asn !== ourAs))) complain(`AS4_PATH ${real.join(" ")} beside AS_PATH ${hops.join(" ")}`);
}

/** The AS numbers of a path that is one AS_SEQUENCE. */
function onlySequence(path: Buffer, width: 2 | 4, complain: Complain): number[] {
  const count = path[1] ?? 0;
  if (path[0] !== 2 || path.length !== 2 + count * width) {
    complain(`a path that is not one AS_SEQUENCE of AS numbers of ${width} octets: ${path.toString("hex")}`);
    return [];
  }
  return Array.from({ length: count }, (_, index) => path.readUIntBE(2 + index * width, width));
}

function announced(value: Buffer, agreed: Agreed, complain: Complain): Update | undefined {
  const family = familyOf(value, agreed, complain);
  const nextHopOctets = value.readUInt8(3);
  const nextHop = value.subarray(4, 4 + nextHopOctets);
  if (value.length < 5 + nextHopOctets) {
    complain("MP_REACH_NLRI ends within its next hop");
    return undefined;
  }
  if (family === "1/1" && !agreed.extendedNextHop) complain("IPv4 routes in MP_REACH_NLRI without RFC 8950");
  if (nextHopOctets !== 16 && nextHopOctets !== 32) complain(`a next hop of ${nextHopOctets} octets`);
  const isLinkLocal = (at: number): boolean => nextHop[at] === 0xfe && ((nextHop[at + 1] ?? 0) & 0xc0) === 0x80;
  if (nextHopOctets === 32 && !isLinkLocal(16)) complain("the second next hop is not link-local (RFC 2545 3)");
  if (nextHopOctets === 16 && isLinkLocal(0)) complain("a link-local next hop alone (RFC 2545 3)");
  if (nextHop.subarray(0, 16).every((octet) => octet === 0) || nextHop[0] === 0xff) complain(`next hop ${nextHop.toString("hex")}`);
  if (value[4 + nextHopOctets] !== 0) complain("the reserved octet of MP_REACH_NLRI is not 0");
  const prefixes = readPrefixes(value.subarray(5 + nextHopOctets), family, complain);
  if (prefixes.length === 0) complain("MP_REACH_NLRI without a prefix");
  return { kind: "announce", family, prefixes };
}

function familyOf(value: Buffer, agreed: Agreed, complain: Complain): string {
  const family = `${value.readUInt16BE(0)}/${value.readUInt8(2)}`;
  if (!agreed.families.includes(family)) complain(`routes of family ${family}, which was not agreed on`);
  return family;
}

/** "20 0a090909": length in bits and the octets. */
function readPrefixes(octets: Buffer, family: string, complain: Complain): string[] {
  const prefixes: string[] = [];
  for (let at = 0; at < octets.length; ) {
    const bits = octets.readUInt8(at);
    const size = Math.ceil(bits / 8);
    const prefix = octets.subarray(at + 1, at + 1 + size);
    if (bits > (family === "1/1" ? 32 : 128)) complain(`a prefix of ${bits} bits`);
    if (prefix.length < size) complain("a prefix is cut off");
    if (bits % 8 !== 0 && ((prefix.at(-1) ?? 0) & (0xff >> bits % 8)) !== 0) complain(`bits beyond the length of ${bits} ${prefix.toString("hex")}`);
    prefixes.push(`${bits} ${prefix.toString("hex")}`);
    at += 1 + size;
  }
  if (new Set(prefixes).size < prefixes.length) complain("a prefix twice in one message");
  return prefixes;
}
