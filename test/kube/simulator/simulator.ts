/**
 * The simulator in this process: an HTTPS server that behaves as kube-apiserver does, as far as a load balancer can tell.
 */
import { connect } from "node:net";
import { join } from "node:path";
import { MASTERS, newTokens } from "../access.ts";
import type { ApiUnderTest, CredentialForm, Fault, User } from "../api-under-test.ts";
import { Authority } from "../certificates.ts";
import { FaultProxy } from "../fault-proxy.ts";
import { Kubeconfigs } from "../kubeconfig.ts";
import { ownedFolder, removeFolder, temporaryFolder } from "../leftovers.ts";
import { Workloads } from "../workloads.ts";
import { Allocations } from "./allocations.ts";
import { Api, type StorageState } from "./api.ts";
import { bootstrap, depopulate, type Population, populate } from "./bootstrap.ts";
import { Registry } from "./registry.ts";
import { ApiServer, type LoggedRequest } from "./server.ts";
import { type Backup, Store } from "./store.ts";

export type SimulatorOptions = {
  /** Where to listen; 127.0.0.1 if left out. */
  readonly host?: string;
  /** Any that is free if left out. */
  readonly port?: number;
  /** 60 000 ms if left out, as the real server has it. */
  readonly bookmarkIntervalMs?: number;
  /** How many changes a watch may be behind before it gets 410; 100 000 if left out. */
  readonly watchWindow?: number;
  /** For how long after the start, and after a restore, everybody but admin gets 403, as from a server that has not read its roles yet; 0 ms if left out. */
  readonly forbiddenAtStartMs?: number;
  /** A private folder to use and to remove at the end; a new one if left out. */
  readonly folder?: string;
};

/** What can be done to a simulator beyond what can be done to any API server. */
export interface SimulatedApi extends ApiUnderTest {
  readonly workloads: Workloads;
  /** Keeps the state as it is now, for {@link restore}. */
  backup(): Promise<number>;
  /** Puts the state *and the resourceVersion* back, as the restore of an etcd backup does; every connection is closed. */
  restore(backup: number): Promise<void>;
  /** Fills the cluster with Services. Ten thousand take less than two seconds. */
  populate(population: Population): Promise<void>;
  /** Deletes all Services of a namespace, one after the other as quickly as it can. */
  depopulate(namespace: string): Promise<void>;
  /** The last 10 000 requests, oldest first, without those made by `request()`. */
  requests(): Promise<readonly LoggedRequest[]>;
  /** Gives a user another token: the old one is refused from now on, `token-file` holds the new one. */
  rotateToken(user: User): Promise<void>;
  /** Freezes the storage behind the server, as when etcd hangs: the server itself is there and may say that it is well. */
  setStorage(state: StorageState): Promise<void>;
  /** Ends every running watch, as the server does after timeoutSeconds. */
  endWatches(): Promise<void>;
}

const BOOKMARK_INTERVAL_MS = 60_000;
const WATCH_WINDOW = 100_000;

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = "127.0.0.1", port = 0 } = options;
  const folder = options.folder === undefined ? temporaryFolder("simulator") : ownedFolder(options.folder);
  const authority = await Authority.make(folder);
  const keys = await authority.server([host, "127.0.0.1", "::1", "localhost"]);
  const state = { silent: false };
  const store = new Store(options.watchWindow ?? WATCH_WINDOW);
  const allocations = new Allocations(store);
  const registry = new Registry(store, allocations);
  const watches = { bookmarkIntervalMs: options.bookmarkIntervalMs ?? BOOKMARK_INTERVAL_MS, silent: () => state.silent };
  const api = new Api(store, registry, watches, options.forbiddenAtStartMs ?? 0);
  bootstrap(registry, host);
  const tokens = newTokens();
  const server = new ApiServer(api, keys, authority.certificate, tokens);
  const inner = join(folder, "socket");
  await server.listen(inner);
  const proxy = await FaultProxy.start(host, port, () => connect({ path: inner, allowHalfOpen: true })).catch(async (error: unknown) => {
    await server.stop();
    removeFolder(folder);
    throw error;
  });
  const url = `https://${host.includes(":") ? `[${host}]` : host}:${proxy.port}`;
  return new Simulator({ url, folder, authority, store, allocations, registry, api, server, proxy, state, kubeconfigs: new Kubeconfigs(folder, url, authority, tokens) });
}

type Parts = {
  readonly url: string;
  readonly folder: string;
  readonly authority: Authority;
  readonly store: Store;
  readonly allocations: Allocations;
  readonly registry: Registry;
  readonly api: Api;
  readonly server: ApiServer;
  readonly proxy: FaultProxy;
  readonly state: { silent: boolean };
  readonly kubeconfigs: Kubeconfigs;
};

export class Simulator implements SimulatedApi {
  readonly url: string;
  readonly ca: string;
  readonly workloads: Workloads;
  readonly #parts: Parts;
  readonly #backups: Backup[] = [];

  /** By {@link startSimulator}. */
  constructor(parts: Parts) {
    this.url = parts.url;
    this.ca = parts.authority.certificate;
    this.workloads = new Workloads(this);
    this.#parts = parts;
  }

  kubeconfig(user: User, form: CredentialForm): Promise<string> {
    return this.#parts.kubeconfigs.write(user, form);
  }

  async request(method: string, path: string, body?: unknown, contentType = "application/json"): Promise<{ readonly status: number; readonly body: unknown }> {
    const url = new URL(path, this.url);
    const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    const identity = { user: "admin", groups: [MASTERS] };
    const answer = await this.#parts.api.answer({ method, path: url.pathname, query: url.searchParams, identity, contentType, accept: "application/json", body: text });
    if (answer.type === "watch") throw new RangeError("request() does not watch: watch over the network, as a client does");
    return { status: answer.status, body: answer.contentType === "application/json" ? JSON.parse(answer.text) : answer.text };
  }

  async fault(fault: Fault): Promise<void> {
    const { server, proxy, state } = this.#parts;
    state.silent = fault === "silent-watch";
    server.set(typeof fault === "number" ? fault : undefined);
    await proxy.set(typeof fault === "number" || fault === "silent-watch" ? "none" : fault);
  }

  compact(): Promise<void> {
    this.#parts.store.compact();
    return Promise.resolve();
  }

  backup(): Promise<number> {
    return Promise.resolve(this.#backups.push(this.#parts.store.backup()) - 1);
  }

  restore(backup: number): Promise<void> {
    const kept = this.#backups[backup];
    if (kept === undefined) throw new RangeError(`there is no backup ${backup}`);
    this.#parts.store.restore(kept);
    this.#parts.allocations.reread();
    this.#parts.api.restarted();
    this.#parts.server.dropConnections();
    return Promise.resolve();
  }

  populate(population: Population): Promise<void> {
    populate(this.#parts.registry, population);
    return Promise.resolve();
  }

  depopulate(namespace: string): Promise<void> {
    return depopulate(this.#parts.store, this.#parts.registry, namespace);
  }

  requests(): Promise<readonly LoggedRequest[]> {
    return Promise.resolve([...this.#parts.server.log]);
  }

  async rotateToken(user: User): Promise<void> {
    this.#parts.server.rotateToken(user, await this.#parts.kubeconfigs.newToken(user));
  }

  setStorage(state: StorageState): Promise<void> {
    this.#parts.api.setStorage(state);
    return Promise.resolve();
  }

  endWatches(): Promise<void> {
    this.#parts.server.endWatches();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    await this.#parts.proxy.stop();
    await this.#parts.server.stop();
    removeFolder(this.#parts.folder);
  }
}
