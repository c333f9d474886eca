/** What the data of a NOTIFICATION says to an operator, where a document defines it and routers fill it. Pure; never throws. */
import type { Family } from "../../net/index.ts";
import { decodeCapabilities, describeCapability } from "./capability.ts";
import { BgpError } from "./error.ts";
import { familyOfAfiSafi } from "./family.ts";
import { CEASE, CEASE_SUBCODE, type Notification, OPEN_ERROR, OPEN_SUBCODE } from "./notification.ts";
import { Reader } from "./octets.ts";

/** The capabilities for want of which a peer refused ours (RFC 5492 5), in words; empty if it does not say. */
export function wantedCapabilitiesOf({ code, subcode, data }: Notification): string[] {
  if (code !== OPEN_ERROR || subcode !== OPEN_SUBCODE.UNSUPPORTED_CAPABILITY) return [];
  try {
    return [...new Set(decodeCapabilities(data).map(describeCapability))];
  } catch (error) {
    if (error instanceof BgpError) return [];
    throw error;
  }
}

//  0     2      3                    7
//  | AFI | SAFI | Prefix upper bound |

/** How many prefixes the peer takes from us (RFC 4486 4); undefined if it does not say. */
export function prefixLimitOf({ code, subcode, data }: Notification): { readonly family: Family; readonly prefixes: number } | undefined {
  if (code !== CEASE || subcode !== CEASE_SUBCODE.MAXIMUM_PREFIXES || data.length !== 7) return undefined;
  const reader = new Reader(data);
  const family = familyOfAfiSafi({ afi: reader.u16(), safi: reader.u8() });
  return family === undefined ? undefined : { family, prefixes: reader.u32() };
}
