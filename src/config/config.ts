/**
 * The validated configuration. Immutable; every default is filled in and every reference resolved, so that nobody after
 * config/ checks anything again. The TOML keys have the same names in snake_case.
 */
import type { Address, AddressRange, Ipv4 } from "../net/index.ts";
import type { LabelSelector } from "./selector.ts";

/** A shell pattern over names: `*`, `?`, `[..]`; matched with `matchesGlob`. */
export type Glob = string;

export type Config = {
  readonly host: HostConfig;
  readonly kubernetes: KubernetesConfig;
  readonly pools: readonly PoolConfig[];
  readonly l2: readonly L2Advertisement[];
  /** Undefined when there is no [bgp] table. */
  readonly bgp: BgpConfig | undefined;
  readonly bfd: readonly BfdProfileConfig[];
  readonly fleet: FleetConfig;
  readonly metrics: MetricsConfig;
};

export type HostConfig = {
  /** A lower-case DNS label. */
  readonly name: string;
  /** The Kubernetes node on this host; undefined on a gateway. */
  readonly node: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** 1–10000. */
  readonly weight: number;
  readonly routerId: Ipv4 | undefined;
  readonly logLevel: "error" | "warning" | "notice" | "info" | "debug";
};

export type KubernetesConfig = {
  /** Absolute path. */
  readonly kubeconfig: string;
  /** Undefined: the file's current-context. */
  readonly context: string | undefined;
  readonly namespace: string;
  readonly loadBalancerClass: string;
  readonly unclassed: boolean;
};

export type PoolConfig = {
  readonly name: string;
  /** In the order of the file; no two overlap, within a pool or between pools. */
  readonly ranges: readonly AddressRange[];
  readonly autoAssign: boolean;
  /** Skip .0 and .255. */
  readonly avoidBuggyIps: boolean;
  /** Lower first; 0 = last. */
  readonly priority: number;
  readonly reuseDelayMs: number;
  readonly namespaces: readonly string[];
  readonly namespaceSelectors: readonly LabelSelector[];
  readonly serviceSelectors: readonly LabelSelector[];
};

export type L2Advertisement = {
  readonly name: string;
  /** Names of pools; never empty: "all" is resolved. */
  readonly pools: readonly string[];
  /** Empty: every interface that is up and can broadcast. */
  readonly interfaces: readonly Glob[];
  /** Empty: all hosts. */
  readonly hosts: readonly Glob[];
  readonly hostSelectors: readonly LabelSelector[];
  readonly nodeSelectors: readonly LabelSelector[];
  readonly serviceSelectors: readonly LabelSelector[];
  readonly prefer: readonly Glob[];
};

export type BgpConfig = {
  readonly asn: number;
  readonly listen: readonly { readonly address: Address; readonly port: number }[];
  readonly peers: readonly BgpPeerConfig[];
  /** The operator's names for communities, by what they stand for ("64500:100"); of several for one, the first. */
  readonly communityNames: ReadonlyMap<string, string>;
  readonly advertisements: readonly BgpAdvertisement[];
};

export type BgpPeerConfig = {
  readonly name: string;
  /** Undefined for an unnumbered peer: the router on the interface `zone`. */
  readonly address: Address | undefined;
  /** Interface of a link-local peer address. */
  readonly zone: string | undefined;
  /** The peer's AS; "internal" and "external" are kept for the session to judge. */
  readonly asn: number | "internal" | "external";
  /** Our AS toward this peer. */
  readonly localAsn: number;
  readonly port: number;
  readonly sourceAddress: Address | undefined;
  /** Whose first address of the peer's family is our source. */
  readonly sourceInterface: string | undefined;
  readonly holdTimeMs: number;
  readonly keepaliveTimeMs: number;
  readonly connectTimeMs: number;
  /** Path of the file with the TCP MD5 password. */
  readonly passwordFile: string | undefined;
  /** TTL for a peer that is not adjacent; 0 = adjacent. */
  readonly multihop: number;
  readonly ttlSecurity: boolean;
  /** Name of the profile in `bfd` by which the path is watched; undefined: it is not. */
  readonly bfd: string | undefined;
  readonly families: readonly ("ipv4" | "ipv6")[];
  readonly passive: boolean;
  /** Routes of each family beyond which new ones are held back; 0 = no limit. */
  readonly maxPrefixes: number;
  /** Ours toward an external peer (RFC 9234); undefined: none is said. */
  readonly role: BgpRole | undefined;
  /** How long the peer is to keep our routes over a restart of the daemon; 0 = not at all. */
  readonly gracefulRestartMs: number;
  readonly hosts: readonly Glob[];
  readonly hostSelectors: readonly LabelSelector[];
  readonly nodeSelectors: readonly LabelSelector[];
};

export type BgpRole = "provider" | "rs" | "rs-client" | "customer" | "peer";

export type Community =
  | { readonly type: "standard"; readonly value: number }
  | { readonly type: "large"; readonly global: number; readonly local1: number; readonly local2: number }
  | { readonly type: "route-target"; readonly asn: number; readonly value: number };

export type BgpAdvertisement = {
  readonly name: string;
  /** Names of pools; "all" is resolved. */
  readonly pools: readonly string[];
  /** Names of peers; globs are resolved, empty means none matched any. */
  readonly peers: readonly string[];
  readonly hosts: readonly Glob[];
  readonly hostSelectors: readonly LabelSelector[];
  readonly nodeSelectors: readonly LabelSelector[];
  readonly serviceSelectors: readonly LabelSelector[];
  /** Lengths of the prefixes that are announced; below 32 and 128, aggregates. */
  readonly aggregationLength: Readonly<Record<"ipv4" | "ipv6", number>>;
  readonly localPref: number;
  /** Undefined: no MED attribute. */
  readonly med: number | undefined;
  readonly prepend: number;
  readonly communities: readonly Community[];
  readonly withoutEndpoints: "withdraw" | "keep";
  readonly linkBandwidth: "off" | "non-transitive" | "transitive";
};

export type BfdProfileConfig = {
  readonly name: string;
  readonly receiveIntervalMs: number;
  readonly transmitIntervalMs: number;
  /** 2–255. */
  readonly detectMultiplier: number;
  /** Undefined: no echo packets. */
  readonly echoIntervalMs: number | undefined;
  readonly passive: boolean;
  /** Over several hops; 1–254. */
  readonly minimumTtl: number;
};

export type FleetConfig = {
  readonly helloMs: number;
  readonly failbackDelayMs: number;
  readonly failback: "auto" | "never";
  /** Undefined: the Secret bmlb-fleet. */
  readonly keyFile: string | undefined;
  /** 0 = never. */
  readonly refreshMs: number;
  /** Gratuitous frames per second after the first pass. */
  readonly announceRate: number;
};

export type MetricsConfig = { readonly listen: { readonly address: Address; readonly port: number } | "off" };
