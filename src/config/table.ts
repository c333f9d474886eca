/**
 * How the schema is written: a Table per TOML table, a Key per row, and its reader.
 *
 * convict holds what documents need of each row: documentation, default and format; it checks that every default is legal, and
 * gives the defaults. Values of the operator's never pass through it: it turns "7 gateways" into 7 and "no" into true.
 * Pure.
 */
import convict from "convict";
import type { Findings } from "./findings.ts";
import { didYouMean, nearestOf } from "./nearest.ts";
import { type Place, enumerate, pathOf, quote } from "./problem.ts";
import { type TomlLiteral, type TomlNode, type TomlTable, kindOf, nodeOf } from "./toml.ts";
import { type ValueType, WRONG } from "./value.ts";

type Row<T> = {
  /** One sentence, for the shipped config.toml, the man page and the operator who asks. */
  readonly doc: string;
  readonly type: ValueType<T>;
  /** As it would be written in the file. */
  readonly example: TomlLiteral;
  /** The key of the same table in whose place it stands: both at once contradict each other. */
  readonly insteadOf?: string;
  /** Returns why a value of the right type has no effect yet; undefined if it has. */
  notYet?(value: T): string | undefined;
};

export type Key<T, P extends "always" | "maybe" = "always" | "maybe"> = Row<T> & {
  readonly presence: P;
  /** In TOML's terms; undefined if there is none. */
  readonly default: TomlLiteral | undefined;
  /** What is done without it, where no value says so. */
  readonly without: string | undefined;
  readonly required: "yes" | "no";
};

/** A key with a default. */
export function key<T>(row: Row<T> & { readonly default: TomlLiteral }): Key<T, "always"> {
  return { ...row, presence: "always", without: undefined, required: "no" };
}

/** A key that may be left out; `without` continues "default:". */
export function optional<T>(row: Row<T> & { readonly without: string }): Key<T, "maybe"> {
  return { ...row, presence: "maybe", default: undefined, required: "no" };
}

/** A key without which its table says nothing. */
export function required<T>(row: Row<T>): Key<T, "maybe"> {
  return { ...row, presence: "maybe", default: undefined, without: undefined, required: "yes" };
}

export type Keys = Readonly<Record<string, Key<unknown>>>;

export type Table<K extends Keys = Keys> = {
  /** "bgp.peer" */
  readonly path: string;
  /** [path] or [[path]]. */
  readonly kind: "one" | "many";
  readonly doc: string;
  readonly keys: K;
  /** Tables within it, by the last part of their path. */
  readonly inner: readonly string[];
  /** Why the whole table has no effect yet; undefined if it has. */
  readonly notYet: string | undefined;
  readonly defaults: ReadonlyMap<string, unknown>;
  /** The schema as convict keeps it, for documents. */
  readonly schema: ConvictSchema;
};

type ConvictSchema = convict.Config<Record<string, unknown>>;

/** What a table of the file says about one key. */
export type Setting<T> = {
  /** The default if nothing was given, and also if what was given is wrong. */
  readonly value: T;
  readonly state: "given" | "absent" | "wrong";
  /** Of the key; where it is absent, of its table. */
  readonly place: Place;
};

export type Reading<K extends Keys> = {
  readonly [N in keyof K]: Setting<K[N] extends Key<infer T, infer P> ? (P extends "always" ? T : T | undefined) : never>;
};

/** Declares a table. Throws RangeError if a default is not legal: a fault of the program. */
export function table<const K extends Keys>(declared: { path: string; kind: "one" | "many"; doc: string; keys: K; inner?: readonly string[]; notYet?: string }): Table<K> {
  const rows = Object.entries<Key<unknown>>(declared.keys);
  const schema: ConvictSchema = convict<Record<string, unknown>>(
    Object.fromEntries(rows.map(([name, row]) => [name, { doc: row.doc, default: row.default ?? null, format: formatOf(row), nullable: true }])),
    { env: {}, args: [] },
  );
  schema.validate({ allowed: "strict" });
  const written = schema.getProperties();
  const defaults = new Map(rows.map(([name, row]) => [name, row.default === undefined ? undefined : readLiteral(row, written[name] as TomlLiteral)]));
  return { ...declared, inner: declared.inner ?? [], notYet: declared.notYet, defaults, schema };
}

/** `node` is undefined if the file has no such table. Everything wrong with it is in `findings` afterwards. */
export function readTable<K extends Keys>(declared: Table<K>, node: TomlTable, findings: Findings): Reading<K> {
  reportUnknownKeys(declared, node, findings);
  const settings = Object.entries<Key<unknown>>(declared.keys).map(([name, row]) => [name, readSetting(declared, name, row, node, findings)]);
  return Object.fromEntries(settings) as Reading<K>;
}

function readSetting(declared: Table, name: string, row: Key<unknown>, table: TomlTable, findings: Findings): Setting<unknown> {
  const node = table.entries.get(name);
  const fallback = declared.defaults.get(name);
  const place = node?.place ?? { ...table.place, path: pathOf(table.place.path, name) };
  if (node === undefined) {
    if (row.required === "yes") findings.reportMissing(place, `missing; add ${name} = ${formatLiteral(row.example)}: ${row.type.allowed}`);
    return { value: fallback, state: row.required === "yes" ? "wrong" : "absent", place };
  }
  let faults = 0;
  const value = row.type.read(node, (at, message) => {
    faults++;
    findings.report(at, message);
  });
  if (value === WRONG || faults > 0) return { value: value === WRONG ? fallback : value, state: "wrong", place };
  const notYet = row.notYet?.(value);
  if (notYet !== undefined) findings.reportNotYet(place, `not supported yet: ${notYet}`);
  return { value, state: "given", place };
}

function reportUnknownKeys(declared: Table, node: TomlTable, findings: Findings): void {
  const names = [...Object.keys(declared.keys), ...declared.inner];
  const nearest = nearestOf(names);
  for (const [name, value] of node.entries) {
    if (names.includes(name)) continue;
    findings.report(value.place, `no such key${didYouMean(nearest(name))}; allowed here: ${enumerate(names, "and")}`);
  }
}

/** The table at `name` in `parent`; an empty one if there is none. What is no single table is reported, and read as far as it can be. */
export function innerTable(parent: TomlTable, name: string, findings: Findings): TomlTable {
  const node = parent.entries.get(name);
  const place = node?.place ?? { ...parent.place, path: pathOf(parent.place.path, name) };
  const nothing: TomlTable = { type: "table", entries: new Map(), place };
  if (node === undefined || node.type === "table") return node ?? nothing;
  const [first] = node.type === "array" ? node.items : [];
  if (first?.type === "table") findings.report(place, `must be one table: write [${place.path}], not [[${place.path}]]`);
  else findings.report(place, `must be a table [${place.path}], not ${kindOf(node)}`);
  return first?.type === "table" ? first : nothing;
}

/** The tables of the list at `name` in `parent`. What is no list of tables is reported, and read as far as it can be. */
export function innerTables(parent: TomlTable, name: string, findings: Findings): readonly TomlTable[] {
  const node = parent.entries.get(name);
  if (node === undefined) return [];
  const written = `[[${node.place.path}]]`;
  if (node.type === "table" && isOfTables(node)) {
    return Array.from(node.entries, ([own, inner]) => {
      findings.report(inner.place, `must be a list of tables: write ${written} with name = ${quote(own)}, not [${inner.place.path}]`);
      const name: TomlNode = { type: "string", value: own, place: inner.place };
      return { ...inner, entries: new Map<string, TomlNode>([["name", name], ...inner.entries]) };
    });
  }
  if (node.type === "table") {
    findings.report(node.place, `must be a list of tables: write ${written}, not [${node.place.path}]`);
    return [node];
  }
  if (node.type !== "array") {
    findings.report(node.place, `must be a list of tables ${written}, not ${kindOf(node)}`);
    return [];
  }
  for (const item of node.items) if (item.type !== "table") findings.report(item.place, `must be a table, as in ${written}, not ${kindOf(item)}`);
  return node.items.filter((item) => item.type === "table");
}

/** [pool.lan] instead of [[pool]] with a name: the other way to write many tables of one kind. */
function isOfTables(node: TomlTable): node is TomlTable & { readonly entries: ReadonlyMap<string, TomlTable> } {
  return node.entries.size > 0 && Array.from(node.entries.values()).every((inner) => inner.type === "table");
}

/** As TOML writes it. */
export function formatLiteral(literal: TomlLiteral): string {
  if (typeof literal === "string") return quote(literal);
  if (typeof literal === "number" || typeof literal === "boolean") return String(literal);
  if (Array.isArray(literal)) return `[${literal.map((item: TomlLiteral) => formatLiteral(item)).join(", ")}]`;
  const entries = Object.entries(literal);
  if (entries.length === 0) return "{}";
  return `{ ${entries
    .map(([name, value]) => `${pathOf("", name)} = ${formatLiteral(value)}`)
    .join(", ")} }`;
}

const IN_THE_SCHEMA: Place = { file: "schema", line: 1, path: "default" };

function formatOf(row: Key<unknown>): (value: unknown) => void {
  return (value) => {
    if (value !== null) readLiteral(row, value as TomlLiteral);
  };
}

function readLiteral(row: Key<unknown>, literal: TomlLiteral): unknown {
  const node: TomlNode = nodeOf(literal, IN_THE_SCHEMA);
  return row.type.read(node, (_, message) => {
    throw new RangeError(message);
  });
}
