/** Which next hop a route gets (RFC 4271 5.1.3, RFC 4760 3, RFC 2545 3; of IPv4 routes by IPv6: RFC 8950). Pure. */
import { type Address, type Family, type Ipv4, type Ipv6, isIpv4, isLinkLocal } from "../net/index.ts";
import type { NextHop } from "../wire/index.ts";
import type { BgpPeer } from "./desired.ts";
import type { Negotiated } from "./negotiated.ts";

/** Addresses of the interface that has this local address, which other families can use as next hop. */
export type AddressesBeside = (local: Address, zone: string | undefined) => {
  readonly ipv4?: Ipv4 | undefined;
  /** A global one. */
  readonly ipv6?: Ipv6 | undefined;
  readonly linkLocal?: Ipv6 | undefined;
};

/**
 * Undefined if there is no address to send the traffic to.
 *
 * A next hop is of the family that the session runs over where the peer takes that (RFC 8950 5): IPv4 routes have an IPv6 next
 * hop over IPv6 as soon as that was agreed, and need no IPv4 address on the link. Otherwise it is of the routes' own family.
 */
export function nextHopFor(family: Family, local: Address, peer: BgpPeer, agreed: Negotiated, addressesBeside: AddressesBeside): NextHop | undefined {
  if (isIpv4(local)) {
    if (family === "ipv4") return { family: "ipv4", address: local };
    const { ipv6 } = addressesBeside(local, peer.zone);
    return ipv6 === undefined ? undefined : { family: "ipv6", global: ipv6, linkLocal: undefined };
  }
  const beside = addressesBeside(local, peer.zone);
  if (family === "ipv6" || agreed.extendedNextHop) return ipv6NextHop(local, beside, peer, agreed);
  return beside.ipv4 === undefined ? undefined : { family: "ipv4", address: beside.ipv4 };
}

/**
 * RFC 2545 3: the link-local address only to a peer on the same link, which an external one without multihop is. Where there is
 * nothing else it stands in both places, the form that all routers take.
 */
function ipv6NextHop(local: Ipv6, beside: ReturnType<AddressesBeside>, peer: BgpPeer, agreed: Negotiated): NextHop {
  if (isLinkLocal(local)) return { family: "ipv6", global: beside.ipv6 ?? local, linkLocal: local };
  const sharesLink = !agreed.internal && peer.multihop === 0;
  return { family: "ipv6", global: local, linkLocal: sharesLink ? beside.linkLocal : undefined };
}

export function sameNextHop(a: NextHop | undefined, b: NextHop | undefined): boolean {
  if (a?.family === "ipv4") return b?.family === "ipv4" && a.address === b.address;
  return a?.family === b?.family && a?.global === ipv6Of(b)?.global && a?.linkLocal === ipv6Of(b)?.linkLocal;
}

function ipv6Of(nextHop: NextHop | undefined): Extract<NextHop, { readonly family: "ipv6" }> | undefined {
  return nextHop?.family === "ipv6" ? nextHop : undefined;
}
