/** The shipped config.toml as a newcomer meets it: as it is, with its lines brought to life, and against the schema. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { documents } from "../../scripts/documents/index.ts";
import { type LoadedConfig, formatProblem, SCHEMA } from "../../src/config/index.ts";
import { loadFiles, PATH } from "../config/loading.ts";

const SHIPPED = documents().get("etc/config.toml") ?? "";
const NO_KUBECONFIG = { "/etc/bmlb/kubeconfig": { fault: { type: "missing" } } } as const;
const SECRETS = { "/etc/bmlb/tor-1.password": "s3cret\n" };

/** A line of configuration that waits for its # to be removed. */
const WAITING = /^#(?=[a-z0-9_]+ = |\[\[)/;

type Part = { readonly table: string; readonly lines: readonly string[] };

/** The file cut at the headers of its tables; what is above the first belongs to none. */
const PARTS: readonly Part[] = SHIPPED.split("\n").reduce<Part[]>((parts, line) => {
  const table = /^#?\[\[?([a-z0-9_.]+)\]\]?$/.exec(line)?.[1];
  if (table !== undefined) return [...parts, { table, lines: [line] }];
  return [...parts.slice(0, -1), { table: parts.at(-1)?.table ?? "", lines: [...(parts.at(-1)?.lines ?? []), line] }];
}, []);

/** The file with the lines of some tables brought to life. */
function alive(tables: readonly string[], keys: (key: string) => boolean = () => true): string {
  const revive = (line: string): string => (line.startsWith("#[[") || keys(/^#([a-z0-9_]+) = /.exec(line)?.[1] ?? "") ? line.replace(WAITING, "") : line);
  return PARTS.map(({ table, lines }) => (tables.includes(table) ? lines.map(revive) : lines).join("\n")).join("\n");
}

function problemsOf(loaded: LoadedConfig): readonly string[] {
  return loaded.ok ? [] : loaded.problems.map(formatProblem);
}

function loadShipped(text: string): LoadedConfig {
  return loadFiles({ [PATH]: text, ...SECRETS });
}

test("unconfigured it is refused with what to fill in, and nothing else", () => {
  const said = problemsOf(loadFiles({ [PATH]: SHIPPED, ...NO_KUBECONFIG }));
  assert.equal(said.length, 2, said.join("\n"));
  const [pool, kubeconfig] = said;
  assert.match(pool ?? "", /: pool: missing: there is no pool; add a table \[\[pool\]\] with name = "lan" and addresses = /);
  assert.match(kubeconfig ?? "", /: kubernetes\.kubeconfig: "\/etc\/bmlb\/kubeconfig" does not exist; put it there, .* or set kubeconfig = /);
});

const FIRST: ReadonlySet<string> = new Set(["name", "addresses", "address", "asn"]);

for (const [way, tables] of [
  ["an [[l2]]", ["pool", "l2"]],
  ["a router", ["pool", "bgp", "bgp.peer", "bgp.advertisement"]],
] as const) {
  test(`a kubeconfig, a pool and ${way}, as the top of the file asks for, are a first start without a warning`, () => {
    const loaded = loadShipped(alive(tables, (key) => FIRST.has(key)));
    assert.deepEqual([...problemsOf(loaded), ...loaded.warnings.map(formatProblem)], []);
  });
}

/** Of a key that stands in the place of another: which. */
function insteadOf(table: string, key: string): string | undefined {
  return SCHEMA.find(({ path }) => path === table)?.keys[key]?.insteadOf;
}

/** What a table needs to stand beside it. */
const TOGETHER: Readonly<Record<string, readonly string[]>> = {
  "bgp.peer": ["bgp", "bfd"],
  "bgp.advertisement": ["bgp", "bgp.peer", "bfd"],
};

for (const { table, lines } of PARTS.filter((part) => part.table !== "")) {
  const beside = ["pool", ...(TOGETHER[table] ?? [])];
  test(`everything of ${table} at once is a valid configuration`, () => {
    assert.deepEqual(problemsOf(loadShipped(alive([table, ...beside], (key) => [table, ...beside].every((one) => insteadOf(one, key) === undefined)))), []);
  });

  for (const key of lines.flatMap((line) => /^#([a-z0-9_]+) = /.exec(line)?.[1] ?? [])) {
    test(`${table}.${key} alone, beside what its table cannot do without, is a valid configuration`, () => {
      const needed = new Set([...FIRST, key]);
      needed.delete(insteadOf(table, key) ?? "");
      assert.deepEqual(problemsOf(loadShipped(alive([table, ...beside], (name) => needed.has(name)))), []);
    });
  }
}

test("everything at once is a valid configuration", () => {
  const all = PARTS.map((part) => part.table);
  const isOther = (key: string): boolean => SCHEMA.some(({ path }) => insteadOf(path, key) !== undefined);
  assert.deepEqual(problemsOf(loadShipped(alive(all, (key) => !isOther(key)))), []);
});

test("every key whose effect is built stands in the file once, and no other", () => {
  const built = SCHEMA.filter((table) => table.notYet === undefined).flatMap((table) => Object.entries(table.keys).flatMap(([name, key]) => (key.notYet === undefined ? [`${table.path}.${name}`] : [])));
  const shown = PARTS.flatMap(({ table, lines }) => lines.flatMap((line) => (/^#([a-z0-9_]+) = /.exec(line)?.[1] === undefined ? [] : [`${table}.${/^#([a-z0-9_]+)/.exec(line)?.[1] ?? ""}`])));
  assert.deepEqual(shown, built);
});

test("no line is wider than a screen of 110 columns, but for a value", () => {
  for (const line of SHIPPED.split("\n")) assert.ok(line.length <= 110 || WAITING.test(line), line);
});
