/**
 * The configuration: config.toml and conf.d/ beside it → a validated, immutable Config, or all that is wrong at once.
 *
 * Files are reached only through ConfigFiles. Never throws, whatever the files hold.
 */
import type { Config } from "./config.ts";
import type { ConfigFiles } from "./files.ts";
import { Findings } from "./findings.ts";
import type { Problem } from "./problem.ts";
import { type FixedSetting, type Secrets, readConfig } from "./read-config.ts";
import { type CheckKubeconfig, SecretFiles } from "./secrets.ts";
import { type SourceText, readSources } from "./sources.ts";
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

/** Reads and checks everything. Never throws for what the files hold. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const findings = new Findings();
  const { sources, texts, root } = readSources(options.path, options.files, findings);
  const read = root === undefined ? undefined : readRoot(root, options, findings);
  const [problem, ...more] = findings.problems(sources);
  const warnings = findings.warnings(sources);
  if (problem !== undefined) return { ok: false, problems: [problem, ...more], warnings, sources };
  if (read === undefined) throw new Error("a configuration that could not be read has no problem"); // unreachable: readSources says why
  return { ok: true, config: freeze(read.config), secrets: read.secrets, fixed: read.fixed, warnings, sources, texts };
}

function readRoot(root: TomlTable, options: LoadOptions, findings: Findings): ReturnType<typeof readConfig> {
  const surroundings = {
    hostname: options.hostname,
    secretFiles: new SecretFiles(options.files, options.credentialsDirectory, findings),
    checkKubeconfig: options.checkKubeconfig,
  };
  return readConfig(root, surroundings, findings);
}

/** Deeply. */
function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
}
