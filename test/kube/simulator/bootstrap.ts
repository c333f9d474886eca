/**
 * What a new cluster holds before anybody has written to it, and how a large one is filled without 20 000 requests.
 */
import { setImmediate } from "node:timers/promises";
import { BMLB_NAMESPACE } from "../access.ts";
import { FIRST_CLUSTER_IP, SERVICE_CIDRS } from "./allocations.ts";
import { asText, at, type Json } from "./json.ts";
import type { Place, Registry } from "./registry.ts";
import { RESOURCES } from "./resources.ts";
import type { Store } from "./store.ts";

/** Services of type LoadBalancer named web-00000 …, each with one EndpointSlice. */
export type Population = {
  readonly namespace: string;
  readonly services: number;
  readonly endpointsPerService: number;
  /** The endpoints are on these Nodes in turn; they need not exist. */
  readonly nodes: readonly string[];
  /** What stands in the status of the first Services, one each, as an allocator has written it; left out: in none. */
  readonly addresses?: readonly string[];
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

export function populate(registry: Registry, { namespace, services, endpointsPerService, nodes, addresses = [] }: Population): void {
  for (let index = 0; index < services; index += 1) {
    const name = `web-${String(index).padStart(5, "0")}`;
    const ports = [{ name: "http", port: 80, targetPort: 8080 }];
    make(registry, "services", namespace, { metadata: { name, labels: { app: name } }, spec: { type: "LoadBalancer", allocateLoadBalancerNodePorts: false, selector: { app: name }, ports } });
    const ip = addresses[index];
    if (ip !== undefined) registry.patch(placeOf("services", namespace, name, "status"), "application/merge-patch+json", { status: { loadBalancer: { ingress: [{ ip, ipMode: "VIP" }] } } }, false);
    const endpoints = Array.from({ length: endpointsPerService }, (_, each) => {
      const n = index * endpointsPerService + each;
      const nodeName = nodes[n % Math.max(1, nodes.length)];
      return { addresses: [`10.${64 + ((n >> 16) & 63)}.${(n >> 8) & 255}.${n & 255}`], conditions: { ready: true, serving: true, terminating: false }, ...(nodeName === undefined ? {} : { nodeName }) };
    });
    make(registry, "endpointslices", namespace, { metadata: { generateName: `${name}-`, labels: { "kubernetes.io/service-name": name } }, addressType: "IPv4", ports: [{ name: "http", port: 8080, protocol: "TCP" }], endpoints });
  }
}

const REMOVED_A_TURN = 50;

/**
 * Deletes all Services of a namespace, one after the other; watches hear of each as it goes, as they do of a server that works while others wait. Their slices
 * stay: nobody collects garbage here.
 */
export async function depopulate(store: Store, registry: Registry, namespace: string): Promise<void> {
  const doomed = store.all("services").filter(({ object }) => object.metadata.namespace === namespace);
  for (const [index, { object }] of doomed.entries()) {
    registry.remove(placeOf("services", namespace, object.metadata.name ?? ""), { uid: undefined, resourceVersion: undefined, propagation: "" }, false);
    if (index % REMOVED_A_TURN === REMOVED_A_TURN - 1) await setImmediate();
  }
}

function make(registry: Registry, plural: string, namespace: string | undefined, object: Json): void {
  registry.create(placeOf(plural, namespace, asText(at(object, "metadata", "name"))), object, false);
}

function placeOf(plural: string, namespace: string | undefined, name: string, subresource: "" | "status" = ""): Place {
  const resource = RESOURCES.find((one) => one.plural === plural);
  if (resource === undefined) throw new RangeError(`no resource ${plural}`);
  return { resource, namespace, name, status: subresource === "status" };
}
