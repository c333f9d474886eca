/**
 * The shapes of the API's types: what the server reads from a request, what it drops, and what it cannot read at all (400).
 *
 * As Go's decoder does: unknown fields vanish silently, null is absent, and a field that is empty is absent too unless it is a pointer.
 */
import { isList, isObject, type Json, type JsonObject } from "./json.ts";
import { Refusal } from "./refusal.ts";

export type Shape =
  /** `pointer`: empty is not absent. `absent`: what is written for one that is absent, where Go writes something. */
  | { readonly of: "text" | "whole" | "truth" | "whole-or-text" | "time" | "micro-time"; readonly pointer: boolean; readonly absent?: Json }
  | { readonly of: "anything" }
  /** Text by text: labels, annotations. */
  | { readonly of: "map" }
  | { readonly of: "list"; readonly item: Shape; readonly absent?: Json }
  | { readonly of: "fields"; readonly fields: Readonly<Record<string, Shape>>; readonly always: boolean };

export const text: Shape = { of: "text", pointer: false };
export const whole: Shape = { of: "whole", pointer: false };
export const truth: Shape = { of: "truth", pointer: false };
export const wholeOrText: Shape = { of: "whole-or-text", pointer: true };
export const time: Shape = { of: "time", pointer: true };
export const microTime: Shape = { of: "micro-time", pointer: true };
export const timeOrNull: Shape = { of: "time", pointer: true, absent: null };
export const microTimeOrNull: Shape = { of: "micro-time", pointer: true, absent: null };
export const alwaysText: Shape = { of: "text", pointer: true, absent: "" };
export const alwaysWhole: Shape = { of: "whole", pointer: true, absent: 0 };
export const anything: Shape = { of: "anything" };
export const map: Shape = { of: "map" };
export const optionalText: Shape = { of: "text", pointer: true };
export const optionalWhole: Shape = { of: "whole", pointer: true };
export const optionalTruth: Shape = { of: "truth", pointer: true };

export function list(item: Shape): Shape {
  return { of: "list", item };
}

/** A list that is written as null when it is empty. */
export function listOrNull(item: Shape): Shape {
  return { of: "list", item, absent: null };
}

/** A struct that is left out when it is empty. */
export function fields(of: Readonly<Record<string, Shape>>): Shape {
  return { of: "fields", fields: of, always: false };
}

/** A struct that is written even when it is empty, such as `spec` and `status.loadBalancer`. */
export function alwaysFields(of: Readonly<Record<string, Shape>>): Shape {
  return { of: "fields", fields: of, always: true };
}

export const METADATA: Shape = alwaysFields({
  name: text,
  generateName: text,
  namespace: text,
  uid: text,
  resourceVersion: text,
  creationTimestamp: time,
  deletionTimestamp: time,
  deletionGracePeriodSeconds: optionalWhole,
  generation: whole,
  labels: map,
  annotations: map,
  ownerReferences: list(anything),
  finalizers: list(text),
});

// Go parses with the layout "2006-01-02T15:04:05.000000Z07:00": six digits, no more and no less.
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Reads a value of that shape; undefined if it is absent. Throws 400 for what cannot be read. */
export function read(value: Json | undefined, shape: Shape, path: string): Json | undefined {
  if (value === undefined || value === null) return absent(shape, path);
  switch (shape.of) {
    case "anything":
      return value;
    case "map":
      return readMap(value, path);
    case "list": {
      if (!isList(value)) throw unreadable(path, value, "list");
      const items = value.map((item, index) => read(item, shape.item, `${path}[${index}]`) ?? (shape.item.of === "text" ? "" : {}));
      return items.length === 0 ? shape.absent : items;
    }
    case "fields": {
      if (!isObject(value)) throw unreadable(path, value, "object");
      const found = readFields(value, shape.fields, path);
      return shape.always || Object.keys(found).length > 0 ? found : undefined;
    }
    case "text":
      if (typeof value !== "string") throw unreadable(path, value, "string");
      return value === "" && !shape.pointer ? undefined : value;
    case "whole":
      if (typeof value !== "number" || !Number.isInteger(value)) throw unreadable(path, value, "int32");
      return value === 0 && !shape.pointer ? undefined : value;
    case "truth":
      if (typeof value !== "boolean") throw unreadable(path, value, "bool");
      return !value && !shape.pointer ? undefined : value;
    case "whole-or-text":
      if (typeof value !== "string" && typeof value !== "number") throw unreadable(path, value, "intstr.IntOrString");
      return value;
    case "time":
      return readTime(value, TIME, "2006-01-02T15:04:05Z07:00", path);
    case "micro-time":
      return readTime(value, MICRO_TIME, "2006-01-02T15:04:05.000000Z07:00", path);
  }
}

function absent(shape: Shape, path: string): Json | undefined {
  if (shape.of === "fields") return shape.always ? readFields({}, shape.fields, path) : undefined;
  return "absent" in shape ? shape.absent : undefined;
}

export function readFields(value: JsonObject, shapes: Readonly<Record<string, Shape>>, path: string): JsonObject {
  const found: Record<string, Json> = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const field = read(Object.hasOwn(value, name) ? value[name] : undefined, shape, path === "" ? name : `${path}.${name}`);
    if (field !== undefined) found[name] = field;
  }
  return found;
}

function readMap(value: Json, path: string): Json | undefined {
  if (!isObject(value)) throw unreadable(path, value, "map[string]string");
  const entries = Object.entries(value).map(([key, entry]) => {
    if (typeof entry !== "string" && entry !== null) throw unreadable(`${path}.${key}`, entry ?? null, "string");
    return [key, entry ?? ""] as const;
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function readTime(value: Json, form: RegExp, layout: string, path: string): Json {
  if (typeof value !== "string") throw unreadable(path, value, "string");
  if (!form.test(value) || Number.isNaN(Date.parse(value))) throw new Refusal("BadRequest", `parsing time ${JSON.stringify(value)} as "${layout}": cannot parse it (${path})`);
  return form === MICRO_TIME && !value.endsWith("Z") ? inUtc(value) : value;
}

/** Whole minutes of difference leave the fraction as it is. */
function inUtc(value: string): string {
  return new Date(value).toISOString().replace(/\.\d+Z$/, `${/\.\d{6}/.exec(value)?.[0] ?? ""}Z`);
}

function unreadable(path: string, value: Json, wanted: string): Refusal {
  const given = isList(value) ? "array" : value === null ? "null" : typeof value === "boolean" ? "bool" : typeof value;
  return new Refusal("BadRequest", `json: cannot unmarshal ${given} into Go struct field ${path} of type ${wanted}`);
}
