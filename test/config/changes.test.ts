import assert from "node:assert/strict";
import { test } from "node:test";
import { describeChanges, fixedChanges, formatProblem } from "../../src/config/index.ts";
import { loadRight } from "./loading.ts";

const POOLS = '[[pool]]\nname = "a"\naddresses = ["192.0.2.0/24"]\n[[pool]]\nname = "b"\naddresses = ["203.0.113.0/24"]\n';
const L2 = '[[l2]]\nname = "one"\npools = ["a"]\n[[l2]]\nname = "two"\npools = ["b"]\n';
const BGP = '[bgp]\nasn = 1\n[[bgp.peer]]\nname = "r"\naddress = "198.51.100.1"\nasn = 2\npassword_file = "tor.password"\n[[bgp.advertisement]]\npools = ["a"]\n'.replace('"tor.password"', '"/etc/bmlb/tor.password"');
const ALL = POOLS + L2 + BGP;

for (const [what, text, expected] of [
  ["nothing", ALL, []],
  ["only the spelling", ALL.replace("192.0.2.0/24", "192.0.2.0-192.0.2.255").replace("asn = 1", "asn = 1 # us"), []],
  ["defaults that are written down", `${ALL}[host]\nname = "edge-1"\nweight = 100\n[fleet]\nhello = "200ms"\n`, []],
  ["keys of tables", `${ALL}[host]\nweight = 7\nlabels = { rack = "r1" }\nlog_level = "debug"\n[kubernetes]\nunclassed = false\n[fleet]\nhello = "1s"\nfailback_delay = "5s"\n[metrics]\nlisten = "off"\n`,
    ["[host] labels", "[host] weight", "[host] log_level", "[kubernetes] unclassed", "[fleet] hello", "[fleet] failback_delay", "[metrics] listen"]],
  ["a pool", ALL.replace("192.0.2.0/24", "192.0.2.0/25"), ["[[pool]] a changed"]],
  ["a pool's name, and what refers to it", ALL.replaceAll('"a"', '"c"'), ["[[pool]] a removed", "[[pool]] c added", "[[l2]] one changed", "[[bgp.advertisement]] default changed"]],
  ["the order of what is tried in order", POOLS + L2.split("[[l2]]").toReversed().filter((part) => part !== "").map((part) => `[[l2]]${part}`).join("") + BGP, ["[[l2]] in another order"]],
  ["our AS, which is each peer's too", ALL.replace("asn = 1\n", "asn = 3\n"), ["[bgp] asn", "[[bgp.peer]] r changed"]],
  ["a name for a community", `${ALL}[bgp.communities]\ngold = "64500:300"\n`, ["[bgp] communities"]],
  ["BFD for a peer", `${ALL.replace('asn = 2\n', 'asn = 2\nbfd = "x"\n')}[[bfd]]\nname = "x"\n`, ["[[bgp.peer]] r changed", "[[bfd]] x added"]],
  ["no [bgp] any more", POOLS + L2, ["[bgp] removed", "[[bgp.peer]] r removed", "[[bgp.advertisement]] default removed"]],
] as const) {
  test(`a change is named after what is in the file: ${what}`, () => { assert.deepEqual(describeChanges(loadRight(ALL), loadRight(text)), expected); });
}

test("a changed profile of BFD is no change of the peers that it watches", () => {
  const watched = `${ALL.replace("asn = 2\n", 'asn = 2\nbfd = "x"\n')}[[bfd]]\nname = "x"\n`;
  assert.deepEqual(describeChanges(loadRight(watched), loadRight(`${watched}receive_interval = "1s"\n`)), ["[[bfd]] x changed"]);
});

test("what stands in the files that it names is part of it", () => {
  const key = '[fleet]\nkey_file = "/etc/bmlb/fleet.key"\n';
  const after = loadRight(ALL + key, { files: { "/etc/bmlb/tor.password": "another\n", "/etc/bmlb/fleet.key": "fedcba9876543210\n" } });
  assert.deepEqual(describeChanges(loadRight(ALL + key), after), ["the password of peer r", "the fleet's key"]);
  assert.doesNotMatch(describeChanges(loadRight(ALL + key), after).join(), /another|fedcba/);
});

test("what a running daemon cannot change is a problem with its place and the way out", () => {
  const before = loadRight(`[host]\nname = "edge-1"\n[kubernetes]\nnamespace = "x"\n${ALL}`);
  const after = loadRight(`[host]\nname = "edge-2"\nweight = 7\n[kubernetes]\nkubeconfig = "/etc/bmlb/other"\n${ALL}`, { files: { "/etc/bmlb/other": { text: "apiVersion: v1\n", mode: 0o600 } } });
  assert.deepEqual(fixedChanges(before, before, undefined), []);
  const said = fixedChanges(before, after, undefined).map(formatProblem);
  for (const [index, start] of [
    '/etc/bmlb/config.toml:2: host.name: was "edge-1" and is "edge-2" now: ',
    '/etc/bmlb/config.toml:5: kubernetes.kubeconfig: was "/etc/bmlb/kubeconfig" and is "/etc/bmlb/other" now: ',
    '/etc/bmlb/config.toml:4: kubernetes.namespace: was "x" and is "bmlb-system" now: ',
  ].entries()) {
    assert.ok(said[index]?.startsWith(start), said[index]);
    assert.match(said[index] ?? "", /"systemctl restart bmlb" applies it$/);
  }
  assert.equal(said.length, 3);
});

test("the BGP identifier can be changed while nobody uses it, and written down where it is in use", () => {
  const [without, given] = [loadRight(ALL), loadRight(`[host]\nrouter_id = "192.0.2.9"\n${ALL}`)];
  for (const [before, after, identifier, problems] of [
    [without, given, undefined, 0],
    [without, given, "192.0.2.9", 0],
    [without, given, "192.0.2.1", 1],
    [given, without, undefined, 0],
    [given, without, "192.0.2.9", 1],
  ] as const) assert.equal(fixedChanges(before, after, identifier).length, problems);
});
