/**
 * Nodes, Namespaces, Secrets, Leases and ServiceCIDRs: the kinds with little that is particular to them.
 */
import { asNumber, asObject, asText, at, type Json, without } from "./json.ts";
import { dnsLabel, dnsSubdomain } from "./names.ts";
import { type FieldError, Refusal, wrong } from "./refusal.ts";
import type { Rules } from "./resources.ts";
import { alwaysFields, alwaysText, alwaysWhole, anything, fields, list, map, microTime, optionalText, optionalWhole, text, timeOrNull, truth } from "./shape.ts";

const nothingWrong = (): readonly FieldError[] => [];

const NODE_INFO = {
  machineID: alwaysText,
  systemUUID: alwaysText,
  bootID: alwaysText,
  kernelVersion: alwaysText,
  osImage: alwaysText,
  containerRuntimeVersion: alwaysText,
  kubeletVersion: alwaysText,
  kubeProxyVersion: alwaysText,
  operatingSystem: alwaysText,
  architecture: alwaysText,
};

export const NODE_RULES: Rules = {
  shape: {
    spec: alwaysFields({ podCIDR: text, podCIDRs: list(text), providerID: text, unschedulable: truth, taints: list(anything) }),
    status: alwaysFields({
      capacity: map,
      allocatable: map,
      conditions: list(fields({ type: alwaysText, status: alwaysText, lastHeartbeatTime: timeOrNull, lastTransitionTime: timeOrNull, reason: text, message: text })),
      addresses: list(fields({ type: alwaysText, address: alwaysText })),
      daemonEndpoints: alwaysFields({ kubeletEndpoint: alwaysFields({ Port: alwaysWhole }) }),
      nodeInfo: alwaysFields(NODE_INFO),
    }),
  },
  name: dnsSubdomain,
  validate: nothingWrong,
  selectable: ({ spec }) => ({ "spec.unschedulable": String(at(spec, "unschedulable") === true) }),
};

export const NAMESPACE_RULES: Rules = {
  shape: { spec: alwaysFields({ finalizers: list(text) }), status: alwaysFields({ phase: text, conditions: list(anything) }) },
  name: dnsLabel,
  create: (namespace) => ({
    ...namespace,
    metadata: { ...namespace.metadata, labels: { ...namespace.metadata.labels, "kubernetes.io/metadata.name": namespace.metadata.name ?? "" } },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  }),
  update: (next, old) => ({ ...next, ...(old.spec === undefined ? {} : { spec: old.spec }) }),
  validate: nothingWrong,
  selectable: ({ status }) => ({ "status.phase": asText(at(status, "phase")) }),
};

const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const SECRET_RULES: Rules = {
  shape: { immutable: { of: "truth", pointer: true }, data: map, stringData: map, type: text },
  name: dnsSubdomain,
  defaults: (secret) => {
    const plain = Object.entries(asObject(secret["stringData"])).map(([key, value]) => [key, Buffer.from(asText(value)).toString("base64")] as const);
    const data = { ...asObject(secret["data"]), ...Object.fromEntries(plain) };
    for (const value of Object.values(data)) if (!BASE64.test(asText(value))) throw new Refusal("BadRequest", "illegal base64 data");
    const { metadata } = secret;
    return { metadata, ...without(secret, "metadata", "stringData", "data"), ...(Object.keys(data).length === 0 ? {} : { data }), type: secret["type"] ?? "Opaque" };
  },
  validate: (next, old) => [
    ...Object.keys(asObject(next["data"])).flatMap((key) => (/^[-._a-zA-Z0-9]{1,253}$/.test(key) ? [] : [wrong.invalid(`data[${key}]`, key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'")])),
    ...(old !== undefined && old["type"] !== next["type"] ? [wrong.invalid("type", next["type"], "field is immutable")] : []),
  ],
  selectable: (secret) => ({ type: asText(secret["type"]) }),
};

export const LEASE_RULES: Rules = {
  shape: {
    spec: alwaysFields({
      holderIdentity: optionalText,
      leaseDurationSeconds: optionalWhole,
      acquireTime: microTime,
      renewTime: microTime,
      leaseTransitions: optionalWhole,
    }),
  },
  name: dnsSubdomain,
  validate: ({ spec }) => {
    const seconds = asNumber(at(spec, "leaseDurationSeconds"));
    const transitions = asNumber(at(spec, "leaseTransitions"));
    return [
      ...(seconds !== undefined && seconds <= 0 ? [wrong.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")] : []),
      ...(transitions !== undefined && transitions < 0 ? [wrong.invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0")] : []),
    ];
  },
};

export const SERVICE_CIDR_RULES: Rules = {
  shape: { spec: alwaysFields({ cidrs: list(text) }), status: alwaysFields({ conditions: list(anything) }) },
  name: dnsSubdomain,
  validate: (next, old) => (old === undefined || sameCidrs(old.spec, next.spec) ? [] : [wrong.invalid("spec.cidrs", at(next.spec, "cidrs"), "field is immutable")]),
};

function sameCidrs(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(at(a, "cidrs")) === JSON.stringify(at(b, "cidrs"));
}
