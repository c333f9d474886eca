/**
 * The cluster IPs and node ports that Services hold. Follows the store, so that nothing is lost when it is restored.
 */
import { asList, asNumber, asObject, asText, at } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import { Refusal, wrong, type FieldError } from "./refusal.ts";
import type { Store } from "./store.ts";

const NODE_PORTS = { first: 30_000, last: 32_767 }; // kube-apiserver --service-node-port-range
const CLUSTER_IPS = 65_536 - 2; // 10.96.0.0/16
// The lower part of each range is left to those who ask for a number themselves.
const FIRST_DYNAMIC_PORT = 30_086;
const FIRST_DYNAMIC_ADDRESS = 257;

/** The address that the Service `default/kubernetes` has. */
export const FIRST_CLUSTER_IP = "10.96.0.1";
export const SERVICE_CIDRS = ["10.96.0.0/16", "fd00:10:96::/112"] as const;

export class Allocations {
  readonly #store: Store;
  readonly #addresses = new Map<string, string>();
  readonly #ports = new Map<number, string>();
  #nextAddress = FIRST_DYNAMIC_ADDRESS;
  #nextPort = FIRST_DYNAMIC_PORT;

  constructor(store: Store) {
    this.#store = store;
    store.watch(({ storage, type, now, before }) => {
      if (storage !== "services") return;
      if (before !== undefined) this.#release(before.object);
      if (type !== "DELETED") this.#hold(now.object);
    });
  }

  /** To be called after the store was restored. */
  reread(): void {
    this.#addresses.clear();
    this.#ports.clear();
    for (const { object } of this.#store.all("services")) this.#hold(object);
  }

  clusterIp(family: string): string {
    for (let tries = 0; tries < CLUSTER_IPS; tries += 1) {
      const n = this.#nextAddress;
      this.#nextAddress = n === CLUSTER_IPS ? 2 : n + 1;
      const address = family === "IPv6" ? `fd00:10:96::${n.toString(16)}` : `10.96.${n >> 8}.${n & 255}`;
      if (!this.#addresses.has(address)) return address;
    }
    throw new Refusal("InternalError", "failed to allocate a serviceIP: range is full");
  }

  /** @param also ports taken in the same request, which the store does not know yet */
  nodePort(also: ReadonlySet<number>): number {
    for (let tries = NODE_PORTS.first; tries <= NODE_PORTS.last; tries += 1) {
      const port = this.#nextPort;
      this.#nextPort = port === NODE_PORTS.last ? NODE_PORTS.first : port + 1;
      if (!this.#ports.has(port) && !also.has(port)) return port;
    }
    throw new Refusal("InternalError", "failed to allocate a nodePort: range is full");
  }

  /** What a Service asks for that another one holds, or that is outside of the ranges. */
  conflicts(service: KubeObject): FieldError[] {
    const holder = nameOf(service);
    const errors: FieldError[] = [];
    for (const address of clusterIpsOf(service)) {
      if (!/^10\.96\.|^fd00:10:96::/.test(address)) errors.push(wrong.invalid("spec.clusterIPs", [address], `failed to allocate IP ${address}: the provided network does not match the current range`));
      if ((this.#addresses.get(address) ?? holder) !== holder) errors.push(wrong.invalid("spec.clusterIPs", [address], `failed to allocate IP ${address}: provided IP is already allocated`));
    }
    asList(at(service.spec, "ports")).forEach((entry, index) => {
      const port = asNumber(at(entry, "nodePort"));
      if (port === undefined) return;
      const field = `spec.ports[${index}].nodePort`;
      if (port < NODE_PORTS.first || port > NODE_PORTS.last) errors.push(wrong.invalid(field, port, "provided port is not in the valid range. The range of valid ports is 30000-32767"));
      else if ((this.#ports.get(port) ?? holder) !== holder) errors.push(wrong.invalid(field, port, "provided port is already allocated"));
    });
    return errors;
  }

  #hold(service: KubeObject): void {
    for (const address of clusterIpsOf(service)) this.#addresses.set(address, nameOf(service));
    for (const port of portsOf(service)) this.#ports.set(port, nameOf(service));
  }

  #release(service: KubeObject): void {
    for (const address of clusterIpsOf(service)) this.#addresses.delete(address);
    for (const port of portsOf(service)) this.#ports.delete(port);
  }
}

function nameOf(service: KubeObject): string {
  return `${service.metadata.namespace ?? ""}/${service.metadata.name ?? ""}`;
}

function clusterIpsOf(service: KubeObject): string[] {
  const addresses = [at(service.spec, "clusterIP"), ...asList(at(service.spec, "clusterIPs"))].map(asText);
  return Array.from(new Set(addresses)).filter((address) => address !== "None" && address !== "");
}

function portsOf(service: KubeObject): number[] {
  const spec = asObject(service.spec);
  const ports = [...asList(spec["ports"]).map((entry) => at(entry, "nodePort")), spec["healthCheckNodePort"]];
  return ports.filter((port) => typeof port === "number");
}
