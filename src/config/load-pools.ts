/**
 * The addresses of the pools alone, for the one who prepares a cluster: on a machine that has neither the kubeconfig nor the passwords, and
 * before they exist. Pure but for ConfigFiles.
 */
import type { AddressRange } from "../net/index.ts";
import type { ConfigFiles } from "./files.ts";
import { Findings } from "./findings.ts";
import { readPools } from "./pools.ts";
import type { Problem } from "./problem.ts";
import { KUBERNETES } from "./schema.ts";
import { readSources } from "./sources.ts";
import { innerTable, readTable } from "./table.ts";

export type LoadedPools =
  | {
      readonly ok: true;
      /** Of all pools, in the order of the files; no two overlap. */
      readonly ranges: readonly AddressRange[];
      /** [kubernetes] namespace */
      readonly namespace: string;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What is wrong elsewhere in the files is not said. */
export function loadPools(path: string, files: ConfigFiles): LoadedPools {
  const findings = new Findings();
  const { sources, root } = readSources(path, files, findings);
  const pools = root === undefined ? [] : readPools(root, findings);
  const namespace = root === undefined ? "" : readTable(KUBERNETES, innerTable(root, "kubernetes", findings), findings).namespace.value;
  const problems = findings.problems(sources);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, ranges: pools.flatMap((pool) => pool.config.ranges), namespace };
}
