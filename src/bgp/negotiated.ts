/**
 * What two OPENs agree on (RFC 4271 4.2, 5492, 6793, 6286), frozen into one value. Pure.
 *
 * After this nothing looks at capabilities again.
 */
import type { Family, Ipv4 } from "../net/index.ts";
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
  /** In the order of our configuration; never empty. */
  readonly families: readonly Family[];
  readonly enhancedRouteRefresh: boolean;
  readonly restart: RestartAgreement;
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
    families,
    enhancedRouteRefresh: both(ours, theirs, "enhanced-route-refresh"),
    restart: agreeOnRestart(ours, theirs, families),
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

function ourCapabilities(self: Self, peer: BgpPeer, before: Before): Capability[] {
  return [
    ...peer.families.map((family): Capability => ({ name: "multiprotocol", ...afiSafiOf(family) })),
    { name: "route-refresh" },
    ...gracefulRestart(peer, before),
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

function both(ours: Open, theirs: Open, name: Capability["name"]): boolean {
  return [ours, theirs].every(({ capabilities }) => capabilities.some((capability) => capability.name === name));
}
