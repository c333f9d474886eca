/**
 * The state of the cluster with the indices that planning needs. Values are immutable; `apply` replaces them and says which
 * Services and addresses that touched, so that nobody has to compare whole states.
 */
import type { Address, Family } from "../net/index.ts";
import { type ClusterChange, type Endpoint, type EndpointSlice, KINDS, type Kind, type Namespace, type Node, type Service, type ServiceKey } from "./objects.ts";

/** What one change touched. */
export type Touched = {
  readonly services: ReadonlySet<ServiceKey>;
  /** Addresses that a touched Service has, and those that it had before. */
  readonly addresses: ReadonlySet<Address>;
  /** True if what may carry traffic may have changed for every address. */
  readonly everything: boolean;
};

/** What everybody but its owner sees of the cluster. */
export interface ClusterView {
  service(key: ServiceKey): Service | undefined;
  services(): Iterable<Service>;
  readonly serviceCount: number;
  /** The Services of type LoadBalancer whose status names the address, the one with the right to it first. */
  servicesAt(a: Address): readonly Service[];
  /** Every address that such a status names. */
  addresses(): Iterable<Address>;
  /** Of all families, or of one: in a cluster of both each Pod is an endpoint of both. */
  endpoints(key: ServiceKey, family?: Family): readonly Endpoint[];
  node(name: string): Node | undefined;
  nodes(): Iterable<Node>;
  namespace(name: string): Namespace | undefined;
  /** True once every kind has been listed completely, by the API or from the cache. */
  readonly complete: boolean;
}

const NOTHING: ReadonlySet<never> = new Set<never>();
const UNTOUCHED: Touched = { services: NOTHING, addresses: NOTHING, everything: false };
const EVERYTHING: Touched = { services: NOTHING, addresses: NOTHING, everything: true };

export class Cluster implements ClusterView {
  readonly #services = new Map<ServiceKey, Service>();
  readonly #slices = new Map<string, EndpointSlice>();
  /** Lists, not sets: most Services have one slice, and a set takes five times as much. */
  readonly #slicesOf = new Map<ServiceKey, readonly string[]>();
  readonly #holders = new Map<Address, readonly Service[]>();
  readonly #inNamespace = new Map<string, Set<ServiceKey>>();
  readonly #nodes = new Map<string, Node>();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #synced = new Set<Kind>();

  get complete(): boolean {
    return this.#synced.size === KINDS.length;
  }
  get serviceCount(): number {
    return this.#services.size;
  }
  service(key: ServiceKey): Service | undefined {
    return this.#services.get(key);
  }
  services(): Iterable<Service> {
    return this.#services.values();
  }
  servicesAt(a: Address): readonly Service[] {
    return this.#holders.get(a) ?? [];
  }
  addresses(): Iterable<Address> {
    return this.#holders.keys();
  }
  endpoints(key: ServiceKey, family?: Family): readonly Endpoint[] {
    const names = this.#slicesOf.get(key) ?? [];
    const [only] = names;
    // Nothing is copied for most Services: each plan of a VIP asks.
    return names.length === 1 && only !== undefined ? this.#endpointsIn(only, family) : names.flatMap((name) => this.#endpointsIn(name, family));
  }
  node(name: string): Node | undefined {
    return this.#nodes.get(name);
  }
  nodes(): Iterable<Node> {
    return this.#nodes.values();
  }
  namespace(name: string): Namespace | undefined {
    return this.#namespaces.get(name);
  }

  apply(change: ClusterChange): Touched {
    switch (change.type) {
      case "service":
        return this.#putService(change.service);
      case "service-gone":
        return this.#dropService(change.key);
      case "slice":
        return this.#putSlice(change.slice);
      case "slice-gone":
        return this.#dropSlice(change.key);
      case "node": {
        const before = this.#nodes.get(change.node.name);
        this.#nodes.set(change.node.name, change.node);
        return before !== undefined && sameForTraffic(before, change.node) ? UNTOUCHED : EVERYTHING;
      }
      case "node-gone":
        return this.#nodes.delete(change.name) ? EVERYTHING : UNTOUCHED;
      case "namespace":
        this.#namespaces.set(change.namespace.name, change.namespace);
        return this.#touchedNamespace(change.namespace.name);
      case "namespace-gone":
        this.#namespaces.delete(change.name);
        return this.#touchedNamespace(change.name);
      case "synced": {
        const kindsBefore = this.#synced.size;
        this.#synced.add(change.kind);
        return this.complete && this.#synced.size > kindsBefore ? EVERYTHING : UNTOUCHED;
      }
    }
  }

  #putService(service: Service): Touched {
    const before = this.#services.get(service.key);
    this.#services.set(service.key, service);
    const inside = this.#inNamespace.get(service.namespace);
    if (inside === undefined) this.#inNamespace.set(service.namespace, new Set([service.key]));
    else inside.add(service.key);
    const addresses = new Set([...addressesOf(before), ...addressesOf(service)]);
    for (const address of addresses) this.#index(address, service.key, addressesOf(service).has(address) ? service : undefined);
    return { services: new Set([service.key]), addresses, everything: false };
  }

  #dropService(key: ServiceKey): Touched {
    const before = this.#services.get(key);
    if (before === undefined) return UNTOUCHED;
    this.#services.delete(key);
    const inside = this.#inNamespace.get(before.namespace);
    inside?.delete(key);
    if (inside?.size === 0) this.#inNamespace.delete(before.namespace);
    const addresses = addressesOf(before);
    for (const address of addresses) this.#index(address, key, undefined);
    return { services: new Set([key]), addresses, everything: false };
  }

  #endpointsIn(name: string, family: Family | undefined): readonly Endpoint[] {
    const slice = this.#slices.get(name);
    const fits = family === undefined || slice?.family === undefined || slice.family === family;
    return fits ? (slice?.endpoints ?? []) : [];
  }

  /** Makes `service` the value of `key` among the holders of an address, or removes it. */
  #index(address: Address, key: ServiceKey, service: Service | undefined): void {
    const others = this.servicesAt(address).filter((holder) => holder.key !== key);
    if (others.length > 0) this.#holders.set(address, service === undefined ? others : [...others, service].sort(byRight));
    else if (service !== undefined) this.#holders.set(address, [service]);
    else this.#holders.delete(address);
  }

  #putSlice(slice: EndpointSlice): Touched {
    const before = this.#slices.get(slice.key);
    const left = before !== undefined && before.service !== slice.service ? this.#dropSlice(slice.key) : UNTOUCHED;
    this.#slices.set(slice.key, slice);
    const names = this.#slicesOf.get(slice.service) ?? [];
    if (names.length === 0) this.#slicesOf.set(slice.service, [slice.key]);
    else if (!names.includes(slice.key)) this.#slicesOf.set(slice.service, [...names, slice.key]);
    const touched = this.#touchedEndpoints(slice.service);
    return left.addresses.size === 0 ? touched : { ...touched, addresses: new Set([...left.addresses, ...touched.addresses]) };
  }

  #dropSlice(key: string): Touched {
    const before = this.#slices.get(key);
    if (before === undefined) return UNTOUCHED;
    this.#slices.delete(key);
    const names = (this.#slicesOf.get(before.service) ?? []).filter((name) => name !== key);
    if (names.length === 0) this.#slicesOf.delete(before.service);
    else this.#slicesOf.set(before.service, names);
    return this.#touchedEndpoints(before.service);
  }

  #touchedEndpoints(key: ServiceKey): Touched {
    const service = this.#services.get(key);
    if (service?.type !== "LoadBalancer") return UNTOUCHED;
    return { services: NOTHING, addresses: addressesOf(service), everything: false };
  }

  #touchedNamespace(name: string): Touched {
    const inside = Array.from(this.#inNamespace.get(name) ?? []).flatMap((key) => {
      const service = this.#services.get(key);
      return service?.type === "LoadBalancer" ? [service] : [];
    });
    if (inside.length === 0) return UNTOUCHED;
    return {
      services: new Set(inside.map((service) => service.key)),
      addresses: new Set(inside.flatMap((service) => Array.from(addressesOf(service)))),
      everything: false,
    };
  }
}

/** What is left in the status of a Service of another type is nobody's: older servers leave it there when the type changes. */
function addressesOf(service: Service | undefined): ReadonlySet<Address> {
  return service?.type !== "LoadBalancer" || service.ingress.length === 0 ? NOTHING : new Set(service.ingress.map((entry) => entry.ip));
}

/** The older Service has the right to a contested address, then the lower UID. */
function byRight(a: Service, b: Service): number {
  if (a.createdAt !== b.createdAt) return a.createdAt - b.createdAt;
  return a.uid < b.uid ? -1 : 1;
}

function sameForTraffic(a: Node, b: Node): boolean {
  return (
    a.ready === b.ready &&
    a.networkUnavailable === b.networkUnavailable &&
    a.deleting === b.deleting &&
    a.addresses.join() === b.addresses.join() &&
    JSON.stringify(Object.entries(a.labels).sort()) === JSON.stringify(Object.entries(b.labels).sort())
  );
}
