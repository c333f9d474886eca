/**
 * Several files → one tree: config.toml, then conf.d/ in name order. Tables of a list append; a key that two files give is an
 * error, because nobody could say which of them counts. Pure.
 */
import type { Report } from "./problem.ts";
import type { TomlArray, TomlNode, TomlTable } from "./toml.ts";

/** The union of the roots, in order. There is at least one. */
export function mergeTables(roots: readonly [TomlTable, ...TomlTable[]], report: Report): TomlTable {
  const [first, ...others] = roots;
  for (const other of others) mergeInto(first, other, report);
  return first;
}

function mergeInto(base: TomlTable, other: TomlTable, report: Report): void {
  for (const [key, node] of other.entries) {
    const present = base.entries.get(key);
    if (present === undefined) base.entries.set(key, node);
    else if (present.type === "table" && node.type === "table") mergeInto(present, node, report);
    else if (isListOfTables(present) && isListOfTables(node)) for (const item of node.items) present.items.push(item);
    else report(node.place, `given twice; the first time at ${present.place.file}:${present.place.line}; keep one of them`);
  }
}

function isListOfTables(node: TomlNode): node is TomlArray {
  return node.type === "array" && node.items.length > 0 && node.items.every((item) => item.type === "table");
}
