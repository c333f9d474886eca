/** Every file that is made from the schema and the command line, by its path in the repository. Pure. */
import { formatManifests } from "../../src/cli/manifest.ts";
import { DEFAULT_NAMESPACE, rbacManifests } from "../../src/cli/rbac.ts";
import { SCHEMA } from "../../src/config/index.ts";
import { configFile } from "./config-file.ts";

export function documents(): ReadonlyMap<string, string> {
  return new Map([
    ["etc/config.toml", configFile(SCHEMA)],
    ["packaging/rbac.yaml", formatManifests(rbacManifests({ namespace: DEFAULT_NAMESPACE, hosts: [], ranges: undefined }))],
  ]);
}
