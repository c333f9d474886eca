/**
 * Objects as the Kubernetes API sends them, reduced to the values of cluster/ (core/v1 Service, Node and Namespace;
 * discovery.k8s.io/v1 EndpointSlice).
 *
 * Total: whatever the JSON holds, nothing here throws. What cannot be an object of its kind is a `malformed` with a sentence; a field
 * that makes no sense in an otherwise good object is left out. Pure.
 */
import {
  type Endpoint,
  type EndpointSlice,
  type Ingress,
  type Labels,
  type Namespace,
  type Node,
  type Service,
  type ServiceKey,
  type ServicePort,
  serviceKey,
} from "../cluster/index.ts";
import { type Address, type Family, parseAddress } from "../net/index.ts";
import { type Json, integerOf, listOf, recordOf, stringsOf, textOf } from "./raw.ts";

/** What became of one raw object. */
export type Reading<V> =
  | { readonly type: "value"; readonly key: string; readonly value: V }
  /** A good object that bmlb has no use for, so far as it knows. */
  | { readonly type: "irrelevant"; readonly key: string; readonly value: V | undefined }
  /** `key` as far as the object says who it is. */
  | { readonly type: "malformed"; readonly key: string | undefined; readonly problem: string };

/** Annotations under other keys are not kept. */
const KEPT_ANNOTATIONS = ["bmlb.io/", "metallb.io/", "metallb.universe.tf/"];
const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

type Metadata = { readonly raw: Json; readonly name: string; readonly namespace: string };

function metadataOf(object: unknown): Metadata | undefined {
  const raw = recordOf(recordOf(object)?.["metadata"]);
  const name = textOf(raw?.["name"]);
  return raw === undefined || name === undefined ? undefined : { raw, name, namespace: textOf(raw["namespace"]) ?? "" };
}

/** What identifies an object that has a namespace, whatever else it is; undefined if it has no name. */
export function keyOf(cluster: string, object: unknown): string | undefined {
  const metadata = metadataOf(object);
  return metadata === undefined ? undefined : serviceKey(cluster, metadata.namespace, metadata.name);
}

/** What identifies an object without a namespace. */
export function nameOf(object: unknown): string | undefined {
  return metadataOf(object)?.name;
}

const NAMELESS: Reading<never> = { type: "malformed", key: undefined, problem: "it has no metadata.name" };

/** core/v1 Service. One of another type than LoadBalancer is `irrelevant`, but read. */
export function readService(cluster: string, object: unknown): Reading<Service> {
  const metadata = metadataOf(object);
  if (metadata === undefined) return NAMELESS;
  const { raw, name, namespace } = metadata;
  const key = serviceKey(cluster, namespace, name);
  const malformed = (problem: string): Reading<Service> => ({ type: "malformed", key, problem });
  const spec = recordOf(recordOf(object)?.["spec"]);
  if (spec === undefined) return malformed("it has no spec");
  if (namespace === "") return malformed("it has no metadata.namespace");
  const type = spec["type"] ?? "ClusterIP";
  if (type !== "ClusterIP" && type !== "NodePort" && type !== "LoadBalancer" && type !== "ExternalName") return malformed(`its type is ${JSON.stringify(type).slice(0, 60)}`);
  const uid = textOf(raw["uid"]);
  const resourceVersion = textOf(raw["resourceVersion"]);
  if (uid === undefined || resourceVersion === undefined) return malformed("it has no uid or no resourceVersion");
  const ingress = listOf(recordOf(recordOf(recordOf(object)?.["status"])?.["loadBalancer"])?.["ingress"]);
  const service: Service = {
    key,
    namespace,
    name,
    uid,
    resourceVersion,
    createdAt: unixSeconds(raw["creationTimestamp"]),
    deleting: textOf(raw["deletionTimestamp"]) !== undefined,
    type,
    loadBalancerClass: textOf(spec["loadBalancerClass"]),
    loadBalancerIP: textOf(spec["loadBalancerIP"]),
    externalTrafficPolicy: spec["externalTrafficPolicy"] === "Local" ? "Local" : "Cluster",
    ipFamilies: exactly(listOf(spec["ipFamilies"]).filter((family) => family === "IPv4" || family === "IPv6")),
    ipFamilyPolicy: spec["ipFamilyPolicy"] === "PreferDualStack" || spec["ipFamilyPolicy"] === "RequireDualStack" ? spec["ipFamilyPolicy"] : "SingleStack",
    ports: exactly(listOf(spec["ports"]).map(portOf).filter((port) => port !== undefined)),
    selector: stringsOf(spec["selector"]),
    labels: stringsOf(raw["labels"]),
    annotations: keptAnnotations(raw["annotations"]),
    ingress: exactly(ingress.map(ingressOf).filter((entry) => entry !== undefined)),
    hasHostname: ingress.some((entry) => textOf(recordOf(entry)?.["hostname"]) !== undefined),
  };
  return { type: type === "LoadBalancer" ? "value" : "irrelevant", key, value: service };
}

/** What a filter returns has room for sixteen more, and these values are kept by the ten thousand. */
function exactly<T>(list: readonly T[]): readonly T[] {
  return list.slice();
}

function portOf(value: unknown): ServicePort | undefined {
  const raw = recordOf(value);
  const port = integerOf(raw?.["port"], 1, 65535);
  const protocol = raw?.["protocol"] ?? "TCP";
  return port !== undefined && (protocol === "TCP" || protocol === "UDP" || protocol === "SCTP") ? { protocol, port } : undefined;
}

function ingressOf(value: unknown): Ingress | undefined {
  const raw = recordOf(value);
  const ip = parseAddress(textOf(raw?.["ip"]) ?? "");
  if (ip === undefined) return undefined;
  const mode = raw?.["ipMode"];
  return mode === "VIP" || mode === "Proxy" ? { ip, ipMode: mode } : { ip };
}

function keptAnnotations(value: unknown): Labels {
  const all = recordOf(value);
  if (all === undefined) return stringsOf(undefined);
  return stringsOf(Object.fromEntries(Object.entries(all).filter(([key]) => KEPT_ANNOTATIONS.some((prefix) => key.startsWith(prefix)))));
}

/** Of an RFC 3339 time. One that is missing or makes no sense counts as the latest: it must not win a dispute over an address. */
function unixSeconds(value: unknown): number {
  const ms = Date.parse(textOf(value) ?? "");
  return Number.isNaN(ms) ? Number.MAX_SAFE_INTEGER : Math.floor(ms / 1000);
}

const FAMILY_OF_ADDRESS_TYPE: Readonly<Record<string, Family | undefined>> = { IPv4: "ipv4", IPv6: "ipv6" };

/** discovery.k8s.io/v1 EndpointSlice. One that belongs to no Service is `irrelevant`. */
export function readSlice(cluster: string, object: unknown): Reading<EndpointSlice> {
  const metadata = metadataOf(object);
  if (metadata === undefined) return NAMELESS;
  const { raw, name, namespace } = metadata;
  const key: string = serviceKey(cluster, namespace, name);
  if (namespace === "") return { type: "malformed", key, problem: "it has no metadata.namespace" };
  const owner = textOf(recordOf(raw["labels"])?.[SERVICE_NAME_LABEL]);
  if (owner === undefined) return { type: "irrelevant", key, value: undefined };
  const service: ServiceKey = serviceKey(cluster, namespace, owner);
  const endpoints = exactly(listOf(recordOf(object)?.["endpoints"]).map(endpointOf).filter((endpoint) => endpoint !== undefined));
  const family = FAMILY_OF_ADDRESS_TYPE[textOf(recordOf(object)?.["addressType"]) ?? ""];
  return { type: "value", key, value: { key, service, family, endpoints } };
}

/** A condition that is absent is unknown, which the API documents as: ready like one that is true, serving like ready. */
function endpointOf(value: unknown): Endpoint | undefined {
  const raw = recordOf(value);
  if (raw === undefined) return undefined;
  const conditions = recordOf(raw["conditions"]);
  const ready = conditions?.["ready"] !== false;
  const serving = typeof conditions?.["serving"] === "boolean" ? conditions["serving"] : ready;
  return endpoint(textOf(raw["nodeName"]), ready, serving, conditions?.["terminating"] === true);
}

const shared = new Map<string, Endpoint>();
const MOST_SHARED = 50_000;

/** The same value for the same facts: a cluster has many endpoints, and few different ones. */
export function endpoint(node: string | undefined, ready: boolean, serving: boolean, terminating: boolean): Endpoint {
  const text = `${Number(ready)}${Number(serving)}${Number(terminating)}${node ?? ""}`;
  const known = shared.get(text);
  if (known !== undefined) return known;
  if (shared.size >= MOST_SHARED) shared.clear();
  const made: Endpoint = Object.freeze({ node, ready, serving, terminating });
  shared.set(text, made);
  return made;
}

/** core/v1 Node. */
export function readNode(object: unknown): Reading<Node> {
  const metadata = metadataOf(object);
  if (metadata === undefined) return NAMELESS;
  const status = recordOf(recordOf(object)?.["status"]);
  const conditions = listOf(status?.["conditions"]).map(recordOf);
  const isTrue = (type: string): boolean => conditions.some((condition) => condition?.["type"] === type && condition["status"] === "True");
  const addresses = listOf(status?.["addresses"]).map(recordOf);
  const ofType = (type: string): readonly Address[] =>
    addresses.flatMap((entry) => (entry?.["type"] === type ? (parseAddress(textOf(entry["address"]) ?? "") ?? []) : []));
  const node: Node = {
    name: metadata.name,
    labels: stringsOf(metadata.raw["labels"]),
    ready: isTrue("Ready"),
    networkUnavailable: isTrue("NetworkUnavailable"),
    deleting: textOf(metadata.raw["deletionTimestamp"]) !== undefined,
    addresses: [...new Set([...ofType("InternalIP"), ...ofType("ExternalIP")])],
  };
  return { type: "value", key: node.name, value: node };
}

/** core/v1 Namespace. */
export function readNamespace(object: unknown): Reading<Namespace> {
  const metadata = metadataOf(object);
  if (metadata === undefined) return NAMELESS;
  return { type: "value", key: metadata.name, value: { name: metadata.name, labels: stringsOf(metadata.raw["labels"]) } };
}
