/**
 * What tests put into a cluster: Services, endpoints and Nodes in one line each, through the API, whichever server is behind it.
 */
import type { ApiUnderTest } from "./api-under-test.ts";
import { asList, asNumber, asText, at, isObject, type Json, type JsonObject } from "./simulator/json.ts";

export type ServiceName = { readonly namespace?: string; readonly name: string };

export type NewService = ServiceName & {
  readonly type?: "ClusterIP" | "NodePort" | "LoadBalancer";
  /** Numbers are TCP ports; a port leads to the same port of the endpoints unless it says otherwise. */
  readonly ports?: readonly (number | { readonly name?: string; readonly port: number; readonly protocol?: "TCP" | "UDP" | "SCTP"; readonly targetPort?: number })[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly externalTrafficPolicy?: "Cluster" | "Local";
  readonly loadBalancerClass?: string;
  readonly loadBalancerIP?: string;
  readonly loadBalancerSourceRanges?: readonly string[];
  readonly ipFamilies?: readonly ("IPv4" | "IPv6")[];
  readonly ipFamilyPolicy?: "SingleStack" | "PreferDualStack" | "RequireDualStack";
  readonly sessionAffinity?: "None" | "ClientIP";
  readonly selector?: Readonly<Record<string, string>>;
  /** Left out: true, as Kubernetes has it. There are 2768 node ports. */
  readonly allocateLoadBalancerNodePorts?: boolean;
};

export type NewEndpoint = {
  readonly ip: string;
  readonly node?: string;
  /** Left out: true. */
  readonly ready?: boolean;
  /** Left out: as ready. */
  readonly serving?: boolean;
  readonly terminating?: boolean;
};

export type NewNode = { readonly ip: string | readonly string[]; readonly ready?: boolean; readonly labels?: Readonly<Record<string, string>> };

const SLICES = "/apis/discovery.k8s.io/v1/namespaces";

export class Workloads {
  readonly #api: Pick<ApiUnderTest, "request">;

  constructor(api: Pick<ApiUnderTest, "request">) {
    this.#api = api;
  }

  /** Creates a Service, of type LoadBalancer with port 80 unless it is said otherwise, and returns what the server made of it. */
  createService({ name, namespace = "default", labels, annotations, ports = [80], ...spec }: NewService): Promise<JsonObject> {
    const metadata = { name, ...(labels === undefined ? {} : { labels }), ...(annotations === undefined ? {} : { annotations }) };
    return this.#done("POST", servicePath({ namespace }), { metadata, spec: { type: "LoadBalancer", ...spec, ports: ports.map(servicePort) } });
  }

  getService(service: ServiceName): Promise<JsonObject> {
    return this.#done("GET", servicePath(service));
  }

  /** Changes a Service by a JSON merge patch. */
  patchService(service: ServiceName, patch: object): Promise<JsonObject> {
    return this.#done("PATCH", servicePath(service), patch, "application/merge-patch+json");
  }

  async deleteService(service: ServiceName): Promise<void> {
    await this.#done("DELETE", servicePath(service));
    for (const family of ["ipv4", "ipv6"]) await this.#allow404("DELETE", slicePath(service, family));
  }

  /** The addresses in the status of a Service. */
  async addresses(service: ServiceName): Promise<readonly string[]> {
    return asList(at(await this.getService(service), "status", "loadBalancer", "ingress")).map((entry) => asText(at(entry, "ip")));
  }

  /** Makes these the endpoints of a Service, in one EndpointSlice per family. */
  async setEndpoints(service: ServiceName, endpoints: readonly NewEndpoint[]): Promise<void> {
    const ports = asList(at(await this.getService(service), "spec", "ports")).map((port) => ({ name: asText(at(port, "name")), protocol: asText(at(port, "protocol")), port: targetOf(port) }));
    for (const [family, addressType] of [["ipv4", "IPv4"], ["ipv6", "IPv6"]] as const) {
      const own = endpoints.filter(({ ip }) => ip.includes(":") === (family === "ipv6"));
      const metadata = { name: `${service.name}-${family}`, labels: { "kubernetes.io/service-name": service.name, "endpointslice.kubernetes.io/managed-by": "bmlb-test" } };
      const slice = { metadata, addressType, endpoints: own.map(endpointOf), ports };
      const replaced = await this.#allow404("PUT", slicePath(service, family), slice);
      if (replaced === undefined && (own.length > 0 || family === "ipv4")) await this.#done("POST", `${SLICES}/${service.namespace ?? "default"}/endpointslices`, slice);
    }
  }

  /** Creates a Node as a kubelet does that has just registered. */
  createNode(name: string, { ip, ready = true, labels = {} }: NewNode): Promise<JsonObject> {
    const addresses = [...(typeof ip === "string" ? [ip] : ip).map((address) => ({ type: "InternalIP", address })), { type: "Hostname", address: name }];
    return this.#done("POST", "/api/v1/nodes", { metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels } }, status: { addresses, conditions: conditions(ready) } });
  }

  setNodeReady(name: string, ready: boolean): Promise<JsonObject> {
    return this.#done("PATCH", `/api/v1/nodes/${name}/status`, { status: { conditions: conditions(ready) } }, "application/strategic-merge-patch+json");
  }

  /** Sets labels of a Node; null removes one. */
  labelNode(name: string, labels: Readonly<Record<string, string | null>>): Promise<JsonObject> {
    return this.#done("PATCH", `/api/v1/nodes/${name}`, { metadata: { labels } }, "application/merge-patch+json");
  }

  async deleteNode(name: string): Promise<void> {
    await this.#done("DELETE", `/api/v1/nodes/${name}`);
  }

  createNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<JsonObject> {
    return this.#done("POST", "/api/v1/namespaces", { metadata: { name, labels } });
  }

  async #done(method: Parameters<ApiUnderTest["request"]>[0], path: string, body?: unknown, contentType?: string): Promise<JsonObject> {
    const answer = await this.#api.request(method, path, body, contentType);
    if (answer.status >= 300 || !isObject(answer.body)) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async #allow404(method: "PUT" | "DELETE", path: string, body?: unknown): Promise<Json | undefined> {
    const answer = await this.#api.request(method, path, body);
    if (answer.status === 404) return undefined;
    if (answer.status >= 300 || !isObject(answer.body)) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}

/** Without a name: the collection. */
export function servicePath({ namespace = "default", name }: Partial<ServiceName>): string {
  return `/api/v1/namespaces/${namespace}/services${name === undefined ? "" : `/${name}`}`;
}

function slicePath({ namespace = "default", name }: ServiceName, family: string): string {
  return `${SLICES}/${namespace}/endpointslices/${name}-${family}`;
}

function servicePort(port: NonNullable<NewService["ports"]>[number]): object {
  const given = typeof port === "number" ? { port } : port;
  return { name: `${(given.protocol ?? "TCP").toLowerCase()}-${given.port}`, protocol: "TCP", targetPort: given.port, ...given };
}

function targetOf(port: Json): number {
  return asNumber(at(port, "targetPort")) ?? asNumber(at(port, "port")) ?? 0;
}

function endpointOf({ ip, node, ready = true, serving = ready, terminating = false }: NewEndpoint): object {
  return { addresses: [ip], conditions: { ready, serving, terminating }, ...(node === undefined ? {} : { nodeName: node }) };
}

function conditions(ready: boolean): readonly object[] {
  return [{ type: "Ready", status: ready ? "True" : "False", reason: ready ? "KubeletReady" : "KubeletNotReady", message: "set by a test" }];
}
