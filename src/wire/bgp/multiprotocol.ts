/**
 * MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760 3 and 4; IPv6 next hops: RFC 2545 3, RFC 8950 3; error rules: RFC 7606 5.3, 7.11). Pure.
 *
 * Of received ones only the routes matter here; the next hop is checked for its length, because the routes stand behind it.
 */
import type { Family, Ipv6 } from "../../net/index.ts";
import { addressToBytes } from "../../net/index.ts";
import { afiSafiOf, familyOfAfiSafi } from "./family.ts";
import { type RouteField, routeField } from "./nlri.ts";
import { Reader, concat, u16s } from "./octets.ts";

//  MP_REACH_NLRI    0     2      3                  4           4+n        5+n
//                   | AFI | SAFI | Next hop length  | Next hop  | Reserved | NLRI |
//  MP_UNREACH_NLRI  0     2      3
//                   | AFI | SAFI | Withdrawn routes |

export const MP_REACH_NLRI = 14;
export const MP_UNREACH_NLRI = 15;

/** Where traffic is to be sent by IPv6; the link-local address only to a peer that shares the link (RFC 2545 3). */
export type Ipv6NextHop = { readonly global: Ipv6; readonly linkLocal: Ipv6 | undefined };

/** The routes of the attribute, "unspoken" for a family that the session has not agreed on, or why it is incorrect. */
export type MultiprotocolRoutes = RouteField | "unspoken" | { readonly problem: string };

/** What stands in MP_REACH_NLRI before the routes. */
export function encodeMpReachHead(family: Family, { global, linkLocal }: Ipv6NextHop): Uint8Array {
  const { afi, safi } = afiSafiOf(family);
  const nextHop = linkLocal === undefined ? addressToBytes(global) : concat(addressToBytes(global), addressToBytes(linkLocal));
  return concat(u16s(afi), Uint8Array.of(safi, nextHop.length), nextHop, Uint8Array.of(0));
}

/** What stands in MP_UNREACH_NLRI before the routes. */
export function encodeMpUnreachHead(family: Family): Uint8Array {
  const { afi, safi } = afiSafiOf(family);
  return concat(u16s(afi), Uint8Array.of(safi));
}

/** What the session has agreed on. */
export type MultiprotocolContext = {
  readonly families: readonly Family[];
  /** IPv4 routes may have an IPv6 next hop (RFC 8950). */
  readonly extendedNextHop: boolean;
};

export function decodeMpReach(value: Uint8Array, { families, extendedNextHop }: MultiprotocolContext): MultiprotocolRoutes {
  if (value.length < 5) return { problem: "MP_REACH_NLRI is shorter than 5 octets" };
  const reader = new Reader(value);
  const family = familyOfAfiSafi({ afi: reader.u16(), safi: reader.u8() });
  const length = reader.u8();
  if (length + 1 > reader.left) return { problem: "the next hop of MP_REACH_NLRI is longer than the attribute" };
  if (family === undefined || !families.includes(family)) return "unspoken";
  if (!isNextHop(family, length, extendedNextHop)) return { problem: `a next hop of ${length} octets in MP_REACH_NLRI for ${family}` };
  reader.take(length + 1); // and the reserved octet
  return routeField(reader.rest(), family) ?? { problem: `MP_REACH_NLRI holds what is no ${family} prefix` };
}

export function decodeMpUnreach(value: Uint8Array, { families }: MultiprotocolContext): MultiprotocolRoutes {
  if (value.length < 3) return { problem: "MP_UNREACH_NLRI is shorter than 3 octets" };
  const reader = new Reader(value);
  const family = familyOfAfiSafi({ afi: reader.u16(), safi: reader.u8() });
  if (family === undefined || !families.includes(family)) return "unspoken";
  return routeField(reader.rest(), family) ?? { problem: `MP_UNREACH_NLRI holds what is no ${family} prefix` };
}

/** The length tells which family a next hop is of (RFC 8950 3). */
function isNextHop(family: Family, octets: number, extended: boolean): boolean {
  return octets === 16 || octets === 32 ? family === "ipv6" || extended : octets === 4 && family === "ipv4";
}
