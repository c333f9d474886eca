/** What tests of the configuration have in common: a file whose first lines are under test and whose rest is right. */
import assert from "node:assert/strict";
import { type LoadOptions, type LoadedConfig, formatProblem, loadConfig } from "../../src/config/index.ts";
import { type MemoryFile, memoryFiles } from "./memory-files.ts";

export const PATH = "/etc/bmlb/config.toml";

/** Files that every configuration here may name. */
export const FILES: Readonly<Record<string, MemoryFile>> = {
  "/etc/bmlb/kubeconfig": { text: "apiVersion: v1\n", mode: 0o640 },
  "/etc/bmlb/tor.password": "s3cret\n",
  "/etc/bmlb/fleet.key": "0123456789abcdef0123456789abcdef\n",
};

type Around = { readonly files?: Readonly<Record<string, MemoryFile>> } & Partial<Omit<LoadOptions, "files">>;

/** The configuration of these files, which include config.toml. */
export function loadFiles(files: Readonly<Record<string, MemoryFile>>, around: Partial<Omit<LoadOptions, "files">> = {}): LoadedConfig {
  return loadConfig({ path: PATH, hostname: "edge-1", credentialsDirectory: undefined, ...around, files: memoryFiles({ ...FILES, ...files }) });
}

/** `text`, and after it what a configuration needs and `text` does not have: a pool, and an [[l2]]. */
export function load(text: string, { files = {}, ...around }: Around = {}): LoadedConfig {
  return loadFiles({ ...files, [PATH]: complete(text) }, around);
}

export function complete(text: string): string {
  const pool = /^ *\[\[?"?pool|^pool *=/m.test(text) ? "" : '\n[[pool]]\nname = "base"\naddresses = ["203.0.113.0/24", "2001:db8:ffff::/120"]\n';
  const l2 = /^ *\[\[?"?l2|^l2 *=/m.test(text) ? "" : "\n[[l2]]\n";
  return text + pool + l2;
}

/** The configuration, which must be right; and without warnings unless they are asked for. */
export function loadRight(text: string, around: Around = {}): LoadedConfig & { ok: true } {
  const loaded = load(text, around);
  assert.ok(loaded.ok, loaded.ok ? "" : loaded.problems.map(formatProblem).join("\n"));
  return loaded;
}

/** A problem that must be there: its line, its path, and words that its message must have. */
export type Expected = readonly [line: number, path: string, ...words: string[]];

/** Exactly these problems, in this order, and nothing unprintable in them. */
export function assertProblems(loaded: LoadedConfig, expected: readonly Expected[], file = PATH): void {
  const said = loaded.ok ? [] : loaded.problems.map(formatProblem);
  const all = `said:\n${said.join("\n")}`;
  assert.ok(!loaded.ok, "it was taken for right");
  for (const [index, [line, path, ...words]] of expected.entries()) {
    const sentence = said[index] ?? "";
    assert.ok(sentence.startsWith(`${file}:${line}: ${path}: `), `problem ${index} should be of ${file}:${line}: ${path}; ${all}`);
    for (const word of words) assert.ok(sentence.includes(word), `problem ${index} should say ${word}; ${all}`);
  }
  assert.equal(said.length, expected.length, all);
  for (const sentence of said) assert.match(sentence, /^[^\p{C}]+$/u);
}
