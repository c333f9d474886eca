/**
 * Carries out what ipam/ decides, while this host is the fleet's allocator: one write at a time for a Service, each guarded by the
 * Service's resourceVersion and by the election, in the same turn. Everywhere else it only keeps the table warm.
 */
import { isDeepStrictEqual } from "node:util";
import type { Cluster, Ingress, Service, ServiceKey } from "./cluster/index.ts";
import { serviceName } from "./cluster/index.ts";
import type { Config } from "./config/index.ts";
import { type Decision, Ipam, type PoolUse } from "./ipam/index.ts";
import type { EventNote, WriteResult } from "./kube/index.ts";
import type { Log } from "./log/index.ts";
import { DirtyQueue } from "./plan/index.ts";
import { Backoff, type Clock, type Random, type Timer } from "./time/index.ts";

const FORBIDDEN = 403;
/** A new allocator waits this long before it decides anything: its predecessor's last write must have been seen. */
const SETTLE_MS = 4000;
/** Writes that failed are tried again together, ever later while the API takes none. */
const RETRY = { first: 2000, longest: 30_000 };

export type AllocatorOptions = {
  readonly config: Config;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly soon: (fn: () => void) => void;
  /** Leader, and renewed lately enough that nobody else can be. */
  readonly leadingSafely: () => boolean;
  /** When the last complete list of the Services by the API, not from the cache, was asked for; ms of `clock`. */
  readonly servicesListedAt: () => number | undefined;
  /** Guarded by `leadingSafely` in the turn in which the request leaves. */
  readonly write: (service: Service, ingress: readonly Ingress[], pool: string | undefined) => Promise<WriteResult>;
  /** What a write of ours made of the Service, so that nobody has to wait for the watch to say it. */
  readonly wrote: (service: Service) => void;
  readonly event: (event: EventNote) => void;
};

export class Allocator {
  readonly #options: AllocatorOptions;
  #config: Config;
  readonly #ipam: Ipam;
  readonly #queue: DirtyQueue<ServiceKey>;
  readonly #writing = new Set<ServiceKey>();
  /** The last refusal of each Service, so that it is said once. */
  readonly #refused = new Map<ServiceKey, string>();
  /** What the API refused and was said: of a Service, or of all, where the right to write is missing. Until a write succeeds. */
  readonly #complained = new Set<ServiceKey | "forbidden">();
  readonly #backoff: Backoff;
  /** Services whose write is to be tried again. */
  readonly #again = new Set<ServiceKey>();
  #retry: Timer | undefined;
  #settles: Timer | undefined;
  #electedAt = Number.POSITIVE_INFINITY;

  constructor(options: AllocatorOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#ipam = new Ipam(options.config);
    this.#backoff = new Backoff(RETRY, options.random);
    this.#queue = new DirtyQueue({
      pass: (keys) => {
        for (const key of keys) this.#look(key);
      },
      now: () => options.clock.now(),
      soon: options.soon,
    });
  }

  /** These Services changed. */
  touched(keys: Iterable<ServiceKey>): void {
    this.#queue.mark(keys);
  }

  /** With other pools, or other Services that are ours, everything is decided anew; what else is different is nothing to addresses. */
  configure(config: Config): void {
    const { pools, kubernetes } = this.#config;
    this.#config = config;
    if (isDeepStrictEqual([config.pools, config.kubernetes], [pools, kubernetes])) return;
    this.#ipam.configure(config);
    this.lookAtAll();
  }

  /** This host was elected. */
  elected(): void {
    this.#electedAt = this.#options.clock.now();
    this.#settles?.cancel();
    this.#settles = this.#options.clock.timer("allocator settles", SETTLE_MS, () => {
      this.lookAtAll();
    });
  }

  /** Another host is the allocator now, or nobody. */
  deposed(): void {
    this.#electedAt = Number.POSITIVE_INFINITY;
    this.#settles?.cancel();
    this.#refused.clear();
    this.#complained.clear();
    this.#ipam.abandonAll(this.#options.cluster, this.#options.clock.now());
  }

  /** Decides nothing more. */
  stop(): void {
    this.deposed();
    this.#retry?.cancel();
  }

  /** The complete list has been read, or the periodic repair is due. */
  lookAtAll(): void {
    this.#queue.mark(Array.from(this.#options.cluster.services(), (service) => service.key));
  }

  /** How full the pools are. */
  pools(): readonly PoolUse[] {
    return this.#ipam.use();
  }

  /** Services that asked for what they cannot have, with the reason. */
  refusals(): ReadonlyMap<ServiceKey, string> {
    return this.#refused;
  }

  #look(key: ServiceKey): void {
    const { cluster, clock } = this.#options;
    const service = cluster.service(key);
    this.#ipam.observe(key, service, clock.now());
    if (service === undefined) {
      this.#refused.delete(key);
      this.#complained.delete(key);
    }
    if (service === undefined || this.#writing.has(key) || !this.#mayDecide()) return;
    this.#carryOut(service, this.#ipam.decide(service, cluster, clock.now()));
  }

  /** Elected for long enough, with a list of the Services that is younger than the election. */
  #mayDecide(): boolean {
    const { leadingSafely, servicesListedAt, clock } = this.#options;
    const read = (servicesListedAt() ?? Number.NEGATIVE_INFINITY) >= this.#electedAt;
    return read && clock.now() >= this.#electedAt + SETTLE_MS && leadingSafely();
  }

  #carryOut(service: Service, decision: Decision): void {
    switch (decision.action) {
      case "keep":
        this.#refused.delete(service.key);
        return;
      case "refuse":
        this.#refuse(service, decision.reason, decision.message);
        return;
      case "release":
        this.#refuse(service, "AddressInUse", decision.message);
        void this.#write(service, [], undefined);
        return;
      case "assign":
        this.#refused.delete(service.key);
        void this.#write(
          service,
          decision.addresses.map((ip) => ({ ip, ipMode: "VIP" })),
          decision.pool,
        );
        return;
    }
  }

  #refuse(service: Service, reason: string, message: string): void {
    if (this.#refused.get(service.key) === message) return;
    this.#refused.set(service.key, message);
    this.#options.log.warning(`Service ${serviceName(service.key)} gets no address: ${message}`, { service: serviceName(service.key), reason });
    this.#options.event({ service, type: "Warning", reason, action: "Allocate", note: `bmlb gives this Service no address: ${message}` });
  }

  async #write(service: Service, ingress: readonly Ingress[], pool: string | undefined): Promise<void> {
    const { clock, cluster } = this.#options;
    const { key } = service;
    this.#writing.add(key);
    const result = await this.#options.write(service, ingress, pool);
    this.#writing.delete(key);
    switch (result.type) {
      case "ok":
        this.#ipam.written(key, clock.now());
        this.#backoff.reset();
        this.#complained.delete(key);
        this.#complained.delete("forbidden");
        this.#tell(service, ingress, pool);
        this.#options.wrote(result.service);
        return;
      case "conflict":
      case "gone":
        // Somebody changed the Service meanwhile: the watch brings what it is now, and that is decided anew.
        break;
      case "refused":
        this.#complain(key, result);
        break;
      case "unavailable":
        // It may have been carried out all the same.
        this.#ipam.uncertain(key);
        this.#later(key);
        return;
      case "withheld":
        break;
    }
    this.#ipam.abandon(key, cluster.service(key), clock.now());
    if (result.type !== "withheld") this.#later(key);
  }

  #tell(service: Service, ingress: readonly Ingress[], pool: string | undefined): void {
    const name = serviceName(service.key);
    const addresses = ingress.map((entry) => entry.ip).join(", ");
    if (ingress.length === 0) {
      this.#options.log.warning(`took its addresses from Service ${name}, because another Service has a right to them`, { service: name });
      return;
    }
    this.#options.log.info(`gave ${addresses} to Service ${name}`, { service: name, addresses, pool });
    this.#options.event({ service, type: "Normal", reason: "AddressAssigned", action: "Allocate", note: `bmlb gave this Service ${addresses}` });
  }

  /** Says once what is wrong; a right that is missing is missing for all Services alike. */
  #complain(key: ServiceKey, { status, sentence }: Extract<WriteResult, { readonly type: "refused" }>): void {
    const about = status === FORBIDDEN ? "forbidden" : key;
    if (this.#complained.has(about)) return;
    this.#complained.add(about);
    this.#options.log.error(`the address of Service ${serviceName(key)} could not be written: ${sentence}`, { service: serviceName(key), status });
  }

  #later(key: ServiceKey): void {
    this.#again.add(key);
    this.#retry ??= this.#options.clock.timer("write again", this.#backoff.next(), () => {
      this.#retry = undefined;
      const keys = [...this.#again];
      this.#again.clear();
      this.touched(keys);
    });
  }
}
