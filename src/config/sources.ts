/** config.toml and conf.d/ beside it → one tree. Pure. */
import { type ConfigFiles, besideFile, sayFault } from "./files.ts";
import type { Findings } from "./findings.ts";
import { mergeTables } from "./merge.ts";
import { parseToml } from "./parse-toml.ts";
import { MOST_OCTETS, decode } from "./text.ts";
import type { TomlTable } from "./toml.ts";

/** A file as it was read. */
export type SourceText = { readonly path: string; readonly text: string };

export type Sources = {
  /** The files that there are, in the order in which they are merged. */
  readonly sources: readonly string[];
  /** Those that could be read. */
  readonly texts: readonly SourceText[];
  /** What could be read of them; undefined, and reported, if that is nothing. */
  readonly root: TomlTable | undefined;
};

/** Reads config.toml at `path` and conf.d/ beside it; what is wrong with them is reported. */
export function readSources(path: string, files: ConfigFiles, findings: Findings): Sources {
  const sources = [path, ...listConfD(path, files, findings)];
  const texts = sources.map((source) => readRoot(source, files, findings)).filter((file) => file !== undefined);
  if (texts.length < sources.length) findings.someFileIsUnread();
  const [first, ...others] = texts.map(({ root }) => root);
  return { sources, texts: texts.map(({ path, text }) => ({ path, text })), root: first === undefined ? undefined : mergeTables([first, ...others], findings.report) };
}

/** Hidden files are editors' and package managers'. */
function listConfD(path: string, files: ConfigFiles, findings: Findings): readonly string[] {
  const folder = besideFile(path, "conf.d");
  const listed = files.list(folder);
  if (listed.ok) {
    return listed.names
      .filter((name) => name.endsWith(".toml") && !name.startsWith("."))
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map((name) => `${folder}/${name}`);
  }
  if (listed.reason.type !== "missing") {
    findings.report({ file: folder, line: 1, path: "file" }, `the folder ${sayFault(listed.reason, MOST_OCTETS)}; it may hold more configuration`);
    findings.someFileIsUnread();
  }
  return [];
}

function readRoot(file: string, files: ConfigFiles, findings: Findings): (SourceText & { readonly root: TomlTable }) | undefined {
  const read = files.read(file, MOST_OCTETS);
  if (!read.ok) {
    findings.report({ file, line: 1, path: "file" }, `the file ${sayFault(read.reason, MOST_OCTETS)}`);
    return undefined;
  }
  const decoded = decode(read.bytes);
  if ("message" in decoded) {
    findings.report({ file, line: decoded.line, path: "file" }, decoded.message);
    return undefined;
  }
  const { text } = decoded;
  const { root, problems } = parseToml(file, text);
  for (const { message, ...place } of problems) findings.report(place, message);
  return root === undefined ? undefined : { path: file, text, root };
}
