/**
 * EndpointSlices of discovery.k8s.io/v1. An empty one is written with `endpoints: null` and `ports: null`, as Go writes empty slices.
 */
import { asList, asNumber, asObject, asText, at, type Json, sameJson } from "./json.ts";
import { dnsLabel, dnsSubdomain, strictFamily } from "./names.ts";
import type { KubeObject } from "./objects.ts";
import { type FieldError, wrong } from "./refusal.ts";
import type { Rules } from "./resources.ts";
import { alwaysFields, alwaysText, anything, fields, list, listOrNull, map, optionalText, optionalTruth, optionalWhole, text } from "./shape.ts";

const TYPES = ["FQDN", "IPv4", "IPv6"];
const MOST_ENDPOINTS = 1_000;
const MOST_ADDRESSES = 100;

export const ENDPOINT_SLICE_RULES: Rules = {
  shape: {
    addressType: alwaysText,
    endpoints: listOrNull(
      fields({
        addresses: list(text),
        conditions: alwaysFields({ ready: optionalTruth, serving: optionalTruth, terminating: optionalTruth }),
        hostname: optionalText,
        targetRef: anything,
        deprecatedTopology: map,
        nodeName: optionalText,
        zone: optionalText,
        hints: anything,
      }),
    ),
    ports: listOrNull(fields({ name: optionalText, protocol: optionalText, port: optionalWhole, appProtocol: optionalText })),
  },
  name: dnsSubdomain,
  defaults: (slice) => (slice["ports"] === null ? slice : { ...slice, ports: asList(slice["ports"]).map(withPortDefaults) }),
  create: (slice) => ({ ...slice, metadata: { ...slice.metadata, generation: 1 } }),
  update: (next, old) => {
    const generation = asNumber(old.metadata["generation"]) ?? 0;
    const same = ["endpoints", "ports", "addressType"].every((field) => sameJson(next[field], old[field])) && sameJson(next.metadata.labels, old.metadata.labels);
    return { ...next, metadata: { ...next.metadata, generation: same ? generation : generation + 1 } };
  },
  validate: wrongSlice,
};

function withPortDefaults(port: Json): Json {
  return { ...asObject(port), name: at(port, "name") ?? "", protocol: at(port, "protocol") ?? "TCP" };
}

function wrongSlice(slice: KubeObject, old: KubeObject | undefined): readonly FieldError[] {
  const type = asText(slice["addressType"]);
  const endpoints = asList(slice["endpoints"]);
  const errors: FieldError[] = [];
  if (type === "") errors.push(wrong.required("addressType"));
  else if (!TYPES.includes(type)) errors.push(wrong.unsupported("addressType", type, TYPES));
  if (old !== undefined && old["addressType"] !== type) errors.push(wrong.invalid("addressType", type, "field is immutable"));
  if (endpoints.length > MOST_ENDPOINTS) errors.push({ reason: "FieldValueTooMany", field: "endpoints", message: `Too many: ${endpoints.length}: must have at most ${MOST_ENDPOINTS} items` });
  endpoints.forEach((endpoint, index) => {
    const path = `endpoints[${index}]`;
    const addresses = asList(at(endpoint, "addresses"));
    const node = at(endpoint, "nodeName");
    if (addresses.length === 0) errors.push(wrong.required(`${path}.addresses`, "must contain at least 1 address"));
    if (addresses.length > MOST_ADDRESSES) errors.push({ reason: "FieldValueTooMany", field: `${path}.addresses`, message: `Too many: ${addresses.length}: must have at most ${MOST_ADDRESSES} items` });
    addresses.forEach((address, at) => errors.push(...wrongAddress(asText(address), type, `${path}.addresses[${at}]`)));
    if (node !== undefined && dnsSubdomain(asText(node)) !== undefined) errors.push(wrong.invalid(`${path}.nodeName`, node, dnsSubdomain(asText(node)) ?? ""));
  });
  const names = new Set<string>();
  asList(slice["ports"]).forEach((port, index) => {
    const name = asText(at(port, "name"));
    const protocol = asText(at(port, "protocol"));
    if (names.has(name)) errors.push(wrong.duplicate(`ports[${index}].name`, name));
    if (name !== "" && dnsLabel(name) !== undefined) errors.push(wrong.invalid(`ports[${index}].name`, name, dnsLabel(name) ?? ""));
    if (!["SCTP", "TCP", "UDP"].includes(protocol)) errors.push(wrong.unsupported(`ports[${index}].protocol`, protocol, ["SCTP", "TCP", "UDP"]));
    names.add(name);
  });
  return errors;
}

function wrongAddress(address: string, type: string, path: string): FieldError[] {
  if (type === "FQDN") return dnsSubdomain(address) === undefined ? [] : [wrong.invalid(path, address, dnsSubdomain(address) ?? "")];
  const family = strictFamily(address);
  if (family !== (type === "IPv6" ? 6 : 4)) return [wrong.invalid(path, address, `must be an ${type === "IPv6" ? "IPv6" : "IPv4"} address`)];
  if (address === "0.0.0.0" || address === "::") return [wrong.invalid(path, address, "may not be unspecified (0.0.0.0 or ::)")];
  if (/^127\./.test(address) || address === "::1") return [wrong.invalid(path, address, "may not be in the loopback range (127.0.0.0/8, ::1/128)")];
  if (/^169\.254\./.test(address) || /^fe[89ab].:/i.test(address)) return [wrong.invalid(path, address, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")];
  if (/^224\.0\.0\./.test(address) || /^ff02:/i.test(address)) return [wrong.invalid(path, address, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")];
  return [];
}
