/** ROUTE-REFRESH (RFC 2918 3; subtypes: RFC 7313 3.2). Pure. */
import { BgpError } from "./error.ts";
import type { AfiSafi } from "./family.ts";
import { HEADER_OCTETS, badLength, encodeMessage } from "./message.ts";
import { ROUTE_REFRESH_ERROR, notification } from "./notification.ts";
import { Reader, u16s } from "./octets.ts";

//  0     2                 3      4
//  | AFI | Message subtype | SAFI | ORF entries (ignored) |

export type RouteRefresh = AfiSafi & {
  /** "begin" and "end" enclose what a peer sends again (BoRR, EoRR); "unknown" must be ignored. */
  readonly subtype: "request" | "begin" | "end" | "unknown";
};

const SUBTYPES = ["request", "begin", "end"] as const; // 0, 1, 2
const INVALID_MESSAGE_LENGTH = 1;
const BODY_OCTETS = 4;

/** The body of the message. */
export function encodeRouteRefresh({ afi, safi, subtype }: AfiSafi & { readonly subtype: (typeof SUBTYPES)[number] }): Uint8Array {
  return u16s(afi, (SUBTYPES.indexOf(subtype) << 8) | safi);
}

/**
 * Decodes the body, which the header check has made at least three octets long. Throws BgpError: 7/1 (RFC 7313 5) if the peer has the
 * enhanced route refresh capability and marks a refresh, else 1/2 if it is too short. Without the capability the octet that holds the
 * subtype is reserved and ignored (RFC 2918 3).
 */
export function decodeRouteRefresh(body: Uint8Array, { enhancedRouteRefresh }: { readonly enhancedRouteRefresh: boolean }): RouteRefresh {
  const reader = new Reader(body);
  const afi = reader.u16();
  const code = reader.u8();
  const subtype = enhancedRouteRefresh ? (SUBTYPES[code] ?? "unknown") : "request";
  if ((subtype === "begin" || subtype === "end") && body.length !== BODY_OCTETS) {
    const data = encodeMessage("ROUTE-REFRESH", body);
    throw new BgpError(notification(ROUTE_REFRESH_ERROR, INVALID_MESSAGE_LENGTH, data), `a ROUTE-REFRESH of ${data.length} octets marks a refresh`);
  }
  if (body.length < BODY_OCTETS) throw badLength(HEADER_OCTETS + body.length, "ROUTE-REFRESH");
  return { afi, safi: reader.u8(), subtype };
}
