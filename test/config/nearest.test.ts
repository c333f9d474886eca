import assert from "node:assert/strict";
import { test } from "node:test";
import { editDistance, nearestOf } from "../../src/config/nearest.ts";

for (const [a, b, distance] of [
  ["", "", 0],
  ["", "abc", 3],
  ["abc", "abc", 0],
  ["abc", "abd", 1],
  ["abc", "acb", 1],
  ["abc", "ab", 1],
  ["kitten", "sitting", 3],
] as const) {
  test(`from "${a}" to "${b}" it is ${distance}`, () => {
    assert.equal(editDistance(a, b), distance);
    assert.equal(editDistance(b, a), distance);
  });
}

for (const [wrong, nearest] of [
  ["adresses", "addresses"],
  ["AutoAssign", "auto_assign"],
  ["auto-assign", "auto_assign"],
  ["prioirty", "priority"],
  ["namespace", "namespaces"],
  ["reuse", "reuse_delay"],
  ["x", undefined],
  ["colour", undefined],
  ["a".repeat(1000), undefined],
] as const) {
  test(`${wrong.slice(0, 20)} is probably ${nearest ?? "nothing here"}`, () => {
    assert.equal(nearestOf(["name", "addresses", "auto_assign", "priority", "reuse_delay", "namespaces", "namespace_selectors"])(wrong), nearest);
  });
}
