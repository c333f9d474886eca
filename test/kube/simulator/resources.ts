/**
 * The kinds that the simulator serves: one row each, so that adding a kind is adding a row.
 */
import type { Allocations } from "./allocations.ts";
import { ENDPOINT_SLICE_RULES } from "./endpoint-slices.ts";
import { CORE_EVENT_RULES, EVENT_RULES } from "./events.ts";
import type { KubeObject } from "./objects.ts";
import type { FieldError } from "./refusal.ts";
import type { NameRule } from "./names.ts";
import { LEASE_RULES, NAMESPACE_RULES, NODE_RULES, SECRET_RULES, SERVICE_CIDR_RULES } from "./simple-rules.ts";
import { SERVICE_RULES } from "./services.ts";
import type { Shape } from "./shape.ts";

/** What is particular to one kind. Every function is pure but for the numbers it takes from the allocations. */
export interface Rules {
  /** The fields beside kind, apiVersion and metadata. */
  readonly shape: Readonly<Record<string, Shape>>;
  readonly name: NameRule;
  /** Fills in what was left out, whenever a request is read. */
  readonly defaults?: (object: KubeObject) => KubeObject;
  readonly create?: (object: KubeObject, allocations: Allocations) => KubeObject;
  readonly update?: (next: KubeObject, old: KubeObject, allocations: Allocations) => KubeObject;
  readonly validate: (next: KubeObject, old: KubeObject | undefined) => readonly FieldError[];
  readonly validateStatus?: (next: KubeObject) => readonly FieldError[];
  /** Fields for a fieldSelector, beside metadata.name and metadata.namespace. */
  readonly selectable?: (object: KubeObject) => Readonly<Record<string, string>>;
  /** From and to the form in which it is stored, where that is another version's. */
  readonly toStored?: (object: KubeObject) => KubeObject;
  readonly fromStored?: (object: KubeObject) => KubeObject;
}

export type Resource = {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly kind: string;
  readonly namespaced: boolean;
  readonly status: boolean;
  /** Two rows with the same storage are two views of the same objects. */
  readonly storage: string;
  /** A PUT to a name that is free creates it. */
  readonly createOnUpdate: boolean;
  /** A PUT without resourceVersion is taken. */
  readonly unconditionalUpdate: boolean;
  readonly rules: Rules;
};

type Row = Pick<Resource, "group" | "plural" | "kind" | "namespaced" | "rules"> & Partial<Resource>;

function row(of: Row): Resource {
  const singular = of.kind.toLowerCase();
  return { version: "v1", singular, shortNames: [], status: false, storage: of.plural, createOnUpdate: false, unconditionalUpdate: true, ...of };
}

export const RESOURCES: readonly Resource[] = [
  row({ group: "", plural: "services", kind: "Service", namespaced: true, status: true, shortNames: ["svc"], createOnUpdate: true, rules: SERVICE_RULES }),
  row({ group: "", plural: "nodes", kind: "Node", namespaced: false, status: true, shortNames: ["no"], rules: NODE_RULES }),
  row({ group: "", plural: "namespaces", kind: "Namespace", namespaced: false, status: true, shortNames: ["ns"], rules: NAMESPACE_RULES }),
  row({ group: "", plural: "secrets", kind: "Secret", namespaced: true, rules: SECRET_RULES }),
  row({ group: "", plural: "events", kind: "Event", namespaced: true, shortNames: ["ev"], createOnUpdate: true, rules: CORE_EVENT_RULES }),
  row({ group: "events.k8s.io", plural: "events", kind: "Event", namespaced: true, shortNames: ["ev"], createOnUpdate: true, rules: EVENT_RULES }),
  row({ group: "discovery.k8s.io", plural: "endpointslices", kind: "EndpointSlice", namespaced: true, rules: ENDPOINT_SLICE_RULES }),
  row({ group: "coordination.k8s.io", plural: "leases", kind: "Lease", namespaced: true, createOnUpdate: true, unconditionalUpdate: false, rules: LEASE_RULES }),
  row({ group: "networking.k8s.io", plural: "servicecidrs", kind: "ServiceCIDR", namespaced: false, status: true, rules: SERVICE_CIDR_RULES }),
];

/** "v1", or "discovery.k8s.io/v1". */
export function apiVersionOf(resource: Pick<Resource, "group" | "version">): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** "services", or "leases.coordination.k8s.io", as messages name a resource. */
export function qualified(resource: Pick<Resource, "group" | "plural">): string {
  return resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
}
