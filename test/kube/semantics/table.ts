/**
 * Tables of requests with what a real kube-apiserver (v1.36.3) answers to each. They are sent to the simulator and to a real server.
 */
import assert from "node:assert/strict";
import type { ApiUnderTest } from "../api-under-test.ts";
import { isObject, type Json } from "../simulator/json.ts";

type Method = Parameters<ApiUnderTest["request"]>[0];

/** The status expected, and the request: method, path, body, media type of the body. */
export type Row = readonly [status: number, method: Method, path: string, body?: unknown, contentType?: string];

/** The rows are sent in order, and later ones build on earlier ones. Names are used in one table only. */
export type Table = { readonly about: string; readonly rows: readonly Row[] };

export const MERGE = "application/merge-patch+json";
export const STRATEGIC = "application/strategic-merge-patch+json";
export const JSON_PATCH = "application/json-patch+json";

export const SERVICES = "/api/v1/namespaces/default/services";
export const SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
export const LEASES = "/apis/coordination.k8s.io/v1/namespaces/bmlb-system/leases";
export const EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events";
export const CORE_EVENTS = "/api/v1/namespaces/default/events";

/** A Service of type LoadBalancer with port 80. */
export function loadBalancer(name: string, spec: object = {}, metadata: object = {}): object {
  return { metadata: { name, ...metadata }, spec: { type: "LoadBalancer", ports: [{ port: 80 }], ...spec } };
}

/** A status with these entries of status.loadBalancer.ingress. */
export function ingress(...entries: readonly object[]): object {
  return { status: { loadBalancer: { ingress: entries } } };
}

export type Outcome = { readonly row: Row; readonly status: number; readonly body: unknown };

/** Sends every row and fails for the first that is not answered as it should be. */
export async function send(api: ApiUnderTest, table: Table): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const row of table.rows) {
    const [expected, method, path, body, contentType] = row;
    const answer = await api.request(method, path, body, contentType);
    assert.equal(answer.status, expected, `${describe(row)}: ${JSON.stringify(answer.body)}`);
    outcomes.push({ row, ...answer });
  }
  return outcomes;
}

export function describe([, method, path, body, contentType]: Row): string {
  return [method, path, JSON.stringify(body), contentType].filter((part) => part !== undefined).join(" ").slice(0, 400);
}

/** Of the server's own making, different at each run or from server to server. */
const VOLATILE = new Set(["managedFields", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "nodePort", "healthCheckNodePort", "continue", "message", "causes", "targetPort"]);

/** What must be the same on every server: an answer without what is different each time, and without the words of refusals. */
export function essence(body: unknown): Json {
  if (Array.isArray(body)) return body.map(essence);
  if (!isObject(body)) return typeof body === "string" ? body.replace(/^10\.96\.\d+\.\d+$/, "CLUSTER-IP").replace(/^fd00:10:96::[0-9a-f]+$/, "CLUSTER-IP6") : ((body ?? null) as Json);
  const generated = body["generateName"] !== undefined;
  const kept = Object.entries(body).filter(([key, value]) => value !== undefined && !VOLATILE.has(key) && !(generated && key === "name") && !(key === "details" && isEmpty(value)));
  return Object.fromEntries(kept.map(([key, value]) => [key, essence(value)]));
}

/** Some refusals carry empty details, others none. */
function isEmpty(value: Json): boolean {
  return isObject(value) && Object.keys(value).every((key) => VOLATILE.has(key));
}
