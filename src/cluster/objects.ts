/**
 * What Kubernetes says, reduced to what bmlb uses, as plain immutable values. Names are those of the Kubernetes API.
 */
import type { Address, Family } from "../net/index.ts";

declare const brand: unique symbol;

/** "cluster/namespace/name": a Service of one of possibly several clusters. */
export type ServiceKey = string & { readonly [brand]: "ServiceKey" };

export type Labels = Readonly<Record<string, string>>;

export type ServicePort = {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly port: number;
};

/** On a Service: the pool that its addresses are from, as the allocator noted it. */
export const POOL_ANNOTATION = "bmlb.io/pool";

/** One entry of status.loadBalancer.ingress that carries an address. */
export type Ingress = {
  readonly ip: Address;
  /** Absent means "VIP". */
  readonly ipMode?: "VIP" | "Proxy";
};

export type Service = {
  readonly key: ServiceKey;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Unix seconds; decides who keeps an address that two Services hold. */
  readonly createdAt: number;
  readonly deleting: boolean;
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  readonly loadBalancerClass: string | undefined;
  readonly loadBalancerIP: string | undefined;
  readonly externalTrafficPolicy: "Cluster" | "Local";
  readonly ipFamilies: readonly ("IPv4" | "IPv6")[];
  readonly ipFamilyPolicy: "SingleStack" | "PreferDualStack" | "RequireDualStack";
  readonly ports: readonly ServicePort[];
  readonly selector: Labels;
  readonly labels: Labels;
  /** Only those whose key starts with bmlb.io/, metallb.io/ or metallb.universe.tf/. */
  readonly annotations: Labels;
  readonly ingress: readonly Ingress[];
  /** Some entry of status.loadBalancer.ingress names a host, as other controllers do and bmlb does not. */
  readonly hasHostname: boolean;
};

export type Endpoint = {
  readonly node: string | undefined;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
};

export type EndpointSlice = {
  /** "cluster/namespace/name" of the slice itself. */
  readonly key: string;
  readonly service: ServiceKey;
  /** Of the addresses of its endpoints; undefined if they are names, or if nobody noted it. */
  readonly family: Family | undefined;
  readonly endpoints: readonly Endpoint[];
};

export type Node = {
  readonly name: string;
  readonly labels: Labels;
  readonly ready: boolean;
  readonly networkUnavailable: boolean;
  readonly deleting: boolean;
  readonly addresses: readonly Address[];
};

export type Namespace = { readonly name: string; readonly labels: Labels };

/** The kinds that a cluster must have listed once before its view is complete. */
export const KINDS = ["services", "endpointslices", "nodes", "namespaces"] as const;
export type Kind = (typeof KINDS)[number];

/** One thing that a watch or a list said. `synced`: everything of that kind has been said once. */
export type ClusterChange =
  | { readonly type: "service"; readonly service: Service }
  | { readonly type: "service-gone"; readonly key: ServiceKey }
  | { readonly type: "slice"; readonly slice: EndpointSlice }
  | { readonly type: "slice-gone"; readonly key: string }
  | { readonly type: "node"; readonly node: Node }
  | { readonly type: "node-gone"; readonly name: string }
  | { readonly type: "namespace"; readonly namespace: Namespace }
  | { readonly type: "namespace-gone"; readonly name: string }
  | { readonly type: "synced"; readonly kind: Kind };

export function serviceKey(cluster: string, namespace: string, name: string): ServiceKey {
  return `${cluster}/${namespace}/${name}` as ServiceKey;
}

/** "namespace/name", as people and kubectl write it. */
export function serviceName(key: ServiceKey): string {
  return key.slice(key.indexOf("/") + 1);
}
