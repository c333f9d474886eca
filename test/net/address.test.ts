import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { address, addressFromBigInt, addressFromBytes, addressToBigInt, addressToBytes, compareAddresses, familyOf, parseAddress } from "../../src/net/index.ts";

for (const [what, text, canonical] of [
  ["a dotted quad", "192.0.2.1", "192.0.2.1"],
  ["the lowest", "0.0.0.0", "0.0.0.0"],
  ["the highest", "255.255.255.255", "255.255.255.255"],
  ["IPv6 in capitals", "2001:DB8::1", "2001:db8::1"],
  ["IPv6 in full", "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
  ["IPv6 with the longer run of zeros shortened", "2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["the unspecified IPv6 address", "::", "::"],
] as const) {
  test(`reads ${what} and writes it in canonical form`, () => {
    assert.equal(parseAddress(text), canonical);
  });
}

for (const text of ["", "192.0.2", "192.0.2.256", "192.0.2.01", "0x7f.1", "1", "192.0.2.1/32", " 192.0.2.1", "fe80::1%eth0", ":::", "2001:db8::g", "12345::", "[::1]"]) {
  test(`${JSON.stringify(text)} is not an address`, () => {
    assert.equal(parseAddress(text), undefined);
  });
}

test("octets and numbers of any address lead back to it", () => {
  const octets = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));
  fc.assert(
    fc.property(octets, (bytes) => {
      const a = addressFromBytes(bytes);
      assert.deepEqual(addressToBytes(a), Uint8Array.from(bytes));
      assert.equal(parseAddress(a), a);
      assert.equal(addressFromBigInt(familyOf(a), addressToBigInt(a)), a);
    }),
  );
});

test("no text makes the parser throw, and what it takes it gives back", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (text) => {
      const a = parseAddress(text);
      if (a !== undefined) assert.equal(parseAddress(a), a);
    }),
  );
});

test("addresses are ordered by family, then by number and not by text", () => {
  const sorted = ["10.0.0.9", "10.0.0.10", "192.0.2.1", "::1", "2001:db8::9", "2001:db8::10"].map(address);
  assert.deepEqual(sorted.toReversed().sort(compareAddresses), sorted);
});
