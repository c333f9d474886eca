import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadAllYaml } from "@kubernetes/client-node";
import { CLUSTER_RULES, NAMESPACE_RULES } from "../kube/access.ts";

type Manifest = { readonly kind: string; readonly rules?: unknown; readonly roleRef?: { readonly name: string }; readonly subjects?: readonly { readonly kind: string; readonly name: string }[] };

// The library makes objects of its own classes: only what is in them counts.
const manifests = JSON.parse(JSON.stringify(loadAllYaml(readFileSync(join(import.meta.dirname, "../../packaging/rbac.yaml"), "utf8")))) as readonly Manifest[];

function only(kind: string): Manifest {
  const [found, ...more] = manifests.filter((manifest) => manifest.kind === kind);
  assert.ok(found !== undefined && more.length === 0, kind);
  return found;
}

test("the manifest grants exactly what the contract tests get by with on a real API server", () => {
  assert.deepEqual(only("ClusterRole").rules, CLUSTER_RULES);
  assert.deepEqual(only("Role").rules, NAMESPACE_RULES);
});

test("both bindings give their role to the account and to nobody else", () => {
  for (const kind of ["ClusterRoleBinding", "RoleBinding"]) {
    assert.equal(only(kind).roleRef?.name, "bmlb");
    assert.deepEqual(only(kind).subjects, [{ kind: "ServiceAccount", name: "bmlb", namespace: "bmlb-system" }]);
  }
});
