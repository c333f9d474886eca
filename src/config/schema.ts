/**
 * Every table and key of config.toml, as data: what the reader checks is what the shipped file, the man page and the completion
 * say. Which keys belong together is checked in the files named after them. Pure.
 */
import { type SocketAddress, parsePoolEntry, parseRouterId, parseSocketAddress } from "./address-text.ts";
import { BFD } from "./schema-bfd.ts";
import { BGP, BGP_ADVERTISEMENT, BGP_PEER } from "./schema-bgp.ts";
import { DAMPING, FORWARDING } from "./schema-to-come.ts";
import { dnsLabel, glob, hostGlob, labels, loadBalancerClass, namespace, nodeName, ownName, reference, selector } from "./names.ts";
import { type Table, key, optional, required, table } from "./table.ts";
import { type ValueType, boolean, duration, integer, list, mismatch, nonEmptyList, oneOf, parsedText, secretPath, text } from "./value.ts";

export const HOST = table({
  path: "host",
  kind: "one",
  doc: "This host.",
  keys: {
    name: optional({ type: dnsLabel, without: "the hostname, in lower case", example: "edge-1", doc: "Name of this host, unique in the fleet." }),
    node: optional({ type: nodeName, without: "none: this host is a gateway", example: "worker-1", doc: "The Kubernetes node that runs on this host." }),
    labels: key({ type: labels, default: {}, example: { rack: "r1" }, doc: "Labels by which host_selectors choose this host." }),
    weight: key({ type: integer(1, 10_000), default: 100, example: 100, doc: "Share of the VIPs that this host takes, relative to the other hosts." }),
    router_id: optional({
      type: parsedText("an IPv4 address", parseRouterId),
      without: "the first IPv4 address of the default route's interface; without one, a hash of the machine-id",
      example: "192.0.2.1",
      doc: "BGP identifier of this host.",
    }),
    log_level: key({
      type: oneOf("error", "warning", "notice", "info", "debug"),
      default: "info",
      example: "info",
      doc: "The least important lines that are still logged.",
    }),
  },
});

export const KUBERNETES = table({
  path: "kubernetes",
  kind: "one",
  doc: "The Kubernetes API, reached from outside the cluster.",
  keys: {
    kubeconfig: key({ type: secretPath, default: "/etc/bmlb/kubeconfig", example: "/etc/bmlb/kubeconfig", doc: "File with the address of the API and the credentials for it, which others must not be able to read." }),
    context: key({ type: text, default: "", example: "", doc: "Context of the kubeconfig to use; empty: its current-context." }),
    namespace: key({ type: namespace, default: "bmlb-system", example: "bmlb-system", doc: "Namespace in which the hosts keep their Leases." }),
    load_balancer_class: key({ type: loadBalancerClass, default: "bmlb.io/bmlb", example: "bmlb.io/bmlb", doc: "Services of this loadBalancerClass are served." }),
    unclassed: key({ type: boolean, default: true, example: true, doc: "Whether Services that name no class are served as well." }),
  },
});

export const POOL = table({
  path: "pool",
  kind: "many",
  doc: "Addresses that may be given to Services.",
  keys: {
    name: required({ type: ownName, example: "lan", doc: "Name of the pool, unique without regard to case." }),
    addresses: required({
      type: nonEmptyList(parsedText('a prefix "192.0.2.0/24", a range "192.0.2.10-192.0.2.20" or an address', parsePoolEntry)),
      example: ["192.168.1.240-192.168.1.250", "192.168.10.0/24", "2001:db8:1::/120"],
      doc: "Prefixes, ranges and single addresses, given out in this order; none may overlap another.",
    }),
    auto_assign: key({ type: boolean, default: true, example: true, doc: "Whether Services that do not ask for this pool may get an address from it." }),
    avoid_buggy_ips: key({ type: boolean, default: false, example: false, doc: "Whether IPv4 addresses ending in .0 and .255 are left out, for clients that mistake them for broadcast." }),
    priority: key({ type: integer(0, 2_147_483_647), default: 0, example: 0, doc: "Pools with a lower number are used first; 0 comes last." }),
    reuse_delay: key({ type: duration({ least: "1s", most: "168h", zero: "no delay" }), default: "5m", example: "5m", doc: "Time before a freed address goes to another Service." }),
    namespaces: key({ type: list(namespace), default: [], example: ["shop"], doc: "Names of the namespaces that may use the pool; empty: all." }),
    namespace_selectors: key({ type: list(selector), default: [], example: ["team=web,tier in (edge)"], doc: "Label selectors for namespaces that may use the pool besides those named." }),
    service_selectors: key({ type: list(selector), default: [], example: ["tier=public"], doc: "Label selectors for Services that may use the pool; with namespaces given, both must fit." }),
  },
});

export const L2 = table({
  path: "l2",
  kind: "many",
  doc: "Announces pools on local segments, by ARP and NDP.",
  keys: {
    name: key({ type: ownName, default: "default", example: "lan", doc: "Name of the advertisement, unique among [[l2]]." }),
    pools: key({ type: list(reference), default: [], example: ["lan"], doc: "Pools that are announced; empty: all." }),
    interfaces: key({ type: list(glob), default: [], example: ["eth*"], doc: "Interfaces to announce on, shell patterns allowed; empty: every one that is up and can broadcast." }),
    hosts: key({ type: list(hostGlob), default: [], example: ["edge-*"], doc: "Hosts that announce, shell patterns allowed; if host_selectors is empty too: all." }),
    host_selectors: key({ type: list(selector), default: [], example: ["rack=r1"], doc: "Label selectors for hosts that announce besides those in hosts." }),
    node_selectors: key({ type: list(selector), default: [], example: ["zone=a"], doc: "Label selectors for the Kubernetes nodes of worker hosts that announce; empty: all." }),
    service_selectors: key({ type: list(selector), default: [], example: ["tier=public"], doc: "Label selectors for Services whose addresses are announced; empty: all." }),
    prefer: key({ type: list(hostGlob), default: [], example: ["edge-1"], doc: "Hosts that serve while they are as fit as any other; never a pin." }),
  },
});

export const FLEET = table({
  path: "fleet",
  kind: "one",
  doc: "How the hosts watch each other and share the work.",
  keys: {
    hello: key({ type: duration({ least: "50ms", most: "10s" }), default: "200ms", example: "200ms", doc: "Time between two hellos; a host of which three are missed is dead." }),
    failback_delay: key({ type: duration({ least: "1s", most: "168h", zero: "none" }), default: "60s", example: "60s", doc: "Time on probation of a host that started or returned." }),
    failback: key({ type: oneOf("auto", "never"), default: "auto", example: "auto", doc: "Whether a returning host takes VIPs back from one that serves them." }),
    key_file: optional({ type: secretPath, without: "the Secret bmlb-fleet", example: "/etc/bmlb/fleet.key", doc: "File with the key that authenticates hellos, at least 16 octets, which others must not be able to read." }),
    refresh: key({ type: duration({ least: "100ms", most: "168h", zero: "never" }), default: "60s", example: "60s", doc: "Time after which announcements are repeated." }),
    announce_rate: key({ type: integer(1, 100_000), default: 500, example: 500, doc: "Gratuitous frames per second after the first pass." }),
  },
});

export const METRICS = table({
  path: "metrics",
  kind: "one",
  doc: "Figures for Prometheus.",
  keys: {
    listen: key({ type: metricsListen(), default: "127.0.0.1:7472", example: "127.0.0.1:7472", doc: 'Address and port of /metrics and /healthz, or "off".' }),
  },
});

function metricsListen(): ValueType<SocketAddress | "off"> {
  const allowed = 'an IP:PORT such as "127.0.0.1:7472", or "off"';
  const address = parsedText(allowed, parseSocketAddress);
  return { allowed, choices: ["off"], read: (node, report) => (node.type !== "string" ? mismatch(allowed, node, report) : node.value === "off" ? "off" : address.read(node, report)) };
}

/** In the order of the shipped file. */
export const SCHEMA: readonly Table[] = [HOST, KUBERNETES, POOL, L2, BGP, BGP_PEER, BGP_ADVERTISEMENT, BFD, FORWARDING, FLEET, DAMPING, METRICS];
