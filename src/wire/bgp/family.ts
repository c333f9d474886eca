/** Address families as BGP numbers them (RFC 4760 3): unicast only. Pure. */
import type { Family } from "../../net/index.ts";

const SAFI_UNICAST = 1;

const AFI: Readonly<Record<Family, number>> = { ipv4: 1, ipv6: 2 };

/** An address family and subsequent address family, whether we speak it or not. */
export type AfiSafi = { readonly afi: number; readonly safi: number };

export function afiSafiOf(family: Family): AfiSafi {
  return { afi: AFI[family], safi: SAFI_UNICAST };
}

/** Undefined for what is neither IPv4 nor IPv6 unicast. */
export function familyOfAfiSafi({ afi, safi }: AfiSafi): Family | undefined {
  if (safi !== SAFI_UNICAST) return undefined;
  return afi === AFI.ipv4 ? "ipv4" : afi === AFI.ipv6 ? "ipv6" : undefined;
}
