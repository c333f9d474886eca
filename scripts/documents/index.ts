/** Every file that is made from the schema and the command line, by its path in the repository. Pure. */
import { completionFor } from "../../src/cli/completion.ts";
import { describeCommand } from "../../src/cli/describe.ts";
import { buildProgram } from "../../src/cli/index.ts";
import { formatManifests } from "../../src/cli/manifest.ts";
import { DEFAULT_NAMESPACE, rbacManifests } from "../../src/cli/rbac.ts";
import { SCHEMA } from "../../src/config/index.ts";
import { configFile } from "./config-file.ts";
import { configurationPage } from "./configuration-page.ts";
import { programPage } from "./program-page.ts";

export function documents(): ReadonlyMap<string, string> {
  const program = describeCommand(buildProgram({ version: "", environment: {}, out: ignore, err: ignore, run: never, check: never }, ignore));
  return new Map([
    ["etc/config.toml", configFile(SCHEMA)],
    ["docs/bmlb.8", programPage(program)],
    ["docs/bmlb.toml.5", configurationPage(SCHEMA)],
    ["packaging/rbac.yaml", formatManifests(rbacManifests({ namespace: DEFAULT_NAMESPACE, hosts: [], ranges: undefined }))],
    ["packaging/completions/bmlb.bash", completionFor("bash", program)],
    ["packaging/completions/_bmlb", completionFor("zsh", program)],
    ["packaging/completions/bmlb.fish", completionFor("fish", program)],
  ]);
}

function ignore(): void {
  // The program is only read here.
}

function never(): Promise<number> {
  return Promise.reject(new Error("the program is read, not run"));
}
