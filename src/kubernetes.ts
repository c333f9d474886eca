/**
 * The Kubernetes side of the daemon, put together: one client, the watches with their cache, this host's Lease and the others', the
 * election, status writes and Events. What comes in goes to the callbacks; nothing here decides anything.
 */
import type { ClusterChange } from "./cluster/index.ts";
import type { Config } from "./config/index.ts";
import {
  AllocatorElection,
  Cache,
  Client,
  ClusterSource,
  Contact,
  Credentials,
  Events,
  FleetKey,
  HostLease,
  HostLeases,
  type HostsChange,
  LeaseClient,
  StatusWriter,
  Trouble,
} from "./kube/index.ts";
import type { Log } from "./log/index.ts";
import type { Clock, Random } from "./time/index.ts";

/** The one cluster there is for now; its name is part of every key. */
export const CLUSTER = "kubernetes";

export type KubernetesOptions = {
  readonly config: Config;
  readonly credentials: Credentials;
  readonly instance: string;
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onChanges: (changes: readonly ClusterChange[]) => void;
  readonly onHost: (change: HostsChange) => void;
  /** Undefined: the fleet has none. Not called while there is one in a file. */
  readonly onFleetKey: (key: Uint8Array | undefined) => void;
  readonly onElected: () => void;
  readonly onDeposed: (reason: string) => void;
};

/** Reads the kubeconfig. One that is of no use is said, and tried again with each request: it may be replaced. */
export async function openCredentials(config: Config, clock: Clock, log: Log): Promise<Credentials> {
  const { kubeconfig, context } = config.kubernetes;
  const credentials = new Credentials(kubeconfig, context, clock, log);
  const problem = await credentials.load();
  if (problem !== undefined) log.error(problem);
  return credentials;
}

export class Kubernetes {
  readonly contact: Contact;
  readonly source: ClusterSource;
  readonly hostLease: HostLease;
  readonly election: AllocatorElection;
  readonly writer: StatusWriter;
  readonly events: Events;
  readonly client: Client;
  readonly #hosts: HostLeases;
  readonly #newFleetKey: () => FleetKey;
  /** Undefined where the key is in a file. */
  #fleetKey: FleetKey | undefined;

  constructor({ config, credentials, instance, stateDirectory, clock, random, log, ...on }: KubernetesOptions) {
    const { namespace } = config.kubernetes;
    const host = config.host.name;
    const trouble = new Trouble(log, clock);
    const contact = new Contact(clock);
    const api = new Client(credentials, clock);
    const leases = new LeaseClient(api, namespace);
    // A cache belongs to one cluster: to the server that it was read from.
    const cache = new Cache(stateDirectory, credentials.party.server, clock, log);
    this.client = api;
    this.contact = contact;
    this.source = new ClusterSource({ api, cluster: CLUSTER, clock, random, log, trouble, contact, cache, onChanges: on.onChanges });
    this.hostLease = new HostLease({ leases, host, instance, clock, random, log, trouble, contact });
    this.#hosts = new HostLeases({ api, namespace, host, clock, random, trouble, contact, onChange: on.onHost });
    this.election = new AllocatorElection({ leases, identity: `${host}_${instance}`, clock, random, trouble, contact, onLeading: on.onElected, onStopped: on.onDeposed });
    this.writer = new StatusWriter(api, CLUSTER, contact, () => this.election.leadingSafely());
    this.events = new Events(api, host, clock, random, log);
    this.#newFleetKey = () => new FleetKey({ api, namespace, directory: stateDirectory, clock, log, trouble, onKey: on.onFleetKey, onNone: () => { on.onFleetKey(undefined); } });
    this.#fleetKey = config.fleet.keyFile === undefined ? this.#newFleetKey() : undefined;
  }

  /** The fleet's key as it is on disk; before the first hello is said. */
  async loadKey(): Promise<void> {
    await this.#fleetKey?.loadCache();
  }

  /** The cluster as it is on disk, before anything is asked of the API. True if it was there. */
  loadCache(): Promise<boolean> {
    return this.source.loadCache();
  }

  start(): void {
    this.source.start();
    this.#hosts.start();
    this.hostLease.start();
    this.election.start();
    this.#fleetKey?.start();
  }

  /** The fleet's key is looked for where it is said to be now; until one is found, or known to be none, the one before stays in force. */
  configure({ fleet }: Config): void {
    if (fleet.keyFile !== undefined) {
      void this.#fleetKey?.stop();
      this.#fleetKey = undefined;
    } else if (this.#fleetKey === undefined) {
      const fleetKey = this.#newFleetKey();
      this.#fleetKey = fleetKey;
      void fleetKey.loadCache().then(() => { fleetKey.start(); });
    }
  }

  /**
   * Gives back the allocator's Lease first, so that another host can allocate at once, then this host's own. Beside that, so that an API
   * that hangs delays nothing, the watches end and the cache is written. The client is to be stopped after this, or when it takes too long.
   */
  async stop(): Promise<void> {
    const given = this.election.stop().then(() => Promise.all([this.hostLease.stop(), this.#hosts.stop(), this.events.stop(), this.#fleetKey?.stop()]));
    await Promise.all([given, this.source.stop()]);
  }
}
