import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { address, addressFromBigInt, addressToBigInt, formatPrefix, parseMac, macFromBytes, macToBytes, parsePrefix, prefixesOfRange, prefixOf, rangeContains, rangeOfPrefix } from "../../src/net/index.ts";

test("a prefix has its host bits clear", () => {
  assert.deepEqual(parsePrefix("192.0.2.0/24"), { address: "192.0.2.0", length: 24 });
  assert.deepEqual(parsePrefix("2001:db8::/120"), { address: "2001:db8::", length: 120 });
  assert.deepEqual(parsePrefix("0.0.0.0/0"), { address: "0.0.0.0", length: 0 });
});

for (const text of ["192.0.2.1/24", "192.0.2.0/33", "192.0.2.0", "192.0.2.0/", "192.0.2.0/-1", "2001:db8::/129", "/24", "192.0.2.0/24/1"]) {
  test(`${text} is not a prefix`, () => {
    assert.equal(parsePrefix(text), undefined);
  });
}

test("a prefix reaches from its first to its last address", () => {
  assert.deepEqual(rangeOfPrefix({ address: address("192.0.2.0"), length: 24 }), { first: "192.0.2.0", last: "192.0.2.255" });
  assert.deepEqual(rangeOfPrefix({ address: address("2001:db8::"), length: 127 }), { first: "2001:db8::", last: "2001:db8::1" });
});

test("ranges contain their ends, and never an address of the other family", () => {
  const range = { first: address("192.0.2.10"), last: address("192.0.2.20") };
  assert.equal(rangeContains(range, address("192.0.2.10")), true);
  assert.equal(rangeContains(range, address("192.0.2.20")), true);
  assert.equal(rangeContains(range, address("192.0.2.21")), false);
  assert.equal(rangeContains(range, address("::1")), false);
});

test("a MAC is lower-case octets with colons", () => {
  assert.equal(parseMac("52:54:00:AB:CD:EF"), "52:54:00:ab:cd:ef");
  assert.equal(parseMac("52-54-00-ab-cd-ef"), undefined);
  assert.equal(parseMac("52:54:00:ab:cd"), undefined);
  const mac = macFromBytes(Uint8Array.of(2, 0, 94, 16, 0, 255));
  assert.equal(mac, "02:00:5e:10:00:ff");
  assert.deepEqual(macToBytes(mac), Uint8Array.of(2, 0, 94, 16, 0, 255));
});

for (const [first, last, ...prefixes] of [
  ["192.0.2.0", "192.0.2.255", "192.0.2.0/24"],
  ["192.0.2.1", "192.0.2.6", "192.0.2.1/32", "192.0.2.2/31", "192.0.2.4/31", "192.0.2.6/32"],
  ["192.0.2.255", "192.0.3.0", "192.0.2.255/32", "192.0.3.0/32"],
  ["0.0.0.0", "255.255.255.255", "0.0.0.0/0"],
  ["::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"],
  ["2001:db8::1", "2001:db8::1", "2001:db8::1/128"],
] as const) {
  test(`${first} to ${last} is ${prefixes.join(" and ")}`, () => {
    assert.deepEqual(prefixesOfRange({ first: address(first), last: address(last) }).map(formatPrefix), prefixes);
  });
}

test("the prefixes of a range follow one another from its first to its last address, and no two of them are one", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 0xffff_ffffn), fc.bigInt(0n, 0xffff_ffffn), (a, b) => {
      const [first, last] = a < b ? [a, b] : [b, a];
      const prefixes = prefixesOfRange({ first: addressFromBigInt("ipv4", first), last: addressFromBigInt("ipv4", last) });
      let next = first;
      let before: { readonly start: bigint; readonly length: number } | undefined;
      for (const prefix of prefixes) {
        const range = rangeOfPrefix(prefix);
        assert.equal(addressToBigInt(range.first), next);
        const isTwin = before?.length === prefix.length && prefixOf(range.first, prefix.length - 1).address === addressFromBigInt("ipv4", before.start);
        assert.ok(!isTwin, "two halves of one prefix");
        before = { start: next, length: prefix.length };
        next = addressToBigInt(range.last) + 1n;
      }
      assert.equal(next, last + 1n);
    }),
  );
});
