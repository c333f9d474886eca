/**
 * The syntaxes of names, labels and addresses that the API server enforces (apimachinery's `validation` package).
 */
import { isIP } from "node:net";
import type { KubeObject } from "./objects.ts";
import { type FieldError, wrong } from "./refusal.ts";

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/** What is wrong with a name, or undefined. */
export type NameRule = (name: string) => string | undefined;

export const dnsLabel: NameRule = (name) =>
  name.length <= 63 && LABEL.test(name)
    ? undefined
    : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";

export const dnsSubdomain: NameRule = (name) =>
  name.length <= 253 && SUBDOMAIN.test(name)
    ? undefined
    : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";

/** Any name that can be a segment of a path. */
export const pathSegment: NameRule = (name) => (/[/%]/.test(name) || name === "." || name === ".." ? "may not contain '/' or '%'" : undefined);

/** "name" or "dns.prefix/name", as keys of labels and annotations are. */
export const qualifiedName: NameRule = (name) => {
  const parts = name.split("/");
  const last = parts.at(-1) ?? "";
  const prefixWrong = parts.length === 2 && dnsSubdomain(parts[0] ?? "") !== undefined;
  return parts.length <= 2 && !prefixWrong && last.length <= 63 && QUALIFIED.test(last)
    ? undefined
    : "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
};

const STANDARD_FINALIZERS = ["foregroundDeletion", "kubernetes", "orphan"];
const ANNOTATIONS_LIMIT = 256 * 1024;

/** The errors of an object's metadata. */
export function wrongMetadata(object: KubeObject, name: NameRule): FieldError[] {
  const { metadata } = object;
  const errors: FieldError[] = [];
  const given = metadata.name ?? "";
  if (given === "") errors.push(wrong.required("metadata.name", "name or generateName is required"));
  else {
    const why = name(given);
    if (why !== undefined) errors.push(wrong.invalid("metadata.name", given, why));
  }
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    const why = qualifiedName(key);
    if (why !== undefined) errors.push(wrong.invalid("metadata.labels", key, why));
    if (value.length > 63 || (value !== "" && !QUALIFIED.test(value))) errors.push(wrong.invalid("metadata.labels", value, "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"));
  }
  let octets = 0;
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    octets += key.length + Buffer.byteLength(value);
    const why = qualifiedName(key.toLowerCase());
    if (why !== undefined) errors.push(wrong.invalid("metadata.annotations", key, why));
  }
  if (octets > ANNOTATIONS_LIMIT) errors.push({ reason: "FieldValueTooLong", field: "metadata.annotations", message: `Too long: may not be more than ${ANNOTATIONS_LIMIT} bytes` });
  for (const finalizer of metadata.finalizers ?? []) {
    const why = qualifiedName(finalizer) ?? (finalizer.includes("/") || STANDARD_FINALIZERS.includes(finalizer) ? undefined : "name is neither a standard finalizer name nor is it fully qualified");
    if (why !== undefined) errors.push(wrong.invalid("metadata.finalizers", finalizer, why));
  }
  return errors;
}

/** 4 or 6 for an address as the newer fields want it: no leading zeros, no zone, no IPv4 in IPv6; else 0. */
export function strictFamily(address: string): 0 | 4 | 6 {
  if (address.includes("%") || /^::ffff:/i.test(address)) return 0;
  const family = isIP(address);
  return family === 4 || family === 6 ? family : 0;
}

/** What is wrong with a prefix such as a load balancer's source range, or undefined. */
export function wrongPrefix(given: string): string | undefined {
  const [address = "", length = "", ...more] = given.trim().split("/");
  const family = strictFamily(address);
  const width = family === 4 ? 32 : 128;
  if (family === 0 || more.length > 0 || !/^(0|[1-9]\d*)$/.test(length) || Number(length) > width) return "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
  const host = toBits(address, family) & ((1n << BigInt(width - Number(length))) - 1n);
  return host === 0n ? undefined : "must not have bits set beyond the prefix length";
}

function toBits(address: string, family: 4 | 6): bigint {
  if (family === 4) return address.split(".").reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const plain = dotted === null ? address : `${dotted[1] ?? ""}${groupsOf(toBits(dotted[2] ?? "", 4))}`;
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function groupsOf(bits: bigint): string {
  return `${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`;
}
