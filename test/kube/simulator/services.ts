/**
 * Services: what the server fills in, allocates, and takes away when the type changes (pkg/registry/core/service of Kubernetes).
 */
import type { Allocations } from "./allocations.ts";
import { asList, asObject, asText, at, type Json, type JsonObject, sameJson, without } from "./json.ts";
import { dnsLabel, strictFamily } from "./names.ts";
import type { KubeObject } from "./objects.ts";
import { invalid } from "./refusal.ts";
import type { Rules } from "./resources.ts";
import { wrongService, wrongServiceStatus } from "./service-validation.ts";
import { alwaysFields, anything, fields, list, map, optionalText, optionalTruth, optionalWhole, text, truth, whole, wholeOrText } from "./shape.ts";

const SHAPE = {
  spec: alwaysFields({
    ports: list(fields({ name: text, protocol: text, appProtocol: optionalText, port: whole, targetPort: wholeOrText, nodePort: whole })),
    selector: map,
    clusterIP: text,
    clusterIPs: list(text),
    type: text,
    externalIPs: list(text),
    sessionAffinity: text,
    loadBalancerIP: text,
    loadBalancerSourceRanges: list(text),
    externalName: text,
    externalTrafficPolicy: text,
    healthCheckNodePort: whole,
    publishNotReadyAddresses: truth,
    sessionAffinityConfig: fields({ clientIP: fields({ timeoutSeconds: optionalWhole }) }),
    ipFamilies: list(text),
    ipFamilyPolicy: optionalText,
    allocateLoadBalancerNodePorts: optionalTruth,
    loadBalancerClass: optionalText,
    internalTrafficPolicy: optionalText,
    trafficDistribution: optionalText,
  }),
  status: alwaysFields({
    loadBalancer: alwaysFields({ ingress: list(fields({ ip: text, hostname: text, ipMode: optionalText, ports: list(anything) })) }),
    conditions: list(anything),
  }),
};

const NO_ADDRESS = { loadBalancer: {} };
const CLIENT_AFFINITY_S = 10_800; // DefaultClientIPServiceAffinitySeconds

export const SERVICE_RULES: Rules = {
  shape: SHAPE,
  name: dnsLabel,
  defaults,
  create: (service, allocations) => allocate({ ...service, status: NO_ADDRESS }, undefined, allocations),
  update: (next, old, allocations) => allocate(dropWhatTheTypeLacks(keepAllocated(next, old), old), old, allocations),
  validate: wrongService,
  validateStatus: wrongServiceStatus,
  selectable: ({ spec }) => ({ "spec.clusterIP": asText(at(spec, "clusterIP")), "spec.type": asText(at(spec, "type")) }),
};

/** SetDefaults_Service. `ipMode` is filled in only if the request itself says LoadBalancer: a status alone does not. */
function defaults(service: KubeObject): KubeObject {
  const spec = asObject(service.spec);
  const type = asText(spec["type"]) || "ClusterIP";
  const affinity = asText(spec["sessionAffinity"]) || "None";
  const timeout = at(spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds") ?? CLIENT_AFFINITY_S;
  const filled: JsonObject = {
    ...spec,
    type,
    sessionAffinity: affinity,
    sessionAffinityConfig: affinity === "ClientIP" ? { clientIP: { timeoutSeconds: timeout } } : undefined,
    ports: spec["ports"] === undefined ? undefined : asList(spec["ports"]).map(withPortDefaults),
    externalTrafficPolicy: spec["externalTrafficPolicy"] ?? (external(spec, type) ? "Cluster" : undefined),
    internalTrafficPolicy: spec["internalTrafficPolicy"] ?? (type === "ExternalName" ? undefined : "Cluster"),
    allocateLoadBalancerNodePorts: spec["allocateLoadBalancerNodePorts"] ?? (type === "LoadBalancer" ? true : undefined),
  };
  return { ...service, spec: without(filled), status: type === "LoadBalancer" ? withIpMode(asObject(service.status)) : asObject(service.status) };
}

function withPortDefaults(entry: Json): Json {
  const port = asObject(entry);
  const target = port["targetPort"];
  return { ...port, protocol: port["protocol"] ?? "TCP", targetPort: target === undefined || target === 0 || target === "" ? (port["port"] ?? 0) : target };
}

function withIpMode(status: JsonObject): JsonObject {
  const ingress = at(status, "loadBalancer", "ingress");
  if (ingress === undefined) return status;
  const filled = asList(ingress).map((entry) => (at(entry, "ip") === undefined ? entry : { ...asObject(entry), ipMode: at(entry, "ipMode") ?? "VIP" }));
  return { ...status, loadBalancer: { ...asObject(status["loadBalancer"]), ingress: filled } };
}

function external(spec: JsonObject, type: string): boolean {
  return type === "LoadBalancer" || type === "NodePort" || (type === "ClusterIP" && asList(spec["externalIPs"]).length > 0);
}

function typeOf(service: KubeObject): string {
  return asText(at(service.spec, "type"));
}

const usesNodePorts = (service: KubeObject): boolean => typeOf(service) === "NodePort" || typeOf(service) === "LoadBalancer";
const usesHealthCheck = (service: KubeObject): boolean => typeOf(service) === "LoadBalancer" && at(service.spec, "externalTrafficPolicy") === "Local";
const isHeadless = (service: KubeObject): boolean => at(service.spec, "clusterIP") === "None";

/** What was allocated and the client left out stays (patchAllocatedValues). */
function keepAllocated(next: KubeObject, old: KubeObject): KubeObject {
  const spec = asObject(next.spec);
  const before = asObject(old.spec);
  const kept: Record<string, Json | undefined> = { ...spec };
  if (typeOf(next) !== "ExternalName" && typeOf(old) !== "ExternalName") {
    for (const field of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]) kept[field] ??= before[field];
  }
  if (usesNodePorts(next) && usesNodePorts(old)) {
    kept["ports"] = asList(spec["ports"]).map((entry) => {
      const same = asList(before["ports"]).find((other) => at(other, "port") === at(entry, "port") && at(other, "protocol") === at(entry, "protocol"));
      return without({ ...asObject(entry), nodePort: at(entry, "nodePort") ?? at(same, "nodePort") });
    });
  }
  if (usesHealthCheck(next) && usesHealthCheck(old)) kept["healthCheckNodePort"] ??= before["healthCheckNodePort"];
  return { ...next, spec: without(kept) };
}

/** What the old type needed, the new one lacks, and the client did not itself change (dropTypeDependentFields). */
function dropWhatTheTypeLacks(next: KubeObject, old: KubeObject): KubeObject {
  const before = asObject(old.spec);
  const kept: Record<string, Json | undefined> = { ...asObject(next.spec) };
  const dropIfSame = (...names: readonly string[]): void => {
    for (const name of names) if (sameJson(kept[name], before[name])) kept[name] = undefined;
  };
  if (typeOf(next) === "ExternalName") dropIfSame("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy");
  if (usesNodePorts(old) && !usesNodePorts(next)) {
    const ports = asList(kept["ports"]);
    const unchanged = sameJson(ports.map((entry) => at(entry, "nodePort") ?? 0), asList(before["ports"]).map((entry) => at(entry, "nodePort") ?? 0));
    if (unchanged) kept["ports"] = ports.map((entry) => without(asObject(entry), "nodePort"));
  }
  if (usesHealthCheck(old) && !usesHealthCheck(next)) dropIfSame("healthCheckNodePort");
  if (typeOf(old) === "LoadBalancer" && typeOf(next) !== "LoadBalancer") dropIfSame("allocateLoadBalancerNodePorts", "loadBalancerClass");
  if (external(before, typeOf(old)) && !external(kept, typeOf(next))) dropIfSame("externalTrafficPolicy");
  const status = typeOf(next) === "LoadBalancer" ? next.status : { ...asObject(next.status), ...NO_ADDRESS };
  return { ...next, spec: without(kept), ...(status === undefined ? {} : { status }) };
}

/** Gives families, cluster IPs and node ports where they are missing. Throws 422 for a number that somebody else holds. */
function allocate(service: KubeObject, old: KubeObject | undefined, allocations: Allocations): KubeObject {
  const errors = allocations.conflicts(service);
  if (errors.length > 0) throw invalid("Service", "", service.metadata.name ?? "", errors);
  const spec: Record<string, Json | undefined> = { ...asObject(service.spec) };
  if (typeOf(service) !== "ExternalName") Object.assign(spec, addressing(service, old, allocations));
  const taken = new Set<number>();
  if (usesNodePorts(service) && spec["allocateLoadBalancerNodePorts"] !== false) {
    spec["ports"] = asList(spec["ports"]).map((entry) => {
      if (at(entry, "nodePort") !== undefined) return entry;
      const nodePort = allocations.nodePort(taken);
      taken.add(nodePort);
      return { ...asObject(entry), nodePort };
    });
  }
  if (usesHealthCheck(service)) spec["healthCheckNodePort"] ??= allocations.nodePort(taken);
  return { ...service, spec: without(spec) };
}

/** ipFamilyPolicy, ipFamilies, clusterIPs and clusterIP, in step with each other. */
function addressing(service: KubeObject, old: KubeObject | undefined, allocations: Allocations): JsonObject {
  const spec = asObject(service.spec);
  const asked = asList(spec["clusterIPs"]).map(asText);
  const first = asText(spec["clusterIP"]);
  const given = first === "" ? asked : [first, ...asked.slice(1)];
  const selectorless = isHeadless(service) && Object.keys(asObject(spec["selector"])).length === 0;
  const askedFamilies = asList(spec["ipFamilies"]).map(asText);
  const policy = asText(spec["ipFamilyPolicy"]) || (selectorless && askedFamilies.length === 0 ? "RequireDualStack" : "SingleStack");
  // Back to SingleStack with the families as they were means: the first of them.
  const downgraded = policy === "SingleStack" && sameJson(spec["ipFamilies"], at(old?.spec, "ipFamilies"));
  const primary = askedFamilies[0] ?? (strictFamily(given[0] ?? "") === 6 ? "IPv6" : "IPv4");
  const secondary = askedFamilies[1] ?? (policy === "SingleStack" ? undefined : primary === "IPv4" ? "IPv6" : "IPv4");
  const families = secondary === undefined || downgraded ? [primary] : [primary, secondary];
  const addresses = isHeadless(service) ? ["None"] : families.map((family, index) => given[index] ?? allocations.clusterIp(family));
  return { ipFamilyPolicy: policy, ipFamilies: families, clusterIPs: addresses, clusterIP: addresses[0] };
}
