/**
 * The attributes of an UPDATE message for people, read from its octets: whatever was encoded shows, in the order of the wire. Pure.
 *
 * For messages of our own: what is malformed throws RangeError, because it is a mistake of ours.
 */
import { addressFromBytes } from "../../net/index.ts";
import type { AsPath } from "./as-path.ts";
import { type AttributeContext, Malformed, type PathAttributes } from "./attribute.ts";
import { attributeRow } from "./attribute-table.ts";
import { readAttributeHead } from "./attribute-header.ts";
import { extendedCommunityInWords, largeCommunityInWords, standardCommunityInWords } from "./community-in-words.ts";
import { HEADER_OCTETS } from "./message.ts";
import { MP_REACH_NLRI, MP_UNREACH_NLRI } from "./multiprotocol.ts";
import { Reader, hex } from "./octets.ts";

/** By name in snake_case ("as_path", "next_hop", "communities"); an attribute that we do not know by its number, in hexadecimal. */
export type WrittenAttributes = Readonly<Record<string, string | number | true | readonly string[]>>;

/** Of a whole message, with its header. */
export function attributesInWords(message: Uint8Array, context: AttributeContext): WrittenAttributes {
  const reader = new Reader(message.subarray(HEADER_OCTETS));
  reader.take(reader.u16()); // withdrawn routes
  const attributes = new Reader(reader.take(reader.u16()));
  const written: Record<string, WrittenAttributes[string]> = {};
  while (attributes.left > 0) {
    const head = readAttributeHead(attributes);
    if (head === undefined) throw new RangeError("an attribute of ours is cut off");
    const value = attributes.take(head.length);
    if (head.code === MP_REACH_NLRI) written["next_hop"] = nextHopInWords(new Reader(value));
    else if (head.code !== MP_UNREACH_NLRI) Object.assign(written, attributeInWords(head.code, value, context));
  }
  return written;
}

type Words = { readonly [K in keyof PathAttributes]-?: (value: NonNullable<PathAttributes[K]>) => WrittenAttributes[string] };

const WORDS: Words = {
  origin: String,
  asPath: pathInWords,
  nextHop: String,
  med: Number,
  localPref: Number,
  atomicAggregate: () => true,
  aggregator: ({ asn, address }) => `${asn} ${address}`,
  communities: (all) => all.map(standardCommunityInWords),
  originatorId: String,
  clusterList: (all) => all.map(String),
  extendedCommunities: (all) => all.map(extendedCommunityInWords),
  ipv6ExtendedCommunities: (all) => all.map((digits) => `0x${digits}`),
  as4Path: pathInWords,
  as4Aggregator: ({ asn, address }) => `${asn} ${address}`,
  largeCommunities: (all) => all.map(largeCommunityInWords),
  onlyToCustomer: Number,
  attributeSet: ({ asn, attributes }) => `${asn} 0x${hex(attributes)}`,
};

function attributeInWords(code: number, value: Uint8Array, context: AttributeContext): WrittenAttributes {
  const row = attributeRow(code);
  if (row === undefined) return { [`attribute_${code}`]: `0x${hex(value)}` };
  const decoded = row.decode(new Reader(value), context);
  if (decoded instanceof Malformed) throw new RangeError(`${row.name} of ours is malformed: ${decoded.problem}`);
  const inWords = WORDS[row.key] as (value: unknown) => WrittenAttributes[string];
  return { [inSnakeCase(row.key)]: inWords(decoded[row.key]) };
}

/** RFC 4271 and 5065: "64500 64500", a set in braces, what is of a confederation in brackets. */
function pathInWords(path: AsPath): string {
  return path
    .map(({ type, asns }) => {
      const numbers = asns.join(" ");
      switch (type) {
        case "sequence":
          return numbers;
        case "set":
          return `{${numbers}}`;
        case "confed-sequence":
          return `(${numbers})`;
        case "confed-set":
          return `[${numbers}]`;
      }
    })
    .join(" ");
}

//  0     2      3                 4
//  | AFI | SAFI | Next hop length | Next hop |

/** One address; a global and a link-local one with a blank between them (RFC 2545 3). */
function nextHopInWords(reach: Reader): string {
  reach.take(3);
  const hop = new Reader(reach.take(reach.u8()));
  const addresses: string[] = [];
  while (hop.left >= IPV6_OCTETS) addresses.push(addressFromBytes(hop.take(IPV6_OCTETS)));
  if (hop.left === IPV4_OCTETS) addresses.push(addressFromBytes(hop.take(IPV4_OCTETS)));
  return addresses.join(" ");
}

const IPV4_OCTETS = 4;
const IPV6_OCTETS = 16;

function inSnakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}
