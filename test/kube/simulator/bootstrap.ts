/**
 * What a new cluster holds before anybody has written to it, and how a large one is filled without 20 000 requests.
 */
import { BMLB_NAMESPACE } from "../access.ts";
import { FIRST_CLUSTER_IP, SERVICE_CIDRS } from "./allocations.ts";
import { asText, at, type Json } from "./json.ts";
import type { Registry } from "./registry.ts";
import { RESOURCES } from "./resources.ts";

/** Services of type LoadBalancer named web-00000 …, each with one EndpointSlice. */
export type Population = {
  readonly namespace: string;
  readonly services: number;
  readonly endpointsPerService: number;
  /** The endpoints are on these Nodes in turn; they need not exist. */
  readonly nodes: readonly string[];
};

/** The namespaces, the Service `kubernetes` and its endpoint, as every API server makes them, and the namespace of bmlb. */
export function bootstrap(registry: Registry, address: string): void {
  for (const name of ["default", "kube-node-lease", "kube-public", "kube-system", BMLB_NAMESPACE]) make(registry, "namespaces", undefined, { metadata: { name } });
  make(registry, "servicecidrs", undefined, { metadata: { name: "kubernetes" }, spec: { cidrs: [...SERVICE_CIDRS] } });
  const port = { name: "https", port: 443, protocol: "TCP" };
  make(registry, "services", "default", {
    metadata: { name: "kubernetes", labels: { component: "apiserver", provider: "kubernetes" } },
    spec: { clusterIP: FIRST_CLUSTER_IP, ports: [{ ...port, targetPort: 6443 }] },
  });
  // An endpoint may not be in the loopback range, where most simulators listen: then it is one that nobody reaches.
  make(registry, "endpointslices", "default", {
    metadata: { name: "kubernetes", labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: "IPv4",
    ports: [{ ...port, port: 6443 }],
    endpoints: [{ addresses: [/^127\.|:/.test(address) ? "192.0.2.1" : address], conditions: { ready: true } }],
  });
}

export function populate(registry: Registry, { namespace, services, endpointsPerService, nodes }: Population): void {
  for (let index = 0; index < services; index += 1) {
    const name = `web-${String(index).padStart(5, "0")}`;
    const ports = [{ name: "http", port: 80, targetPort: 8080 }];
    make(registry, "services", namespace, { metadata: { name, labels: { app: name } }, spec: { type: "LoadBalancer", allocateLoadBalancerNodePorts: false, selector: { app: name }, ports } });
    const endpoints = Array.from({ length: endpointsPerService }, (_, each) => {
      const n = index * endpointsPerService + each;
      const nodeName = nodes[n % Math.max(1, nodes.length)];
      return { addresses: [`10.${64 + ((n >> 16) & 63)}.${(n >> 8) & 255}.${n & 255}`], conditions: { ready: true, serving: true, terminating: false }, ...(nodeName === undefined ? {} : { nodeName }) };
    });
    make(registry, "endpointslices", namespace, { metadata: { generateName: `${name}-`, labels: { "kubernetes.io/service-name": name } }, addressType: "IPv4", ports: [{ name: "http", port: 8080, protocol: "TCP" }], endpoints });
  }
}

function make(registry: Registry, plural: string, namespace: string | undefined, object: Json): void {
  const resource = RESOURCES.find((one) => one.plural === plural);
  if (resource === undefined) throw new RangeError(`no resource ${plural}`);
  registry.create({ resource, namespace, name: asText(at(object, "metadata", "name")), status: false }, object, false);
}
