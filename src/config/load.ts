/**
 * The configuration: config.toml and conf.d/ beside it → a validated, immutable Config, or all that is wrong at once.
 *
 * Files are reached only through ConfigFiles. Never throws, whatever the files hold.
 */
import type { Config } from "./config.ts";
import { type ConfigFiles, besideFile, sayFault } from "./files.ts";
import { Findings } from "./findings.ts";
import { mergeTables } from "./merge.ts";
import { parseToml } from "./parse-toml.ts";
import type { Problem } from "./problem.ts";
import { type FixedSetting, type Secrets, readConfig } from "./read-config.ts";
import { type CheckKubeconfig, SecretFiles } from "./secrets.ts";
import { MOST_OCTETS, decode } from "./text.ts";
import type { TomlTable } from "./toml.ts";

export type LoadOptions = {
  /** Of config.toml; errors name it like this. */
  readonly path: string;
  readonly files: ConfigFiles;
  readonly hostname: string;
  /** $CREDENTIALS_DIRECTORY, where systemd puts secrets. */
  readonly credentialsDirectory: string | undefined;
  /** Reads the kubeconfig as its user will; without it only the file itself is checked. */
  readonly checkKubeconfig?: CheckKubeconfig;
};

/** A file as it was read. */
export type SourceText = { readonly path: string; readonly text: string };

export type LoadedConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly secrets: Secrets;
      readonly warnings: readonly Problem[];
      /** The files that were read, in order. */
      readonly sources: readonly string[];
      readonly texts: readonly SourceText[];
      /** What a running daemon cannot change. */
      readonly fixed: readonly FixedSetting[];
    }
  | { readonly ok: false; readonly problems: readonly [Problem, ...Problem[]]; readonly warnings: readonly Problem[]; readonly sources: readonly string[] };

export function loadConfig(options: LoadOptions): LoadedConfig {
  const findings = new Findings();
  const sources = [options.path, ...listConfD(options, findings)];
  const files = sources.map((source) => readRoot(source, options.files, findings)).filter((file) => file !== undefined);
  if (files.length < sources.length) findings.someFileIsUnread();
  const [first, ...others] = files.map(({ root }) => root);
  const read = first === undefined ? undefined : readMerged([first, ...others], options, findings);
  const [problem, ...more] = findings.problems(sources);
  const warnings = findings.warnings(sources);
  if (problem !== undefined) return { ok: false, problems: [problem, ...more], warnings, sources };
  if (read === undefined) throw new Error("a configuration that could not be read has no problem"); // unreachable: readRoot says why
  return { ok: true, config: freeze(read.config), secrets: read.secrets, fixed: read.fixed, warnings, sources, texts: files.map(({ path, text }) => ({ path, text })) };
}

function readMerged(roots: readonly [TomlTable, ...TomlTable[]], options: LoadOptions, findings: Findings): ReturnType<typeof readConfig> {
  const surroundings = {
    hostname: options.hostname,
    secretFiles: new SecretFiles(options.files, options.credentialsDirectory, findings),
    checkKubeconfig: options.checkKubeconfig,
  };
  return readConfig(mergeTables(roots, findings.report), surroundings, findings);
}

/** Hidden files are editors' and package managers'. */
function listConfD(options: LoadOptions, findings: Findings): readonly string[] {
  const folder = besideFile(options.path, "conf.d");
  const listed = options.files.list(folder);
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

/** Deeply. */
function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
}
