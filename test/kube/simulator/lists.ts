/**
 * Lists: the current state or that of an earlier resourceVersion, in pages that all show the same moment.
 */
import { asNumber, asText, type Json, isObject } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import { type FieldError, invalid, Refusal, wrong } from "./refusal.ts";
import { inOwnForm } from "./registry.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import { fieldSelector, labelSelector } from "./selectors.ts";
import type { Store, Stored } from "./store.ts";

/** A resource, in one namespace or in all. */
export type Scope = { readonly resource: Resource; readonly namespace: string | undefined };

/** How long a list waits for a resourceVersion that the server has not seen. */
export const TOO_LARGE_WAIT_MS = 3_000;

/** True for the stored objects that the query and the scope mean. Throws 400. */
export function selection({ resource, namespace }: Scope, query: URLSearchParams): (stored: Stored) => boolean {
  const labels = query.get("labelSelector") ?? "";
  const fields = query.get("fieldSelector") ?? "";
  const tests: ((object: KubeObject) => boolean)[] = [];
  if (namespace !== undefined) tests.push(({ metadata }) => metadata.namespace === namespace);
  if (labels !== "") {
    const selector = labelSelector(labels);
    tests.push(({ metadata }) => selector(metadata.labels ?? {}));
  }
  if (fields !== "") {
    const known = Object.keys(resource.rules.selectable?.({ metadata: {} }) ?? {});
    const selector = fieldSelector(fields, new Set(["metadata.name", "metadata.namespace", ...known]));
    tests.push((object) => {
      const own = resource.rules.selectable?.(inOwnForm(resource, object)) ?? {};
      return selector({ "metadata.name": object.metadata.name ?? "", "metadata.namespace": object.metadata.namespace ?? "", ...own });
    });
  }
  return ({ object }) => tests.every((test) => test(object));
}

/** A list as JSON text. Throws 400 or 410. The caller has seen to it that the resourceVersion asked for is not in the future. */
export function list(store: Store, scope: Scope, query: URLSearchParams): string {
  const { resource } = scope;
  checkMatch(query);
  const { revision, after, objects } = moment(store, resource, query);
  const selected = objects.filter(selection(scope, query));
  const start = after === "" ? 0 : firstAfter(selected, after);
  // The watch cache answers resourceVersion=0 and does not page.
  const limit = query.get("resourceVersion") === "0" ? 0 : wholeNumber(query, "limit");
  const page = limit === 0 ? selected.slice(start) : selected.slice(start, start + limit);
  const left = selected.length - start - page.length;
  const last = page.at(-1);
  const metadata = {
    resourceVersion: String(revision),
    ...(left > 0 && last !== undefined ? { continue: token(revision, last.key) } : {}),
    ...(left > 0 && !query.has("labelSelector") && !query.has("fieldSelector") ? { remainingItemCount: left } : {}),
  };
  const items = page.map((stored) => (resource.rules.fromStored === undefined ? stored.text : JSON.stringify(inOwnForm(resource, stored.object))));
  return `{"kind":"${resource.kind}List","apiVersion":"${apiVersionOf(resource)}","metadata":${JSON.stringify(metadata)},"items":[${items.join(",")}]}\n`;
}

/** A query's number of whole units, 0 if it is not there. Throws 400. */
export function wholeNumber(query: URLSearchParams, name: string): number {
  const given = query.get(name) ?? "";
  if (!/^-?\d*$/.test(given)) throw new Refusal("BadRequest", `unable to convert query parameter ${name}: ${JSON.stringify(given)} is not a number`);
  return Math.max(0, Number(given));
}

/** Throws 422 for parameters that do not go together. */
export function checkMatch(query: URLSearchParams): void {
  const match = query.get("resourceVersionMatch") ?? "";
  const refuse = (error: FieldError): Refusal => invalid("ListOptions", "meta.k8s.io", "", [error]);
  if (match === "") return;
  if ((query.get("resourceVersion") ?? "") === "" && query.get("sendInitialEvents") !== "true") {
    throw refuse(wrong.forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"));
  }
  if (match !== "Exact" && match !== "NotOlderThan") throw refuse(wrong.unsupported("resourceVersionMatch", match, ["Exact", "NotOlderThan", ""]));
}

/** A resourceVersion of a query; undefined if it is absent or empty. Throws 400. */
export function versionOf(query: URLSearchParams): number | undefined {
  const given = query.get("resourceVersion") ?? "";
  if (given === "") return undefined;
  if (!/^\d+$/.test(given)) throw new Refusal("BadRequest", `resourceVersion: Invalid value: ${JSON.stringify(given)}: strconv.ParseUint: parsing ${JSON.stringify(given)}: invalid syntax`);
  return Number(given);
}

export function tooLarge(version: number, current: number): Refusal {
  return new Refusal("Timeout", `Timeout: Too large resource version: ${version}, current: ${current}`, {
    retryAfterSeconds: 1,
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
  });
}

type Moment = { readonly revision: number; readonly after: string; readonly objects: readonly Stored[] };

function moment(store: Store, resource: Resource, query: URLSearchParams): Moment {
  const going = query.get("continue") ?? "";
  const version = versionOf(query);
  const now: Moment = { revision: store.revision, after: "", objects: store.all(resource.storage) };
  if (going === "") {
    if (query.get("resourceVersionMatch") !== "Exact" || version === undefined) return now;
    return { ...now, revision: version, objects: store.allAt(resource.storage, version) };
  }
  if (version !== undefined && version !== 0) throw new Refusal("BadRequest", "specifying resource version is not allowed when using continue");
  const { revision, after } = readToken(going);
  if (revision === -1) return { ...now, after };
  if (revision < store.compacted) {
    throw new Refusal("Expired", "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.", undefined, { continue: token(-1, after) });
  }
  return { revision, after, objects: store.allAt(resource.storage, revision) };
}

function token(revision: number, after: string): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start: `${after}\0` })).toString("base64url");
}

function readToken(given: string): { readonly revision: number; readonly after: string } {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(given, "base64url").toString());
  } catch {
    content = undefined;
  }
  const fields: Record<string, Json | undefined> = isObject(content) ? content : {};
  const [revision, start] = [asNumber(fields["rv"]), asText(fields["start"])];
  if (revision === undefined || !start.endsWith("\0")) throw new Refusal("BadRequest", "invalid continue token: continue key is not valid");
  return { revision, after: start.slice(0, -1) };
}

function firstAfter(objects: readonly Stored[], key: string): number {
  let low = 0;
  let high = objects.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((objects[middle]?.key ?? "") <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
