/**
 * The address of a Service, written into its status: one merge patch (RFC 7396) on the status subresource, which carries the
 * annotation of the pool as well.
 *
 * Every patch names the uid and the resourceVersion that it was decided on, because a request whose sender has given up may still be
 * carried out much later; and it is sent only if `mayWrite` says yes in that very turn. Never retries: what is to be written is for
 * ipam to decide anew.
 */
import { type Ingress, POOL_ANNOTATION, type Service } from "../cluster/index.ts";
import type { Api } from "./client.ts";
import type { Contact } from "./contact.ts";
import type { Failure } from "./failure.ts";
import { readService } from "./objects.ts";

export type WriteResult =
  /** `service` is what the API now has. */
  | { readonly type: "ok"; readonly service: Service }
  /** The Service changed since; what it is now comes by the watch. */
  | { readonly type: "conflict" }
  /** There is no such Service any more, or it is another one of the same name. */
  | { readonly type: "gone" }
  /** 403, 422 and the like: trying the same again is of no use. */
  | { readonly type: "refused"; readonly status: number; readonly sentence: string }
  /** The API is away; nothing is known of whether it was written. */
  | { readonly type: "unavailable"; readonly failure: Failure }
  /** `mayWrite` said no; nothing was sent. */
  | { readonly type: "withheld" };

export type WriterStatus = { readonly written: number; readonly conflicts: number; readonly refused: number; readonly unavailable: number; readonly waiting: number };

/** What the server may take; also what a write may be late by. In seconds. */
const SERVER_TIMEOUT_S = 3;
const DEADLINE_MS = 4_000;
const AT_ONCE = 8;

export class StatusWriter {
  readonly #api: Api;
  readonly #cluster: string;
  readonly #contact: Contact;
  readonly #mayWrite: () => boolean;
  readonly #queue: (() => void)[] = [];
  #running = 0;
  #count = { written: 0, conflicts: 0, refused: 0, unavailable: 0 };

  /** @param mayWrite asked in the turn of each request: for example, whether this host safely leads */
  constructor(api: Api, cluster: string, contact: Contact, mayWrite: () => boolean) {
    this.#api = api;
    this.#cluster = cluster;
    this.#contact = contact;
    this.#mayWrite = mayWrite;
  }

  status(): WriterStatus {
    return { ...this.#count, waiting: this.#queue.length };
  }

  /**
   * Makes these the addresses of the Service.
   * @param service as it was when that was decided
   * @param ingress empty: takes its addresses and the annotation away
   * @param pool undefined: the annotation goes
   */
  async write(service: Service, ingress: readonly Ingress[], pool: string | undefined): Promise<WriteResult> {
    await this.#turn();
    try {
      return this.#counted(await this.#patch(service, ingress, pool));
    } finally {
      this.#running--;
      this.#queue.shift()?.();
    }
  }

  /** Resolves when fewer than AT_ONCE requests run. */
  async #turn(): Promise<void> {
    while (this.#running >= AT_ONCE) {
      await new Promise<void>((resolve) => {
        this.#queue.push(resolve);
      });
    }
    this.#running++;
  }

  async #patch(service: Service, ingress: readonly Ingress[], pool: string | undefined): Promise<WriteResult> {
    const { namespace, name, uid, resourceVersion } = service;
    const answer = await this.#api.request({
      method: "PATCH",
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/services/${encodeURIComponent(name)}/status?fieldManager=bmlb&timeout=${SERVER_TIMEOUT_S}s`,
      what: `write the status of the Service ${namespace}/${name}`,
      contentType: "application/merge-patch+json",
      body: {
        metadata: { uid, resourceVersion, annotations: { [POOL_ANNOTATION]: pool ?? null } },
        status: { loadBalancer: { ingress: ingress.length === 0 ? null : ingress.map(({ ip, ipMode }) => ({ ip, ipMode: ipMode ?? "VIP" })) } },
      },
      timeoutMs: DEADLINE_MS,
      guard: this.#mayWrite,
    });
    if (!answer.ok) return resultOf(answer.failure);
    this.#contact.made();
    const reading = readService(this.#cluster, answer.body);
    if (reading.type !== "malformed" && reading.value !== undefined) return { type: "ok", service: reading.value };
    // Written, but the answer is unreadable: the watch will tell.
    return { type: "conflict" };
  }

  #counted(result: WriteResult): WriteResult {
    switch (result.type) {
      case "ok":
        this.#count.written++;
        break;
      case "conflict":
      case "gone":
        this.#count.conflicts++;
        break;
      case "refused":
        this.#count.refused++;
        break;
      case "unavailable":
        this.#count.unavailable++;
        break;
      case "withheld":
        break;
    }
    return result;
  }
}

function resultOf(failure: Failure): WriteResult {
  if (failure.kind === "withheld") return { type: "withheld" };
  if (failure.kind !== "status") return { type: "unavailable", failure };
  const { status } = failure;
  if (status === 409) return { type: "conflict" };
  // A foreign uid is answered as an attempt to change an immutable field.
  if (status === 404 || (status === 422 && failure.fields.includes("metadata.uid"))) return { type: "gone" };
  return status === 401 || status === 408 || status === 429 || status >= 500 ? { type: "unavailable", failure } : { type: "refused", status, sentence: failure.sentence };
}
