/**
 * What the API server stores: objects with metadata, and where in the API they are.
 */
import type { Json, JsonObject } from "./json.ts";

export type OwnerReference = JsonObject;

/** ObjectMeta of meta/v1, as far as anything here looks into it; other fields are carried along. */
export type Metadata = {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly [key: string]: Json | undefined;
};

export type KubeObject = {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Metadata;
  readonly spec?: JsonObject;
  readonly status?: JsonObject;
  readonly [key: string]: Json | undefined;
};

/** "namespace/name", or "/name" for what has no namespace. Sorts as the keys of etcd do. */
export type ObjectKey = string;

export function objectKey(namespace: string | undefined, name: string): ObjectKey {
  return `${namespace ?? ""}/${name}`;
}

export function keyOf(object: KubeObject): ObjectKey {
  return objectKey(object.metadata.namespace, object.metadata.name ?? "");
}

/** RFC 3339 with whole seconds, as creationTimestamp is written. */
export function timestamp(unixMs: number): string {
  return new Date(unixMs).toISOString().replace(/\.\d+Z$/, "Z");
}
