/** Writing the path attributes of a route (RFC 4271 5, RFC 6793 4.2.2). Pure. */
import { needsFourOctets } from "./as-path.ts";
import { attributeHeader } from "./attribute-header.ts";
import { ATTRIBUTES } from "./attribute-table.ts";
import type { AttributeContext, PathAttributes } from "./attribute.ts";
import { concat } from "./octets.ts";

/** All attributes in the order of their codes, with those that RFC 6793 4.2.2 adds toward a speaker of two-octet AS numbers. */
export function encodeAttributes(attributes: PathAttributes, context: AttributeContext): Uint8Array {
  const sent = context.fourOctetAs ? attributes : { ...attributes, ...inFourOctets(attributes) };
  return concat(
    ...ATTRIBUTES.flatMap((attribute) => {
      const value = attribute.encode(sent, context);
      return value === undefined ? [] : [attributeHeader(attribute.flags, attribute.code, value.length), value];
    }),
  );
}

/** What two octets cannot say; the rest must not be sent twice. */
function inFourOctets({ asPath, aggregator }: PathAttributes): PathAttributes {
  return {
    ...(asPath !== undefined && needsFourOctets(asPath) ? { as4Path: asPath } : {}),
    ...(aggregator !== undefined && aggregator.asn > 0xffff ? { as4Aggregator: aggregator } : {}),
  };
}
