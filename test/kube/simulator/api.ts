/**
 * From a request to an answer: paths, verbs, media types. Knows of HTTP only its words; sockets are server.ts.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Attempt, authorize, authorizePath, type Identity, type Verb } from "./authorization.ts";
import { discovery } from "./discovery.ts";
import { asObject, asText, at, type Json } from "./json.ts";
import { list, type Scope, TOO_LARGE_WAIT_MS, tooLarge, versionOf } from "./lists.ts";
import type { KubeObject } from "./objects.ts";
import { Refusal } from "./refusal.ts";
import { type Place, type Registry, view, type Written } from "./registry.ts";
import { RESOURCES, type Resource } from "./resources.ts";
import type { Store } from "./store.ts";
import { Watch, type WatchSettings } from "./watches.ts";

export type ApiRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly identity: Identity;
  /** Media type of the body, without parameters. */
  readonly contentType: string;
  readonly accept: string;
  readonly body: string;
};

export type Answer =
  | { readonly type: "text"; readonly status: number; readonly contentType: "application/json" | "text/plain"; readonly text: string; readonly retryAfter?: number }
  /** 200, and the stream is kept open. */
  | { readonly type: "watch"; readonly watch: Watch };

/** What a path names. `name` is "" for a collection. */
type Target = { readonly resource: Resource; readonly namespace: string | undefined; readonly name: string; readonly subresource: string };

/** Paths in groups that are served, where even what is unknown is refused by a Status. */
const SERVED = new RegExp(`^/(api/v1|apis/(${RESOURCES.map(({ group }) => group).filter((group) => group !== "").join("|")})/v1)/`);
const HEALTH = ["/healthz", "/livez", "/readyz"];
const DISCOVERY_PATH = /^\/(api|apis|version|openapi)(\/|$)/;

export type StorageState = "running" | "frozen";

// What a real server did while etcd was stopped.
const FROZEN_READ_MS = 60_000;
const FROZEN_WRITE_MS = 34_000;

export class Api {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #watches: WatchSettings;
  readonly #forbiddenAtStartMs: number;
  #startedAt = performance.now();
  #storage: StorageState = "running";

  /** @param forbiddenAtStartMs for how long after a start nobody but admin may do anything */
  constructor(store: Store, registry: Registry, watches: WatchSettings, forbiddenAtStartMs: number) {
    this.#store = store;
    this.#registry = registry;
    this.#watches = watches;
    this.#forbiddenAtStartMs = forbiddenAtStartMs;
  }

  setStorage(state: StorageState): void {
    this.#storage = state;
  }

  /** The server has been started anew, as far as anybody can tell. */
  restarted(): void {
    this.#startedAt = performance.now();
  }

  /** Never throws: a refusal, and a fault of the simulator itself, is an answer too. */
  async answer(request: ApiRequest): Promise<Answer> {
    try {
      return await this.#answer(request);
    } catch (error) {
      return refused(error instanceof Refusal ? error : new Refusal("InternalError", `the simulator failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`));
    }
  }

  async #answer(request: ApiRequest): Promise<Answer> {
    const { method, path, query } = request;
    if (HEALTH.some((health) => path === health || path.startsWith(`${health}/`))) return { type: "text", status: 200, contentType: "text/plain", text: "ok" };
    const target = targetOf(path);
    if (target === undefined) {
      const found = DISCOVERY_PATH.test(path) ? discovery(path) : undefined;
      if (found !== undefined) return json(200, found);
      authorizePath(request.identity, method, path);
      if (SERVED.test(path)) throw new Refusal("NotFound", "the server could not find the requested resource");
      return { type: "text", status: 404, contentType: "text/plain", text: "404 page not found\n" };
    }
    const verb = verbOf(method, target, query);
    const starting = performance.now() - this.#startedAt < this.#forbiddenAtStartMs;
    authorize(request.identity, attemptOf(verb, target), starting ? "not-read-yet" : "known");
    if (!/\*\/\*|application\/(json|\*)/.test(request.accept)) {
      throw new Refusal("NotAcceptable", "only the following media types are accepted: application/json");
    }
    if (this.#storage === "frozen") await this.#whileFrozen(verb, query);
    return this.#carryOut(verb, target, request);
  }

  /** The watch cache goes on answering watches and lists of resourceVersion=0; what waits is carried out when the storage goes on. */
  async #whileFrozen(verb: Verb, query: URLSearchParams): Promise<void> {
    if (verb === "watch" || (verb === "list" && query.get("resourceVersion") === "0")) return;
    const reading = verb === "get" || verb === "list";
    const deadline = performance.now() + (reading ? FROZEN_READ_MS : FROZEN_WRITE_MS);
    while (this.#storage === "frozen") {
      if (performance.now() > deadline) {
        throw new Refusal("Timeout", "Timeout: request did not complete within requested timeout - context deadline exceeded");
      }
      await delay(50);
    }
  }

  async #carryOut(verb: Verb, target: Target, request: ApiRequest): Promise<Answer> {
    const { resource, namespace, name } = target;
    const { query } = request;
    const place: Place = { resource, namespace, name, status: target.subresource === "status" };
    const dryRun = query.getAll("dryRun").includes("All");
    switch (verb) {
      case "get": {
        return json(200, view(resource, this.#registry.get(place).object));
      }
      case "list": {
        const scope: Scope = { resource, namespace };
        await this.#waitFor(query);
        return { type: "text", status: 200, contentType: "application/json", text: list(this.#store, scope, query) };
      }
      case "watch":
        return { type: "watch", watch: new Watch(this.#store, { resource, namespace }, query, this.#watches) };
      case "create":
        return written(resource, this.#registry.create(place, bodyOf(request), dryRun));
      case "update":
        return written(resource, this.#registry.replace(place, bodyOf(request), dryRun));
      case "patch":
        return written(resource, this.#registry.patch(place, request.contentType, parse(request.body), dryRun));
      case "delete":
        return this.#remove(place, request, dryRun);
      case "deletecollection": {
        const listed = asObject(JSON.parse(list(this.#store, { resource, namespace }, query)) as Json);
        for (const { object } of this.#store.all(resource.storage)) {
          if (JSON.stringify(listed["items"]).includes(`"uid":"${object.metadata.uid ?? ""}"`)) this.#registry.remove({ ...place, namespace: object.metadata.namespace, name: object.metadata.name ?? "" }, { uid: undefined, resourceVersion: undefined, propagation: "" }, dryRun);
        }
        return json(200, listed);
      }
    }
  }

  #remove(place: Place, request: ApiRequest, dryRun: boolean): Answer {
    const options = request.body === "" ? {} : parse(request.body);
    const preconditions = asObject(at(options, "preconditions"));
    const propagation = asText(at(options, "propagationPolicy")) || (request.query.get("propagationPolicy") ?? "");
    const { stored, gone } = this.#registry.remove(place, { propagation, uid: asText(preconditions["uid"]) || undefined, resourceVersion: asText(preconditions["resourceVersion"]) || undefined }, dryRun);
    const { resource } = place;
    if (!gone || resource.kind === "Service") return json(200, view(resource, stored.object));
    const details = { name: place.name, ...(resource.group === "" ? {} : { group: resource.group }), kind: resource.plural, uid: stored.object.metadata.uid ?? "" };
    return json(200, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
  }

  /** A list at a resourceVersion that the server has not reached waits for it, and then gives up. */
  async #waitFor(query: URLSearchParams): Promise<void> {
    const version = versionOf(query);
    if (version === undefined) return;
    const deadline = Date.now() + TOO_LARGE_WAIT_MS;
    while (version > this.#store.revision) {
      if (Date.now() >= deadline) throw tooLarge(version, this.#store.revision);
      await delay(50);
    }
  }
}

export function refused(refusal: Refusal): Answer {
  const answer = json(refusal.code, refusal.status());
  const after = refusal.retryAfter;
  return answer.type === "text" && typeof after === "number" ? { ...answer, retryAfter: after } : answer;
}

function json(status: number, value: Json | KubeObject): Answer {
  return { type: "text", status, contentType: "application/json", text: `${JSON.stringify(value)}\n` };
}

function written(resource: Resource, { stored, created }: Written): Answer {
  return json(created ? 201 : 200, view(resource, stored.object));
}

/** Undefined if the path names no resource that is served. */
function targetOf(path: string): Target | undefined {
  const segments = path.split("/").slice(1).map(decodeURIComponent);
  const [root, ...rest] = segments;
  const [group, version, tail] = root === "api" ? ["", rest[0], rest.slice(1)] : root === "apis" ? [rest[0] ?? "", rest[1], rest.slice(2)] : [undefined, undefined, []];
  if (group === undefined || tail.length === 0) return undefined;
  const within = tail[0] === "namespaces" && tail.length > 2 && tail[2] !== "status" && tail[2] !== "finalize";
  const [plural = "", name = "", subresource = "", ...more] = within ? tail.slice(2) : tail;
  const resource = RESOURCES.find((one) => one.group === group && one.version === version && one.plural === plural);
  if (resource === undefined || more.length > 0 || within !== (within && resource.namespaced)) return undefined;
  if (resource.namespaced && !within && name !== "") return undefined;
  if (subresource !== "" && !(subresource === "status" && resource.status)) return undefined;
  return { resource, namespace: within ? tail[1] : undefined, name, subresource };
}

function verbOf(method: string, { resource, namespace, name, subresource }: Target, query: URLSearchParams): Verb {
  const watching = ["true", "1"].includes(query.get("watch") ?? "");
  const placed = name !== "" && (namespace !== undefined || !resource.namespaced);
  const verb = ((): Verb | undefined => {
    switch (method) {
      case "GET":
      case "HEAD":
        // With a name it is a get, whatever the query says: one object is watched by a fieldSelector.
        if (name !== "") return placed ? "get" : undefined;
        return watching ? "watch" : "list";
      case "POST":
        return name === "" && (namespace !== undefined || !resource.namespaced) ? "create" : undefined;
      case "PUT":
        return placed ? "update" : undefined;
      case "PATCH":
        return placed ? "patch" : undefined;
      case "DELETE":
        return subresource !== "" ? undefined : placed ? "delete" : name === "" && (namespace !== undefined || !resource.namespaced) ? "deletecollection" : undefined;
      default:
        return undefined;
    }
  })();
  if (verb === undefined) throw new Refusal("MethodNotAllowed", "the server does not allow this method on the requested resource");
  return verb;
}

function attemptOf(verb: Verb, { resource, namespace, name, subresource }: Target): Attempt {
  const own = resource.plural === "namespaces" && name !== "" ? name : namespace;
  return { verb, group: resource.group, resource: subresource === "" ? resource.plural : `${resource.plural}/${subresource}`, namespace: own, name };
}

function bodyOf(request: ApiRequest): Json {
  if (request.contentType !== "" && request.contentType !== "application/json") {
    throw new Refusal("UnsupportedMediaType", "the body of the request was in an unknown format - accepted media types include: application/json");
  }
  return parse(request.body);
}

function parse(body: string): Json {
  try {
    return JSON.parse(body) as Json;
  } catch (error) {
    throw new Refusal("BadRequest", `couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : String(error)}`);
  }
}
