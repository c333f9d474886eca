/** Right configurations, and what becomes of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CheckKubeconfig, formatProblem } from "../../src/config/index.ts";
import { load, loadFiles, loadRight, PATH } from "./loading.ts";

const WHOLE = `
[host]
name = "edge-1"
node = "worker-1.example"
labels = { rack = "r1", "example.com/zone" = "a" }
weight = 200
router_id = "192.0.2.1"
log_level = "debug"

[kubernetes]
kubeconfig = "/etc/bmlb/kubeconfig"
context = "prod"
namespace = "lb"
load_balancer_class = "example.com/lb"
unclassed = false

[[pool]]
name = "lan"
addresses = ["192.168.1.240 - 192.168.1.250", "192.168.10.0/24", "2001:DB8:1:0::/120", "198.51.100.7"]
auto_assign = false
avoid_buggy_ips = true
priority = 3
reuse_delay = "90s"
namespaces = ["shop"]
namespace_selectors = ["team=web,tier in (edge,core)"]
service_selectors = ["!internal", "public"]

[[l2]]
name = "lan"
pools = ["lan"]
interfaces = ["eth*", "br-lan"]
hosts = ["edge-[1-4]"]
host_selectors = ["rack=r1"]
node_selectors = ["zone!=b"]
service_selectors = ["tier notin (x)"]
prefer = ["edge-1"]

[bgp]
asn = 64500
listen = ["0.0.0.0:179", "[::]:179"]

[[bgp.peer]]
name = "tor-1"
address = "192.0.2.254"
asn = 64501
local_asn = 64512
port = 1179
source_address = "192.0.2.1"
hold_time = "9s"
connect_time = "5s"
password_file = "tor.password"
multihop = 2
ttl_security = false
bfd = "slow"
graceful_restart = "30s"
families = ["ipv4"]
authentication = "md5"
passive = true
max_prefixes = 1000
role = "customer"
hosts = ["edge-*"]
host_selectors = []
node_selectors = []

[[bgp.peer]]
name = "tor-2"
address = "fe80::1%eth1"
asn = "external"

[[bgp.advertisement]]
name = "lan"
pools = ["lan"]
peers = ["tor-[12]"]
aggregation_length = 32
aggregation_length_v6 = 128
local_pref = 200
med = 0
prepend = 2
communities = ["64500:100", "no-export", "no-llgr", "large:64500:1:2", "rt:64500:7", "gold"]
without_endpoints = "keep"
link_bandwidth = "transitive"

[bgp.communities]
gold = "64500:300"

[[bfd]]
name = "slow"
receive_interval = "1s"
transmit_interval = "500ms"
detect_multiplier = 5
passive_mode = true
minimum_ttl = 250

[[bfd]]
name = "unused"
echo_mode = true

[forwarding]
mode = "none"

[fleet]
hello = "100ms"
failback_delay = "0s"
failback = "never"
key_file = "/etc/bmlb/fleet.key"
refresh = "0s"
announce_rate = 100

[damping]
enabled = false

[metrics]
listen = "[::1]:9100"
`;

test("a whole file becomes a Config, with secrets apart from it", () => {
  const files = { "/run/credentials/bmlb.service/tor.password": "geheim\n" };
  const { config, secrets, warnings } = loadRight(WHOLE, { files, credentialsDirectory: "/run/credentials/bmlb.service" });
  assert.deepEqual(warnings.map(formatProblem), []);
  assert.deepEqual(config.host, {
    name: "edge-1",
    node: "worker-1.example",
    labels: { rack: "r1", "example.com/zone": "a" },
    weight: 200,
    routerId: "192.0.2.1",
    logLevel: "debug",
  });
  assert.deepEqual(config.kubernetes, { kubeconfig: "/etc/bmlb/kubeconfig", context: "prod", namespace: "lb", loadBalancerClass: "example.com/lb", unclassed: false });
  assert.deepEqual(config.pools, [
    {
      name: "lan",
      ranges: [
        { first: "192.168.1.240", last: "192.168.1.250" },
        { first: "192.168.10.0", last: "192.168.10.255" },
        { first: "2001:db8:1::", last: "2001:db8:1::ff" },
        { first: "198.51.100.7", last: "198.51.100.7" },
      ],
      autoAssign: false,
      avoidBuggyIps: true,
      priority: 3,
      reuseDelayMs: 90_000,
      namespaces: ["shop"],
      namespaceSelectors: [
        [
          { key: "team", operator: "In", values: ["web"] },
          { key: "tier", operator: "In", values: ["edge", "core"] },
        ],
      ],
      serviceSelectors: [[{ key: "internal", operator: "DoesNotExist" }], [{ key: "public", operator: "Exists" }]],
    },
  ]);
  assert.deepEqual(config.l2, [
    {
      name: "lan",
      pools: ["lan"],
      interfaces: ["eth*", "br-lan"],
      hosts: ["edge-[1-4]"],
      hostSelectors: [[{ key: "rack", operator: "In", values: ["r1"] }]],
      nodeSelectors: [[{ key: "zone", operator: "NotIn", values: ["b"] }]],
      serviceSelectors: [[{ key: "tier", operator: "NotIn", values: ["x"] }]],
      prefer: ["edge-1"],
    },
  ]);
  assert.deepEqual(config.bfd, [
    { name: "slow", receiveIntervalMs: 1000, transmitIntervalMs: 500, detectMultiplier: 5, echoIntervalMs: undefined, passive: true, minimumTtl: 250 },
    { name: "unused", receiveIntervalMs: 300, transmitIntervalMs: 300, detectMultiplier: 3, echoIntervalMs: 50, passive: false, minimumTtl: 254 },
  ]);
  assert.deepEqual(config.bgp, {
    asn: 64500,
    listen: [
      { address: "0.0.0.0", port: 179 },
      { address: "::", port: 179 },
    ],
    peers: [
      {
        name: "tor-1",
        address: "192.0.2.254",
        zone: undefined,
        asn: 64501,
        localAsn: 64512,
        port: 1179,
        sourceAddress: "192.0.2.1",
        sourceInterface: undefined,
        holdTimeMs: 9000,
        keepaliveTimeMs: 3000,
        connectTimeMs: 5000,
        passwordFile: "/run/credentials/bmlb.service/tor.password",
        multihop: 2,
        ttlSecurity: false,
        bfd: "slow",
        families: ["ipv4"],
        passive: true,
        maxPrefixes: 1000,
        role: "customer",
        gracefulRestartMs: 30_000,
        hosts: ["edge-*"],
        hostSelectors: [],
        nodeSelectors: [],
      },
      {
        name: "tor-2",
        address: "fe80::1",
        zone: "eth1",
        asn: "external",
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
      },
    ],
    communityNames: new Map([["64500:300", "gold"]]),
    advertisements: [
      {
        name: "lan",
        pools: ["lan"],
        peers: ["tor-1", "tor-2"],
        hosts: [],
        hostSelectors: [],
        nodeSelectors: [],
        serviceSelectors: [],
        aggregationLength: { ipv4: 32, ipv6: 128 },
        localPref: 200,
        med: 0,
        prepend: 2,
        communities: [
          { type: "standard", value: 64500 * 65536 + 100 },
          { type: "standard", value: 0xffffff01 },
          { type: "standard", value: 0xffff0007 },
          { type: "large", global: 64500, local1: 1, local2: 2 },
          { type: "route-target", asn: 64500, value: 7 },
          { type: "standard", value: 64500 * 65536 + 300 },
        ],
        withoutEndpoints: "keep",
        linkBandwidth: "transitive",
      },
    ],
  });
  assert.deepEqual(config.fleet, { helloMs: 100, failbackDelayMs: 0, failback: "never", keyFile: "/etc/bmlb/fleet.key", refreshMs: 0, announceRate: 100 });
  assert.deepEqual(config.metrics, { listen: { address: "::1", port: 9100 } });
  assert.deepEqual([...secrets.passwords], [["tor-1", "geheim"]]);
  assert.equal(new TextDecoder().decode(secrets.fleetKey), "0123456789abcdef0123456789abcdef");
  assert.ok(!JSON.stringify(config).includes("geheim"));
});

test("a pool is all that must be said; the rest has the defaults of the manual", () => {
  const { config } = loadRight('[[pool]]\nname = "lan"\naddresses = ["192.0.2.0/24"]\n[[l2]]\n', { hostname: "EDGE-7" });
  assert.deepEqual(config, {
    host: { name: "edge-7", node: undefined, labels: {}, weight: 100, routerId: undefined, logLevel: "info" },
    kubernetes: { kubeconfig: "/etc/bmlb/kubeconfig", context: undefined, namespace: "bmlb-system", loadBalancerClass: "bmlb.io/bmlb", unclassed: true },
    pools: [
      {
        name: "lan",
        ranges: [{ first: "192.0.2.0", last: "192.0.2.255" }],
        autoAssign: true,
        avoidBuggyIps: false,
        priority: 0,
        reuseDelayMs: 300_000,
        namespaces: [],
        namespaceSelectors: [],
        serviceSelectors: [],
      },
    ],
    l2: [{ name: "default", pools: ["lan"], interfaces: [], hosts: [], hostSelectors: [], nodeSelectors: [], serviceSelectors: [], prefer: [] }],
    bgp: undefined,
    bfd: [],
    fleet: { helloMs: 200, failbackDelayMs: 60_000, failback: "auto", keyFile: undefined, refreshMs: 60_000, announceRate: 500 },
    metrics: { listen: { address: "127.0.0.1", port: 7472 } },
  });
});

test("a Config cannot be changed, however deep", () => {
  const { config } = loadRight("");
  assert.throws(() => { (config.pools[0] as { name: string }).name = "x"; }, TypeError);
  assert.throws(() => { (config.host.labels as Record<string, string>)["x"] = "y"; }, TypeError);
});

for (const [what, toml] of [
  ["inline tables instead of headers", 'pool = [{ name = "lan", addresses = ["192.0.2.0/24"] }]\nhost = { weight = 3 }\n'],
  ["dotted keys", 'host.weight = 3\nkubernetes.namespace = "x"\n'],
  ["a table after its subtable", '[bgp.communities]\ngold = "1:1"\n[bgp]\nasn = 64500\n'],
  ["CRLF", "[host]\r\nweight = 3\r\n"],
  ["a byte order mark", "\ufeff[host]\nweight = 3\n"],
  ["numbers in hexadecimal and with underscores", "[host]\nweight = 1_000\n[bgp]\nasn = 0xfbf4\n"],
  ["an empty [bgp]", "[bgp]\n"],
  ["an empty [damping]", "[damping]\n"],
  ["an empty [forwarding]", "[forwarding]\n"],
  ["metrics off", '[metrics]\nlisten = "off"\n'],
  ["an empty key_file, which is its default", '[fleet]\nkey_file = ""\n'],
  ["every address family's edge", '[[pool]]\nname = "a"\naddresses = ["1.0.0.0", "223.255.255.255", "2000::/3", "fd00::/8", "192.0.2.0/31"]\n'],
  ["ranges that touch", '[[pool]]\nname = "a"\naddresses = ["192.0.2.0-192.0.2.9", "192.0.2.10-192.0.2.19", "192.0.2.20"]\n'],
  ["names that Kubernetes would take", '[[pool]]\nname = "team-a.example_1"\naddresses = ["192.0.2.0/24"]\n'],
  ["selectors as kubectl takes them", '[[l2]]\nhost_selectors = [" a = b , c in ( d , e ),f notin (g),!h,i!=j,k,l==m, n= "]\n'],
  ["hosts that nobody has", '[[l2]]\nhosts = ["nobody-*"]\n'],
  ["a text of several lines, where it says nothing else", '[kubernetes]\ncontext = """\\\n   prod"""\n'],
] as const) {
  test(`right: ${what}`, () => { loadRight(toml); });
}

test("conf.d is merged in name order; lists of tables append, tables join", () => {
  const loaded = loadFiles({
    [PATH]: '[host]\nweight = 3\n[[pool]]\nname = "a"\naddresses = ["192.0.2.0/24"]\n[[l2]]\n',
    "/etc/bmlb/conf.d/20-c.toml": '[[pool]]\nname = "c"\naddresses = ["198.51.100.0/24"]\n',
    "/etc/bmlb/conf.d/10-b.toml": '[host]\nname = "edge-9"\nlabels = { a = "1" }\n[[pool]]\nname = "b"\naddresses = ["203.0.113.0/24"]\n',
    "/etc/bmlb/conf.d/30-d.toml": '[host.labels]\nb = "2"\n',
    "/etc/bmlb/conf.d/.hidden.toml": "this is not TOML",
    "/etc/bmlb/conf.d/README": "neither is this",
    "/etc/bmlb/conf.d/40.toml~": "nor this",
  });
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.config.pools.map((pool) => pool.name), ["a", "b", "c"]);
  assert.deepEqual(loaded.config.host.labels, { a: "1", b: "2" });
  assert.deepEqual([loaded.config.host.name, loaded.config.host.weight], ["edge-9", 3]);
  assert.deepEqual(loaded.sources, [PATH, "/etc/bmlb/conf.d/10-b.toml", "/etc/bmlb/conf.d/20-c.toml", "/etc/bmlb/conf.d/30-d.toml"]);
});

test("a profile of BFD without a word is 300 ms by 3, as other implementations have it", () => {
  const { config } = loadRight('[[bfd]]\nname = "fast"\n');
  assert.deepEqual(config.bfd, [{ name: "fast", receiveIntervalMs: 300, transmitIntervalMs: 300, detectMultiplier: 3, echoIntervalMs: undefined, passive: false, minimumTtl: 254 }]);
});

test("a path is taken from the folder of the file that names it", () => {
  const { config } = loadRight('[kubernetes]\nkubeconfig = "./secrets/admin.conf"\n', { files: { "/etc/bmlb/secrets/admin.conf": "admin" } });
  assert.equal(config.kubernetes.kubeconfig, "/etc/bmlb/secrets/admin.conf");
});

test("an unnumbered peer has an interface and no address; a source may be that of an interface", () => {
  const { config } = loadRight(`[bgp]\nasn = 1\n${UNNUMBERED("a", "eth1")}${PEER("b", "192.0.2.1", 'source_interface = "lo"')}`);
  const [a, b] = config.bgp?.peers ?? [];
  assert.deepEqual([a?.address, a?.zone, a?.sourceInterface], [undefined, "eth1", undefined]);
  assert.deepEqual([b?.address, b?.zone, b?.sourceInterface, b?.sourceAddress], ["192.0.2.1", undefined, "lo", undefined]);
});

test("a hold time of zero has no keepalives", () => {
  const { config } = loadRight('[bgp]\nasn = 1\n[[bgp.peer]]\nname = "a"\naddress = "192.0.2.1"\nasn = 2\nhold_time = "0s"\n');
  assert.deepEqual([config.bgp?.peers[0]?.holdTimeMs, config.bgp?.peers[0]?.keepaliveTimeMs], [0, 0]);
});

const UNNUMBERED = (name: string, on: string, more = ""): string => `[[bgp.peer]]\nname = "${name}"\ninterface = "${on}"\nasn = "external"\n${more}\n`;
const PEER = (name: string, address: string, more = ""): string => `[[bgp.peer]]\nname = "${name}"\naddress = "${address}"\nasn = 64501\n${more}\n`;

for (const [what, toml] of [
  ["one address on two ports", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1")}${PEER("b", "192.0.2.1", "port = 1179")}`],
  ["one address for two hosts", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1", 'hosts = ["edge-1"]')}${PEER("b", "192.0.2.1", 'hosts = ["edge-[2-9]"]')}`],
  ["one address for two racks", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1", 'host_selectors = ["rack=r1"]')}${PEER("b", "192.0.2.1", 'host_selectors = ["rack in (r2,r3)"]')}`],
  ["one link-local address on two interfaces", `[bgp]\nasn = 1\n${PEER("a", "fe80::1%eth0")}${PEER("b", "fe80::1%eth1")}`],
  ["unnumbered peers on two interfaces", `[bgp]\nasn = 1\n${UNNUMBERED("a", "eth0")}${UNNUMBERED("b", "eth1")}`],
  ["unnumbered peers on one interface of different hosts", `[bgp]\nasn = 1\n${UNNUMBERED("a", "eth0", 'hosts = ["edge-1"]')}${UNNUMBERED("b", "eth0", 'hosts = ["edge-2"]')}`],
  ["aggregates no wider than the pool", `[[pool]]\nname = "p"\naddresses = ["192.0.2.0/24", "2001:db8::/64"]\n[bgp]\nasn = 1\n${PEER("a", "192.0.2.1")}[[bgp.advertisement]]\naggregation_length = 24\naggregation_length_v6 = 64\n`],
  ["an aggregate and single addresses to the same peers with other attributes", `[[pool]]\nname = "p"\naddresses = ["192.0.2.0/24", "2001:db8::/64"]\n[bgp]\nasn = 1\n${PEER("a", "192.0.2.1")}[[bgp.advertisement]]\nname = "a"\naggregation_length = 24\naggregation_length_v6 = 64\n[[bgp.advertisement]]\nname = "b"\nlocal_pref = 200\ncommunities = ["no-advertise"]\n`],
  ["a peer on this host", `[bgp]\nasn = 1\n${PEER("frr", "127.0.0.1")}`],
  ["advertisements that differ for different peers", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1")}${PEER("b", "192.0.2.2")}[[bgp.advertisement]]\nname = "a"\npeers = ["a"]\nlocal_pref = 200\n[[bgp.advertisement]]\nname = "b"\npeers = ["b"]\n`],
  ["advertisements that differ for different hosts", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1")}[[bgp.advertisement]]\nname = "a"\nhosts = ["x*"]\nmed = 1\n[[bgp.advertisement]]\nname = "b"\nhosts = ["y*"]\n`],
  ["advertisements that differ for different Services", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1")}[[bgp.advertisement]]\nname = "a"\nservice_selectors = ["tier=x"]\nprepend = 1\n[[bgp.advertisement]]\nname = "b"\nservice_selectors = ["tier notin (x)"]\n`],
  ["advertisements that differ in communities only", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1")}[[bgp.advertisement]]\nname = "a"\ncommunities = ["1:1"]\n[[bgp.advertisement]]\nname = "b"\n`],
  ["echo to an adjacent peer over IPv4", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1", 'bfd = "echo"')}[[bfd]]\nname = "echo"\necho_mode = true\n`],
  ["one profile for two peers", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1", 'bfd = "x"')}${PEER("b", "2001:db8::1", 'bfd = "x"')}[[bfd]]\nname = "x"\n`],
  ["BFD for one of two peers at an address", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1", 'bfd = "x"')}${PEER("b", "192.0.2.1", "port = 1179")}[[bfd]]\nname = "x"\n`],
  ["BFD with an address for two hosts", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1", 'bfd = "x"\nhosts = ["a"]')}${PEER("b", "192.0.2.1", 'bfd = "x"\nhosts = ["b"]')}[[bfd]]\nname = "x"\n`],
] as const) {
  test(`right in BGP: ${what}`, () => { loadRight(toml); });
}

const WARNINGS = [
  ["a pool that nothing announces", '[[pool]]\nname = "a"\naddresses = ["192.0.2.0/24"]\n[[pool]]\nname = "b"\naddresses = ["198.51.100.0/24"]\n[[l2]]\npools = ["a"]\n', '4: pool[1]: pool "b" is never announced'],
  ["a peer that gets nothing", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1")}`, '3: bgp.peer[0]: peer "a" gets no advertisement'],
  ["an advertisement without peers", "[bgp]\nasn = 1\n[[bgp.advertisement]]\n", '3: bgp.advertisement[0]: no peer gets "default": there is no [[bgp.peer]]'],
  ["an advertisement for other hosts than its peers'", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1", 'hosts = ["x"]')}[[bgp.advertisement]]\nhosts = ["y"]\n`, "none in common"],
  ["an advertisement of another family than its peers'", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1", 'families = ["ipv6"]')}[[bgp.advertisement]]\n[[pool]]\nname = "a"\naddresses = ["192.0.2.0/24"]\n`, "no address family in common"],
  ["a preferred host that is not among the hosts", '[[l2]]\nhosts = ["edge-*"]\nprefer = ["core-1"]\n', '3: l2[0].prefer[0]: "core-1" is not among hosts'],
  ["a family that no pool has", `[bgp]\nasn = 1\n${PEER("a", "192.0.2.1", 'families = ["ipv4", "ipv6"]')}[[bgp.advertisement]]\n[[pool]]\nname = "a"\naddresses = ["192.0.2.0/24"]\n`, '"ipv6" has no use: no pool has IPv6 addresses'],
  ["packets of BFD faster than a host keeps", '[[bfd]]\nname = "a"\nreceive_interval = "49ms"\n', '3: bfd[0].receive_interval: "49ms" is faster than a host under load keeps'],
  ["echo packets faster than that", '[[bfd]]\nname = "a"\necho_mode = true\necho_interval = "10ms"\n', '4: bfd[0].echo_interval: "10ms" is faster'],
] as const;
for (const [what, toml, words] of WARNINGS) {
  test(`a warning and no error: ${what}`, () => {
    const said = loadRight(toml).warnings.map(formatProblem);
    assert.ok(said.some((line) => line.startsWith(`${PATH}:`) && line.includes(words)), said.join("\n"));
  });
}

test("an echo interval that is not used, and 50 ms, are no reason to warn", () => {
  assert.deepEqual(loadRight('[[bfd]]\nname = "a"\ntransmit_interval = "50ms"\necho_interval = "10ms"\n').warnings, []);
});

test("both families without a word are no reason to warn", () => {
  const { warnings } = loadRight(`[bgp]\nasn = 1\n${PEER("a", "192.0.2.1")}[[bgp.advertisement]]\n[[pool]]\nname = "a"\naddresses = ["192.0.2.0/24"]\n`);
  assert.deepEqual(warnings, []);
});

test("the kubeconfig's own reader is asked, and may blame the context", () => {
  const checkKubeconfig: CheckKubeconfig = (_text, _path, context) => ({ errors: context === "prod" ? [{ about: "context", sentence: 'there is no context "prod"' }] : [], warnings: [] });
  const loaded = load('[kubernetes]\ncontext = "prod"\n', { checkKubeconfig });
  assert.ok(!loaded.ok);
  assert.deepEqual(loaded.problems.map(formatProblem), [`${PATH}:2: kubernetes.context: there is no context "prod"`]);
});
