/**
 * What two OPENs agree on (RFC 4271 4.2, 5492, 6793, 6286, 8950, 9234), frozen into one value. Pure.
 *
 * After this nothing looks at capabilities again.
 */
import { type Family, type Ipv4, isIpv4 } from "../net/index.ts";
import {
  AS_TRANS,
  BgpError,
  type Capability,
  OPEN_ERROR,
  OPEN_SUBCODE,
  type Open,
  afiSafiOf,
  encodeCapability,
  familyOfAfiSafi,
  notification,
} from "../wire/index.ts";
import type { BgpPeer } from "./desired.ts";
import { type Before, type RestartAgreement, agreeOnRestart, gracefulRestart } from "./graceful-restart.ts";
import { type BgpRole, agreeOnRoles, roleCode } from "./role.ts";

export type Negotiated = {
  readonly localAsn: number;
  readonly remoteAsn: number;
  /** iBGP: both sides are in the same AS. */
  readonly internal: boolean;
  readonly remoteIdentifier: Ipv4;
  /** 0 = neither Hold nor Keepalive timer. */
  readonly holdMs: number;
  /** Before jitter; 0 with holdMs 0. */
  readonly keepaliveMs: number;
  readonly fourOctetAs: boolean;
  /** We said no capabilities, because the peer refused them (RFC 5492 3). */
  readonly withoutCapabilities: boolean;
  /** In the order of our configuration; never empty. */
  readonly families: readonly Family[];
  /** IPv4 routes may have an IPv6 next hop (RFC 8950). */
  readonly extendedNextHop: boolean;
  readonly enhancedRouteRefresh: boolean;
  readonly restart: RestartAgreement;
  /** The peer can keep routes for hours after their speaker is gone (RFC 9494). */
  readonly remoteLongLived: boolean;
  /** Ours toward an external peer, and what it says to be; undefined: none is configured, or said (RFC 9234). */
  readonly role: BgpRole | undefined;
  readonly remoteRole: string | undefined;
  /** The peer's host name, if it told one. */
  readonly remoteHostname: string | undefined;
  /** All that the peer sent, for people. */
  readonly remoteCapabilities: readonly Capability[];
};

/** Who we say that we are. */
export type Self = { readonly routerId: Ipv4; readonly hostname: string };

/** Our OPEN to that peer; without capabilities after a peer refused them (RFC 5492 3). `before`: what it may still have of us. */
export function ourOpen(self: Self, peer: BgpPeer, capabilities: "capabilities" | "no-capabilities", before: Before = "nothing"): Open {
  return {
    asn: peer.localAsn,
    holdSeconds: Math.floor(peer.holdTimeMs / 1000),
    identifier: self.routerId,
    capabilities: capabilities === "capabilities" ? ourCapabilities(self, peer, before) : [],
  };
}

/** Whether a peer that knows no capabilities can still be of use: two-octet AS, IPv4. */
export function canDoWithoutCapabilities(peer: BgpPeer): boolean {
  return peer.localAsn <= 0xffff && peer.families.includes("ipv4");
}

/** Throws BgpError if the peer is not the one that was configured, or has no address family in common with us. */
export function negotiate(self: Self, peer: BgpPeer, ours: Open, theirs: Open): Negotiated {
  if (!isExpectedAs(peer, theirs.asn)) {
    throw new BgpError(notification(OPEN_ERROR, OPEN_SUBCODE.BAD_PEER_AS), `it says that it is AS ${theirs.asn}, not ${expectedAs(peer)}`);
  }
  const internal = theirs.asn === peer.localAsn;
  if (internal && theirs.identifier === self.routerId) {
    throw new BgpError(notification(OPEN_ERROR, OPEN_SUBCODE.BAD_IDENTIFIER), `it has our own router ID ${self.routerId}`); // RFC 6286 2.2
  }
  const remoteRole = internal ? undefined : agreeOnRoles(peer.role, theirs);
  const families = commonFamilies(peer, ours, theirs);
  if (families.length === 0) {
    const wanted = Uint8Array.from(peer.families.flatMap((family) => [...encodeCapability({ name: "multiprotocol", ...afiSafiOf(family) })]));
    const data = notification(OPEN_ERROR, OPEN_SUBCODE.UNSUPPORTED_CAPABILITY, wanted); // RFC 5492 5
    throw new BgpError(data, `it does not speak ${peer.families.join(" or ")} unicast`);
  }
  const holdMs = Math.min(ours.holdSeconds, theirs.holdSeconds) * 1000;
  return Object.freeze({
    localAsn: peer.localAsn,
    remoteAsn: theirs.asn,
    internal,
    remoteIdentifier: theirs.identifier,
    holdMs,
    keepaliveMs: keepaliveMs(peer, holdMs),
    fourOctetAs: both(ours, theirs, "four-octet-as"),
    withoutCapabilities: ours.capabilities.length === 0,
    families,
    extendedNextHop: families.includes("ipv4") && [ours, theirs].every(takesIpv6NextHops),
    enhancedRouteRefresh: both(ours, theirs, "enhanced-route-refresh"),
    restart: agreeOnRestart(ours, theirs, families),
    remoteLongLived: theirs.capabilities.some(({ name }) => name === "long-lived-graceful-restart"),
    role: internal ? undefined : peer.role,
    remoteRole,
    remoteHostname: theirs.capabilities.find((capability) => capability.name === "fqdn")?.hostname,
    remoteCapabilities: theirs.capabilities,
  });
}

/** A third of the hold time unless configured shorter, and not more than one in a second (RFC 4271 4.4). */
function keepaliveMs(peer: BgpPeer, holdMs: number): number {
  if (holdMs === 0) return 0;
  return Math.max(1000, Math.min(holdMs / 3, peer.keepaliveTimeMs > 0 ? peer.keepaliveTimeMs : Infinity));
}

function isExpectedAs(peer: BgpPeer, asn: number): boolean {
  if (peer.asn === "internal") return asn === peer.localAsn;
  if (peer.asn === "external") return asn !== peer.localAsn && asn !== AS_TRANS;
  return asn === peer.asn;
}

function expectedAs(peer: BgpPeer): string {
  if (peer.asn === "internal") return `${peer.localAsn} as an internal peer`;
  return peer.asn === "external" ? `one other than ${peer.localAsn}` : String(peer.asn);
}

/** As far as the configuration tells; an "external" peer never is. */
function isInternal(peer: BgpPeer): boolean {
  return peer.asn === "internal" || peer.asn === peer.localAsn;
}

function ourCapabilities(self: Self, peer: BgpPeer, before: Before): Capability[] {
  return [
    ...peer.families.map((family): Capability => ({ name: "multiprotocol", ...afiSafiOf(family) })),
    { name: "route-refresh" },
    // Over IPv4 there is an IPv4 address to point to.
    ...(peer.families.includes("ipv4") && !isIpv4(peer.address) ? [IPV4_BY_IPV6] : []),
    ...gracefulRestart(peer, before),
    ...(peer.role === undefined || isInternal(peer) ? [] : [{ name: "role", role: roleCode(peer.role) } as const]),
    { name: "four-octet-as", asn: peer.localAsn },
    { name: "enhanced-route-refresh" },
    ...(self.hostname === "" ? [] : [{ name: "fqdn", hostname: self.hostname, domain: "" } as const]),
  ];
}

/** A speaker that lists no family at all speaks IPv4 (RFC 4760 8). */
function commonFamilies(peer: BgpPeer, ours: Open, theirs: Open): Family[] {
  const mine = spoken(ours);
  const remote = spoken(theirs);
  return peer.families.filter((family) => mine.includes(family) && remote.includes(family));
}

function spoken({ capabilities }: Open): Family[] {
  const listed = capabilities.filter((capability) => capability.name === "multiprotocol");
  return listed.length === 0 ? ["ipv4"] : listed.flatMap((capability) => familyOfAfiSafi(capability) ?? []);
}

/** The one combination of interest: IPv4 unicast by an IPv6 next hop (RFC 8950 4). */
const IPV4_BY_IPV6: Capability = { name: "extended-next-hop", encodings: [{ ...afiSafiOf("ipv4"), nextHopAfi: afiSafiOf("ipv6").afi }] };

function takesIpv6NextHops({ capabilities }: Open): boolean {
  const encodings = capabilities.flatMap((capability) => (capability.name === "extended-next-hop" ? capability.encodings : []));
  return encodings.some((encoding) => familyOfAfiSafi(encoding) === "ipv4" && encoding.nextHopAfi === afiSafiOf("ipv6").afi);
}

function both(ours: Open, theirs: Open, name: Capability["name"]): boolean {
  return [ours, theirs].every(({ capabilities }) => capabilities.some((capability) => capability.name === name));
}
