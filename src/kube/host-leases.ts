/**
 * The other hosts' Leases, as they come. Says who wrote what, and when this host saw it change by its own monotonic clock: the times
 * that stand in a Lease are for people, and are compared with nothing.
 */
import type { Clock, Random } from "../time/index.ts";
import type { Api } from "./client.ts";
import type { Contact } from "./contact.ts";
import { HOST_LEASE_PREFIX, STATEMENT_ANNOTATION, leaseNameOf } from "./hostlease.ts";
import { type Lease, leasesPath, readLease } from "./lease.ts";
import type { Trouble } from "./trouble.ts";
import { ResourceWatch, type WatchStatus } from "./watch.ts";

/** What one other host last wrote. */
export type HostLeaseSeen = {
  /** The host's name. */
  readonly name: string;
  /** Its instance; "" once it gave the Lease back. */
  readonly holder: string;
  /** What it says of itself, unread; undefined if it says nothing. */
  readonly statement: string | undefined;
  /** Seconds after which it would be considered over. */
  readonly duration: number;
  /** Monotonic ms at which this host saw it change. */
  readonly renewed: number;
};

export type HostsChange = { readonly type: "lease"; readonly lease: HostLeaseSeen } | { readonly type: "lease-gone"; readonly name: string };

export type HostLeasesOptions = {
  readonly api: Api;
  readonly namespace: string;
  /** This host, whose own Lease is not reported. */
  readonly host: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly trouble: Trouble;
  readonly contact: Contact;
  readonly onChange: (change: HostsChange) => void;
};

export class HostLeases {
  readonly #options: HostLeasesOptions;
  readonly #watch: ResourceWatch;
  readonly #seen = new Map<string, { readonly version: string; readonly lease: HostLeaseSeen }>();
  #missing = new Set<string>();

  constructor(options: HostLeasesOptions) {
    this.#options = options;
    const { api, namespace, clock, random, trouble, contact } = options;
    const seen = this.#seen;
    this.#watch = new ResourceWatch({
      api,
      resource: { name: "leases", path: leasesPath(namespace) },
      sink: {
        put: (object) => {
          this.#put(readLease(object));
        },
        gone: (object) => {
          this.#drop(readLease(object)?.name);
        },
        listing: () => {
          this.#missing = new Set(seen.keys());
        },
        listed: () => {
          for (const name of this.#missing) this.#drop(name);
          return Promise.resolve();
        },
        pass: () => undefined,
        get size() {
          return seen.size;
        },
      },
      clock,
      random,
      trouble,
      contact,
    });
  }

  start(): void {
    this.#watch.start();
  }

  status(): { readonly watch: WatchStatus; readonly leases: readonly HostLeaseSeen[] } {
    return { watch: this.#watch.status(), leases: Array.from(this.#seen.values(), ({ lease }) => lease) };
  }

  stop(): Promise<void> {
    return this.#watch.stop();
  }

  #put(lease: Lease | undefined): void {
    if (lease === undefined || !lease.name.startsWith(HOST_LEASE_PREFIX) || lease.name === leaseNameOf(this.#options.host)) return;
    this.#missing.delete(lease.name);
    if (this.#seen.get(lease.name)?.version === lease.resourceVersion) return;
    const seen: HostLeaseSeen = {
      name: lease.name.slice(HOST_LEASE_PREFIX.length),
      holder: lease.record.holder,
      statement: lease.annotations[STATEMENT_ANNOTATION],
      duration: lease.record.duration,
      renewed: this.#options.clock.now(),
    };
    this.#seen.set(lease.name, { version: lease.resourceVersion, lease: seen });
    this.#options.onChange({ type: "lease", lease: seen });
  }

  #drop(name: string | undefined): void {
    if (name === undefined || !this.#seen.delete(name)) return;
    this.#options.onChange({ type: "lease-gone", name: name.slice(HOST_LEASE_PREFIX.length) });
  }
}
