/**
 * What the server refuses in a Service (ValidateService, ValidateServiceUpdate, ValidateLoadBalancerStatus of Kubernetes).
 */
import { asList, asNumber, asObject, asText, at, type Json, type JsonObject } from "./json.ts";
import { dnsLabel, dnsSubdomain, qualifiedName, strictFamily, wrongPrefix } from "./names.ts";
import type { KubeObject } from "./objects.ts";
import { type FieldError, wrong } from "./refusal.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'";

export function wrongService(service: KubeObject, old: KubeObject | undefined): readonly FieldError[] {
  const spec = asObject(service.spec);
  const type = asText(spec["type"]);
  return [
    ...(TYPES.includes(type) ? [] : [wrong.unsupported("spec.type", type, TYPES)]),
    ...wrongPorts(spec, type),
    ...oneOf(spec, "sessionAffinity", ["ClientIP", "None"]),
    ...oneOf(spec, "externalTrafficPolicy", ["Cluster", "Local"]),
    ...oneOf(spec, "internalTrafficPolicy", ["Cluster", "Local"]),
    ...oneOf(spec, "ipFamilyPolicy", ["PreferDualStack", "RequireDualStack", "SingleStack"]),
    ...asList(spec["ipFamilies"]).flatMap((family, index) => (family === "IPv4" || family === "IPv6" ? [] : [wrong.unsupported(`spec.ipFamilies[${index}]`, family, ["IPv4", "IPv6"])])),
    ...(spec["ipFamilyPolicy"] === "SingleStack" && asList(spec["ipFamilies"]).length > 1 ? [wrong.invalid("spec.ipFamilyPolicy", "SingleStack", "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified")] : []),
    ...wrongExternal(spec, type),
    ...wrongLoadBalancer(spec, type),
    ...(old === undefined ? [] : wrongChange(spec, asObject(old.spec))),
  ];
}

function oneOf(spec: JsonObject, field: string, allowed: readonly string[]): FieldError[] {
  const value = spec[field];
  return value === undefined || allowed.includes(asText(value)) ? [] : [wrong.unsupported(`spec.${field}`, value, allowed)];
}

function wrongPorts(spec: JsonObject, type: string): FieldError[] {
  const ports = asList(spec["ports"]);
  if (ports.length === 0) return type === "ExternalName" || spec["clusterIP"] === "None" ? [] : [wrong.required("spec.ports")];
  const seen = new Set<string>();
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const errors: FieldError[] = [];
    const path = `spec.ports[${index}]`;
    const number = asNumber(at(port, "port")) ?? 0;
    const protocol = asText(at(port, "protocol"));
    const name = asText(at(port, "name"));
    if (name === "" && ports.length > 1) errors.push(wrong.required(`${path}.name`));
    if (name !== "" && dnsLabel(name) !== undefined) errors.push(wrong.invalid(`${path}.name`, name, dnsLabel(name) ?? ""));
    if (name !== "" && names.has(name)) errors.push(wrong.duplicate(`${path}.name`, name));
    if (number < 1 || number > 65_535) errors.push(wrong.invalid(`${path}.port`, number, "must be between 1 and 65535, inclusive"));
    if (!PROTOCOLS.includes(protocol)) errors.push(wrong.unsupported(`${path}.protocol`, protocol, PROTOCOLS));
    if (wrongTarget(at(port, "targetPort"))) errors.push(wrong.invalid(`${path}.targetPort`, at(port, "targetPort"), "must be between 1 and 65535, inclusive"));
    if (type === "ClusterIP" && at(port, "nodePort") !== undefined) errors.push(wrong.forbidden(`${path}.nodePort`, "may not be used when `type` is 'ClusterIP'"));
    if (seen.has(`${protocol}/${number}`)) errors.push(wrong.duplicate(path, { port: number, protocol }));
    seen.add(`${protocol}/${number}`);
    names.add(name);
    return errors;
  });
}

function wrongTarget(target: Json | undefined): boolean {
  return typeof target === "number" ? target < 1 || target > 65_535 : !/^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/.test(asText(target));
}

function wrongExternal(spec: JsonObject, type: string): FieldError[] {
  const addresses = asList(spec["externalIPs"]);
  const reachable = type === "LoadBalancer" || type === "NodePort" || addresses.length > 0;
  return [
    ...addresses.flatMap((address, index) => (strictFamily(asText(address)) === 0 ? [wrong.invalid(`spec.externalIPs[${index}]`, address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")] : [])),
    ...(spec["externalTrafficPolicy"] === undefined || reachable ? [] : [wrong.invalid("spec.externalTrafficPolicy", spec["externalTrafficPolicy"], "may only be set for externally-accessible services")]),
    ...(type === "ExternalName" && dnsSubdomain(asText(spec["externalName"]).replace(/\.$/, "").toLowerCase()) !== undefined ? [wrong.required("spec.externalName")] : []),
  ];
}

function wrongLoadBalancer(spec: JsonObject, type: string): FieldError[] {
  const errors = asList(spec["loadBalancerSourceRanges"]).flatMap((range, index) => {
    const why = wrongPrefix(asText(range));
    return why === undefined ? [] : [wrong.invalid(`spec.loadBalancerSourceRanges[${index}]`, range, why)];
  });
  const loadBalancerClass = spec["loadBalancerClass"];
  if (type !== "LoadBalancer") {
    if (spec["loadBalancerSourceRanges"] !== undefined) errors.push(wrong.forbidden("spec.loadBalancerSourceRanges", ONLY_LOAD_BALANCER));
    if (spec["allocateLoadBalancerNodePorts"] !== undefined) errors.push(wrong.forbidden("spec.allocateLoadBalancerNodePorts", ONLY_LOAD_BALANCER));
    if (loadBalancerClass !== undefined) errors.push(wrong.forbidden("spec.loadBalancerClass", ONLY_LOAD_BALANCER));
  } else if (loadBalancerClass !== undefined) {
    const why = qualifiedName(asText(loadBalancerClass));
    if (why !== undefined) errors.push(wrong.invalid("spec.loadBalancerClass", loadBalancerClass, why));
  }
  return errors;
}

function wrongChange(spec: JsonObject, old: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  if (spec["type"] === "LoadBalancer" && old["type"] === "LoadBalancer" && spec["loadBalancerClass"] !== old["loadBalancerClass"]) {
    errors.push(wrong.invalid("spec.loadBalancerClass", spec["loadBalancerClass"], "may not change once set"));
  }
  const [before, now] = [asList(old["clusterIPs"])[0], asList(spec["clusterIPs"])[0]];
  if (before !== undefined && now !== undefined && before !== now) errors.push(wrong.invalid("spec.clusterIPs[0]", now, "may not change once set"));
  const [familyBefore, familyNow] = [asList(old["ipFamilies"])[0], asList(spec["ipFamilies"])[0]];
  if (familyBefore !== undefined && familyNow !== undefined && familyBefore !== familyNow) errors.push(wrong.invalid("spec.ipFamilies[0]", familyNow, "may not change once set"));
  return errors;
}

/** Accepts what the real one accepts: duplicates, 0.0.0.0, loopback, multicast, and entries with neither address nor name. */
export function wrongServiceStatus(service: KubeObject): readonly FieldError[] {
  const path = "status.loadBalancer.ingress";
  const ingress = asList(at(service.status, "loadBalancer", "ingress"));
  if (at(service.spec, "type") !== "LoadBalancer") return ingress.length === 0 ? [] : [wrong.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  return ingress.flatMap((entry, index) => {
    const here = `${path}[${index}]`;
    const address = asText(at(entry, "ip"));
    const mode = at(entry, "ipMode");
    const hostname = asText(at(entry, "hostname"));
    const errors: FieldError[] = [];
    if (address !== "" && strictFamily(address) === 0) errors.push(wrong.invalid(`${here}.ip`, address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
    if (mode === undefined && address !== "") errors.push(wrong.required(`${here}.ipMode`, "must be specified when `ip` is set"));
    else if (mode !== undefined && address === "") errors.push(wrong.forbidden(`${here}.ipMode`, "may not be specified when `ip` is not set"));
    else if (mode !== undefined && mode !== "VIP" && mode !== "Proxy") errors.push(wrong.unsupported(`${here}.ipMode`, mode, ["Proxy", "VIP"]));
    if (hostname !== "" && dnsSubdomain(hostname) !== undefined) errors.push(wrong.invalid(`${here}.hostname`, hostname, dnsSubdomain(hostname) ?? ""));
    else if (hostname !== "" && strictFamily(hostname) !== 0) errors.push(wrong.invalid(`${here}.hostname`, hostname, "must be a DNS name, not an IP address"));
    return errors;
  });
}
