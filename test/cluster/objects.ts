/** Makers of cluster values for tests: what is not given is what a plain Service or Node has. */
import { type Endpoint, type EndpointSlice, type Node, type Service, serviceKey } from "../../src/cluster/index.ts";
import { type Family, address } from "../../src/net/index.ts";

export type ServiceParts = Partial<Omit<Service, "ingress">> & { readonly ips?: readonly string[] };

export function service(name: string, { ips = [], ...parts }: ServiceParts = {}): Service {
  const namespace = parts.namespace ?? "shop";
  return {
    key: serviceKey("kubernetes", namespace, name),
    namespace,
    name,
    uid: `uid-${name}`,
    resourceVersion: "1",
    createdAt: 1_700_000_000,
    deleting: false,
    type: "LoadBalancer",
    loadBalancerClass: undefined,
    loadBalancerIP: undefined,
    externalTrafficPolicy: "Cluster",
    ipFamilies: ["IPv4"],
    ipFamilyPolicy: "SingleStack",
    ports: [{ protocol: "TCP", port: 80 }],
    selector: {},
    labels: {},
    annotations: {},
    ingress: ips.map((ip) => ({ ip: address(ip) })),
    hasHostname: false,
    ...parts,
  };
}

/** A slice of a Service with one endpoint for each node given. */
export function slice(of: Service, endpoints: readonly Partial<Endpoint>[], family?: Family): EndpointSlice {
  return {
    key: `${of.key}-slice${family ?? ""}`,
    service: of.key,
    family,
    endpoints: endpoints.map((endpoint) => ({ node: undefined, ready: true, serving: true, terminating: false, ...endpoint })),
  };
}

export function node(name: string, parts: Partial<Node> = {}): Node {
  return { name, labels: {}, ready: true, networkUnavailable: false, deleting: false, addresses: [], ...parts };
}
