/**
 * What RBAC cannot say: which addresses an account may write, and which Leases it may create. ValidatingAdmissionPolicies, in CEL
 * (Kubernetes 1.30 or later; with pools 1.31, for its functions on addresses). Pure.
 */
import { POOL_ANNOTATION } from "../cluster/index.ts";
import { ALLOCATOR_LEASE, HOST_LEASE_PREFIX } from "../kube/index.ts";
import { type AddressRange, formatPrefix, prefixesOfRange } from "../net/index.ts";
import type { Manifest } from "./manifest.ts";
import type { YamlValue } from "./yaml.ts";

const ADMISSION = "admissionregistration.k8s.io/v1";

/** Only an address of these may be new in a status; and nothing else of the Service is changed with it but the annotation of the pool. */
export function poolPolicy(namespace: string, wide: string, ranges: readonly AddressRange[]): readonly Manifest[] {
  const prefixes = ranges.flatMap(prefixesOfRange).map(formatPrefix);
  return policy({
    name: `${wide}-pools`,
    about: `A stolen credential of bmlb must not divert other addresses inside the cluster: only these may be written into the status of a Service.
They are the pools of the configuration; when those change, apply this again. Kubernetes 1.31 or later.`,
    rule: { apiGroups: [""], apiVersions: ["v1"], operations: ["UPDATE"], resources: ["services/status"] },
    who: `request.userInfo.username == 'system:serviceaccount:${namespace}:bmlb' ||
request.userInfo.username.startsWith('system:serviceaccount:${namespace}:${HOST_LEASE_PREFIX}')`,
    variables: {
      pools: `[\n${prefixes.map((prefix) => `  '${prefix}'`).join(",\n")}\n]`,
      ingress: "object.?status.?loadBalancer.?ingress.orValue([])",
      before: "oldObject.?status.?loadBalancer.?ingress.orValue([]).map(i, i.?ip.orValue(''))",
      notes: "object.metadata.?annotations.orValue({})",
      notesBefore: "oldObject.metadata.?annotations.orValue({})",
    },
    validations: [
      {
        expression: `variables.ingress.all(i,
  !has(i.hostname) && has(i.ip) && isIP(i.ip) && (
    i.ip in variables.before ||
    variables.pools.exists(pool, cidr(pool).containsIP(i.ip))))`,
        message: "bmlb may give Services the addresses of its pools only; after a change of pools run: bmlb rbac -c /etc/bmlb/config.toml | kubectl apply -f -",
      },
      {
        expression: `variables.notes.all(key, key == '${POOL_ANNOTATION}' || (key in variables.notesBefore && variables.notes[key] == variables.notesBefore[key])) &&
variables.notesBefore.all(key, key == '${POOL_ANNOTATION}' || key in variables.notes) &&
object.metadata.?labels == oldObject.metadata.?labels &&
object.metadata.?finalizers == oldObject.metadata.?finalizers &&
object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences`,
        message: `bmlb may change the status of a Service and its annotation ${POOL_ANNOTATION}, and nothing else`,
      },
    ],
  });
}

/** RBAC limits a create to no name: a host makes its own Lease, or the allocator's. */
export function leasePolicy(namespace: string, wide: string): readonly Manifest[] {
  return policy({
    name: `${wide}-leases`,
    about: "A host creates the Lease that has the name of its account, or the allocator's, and no other's. Kubernetes 1.30 or later.",
    rule: { apiGroups: ["coordination.k8s.io"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["leases"] },
    who: `request.userInfo.username.startsWith('system:serviceaccount:${namespace}:${HOST_LEASE_PREFIX}')`,
    variables: {},
    validations: [
      {
        expression: `object.metadata.name == '${ALLOCATOR_LEASE}' ||
request.userInfo.username == 'system:serviceaccount:${namespace}:' + object.metadata.name`,
        message: "a host of bmlb may create its own Lease and the allocator's only",
      },
    ],
  });
}

type Policy = {
  readonly name: string;
  readonly about: string;
  readonly rule: { readonly [key: string]: YamlValue };
  /** CEL that is true for the accounts of bmlb. */
  readonly who: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly validations: readonly { readonly expression: string; readonly message: string }[];
};

/** The policy and its binding. */
function policy({ name, about, rule, who, variables, validations }: Policy): readonly Manifest[] {
  return [
    {
      about,
      object: {
        apiVersion: ADMISSION,
        kind: "ValidatingAdmissionPolicy",
        metadata: { name },
        spec: {
          failurePolicy: "Fail",
          matchConstraints: { resourceRules: [rule] },
          matchConditions: [{ name: "bmlb", expression: who }],
          ...(Object.keys(variables).length === 0 ? {} : { variables: Object.entries(variables).map(([variable, expression]) => ({ name: variable, expression })) }),
          validations,
        },
      },
    },
    { about: undefined, object: { apiVersion: ADMISSION, kind: "ValidatingAdmissionPolicyBinding", metadata: { name }, spec: { policyName: name, validationActions: ["Deny"] } } },
  ];
}
