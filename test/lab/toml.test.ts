/** What the lab writes as TOML is read back as the same value by a parser that is not ours. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { getStaticTOMLValue, parseTOML } from "toml-eslint-parser";
import { toToml, type TomlValue } from "./toml.ts";

const read = (text: string): unknown => getStaticTOMLValue(parseTOML(text));

test("a configuration of tables, arrays of tables and inline values reads back as it was", () => {
  const value = {
    host: { name: "worker-1", weight: 100, labels: { rack: "r1", "a.b/c": 'quo"te' } },
    pool: [
      { name: "lan", addresses: ["10.7.0.240-10.7.0.250", "fd07::/120"], auto_assign: false },
      { name: "empty", addresses: [] },
    ],
    bgp: { asn: 64500, peer: [{ name: "tor", address: "10.7.0.254" }], communities: { gold: "64500:300" } },
  };
  assert.deepEqual(read(toToml(value)), value);
});

test("a key whose value is undefined is left out", () => {
  assert.equal(toToml({ a: 1, b: undefined }), "a = 1\n");
});

test("a scalar that stands after a table in the value stands before it in the text, where it belongs to the same table", () => {
  assert.deepEqual(read(toToml({ bgp: { peer: [{ name: "tor" }], asn: 64500 }, top: true })), { bgp: { peer: [{ name: "tor" }], asn: 64500 }, top: true });
});

test("any table reads back as it was", () => {
  const key = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text !== "__proto__");
  const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean());
  const { table } = fc.letrec<{ table: { [key: string]: TomlValue }; value: TomlValue }>((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(scalar, { maxLength: 3 }), tie("table"), fc.array(tie("table"), { minLength: 1, maxLength: 3 })),
    table: fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  }));
  fc.assert(
    fc.property(table, (value) => {
      assert.deepEqual(read(toToml(value)), value);
    }),
    { numRuns: 300 },
  );
});
