/** Makers of validated configurations for tests of other rooms: what is not given is the default. */
import type { BfdProfileConfig, BgpAdvertisement, BgpPeerConfig, Config, HostConfig, KubernetesConfig, L2Advertisement, PoolConfig } from "../../src/config/index.ts";
import { address, parsePrefix, rangeOfPrefix } from "../../src/net/index.ts";

export type ConfigParts = {
  readonly host?: Partial<HostConfig>;
  readonly kubernetes?: Partial<KubernetesConfig>;
  readonly pools?: readonly PoolConfig[];
  readonly l2?: readonly L2Advertisement[];
  readonly peers?: readonly BgpPeerConfig[];
  readonly bgp?: readonly BgpAdvertisement[];
  readonly bfd?: readonly BfdProfileConfig[];
};

export function config({ host, kubernetes, pools = [pool("lan", ["192.0.2.0/28"])], l2 = [], peers = [], bgp = [], bfd = [] }: ConfigParts = {}): Config {
  return {
    host: { name: "h1", node: undefined, labels: {}, weight: 100, routerId: undefined, logLevel: "info", ...host },
    kubernetes: { kubeconfig: "/kubeconfig", context: undefined, namespace: "bmlb-system", loadBalancerClass: "bmlb.io/bmlb", unclassed: true, ...kubernetes },
    pools,
    l2,
    bfd,
    bgp: peers.length + bgp.length > 0 ? { asn: 64500, listen: [], peers, communityNames: new Map(), advertisements: bgp } : undefined,
    fleet: { helloMs: 200, failbackDelayMs: 60_000, failback: "auto", keyFile: undefined, refreshMs: 60_000, announceRate: 500 },
    metrics: { listen: "off" },
  };
}

/** Ranges are "a.b.c.d/n", "first-last" or a single address. */
export function pool(name: string, ranges: readonly string[], parts: Partial<PoolConfig> = {}): PoolConfig {
  return {
    name,
    ranges: ranges.map((text) => {
      const prefix = parsePrefix(text);
      if (prefix !== undefined) return rangeOfPrefix(prefix);
      const [first = "", last = first] = text.split("-");
      return { first: address(first), last: address(last) };
    }),
    autoAssign: true,
    avoidBuggyIps: false,
    priority: 0,
    reuseDelayMs: 300_000,
    namespaces: [],
    namespaceSelectors: [],
    serviceSelectors: [],
    ...parts,
  };
}

export function l2(name: string, pools: readonly string[], parts: Partial<L2Advertisement> = {}): L2Advertisement {
  return { name, pools, interfaces: [], hosts: [], hostSelectors: [], nodeSelectors: [], serviceSelectors: [], prefer: [], ...parts };
}

export function peer(name: string, ip: string, parts: Partial<BgpPeerConfig> = {}): BgpPeerConfig {
  return {
    name,
    address: address(ip),
    zone: undefined,
    asn: 64501,
    localAsn: 64500,
    port: 179,
    sourceAddress: undefined,
    sourceInterface: undefined,
    holdTimeMs: 90_000,
    keepaliveTimeMs: 30_000,
    connectTimeMs: 10_000,
    passwordFile: undefined,
    multihop: 0,
    ttlSecurity: false,
    bfd: undefined,
    families: ["ipv4", "ipv6"],
    passive: false,
    maxPrefixes: 0,
    role: undefined,
    gracefulRestartMs: 0,
    hosts: [],
    hostSelectors: [],
    nodeSelectors: [],
    ...parts,
  };
}

export function advertisement(name: string, pools: readonly string[], peers: readonly string[], parts: Partial<BgpAdvertisement> = {}): BgpAdvertisement {
  return {
    name,
    pools,
    peers,
    hosts: [],
    hostSelectors: [],
    nodeSelectors: [],
    serviceSelectors: [],
    aggregationLength: { ipv4: 32, ipv6: 128 },
    localPref: 100,
    med: undefined,
    prepend: 0,
    communities: [],
    withoutEndpoints: "withdraw",
    linkBandwidth: "off",
    ...parts,
  };
}
