/** `bmlb rbac`: reads the pools if it is given a configuration, and prints the manifests. */
import { formatProblem, isDnsLabel, loadPools } from "../config/index.ts";
import { localFiles } from "../linux/index.ts";
import { formatManifests, jsonOfManifests } from "./manifest.ts";
import { DEFAULT_NAMESPACE, rbacManifests } from "./rbac.ts";

export type RbacCommand = {
  readonly host: readonly string[];
  readonly namespace?: string;
  /** The file whose pools bound the addresses. */
  readonly config?: string;
  readonly json?: true;
};

/** @param out takes the manifests, `err` what is wrong with the configuration. Returns the exit status. */
export function printRbac({ host, namespace, config, json }: RbacCommand, out: (text: string) => void, err: (text: string) => void): number {
  const wrong = [...host, ...(namespace === undefined ? [] : [namespace])].filter((name) => !isDnsLabel(name));
  if (wrong.length > 0) {
    err(`error: ${JSON.stringify(wrong[0])} cannot be a name of a host or namespace: 1 to 63 lower-case letters, digits and dashes, a letter or digit at both ends\n`);
    return 2;
  }
  const pools = config === undefined ? undefined : loadPools(config, localFiles);
  if (pools?.ok === false) {
    err(pools.problems.map((problem) => `${formatProblem(problem)}\n`).join(""));
    return 1;
  }
  const manifests = rbacManifests({ namespace: namespace ?? pools?.namespace ?? DEFAULT_NAMESPACE, hosts: Array.from(new Set(host)), ranges: pools?.ranges });
  out(json === true ? jsonOfManifests(manifests) : formatManifests(manifests));
  return 0;
}
