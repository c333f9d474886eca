/**
 * What the cluster must allow bmlb, as manifests: the general ones with one account for all hosts, or an account for each host that may
 * write no Lease of another's; and, for known pools, a policy that refuses any other address. Pure.
 */
import { ALLOCATOR_LEASE, FLEET_SECRET, HOST_LEASE_PREFIX } from "../kube/index.ts";
import type { AddressRange } from "../net/index.ts";
import type { Manifest } from "./manifest.ts";
import { leasePolicy, poolPolicy } from "./rbac-policy.ts";
import type { YamlValue } from "./yaml.ts";

export type RbacOptions = {
  readonly namespace: string;
  /** Names of hosts; empty: one account for all. */
  readonly hosts: readonly string[];
  /** What the account may give to Services; undefined: any address. */
  readonly ranges: readonly AddressRange[] | undefined;
};

export const DEFAULT_NAMESPACE = "bmlb-system";

const RBAC = "rbac.authorization.k8s.io";

/** In the order in which they are to be applied. */
export function rbacManifests(options: RbacOptions): readonly Manifest[] {
  const { namespace, hosts, ranges } = options;
  // What has no namespace needs a name of its own for each fleet in the cluster.
  const wide = namespace === DEFAULT_NAMESPACE ? "bmlb" : `bmlb-${namespace}`;
  return [
    manifest({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }),
    ...(hosts.length === 0 ? account("bmlb", "hosts", namespace) : hosts.flatMap((host) => account(accountOf(host), "host", namespace))),
    manifest({ apiVersion: `${RBAC}/v1`, kind: "ClusterRole", metadata: { name: wide }, rules: CLUSTER_RULES }),
    ...(hosts.length === 0 ? forAll(namespace, wide) : forEach(hosts, namespace, wide)),
    ...(ranges === undefined ? [] : poolPolicy(namespace, wide, ranges)),
  ];
}

/** In every namespace. */
const CLUSTER_RULES: readonly YamlValue[] = [
  { apiGroups: [""], resources: ["services", "nodes", "namespaces"], verbs: ["get", "list", "watch"] },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["services/status"], verbs: ["update", "patch"] },
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"] },
];

const LEASES = { apiGroups: ["coordination.k8s.io"], resources: ["leases"] };
const FLEET_KEY = { apiGroups: [""], resources: ["secrets"], resourceNames: [FLEET_SECRET], verbs: ["get"] };

function forAll(namespace: string, wide: string): readonly Manifest[] {
  return [
    binding("ClusterRole", wide, undefined, wide, ["bmlb"], namespace),
    role("bmlb", namespace, [{ ...LEASES, verbs: ["get", "list", "watch", "create", "update", "patch", "delete"] }, FLEET_KEY]),
    binding("Role", "bmlb", namespace, "bmlb", ["bmlb"], namespace),
  ];
}

/**
 * Nothing here has the name of something in the general manifests but what both share, so that hosts can change over one by one.
 * RBAC cannot tell the name of what is to be created: for that there is a policy.
 */
function forEach(hosts: readonly string[], namespace: string, wide: string): readonly Manifest[] {
  const accounts = hosts.map(accountOf);
  const shared = role("bmlb-hosts", namespace, [{ ...LEASES, verbs: ["list", "watch", "create"] }, FLEET_KEY]);
  return [
    binding("ClusterRole", `${wide}-hosts`, undefined, wide, accounts, namespace),
    { ...shared, about: "What all hosts may do with Leases; which ones each may write stands in a Role of its own, and which ones it may create in the policy below." },
    binding("Role", "bmlb-hosts", namespace, "bmlb-hosts", accounts, namespace),
    ...accounts.flatMap((name) => [
      // A host's Lease has the name of its account.
      role(name, namespace, [{ ...LEASES, resourceNames: [name, ALLOCATOR_LEASE], verbs: ["get", "update", "patch"] }]),
      binding("Role", name, namespace, name, [name], namespace),
    ]),
    ...leasePolicy(namespace, wide),
  ];
}

function accountOf(host: string): string {
  return `${HOST_LEASE_PREFIX}${host}`;
}

function account(name: string, whose: "host" | "hosts", namespace: string): readonly Manifest[] {
  return [
    manifest({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } }),
    {
      about: `A token that lasts, for the kubeconfig of the ${whose}; delete it to lock ${whose === "host" ? "it" : "them"} out.`,
      object: {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: `${name}-token`, namespace, annotations: { "kubernetes.io/service-account.name": name } },
        type: "kubernetes.io/service-account-token",
      },
    },
  ];
}

function role(name: string, namespace: string, rules: readonly YamlValue[]): Manifest {
  return manifest({ apiVersion: `${RBAC}/v1`, kind: "Role", metadata: { name, namespace }, rules });
}

/** @param within undefined: in every namespace */
function binding(kind: "Role" | "ClusterRole", name: string, within: string | undefined, of: string, accounts: readonly string[], namespace: string): Manifest {
  return manifest({
    apiVersion: `${RBAC}/v1`,
    kind: `${kind}Binding`,
    metadata: within === undefined ? { name } : { name, namespace: within },
    roleRef: { apiGroup: RBAC, kind, name: of },
    subjects: accounts.map((account) => ({ kind: "ServiceAccount", name: account, namespace })),
  });
}

function manifest(object: Manifest["object"]): Manifest {
  return { about: undefined, object };
}
