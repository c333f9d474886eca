/**
 * Who the tests' users are and what they may do: one statement of it, which the simulator evaluates itself and the real
 * kube-apiserver is given as RBAC objects.
 */
import { randomBytes } from "node:crypto";
import type { User } from "./api-under-test.ts";

export const USERS: readonly User[] = ["admin", "bmlb", "nobody"];

/** Where the Leases of bmlb and its Secret live. */
export const BMLB_NAMESPACE = "bmlb-system";

/** A member of this group may do everything, as in every Kubernetes. */
export const MASTERS = "system:masters";

export const GROUPS: Readonly<Record<User, readonly string[]>> = { admin: [MASTERS], bmlb: ["bmlb"], nobody: ["nobodies"] };

/** A PolicyRule of rbac.authorization.k8s.io/v1. */
export type PolicyRule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
};

/** What bmlb may do in every namespace. */
export const CLUSTER_RULES: readonly PolicyRule[] = [
  { apiGroups: [""], resources: ["services", "nodes", "namespaces"], verbs: ["get", "list", "watch"] },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["services/status"], verbs: ["update", "patch"] },
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"] },
];

/** What bmlb may do besides in {@link BMLB_NAMESPACE}. */
export const NAMESPACE_RULES: readonly PolicyRule[] = [
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "list", "watch", "create", "update", "patch", "delete"] },
  { apiGroups: [""], resources: ["secrets"], resourceNames: ["bmlb-fleet"], verbs: ["get"] },
];

const RBAC = "rbac.authorization.k8s.io";
const BMLB: readonly object[] = [{ kind: "User", name: "bmlb", apiGroup: RBAC }];

/** The objects that a real control plane is given, each with the path to POST it to. */
export const MANIFESTS: readonly { readonly path: string; readonly object: object }[] = [
  { path: "/api/v1/namespaces", object: { apiVersion: "v1", kind: "Namespace", metadata: { name: BMLB_NAMESPACE } } },
  rbac("clusterroles", undefined, { kind: "ClusterRole", rules: CLUSTER_RULES }),
  rbac("clusterrolebindings", undefined, { kind: "ClusterRoleBinding", roleRef: { kind: "ClusterRole", name: "bmlb", apiGroup: RBAC }, subjects: BMLB }),
  rbac("roles", BMLB_NAMESPACE, { kind: "Role", rules: NAMESPACE_RULES }),
  rbac("rolebindings", BMLB_NAMESPACE, { kind: "RoleBinding", roleRef: { kind: "Role", name: "bmlb", apiGroup: RBAC }, subjects: BMLB }),
];

function rbac(resource: string, namespace: string | undefined, object: object): { readonly path: string; readonly object: object } {
  const within = namespace === undefined ? "" : `namespaces/${namespace}/`;
  return { path: `/apis/${RBAC}/v1/${within}${resource}`, object: { apiVersion: `${RBAC}/v1`, metadata: { name: "bmlb" }, ...object } };
}

/** A bearer token for each user, new for each server. */
export type Tokens = Readonly<Record<User, string>>;

export function newTokens(): Tokens {
  const token = (): string => randomBytes(24).toString("base64url");
  return { admin: token(), bmlb: token(), nobody: token() };
}
