/**
 * What a path attribute is to this codec: the value that it holds, and a row that says what its flags and length must be and what
 * RFC 7606 has a receiver do when they are not. The rows are in attribute-table.ts. Pure.
 */
import type { Ipv4 } from "../../net/index.ts";
import type { AsPath } from "./as-path.ts";
import type { LargeCommunity } from "./community.ts";
import type { Reader } from "./octets.ts";

export type Origin = "igp" | "egp" | "incomplete";
export type Aggregator = { readonly asn: number; readonly address: Ipv4 };

/** The attributes of a route that we know, by name; absent is absent. */
export type PathAttributes = {
  readonly origin?: Origin;
  readonly asPath?: AsPath;
  readonly nextHop?: Ipv4;
  readonly med?: number;
  readonly localPref?: number;
  readonly atomicAggregate?: true;
  readonly aggregator?: Aggregator;
  readonly communities?: readonly number[];
  readonly originatorId?: Ipv4;
  readonly clusterList?: readonly Ipv4[];
  readonly extendedCommunities?: readonly bigint[];
  /** 40 hexadecimal digits each. */
  readonly ipv6ExtendedCommunities?: readonly string[];
  readonly as4Path?: AsPath;
  readonly as4Aggregator?: Aggregator;
  readonly largeCommunities?: readonly LargeCommunity[];
  readonly onlyToCustomer?: number;
  readonly attributeSet?: { readonly asn: number; readonly attributes: Uint8Array };
};

/** What the OPENs agreed that changes how attributes read. */
export type AttributeContext = { readonly fourOctetAs: boolean; readonly internal: boolean };

/** RFC 7606 2, weaker first. A session reset is not here: it is thrown as BgpError. */
export type Approach = "attribute-discard" | "treat-as-withdraw";

/** From whom an attribute is to be taken; from anybody else it is discarded whatever it holds. */
type Sender = "anybody" | "internal" | "two-octet-as";

type Key = keyof PathAttributes;

type Row<K extends Key> = {
  readonly code: number;
  readonly key: K;
  readonly name: string;
  readonly flags: number;
  readonly length: (octets: number, context: AttributeContext) => boolean;
  readonly from: Sender;
  readonly onError: Approach;
  /** The value, or why it is malformed. */
  readonly decode: (value: Reader, context: AttributeContext) => NonNullable<PathAttributes[K]> | Malformed;
  readonly encode: (value: NonNullable<PathAttributes[K]>, context: AttributeContext) => Uint8Array;
};

/** A row with its key forgotten, so that all of them fit one table. */
export type AttributeRow = Pick<Row<Key>, "code" | "key" | "name" | "flags" | "length" | "from" | "onError"> & {
  /** The attribute under its key, or why it is malformed. */
  readonly decode: (value: Reader, context: AttributeContext) => PathAttributes | Malformed;
  /** Undefined if the attribute is absent. */
  readonly encode: (attributes: PathAttributes, context: AttributeContext) => Uint8Array | undefined;
};

export class Malformed {
  readonly problem: string;
  constructor(problem: string) {
    this.problem = problem;
  }
}

/** A row with its key forgotten: what it reads and writes is under that key. */
export function row<K extends Key>(fields: Row<K>): AttributeRow {
  return {
    ...fields,
    decode: (value, context) => {
      const decoded = fields.decode(value, context);
      return decoded instanceof Malformed ? decoded : { [fields.key]: decoded };
    },
    encode: (attributes, context) => {
      const value = attributes[fields.key];
      return value === undefined ? undefined : fields.encode(value, context);
    },
  };
}
