import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readStatements } from "../../src/fleet/index.ts";
import { address } from "../../src/net/index.ts";
import { statement } from "./statement.ts";

test("what a host publishes is read as it was written", () => {
  const said = [statement({ node: "worker-1", heard: ["0000000300000001"], addresses: [address("fe80::1")], leaving: true, rank: 0, bgp: true }), statement()];
  assert.deepEqual(readStatements(JSON.stringify(said)), said);
});

test("a gateway has no node, which JSON leaves out", () => {
  assert.deepEqual(readStatements(JSON.stringify([statement({ node: undefined })])), [statement({ node: undefined })]);
});

const GOOD = statement();
for (const [what, text] of [
  ["nothing", ""],
  ["no JSON", "{"],
  ["no list", JSON.stringify(GOOD)],
  ["a list of something else", "[1, null, \"x\", [], {}]"],
  ["no name", JSON.stringify([{ ...GOOD, name: undefined }])],
  ["a rank that does not exist", JSON.stringify([{ ...GOOD, rank: 4 }])],
  ["a rank in words", JSON.stringify([{ ...GOOD, rank: "3" }])],
  ["a negative age", JSON.stringify([{ ...GOOD, viewAgeMs: -1 }])],
  ["an age that is no number", JSON.stringify([{ ...GOOD, uptimeMs: null }])],
  ["a MAC that is none", JSON.stringify([{ ...GOOD, mac: "02:00:00:00:00" }])],
  ["a name without end", JSON.stringify([{ ...GOOD, name: "x".repeat(300) }])],
  ["a name that steers a terminal", JSON.stringify([{ ...GOOD, name: "edge\u001b[2J" }])],
  ["a count beyond all counts", JSON.stringify([{ ...GOOD, serving: 1e300 }])],
  ["no digests", JSON.stringify([{ ...GOOD, digests: null }])],
  ["far too much", JSON.stringify(Array.from({ length: 1_000 }, () => GOOD))],
] as const) {
  test(`a Lease with ${what} introduces nobody`, () => {
    assert.deepEqual(readStatements(text), []);
  });
}

test("items of a list that cannot be read are left out", () => {
  const text = JSON.stringify([{ ...GOOD, addresses: ["192.0.2.1", "nonsense", 7], heard: ["a", 1], advertisements: [{ name: "lan", prefer: 1 }, { name: 5 }, "x"] }]);
  assert.deepEqual(readStatements(text), [statement({ addresses: [address("192.0.2.1")], heard: ["a"], advertisements: [{ name: "lan", prefer: 1 }] })]);
});

test("no text whatever makes it throw", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => Array.isArray(readStatements(text))));
  fc.assert(fc.property(fc.record({ ...Object.fromEntries(Object.keys(GOOD).map((key) => [key, fc.jsonValue()])) }), (value) => Array.isArray(readStatements(JSON.stringify([{ ...GOOD, ...value }])))));
});
