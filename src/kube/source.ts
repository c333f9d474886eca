/**
 * The cluster as a stream of changes: four supervised watches, whose objects are reduced to the values of cluster/ and handed on in
 * batches, with a copy on disk that a start without the API can live on.
 *
 * Says a value only when it differs from the one said before, so that heartbeats and relists cost nobody anything. Decides nothing.
 */
import { isDeepStrictEqual } from "node:util";
import type { ClusterChange, EndpointSlice, Kind, Namespace, Node, Service, ServiceKey } from "../cluster/index.ts";
import { KINDS } from "../cluster/index.ts";
import type { Log } from "../log/index.ts";
import type { Clock, Random } from "../time/index.ts";
import { nextTurn } from "./breathe.ts";
import type { Cache, CacheStatus } from "./cache.ts";
import type { Api } from "./client.ts";
import type { Contact } from "./contact.ts";
import { keyOf, nameOf, type Reading, readNamespace, readNode, readService, readSlice } from "./objects.ts";
import type { Json } from "./raw.ts";
import { Shelf } from "./shelf.ts";
import type { Trouble } from "./trouble.ts";
import { isOlder } from "./version.ts";
import { ResourceWatch, type Sink, type WatchStatus } from "./watch.ts";

export type SourceOptions = {
  readonly api: Api;
  /** The cluster's name in every key. */
  readonly cluster: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly trouble: Trouble;
  readonly contact: Contact;
  /** Undefined: nothing is kept on disk. */
  readonly cache: Cache | undefined;
  /** What changed, in order, at most 500 at a time. */
  readonly onChanges: (changes: readonly ClusterChange[]) => void;
};

export type SourceStatus = {
  readonly watches: readonly WatchStatus[];
  /** Unix ms; undefined before the first contact. */
  readonly lastContact: number | undefined;
  /** Objects that could not be read, since the start. */
  readonly malformed: number;
  readonly cache: CacheStatus | undefined;
};

const BATCH = 500;
const MOST_COMPLAINTS = 1000;

const PATHS: Readonly<Record<Kind, string>> = {
  services: "/api/v1/services",
  endpointslices: "/apis/discovery.k8s.io/v1/endpointslices",
  nodes: "/api/v1/nodes",
  namespaces: "/api/v1/namespaces",
};

export class ClusterSource {
  readonly #options: SourceOptions;
  readonly #watches: Readonly<Record<Kind, ResourceWatch>>;
  readonly #services = new Shelf<Service>();
  /** Versions that writes of ours made since the last list was asked for: that list may not have them. */
  readonly #written = new Map<string, string>();
  readonly #slices = new Shelf<EndpointSlice>();
  readonly #nodes = new Shelf<Node>();
  readonly #namespaces = new Shelf<Namespace>();
  readonly #complained = new Set<string>();
  readonly #synced = new Set<Kind>();
  #malformed = 0;
  #pending: ClusterChange[] = [];

  constructor(options: SourceOptions) {
    this.#options = options;
    const { cluster } = options;
    this.#watches = {
      services: this.#watchOf("services", this.#services, {
        read: (object) => readService(cluster, object),
        keyOf: (object) => keyOf(cluster, object),
        isOutdated: (service) => isOlder(service.resourceVersion, this.#written.get(service.key)),
        changed: (service) => ({ type: "service", service }),
        gone: (key) => ({ type: "service-gone", key: key as ServiceKey }),
      }),
      endpointslices: this.#watchOf("endpointslices", this.#slices, {
        read: (object) => readSlice(cluster, object),
        keyOf: (object) => keyOf(cluster, object),
        changed: (slice) => ({ type: "slice", slice }),
        gone: (key) => ({ type: "slice-gone", key }),
      }),
      nodes: this.#watchOf("nodes", this.#nodes, {
        read: readNode,
        keyOf: nameOf,
        changed: (node) => ({ type: "node", node }),
        gone: (name) => ({ type: "node-gone", name }),
      }),
      namespaces: this.#watchOf("namespaces", this.#namespaces, {
        read: readNamespace,
        keyOf: nameOf,
        changed: (namespace) => ({ type: "namespace", namespace }),
        gone: (name) => ({ type: "namespace-gone", name }),
      }),
    };
  }

  /**
   * Says everything that was on disk, `synced` for every kind included. True if there was anything usable. To be awaited before
   * `start`, so that old values never follow new ones.
   */
  async loadCache(): Promise<boolean> {
    const { cache } = this.#options;
    if (cache === undefined) return false;
    const found = await cache.load((changes) => {
      for (const change of changes) this.#shelve(change);
      this.#options.onChanges(changes);
    });
    if (found) for (const kind of KINDS) this.#say({ type: "synced", kind });
    this.#flush();
    return found;
  }

  start(): void {
    for (const kind of KINDS) this.#watches[kind].start();
  }

  /** Monotonic ms at which the last complete list of that kind by the API, not from the cache, was asked for. */
  listedAt(kind: Kind): number | undefined {
    return this.#watches[kind].listedAt;
  }

  /** Reads all of that kind again, now. */
  relist(kind: Kind): void {
    this.#watches[kind].relist();
  }

  /** Takes over what a write of ours answered, instead of waiting for the watch to say it. */
  wrote(service: Service): void {
    const known = this.#services.values.get(service.key);
    if (known === undefined || known.uid !== service.uid || isOlder(service.resourceVersion, known.resourceVersion)) return;
    this.#services.put(service.key, service);
    this.#written.set(service.key, service.resourceVersion);
    this.#say({ type: "service", service });
    this.#flush();
    this.#options.cache?.changed(this.#everything);
  }

  status(): SourceStatus {
    const { clock, contact, cache } = this.#options;
    return {
      watches: KINDS.map((kind) => this.#watches[kind].status()),
      lastContact: contact.last === undefined ? undefined : clock.wall() - (clock.now() - contact.last),
      malformed: this.#malformed,
      cache: cache?.status(),
    };
  }

  /** Ends the watches and writes the cache a last time. */
  async stop(): Promise<void> {
    await Promise.all(KINDS.map((kind) => this.#watches[kind].stop()));
    if (this.#complete) await this.#options.cache?.stop(this.#everything);
  }

  get #complete(): boolean {
    return this.#synced.size === KINDS.length;
  }

  /** All that is known, as changes from nothing. */
  readonly #everything = function* (this: ClusterSource): Iterable<ClusterChange> {
    for (const namespace of this.#namespaces.values.values()) yield { type: "namespace", namespace };
    for (const node of this.#nodes.values.values()) yield { type: "node", node };
    for (const slice of this.#slices.values.values()) yield { type: "slice", slice };
    for (const service of this.#services.values.values()) yield { type: "service", service };
  }.bind(this);

  #watchOf<V>(kind: Kind, shelf: Shelf<V>, as: Conversion<V>): ResourceWatch {
    const { api, clock, random, trouble, contact } = this.#options;
    return new ResourceWatch({ api, resource: { name: kind, path: PATHS[kind] }, sink: this.#sink(kind, shelf, as), clock, random, trouble, contact });
  }

  #sink<V>(kind: Kind, shelf: Shelf<V>, as: Conversion<V>): Sink {
    const put = (key: string, value: V): void => {
      const before = shelf.values.get(key);
      if (before !== undefined && (as.isOutdated?.(value) === true || isDeepStrictEqual(before, value))) {
        shelf.seen(key);
        return;
      }
      shelf.put(key, value);
      this.#say(as.changed(value));
    };
    const remove = (key: string): void => {
      if (shelf.remove(key)) this.#say(as.gone(key));
    };
    return {
      put: (object) => {
        const reading = as.read(object);
        switch (reading.type) {
          case "value":
            put(reading.key, reading.value);
            return;
          case "irrelevant":
            // Of interest only if it was relevant before: its new form says what it is now.
            if (!shelf.values.has(reading.key)) return;
            if (reading.value === undefined) remove(reading.key);
            else put(reading.key, reading.value);
            return;
          case "malformed":
            this.#complain(kind, reading.key, reading.problem);
            if (reading.key !== undefined) shelf.seen(reading.key);
            return;
        }
      },
      gone: (object) => {
        const key = as.keyOf(object);
        if (key !== undefined) remove(key);
      },
      listing: () => {
        if (kind === "services") this.#written.clear();
        shelf.listing();
      },
      listed: async () => {
        for (const [n, key] of shelf.listed().entries()) {
          this.#say(as.gone(key));
          if (n % BATCH === BATCH - 1) {
            this.#flush();
            await nextTurn();
          }
        }
        this.#say({ type: "synced", kind });
        this.#flush();
      },
      pass: () => {
        this.#flush();
      },
      get size() {
        return shelf.values.size;
      },
    };
  }

  #say(change: ClusterChange): void {
    if (change.type === "synced") this.#synced.add(change.kind);
    this.#pending.push(change);
    if (this.#pending.length >= BATCH) this.#flush();
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    const changes = this.#pending;
    this.#pending = [];
    this.#options.onChanges(changes);
    if (this.#complete) this.#options.cache?.changed(this.#everything);
  }

  /** What the cache says, as if it had been listed. */
  #shelve(change: ClusterChange): void {
    switch (change.type) {
      case "service":
        this.#services.put(change.service.key, change.service);
        return;
      case "slice":
        this.#slices.put(change.slice.key, change.slice);
        return;
      case "node":
        this.#nodes.put(change.node.name, change.node);
        return;
      case "namespace":
        this.#namespaces.put(change.namespace.name, change.namespace);
        return;
      case "service-gone":
      case "slice-gone":
      case "node-gone":
      case "namespace-gone":
      case "synced":
        return;
    }
  }

  /** Counts an object that cannot be read, and says so once. */
  #complain(kind: Kind, key: string | undefined, problem: string): void {
    this.#malformed++;
    const text = `${kind} ${key ?? ""}`;
    if (this.#complained.has(text) || this.#complained.size >= MOST_COMPLAINTS) return;
    this.#complained.add(text);
    this.#options.log.warning(`the API sent an object among the ${kind} that cannot be one: ${problem}; passing it over`, { object: key });
  }
}

type Conversion<V> = {
  readonly read: (object: Json) => Reading<V>;
  /** As `read` would say it, without all else. */
  readonly keyOf: (object: Json) => string | undefined;
  /** The value is older than what a write of ours made since. */
  readonly isOutdated?: (value: V) => boolean;
  readonly changed: (value: V) => ClusterChange;
  readonly gone: (key: string) => ClusterChange;
};
