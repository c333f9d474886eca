/** The configuration as this machine has it: its files, its name, its credentials. `bmlb check`, and the first thing that `bmlb run` does. */
import { hostname } from "node:os";
import { type ConfigCopy, formatProblem, loadConfig, type LoadedConfig, type Problem, withCopy } from "./config/index.ts";
import { checkKubeconfig } from "./kube/index.ts";
import { localFiles } from "./linux/index.ts";

/** Reads FILE and conf.d/ beside it; given a copy of them, as they were then. */
export function loadConfiguration(path: string, copy?: ConfigCopy): LoadedConfig {
  const files = copy === undefined ? localFiles : withCopy(localFiles, copy);
  return loadConfig({ path, files, hostname: hostname().toLowerCase(), credentialsDirectory: process.env["CREDENTIALS_DIRECTORY"], checkKubeconfig });
}

/** One line a problem. */
function formatProblems(problems: readonly Problem[]): string {
  return problems.map((problem) => `${formatProblem(problem)}\n`).join("");
}

/** `bmlb check`: says everything that is wrong. Returns the exit status. */
export function checkConfiguration(path: string, json: boolean): number {
  const loaded = loadConfiguration(path);
  const problems = loaded.ok ? [] : loaded.problems;
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok: loaded.ok, errors: problems, warnings: loaded.warnings, files: loaded.sources }, undefined, 2)}\n`);
  } else {
    process.stderr.write(formatProblems(problems) + loaded.warnings.map((warning) => `warning: ${formatProblem(warning)}\n`).join(""));
    if (loaded.ok) process.stdout.write(`${path} is fine\n`);
  }
  return loaded.ok ? 0 : 1;
}
