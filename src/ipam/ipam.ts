/**
 * Which address a Service gets.
 *
 * Knows from `observe` who holds what and answers `decide` for one Service at a time. A decision is only a wish: it becomes true
 * through the API, and comes back as an observation. Pure: no clock, no request; time comes in.
 */
import { type ClusterView, POOL_ANNOTATION, type Service, type ServiceKey, serviceName } from "../cluster/index.ts";
import { anySelects, type Config, type PoolConfig } from "../config/index.ts";
import { type Address, type Family, familyOf, RangeIndex } from "../net/index.ts";
import { type AddressRequest, requestOf } from "./request.ts";
import { Space } from "./space.ts";

export type Decision =
  /** The status is as it should be, or is none of our business. */
  | { readonly action: "keep" }
  /** Write these addresses into the status. */
  | { readonly action: "assign"; readonly addresses: readonly Address[]; readonly pool: string }
  /** Empty the status: it names addresses that the Service has no right to, and there is no other. */
  | { readonly action: "release"; readonly message: string }
  /** Nothing can be given; `message` says why and what would help. */
  | { readonly action: "refuse"; readonly reason: RefusalReason; readonly message: string };

export type RefusalReason = "BadRequest" | "NoSuchPool" | "AddressNotInPool" | "AddressInUse" | "PoolExhausted" | "NoPool";

export type PoolUse = { readonly name: string; readonly size: bigint; readonly used: number };

/**
 * An assignment on its way into a status. `until`: when a watch must have shown it, in ms; infinite while that is open. `retry`: whether
 * the API took it is not known, so that the same is to be written again.
 */
type Pending = { readonly addresses: readonly Address[]; readonly pool: string; readonly until: number; readonly retry: boolean };

const SHOWN_WITHIN_MS = 30_000;
/** Services that are gone and would get their address back; the oldest is forgotten first. */
const MOST_REMEMBERED = 10_000;

type Pool = { readonly config: PoolConfig; readonly space: Space; used: number };

export class Ipam {
  #config: Config;
  #pools: readonly Pool[];
  #poolAt: RangeIndex<Pool>;
  /** Who holds an address: by its status, or because it was just assigned. Nobody twice, never empty. */
  readonly #holders = new Map<Address, readonly ServiceKey[]>();
  readonly #held = new Map<ServiceKey, readonly Address[]>();
  /** Assigned, and not yet seen in a status. */
  readonly #pending = new Map<ServiceKey, Pending>();
  /** What a Service of that name had last, if it has that no more: it gets that back without delay. Oldest first. */
  readonly #last = new Map<ServiceKey, readonly Address[]>();

  constructor(config: Config) {
    this.#config = config;
    this.#pools = config.pools.map((pool) => ({ config: pool, space: new Space(pool), used: 0 }));
    this.#poolAt = indexOf(this.#pools);
  }

  /**
   * Other pools, or other rules. Who holds what, what is on its way into a status and who had what last does not depend on them and
   * stays; so does, for each address that was freed, when that was.
   */
  configure(config: Config): void {
    const before = this.#pools;
    this.#config = config;
    this.#pools = config.pools.map((pool) => ({ config: pool, space: before.find(({ config: old }) => hasSameSpace(old, pool))?.space ?? new Space(pool), used: 0 }));
    this.#poolAt = indexOf(this.#pools);
    for (const address of this.#holders.keys()) {
      const pool = this.#poolOf(address);
      if (pool !== undefined) pool.used++;
    }
    const kept = new Set(this.#pools.map(({ space }) => space));
    const freed = before.flatMap(({ space }) => (kept.has(space) ? [] : Array.from(space.freed())));
    for (const { address, at } of freed.sort((a, b) => a.at - b.at)) this.#poolOf(address)?.space.free(address, at);
  }

  /** What the API says of a Service now; undefined: it is gone. */
  observe(key: ServiceKey, service: Service | undefined, now: number): void {
    const seen = service?.type === "LoadBalancer" ? service.ingress.map((entry) => entry.ip) : [];
    const pending = this.#pending.get(key);
    const settled = pending !== undefined && (now > pending.until || pending.addresses.every((address) => seen.includes(address)));
    if (settled || service?.type !== "LoadBalancer") this.#pending.delete(key);
    this.#hold(key, [...new Set([...seen, ...(this.#pending.get(key)?.addresses ?? [])])], now);
  }

  /** The API took the assignment: it stays held until a watch shows it, or for half a minute if none ever does. */
  written(key: ServiceKey, now: number): void {
    const pending = this.#pending.get(key);
    if (pending !== undefined) this.#pending.set(key, { ...pending, until: now + SHOWN_WITHIN_MS });
  }

  /** Nobody knows whether the API took the assignment: it stays held, and is decided again unchanged. */
  uncertain(key: ServiceKey): void {
    const pending = this.#pending.get(key);
    if (pending !== undefined) this.#pending.set(key, { ...pending, retry: true });
  }

  /** The write of an assignment failed: the address is free again. */
  abandon(key: ServiceKey, service: Service | undefined, now: number): void {
    this.#pending.delete(key);
    this.observe(key, service, now);
  }

  /** Somebody else may decide from now on: what of all that was begun has become true, the API shows. */
  abandonAll(cluster: ClusterView, now: number): void {
    for (const key of [...this.#pending.keys()]) this.abandon(key, cluster.service(key), now);
  }

  /** What to do about one Service. An address that is assigned counts as held from now on. */
  decide(service: Service, cluster: ClusterView, now: number): Decision {
    if (!this.serves(service) || service.deleting || service.hasHostname) return { action: "keep" };
    const pending = this.#pending.get(service.key);
    if (pending !== undefined) {
      if (!pending.retry) return { action: "keep" };
      this.#pending.set(service.key, { ...pending, retry: false });
      return { action: "assign", addresses: pending.addresses, pool: pending.pool };
    }
    const request = requestOf(service);
    if ("bad" in request) return this.#cannot(service, "BadRequest", request.bad);

    const current = service.ingress.map((entry) => entry.ip);
    const rightful = current.filter((address) => cluster.servicesAt(address)[0]?.key === service.key);
    if (current.length > 0 && this.#isForeign(service, current)) return { action: "keep" };
    if (current.length > 0 && rightful.length === current.length && this.#satisfies(current, request)) return { action: "keep" };

    const found = request.addresses.length > 0 ? this.#requested(service, request, cluster) : this.#anywhere(service, request, cluster, now);
    if ("reason" in found) return this.#cannot(service, found.reason, found.message);
    this.#pending.set(service.key, { ...found, until: Number.POSITIVE_INFINITY, retry: false });
    this.#hold(service.key, [...new Set([...current, ...found.addresses])], now);
    return { action: "assign", ...found };
  }

  /** True if the Service is ours by type and class. */
  serves(service: Service): boolean {
    return servesService(this.#config, service);
  }

  /** How full the pools are. */
  use(): readonly PoolUse[] {
    return this.#pools.map(({ config, space, used }) => ({ name: config.name, size: space.size, used }));
  }

  #hold(key: ServiceKey, addresses: readonly Address[], now: number): void {
    const before = this.#held.get(key) ?? [];
    for (const address of before) {
      if (addresses.includes(address)) continue;
      const others = (this.#holders.get(address) ?? []).filter((holder) => holder !== key);
      if (others.length > 0) {
        this.#holders.set(address, others);
        continue;
      }
      this.#holders.delete(address);
      const pool = this.#poolOf(address);
      if (pool === undefined) continue;
      pool.used--;
      pool.space.free(address, now);
      this.#remember(key, before);
    }
    for (const address of addresses) {
      const holders = this.#holders.get(address);
      if (holders !== undefined) {
        if (!holders.includes(key)) this.#holders.set(address, [...holders, key]);
        continue;
      }
      this.#holders.set(address, [key]);
      const pool = this.#poolOf(address);
      if (pool !== undefined) pool.used++;
    }
    if (addresses.length === 0) this.#held.delete(key);
    else this.#held.set(key, addresses);
  }

  #remember(key: ServiceKey, addresses: readonly Address[]): void {
    this.#last.delete(key);
    this.#last.set(key, addresses);
    for (const oldest of this.#last.keys()) {
      if (this.#last.size <= MOST_REMEMBERED) break;
      this.#last.delete(oldest);
    }
  }

  /** An address once given stays, whatever becomes of the pools; only what the Service itself asks for moves it. */
  #satisfies(current: readonly Address[], request: AddressRequest): boolean {
    if (request.addresses.length > 0) return sameSet(current, request.addresses);
    if (request.pool !== undefined && !current.every((address) => this.#poolOf(address)?.config.name === request.pool)) return false;
    const families = new Set(current.map(familyOf));
    return !request.needsAllFamilies || request.families.every((family) => families.has(family));
  }

  /** In a status that no pool knows and that neither we nor MetalLB annotated: somebody else's. */
  #isForeign(service: Service, current: readonly Address[]): boolean {
    if (service.annotations[POOL_ANNOTATION] !== undefined || service.annotations["metallb.io/ip-allocated-from-pool"] !== undefined) return false;
    return current.every((address) => this.#poolOf(address) === undefined);
  }

  #requested(service: Service, request: AddressRequest, cluster: ClusterView): Found {
    const pools = new Set<string>();
    for (const address of request.addresses) {
      const pool = this.#poolOf(address);
      if (pool === undefined) return refuse("AddressNotInPool", `it asks for ${address}, which no pool contains; add it to a [[pool]] or ask for another`);
      if (request.pool !== undefined && pool.config.name !== request.pool) {
        return refuse("AddressNotInPool", `it asks for ${address} and for pool ${request.pool}, but that address is in pool ${pool.config.name}`);
      }
      if (!this.#mayUse(pool.config, service, cluster)) return refuse("AddressNotInPool", `it asks for ${address} of pool ${pool.config.name}, which is not for this Service's namespace or labels`);
      const other = this.#otherHolder(address, service.key);
      if (other !== undefined) return refuse("AddressInUse", `it asks for ${address}, which Service ${serviceName(other)} has`);
      pools.add(pool.config.name);
    }
    return { addresses: request.addresses, pool: Array.from(pools).join(",") };
  }

  #anywhere(service: Service, request: AddressRequest, cluster: ClusterView, now: number): Found {
    if (request.pool !== undefined && !this.#pools.some(({ config }) => config.name === request.pool)) {
      return refuse("NoSuchPool", `it asks for pool ${request.pool}, which is not configured; the pools are ${this.#pools.map(({ config }) => config.name).join(", ")}`);
    }
    const candidates = this.#candidates(service, request, cluster);
    if (candidates.length === 0) {
      return request.pool === undefined
        ? refuse("NoPool", "no pool hands out addresses to it by itself; ask for one with the annotation bmlb.io/pool-request, or set auto_assign = true")
        : refuse("NoPool", `pool ${request.pool} is not for this Service's namespace or labels`);
    }
    for (const pool of candidates) {
      const addresses = this.#take(pool, service.key, request.families, now);
      if (addresses.length === request.families.length) return { addresses, pool: pool.config.name };
    }
    if (!request.needsAllFamilies && request.families.length > 1) {
      for (const pool of candidates) {
        const addresses = this.#take(pool, service.key, request.families, now);
        if (addresses.length > 0) return { addresses, pool: pool.config.name };
      }
    }
    const names = candidates.map(({ config }) => config.name).join(", ");
    return refuse("PoolExhausted", `no ${request.families.join(" and ")} address is free in pool ${names}; add addresses to it or delete Services`);
  }

  /** One address a family from a pool, as far as it has them; nothing is held yet. */
  #take(pool: Pool, key: ServiceKey, families: readonly Family[], now: number): readonly Address[] {
    const isUsed = (a: Address): boolean => this.#otherHolder(a, key) !== undefined;
    return families.flatMap((family) => {
      const again = [...(this.#held.get(key) ?? []), ...(this.#last.get(key) ?? [])].find((a) => familyOf(a) === family && this.#poolOf(a) === pool && !isUsed(a));
      const address = again ?? pool.space.firstFree(family, now, isUsed);
      return address === undefined ? [] : [address];
    });
  }

  /** The pools that may serve a Service, in the order in which they are tried. */
  #candidates(service: Service, request: AddressRequest, cluster: ClusterView): readonly Pool[] {
    if (request.pool !== undefined) return this.#pools.filter(({ config }) => config.name === request.pool && this.#mayUse(config, service, cluster));
    return this.#pools
      .filter(({ config }) => config.autoAssign && this.#mayUse(config, service, cluster))
      .sort((a, b) => Number(isOpen(a.config)) - Number(isOpen(b.config)) || priority(a.config) - priority(b.config) || (a.config.name < b.config.name ? -1 : 1));
  }

  #mayUse(pool: PoolConfig, service: Service, cluster: ClusterView): boolean {
    const bound = pool.namespaces.length > 0 || pool.namespaceSelectors.length > 0;
    const labels = cluster.namespace(service.namespace)?.labels ?? {};
    const inNamespace = !bound || pool.namespaces.includes(service.namespace) || (pool.namespaceSelectors.length > 0 && anySelects(pool.namespaceSelectors, labels));
    return inNamespace && anySelects(pool.serviceSelectors, service.labels);
  }

  #otherHolder(address: Address, key: ServiceKey): ServiceKey | undefined {
    for (const holder of this.#holders.get(address) ?? []) if (holder !== key) return holder;
    return undefined;
  }

  #poolOf(address: Address): Pool | undefined {
    return this.#poolAt.find(address);
  }

  /** Refuses; a Service that shows addresses to which it has no right must not go on showing them. */
  #cannot(service: Service, reason: RefusalReason, message: string): Decision {
    const contested = service.ingress.some((entry) => this.#otherHolder(entry.ip, service.key) !== undefined);
    if (contested) return { action: "release", message };
    return { action: "refuse", reason, message };
  }
}

type Found = { readonly addresses: readonly Address[]; readonly pool: string } | { readonly reason: RefusalReason; readonly message: string };

/** True if bmlb serves the Service: type LoadBalancer, our class, or no class where that is served too. */
function servesService(config: Config, service: Service): boolean {
  if (service.type !== "LoadBalancer") return false;
  return service.loadBalancerClass === undefined ? config.kubernetes.unclassed : service.loadBalancerClass === config.kubernetes.loadBalancerClass;
}

function indexOf(pools: readonly Pool[]): RangeIndex<Pool> {
  return new RangeIndex(pools.flatMap((pool) => pool.config.ranges.map((range) => [range, pool] as const)));
}

/** The same addresses are handed out in the same order: whatever else it is called or whoever else may use it. */
function hasSameSpace(a: PoolConfig, b: PoolConfig): boolean {
  return (
    a.avoidBuggyIps === b.avoidBuggyIps &&
    a.reuseDelayMs === b.reuseDelayMs &&
    a.ranges.length === b.ranges.length &&
    a.ranges.every(({ first, last }, i) => b.ranges[i]?.first === first && b.ranges[i].last === last)
  );
}

function refuse(reason: RefusalReason, message: string): Found {
  return { reason, message };
}

function isOpen(pool: PoolConfig): boolean {
  return pool.namespaces.length === 0 && pool.namespaceSelectors.length === 0 && pool.serviceSelectors.length === 0;
}

/** Lower first; 0 means last. */
function priority(pool: PoolConfig): number {
  return pool.priority === 0 ? Number.POSITIVE_INFINITY : pool.priority;
}

function sameSet(a: readonly Address[], b: readonly Address[]): boolean {
  return a.length === b.length && a.every((address) => b.includes(address));
}
