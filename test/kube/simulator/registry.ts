/**
 * Creating, changing and deleting objects by the rules of the API server (apiserver's generic registry): preconditions, what a
 * subresource may touch, what is immutable, and that writing the same again changes nothing.
 */
import { randomBytes, randomUUID } from "node:crypto";
import type { Allocations } from "./allocations.ts";
import { asObject, asText, at, isObject, type Json, type JsonObject, sameJson, without } from "./json.ts";
import { managedFields } from "./managed-fields.ts";
import { wrongMetadata } from "./names.ts";
import { type KubeObject, type Metadata, objectKey, timestamp } from "./objects.ts";
import { PATCHES } from "./patch.ts";
import { type FieldError, invalid, Refusal, wrong } from "./refusal.ts";
import { apiVersionOf, qualified, type Resource } from "./resources.ts";
import { anything, METADATA, read, readFields } from "./shape.ts";
import { type Store, Stored } from "./store.ts";

/** What a request names: one object, or for `create` the place for one. */
export type Place = { readonly resource: Resource; readonly namespace: string | undefined; readonly name: string; readonly status: boolean };

/** What comes of a write: the object as it is now, and whether it is new. */
export type Written = { readonly stored: Stored; readonly created: boolean };

/** What a DELETE asks for beyond the object's name. */
export type Deletion = { readonly uid: string | undefined; readonly resourceVersion: string | undefined; readonly propagation: string };

/** For the garbage collector, which no test cluster runs: the object waits for it. */
const PROPAGATION_FINALIZERS: Readonly<Record<string, string>> = { Foreground: "foregroundDeletion", Orphan: "orphan" };
const UNDELETABLE = ["default", "kube-system", "kube-public"];
const MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";

export class Registry {
  readonly #store: Store;
  readonly #allocations: Allocations;

  constructor(store: Store, allocations: Allocations) {
    this.#store = store;
    this.#allocations = allocations;
  }

  /** Throws 404. */
  get({ resource, namespace, name }: Place): Stored {
    const stored = this.#store.get(resource.storage, objectKey(namespace, name));
    if (stored === undefined) throw notFound(resource, name);
    return stored;
  }

  create(place: Place, body: Json, dryRun: boolean): Written {
    const { resource } = place;
    const given = this.#placed(decode(resource, body), place);
    if (given.metadata.resourceVersion !== undefined) throw new Refusal("Unexplained", "resourceVersion should not be set on objects to be created");
    return this.#createObject(place, given, dryRun);
  }

  /** PUT. */
  replace(place: Place, body: Json, dryRun: boolean): Written {
    const next = this.#placed(decode(place.resource, body), place);
    if ((next.metadata.name ?? "") !== place.name) {
      throw new Refusal("BadRequest", `the name of the object (${next.metadata.name ?? ""}) does not match the name on the URL (${place.name})`);
    }
    const old = this.#find(place);
    const uid = old?.object.metadata.uid ?? "";
    if (next.metadata.uid !== undefined && next.metadata.uid !== uid) {
      throw conflict(place.resource, place.name, `Precondition failed: UID in precondition: ${next.metadata.uid}, UID in object meta: ${uid}`);
    }
    if (old !== undefined) return this.#update(place, old, next, dryRun);
    if (!place.resource.createOnUpdate) throw notFound(place.resource, place.name);
    return this.#createObject(place, next, dryRun);
  }

  patch(place: Place, mediaType: string, patch: Json, dryRun: boolean): Written {
    const apply = PATCHES[mediaType];
    if (apply === undefined) {
      throw new Refusal("UnsupportedMediaType", `the body of the request was in an unknown format - accepted media types include: ${Object.keys(PATCHES).join(", ")}`);
    }
    if (mediaType !== "application/json-patch+json" && !isObject(patch)) throw new Refusal("BadRequest", "error decoding patch: it is not an object");
    const old = this.get(place);
    const next = patched(place.resource, apply({ ...asObject(view(place.resource, old.object)) }, patch));
    if (next.metadata.name !== place.name) throw new Refusal("BadRequest", `the name of the object (${next.metadata.name ?? ""}) does not match the name on the URL (${place.name})`);
    return this.#update(place, old, this.#placed(next, place), dryRun);
  }

  /** Removes an object, or marks it if something has still to be done for it. */
  remove(place: Place, preconditions: Deletion, dryRun: boolean): { readonly stored: Stored; readonly gone: boolean } {
    const { resource, name } = place;
    const old = this.get(place);
    const { metadata } = old.object;
    if (preconditions.uid !== undefined && preconditions.uid !== metadata.uid) {
      throw unfulfilled(resource, name, `UID in precondition: ${preconditions.uid}, UID in object meta: ${metadata.uid ?? ""}`);
    }
    if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== metadata.resourceVersion) {
      throw unfulfilled(resource, name, `ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion ?? ""}`);
    }
    if (resource.kind === "Namespace" && UNDELETABLE.includes(name)) throw new Refusal("Forbidden", `namespaces "${name}" is forbidden: this namespace may not be deleted`, details(resource, name));
    const propagation = PROPAGATION_FINALIZERS[preconditions.propagation];
    const finalizers = Array.from(new Set([...(metadata.finalizers ?? []), ...(propagation === undefined ? [] : [propagation])]));
    const pending = finalizers.length > 0 || (resource.kind === "Namespace" && at(old.object.spec, "finalizers") !== undefined);
    if (dryRun) return { stored: old, gone: !pending };
    if (!pending) return { stored: this.#store.remove(resource.storage, old.object), gone: true };
    if (metadata.deletionTimestamp !== undefined) return { stored: old, gone: false };
    const marks: Metadata = { ...metadata, deletionTimestamp: timestamp(Date.now()), ...(finalizers.length === 0 ? {} : { finalizers }) };
    const terminating: KubeObject =
      resource.kind === "Namespace" ? { ...old.object, metadata: marks, status: { phase: "Terminating" } } : { ...old.object, metadata: { ...marks, deletionGracePeriodSeconds: 0 } };
    return { stored: this.#store.put(resource.storage, terminating), gone: false };
  }

  #find({ resource, namespace, name }: Place): Stored | undefined {
    return this.#store.get(resource.storage, objectKey(namespace, name));
  }

  /** The object in the namespace that the URL names. Throws 400 if it says another one itself. */
  #placed(object: KubeObject, { resource, namespace }: Place): KubeObject {
    const own = object.metadata.namespace;
    if (!resource.namespaced) return object;
    if (own !== undefined && own !== namespace) throw new Refusal("BadRequest", "the namespace of the provided object does not match the namespace sent on the request");
    return { ...object, metadata: { ...object.metadata, namespace: namespace ?? "" } };
  }

  #createObject(place: Place, given: KubeObject, dryRun: boolean): Written {
    const { resource, namespace } = place;
    if (resource.namespaced) this.#needNamespace(resource, namespace ?? "", given);
    const prefix = given.metadata.generateName ?? "";
    const name = given.metadata.name ?? (prefix === "" ? undefined : `${prefix.slice(0, 58)}${randomBytes(8).toString("hex").slice(0, 5)}`);
    const metadata: Metadata = {
      ...without(given.metadata, "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "generation"),
      ...(name === undefined ? {} : { name }),
      uid: randomUUID(),
      creationTimestamp: timestamp(Date.now()),
      managedFields: managedFields(resource, given),
    };
    // Through the subresource nothing is allocated, and what it creates has no status either.
    const prepared = place.status
      ? { ...given, metadata, ...readFields({}, { status: resource.rules.shape["status"] ?? anything }, "") }
      : (resource.rules.create?.({ ...given, metadata }, this.#allocations) ?? { ...given, metadata });
    this.#check(resource, prepared, [...wrongMetadata(prepared, resource.rules.name), ...resource.rules.validate(prepared, undefined)]);
    if (this.#store.get(resource.storage, objectKey(namespace, name ?? "")) !== undefined) {
      throw new Refusal("AlreadyExists", `${qualified(resource)} "${name ?? ""}" already exists`, details(resource, name ?? ""));
    }
    return { stored: this.#write(resource, prepared, undefined, dryRun), created: true };
  }

  #update(place: Place, old: Stored, given: KubeObject, dryRun: boolean): Written {
    const { resource, name } = place;
    const before = inOwnForm(resource, old.object);
    const version = given.metadata.resourceVersion;
    if (version === undefined && !resource.unconditionalUpdate) {
      throw invalid(resource.plural, resource.group, name, [wrong.invalid("metadata.resourceVersion", 0, "must be specified for an update")]);
    }
    if (version !== undefined && !/^\d+$/.test(version)) throw new Refusal("Unexplained", `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`);
    if (version !== undefined && version !== before.metadata.resourceVersion) throw conflict(resource, name, MODIFIED);
    const late = given.metadata.deletionTimestamp;
    if (late !== undefined && late !== before.metadata.deletionTimestamp) {
      throw invalid(resource.kind, resource.group, name, [wrong.invalid("metadata.deletionTimestamp", late, "field is immutable")]);
    }
    const next = this.#prepared(place, { ...given, metadata: keptMetadata(given.metadata, before.metadata) }, before);
    const errors = place.status ? (resource.rules.validateStatus?.(next) ?? []) : resource.rules.validate(next, before);
    this.#check(resource, next, [...wrongMetadataChange(next.metadata, before.metadata), ...wrongMetadata(next, resource.rules.name), ...errors]);
    if (sameJson(next, { ...before, metadata: without(before.metadata, "resourceVersion") })) return { stored: old, created: false };
    return { stored: this.#write(resource, next, old, dryRun), created: false };
  }

  #prepared({ resource, status }: Place, next: KubeObject, before: KubeObject): KubeObject {
    const other = resource.status ? (status ? { ...before, metadata: next.metadata, status: next.status ?? {} } : { ...next, status: before.status ?? {} }) : next;
    return status ? other : (resource.rules.update?.(other, before, this.#allocations) ?? other);
  }

  #check(resource: Resource, object: KubeObject, errors: readonly FieldError[]): void {
    // Events are checked in the form that both groups share, which has no group.
    if (errors.length > 0) throw invalid(resource.kind, resource.kind === "Event" ? "" : resource.group, object.metadata.name ?? "", errors);
  }

  #write(resource: Resource, object: KubeObject, old: Stored | undefined, dryRun: boolean): Stored {
    const toStore = resource.rules.toStored?.(object) ?? object;
    if (dryRun) return new Stored(toStore, old?.revision ?? 0);
    const finished = object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).length === 0 && resource.kind !== "Namespace";
    return finished ? this.#store.remove(resource.storage, toStore) : this.#store.put(resource.storage, toStore);
  }

  /** The admission plug-in NamespaceLifecycle. */
  #needNamespace(resource: Resource, name: string, object: KubeObject): void {
    const namespace = this.#store.get("namespaces", objectKey(undefined, name));
    if (namespace === undefined) throw new Refusal("NotFound", `namespaces "${name}" not found`, { name, kind: "namespaces" });
    if (namespace.object.metadata.deletionTimestamp !== undefined) {
      const what = object.metadata.name ?? "";
      throw new Refusal("Forbidden", `${qualified(resource)} "${what}" is forbidden: unable to create new content in namespace ${name} because it is being terminated`, details(resource, what));
    }
  }
}

/** Reads an object from a request. Throws 400 for what is not one of that kind. */
function decode(resource: Resource, body: Json): KubeObject {
  const apiVersion = apiVersionOf(resource);
  if (!isObject(body)) throw new Refusal("BadRequest", `couldn't get version/kind; json parse error: json: cannot unmarshal ${typeof body} into Go value`);
  const [kind, version] = [asText(body["kind"]) || resource.kind, asText(body["apiVersion"]) || apiVersion];
  if (version !== apiVersion) throw new Refusal("BadRequest", `the API version in the data (${version}) does not match the expected API version (${apiVersion})`);
  if (kind !== resource.kind) throw new Refusal("BadRequest", `${kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: converting (${apiVersion}.${kind}) to (${apiVersion}.${resource.kind}): unknown conversion`);
  try {
    const metadata = asObject(read(body["metadata"], METADATA, "metadata"));
    const object: KubeObject = { ...readFields(body, resource.rules.shape, ""), metadata };
    return resource.rules.defaults?.(object) ?? object;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal("BadRequest", `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${error.message}`);
  }
}

/** Reads what a patch made of an object. Throws 422 for what is not one of that kind any more. */
function patched(resource: Resource, body: Json): KubeObject {
  try {
    return decode(resource, body);
  } catch (error) {
    if (!(error instanceof Refusal) || error.reason !== "BadRequest") throw error;
    throw invalid("", "", "", [wrong.invalid("patch", JSON.stringify(body), error.message)]);
  }
}

/** The object in the form of the resource by which it is looked at. */
export function inOwnForm(resource: Resource, stored: KubeObject): KubeObject {
  return resource.rules.fromStored?.(stored) ?? stored;
}

/** As it is answered: with kind and apiVersion. */
export function view(resource: Resource, stored: KubeObject): KubeObject {
  return { kind: resource.kind, apiVersion: apiVersionOf(resource), ...inOwnForm(resource, stored) };
}

function keptMetadata(given: Metadata, old: Metadata): Metadata {
  return without({
    ...without(given, "resourceVersion"),
    uid: given.uid ?? old.uid,
    creationTimestamp: old.creationTimestamp,
    generation: old["generation"],
    managedFields: old["managedFields"],
    deletionTimestamp: old.deletionTimestamp,
    deletionGracePeriodSeconds: old.deletionGracePeriodSeconds,
  });
}

function wrongMetadataChange(next: Metadata, old: Metadata): FieldError[] {
  const immutable = next.uid === old.uid ? [] : [wrong.invalid("metadata.uid", next.uid, "field is immutable")];
  const added = (next.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer));
  const late = old.deletionTimestamp === undefined || added.length === 0 ? [] : [wrong.forbidden("metadata.finalizers", `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`)];
  return [...immutable, ...late];
}

function details(resource: Resource, name: string): JsonObject {
  return { name, ...(resource.group === "" ? {} : { group: resource.group }), kind: resource.plural };
}

function notFound(resource: Resource, name: string): Refusal {
  return new Refusal("NotFound", `${qualified(resource)} "${name}" not found`, details(resource, name));
}

function conflict(resource: Resource, name: string, why: string): Refusal {
  return new Refusal("Conflict", `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`, details(resource, name));
}

/** A DELETE whose preconditions do not hold. It names the kind where other conflicts name the resource. */
function unfulfilled(resource: Resource, name: string, why: string): Refusal {
  return new Refusal("Conflict", `Operation cannot be fulfilled on ${resource.kind} "${name}": Precondition failed: ${why}`, { ...details(resource, name), kind: resource.kind });
}
