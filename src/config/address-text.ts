/**
 * Addresses as an operator writes them: pool entries, peers, host:port, and what to say of those that are wrong. Pure. Never throws.
 */
import {
  type Address,
  type AddressRange,
  type Family,
  type Ipv4,
  type Prefix,
  addressToBigInt,
  bitsOf,
  familyOf,
  formatPrefix,
  isIpv4,
  parseAddress,
  parseIpv4,
  parsePrefix,
  prefixOf,
  rangeOfPrefix,
} from "../net/index.ts";
import { isInterfaceName } from "./names.ts";
import { quote } from "./problem.ts";
import type { Parsed } from "./value.ts";

/** One entry of a pool. */
export type PoolEntry = {
  readonly range: AddressRange;
  /** The shortest prefix within it: no aggregate may be wider. */
  readonly coarsest: number;
};

type Special = { readonly prefix: Prefix; readonly span: Span; readonly what: string };

/** A range as numbers: comparing texts would parse them again each time. */
type Span = { readonly family: Family; readonly first: bigint; readonly last: bigint };

/** No Service can have these. */
const NEVER_A_VIP: readonly Special[] = [
  special("0.0.0.0/8", "this network"), // RFC 1122 3.2.1.3
  special("127.0.0.0/8", "loopback"),
  special("169.254.0.0/16", "link-local"), // RFC 3927
  special("224.0.0.0/4", "multicast"),
  special("240.0.0.0/4", "class E and broadcast"),
  special("::/128", "the unspecified address"),
  special("::1/128", "loopback"),
  special("::ffff:0:0/96", "IPv4-mapped; write the IPv4 address itself"),
  special("fe80::/10", "link-local"),
  special("ff00::/8", "multicast"),
];

/** No router has these. */
const NEVER_A_PEER = NEVER_A_VIP.filter(({ what }) => !["loopback", "link-local"].includes(what));

const NEVER_LISTENING = NEVER_A_VIP.filter(({ what }) => what.startsWith("multicast") || what.startsWith("class E") || what.startsWith("IPv4-mapped"));

const LINK_LOCAL_V6 = special("fe80::/10", "link-local");

/** "192.0.2.0/24", "192.0.2.10-192.0.2.20" or "192.0.2.7", and the same in IPv6. */
export function parsePoolEntry(text: string): Parsed<PoolEntry> {
  if (text === "") return { error: "" };
  const parsed = text.includes("/") ? parseSpan(text) : text.includes("-") ? parseRange(text) : parseSingle(text);
  if ("error" in parsed) return parsed;
  const span = spanOf(parsed.value.range);
  const first = NEVER_A_VIP.find((special) => special.span.family === span.family && special.span.first <= span.last && span.first <= special.span.last);
  if (first === undefined) return parsed;
  if (first.span.first <= span.first && span.last <= first.span.last) return { error: `cannot be given to a Service: ${first.what} (${formatPrefix(first.prefix)})` };
  if (parsed.value.coarsest === 0) return { error: "is every address there is; write the prefix that is yours" };
  return { error: `contains ${formatPrefix(first.prefix)}, which cannot be given to Services: ${first.what}` };
}

function parseSpan(text: string): Parsed<PoolEntry> {
  const parsed = parseNetwork(text);
  return "error" in parsed ? parsed : { value: { range: rangeOfPrefix(parsed.value), coarsest: parsed.value.length } };
}

/** A prefix without host bits. */
export function parseNetwork(text: string): Parsed<Prefix> {
  const prefix = parsePrefix(text);
  if (prefix !== undefined) return { value: prefix };
  const [before = "", after = "", ...more] = text.split("/");
  if (more.length > 0) return { error: "has more than one /" };
  const address = parseAddress(before);
  if (address === undefined) return { error: `is no prefix: ${quote(before)} ${whyNoAddress(before)}` };
  const bits = bitsOf(familyOf(address));
  if (!/^[0-9]{1,3}$/.test(after) || Number(after) > bits) return { error: `is no prefix: the length after / must be a number from 0 to ${bits}, not ${quote(after)}` };
  const network = prefixOf(address, Number(after));
  if (network.address === address) return { value: network }; // not the canonical spelling of IPv6
  return { error: `has host bits set; write ${quote(formatPrefix(network))} for the whole network or ${quote(`${address}/${bits}`)} for the one address` };
}

function parseSingle(text: string): Parsed<PoolEntry> {
  const address = parseAddress(text);
  if (address === undefined) return { error: whyNoAddress(text) };
  return { value: { range: { first: address, last: address }, coarsest: bitsOf(familyOf(address)) } };
}

function parseRange(text: string): Parsed<PoolEntry> {
  const ends = text.split("-").map((end) => end.trim());
  const [before = "", after = ""] = ends;
  if (ends.length !== 2 || before === "" || after === "") return { error: 'is no range; write the first and the last address with one dash: "192.0.2.10-192.0.2.20"' };
  const first = parseAddress(before);
  if (first === undefined) return { error: `is no range: ${quote(before)} ${whyNoAddress(before)}` };
  const last = parseAddress(after);
  if (last === undefined) {
    const short = isIpv4(first) && /^[0-9]{1,3}$/.test(after) ? parseIpv4(first.replace(/[0-9]+$/, after)) : undefined;
    if (short !== undefined) return { error: `is no range; write the last address in full: ${quote(`${first}-${short}`)}` };
    return { error: `is no range: ${quote(after)} ${whyNoAddress(after)}` };
  }
  if (familyOf(first) !== familyOf(last)) return { error: "mixes IPv4 and IPv6; both ends of a range must be of one family" };
  if (addressToBigInt(first) > addressToBigInt(last)) return { error: "ends before it begins; write the lower address first" };
  return { value: { range: { first, last }, coarsest: coarsestWithin({ first, last }) } };
}

/** Length of the largest aligned block that the range contains. */
function coarsestWithin(range: AddressRange): number {
  const bits = bitsOf(familyOf(range.first));
  const { first, last } = spanOf(range);
  for (let hostBits = (last - first).toString(2).length; hostBits > 0; hostBits--) {
    const size = 1n << BigInt(hostBits);
    const start = ((first + size - 1n) / size) * size;
    if (start + size - 1n <= last) return bits - hostBits;
  }
  return bits;
}

export type PeerAddress = { readonly address: Address; readonly zone: string | undefined };

/** "192.0.2.254", "2001:db8::1" or "fe80::1%eth1". */
export function parsePeerAddress(text: string): Parsed<PeerAddress> {
  if (text === "") return { error: "" };
  const percent = text.indexOf("%");
  const zone = percent === -1 ? undefined : text.slice(percent + 1);
  const parsed = parseUsable(percent === -1 ? text : text.slice(0, percent), NEVER_A_PEER);
  if ("error" in parsed) return parsed;
  const address = parsed.value;
  const linkLocal = isWithin(address, LINK_LOCAL_V6);
  if (zone === undefined) {
    return linkLocal ? { error: `is link-local: it needs the interface, as in ${quote(`${address}%eth1`)}` } : { value: { address, zone } };
  }
  if (!linkLocal) return { error: `has a zone, which only link-local IPv6 addresses have; write ${quote(address)}` };
  return isInterfaceName(zone) ? { value: { address, zone } } : { error: `names no interface after %: ${quote(zone)}` };
}

/** An address that can be the source of a session. */
export function parseSourceAddress(text: string): Parsed<Address> {
  if (text === "") return { error: "" };
  return parseUsable(text, NEVER_A_PEER);
}

/** Any IPv4 address but 0.0.0.0 (RFC 6286 2.1). */
export function parseRouterId(text: string): Parsed<Ipv4> {
  if (text === "") return { error: "" };
  const id = parseIpv4(text);
  if (id === undefined) return { error: text.includes(":") ? "is no IPv4 address: a router ID is written as one" : whyNoAddress(text) };
  return id === "0.0.0.0" ? { error: "is no router ID: it must not be zero" } : { value: id };
}

export type SocketAddress = { readonly address: Address; readonly port: number };

/** "127.0.0.1:7472" or "[::]:7472". */
export function parseSocketAddress(text: string): Parsed<SocketAddress> {
  if (text === "") return { error: "" };
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text);
  if (match === null) {
    const address = parseAddress(text);
    const parts = /^(.*:.*):([0-9]{1,5})$/.exec(text);
    if (parts !== null && parseAddress(parts[1] ?? "") !== undefined) return { error: `needs brackets around an IPv6 address; write ${quote(`[${parts[1] ?? ""}]:${parts[2] ?? ""}`)}` };
    if (address === undefined) return { error: 'is no IP:PORT, such as "127.0.0.1:7472" or "[::1]:7472"' };
    return { error: `has no port; write ${quote(isIpv4(address) ? `${address}:PORT` : `[${address}]:PORT`)}` };
  }
  const [, bracketed, plain, digits = ""] = match;
  const host = bracketed ?? plain ?? "";
  const address = parseAddress(host);
  if (address !== undefined && isIpv4(address) && bracketed !== undefined) return { error: `has brackets around an IPv4 address; write ${quote(`${address}:${digits}`)}` };
  if (address === undefined) return { error: `is no IP:PORT: ${quote(host)} ${host === "" ? "is no address" : whyNoAddress(host)}` };
  const found = NEVER_LISTENING.find((candidate) => isWithin(address, candidate));
  if (found !== undefined) return { error: `cannot be listened on: ${found.what}` };
  const port = /^[0-9]{1,5}$/.test(digits) ? Number(digits) : 0;
  return port >= 1 && port <= 65535 ? { value: { address, port } } : { error: `is no IP:PORT: the port must be from 1 to 65535, not ${quote(digits)}` };
}

/** Where two addresses are written one way for a message. */
export function formatRange(range: AddressRange): string {
  return range.first === range.last ? range.first : `${range.first}-${range.last}`;
}

function parseUsable(text: string, never: readonly Special[]): Parsed<Address> {
  const address = parseAddress(text);
  if (address === undefined) return { error: text.includes("/") ? "is a prefix; write one address" : whyNoAddress(text) };
  const found = never.find((candidate) => isWithin(address, candidate));
  return found === undefined ? { value: address } : { error: `cannot be used here: ${found.what}` };
}

/** Continues `"…"`; `text` is no address. */
function whyNoAddress(text: string): string {
  const parts = text.split(".");
  if (text !== text.trim()) return "is no IP address: there are blanks around it";
  if (text.includes("%")) return "has a zone (%), which cannot stand here";
  if (text.includes(":")) return "is no IPv6 address";
  if (parts.some((part) => !/^[0-9]+$/.test(part))) return "is no IP address";
  if (parts.length !== 4) return `is no IPv4 address: it has ${parts.length} ${parts.length === 1 ? "number" : "numbers"} instead of 4`;
  const high = parts.find((part) => Number(part) > 255);
  if (high !== undefined) return `is no IPv4 address: ${high.length > 20 ? "a number" : high} is above 255`;
  return "is no IPv4 address: a number in it begins with 0";
}

function isWithin(address: Address, special: Special): boolean {
  const n = addressToBigInt(address);
  return special.span.family === familyOf(address) && special.span.first <= n && n <= special.span.last;
}

function spanOf(range: AddressRange): Span {
  return { family: familyOf(range.first), first: addressToBigInt(range.first), last: addressToBigInt(range.last) };
}

function special(text: string, what: string): Special {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new RangeError(`not a prefix: ${text}`);
  return { prefix, span: spanOf(rangeOfPrefix(prefix)), what };
}
