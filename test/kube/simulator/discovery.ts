/**
 * What the server says about itself, as far as kubectl and client-go ask: versions, groups and the resources of each.
 */
import type { JsonObject } from "./json.ts";
import { apiVersionOf, RESOURCES } from "./resources.ts";

const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const VERSION = { major: "1", minor: "36", gitVersion: "v1.36.0-simulator", platform: "linux/amd64" };

/** Undefined for a path that says nothing. */
export function discovery(path: string): JsonObject | undefined {
  const groups = Array.from(new Set(RESOURCES.map(({ group }) => group).filter((group) => group !== "")));
  if (path === "/version" || path === "/version/") return VERSION;
  if (path === "/api" || path === "/api/") return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
  if (path === "/apis" || path === "/apis/") return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(apiGroup) };
  const group = groups.find((name) => path === `/apis/${name}`);
  if (group !== undefined) return { kind: "APIGroup", apiVersion: "v1", ...apiGroup(group) };
  const version = [...groups.map((name) => `${name}/v1`), "v1"].find((name) => path === `/apis/${name}` || path === `/api/${name}`);
  return version === undefined ? undefined : resourceList(version);
}

function apiGroup(name: string): JsonObject {
  const version = { groupVersion: `${name}/v1`, version: "v1" };
  return { name, versions: [version], preferredVersion: version };
}

function resourceList(groupVersion: string): JsonObject {
  const resources = RESOURCES.filter((resource) => apiVersionOf(resource) === groupVersion).flatMap(({ plural, singular, namespaced, kind, shortNames, status }) => [
    { name: plural, singularName: singular, namespaced, kind, verbs: VERBS, ...(shortNames.length === 0 ? {} : { shortNames }) },
    ...(status ? [{ name: `${plural}/status`, singularName: "", namespaced, kind, verbs: ["get", "patch", "update"] }] : []),
  ]);
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources };
}
