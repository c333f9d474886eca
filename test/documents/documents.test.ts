import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { documents } from "../../scripts/documents/index.ts";

const root = join(import.meta.dirname, "../..");

for (const [path, made] of documents()) {
  test(`${path} is what the schema and the command line say`, () => {
    const committed = existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "";
    assert.ok(committed === made, `${path} differs from what is made for it; run: npm run documents`);
  });

  test(`${path} is plain text with an end to its last line`, () => {
    assert.match(made, /^[\x20-\x7e\n]+\n$/);
    assert.doesNotMatch(made, / \n/);
  });
}
