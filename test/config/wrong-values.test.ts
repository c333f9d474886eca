/** Wrong configurations, one key or table at a time: types, ranges, syntax, names. BGP has a file of its own. */
import { test } from "node:test";
import { type Expected, assertProblems, load } from "./loading.ts";

type Wrong = readonly [what: string, toml: string, ...expected: Expected[]];

const POOL = '[[pool]]\nname = "lan"\naddresses = ';

const STRUCTURE: readonly Wrong[] = [
  ["an unknown table", "[kubernets]", [1, "kubernets", "no such table", 'did you mean "kubernetes"?', "allowed here: host, kubernetes"]],
  ["an unknown list of tables", "[[pools]]", [1, "pools", "no such table", 'did you mean "pool"?'], [1, "pool", "there is no pool"]],
  ["a key of [bgp] outside of it", "asn = 64500", [1, "asn", "no such key", "asn is a key of [bgp] and [[bgp.peer]]"]],
  ["a key that is near to nothing", "[host]\nzzzzzz = 1", [2, "host.zzzzzz", "no such key; allowed here: name, node, labels"]],
  ["a misspelt key", '[host]\nnmae = "edge-1"', [2, "host.nmae", 'did you mean "name"?']],
  ["a key in camel case", `${POOL}["192.0.2.0/24"]\nautoAssign = true`, [4, "pool[0].autoAssign", 'did you mean "auto_assign"?']],
  ["a key with a dash", '[host]\nlog-level = "info"', [2, "host.log-level", 'did you mean "log_level"?']],
  ["an inline secret, of which nothing is shown", `[bgp]\nasn = 64500\n[[bgp.peer]]\nname = "a"\naddress = "192.0.2.1"\nasn = 1\npassword = "hunter2"`, [7, "bgp.peer[0].password", 'did you mean "password_file"?']],
  ["a quoted key with an escape sequence", '[host]\n"a\\u001b[31mb" = 1', [2, 'host."a\\u{1b}[31mb"', "no such key"]],
  ["a key called __proto__", "[host]\n__proto__ = { weight = 1 }", [2, "host.__proto__", "no such key"]],
  ["a table called __proto__", "[__proto__]\nweight = 1", [1, "__proto__", "no such table"]],
  ["a key called constructor", "constructor = 1", [1, "constructor", "no such key"]],
  ["a key called hasOwnProperty", "[host]\nhasOwnProperty = 1", [2, "host.hasOwnProperty", "no such key"]],
  ["a scalar where a table belongs", 'host = "edge-1"', [1, "host", "must be a table [host], not a string"]],
  ["a list of tables where one belongs, read on nevertheless", "[[host]]\nweight = 0", [1, "host", "write [host], not [[host]]"], [2, "host[0].weight", "from 1 to 10000"]],
  ["one table where a list belongs, read on nevertheless", '[pool]\nname = "lan"\naddresses = ["192.0.2.300"]', [1, "pool", "write [[pool]], not [pool]"], [3, "pool.addresses[0]", "300 is above 255"]],
  ["tables of their own names where a list belongs, read on nevertheless", '[pool.lan]\naddresses = ["192.0.2.300"]\n[pool.dmz]\naddresses = ["192.0.2.0/24"]\n[[l2]]\npools = ["lan", "dmz"]', [1, "pool.lan", 'write [[pool]] with name = "lan", not [pool.lan]'], [2, "pool.lan.addresses[0]", "300 is above 255"], [3, "pool.dmz", 'name = "dmz"']],
  ["a text where a list of tables belongs", 'pool = "lan"', [1, "pool", "must be a list of tables [[pool]], not a string"]],
  ["a list of texts where a list of tables belongs", 'pool = ["lan"]', [1, "pool[0]", "must be a table", "not a string"]],
  ["an empty list of pools", "pool = []", [1, "pool", "is empty", "[[pool]]"]],
  ["a table where a scalar belongs", "[host.name]\nx = 1", [1, "host.name", "not a table"]],
  ["a list where a scalar belongs", '[host]\nname = ["edge-1"]', [2, "host.name", "not a list"]],
  ["a list where a table belongs", '[host]\nlabels = ["rack=r1"]', [2, "host.labels", "a table of labels", "not a list"]],
  ["a nested table that nobody knows", "[host.rack]\nname = 1", [1, "host.rack", "no such key"]],
  ["a date where a text belongs", "[host]\nname = 2026-11-21", [2, "host.name", "not the date or time 2026-11-21"]],
  ["a date and time where a number belongs", "[host]\nweight = 2026-11-21T07:32:00Z", [2, "host.weight", "not the date or time"]],
  ["a time where a duration belongs", `${POOL}["192.0.2.0/24"]\nreuse_delay = 07:32:00`, [4, "pool[0].reuse_delay", "not the date or time 07:32:00"]],
  ["a key given twice", "[host]\nweight = 1\nweight = 2", [3, "host.weight", "given twice; the first time on line 2"]],
  ["a key given twice besides another error", "[host]\nweight = 0\nweight = 2\nlog_level = 1", [2, "host.weight", "from 1"], [3, "host.weight", "given twice"], [4, "host.log_level", "not 1"]],
  ["a key given three times", "[host]\nweight = 1\nweight = 2\nweight = 3", [3, "host.weight", "line 2"], [4, "host.weight", "line 2"]],
  ["a table given twice, read on nevertheless", "[host]\nweight = 1\n[host]\nname = 1", [3, "host", "given twice; the first time on line 1"], [4, "host.name", "not 1"]],
  ["a key given in both of two equal tables", "[host]\nweight = 1\n[host]\nweight = 2", [3, "host", "given twice"], [4, "host.weight", "given twice; the first time on line 2"]],
  ["a dotted key and its table", "host.weight = 1\n[host]\nweight = 2", [2, "host", "given twice"], [3, "host.weight", "given twice"]],
  ["a key given twice in an inline table", '[host]\nlabels = { a = "1", a = "2" }', [2, "host.labels.a", "given twice"]],
  ["a quoted key given twice", '[host]\n"weight" = 1\n\'weight\' = 2', [3, "host.weight", "given twice"]],
];

const HOST: readonly Wrong[] = [
  ["an upper-case host name", '[host]\nname = "Edge-1"', [2, "host.name", '"Edge-1" must be in lower case: "edge-1"']],
  ["a host name with a dot", '[host]\nname = "edge-1.example"', [2, "host.name", "lower-case letters, digits and dashes"]],
  ["an empty host name", '[host]\nname = ""', [2, "host.name", "not empty"]],
  ["a host name of 64 characters", `[host]\nname = "${"a".repeat(64)}"`, [2, "host.name", "1 to 63"]],
  ["a host name that begins with a dash", '[host]\nname = "-edge"', [2, "host.name", "at both ends"]],
  ["a host name that is a number", "[host]\nname = 1", [2, "host.name", "not 1"]],
  ["a node that is none", '[host]\nnode = "Worker 1"', [2, "host.node", "is no name of a Kubernetes node"]],
  ["a label with a number", "[host]\nlabels = { rack = 1 }", [2, "host.labels.rack", "must be a text in quotes, not 1"]],
  ["a label with a bad key", '[host]\nlabels = { "a b" = "1" }', [2, 'host.labels."a b"', "is no label key"]],
  ["a label with a bad value", '[host]\nlabels = { rack = "r 1" }', [2, "host.labels.rack", '"r 1" is no label value']],
  ["a weight that is text", '[host]\nweight = "100"', [2, "host.weight", 'an integer from 1 to 10000, not "100"; write it without quotes']],
  ["a weight that is a float", "[host]\nweight = 100.0", [2, "host.weight", "not the float 100.0; write it without the point"]],
  ["a weight of zero", "[host]\nweight = 0", [2, "host.weight", "from 1 to 10000, not 0"]],
  ["a weight too high", "[host]\nweight = 10001", [2, "host.weight", "not 10001"]],
  ["a negative weight", "[host]\nweight = -1", [2, "host.weight", "not -1"]],
  ["a weight beyond 64 bits", "[host]\nweight = 99999999999999999999", [2, "host.weight", "not 99999999999999999999"]],
  ["a weight that is not a number", "[host]\nweight = nan", [2, "host.weight", "not the float nan"]],
  ["a weight that is true", "[host]\nweight = true", [2, "host.weight", "not true"]],
  ["a router ID of IPv6", '[host]\nrouter_id = "2001:db8::1"', [2, "host.router_id", "a router ID is written as one"]],
  ["a router ID of zero", '[host]\nrouter_id = "0.0.0.0"', [2, "host.router_id", "must not be zero"]],
  ["a router ID that is a number", "[host]\nrouter_id = 1", [2, "host.router_id", "must be an IPv4 address, not 1"]],
  ["a log level that is none", '[host]\nlog_level = "inof"', [2, "host.log_level", '"error", "warning", "notice", "info" or "debug"', 'did you mean "info"?']],
  ["a log level in upper case", '[host]\nlog_level = "INFO"', [2, "host.log_level", 'not "INFO"', 'did you mean "info"?']],
];

const KUBERNETES: readonly Wrong[] = [
  ["a namespace in upper case", '[kubernetes]\nnamespace = "Bmlb"', [2, "kubernetes.namespace", '"Bmlb" is no namespace']],
  ["an empty namespace", '[kubernetes]\nnamespace = ""', [2, "kubernetes.namespace", "not empty"]],
  ["an empty class", '[kubernetes]\nload_balancer_class = ""', [2, "kubernetes.load_balancer_class", "not empty"]],
  ["a class with a blank", '[kubernetes]\nload_balancer_class = "a b"', [2, "kubernetes.load_balancer_class", "is no load balancer class"]],
  ["unclassed in words", '[kubernetes]\nunclassed = "no"', [2, "kubernetes.unclassed", 'must be true or false, not "no"']],
  ["unclassed in quotes", '[kubernetes]\nunclassed = "true"', [2, "kubernetes.unclassed", "write it without quotes"]],
  ["unclassed as a number", "[kubernetes]\nunclassed = 1", [2, "kubernetes.unclassed", "not 1"]],
  ["a context that is a number", "[kubernetes]\ncontext = 1", [2, "kubernetes.context", "not 1; put it in quotes"]],
];

const ADDRESSES: readonly (readonly [what: string, entry: string, ...words: string[]])[] = [
  ["host bits", "192.168.1.5/24", 'write "192.168.1.0/24" for the whole network or "192.168.1.5/32" for the one address'],
  ["host bits in IPv6", "2001:db8::1/64", '"2001:db8::/64"', '"2001:db8::1/128"'],
  ["an end before the beginning", "192.168.1.250-192.168.1.240", "ends before it begins; write the lower address first"],
  ["two families", "192.0.2.1-2001:db8::1", "mixes IPv4 and IPv6"],
  ["a short end", "192.168.1.1-5", 'write the last address in full: "192.168.1.1-192.168.1.5"'],
  ["a short end with a point", "192.168.1.1-.5", "is no range"],
  ["a range without an end", "192.168.1.1-", "write the first and the last address"],
  ["a range of three", "192.0.2.1-192.0.2.2-192.0.2.3", "with one dash"],
  ["an octet above 255", "192.168.1.300", "300 is above 255"],
  ["three octets", "192.168.1", "has 3 numbers instead of 4"],
  ["a leading zero", "192.168.01.1", "begins with 0"],
  ["a prefix of 33 bits", "192.168.0.0/33", "from 0 to 32", '"33"'],
  ["a prefix of 129 bits", "2001:db8::/129", "from 0 to 128"],
  ["a netmask", "192.168.0.0/255.255.255.0", "from 0 to 32"],
  ["two slashes", "192.168.0.0/24/8", "more than one /"],
  ["a host name", "router.example", "is no IP address"],
  ["IPv6 with too many groups", "2001:db8:1:2:3:4:5:6:7", "is no IPv6 address"],
  ["a zone", "fe80::1%eth0", "has a zone"],
  ["blanks around it", " 192.0.2.1", "blanks around it"],
  ["everything", "0.0.0.0/0", "is every address there is"],
  ["everything in IPv6", "::/0", "is every address there is"],
  ["loopback", "127.0.0.1", "loopback (127.0.0.0/8)"],
  ["a range that reaches into loopback", "126.255.255.0-127.0.0.5", "contains 127.0.0.0/8", "loopback"],
  ["link-local", "169.254.10.0/24", "link-local"],
  ["multicast", "224.0.0.0/24", "multicast"],
  ["class E", "240.0.0.1", "class E"],
  ["broadcast", "255.255.255.255", "broadcast"],
  ["this network", "0.0.0.1", "this network"],
  ["loopback in IPv6", "::1", "loopback"],
  ["the unspecified address", "::", "unspecified"],
  ["link-local in IPv6", "fe80::/64", "link-local"],
  ["multicast in IPv6", "ff02::1", "multicast"],
  ["IPv4-mapped", "::ffff:192.0.2.1", "IPv4-mapped"],
  ["nothing", "", "not empty"],
  ["control characters", "10.0.0.1\\u0007\\u001b[2J", "\\u{7}\\u{1b}[2J"],
  ["a text that turns the line around", "\\u202e1.0.0.01", "\\u{202e}"],
  ["a long text", "x".repeat(5000), "…\" (5000 characters)"],
];

const POOLS: readonly Wrong[] = [
  ["a pool without a name", '[[pool]]\naddresses = ["192.0.2.0/24"]', [1, "pool[0].name", 'missing; add name = "lan"']],
  ["a pool without addresses", '[[pool]]\nname = "lan"', [1, "pool[0].addresses", "missing; add addresses = ["]],
  ["a pool without anything", "[[pool]]", [1, "pool[0].name", "missing"], [1, "pool[0].addresses", "missing"]],
  ["the second pool without a name", `${POOL}["192.0.2.0/24"]\n[[pool]]\naddresses = ["198.51.100.0/24"]`, [4, "pool[1].name", "missing"]],
  ["an empty name", '[[pool]]\nname = ""\naddresses = ["192.0.2.0/24"]', [2, "pool[0].name", "not empty"]],
  ["a name with a blank", '[[pool]]\nname = "my lan"\naddresses = ["192.0.2.0/24"]', [2, "pool[0].name", '"my lan" is no name']],
  ["no addresses", `${POOL}[]`, [3, "pool[0].addresses", "must not be empty"]],
  ["addresses that are no list", `${POOL}"192.0.2.0/24"`, [3, "pool[0].addresses", 'not "192.0.2.0/24"; put it in [ ]']],
  ["addresses that are numbers", `${POOL}[10]`, [3, "pool[0].addresses[0]", "not 10"]],
  ["addresses in a list in a list", `${POOL}[["192.0.2.1"]]`, [3, "pool[0].addresses[0]", "not a list"]],
  ["addresses in a table", `${POOL}{ first = "192.0.2.1" }`, [3, "pool[0].addresses", "not a table"]],
  ["two faults in one list, on their lines", `${POOL}[\n  "192.0.2.300",\n  "198.51.100.0/24",\n  "10.0.0.1/8",\n]`, [4, "pool[0].addresses[0]", "300"], [6, "pool[0].addresses[2]", '"10.0.0.0/8"']],
  ["an address twice", `${POOL}["192.0.2.1", "192.0.2.1"]`, [3, "pool[0].addresses[1]", '"192.0.2.1" is in the list twice, first as pool[0].addresses[0]']],
  ["a range within a prefix", `${POOL}["192.0.2.0/24", "192.0.2.10-192.0.2.20"]`, [3, "pool[0].addresses[1]", '"192.0.2.10-192.0.2.20" overlaps "192.0.2.0-192.0.2.255" of the same pool']],
  ["a prefix around a range", `${POOL}["192.0.2.10-192.0.2.20", "192.0.2.0/24"]`, [3, "pool[0].addresses[1]", "overlaps", "of the same pool"]],
  ["ranges that share their ends", `${POOL}["192.0.2.1-192.0.2.5", "192.0.2.5-192.0.2.9"]`, [3, "pool[0].addresses[1]", "overlaps"]],
  ["one address in two spellings", `${POOL}["2001:db8::1", "2001:DB8:0::1/128"]`, [3, "pool[0].addresses[1]", '"2001:DB8:0::1/128" is in the list twice']],
  ["a pool within another", `${POOL}["192.0.2.0/24"]\n[[pool]]\nname = "wan"\naddresses = ["192.0.2.7"]`, [6, "pool[1].addresses[0]", '"192.0.2.7" overlaps "192.0.2.0-192.0.2.255" of pool "lan", pool[0].addresses[0] at /etc/bmlb/config.toml:3']],
  ["three that overlap the first", `${POOL}["10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16", "10.2.3.0/24"]`, [3, "pool[0].addresses[1]", "overlaps"], [3, "pool[0].addresses[2]", "overlaps"], [3, "pool[0].addresses[3]", "overlaps"]],
  ["two pools of one name", `${POOL}["192.0.2.0/24"]\n[[pool]]\nname = "lan"\naddresses = ["198.51.100.0/24"]`, [5, "pool[1].name", '"lan" is taken by pool[0].name at /etc/bmlb/config.toml:2']],
  ["two names that differ in case", `${POOL}["192.0.2.0/24"]\n[[pool]]\nname = "LAN"\naddresses = ["198.51.100.0/24"]`, [5, "pool[1].name", '"LAN" is taken', "more than case"]],
  ["auto_assign in words", `${POOL}["192.0.2.0/24"]\nauto_assign = "yes"`, [4, "pool[0].auto_assign", 'true or false, not "yes"']],
  ["avoid_buggy_ips as a number", `${POOL}["192.0.2.0/24"]\navoid_buggy_ips = 0`, [4, "pool[0].avoid_buggy_ips", "not 0"]],
  ["a negative priority", `${POOL}["192.0.2.0/24"]\npriority = -1`, [4, "pool[0].priority", "from 0"]],
  ["a priority that is a float", `${POOL}["192.0.2.0/24"]\npriority = 1.5`, [4, "pool[0].priority", "not the float 1.5"]],
  ["a duration that is a number", `${POOL}["192.0.2.0/24"]\nreuse_delay = 300`, [4, "pool[0].reuse_delay", "not 300; write a number and one unit"]],
  ["a duration without a unit", `${POOL}["192.0.2.0/24"]\nreuse_delay = "300"`, [4, "pool[0].reuse_delay", 'as in "300ms", "90s"']],
  ["a duration of two units", `${POOL}["192.0.2.0/24"]\nreuse_delay = "1m30s"`, [4, "pool[0].reuse_delay", 'not "1m30s"']],
  ["a duration with a blank", `${POOL}["192.0.2.0/24"]\nreuse_delay = "5 m"`, [4, "pool[0].reuse_delay", 'not "5 m"']],
  ["a duration in days", `${POOL}["192.0.2.0/24"]\nreuse_delay = "1d"`, [4, "pool[0].reuse_delay", 'not "1d"']],
  ["a negative duration", `${POOL}["192.0.2.0/24"]\nreuse_delay = "-5m"`, [4, "pool[0].reuse_delay", 'not "-5m"']],
  ["a fraction of a duration", `${POOL}["192.0.2.0/24"]\nreuse_delay = "0.5h"`, [4, "pool[0].reuse_delay", 'not "0.5h"']],
  ["a duration that is too long", `${POOL}["192.0.2.0/24"]\nreuse_delay = "9999999999h"`, [4, "pool[0].reuse_delay", 'to "168h"']],
  ["a namespace pattern", `${POOL}["192.0.2.0/24"]\nnamespaces = ["team-*"]`, [4, "pool[0].namespaces[0]", "is a pattern; namespaces are exact names"]],
  ["a namespace twice", `${POOL}["192.0.2.0/24"]\nnamespaces = ["a", "b", "a"]`, [4, "pool[0].namespaces[2]", "twice"]],
  ["namespaces that are no list", `${POOL}["192.0.2.0/24"]\nnamespaces = "a"`, [4, "pool[0].namespaces", "put it in [ ]"]],
  ["an empty selector", `${POOL}["192.0.2.0/24"]\nservice_selectors = [""]`, [4, "pool[0].service_selectors[0]", "label selector", "not empty"]],
  ["a blank selector", `${POOL}["192.0.2.0/24"]\nservice_selectors = ["  "]`, [4, "pool[0].service_selectors[0]", "is an empty label selector"]],
  ["a selector that is a table", `${POOL}["192.0.2.0/24"]\nservice_selectors = [{ team = "web" }]`, [4, "pool[0].service_selectors[0]", "not a table"]],
  ["a selector with an open parenthesis", `${POOL}["192.0.2.0/24"]\nnamespace_selectors = ["tier in (edge"]`, [4, "pool[0].namespace_selectors[0]", "parenthesis"]],
  ["a selector with a comma too many", `${POOL}["192.0.2.0/24"]\nnamespace_selectors = ["a=b,"]`, [4, "pool[0].namespace_selectors[0]", "comma"]],
  ["a selector with a number compared", `${POOL}["192.0.2.0/24"]\nnamespace_selectors = ["a>1"]`, [4, "pool[0].namespace_selectors[0]", "< and > are not supported"]],
  ["a selector with a value twice", `${POOL}["192.0.2.0/24"]\nnamespace_selectors = ["a in (b,b)"]`, [4, "pool[0].namespace_selectors[0]", '"b" is in it twice']],
  ["a selector with a bad key", `${POOL}["192.0.2.0/24"]\nnamespace_selectors = ["-a=b"]`, [4, "pool[0].namespace_selectors[0]", '"-a" is no label key']],
  ["a selector with a bad value", `${POOL}["192.0.2.0/24"]\nnamespace_selectors = ["a=b/c"]`, [4, "pool[0].namespace_selectors[0]", '"b/c" is no label value']],
  ["a selector twice", `${POOL}["192.0.2.0/24"]\nnamespace_selectors = ["a=b", "a == b"]`, [4, "pool[0].namespace_selectors[1]", "twice"]],
];

const L2: readonly Wrong[] = [
  ["a pool that does not exist", `${POOL}["192.0.2.0/24"]\n[[l2]]\npools = ["lam"]`, [5, "l2[0].pools[0]", 'there is no pool "lam"; did you mean "lan"?']],
  ["a pool that is near to none", `${POOL}["192.0.2.0/24"]\n[[l2]]\npools = ["office"]`, [5, "l2[0].pools[0]", 'there is no pool "office"; there is "lan"']],
  ["a pool in other letters", `${POOL}["192.0.2.0/24"]\n[[l2]]\npools = ["LAN"]`, [5, "l2[0].pools[0]", 'did you mean "lan"?']],
  ["a pattern for pools", `${POOL}["192.0.2.0/24"]\n[[l2]]\npools = ["l*"]`, [5, "l2[0].pools[0]", "named exactly, not by a pattern"]],
  ["a pool twice", `${POOL}["192.0.2.0/24"]\n[[l2]]\npools = ["lan", "lan"]`, [5, "l2[0].pools[1]", "twice"]],
  ["two without a name", "[[l2]]\n[[l2]]", [2, "l2[1].name", "missing", '"default"', "taken by l2[0].name"]],
  ["two of one name", '[[l2]]\nname = "a"\n[[l2]]\nname = "A"', [4, "l2[1].name", "taken by l2[0].name"]],
  ["an unclosed pattern", '[[l2]]\ninterfaces = ["eth["]', [2, "l2[0].interfaces[0]", "is no shell pattern: [ without its counterpart"]],
  ["a pattern that ends before it begins", '[[l2]]\ninterfaces = ["eth[9-0]"]', [2, "l2[0].interfaces[0]", '"9-0" ends before it begins']],
  ["an empty set", '[[l2]]\nhosts = ["edge-[]"]', [2, "l2[0].hosts[0]", "[] holds nothing"]],
  ["a regular expression", '[[l2]]\nhosts = ["edge-(1|2)"]', [2, "l2[0].hosts[0]", '"(" cannot be in it']],
  ["braces", '[[l2]]\nhosts = ["edge-{1,2}"]', [2, "l2[0].hosts[0]", "patterns have * ? and [..] only"]],
  ["two hosts in one text", '[[l2]]\nhosts = ["edge-1, edge-2"]', [2, "l2[0].hosts[0]", '"," cannot be in it']],
  ["an empty pattern", '[[l2]]\nprefer = [""]', [2, "l2[0].prefer[0]", "not empty"]],
  ["a host twice", '[[l2]]\nhosts = ["a", "a"]', [2, "l2[0].hosts[1]", "twice"]],
  ["a host in upper case, which is no host's name", '[[l2]]\nhosts = ["Edge-*"]', [2, "l2[0].hosts[0]", "their names are in lower case", 'write "edge-*"']],
  ["a host with its domain", '[[l2]]\nprefer = ["edge-1.example"]', [2, "l2[0].prefer[0]", "means no host", "without its domain"]],
  ["a host with an underscore", '[[l2]]\nhosts = ["edge_1"]', [2, "l2[0].hosts[0]", "means no host"]],
  ["hosts that are no list", '[[l2]]\nhosts = "edge-1"', [2, "l2[0].hosts", "put it in [ ]"]],
  ["a key of another table", '[[l2]]\npeers = ["a"]', [2, "l2[0].peers", "no such key"]],
];

const REST: readonly Wrong[] = [
  ["a hello that is too quick", '[fleet]\nhello = "10ms"', [2, "fleet.hello", 'from "50ms" to "10s", not "10ms"']],
  ["a hello that is too slow", '[fleet]\nhello = "11s"', [2, "fleet.hello", 'not "11s"']],
  ["a hello of zero", '[fleet]\nhello = "0s"', [2, "fleet.hello", 'not "0s"']],
  ["a failback that is none", '[fleet]\nfailback = "nevr"', [2, "fleet.failback", '"auto" or "never"', 'did you mean "never"?']],
  ["a rate of zero", "[fleet]\nannounce_rate = 0", [2, "fleet.announce_rate", "from 1"]],
  ["a misspelt key", '[fleet]\nfailback_dealy = "60s"', [2, "fleet.failback_dealy", 'did you mean "failback_delay"?']],
  ["a listener without a port", '[metrics]\nlisten = "127.0.0.1"', [2, "metrics.listen", 'write "127.0.0.1:PORT"']],
  ["a listener with a name", '[metrics]\nlisten = "localhost:7472"', [2, "metrics.listen", '"localhost" is no IP address']],
  ["a listener that is a port", "[metrics]\nlisten = 7472", [2, "metrics.listen", 'an IP:PORT such as "127.0.0.1:7472", or "off", not 7472']],
  ["a listener without an address", '[metrics]\nlisten = ":7472"', [2, "metrics.listen", "is no address"]],
  ["a listener on port 0", '[metrics]\nlisten = "127.0.0.1:0"', [2, "metrics.listen", "from 1 to 65535"]],
  ["a listener on port 65536", '[metrics]\nlisten = "127.0.0.1:65536"', [2, "metrics.listen", "from 1 to 65535"]],
  ["a listener of IPv6 without brackets", '[metrics]\nlisten = "::1:7472"', [2, "metrics.listen", 'write "[::1]:7472"']],
  ["a listener of IPv4 with brackets", '[metrics]\nlisten = "[127.0.0.1]:7472"', [2, "metrics.listen", 'write "127.0.0.1:7472"']],
  ["a listener that is false", "[metrics]\nlisten = false", [2, "metrics.listen", "not false"]],
  ["a listener on a multicast address", '[metrics]\nlisten = "224.0.0.1:7472"', [2, "metrics.listen", "multicast"]],
];

const TO_COME: readonly Wrong[] = [
  ["damping", "[damping]\nenabled = true", [2, "damping.enabled", "not supported yet", "allowed for now is false"]],
  ["damping in words", '[damping]\nenabled = "on"', [2, "damping.enabled", 'true or false, not "on"']],
  ["forwarding by routes", '[forwarding]\nmode = "route"', [2, "forwarding.mode", "not supported yet", 'allowed for now is "none"']],
  ["forwarding by translation", '[forwarding]\nmode = "nat"', [2, "forwarding.mode", "not supported yet"]],
  ["a misspelt mode", '[forwarding]\nmode = "rout"', [2, "forwarding.mode", '"none", "route" or "nat"', 'did you mean "route"?']],
  ["another key of forwarding", '[forwarding]\nmode = "none"\npin_idle = "1h"', [3, "forwarding.pin_idle", "not supported yet"]],
  ["a wrong value in a key to come", "[forwarding]\npin_idle = 3600", [2, "forwarding.pin_idle", "must be a duration"]],
  ["a mask with a hole", '[forwarding]\nmark_mask = "0x00f00f00"', [2, "forwarding.mark_mask", "contiguous bits"]],
  ["a mask of zero", "[forwarding]\nmark_mask = 0", [2, "forwarding.mark_mask", "contiguous bits"]],
  ["a mask of 33 bits", "[forwarding]\nmark_mask = 0x1ffffffff", [2, "forwarding.mark_mask", "contiguous bits"]],
  ["the kernel's routing tables", "[forwarding]\ntable_base = 250", [2, "forwarding.table_base", "253 to 255 are the kernel's own"]],
  ["a rule after main", "[forwarding]\nrule_priority = 32766", [2, "forwarding.rule_priority", "from 1 to 32765"]],
  ["a node network with host bits", '[forwarding]\nnode_networks = ["10.0.0.1/8"]', [2, "forwarding.node_networks[0]", '"10.0.0.0/8"']],
];

const BFD: readonly Wrong[] = [
  ["a profile without a name", "[[bfd]]", [1, "bfd[0].name", "missing"]],
  ["a multiplier of one", '[[bfd]]\nname = "fast"\ndetect_multiplier = 1', [3, "bfd[0].detect_multiplier", "from 2 to 255"]],
  ["a multiplier of 256", '[[bfd]]\nname = "fast"\ndetect_multiplier = 256', [3, "bfd[0].detect_multiplier", "from 2 to 255"]],
  ["an interval of 1 ms", '[[bfd]]\nname = "fast"\nreceive_interval = "1ms"', [3, "bfd[0].receive_interval", 'from "10ms" to "60s"']],
  ["an interval of 61 s", '[[bfd]]\nname = "fast"\ntransmit_interval = "61s"', [3, "bfd[0].transmit_interval", 'from "10ms" to "60s"']],
  ["an interval as a number", '[[bfd]]\nname = "fast"\ntransmit_interval = 300', [3, "bfd[0].transmit_interval", "must be a duration"]],
  ["echo in words", '[[bfd]]\nname = "fast"\necho_mode = "on"', [3, "bfd[0].echo_mode", "true or false"]],
  ["a TTL of 255", '[[bfd]]\nname = "fast"\nminimum_ttl = 255', [3, "bfd[0].minimum_ttl", "from 1 to 254"]],
  ["a misspelt key", '[[bfd]]\nname = "fast"\nrecieve_interval = "1s"', [3, "bfd[0].recieve_interval", 'did you mean "receive_interval"?']],
  ["one table", '[bfd]\nname = "fast"', [1, "bfd", "write [[bfd]], not [bfd]"]],
  ["two profiles of one name", '[[bfd]]\nname = "a"\n[[bfd]]\nname = "A"', [4, "bfd[1].name", "taken by"]],
];

for (const [where, cases] of Object.entries({ "the structure": STRUCTURE, "[host]": HOST, "[kubernetes]": KUBERNETES, "[[pool]]": POOLS, "[[l2]]": L2, "[fleet] and [metrics]": REST, "[[bfd]]": BFD, "what is to come": TO_COME })) {
  for (const [what, toml, ...expected] of cases) test(`wrong in ${where}: ${what}`, () => { assertProblems(load(toml), expected); });
}

for (const [what, entry, ...words] of ADDRESSES) {
  test(`wrong in the addresses of a pool: ${what}`, () => { assertProblems(load(`${POOL}["${entry}"]`), [[3, "pool[0].addresses[0]", ...words]]); });
}

test("a wrong hostname is an error that says what to add", () => {
  assertProblems(load("", { hostname: "edge_1.example" }), [[1, "host.name", 'the hostname "edge_1.example" cannot be it', 'add name = "edge-1" to [host]']]);
});

test("an empty file says what to add", () => {
  const files = { "/etc/bmlb/kubeconfig": { fault: { type: "missing" } } } as const;
  assertProblems(load("pool = []\nl2 = []", { files }), [
    [1, "kubernetes.kubeconfig", '"/etc/bmlb/kubeconfig" does not exist; put it there'],
    [1, "pool", "is empty"],
  ]);
});
