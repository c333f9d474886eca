/** What bgp/ is asked for: sessions, and the routes that each is to carry. */
import type { Address, Family, Prefix } from "../net/index.ts";
import type { BgpRole } from "./role.ts";

export type BgpPeer = {
  readonly name: string;
  readonly address: Address;
  /** Interface of a link-local address. */
  readonly zone: string | undefined;
  readonly asn: number | "internal" | "external";
  /** Our AS toward this peer. */
  readonly localAsn: number;
  readonly port: number;
  readonly sourceAddress: Address | undefined;
  /** 0 = no keepalives and no hold timer. */
  readonly holdTimeMs: number;
  readonly keepaliveTimeMs: number;
  readonly connectTimeMs: number;
  /** TCP MD5 (RFC 2385); 1–80 octets. */
  readonly password: string | undefined;
  /** TTL for a peer that is not adjacent; 0 = adjacent. */
  readonly multihop: number;
  /** GTSM (RFC 5082). */
  readonly ttlSecurity: boolean;
  readonly families: readonly Family[];
  readonly passive: boolean;
  /** Routes of each family beyond which new ones are held back; 0 = no limit. Changing it resets nothing. */
  readonly maxPrefixes: number;
  /** Ours toward this peer (RFC 9234); undefined: none is said. Of no effect within an AS. */
  readonly role: BgpRole | undefined;
  /** How long the peer is to keep our routes over a restart of the daemon (RFC 4724); whole seconds up to 4095; 0 = not at all. */
  readonly gracefulRestartMs: number;
};

/** A peer of whose session addresses are still to be found on interfaces of this host. */
export type WantedPeer = Omit<BgpPeer, "address"> & {
  /** Undefined: unnumbered; the router on interface `zone`, which is known by its Router Advertisements (RFC 4861). */
  readonly address: Address | undefined;
  /** Then `sourceAddress` is the first address of this interface that is not link-local. */
  readonly sourceInterface?: string | undefined;
};

export type RouteCommunity =
  | { readonly type: "standard"; readonly value: number }
  | { readonly type: "large"; readonly global: number; readonly local1: number; readonly local2: number }
  | { readonly type: "route-target"; readonly asn: number; readonly value: number };

/** How much traffic a route is worth beside others to the same prefix (draft-ietf-idr-link-bandwidth). */
export type LinkBandwidth = {
  /** A 32-bit float on the wire. */
  readonly octetsPerSecond: number;
  /** Whether the router may pass it on to other autonomous systems. */
  readonly transitive: boolean;
};

/** Attributes of a route that are ours to choose; ORIGIN, AS_PATH and the next hop follow from the session. */
export type RouteAttributes = {
  /** Sent on iBGP only. */
  readonly localPref: number;
  readonly med: number | undefined;
  /** How often our AS is prepended beyond the one that must be there. */
  readonly prepend: number;
  readonly communities: readonly RouteCommunity[];
  readonly linkBandwidth: LinkBandwidth | undefined;
};

export type BgpRoute = { readonly peer: string; readonly prefix: Prefix; readonly attributes: RouteAttributes };

/** Where sessions that peers open are accepted. */
export type BgpListen = { readonly address: Address; readonly port: number };

export type BgpDesired = {
  readonly peers: readonly WantedPeer[];
  /** Absent or empty: we only open sessions ourselves. */
  readonly listen?: readonly BgpListen[];
  /** By VIP. A prefix that several VIPs ask for is announced while one of them does. */
  readonly routes: ReadonlyMap<Address, readonly BgpRoute[]>;
  /** False until the first complete view: sessions come up, but neither a route nor an End-of-RIB is sent. */
  readonly complete: boolean;
};
