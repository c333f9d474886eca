/**
 * JSON as it comes over the wire, and the few ways in which the simulator reads it: whatever is not of the kind asked for is absent.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json | undefined };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value if it is an object, else an empty one. */
export function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** The value if it is an array, else an empty one. */
export function asList(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : [];
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** The value if it is text, else "". */
export function asText(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

export function asNumber(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** Reads nested fields; undefined as soon as one is missing. */
export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let here = value;
  for (const key of path) here = asObject(here)[key];
  return here;
}

/** Equal as JSON: the order of keys does not count, and a field that is undefined is one that is not there. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => sameJson(a[key], b[key]));
}

/** Without the fields that are undefined. */
export function without(object: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key, value]) => value !== undefined && !keys.includes(key)));
}
