/** Which next hop a route gets (RFC 4271 5.1.3, RFC 4760 3, RFC 2545 3). Pure. */
import { type Address, type Family, type Ipv4, type Ipv6, isIpv4 } from "../net/index.ts";
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

/** Undefined if there is no address of that family to send the traffic to. */
export function nextHopFor(family: Family, local: Address, peer: BgpPeer, agreed: Negotiated, addressesBeside: AddressesBeside): NextHop | undefined {
  if (family === "ipv4") {
    const address = isIpv4(local) ? local : addressesBeside(local, peer.zone).ipv4;
    return address === undefined ? undefined : { family, address };
  }
  if (isIpv4(local)) {
    const { ipv6 } = addressesBeside(local, peer.zone);
    return ipv6 === undefined ? undefined : { family, global: ipv6, linkLocal: undefined };
  }
  const beside = addressesBeside(local, peer.zone);
  if (isLinkLocal(local)) return { family, global: beside.ipv6 ?? local, linkLocal: local };
  // RFC 2545 3: the link-local address only to a peer on the same link, which an external one without multihop is.
  const sharesLink = !agreed.internal && peer.multihop === 0;
  return { family, global: local, linkLocal: sharesLink ? beside.linkLocal : undefined };
}

export function sameNextHop(a: NextHop | undefined, b: NextHop | undefined): boolean {
  if (a?.family === "ipv4") return b?.family === "ipv4" && a.address === b.address;
  return a?.family === b?.family && a?.global === ipv6Of(b)?.global && a?.linkLocal === ipv6Of(b)?.linkLocal;
}

function ipv6Of(nextHop: NextHop | undefined): Extract<NextHop, { readonly family: "ipv6" }> | undefined {
  return nextHop?.family === "ipv6" ? nextHop : undefined;
}

/** fe80::/10. */
function isLinkLocal(address: Ipv6): boolean {
  return /^fe[89ab][0-9a-f]:/.test(address);
}
