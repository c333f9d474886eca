import assert from "node:assert/strict";
import { test } from "node:test";
import { loadYaml } from "@kubernetes/client-node";
import fc from "fast-check";
import { formatYaml, type YamlValue } from "../../src/cli/yaml.ts";

test("lists of words stand on one line, and a text of several lines as it is", () => {
  const value = { kind: "Role", rules: [{ verbs: ["get", "list"], apiGroups: [""] }], none: [], expression: "a ||\n  b" };
  assert.equal(
    formatYaml(value),
    ["kind: Role", "rules:", "  - verbs: [get, list]", '    apiGroups: [""]', "none: []", "expression: |-", "  a ||", "    b", ""].join("\n"),
  );
});

const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom("true", "No", "~", "null", "1e3", "0x1", "- a", "a: b", "a #b", "a\n\nb", "a\n", "\na", " a\nb", "a\n b ", "'", '"', "|-", "2026-01-01", "<<", "y"));
const { value: anything } = fc.letrec<{ value: YamlValue }>((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, text, fc.array(tie("value"), { maxLength: 4 }), fc.dictionary(text, tie("value"), { maxKeys: 4 })),
}));

test("whatever is written is read as the same", () => {
  fc.assert(
    fc.property(fc.dictionary(text.filter((key) => key !== "__proto__"), anything, { minKeys: 1, maxKeys: 4 }), (value) => {
      const plain = JSON.parse(JSON.stringify(value)) as Record<string, YamlValue>;
      assert.deepEqual(loadYaml(formatYaml(plain)), plain);
    }),
  );
});
