/** The tables of BGP: [bgp], [[bgp.peer]], [[bgp.advertisement]]. Pure. */
import { parsePeerAddress, parseSocketAddress, parseSourceAddress } from "./address-text.ts";
import { parseCommunityAlias } from "./community-text.ts";
import { glob, hostGlob, interfaceName, named, ownName, reference, selector } from "./names.ts";
import { didYouMean, nearestOf } from "./nearest.ts";
import { key, optional, required, table } from "./table.ts";
import { type ValueType, boolean, duration, integer, list, mismatch, nonEmptyList, oneOf, parsedText, secretPath } from "./value.ts";

const MOST_32 = 4_294_967_295;

/** RFC 6793: 4 octets; 0 (RFC 7607) and the last one (RFC 7300) are reserved, 23456 stands for those that do not fit 2 octets. */
const asNumber = integer(1, MOST_32 - 1, { 23456: "AS_TRANS, reserved" });

const nearestAsnWord = nearestOf(["internal", "external"]);

const peerAsn: ValueType<number | "internal" | "external"> = {
  allowed: `${asNumber.allowed}, "internal" or "external"`,
  choices: ["internal", "external"],
  read(node, report) {
    if (node.type === "integer") return asNumber.read(node, report);
    if (node.type === "string" && (node.value === "internal" || node.value === "external")) return node.value;
    if (node.type !== "string") return mismatch(peerAsn.allowed, node, report);
    return mismatch(peerAsn.allowed, node, report, /^[0-9]+$/.test(node.value) ? "; write it without quotes" : didYouMean(nearestAsnWord(node.value)));
  },
};

const peerHosts = {
  hosts: key({ type: list(hostGlob), default: [], example: ["edge-*"], doc: "Hosts to which this applies, shell patterns allowed; if host_selectors is empty too: all." }),
  host_selectors: key({ type: list(selector), default: [], example: ["rack=r1"], doc: "Label selectors for hosts to which this applies besides those in hosts." }),
  node_selectors: key({ type: list(selector), default: [], example: ["zone=a"], doc: "Label selectors for the Kubernetes nodes of worker hosts to which this applies; empty: all." }),
} as const;

export const BGP = table({
  path: "bgp",
  kind: "one",
  doc: "Announces addresses to routers.",
  inner: ["peer", "advertisement"],
  keys: {
    asn: optional({ type: asNumber, without: "none; needed as soon as there is a peer", example: 64500, doc: "Our autonomous system." }),
    listen: key({ type: list(parsedText('an IP:PORT such as "192.0.2.1:179"', parseSocketAddress)), default: [], example: ["192.0.2.1:179"], doc: "Addresses and ports on which sessions are accepted; empty: sessions are only opened from here." }),
    communities: key({
      type: named("a community", 'a table of names such as { gold = "64500:300" }', parseCommunityAlias),
      default: {},
      example: { gold: "64500:300" },
      doc: "Names for communities, for use in advertisements.",
    }),
  },
});

export const BGP_PEER = table({
  path: "bgp.peer",
  kind: "many",
  doc: "A router to which addresses are announced.",
  keys: {
    name: required({ type: ownName, example: "tor-1", doc: "Name of the peer, unique without regard to case." }),
    address: optional({ type: parsedText("an IP address", parsePeerAddress), without: "none; interface is used", example: "192.0.2.254", doc: "Address of the peer; a link-local one with its interface, as in fe80::1%eth1." }),
    interface: optional({
      type: interfaceName,
      without: "none; address is used",
      example: "eth1",
      insteadOf: "address",
      doc: "Instead of address: the peer is the router on this interface, known by its Router Advertisements, and both use their IPv6 link-local addresses (an unnumbered session).",
    }),
    asn: required({ type: peerAsn, example: 64501, doc: 'Autonomous system of the peer; "internal": our own, "external": any other.' }),
    local_asn: optional({ type: asNumber, without: "asn of [bgp]", example: 64512, doc: "Autonomous system that we say to be in toward this peer." }),
    port: key({ type: integer(1, 65_535), default: 179, example: 179, doc: "TCP port of the peer." }),
    source_address: optional({ type: parsedText("an IP address", parseSourceAddress), without: "chosen by the kernel", example: "192.0.2.1", doc: "Our address of the session." }),
    source_interface: optional({
      type: interfaceName,
      without: "none",
      example: "lo",
      insteadOf: "source_address",
      doc: "Instead of source_address: the interface whose first address of the peer's family, without link-local ones, is ours in the next session.",
    }),
    hold_time: key({
      type: duration({ least: "3s", most: "65535s", whole: "seconds", zero: "no hold timer and no keepalives" }),
      default: "90s",
      example: "90s",
      doc: "Time of silence after which a session is down; the lower value of both sides counts.",
    }),
    keepalive_time: optional({ type: duration({ least: "1s", most: "21845s", whole: "seconds" }), without: "a third of hold_time", example: "30s", doc: "Time between two keepalives." }),
    connect_time: key({ type: duration({ least: "1s", most: "65535s", whole: "seconds" }), default: "10s", example: "10s", doc: "Time that an attempt to connect may take." }),
    password_file: optional({ type: secretPath, without: "no password", example: "/etc/bmlb/tor-1.password", doc: "File with the password for TCP MD5 signatures, one line of 1 to 80 octets, which others must not be able to read." }),
    authentication: key({
      type: oneOf("md5", "tcp-ao"),
      default: "md5",
      example: "md5",
      doc: "How the packets of a session with a password_file are signed: by TCP MD5 (RFC 2385). TCP-AO (RFC 5925) is refused for now.",
      notYet: (way) => (way === "md5" ? undefined : 'TCP-AO (RFC 5925) is to come: few kernels have it (CONFIG_TCP_AO), and it has not been tried on one; allowed for now is "md5"'),
    }),
    multihop: key({ type: integer(0, 255), default: 0, example: 0, doc: "TTL of packets to a peer that is not adjacent; 0: it is adjacent." }),
    ttl_security: key({ type: boolean, default: false, example: false, doc: "Whether only packets with TTL 255 are accepted (GTSM, RFC 5082)." }),
    bfd: optional({
      type: reference,
      without: "no BFD",
      example: "fast",
      doc: "Profile of [[bfd]] by which the path to the peer is watched: when it is down the session ends at once.",
    }),
    graceful_restart: key({
      type: duration({ least: "1s", most: "4095s", whole: "seconds", zero: "off" }), // 12 bits, RFC 4724 3
      default: "0s",
      example: "0s",
      doc: "Time for which the peer keeps our routes over a restart of the daemon (RFC 4724), and as long when this host dies, so not much more than a restart needs: 30s is enough; 0s: off.",
    }),
    families: key({ type: nonEmptyList(oneOf("ipv4", "ipv6")), default: ["ipv4", "ipv6"], example: ["ipv4", "ipv6"], doc: "Address families that are announced." }),
    passive: key({ type: boolean, default: false, example: false, doc: "Whether we wait for the peer to open the session. Of several sessions with one address only one can be passive; it gets the connections that come from there." }),
    role: optional({
      type: oneOf("provider", "rs", "rs-client", "customer", "peer"),
      without: "no role is said",
      example: "customer",
      doc: "What we are to an external peer (BGP role, RFC 9234): usually its customer. A peer whose role does not go with it is refused, one that says none is not. As provider, rs or peer our routes are marked to go only to customers.",
    }),
    max_prefixes: key({
      type: integer(0, MOST_32),
      default: 0,
      example: 0,
      doc: "Number of routes of each family, as most routers count, beyond which new ones are held back, rather than trip the router's limit and lose the session; 0: no limit. They follow in the order in which they came as others go; lowered, it takes back those that came last.",
    }),
    ...peerHosts,
  },
});

export const BGP_ADVERTISEMENT = table({
  path: "bgp.advertisement",
  kind: "many",
  doc: "What is announced to which peers, and how.",
  keys: {
    name: key({ type: ownName, default: "default", example: "lan", doc: "Name of the advertisement, unique among [[bgp.advertisement]]." }),
    pools: key({ type: list(reference), default: [], example: ["lan"], doc: "Pools that are announced; empty: all." }),
    peers: key({ type: list(glob), default: [], example: ["tor-*"], doc: "Peers to announce to, shell patterns allowed; empty: all." }),
    ...peerHosts,
    service_selectors: key({ type: list(selector), default: [], example: ["tier=public"], doc: "Label selectors for Services whose addresses are announced; empty: all." }),
    aggregation_length: key({
      type: integer(1, 32),
      default: 32,
      example: 32,
      doc: "Length of the IPv4 prefixes that are announced; below 32 the aggregate of that length, which needs the drop-in for gateways (see AGGREGATES in bmlb.toml(5)).",
    }),
    aggregation_length_v6: key({
      type: integer(1, 128),
      default: 128,
      example: 128,
      doc: "Length of the IPv6 prefixes that are announced; below 128 as above.",
    }),
    local_pref: key({ type: integer(0, MOST_32), default: 100, example: 100, doc: "LOCAL_PREF of the routes, sent to internal peers only." }),
    med: optional({ type: integer(0, MOST_32), without: "no MED attribute", example: 0, doc: "MULTI_EXIT_DISC of the routes." }),
    prepend: key({ type: integer(0, 10), default: 0, example: 0, doc: "How often our AS is prepended beyond the one that must be there." }),
    communities: key({ type: list(reference, 63), default: [], example: ["64500:100", "no-export", "large:64500:1:2"], doc: "Communities of the routes: A:B, large:A:B:C, rt:A:B, well-known names and names from [bgp.communities]." }),
    without_endpoints: key({ type: oneOf("withdraw", "keep"), default: "withdraw", example: "withdraw", doc: "What becomes of the route of a Cluster-policy Service that has no endpoint at all." }),
    link_bandwidth: key({
      type: oneOf("off", "non-transitive", "transitive"),
      default: "off",
      example: "non-transitive",
      doc: "Whether routes of Services with externalTrafficPolicy Local tell routers how many ready endpoints the node of this host has, so that they weigh hosts by it (Link Bandwidth extended community, 1 Mbit/s for each), and whether it may be passed on to other autonomous systems. Of no effect without node in [host]. FRR 10.3 to 10.5 weigh by the transitive form alone.",
    }),
  },
});
