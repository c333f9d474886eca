import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anyGlobMatches, matchesGlob, parseGlob } from "../../src/config/index.ts";
import { globsMeet } from "../../src/config/glob.ts";

for (const [glob, name, matches] of [
  ["edge-1", "edge-1", true],
  ["edge-1", "edge-10", false],
  ["edge-1", "xedge-1", false],
  ["*", "", true],
  ["*", "anything at all", true],
  ["edge-*", "edge-", true],
  ["edge-*", "edge-1", true],
  ["edge-*", "Edge-1", false],
  ["*-1", "edge-1", true],
  ["*-1", "edge-1-2", false],
  ["a*b*c", "aXbYc", true],
  ["a*b*c", "aXcYb", false],
  ["a*b*c", "abcbc", true],
  ["**", "x", true],
  ["eth?", "eth0", true],
  ["eth?", "eth", false],
  ["eth?", "eth10", false],
  ["eth[0-3]", "eth2", true],
  ["eth[0-3]", "eth4", false],
  ["eth[!0-3]", "eth4", true],
  ["eth[!0-3]", "eth2", false],
  ["eth[13a-c]", "ethb", true],
  ["eth[13a-c]", "eth2", false],
  ["a.b", "axb", false],
  ["a+b", "aab", false],
  ["(a|b)", "a", false],
  ["[z-a]", "m", false], // ends before it begins: matches nothing, throws nothing
  ["eth[", "eth[", true], // an unclosed bracket is a bracket
  ["eth[", "eth0", false],
  ["eth]", "eth]", true],
  ["[]", "", false],
  ["[!]", "x", true],
  ["[a-]", "-", true],
  ["\\", "\\", true],
] as const) {
  test(`"${glob}" ${matches ? "matches" : "does not match"} "${name}"`, () => { assert.equal(matchesGlob(glob, name), matches); });
}

test("no globs match everything", () => {
  assert.equal(anyGlobMatches([], "x"), true);
  assert.equal(anyGlobMatches(["a*", "b*"], "b1"), true);
  assert.equal(anyGlobMatches(["a*", "b*"], "c1"), false);
});

test("a pattern made to be slow is not", () => {
  assert.equal(matchesGlob(`${"*a".repeat(100)}*b`, "a".repeat(5000)), false);
  assert.equal(globsMeet(`${"*a".repeat(60)}b`, `${"*?".repeat(60)}c`), false);
});

const anyGlob = fc.string({ unit: fc.constantFrom("a", "b", "c", "*", "?", "[", "]", "!", "-", "^", "\\", "z", "0"), maxLength: 12, size: "max" });
const anyName = fc.string({ unit: fc.constantFrom("a", "b", "c", "z", "0", "-"), maxLength: 8 });

test("no pattern throws, and one without special characters matches itself alone", () => {
  fc.assert(
    fc.property(anyGlob, anyName, (glob, name) => {
      const matches = matchesGlob(glob, name);
      if (!/[*?[]/.test(glob)) assert.equal(matches, glob === name);
    }),
  );
});

test("two patterns meet wherever a name matches both", () => {
  fc.assert(
    fc.property(anyGlob, anyGlob, anyName, (a, b, name) => {
      assert.equal(globsMeet(a, b), globsMeet(b, a));
      if (matchesGlob(a, name) && matchesGlob(b, name)) assert.equal(globsMeet(a, b), true);
    }),
    { numRuns: 2000 },
  );
});

for (const [a, b, meet] of [
  ["edge-*", "*-1", true],
  ["edge-*", "core-*", false],
  ["edge-1", "edge-[2-9]", false],
  ["edge-?", "edge-1?", false],
  ["edge-[1-3]", "edge-[3-5]", true],
  ["edge-[1-3]", "edge-[4-5]", false],
  ["edge-[!1]", "edge-1", false],
  ["a*", "*b", true],
  ["*", "", true],
  ["a", "a", true],
] as const) {
  test(`"${a}" and "${b}" ${meet ? "have a name in common" : "have no name in common"}`, () => { assert.equal(globsMeet(a, b), meet); });
}

test("what parseGlob lets through has the meaning that it seems to have", () => {
  for (const right of ["edge-*", "eth[0-9]", "eth[!0-9]", "br-lan.100", "*", "?", "a[b]c[d-e]"]) assert.deepEqual(parseGlob(right), { value: right });
  for (const wrong of ["", "[", "]", "a[", "a]", "[]", "[!]", "[z-a]", "a b", "a/b", "a\\*", "{a,b}", "^a$", "a|b", "a!", "ä", "a,b", "x".repeat(254)]) {
    assert.ok("error" in parseGlob(wrong), wrong);
  }
});
