/**
 * metadata.managedFields as the server writes it when an object is created. Nobody here reads it; but it is the larger part of many
 * objects, and a client has to carry it.
 */
import { isObject, type Json, type JsonObject } from "./json.ts";
import { type KubeObject, timestamp } from "./objects.ts";
import { apiVersionOf, type Resource } from "./resources.ts";

export function managedFields(resource: Resource, { metadata, ...rest }: KubeObject): readonly Json[] {
  const { labels, annotations } = metadata;
  const meta = { ...(labels === undefined ? {} : { labels }), ...(annotations === undefined ? {} : { annotations }) };
  const owned = { ...(Object.keys(meta).length === 0 ? {} : { metadata: meta }), ...rest };
  return [{ manager: "unknown", operation: "Update", apiVersion: apiVersionOf(resource), time: timestamp(Date.now()), fieldsType: "FieldsV1", fieldsV1: fieldSet(owned) }];
}

/** The names of all fields; lists are owned as a whole. */
function fieldSet(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [`f:${name}`, isObject(value) ? fieldSet(value) : {}]));
}
