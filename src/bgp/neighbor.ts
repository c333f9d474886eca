/**
 * Between which two addresses a session is to be: what the configuration leaves to the interfaces of this host is found there. Pure.
 *
 * As long as a session is up nothing is looked at again: only the next one is made of what is right by then.
 */
import type { Link } from "../linux/index.ts";
import { type Address, type Family, type Ipv6, familyOf, isIpv4, isLinkLocal } from "../net/index.ts";
import type { BgpPeer, WantedPeer } from "./desired.ts";

/** What there is to be found. */
export interface Surroundings {
  readonly links: readonly Link[];
  /** Of an interface, in the order in which they were first heard. */
  routers(name: string): readonly Ipv6[];
  /** Why none can be heard there, as a sentence. */
  problem(name: string): string | undefined;
}

export type Neighbor =
  | { readonly found: true; readonly peer: BgpPeer }
  /** `why` is a sentence. */
  | { readonly found: false; readonly why: string };

/** `current` is what was found last; it is kept if `up`, and where there is a choice. */
export function findNeighbor(wanted: WantedPeer, around: Surroundings, current: BgpPeer | undefined, up: boolean): Neighbor {
  const { sourceInterface, ...rest } = wanted;
  if (up && current !== undefined) return { found: true, peer: { ...rest, address: current.address, sourceAddress: current.sourceAddress } };
  const address = wanted.address ?? routerOn(wanted.zone ?? "", around, current?.address);
  if (typeof address === "object") return { found: false, why: address.why };
  const source = sourceInterface === undefined ? wanted.sourceAddress : addressOf(sourceInterface, familyOf(address), around.links);
  if (typeof source === "object") return { found: false, why: source.why };
  return { found: true, peer: { ...rest, address, sourceAddress: source } };
}

/** What is to be said of an unnumbered peer though there is a session, or could be. */
export function neighborNote(wanted: WantedPeer, around: Surroundings): string | undefined {
  if (wanted.address !== undefined || wanted.zone === undefined) return undefined;
  const routers = around.routers(wanted.zone);
  return routers.length < 2 ? undefined : `interface ${wanted.zone} has more than one router: ${[...routers].sort().join(" and ")}; use address`;
}

function routerOn(name: string, around: Surroundings, current: Address | undefined): Address | { readonly why: string } {
  const routers = around.routers(name);
  const found = routers.find((address) => address === current) ?? routers[0];
  const problem = around.problem(name);
  if (problem !== undefined) return { why: problem };
  return found ?? { why: `no router advertises itself on interface ${name}: configure this host as an unnumbered neighbor there, or have the router send Router Advertisements` };
}

/** The first of the family that other hosts can know. */
function addressOf(name: string, family: Family, links: readonly Link[]): Address | { readonly why: string } {
  const link = links.find((one) => one.name === name);
  if (link === undefined) return { why: `there is no interface ${name}, whose address is to be our source` };
  if (!link.up) return { why: `interface ${name}, whose address is to be our source, is down` };
  const address = link.addresses.find((one) => familyOf(one) === family && isGlobal(one));
  return address ?? { why: `interface ${name} has no ${family === "ipv4" ? "IPv4" : "global IPv6"} address that could be our source` };
}

/** Neither link-local (RFC 3927, RFC 4291) nor loopback. */
function isGlobal(address: Address): boolean {
  return isIpv4(address) ? !/^(127|169\.254)\./.test(address) : address !== "::1" && !isLinkLocal(address);
}
