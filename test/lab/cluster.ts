/** The objects of a Kubernetes cluster as its users and controllers write them: Nodes, Services and what stands behind them. */
import type { ApiUnderTest } from "../kube/api-under-test.ts";
import { eventually } from "./eventually.ts";

/** A Service, with the usual values left out. */
export type ServiceOptions = {
  /** NAMESPACE/NAME; the namespace is made if need be. */
  readonly name: string;
  /** Default: 80 to 8080. */
  readonly port?: number;
  readonly targetPort?: number;
  readonly externalTrafficPolicy?: "Cluster" | "Local";
  readonly ipFamily?: "IPv4" | "IPv6";
  readonly annotations?: Readonly<Record<string, string>>;
  /** More fields of the spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
};

export type PodEndpoint = { readonly address: string; readonly node: string; readonly ready?: boolean };

export class Cluster {
  readonly api: ApiUnderTest;
  readonly #namespaces = new Set(["default", "kube-system"]);

  constructor(api: ApiUnderTest) {
    this.api = api;
  }

  /** A Node that is Ready. */
  async addNode(name: string, addresses: readonly string[], labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const node = { apiVersion: "v1", kind: "Node", metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels } } };
    await this.#must("POST", "/api/v1/nodes", node);
    await this.#must("PATCH", `/api/v1/nodes/${name}/status`, {
      status: { addresses: [...addresses.map((address) => ({ type: "InternalIP", address })), { type: "Hostname", address: name }], conditions: [condition(true)] },
    });
  }

  async setNodeReady(name: string, ready: boolean): Promise<void> {
    await this.#must("PATCH", `/api/v1/nodes/${name}/status`, { status: { conditions: [condition(ready)] } });
  }

  /** Makes a Service of type LoadBalancer. */
  async addService(options: ServiceOptions): Promise<void> {
    const [namespace, name] = split(options.name);
    await this.#addNamespace(namespace);
    const family = options.ipFamily === undefined ? {} : { ipFamilyPolicy: "SingleStack", ipFamilies: [options.ipFamily] };
    await this.#must("POST", `/api/v1/namespaces/${namespace}/services`, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace, annotations: options.annotations ?? {} },
      spec: {
        type: "LoadBalancer",
        externalTrafficPolicy: options.externalTrafficPolicy ?? "Cluster",
        ports: [{ name: "http", protocol: "TCP", port: options.port ?? 80, targetPort: options.targetPort ?? 8080 }],
        ...family,
        ...options.spec,
      },
    });
  }

  /** Says which pods stand behind a Service, all of one family; replaces what was said of that family before. */
  async setEndpoints(service: string, endpoints: readonly PodEndpoint[], port = 8080): Promise<void> {
    const [namespace, name] = split(service);
    const addressType = endpoints.some(({ address }) => address.includes(":")) ? "IPv6" : "IPv4";
    const slice = `${name}-${addressType.toLowerCase()}`;
    const collection = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    const body = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: slice, namespace, labels: { "kubernetes.io/service-name": name } },
      addressType,
      endpoints: endpoints.map(({ address, node, ready = true }) => ({ addresses: [address], nodeName: node, conditions: { ready, serving: ready, terminating: false } })),
      ports: [{ name: "http", protocol: "TCP", port }],
    };
    const made = await this.api.request("POST", collection, body);
    if (made.status === 409) await this.#must("PUT", `${collection}/${slice}`, body);
    else if (made.status !== 201) throw refusal("POST", collection, made);
  }

  /** The addresses in a Service's status now. */
  async addresses(service: string): Promise<readonly string[]> {
    const [namespace, name] = split(service);
    const path = `/api/v1/namespaces/${namespace}/services/${name}`;
    const answer = await this.api.request("GET", path);
    if (answer.status !== 200) throw refusal("GET", path, answer);
    const object = answer.body as { readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } } };
    return (object.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
  }

  /** Waits until a Service has an address, and returns the first. */
  async address(service: string, withinMs = 10_000): Promise<string> {
    return await eventually(`Service ${service} has an address`, withinMs, async () => (await this.addresses(service))[0]);
  }

  async deleteService(service: string): Promise<void> {
    const [namespace, name] = split(service);
    await this.#must("DELETE", `/api/v1/namespaces/${namespace}/services/${name}`);
    for (const family of ["ipv4", "ipv6"]) {
      await this.api.request("DELETE", `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/${name}-${family}`);
    }
  }

  async #addNamespace(name: string): Promise<void> {
    if (this.#namespaces.has(name)) return;
    this.#namespaces.add(name);
    const made = await this.api.request("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    if (made.status !== 201 && made.status !== 409) throw refusal("POST", "/api/v1/namespaces", made);
  }

  async #must(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<void> {
    const answer = await this.api.request(method, path, body, method === "PATCH" ? "application/merge-patch+json" : undefined);
    if (answer.status >= 300) throw refusal(method, path, answer);
  }
}

function condition(ready: boolean): object {
  return { type: "Ready", status: ready ? "True" : "False", reason: ready ? "KubeletReady" : "KubeletNotReady", lastTransitionTime: `${new Date().toISOString().slice(0, 19)}Z` };
}

function split(service: string): [string, string] {
  const [namespace, name] = service.split("/");
  if (namespace === undefined || name === undefined) throw new Error(`"${service}" is not NAMESPACE/NAME`);
  return [namespace, name];
}

function refusal(method: string, path: string, answer: { readonly status: number; readonly body: unknown }): Error {
  return new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
}
