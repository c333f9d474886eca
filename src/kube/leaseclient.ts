/**
 * Reading and writing Leases on the connection that is theirs alone. One attempt each. Every write names the version it replaces: of two
 * writers exactly one wins, and a write that the server carries out late does no harm.
 */
import type { Api } from "./client.ts";
import type { Failure } from "./failure.ts";
import { type Lease, type LeaseRecord, leasesPath, readLease, writeLease } from "./lease.ts";

/** A renewal that takes longer is as good as lost. */
const DEADLINE_MS = 3_000;

export type LeaseAnswer =
  | { readonly type: "lease"; readonly lease: Lease }
  | { readonly type: "absent" }
  /** Somebody else wrote it, or created it, since. */
  | { readonly type: "conflict" }
  | { readonly type: "failed"; readonly failure: Failure };

export class LeaseClient {
  readonly #api: Api;
  readonly #namespace: string;

  constructor(api: Api, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  get(name: string, signal?: AbortSignal): Promise<LeaseAnswer> {
    return this.#ask("GET", `read the Lease ${name}`, leasesPath(this.#namespace, name), undefined, signal);
  }

  create(name: string, record: LeaseRecord, annotations: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<LeaseAnswer> {
    return this.#ask("POST", `create the Lease ${name}`, leasesPath(this.#namespace), writeLease(this.#namespace, name, record, annotations), signal);
  }

  /** @param over what it replaces */
  update(over: Lease, record: LeaseRecord, annotations: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<LeaseAnswer> {
    const body = writeLease(this.#namespace, over.name, record, annotations, over.resourceVersion);
    return this.#ask("PUT", `renew the Lease ${over.name}`, leasesPath(this.#namespace, over.name), body, signal);
  }

  async #ask(method: "GET" | "POST" | "PUT", what: string, path: string, body: unknown, signal: AbortSignal | undefined): Promise<LeaseAnswer> {
    const answer = await this.#api.request({
      method,
      path: method === "GET" ? path : `${path}?timeout=${DEADLINE_MS / 1000}s`,
      what,
      timeoutMs: DEADLINE_MS,
      connection: "leases",
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (answer.ok) {
      const lease = readLease(answer.body);
      if (lease !== undefined) return { type: "lease", lease };
      return { type: "failed", failure: { kind: "garbage", sentence: `the API server at ${this.#api.party.server} answered with something that is no Lease when asked to ${what}` } };
    }
    const { failure } = answer;
    if (failure.kind !== "status") return { type: "failed", failure };
    if (failure.status === 409) return { type: "conflict" };
    if (failure.status !== 404) return { type: "failed", failure };
    if (method !== "POST") return { type: "absent" };
    const sentence = `cannot ${what}: there is no namespace ${this.#namespace}; create it with \`kubectl create namespace ${this.#namespace}\` (\`bmlb rbac\` prints it, with the rights that bmlb needs)`;
    return { type: "failed", failure: { ...failure, sentence } };
  }
}
