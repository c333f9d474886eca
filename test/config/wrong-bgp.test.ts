/** Wrong configurations of BGP: peers, advertisements, communities, and how they fit together. */
import { test } from "node:test";
import { type Expected, assertProblems, load } from "./loading.ts";

type Wrong = readonly [what: string, toml: string, ...expected: Expected[]];

/** Line 1 is [bgp], 3 is [[bgp.peer]], 7 the first line of `more`. */
const peer = (more: string, asn = "64501", address = "192.0.2.1"): string => `[bgp]\nasn = 64500\n[[bgp.peer]]\nname = "tor-1"\naddress = "${address}"\nasn = ${asn}\n${more}\n`;

/** Of the first, line 3 is [[bgp.peer]] and 7 the first line of `more`. */
const unnumbered = (name: string, more = ""): string => `[[bgp.peer]]\nname = "${name}"\ninterface = "eth1"\nasn = "external"${more === "" ? "" : `\n${more}`}\n`;

/** Line 7 is [[bgp.advertisement]], 8 the first line of `more`. */
const advertisement = (more: string): string => `${peer("[[bgp.advertisement]]")}${more}\n`;

const SPEAKER: readonly Wrong[] = [
  ["a scalar", "bgp = 64500", [1, "bgp", "must be a table [bgp], not an integer"]],
  ["peers without our AS", '[[bgp.peer]]\nname = "a"\naddress = "192.0.2.1"\nasn = 1', [1, "bgp.asn", "missing; add asn = 64500"]],
  ["a listener without our AS", '[bgp]\nlisten = ["192.0.2.1:179"]', [1, "bgp.asn", "missing"]],
  ["an AS in quotes", '[bgp]\nasn = "64500"', [2, "bgp.asn", 'not "64500"; write it without quotes']],
  ["an AS as a float", "[bgp]\nasn = 64500.0", [2, "bgp.asn", "not the float 64500.0"]],
  ["an AS of zero", "[bgp]\nasn = 0", [2, "bgp.asn", "from 1 to 4294967294"]],
  ["the last AS", "[bgp]\nasn = 4294967295", [2, "bgp.asn", "from 1 to 4294967294"]],
  ["AS_TRANS", "[bgp]\nasn = 23456", [2, "bgp.asn", "23456 is AS_TRANS"]],
  ["an AS in dots", '[bgp]\nasn = "1.10"', [2, "bgp.asn", "must be an integer"]],
  ["a listener without a port", '[bgp]\nasn = 1\nlisten = ["192.0.2.1"]', [3, "bgp.listen[0]", 'write "192.0.2.1:PORT"']],
  ["a listener that is no list", '[bgp]\nasn = 1\nlisten = "192.0.2.1:179"', [3, "bgp.listen", "put it in [ ]"]],
  ["a listener twice", '[bgp]\nasn = 1\nlisten = ["192.0.2.1:179", "192.0.2.1:179"]', [3, "bgp.listen[1]", "twice"]],
  ["a listener where the metrics are", '[bgp]\nasn = 1\nlisten = ["127.0.0.1:7472"]', [3, "bgp.listen[0]", '"127.0.0.1:7472" is taken by listen of [metrics], which is "127.0.0.1:7472" by default']],
  ["a listener on all addresses where the metrics are", '[bgp]\nasn = 1\nlisten = ["0.0.0.0:179"]\n[metrics]\nlisten = "[::]:179"', [3, "bgp.listen[0]", 'which is "[::]:179" at /etc/bmlb/config.toml:5']],
  ["a listener on all addresses and one on one", '[bgp]\nasn = 1\nlisten = ["0.0.0.0:179", "192.0.2.1:179"]', [3, "bgp.listen[1]", 'bgp.listen[0] = "0.0.0.0:179" cannot both be listened on', '"0.0.0.0" is every address']],
  ["an unknown key", "[bgp]\nasn = 1\nrouter_id = 1", [3, "bgp.router_id", "no such key"]],
  ["peers in the plural", '[bgp]\nasn = 1\n[[bgp.peers]]\nname = "a"', [3, "bgp.peers", 'did you mean "peer"?']],
  ["one peer as a table", '[bgp]\nasn = 1\n[bgp.peer]\nname = "a"\naddress = "192.0.2.1"\nasn = 2', [3, "bgp.peer", "write [[bgp.peer]], not [bgp.peer]"]],
];

const PEER: readonly Wrong[] = [
  ["no name", '[bgp]\nasn = 1\n[[bgp.peer]]\naddress = "192.0.2.1"\nasn = 2', [3, "bgp.peer[0].name", 'missing; add name = "tor-1"']],
  ["no address", '[bgp]\nasn = 1\n[[bgp.peer]]\nname = "a"\nasn = 2', [3, "bgp.peer[0].address", "missing; add address =", "interface"]],
  ["no AS", '[bgp]\nasn = 1\n[[bgp.peer]]\nname = "a"\naddress = "192.0.2.1"', [3, "bgp.peer[0].asn", "missing; add asn = 64501"]],
  ["an AS in quotes", peer("", '"64501"'), [6, "bgp.peer[0].asn", '"internal" or "external"', "write it without quotes"]],
  ["an AS in other words", peer("", '"ibgp"'), [6, "bgp.peer[0].asn", '"internal" or "external", not "ibgp"']],
  ["a misspelt word for an AS", peer("", '"internl"'), [6, "bgp.peer[0].asn", 'not "internl"; did you mean "internal"?']],
  ["an AS of AS_TRANS", peer("", "23456"), [6, "bgp.peer[0].asn", "AS_TRANS"]],
  ["an address that is a prefix", peer("", "64501", "192.0.2.1/24"), [5, "bgp.peer[0].address", "is a prefix; write one address"]],
  ["an address that is a name", peer("", "64501", "tor-1.example"), [5, "bgp.peer[0].address", "is no IP address"]],
  ["a multicast address", peer("", "64501", "224.0.0.5"), [5, "bgp.peer[0].address", "multicast"]],
  ["the unspecified address", peer("", "64501", "0.0.0.0"), [5, "bgp.peer[0].address", "this network"]],
  ["an IPv4-mapped address", peer("", "64501", "::ffff:192.0.2.1"), [5, "bgp.peer[0].address", "IPv4-mapped"]],
  ["a link-local address without a zone", peer("", "64501", "fe80::1"), [5, "bgp.peer[0].address", 'it needs the interface, as in "fe80::1%eth1"']],
  ["a zone on another address", peer("", "64501", "2001:db8::1%eth1"), [5, "bgp.peer[0].address", "only link-local IPv6 addresses have"]],
  ["a zone that is no interface", peer("", "64501", "fe80::1%"), [5, "bgp.peer[0].address", "names no interface"]],
  ["a port of zero", peer("port = 0"), [7, "bgp.peer[0].port", "from 1 to 65535"]],
  ["a port in quotes", peer('port = "179"'), [7, "bgp.peer[0].port", "write it without quotes"]],
  ["our own AS as local AS", peer("local_asn = 64500"), [7, "bgp.peer[0].local_asn", "is our own AS"]],
  ["a local AS on an internal session", peer("local_asn = 64512", '"internal"'), [7, "bgp.peer[0].local_asn", "contradicts an internal peer"]],
  ["a local AS on a session within our AS", peer("local_asn = 64512", "64500"), [7, "bgp.peer[0].local_asn", "contradicts an internal peer"]],
  ["the peer's AS as local AS", peer("local_asn = 64501"), [7, "bgp.peer[0].local_asn", "the peer's own AS"]],
  ["a source of another family", peer('source_address = "2001:db8::1"'), [7, "bgp.peer[0].source_address", "of another family"]],
  ["the peer's address as source", peer('source_address = "192.0.2.1"'), [7, "bgp.peer[0].source_address", "is the peer's own address"]],
  ["a source that is no address", peer('source_address = "eth0"'), [7, "bgp.peer[0].source_address", "is no IP address"]],
  ["a hold time of 2 s", peer('hold_time = "2s"'), [7, "bgp.peer[0].hold_time", 'from "3s"', 'or "0s"']],
  ["a hold time in half seconds", peer('hold_time = "4500ms"'), [7, "bgp.peer[0].hold_time", "in whole seconds"]],
  ["a hold time beyond 16 bits", peer('hold_time = "65536s"'), [7, "bgp.peer[0].hold_time", 'to "65535s"']],
  ["a hold time that is a number", peer("hold_time = 90"), [7, "bgp.peer[0].hold_time", "not 90; write a number and one unit"]],
  ["keepalives as slow as the hold time", peer('hold_time = "30s"\nkeepalive_time = "30s"'), [8, "bgp.peer[0].keepalive_time", 'must be less than hold_time, which is "30s"']],
  ["keepalives slower than the default", peer('keepalive_time = "2m"'), [7, "bgp.peer[0].keepalive_time", '"90s" by default']],
  ["keepalives without a hold time", peer('hold_time = "0s"\nkeepalive_time = "30s"'), [8, "bgp.peer[0].keepalive_time", "contradicts hold_time"]],
  ["keepalives of zero", peer('keepalive_time = "0s"'), [7, "bgp.peer[0].keepalive_time", 'from "1s"']],
  ["a connect time of zero", peer('connect_time = "0s"'), [7, "bgp.peer[0].connect_time", 'from "1s"']],
  ["GTSM over several hops", peer("multihop = 3\nttl_security = true"), [8, "bgp.peer[0].ttl_security", "contradicts multihop = 3"]],
  ["a TTL of 256", peer("multihop = 256"), [7, "bgp.peer[0].multihop", "from 0 to 255"]],
  ["multihop as true", peer("multihop = true"), [7, "bgp.peer[0].multihop", "not true"]],
  ["several hops to a link-local address", peer("multihop = 2", "64501", "fe80::1%eth0"), [7, "bgp.peer[0].multihop", "contradicts the link-local address"]],
  ["no families", peer("families = []"), [7, "bgp.peer[0].families", "must not be empty"]],
  ["a family that is none", peer('families = ["ip4"]'), [7, "bgp.peer[0].families[0]", '"ipv4" or "ipv6"', 'did you mean "ipv4"?']],
  ["a family twice", peer('families = ["ipv4", "ipv4"]'), [7, "bgp.peer[0].families[1]", "twice"]],
  ["families that are no list", peer('families = "ipv4"'), [7, "bgp.peer[0].families", "put it in [ ]"]],
  ["a passive peer that nobody can reach", peer("passive = true"), [7, "bgp.peer[0].passive", "contradicts an empty listen in [bgp]"]],
  ["a passive peer and an empty listen", `[bgp]\nlisten = []\n${peer("passive = true").slice(6)}`, [8, "bgp.peer[0].passive", "contradicts an empty listen"]],
  ["an interface that two peers have", `[bgp]\nasn = 1\n${unnumbered("a")}${unnumbered("b")}`, [9, "bgp.peer[1].interface", '"eth1" is also the interface of bgp.peer[0]']],
  ["an interface and several hops", `[bgp]\nasn = 1\n${unnumbered("a", "multihop = 2")}`, [7, "bgp.peer[0].multihop", "which no router forwards"]],
  ["an interface and a source", `[bgp]\nasn = 1\n${unnumbered("a", 'source_address = "fe80::9"')}`, [7, "bgp.peer[0].source_address", 'contradicts interface = "eth1"']],
  ["an interface and another one as source", `[bgp]\nasn = 1\n${unnumbered("a", 'source_interface = "lo"')}`, [7, "bgp.peer[0].source_interface", 'contradicts interface = "eth1"']],
  ["an interface that is none", '[bgp]\nasn = 1\n[[bgp.peer]]\nname = "a"\ninterface = "a/b"\nasn = 2', [5, "bgp.peer[0].interface", "is no interface"]],
  ["an interface and an address", peer('interface = "eth1"'), [7, "bgp.peer[0].interface", "contradicts address"]],
  ["a source interface that is none", peer('source_interface = "a b"'), [7, "bgp.peer[0].source_interface", "is no interface"]],
  ["a source interface for a link-local peer", peer('source_interface = "lo"', "64501", "fe80::1%eth1"), [7, "bgp.peer[0].source_interface", "contradicts the link-local address of the peer"]],
  ["two sources", peer('source_address = "192.0.2.9"\nsource_interface = "lo"'), [8, "bgp.peer[0].source_interface", "contradicts source_address"]],
  ["TCP-AO, which is to come", peer('authentication = "tcp-ao"'), [7, "bgp.peer[0].authentication", "not supported yet", "TCP-AO (RFC 5925)", "CONFIG_TCP_AO", 'allowed for now is "md5"']],
  ["no such authentication", peer('authentication = "tcpao"'), [7, "bgp.peer[0].authentication", '"md5" or "tcp-ao"', 'did you mean "tcp-ao"?']],
  ["no such role", peer('role = "costumer"'), [7, "bgp.peer[0].role", '"rs-client", "customer" or "peer"', 'did you mean "customer"?']],
  ["a role toward our own AS", peer('role = "peer"', "64500"), [7, "bgp.peer[0].role", "contradicts an internal peer"]],
  ["a role toward an internal peer", peer('role = "customer"', '"internal"'), [7, "bgp.peer[0].role", "contradicts an internal peer"]],
  ["graceful restart that is no whole second", peer('graceful_restart = "1500ms"'), [7, "bgp.peer[0].graceful_restart", '"1500ms"', "whole seconds"]],
  ["graceful restart beyond 12 bits", peer('graceful_restart = "4096s"'), [7, "bgp.peer[0].graceful_restart", 'to "4095s"']],
  ["a limit of routes below zero", peer("max_prefixes = -1"), [7, "bgp.peer[0].max_prefixes", "from 0"]],
  ["a profile that does not exist", peer('bfd = "fast"'), [7, "bgp.peer[0].bfd", 'there is no profile in [[bfd]] "fast"']],
  ["a profile that is misspelt", `${peer('bfd = "fats"')}[[bfd]]\nname = "fast"`, [7, "bgp.peer[0].bfd", 'did you mean "fast"?'], [8, "bfd[0]", "not supported yet"]],
  ["a profile, which is to come", `${peer('bfd = "fast"')}[[bfd]]\nname = "fast"`, [7, "bgp.peer[0].bfd", "not supported yet"], [8, "bfd[0]", "not supported yet"]],
  ["echo over several hops", `${peer('multihop = 2\nbfd = "fast"')}[[bfd]]\nname = "fast"\necho_mode = true`, [8, "bgp.peer[0].bfd", "echo_mode", "multihop is 2"], [9, "bfd[0]", "not supported yet"]],
  ["echo over IPv6", `${peer('bfd = "fast"', "64501", "2001:db8::1")}[[bfd]]\nname = "fast"\necho_mode = true`, [7, "bgp.peer[0].bfd", "over IPv4 only"], [8, "bfd[0]", "not supported yet"]],
  ["two peers of one name", `${peer("")}[[bgp.peer]]\nname = "TOR-1"\naddress = "192.0.2.2"\nasn = 1`, [9, "bgp.peer[1].name", '"TOR-1" is taken by bgp.peer[0].name']],
  ["two peers of one address", `${peer("")}[[bgp.peer]]\nname = "b"\naddress = "192.0.2.1"\nasn = 1`, [10, "bgp.peer[1].address", "is also the address of bgp.peer[0]", "another port or disjoint hosts"]],
  ["two peers of one address in two spellings", `${peer("", "64501", "2001:db8::1")}[[bgp.peer]]\nname = "b"\naddress = "2001:DB8:0::1"\nasn = 1`, [10, "bgp.peer[1].address", "is also the address"]],
  ["two peers of one address for hosts that overlap", `${peer('hosts = ["edge-*"]')}[[bgp.peer]]\nname = "b"\naddress = "192.0.2.1"\nasn = 1\nhosts = ["*-1"]`, [10, "bgp.peer[1].address", "disjoint hosts"]],
  ["two peers of one address, chosen by name and by label", `${peer('hosts = ["edge-1"]')}[[bgp.peer]]\nname = "b"\naddress = "192.0.2.1"\nasn = 1\nhost_selectors = ["rack=r1"]`, [10, "bgp.peer[1].address", "disjoint hosts"]],
  ["a misspelt key", peer('holdtime = "90s"'), [7, "bgp.peer[0].holdtime", 'did you mean "hold_time"?']],
  ["a password that is a number, which is not shown", peer("password_file = 271828"), [7, "bgp.peer[0].password_file", "not an integer"]],
];

const ADVERTISEMENT: readonly Wrong[] = [
  ["a pool that does not exist", advertisement('pools = ["bse"]'), [8, "bgp.advertisement[0].pools[0]", 'there is no pool "bse"; did you mean "base"?']],
  ["a peer that does not exist", advertisement('peers = ["tor-2"]'), [8, "bgp.advertisement[0].peers[0]", 'there is no peer "tor-2"; did you mean "tor-1"?']],
  ["a pattern that fits no peer", advertisement('peers = ["spine-*"]'), [8, "bgp.advertisement[0].peers[0]", 'no peer fits "spine-*"; there is "tor-1"']],
  ["a pattern that is none", advertisement('peers = ["tor-["]'), [8, "bgp.advertisement[0].peers[0]", "without its counterpart"]],
  ["an advertisement for a peer when there is none", '[bgp]\nasn = 1\n[[bgp.advertisement]]\npeers = ["a"]', [4, "bgp.advertisement[0].peers[0]", "there is no peer at all"]],
  ["two without a name", advertisement("[[bgp.advertisement]]"), [8, "bgp.advertisement[1].name", "missing", "taken by bgp.advertisement[0].name"]],
  ["a length of 33", advertisement("aggregation_length = 33"), [8, "bgp.advertisement[0].aggregation_length", "from 1 to 32"]],
  ["a length of zero", advertisement("aggregation_length_v6 = 0"), [8, "bgp.advertisement[0].aggregation_length_v6", "from 1 to 128"]],
  ["an aggregate of chosen Services in IPv6", advertisement('aggregation_length_v6 = 64\nservice_selectors = ["a=b"]'), [8, "bgp.advertisement[0].aggregation_length_v6", "contradicts service_selectors"]],
  ["an aggregate that is wider than its pool", advertisement("aggregation_length = 23"), [8, "bgp.advertisement[0].aggregation_length", '23 is wider than "203.0.113.0-203.0.113.255" of pool "base"; allowed is 24 to 32']],
  ["an aggregate that is wider than its range", `[[pool]]\nname = "lan"\naddresses = ["192.168.1.240-192.168.1.250"]\n[bgp]\nasn = 1\n[[bgp.advertisement]]\naggregation_length = 28`, [7, "bgp.advertisement[0].aggregation_length", "allowed is 29 to 32"]],
  ["an aggregate of chosen Services", advertisement('aggregation_length = 24\nservice_selectors = ["a=b"]'), [8, "bgp.advertisement[0].aggregation_length", "contradicts service_selectors"]],
  ["a local_pref below zero", advertisement("local_pref = -1"), [8, "bgp.advertisement[0].local_pref", "from 0 to 4294967295"]],
  ["a MED beyond 32 bits", advertisement("med = 4294967296"), [8, "bgp.advertisement[0].med", "from 0 to 4294967295"]],
  ["eleven prepends", advertisement("prepend = 11"), [8, "bgp.advertisement[0].prepend", "from 0 to 10"]],
  ["no such way without endpoints", advertisement('without_endpoints = "keeep"'), [8, "bgp.advertisement[0].without_endpoints", '"withdraw" or "keep"', 'did you mean "keep"?']],
  ["no such link bandwidth", advertisement('link_bandwidth = "transitve"'), [8, "bgp.advertisement[0].link_bandwidth", '"off", "non-transitive" or "transitive"', 'did you mean "transitive"?']],
  ["a link bandwidth as a number", advertisement("link_bandwidth = 1000"), [8, "bgp.advertisement[0].link_bandwidth", "not 1000"]],
  ["two of different link bandwidth", advertisement('name = "a"\n[[bgp.advertisement]]\nname = "b"\nlink_bandwidth = "transitive"'), [11, "bgp.advertisement[1].link_bandwidth", '"transitive" contradicts bgp.advertisement[0] at', 'with "off"']],
  ["two of different local_pref", advertisement('name = "a"\n[[bgp.advertisement]]\nname = "b"\nlocal_pref = 200'), [11, "bgp.advertisement[1].local_pref", "200 contradicts bgp.advertisement[0] at /etc/bmlb/config.toml:7", "with 100"]],
  ["two of which one has a MED", advertisement('name = "a"\nmed = 5\n[[bgp.advertisement]]\nname = "b"'), [10, "bgp.advertisement[1].med", "none contradicts", "with 5"]],
  ["two of different length of path", advertisement('name = "a"\nprepend = 1\n[[bgp.advertisement]]\nname = "b"\npeers = ["tor-*"]\nprepend = 2'), [13, "bgp.advertisement[1].prepend", "2 contradicts"]],
  ["two that differ in more than one way", advertisement('name = "a"\nprepend = 1\n[[bgp.advertisement]]\nname = "b"\nlocal_pref = 200\nmed = 1'), [10, "bgp.advertisement[1].prepend", "0 contradicts"], [12, "bgp.advertisement[1].local_pref", "200 contradicts"], [13, "bgp.advertisement[1].med", "1 contradicts"]],
  ["two that meet on some hosts", advertisement('name = "a"\nhosts = ["edge-*"]\n[[bgp.advertisement]]\nname = "b"\nmed = 1\nhosts = ["*-2"]'), [12, "bgp.advertisement[1].med", "1 contradicts"]],
];

const communities = (values: string, aliases = ""): string => `${advertisement(`communities = [${values}]`)}[bgp.communities]\n${aliases}\n`;

const COMMUNITIES: readonly Wrong[] = [
  ["a name that is misspelt", communities('"no-exprot"'), [8, "bgp.advertisement[0].communities[0]", 'did you mean "no-export"?']],
  ["a name of ours that is misspelt", communities('"glod"', 'gold = "1:1"'), [8, "bgp.advertisement[0].communities[0]", 'did you mean "gold"?']],
  ["a number above 16 bits", communities('"65536:1"'), [8, "bgp.advertisement[0].communities[0]", "use large:A:B:C"]],
  ["three numbers", communities('"1:2:3"'), [8, "bgp.advertisement[0].communities[0]", '"large:64500:1:2"']],
  ["a large one of two numbers", communities('"large:1:2"'), [8, "bgp.advertisement[0].communities[0]", "is no community"]],
  ["a large one beyond 32 bits", communities('"large:1:2:4294967296"'), [8, "bgp.advertisement[0].communities[0]", "above 4294967295"]],
  ["a route target beyond both forms", communities('"rt:70000:70000"'), [8, "bgp.advertisement[0].communities[0]", "at most 65535"]],
  ["a number", communities("100"), [8, "bgp.advertisement[0].communities[0]", "not 100"]],
  ["an empty one", communities('""'), [8, "bgp.advertisement[0].communities[0]", "not empty"]],
  ["one in two spellings", communities('"no-export", "65535:65281"'), [8, "bgp.advertisement[0].communities[1]", "twice"]],
  ["one under two names", communities('"gold", "1:1"', 'gold = "1:1"'), [8, "bgp.advertisement[0].communities[1]", "twice"]],
  ["too many for a message", communities(Array.from({ length: 64 }, (_, i) => `"1:${i}"`).join(", ")), [8, "bgp.advertisement[0].communities", "has 64 items; at most 63"]],
  ["a name for another name", communities("", 'a = "b"\nb = "1:1"'), [10, "bgp.communities.a", '"b" is no community', "a name cannot stand for another name"]],
  ["a name that hides a well-known one", communities("", 'No-Export = "1:1"'), [10, "bgp.communities.No-Export", "is a well-known community"]],
  ["two names that differ in case", communities("", 'gold = "1:1"\nGold = "1:2"'), [11, "bgp.communities.Gold", "differs from gold in case only"]],
  ["a name that looks like a number pair", communities("", '"1:1" = "1:2"'), [10, 'bgp.communities."1:1"', "is no name for a community"]],
  ["a value that is a number", communities("", "gold = 1"), [10, "bgp.communities.gold", "not 1"]],
  ["a list", '[bgp]\nasn = 1\ncommunities = ["1:1"]', [3, "bgp.communities", "a table of names", "not a list"]],
];

for (const [where, cases] of Object.entries({ "[bgp]": SPEAKER, "[[bgp.peer]]": PEER, "[[bgp.advertisement]]": ADVERTISEMENT, communities: COMMUNITIES })) {
  for (const [what, toml, ...expected] of cases) test(`wrong in ${where}: ${what}`, () => { assertProblems(load(toml), expected); });
}
