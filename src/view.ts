/** This host's view of the cluster: what it knows, from where, and how lately that was heard to be current. */
import { Cluster, type ClusterChange, type ServiceKey, type Touched } from "./cluster/index.ts";
import type { Log } from "./log/index.ts";
import type { Address } from "./net/index.ts";
import type { Clock } from "./time/index.ts";

/** What changes that came together touched. */
export type TouchedTogether = Touched & {
  readonly nodes: boolean;
  /** The list of Services came to its end. */
  readonly servicesListed: boolean;
};

export class View {
  readonly cluster = new Cluster();
  readonly #log: Log;
  readonly #clock: Clock;
  #source: "none" | "cache" | "api" = "none";
  /** ms of the clock */
  #heardAt: number | undefined;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** The API, once it has listed every kind. */
  get source(): "none" | "cache" | "api" {
    return this.#source;
  }

  /** How long ago the API was heard of; undefined: it was not yet. */
  ageMs(): number | undefined {
    return this.#heardAt === undefined ? undefined : this.#clock.now() - this.#heardAt;
  }

  take(changes: readonly ClusterChange[]): TouchedTogether {
    const addresses = new Set<Address>();
    const services = new Set<ServiceKey>();
    let everything = false;
    let nodes = false;
    let servicesListed = false;
    for (const change of changes) {
      const touched = this.cluster.apply(change);
      for (const address of touched.addresses) addresses.add(address);
      for (const key of touched.services) services.add(key);
      everything ||= touched.everything;
      nodes ||= change.type === "node" || change.type === "node-gone";
      servicesListed ||= change.type === "synced" && change.kind === "services";
    }
    return { addresses, services, everything, nodes, servicesListed };
  }

  /** It has been read there as a whole. Said once. */
  readFrom(source: "cache" | "api"): void {
    if (this.#source === source) return;
    this.#source = source;
    const services = this.cluster.serviceCount;
    this.#log.info(`read ${services} Services from the ${source === "cache" ? "cache on disk" : "API"}`, { services });
  }

  /** The API was heard of then, in ms of the clock. True if that is later than was known. */
  heard(at: number): boolean {
    if (at === this.#heardAt) return false;
    this.#heardAt = at;
    return true;
  }
}
