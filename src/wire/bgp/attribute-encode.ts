/** Writing the path attributes of a route (RFC 4271 5, RFC 6793 4.2.2). Pure. */
import { needsFourOctets } from "./as-path.ts";
import { attributeHeader } from "./attribute-header.ts";
import { ATTRIBUTES } from "./attribute-table.ts";
import type { AttributeContext, PathAttributes } from "./attribute.ts";
import { concat } from "./octets.ts";

/** All attributes in the order of their codes; AS4_PATH is added where RFC 6793 4.2.2 wants it. */
export function encodeAttributes(attributes: PathAttributes, context: AttributeContext): Uint8Array {
  const path = attributes.asPath;
  const sent = !context.fourOctetAs && path !== undefined && needsFourOctets(path) ? { ...attributes, as4Path: path } : attributes;
  return concat(
    ...ATTRIBUTES.flatMap((attribute) => {
      const value = attribute.encode(sent, context);
      return value === undefined ? [] : [attributeHeader(attribute.flags, attribute.code, value.length), value];
    }),
  );
}
