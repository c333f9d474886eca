/**
 * TOML text → a tree with the line of every key, by toml-eslint-parser.
 *
 * The tree is built from the syntax tree and not from the library's own value, which loses lines, the difference between 1 and
 * 1.0, and a key called `__proto__`. The library stops at a key given twice; here that is an error among others.
 * Pure. Never throws.
 */
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { type Place, type Problem, pathOf } from "./problem.ts";
import { explainSyntax } from "./syntax.ts";
import { MOST_NESTING } from "./text.ts";
import type { TomlArray, TomlNode, TomlTable } from "./toml.ts";

export type ParsedToml = { readonly root: TomlTable; readonly problems: readonly Problem[] } | { readonly root: undefined; readonly problems: readonly Problem[] };

/** `text` has passed `decode`. */
export function parseToml(file: string, text: string): ParsedToml {
  const program = parseProgram(file, text);
  return "message" in program ? { root: undefined, problems: [program] } : new TreeBuilder(file).build(program);
}

const MOST_PARSED = 1 << 18; // characters in all: each repeated key costs a run of the parser
const REPEATED = "\0"; // after the name of a key that was given before; cannot be typed in a file

function parseProgram(file: string, text: string): AST.TOMLProgram | Problem {
  let source = text;
  for (let repeated = 1; ; repeated++) {
    try {
      return parseTOML(source, { tomlVersion: "1.0.0" });
    } catch (error) {
      const fault = error instanceof ParseError ? error : undefined;
      if (fault === undefined) return { file, line: 1, path: "syntax", message: "this is not TOML" };
      const renamed = repeated * source.length <= MOST_PARSED ? renameRepeatedKey(source, fault, repeated) : undefined;
      if (renamed === undefined) return { file, path: "syntax", ...explainSyntax(fault, source) };
      source = renamed;
    }
  }
}

/** The same text, with the second of two equal keys marked so that the parser goes on. Undefined for any other fault. */
function renameRepeatedKey(source: string, fault: ParseError, count: number): string | undefined {
  if (fault.message !== "Defining a key multiple times is invalid") return undefined;
  const key = /[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y;
  key.lastIndex = fault.index;
  const word = key.exec(source)?.[0];
  if (word === undefined) return undefined;
  const name = word.startsWith('"') ? word.slice(1, -1) : word.startsWith("'") ? word.slice(1, -1).replace(/["\\]/g, "\\$&") : word;
  return `${source.slice(0, fault.index)}"${name}\\u0000${count}"${source.slice(fault.index + word.length)}`;
}

class TreeBuilder {
  readonly #file: string;
  readonly #problems: Problem[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  build(program: AST.TOMLProgram): ParsedToml {
    const root: TomlTable = { type: "table", entries: new Map(), place: this.#place("", 1) };
    for (const item of program.body[0].body) {
      if (item.type === "TOMLKeyValue") this.#addKeyValue(root, item, 0);
      else this.#addTable(root, item);
    }
    return { root, problems: this.#problems };
  }

  /** A [table] or [[table]] and what stands under it; of one that was there before, into the first. */
  #addTable(root: TomlTable, header: AST.TOMLTable): void {
    const line = header.loc.start.line;
    let table = root;
    let list: TomlArray | undefined;
    for (const [depth, part] of header.resolvedKey.entries()) {
      if (typeof part === "number") {
        if (list === undefined) return;
        const item = list.items[part] ?? { type: "table", entries: new Map<string, TomlNode>(), place: this.#place(`${list.place.path}[${part}]`, line) };
        if (item.type !== "table") return;
        list.items[part] = item;
        table = item;
        list = undefined;
        continue;
      }
      const { name, place, node, given } = this.#look(table, part, line);
      if (given === "twice") this.#reportTwice(place, node);
      if (typeof header.resolvedKey[depth + 1] === "number") {
        if (given === "twice") return;
        list = node?.type === "array" ? node : { type: "array", items: [], place };
        table.entries.set(name, list);
      } else {
        if (given === "twice" && node?.type !== "table") return;
        table = this.#tableIn(table, name, node, place);
      }
    }
    for (const item of header.body) this.#addKeyValue(table, item, header.key.keys.length);
  }

  #addKeyValue(base: TomlTable, item: AST.TOMLKeyValue, depth: number): void {
    let table = base;
    const keys = item.key.keys;
    const line = item.key.loc.start.line;
    for (const [index, key] of keys.entries()) {
      const { name, place, node, given } = this.#look(table, key.type === "TOMLBare" ? key.name : key.value, line);
      const isLast = index === keys.length - 1;
      if (given === "twice" || (isLast && node !== undefined) || (!isLast && node !== undefined && node.type !== "table")) {
        this.#reportTwice(place, node);
        return;
      }
      if (!isLast) table = this.#tableIn(table, name, node, place);
      else {
        const value = this.#node(item.value, place, depth + keys.length);
        if (value !== undefined) table.entries.set(name, value);
      }
    }
  }

  /** What a key holds so far; its mark, if the parser took it for another key. */
  #look(table: TomlTable, key: string, line: number): { readonly name: string; readonly place: Place; readonly node: TomlNode | undefined; readonly given: "once" | "twice" } {
    const mark = key.indexOf(REPEATED);
    const name = mark === -1 ? key : key.slice(0, mark);
    return { name, place: this.#place(pathOf(table.place.path, name), line), node: table.entries.get(name), given: mark === -1 ? "once" : "twice" };
  }

  #tableIn(parent: TomlTable, name: string, node: TomlNode | undefined, place: Place): TomlTable {
    if (node?.type === "table") return node;
    const table: TomlTable = { type: "table", entries: new Map(), place };
    parent.entries.set(name, table);
    return table;
  }

  #reportTwice(place: Place, first: TomlNode | undefined): void {
    const where = first === undefined ? "" : `; the first time on line ${first.place.line}`;
    this.#problems.push({ ...place, message: `given twice${where}; keep one of them` });
  }

  #node(value: AST.TOMLContentNode, place: Place, depth: number): TomlNode | undefined {
    if (depth > MOST_NESTING) {
      this.#problems.push({ ...place, message: `nested deeper than ${MOST_NESTING} tables and lists` });
      return undefined;
    }
    switch (value.type) {
      case "TOMLArray":
        return { type: "array", items: this.#items(value, place, depth), place };
      case "TOMLInlineTable": {
        const table: TomlTable = { type: "table", entries: new Map(), place };
        for (const item of value.body) this.#addKeyValue(table, item, depth);
        return table;
      }
      case "TOMLValue":
        return scalar(value, place);
    }
  }

  #items(array: AST.TOMLArray, place: Place, depth: number): TomlNode[] {
    const items: TomlNode[] = [];
    for (const [index, element] of array.elements.entries()) {
      const node = this.#node(element, this.#place(`${place.path}[${index}]`, element.loc.start.line), depth + 1);
      if (node !== undefined) items.push(node);
    }
    return items;
  }

  #place(path: string, line: number): Place {
    return { file: this.#file, line, path };
  }
}

function scalar(value: AST.TOMLValue, place: Place): TomlNode {
  switch (value.kind) {
    case "string":
      return { type: "string", value: value.value, place };
    case "integer":
      return { type: "integer", value: value.bigint, place };
    case "float":
      return { type: "float", text: value.number, place };
    case "boolean":
      return { type: "boolean", value: value.value, place };
    case "offset-date-time":
    case "local-date-time":
    case "local-date":
    case "local-time":
      return { type: "date", text: value.datetime, place };
  }
}
