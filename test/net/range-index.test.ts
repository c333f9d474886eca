import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { address, addressFromBigInt, RangeIndex, rangeContains } from "../../src/net/index.ts";

test("finds the range of an address, its ends included, and nothing between ranges", () => {
  const index = new RangeIndex([
    [{ first: address("192.0.2.8"), last: address("192.0.2.15") }, "upper"],
    [{ first: address("192.0.2.0"), last: address("192.0.2.3") }, "lower"],
    [{ first: address("::"), last: address("::ff") }, "six"],
  ]);
  for (const [text, found] of [
    ["192.0.2.0", "lower"],
    ["192.0.2.3", "lower"],
    ["192.0.2.4", undefined],
    ["192.0.2.8", "upper"],
    ["192.0.2.15", "upper"],
    ["192.0.2.16", undefined],
    ["192.0.1.255", undefined],
    ["::3", "six"],
    ["::100", undefined],
  ] as const) assert.equal(index.find(address(text)), found, text);
});

test("says what a look at every range says, for any ranges that do not overlap", () => {
  const cuts = fc.uniqueArray(fc.nat(300), { maxLength: 20, size: "max" }).map((list) => [...list].sort((a, b) => a - b));
  fc.assert(
    fc.property(cuts, fc.constantFrom("ipv4" as const, "ipv6" as const), (numbers, family) => {
      const ranges = numbers.flatMap((first, i) => {
        const last = numbers[i + 1];
        return i % 2 === 0 && last !== undefined ? [{ first: addressFromBigInt(family, BigInt(first)), last: addressFromBigInt(family, BigInt(last)) }] : [];
      });
      const index = new RangeIndex(ranges.map((range) => [range, range]));
      for (let n = 0n; n <= 301n; n++) {
        const a = addressFromBigInt(family, n);
        assert.equal(index.find(a), ranges.find((range) => rangeContains(range, a)));
      }
    }),
    { numRuns: 50 },
  );
});
