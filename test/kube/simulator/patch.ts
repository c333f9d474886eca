/**
 * The patches that the API server takes: JSON Merge Patch (RFC 7396), JSON Patch (RFC 6902), and Kubernetes' strategic merge patch
 * for the lists that kubectl patches by key.
 */
import { asList, asObject, asText, isList, isObject, type Json, type JsonObject, sameJson, without } from "./json.ts";
import { Refusal } from "./refusal.ts";

/** RFC 7396 section 2. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: Record<string, Json | undefined> = { ...asObject(target) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged[key] = undefined;
    else if (value !== undefined) merged[key] = mergePatch(merged[key], value);
  }
  return without(merged);
}

/** The lists that are merged by a key instead of replaced, by field name (the `patchMergeKey` of the API's types). */
const MERGE_KEYS: Readonly<Record<string, string>> = { ports: "port", conditions: "type", taints: "key", addresses: "type", ownerReferences: "uid" };
const MERGED_SETS = new Set(["finalizers"]);

/** Strategic merge patch, with `$patch: replace` and `$patch: delete`. Directives about order have no effect. */
export function strategicMergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  if (patch["$patch"] === "replace") return without(patch, "$patch");
  const merged: Record<string, Json | undefined> = { ...asObject(target) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined || key.startsWith("$setElementOrder/") || key === "$retainKeys") continue;
    const deletion = /^\$deleteFromPrimitiveList\/(.*)$/.exec(key)?.[1];
    if (deletion !== undefined) merged[deletion] = asList(merged[deletion]).filter((item) => !asList(value).includes(item));
    else if (value === null) merged[key] = undefined;
    else if (isList(value)) merged[key] = mergedList(key, asList(merged[key]), value);
    else merged[key] = strategicMergePatch(merged[key], value);
  }
  return without(merged);
}

function mergedList(name: string, target: readonly Json[], patch: readonly Json[]): readonly Json[] {
  if (MERGED_SETS.has(name)) return Array.from(new Set([...target, ...patch]));
  const key = MERGE_KEYS[name];
  if (key === undefined || !patch.every((item) => isObject(item) && (item[key] !== undefined || item["$patch"] === "replace"))) return patch;
  if (patch.some((item) => asObject(item)["$patch"] === "replace")) return patch.filter((item) => asObject(item)["$patch"] !== "replace");
  let items = [...target];
  for (const item of patch.map(asObject)) {
    const isSame = (other: Json): boolean => sameJson(asObject(other)[key], item[key]);
    if (item["$patch"] === "delete") items = items.filter((other) => !isSame(other));
    else if (items.some(isSame)) items = items.map((other) => (isSame(other) ? strategicMergePatch(other, item) : other));
    else items.push(item);
  }
  return items;
}

type Operation = { readonly op: string; readonly path: string; readonly from: string; readonly value: Json | undefined };

/** RFC 6902. Throws 400 for what is not a patch, and 422 for an operation that cannot be carried out or a test that fails. */
export function jsonPatch(target: Json, patch: Json): Json {
  if (!isList(patch)) throw new Refusal("BadRequest", "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  return patch.reduce<Json>((document, entry) => apply(document, operation(entry)), target);
}

function operation(entry: Json): Operation {
  const fields = asObject(entry);
  return { op: asText(fields["op"]), path: asText(fields["path"]), from: asText(fields["from"]), value: fields["value"] };
}

function apply(document: Json, { op, path, from, value }: Operation): Json {
  const target = pointer(path);
  switch (op) {
    case "add":
      return edit(document, target, "add", value ?? null);
    case "replace":
      return edit(document, target, "replace", value ?? null);
    case "remove":
      return edit(document, target, "remove", null);
    case "move":
      return edit(edit(document, pointer(from), "remove", null), target, "add", resolve(document, pointer(from)));
    case "copy":
      return edit(document, target, "add", resolve(document, pointer(from)));
    case "test":
      if (!sameJson(find(document, target) ?? null, value ?? null)) throw unprocessable(`testing value ${path} failed`);
      return document;
    default:
      throw unprocessable(`unexpected kind: ${op}`);
  }
}

/** RFC 6901: the tokens of a JSON pointer. */
function pointer(path: string): readonly string[] {
  if (path === "") return [];
  if (!path.startsWith("/")) throw unprocessable(`invalid pointer: ${path}`);
  return path.slice(1).split("/").map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function find(document: Json, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((here, token) => (isList(here) ? here[index(token, here.length - 1)] : asObject(here)[token]), document);
}

function resolve(document: Json, path: readonly string[]): Json {
  const found = find(document, path);
  if (found === undefined) throw unprocessable(`path /${path.join("/")} does not exist`);
  return found;
}

function edit(document: Json, path: readonly string[], how: "add" | "replace" | "remove", value: Json): Json {
  const [token, ...rest] = path;
  if (token === undefined) return value;
  if (isList(document)) return editList(document, token, rest, how, value);
  if (!isObject(document)) throw unprocessable(`path /${path.join("/")} does not exist`);
  const present = Object.hasOwn(document, token) && document[token] !== undefined;
  if (rest.length > 0 ? !present : how !== "add" && !present) throw unprocessable(`path /${path.join("/")} does not exist`);
  if (rest.length > 0) return { ...document, [token]: edit(document[token] ?? null, rest, how, value) };
  return how === "remove" ? without(document, token) : { ...document, [token]: value };
}

function editList(document: readonly Json[], token: string, rest: readonly string[], how: "add" | "replace" | "remove", value: Json): Json {
  const at = token === "-" && how === "add" && rest.length === 0 ? document.length : index(token, how === "add" && rest.length === 0 ? document.length : document.length - 1);
  if (rest.length > 0) return document.with(at, edit(document[at] ?? null, rest, how, value));
  switch (how) {
    case "add":
      return document.toSpliced(at, 0, value);
    case "replace":
      return document.with(at, value);
    case "remove":
      return document.toSpliced(at, 1);
  }
}

function index(token: string, last: number): number {
  if (!/^(0|[1-9]\d*)$/.test(token) || Number(token) > last) throw unprocessable(`invalid index referenced: ${token}`);
  return Number(token);
}

function unprocessable(message: string): Refusal {
  return new Refusal("Invalid", `the server rejected our request due to an error in our request: ${message}`);
}

/** The form in which a patch is applied, by media type; undefined for one that the server does not take. */
export const PATCHES: Readonly<Record<string, ((target: JsonObject, patch: Json) => Json) | undefined>> = {
  "application/merge-patch+json": mergePatch,
  "application/strategic-merge-patch+json": strategicMergePatch,
  "application/json-patch+json": jsonPatch,
};
