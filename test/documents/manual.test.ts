/** The man pages: that their readers find no fault with them, and that what they say is so. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DIAGNOSTICS } from "../../scripts/documents/diagnostics.ts";
import { documents } from "../../scripts/documents/index.ts";
import { example, formatPage, item, paragraph, section } from "../../scripts/documents/roff.ts";
import { SCHEMA } from "../../src/config/index.ts";
import { loadFiles, PATH } from "../config/loading.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "bmlb-manual-"));
after(() => { rmSync(folder, { recursive: true }); });

const PAGES = ["docs/bmlb.8", "docs/bmlb.toml.5"] as const;

/** What readers of manual pages say against one; nothing if all is well. */
const READERS: Readonly<Record<string, (file: string) => string>> = {
  mandoc: (file) => spawnSync("mandoc", ["-T", "lint", file], { encoding: "utf8" }).stdout,
  groff: (file) => spawnSync("groff", ["-man", "-Tutf8", "-ww", "-z", file], { encoding: "utf8" }).stderr,
};

function pageOf(path: string): string {
  return documents().get(path) ?? "";
}

/** As a reader sees it, each run of blanks as one. */
function rendered(text: string): string {
  return text.replace(/\\f[BIR]/g, "").replaceAll("\\-", "-").replaceAll("\\(aq", "'").replaceAll("\\(ti", "~").replaceAll("\\(ha", "^").replaceAll("\\&", "").replaceAll("\\e", "\\").replace(/\s+/g, " ");
}

for (const [reader, faults] of Object.entries(READERS)) {
  const skip = spawnSync(reader, ["--version"]).error === undefined ? false : `${reader} is not installed`;
  for (const path of PAGES) {
    test(`${reader} finds no fault with ${path}`, { skip }, () => {
      const file = join(folder, path.replace("/", "-"));
      writeFileSync(file, pageOf(path));
      assert.equal(faults(file), "");
    });
  }
  test(`${reader} would find one`, { skip }, () => {
    const file = join(folder, `wrong-${reader}`);
    writeFileSync(file, '.TH X 8\n.SH A "\n.nosuch\ntext\\');
    assert.notEqual(faults(file), "");
  });
}

test("the page of the configuration has every key of every table", () => {
  const page = pageOf("docs/bmlb.toml.5");
  for (const table of SCHEMA) {
    const [, part = ""] = page.split(`.SS ${table.kind === "one" ? `[${table.path}]` : `[[${table.path}]]`}\n`);
    for (const [name, key] of Object.entries(table.keys)) {
      const [, about = ""] = part.split(/^\.S[HS] /m, 1).join("").split(`.TP\n\\fB${name}\\fR\n`);
      assert.ok(rendered(about).startsWith(rendered(key.doc)), `${table.path}.${name}`);
    }
  }
});

test("what is not built yet is marked as such, and nothing else", () => {
  const marked = pageOf("docs/bmlb.toml.5").split("Not supported yet").length - 1;
  const tables = SCHEMA.filter((table) => table.notYet !== undefined).length;
  const keys = SCHEMA.flatMap((table) => Object.values(table.keys)).filter((key) => key.notYet !== undefined).length;
  assert.equal(marked, tables + keys);
});

test("every example of a configuration is one without a warning, alone or after the first", () => {
  const examples = Array.from(pageOf("docs/bmlb.toml.5").matchAll(/^\.EX\n(.*?)\n\.EE$/gms), (match) => (match[1] ?? "").replaceAll("\\-", "-").replaceAll("\\&", ""));
  assert.ok(examples.length >= 3);
  for (const text of examples) {
    const files = text.includes("[[pool]]") ? { [PATH]: text } : { [PATH]: examples[0] ?? "", "/etc/bmlb/conf.d/more.toml": text };
    const loaded = loadFiles(files);
    assert.deepEqual([loaded.ok ? [] : loaded.problems, loaded.warnings], [[], []], text);
  }
});

test("every log line that is explained is one that the daemon writes", () => {
  const source = globSync("src/**/*.ts", { cwd: root }).map((file) => readFileSync(join(root, file), "utf8")).join("\n").replaceAll("\\`", "`");
  for (const { line } of DIAGNOSTICS) {
    const fragments = line.split(/<[^>]*>/).map((fragment) => fragment.replace(/^[\s:;,()]+|[\s:;,(]+$/g, "")).filter((fragment) => fragment.length > 2);
    assert.ok(fragments.length > 0, line);
    for (const fragment of fragments) assert.ok(source.includes(fragment), `nothing in src/ says "${fragment}", of "${line}"`);
  }
});

test("text that looks like roff is text", () => {
  const page = formatPage({
    name: "x",
    section: 8,
    source: "x",
    date: "2026-01-01",
    blocks: section("A B", paragraph(".TH `--a'b` <c\\d> ~ ^"), item("`.x`", "'y"), example(".z\n'q `\\`")),
  });
  assert.deepEqual(page.split("\n").slice(5), [".SH \"A B\"", "\\&.TH \\fB\\-\\-a\\(aqb\\fR \\fIc\\ed\\fR \\(ti \\(ha", ".TP", "\\fB.x\\fR", "\\&'y", ".PP", ".RS 4", ".EX", "\\&.z", "\\(aqq \\(ga\\e\\(ga", ".EE", ".RE", ""]);
});

test("what is not ASCII is refused, not printed as something else", () => {
  assert.throws(() => formatPage({ name: "x", section: 8, source: "x", date: "", blocks: [paragraph("1\u20132")] }), /is not ASCII/);
});
