/**
 * Path attributes, one row each: what it is called, what its flags and length must be, what RFC 7606 has a receiver do when
 * they are not, and how its value is read and written. Pure.
 *
 * MP_REACH_NLRI and MP_UNREACH_NLRI carry routes rather than describe them and stand in multiprotocol.ts.
 */
import { type Ipv4, addressFromBytes, addressToBytes } from "../../net/index.ts";
import { AS_TRANS, type AsPath, type AsWidth, decodeAsPath, encodeAsPath } from "./as-path.ts";
import { OPTIONAL_NON_TRANSITIVE, OPTIONAL_TRANSITIVE, WELL_KNOWN, isAttributeList } from "./attribute-header.ts";
import { type Aggregator, type AttributeRow, Malformed, type Origin, row } from "./attribute.ts";
import type { LargeCommunity } from "./community.ts";
import { type Reader, concat, hex, u16s, u32s, u64s } from "./octets.ts";

const any = () => true;
const exactly = (wanted: number) => (octets: number) => octets === wanted;
const nonZeroMultipleOf = (unit: number) => (octets: number) => octets > 0 && octets % unit === 0;

const ORIGINS: readonly Origin[] = ["igp", "egp", "incomplete"]; // 0, 1, 2

/** In ascending order of their codes, which is the order on the wire (RFC 4271 5). */
export const ATTRIBUTES: readonly AttributeRow[] = [
  row({
    code: 1, // RFC 7606 7.1
    key: "origin",
    name: "ORIGIN",
    flags: WELL_KNOWN,
    length: exactly(1),
    from: "anybody",
    onError: "treat-as-withdraw",
    decode: (value) => ORIGINS[value.u8()] ?? new Malformed("its value is not defined"),
    encode: (origin) => Uint8Array.of(ORIGINS.indexOf(origin)),
  }),
  row({
    code: 2, // RFC 7606 7.2; confederation segments end at the confederation's border (RFC 5065 5)
    key: "asPath",
    name: "AS_PATH",
    flags: WELL_KNOWN,
    length: any,
    from: "anybody",
    onError: "treat-as-withdraw",
    decode: (value, { fourOctetAs, internal }) => {
      const path = decodePath(value, fourOctetAs ? 4 : 2);
      if (path instanceof Malformed || internal || !path.some(isConfederation)) return path;
      return new Malformed("an external peer sends a confederation segment");
    },
    encode: (path, { fourOctetAs }) => encodeAsPath(path, fourOctetAs ? 4 : 2),
  }),
  row({
    code: 3, // RFC 7606 7.3; "a valid IP host address": RFC 4271 6.3
    key: "nextHop",
    name: "NEXT_HOP",
    flags: WELL_KNOWN,
    length: exactly(4),
    from: "anybody",
    onError: "treat-as-withdraw",
    decode: (value) => {
      const nextHop = ipv4(value);
      return isHostAddress(nextHop) ? nextHop : new Malformed(`${nextHop} is not a host address`);
    },
    encode: addressToBytes,
  }),
  row({
    code: 4, // RFC 7606 7.4
    key: "med",
    name: "MULTI_EXIT_DISC",
    flags: OPTIONAL_NON_TRANSITIVE,
    length: exactly(4),
    from: "anybody",
    onError: "treat-as-withdraw",
    decode: (value) => value.u32(),
    encode: (med) => u32s(med),
  }),
  row({
    code: 5, // RFC 7606 7.5
    key: "localPref",
    name: "LOCAL_PREF",
    flags: WELL_KNOWN,
    length: exactly(4),
    from: "internal",
    onError: "treat-as-withdraw",
    decode: (value) => value.u32(),
    encode: (localPref) => u32s(localPref),
  }),
  row({
    code: 6, // RFC 7606 7.6
    key: "atomicAggregate",
    name: "ATOMIC_AGGREGATE",
    flags: WELL_KNOWN,
    length: exactly(0),
    from: "anybody",
    onError: "attribute-discard",
    decode: () => true,
    encode: () => new Uint8Array(0),
  }),
  row({
    code: 7, // RFC 7606 7.7; AS 0: RFC 7607 2
    key: "aggregator",
    name: "AGGREGATOR",
    flags: OPTIONAL_TRANSITIVE,
    length: (octets, { fourOctetAs }) => octets === (fourOctetAs ? 8 : 6),
    from: "anybody",
    onError: "attribute-discard",
    decode: (value, { fourOctetAs }) => decodeAggregator(value, fourOctetAs ? 4 : 2),
    encode: ({ asn, address }, { fourOctetAs }) => concat(fourOctetAs ? u32s(asn) : u16s(asn > 0xffff ? AS_TRANS : asn), addressToBytes(address)),
  }),
  row({
    code: 8, // RFC 7606 7.8
    key: "communities",
    name: "COMMUNITIES",
    flags: OPTIONAL_TRANSITIVE,
    length: nonZeroMultipleOf(4),
    from: "anybody",
    onError: "treat-as-withdraw",
    decode: (value) => repeat(value, 4, () => value.u32()),
    encode: (communities) => u32s(...[...new Set(communities)].sort((a, b) => a - b)),
  }),
  row({
    code: 9, // RFC 7606 7.9
    key: "originatorId",
    name: "ORIGINATOR_ID",
    flags: OPTIONAL_NON_TRANSITIVE,
    length: exactly(4),
    from: "internal",
    onError: "treat-as-withdraw",
    decode: ipv4,
    encode: addressToBytes,
  }),
  row({
    code: 10, // RFC 7606 7.10
    key: "clusterList",
    name: "CLUSTER_LIST",
    flags: OPTIONAL_NON_TRANSITIVE,
    length: nonZeroMultipleOf(4),
    from: "internal",
    onError: "treat-as-withdraw",
    decode: (value) => repeat(value, 4, () => ipv4(value)),
    encode: (clusters) => concat(...clusters.map(addressToBytes)),
  }),
  row({
    code: 16, // RFC 7606 7.14
    key: "extendedCommunities",
    name: "EXTENDED COMMUNITIES",
    flags: OPTIONAL_TRANSITIVE,
    length: nonZeroMultipleOf(8),
    from: "anybody",
    onError: "treat-as-withdraw",
    decode: (value) => repeat(value, 8, () => value.u64()),
    encode: (communities) => u64s(...[...new Set(communities)].sort((a, b) => (a < b ? -1 : 1))),
  }),
  row({
    code: 17, // RFC 6793 6
    key: "as4Path",
    name: "AS4_PATH",
    flags: OPTIONAL_TRANSITIVE,
    length: (octets) => octets >= 6,
    from: "two-octet-as",
    onError: "attribute-discard",
    decode: (value) => {
      const path = decodePath(value, 4);
      return path instanceof Malformed ? path : path.filter((segment) => !isConfederation(segment));
    },
    encode: (path) => encodeAsPath(path, 4),
  }),
  row({
    code: 18, // RFC 6793 6
    key: "as4Aggregator",
    name: "AS4_AGGREGATOR",
    flags: OPTIONAL_TRANSITIVE,
    length: exactly(8),
    from: "two-octet-as",
    onError: "attribute-discard",
    decode: (value) => decodeAggregator(value, 4),
    encode: ({ asn, address }) => concat(u32s(asn), addressToBytes(address)),
  }),
  row({
    code: 25, // RFC 7606 7.15
    key: "ipv6ExtendedCommunities",
    name: "IPV6 EXTENDED COMMUNITIES",
    flags: OPTIONAL_TRANSITIVE,
    length: nonZeroMultipleOf(20),
    from: "anybody",
    onError: "treat-as-withdraw",
    decode: (value) => repeat(value, 20, () => hex(value.take(20))),
    encode: (communities) => fromHex([...new Set(communities)].sort().join("")),
  }),
  row({
    code: 32, // RFC 8092 6
    key: "largeCommunities",
    name: "LARGE_COMMUNITY",
    flags: OPTIONAL_TRANSITIVE,
    length: nonZeroMultipleOf(12),
    from: "anybody",
    onError: "treat-as-withdraw",
    decode: (value) => repeat(value, 12, () => ({ global: value.u32(), local1: value.u32(), local2: value.u32() })),
    encode: (communities) => u32s(...sortedLarge(communities).flatMap(({ global, local1, local2 }) => [global, local1, local2])),
  }),
  row({
    code: 35, // RFC 9234 5
    key: "onlyToCustomer",
    name: "OTC",
    flags: OPTIONAL_TRANSITIVE,
    length: exactly(4),
    from: "anybody",
    onError: "treat-as-withdraw",
    decode: (value) => value.u32(),
    encode: (asn) => u32s(asn),
  }),
  row({
    code: 128, // RFC 7606 7.16: the attributes of a customer's route (RFC 6368 5)
    key: "attributeSet",
    name: "ATTR_SET",
    flags: OPTIONAL_TRANSITIVE,
    length: (octets) => octets >= 4,
    from: "anybody",
    onError: "treat-as-withdraw",
    decode: (value) => {
      const asn = value.u32();
      const attributes = value.rest().slice();
      return isAttributeList(attributes) ? { asn, attributes } : new Malformed("one of its attributes is cut off");
    },
    encode: ({ asn, attributes }) => concat(u32s(asn), attributes),
  }),
];

const BY_CODE: ReadonlyMap<number, AttributeRow> = new Map(ATTRIBUTES.map((attribute) => [attribute.code, attribute]));

export function attributeRow(code: number): AttributeRow | undefined {
  return BY_CODE.get(code);
}

/** Whether the address can be a next hop's: not "this network", loopback, multicast or reserved. */
function isHostAddress(address: Ipv4): boolean {
  const first = Number.parseInt(address, 10);
  return first !== 0 && first !== 127 && first < 224;
}

function isConfederation(segment: { readonly type: string }): boolean {
  return segment.type === "confed-sequence" || segment.type === "confed-set";
}

function decodePath(value: Reader, width: AsWidth): AsPath | Malformed {
  const path = decodeAsPath(value.rest(), width);
  return typeof path === "string" ? new Malformed(path) : path;
}

function decodeAggregator(value: Reader, width: AsWidth): Aggregator | Malformed {
  const asn = width === 4 ? value.u32() : value.u16();
  return asn === 0 ? new Malformed("it names AS 0") : { asn, address: ipv4(value) };
}

function ipv4(value: Reader): Ipv4 {
  return addressFromBytes(value.take(4)) as Ipv4;
}

function repeat<T>(value: Reader, octets: number, read: () => T): T[] {
  return Array.from({ length: value.left / octets }, read);
}

function fromHex(digits: string): Uint8Array {
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

function sortedLarge(communities: readonly LargeCommunity[]): LargeCommunity[] {
  const distinct = new Map(communities.map((community) => [`${community.global}:${community.local1}:${community.local2}`, community]));
  return [...distinct.values()].sort((a, b) => a.global - b.global || a.local1 - b.local1 || a.local2 - b.local2);
}
