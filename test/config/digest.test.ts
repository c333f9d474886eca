import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConfigDigests, configDigests } from "../../src/config/index.ts";
import { loadRight } from "./loading.ts";

function digests(text: string): ConfigDigests {
  return configDigests(loadRight(text).config);
}

const POOL_A = '[[pool]]\nname = "a"\naddresses = ["192.0.2.0/24", "198.51.100.0/24"]\nnamespaces = ["x", "y"]\nservice_selectors = ["p=1,q in (2,3)"]\n';
const POOL_B = '[[pool]]\nname = "b"\naddresses = ["203.0.113.0/24"]\n';
const L2 = '[[l2]]\nname = "l"\npools = ["a", "b"]\nhosts = ["h1", "h2"]\nprefer = ["h1", "h2"]\n';
const BGP = '[bgp]\nasn = 1\n[[bgp.peer]]\nname = "r"\naddress = "192.0.2.1"\nasn = 2\n[[bgp.advertisement]]\ncommunities = ["1:1", "no-export"]\n';
const ALL = digests(POOL_A + POOL_B + L2 + BGP);

test("a digest is 16 hexadecimal digits, and each section has its own", () => {
  for (const digest of Object.values(ALL)) assert.match(digest, /^[0-9a-f]{16}$/);
  assert.equal(new Set(Object.values(ALL)).size, 3);
});

for (const [what, text] of [
  ["the order of pools", POOL_B + POOL_A + L2 + BGP],
  ["the order of namespaces", POOL_A.replace('"x", "y"', '"y", "x"') + POOL_B + L2 + BGP],
  ["the spelling of a selector", POOL_A.replace("p=1,q in (2,3)", "q in (3, 2), p == 1") + POOL_B + L2 + BGP],
  ["the spelling of an address", POOL_A.replace("192.0.2.0/24", "192.0.2.0 - 192.0.2.255") + POOL_B + L2 + BGP],
  ["the order of pools and hosts of an [[l2]]", POOL_A + POOL_B + L2.replace('"a", "b"', '"b", "a"').replace('hosts = ["h1", "h2"]', 'hosts = ["h2", "h1"]') + BGP],
  ["the order and spelling of communities", POOL_A + POOL_B + L2 + BGP.replace('"1:1", "no-export"', '"65535:65281", "1:1"')],
  ["what belongs to one host", `${POOL_A}${POOL_B}${L2}${BGP}[host]\nweight = 7\n[metrics]\nlisten = "off"\n`],
] as const) {
  test(`a digest does not depend on ${what}`, () => { assert.deepEqual(digests(text), ALL); });
}

for (const [section, text] of [
  ["pools", POOL_A.replace("192.0.2.0/24", "192.0.2.0/25") + POOL_B + L2 + BGP],
  ["pools", POOL_A.replace('"192.0.2.0/24", "198.51.100.0/24"', '"198.51.100.0/24", "192.0.2.0/24"') + POOL_B + L2 + BGP],
  ["pools", `${POOL_A}priority = 1\n${POOL_B}${L2}${BGP}`],
  ["pools", POOL_A.replace("q in (2,3)", "q in (2)") + POOL_B + L2 + BGP],
  ["l2", POOL_A + POOL_B + L2.replace('prefer = ["h1", "h2"]', 'prefer = ["h2", "h1"]') + BGP],
  ["l2", POOL_A + POOL_B + L2.replace('hosts = ["h1", "h2"]', 'hosts = ["h1"]').replace('"h1", "h2"]', '"h1"]') + BGP],
  ["bgp", POOL_A + POOL_B + L2 + BGP.replace('"1:1", ', "")],
  ["bgp", `${POOL_A}${POOL_B}${L2}${BGP}med = 0\n`],
] as const) {
  test(`a change of ${section} changes that digest and no other: ${text.length} characters`, () => {
    const changed = digests(text);
    for (const name of ["pools", "l2", "bgp"] as const) assert.equal(changed[name] === ALL[name], name !== section, name);
  });
}
