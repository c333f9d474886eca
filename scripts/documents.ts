/**
 * Writes what users read and what is made from the schema and the command line: the shipped configuration, the man pages, the completions
 * and the manifests. Usage: npm run documents
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { documents } from "./documents/index.ts";

const root = join(import.meta.dirname, "..");

for (const [path, text] of documents()) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
