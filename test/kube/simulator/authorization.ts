/**
 * Who is asking, and may they? RBAC over the rules of the tests' users (access.ts).
 */
import { BMLB_NAMESPACE, CLUSTER_RULES, MASTERS, NAMESPACE_RULES, type PolicyRule } from "../access.ts";
import { Refusal } from "./refusal.ts";

/** An authenticated user. */
export type Identity = { readonly user: string; readonly groups: readonly string[] };

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** What a request wants to do. */
export type Attempt = {
  readonly verb: Verb;
  readonly group: string;
  /** With its subresource: "services/status". */
  readonly resource: string;
  readonly namespace: string | undefined;
  /** "" for a collection. */
  readonly name: string;
};

/**
 * Throws 403 unless the user may.
 * @param roles a server that has just started has not read them yet, and refuses whoever is not admin
 */
export function authorize({ user, groups }: Identity, attempt: Attempt, roles: "known" | "not-read-yet"): void {
  if (groups.includes(MASTERS)) return;
  const rules = user === "bmlb" && roles === "known" ? [...CLUSTER_RULES, ...(attempt.namespace === BMLB_NAMESPACE ? NAMESPACE_RULES : [])] : [];
  if (rules.some((rule) => grants(rule, attempt))) return;
  const where = attempt.namespace === undefined ? "at the cluster scope" : `in the namespace "${attempt.namespace}"`;
  const plural = attempt.resource.split("/")[0] ?? "";
  const qualified = attempt.group === "" ? plural : `${plural}.${attempt.group}`;
  const named = attempt.name === "" ? qualified : `${qualified} "${attempt.name}"`;
  throw new Refusal("Forbidden", `${named} is forbidden: User "${user}" cannot ${attempt.verb} resource "${attempt.resource}" in API group "${attempt.group}" ${where}`, {
    ...(attempt.name === "" ? {} : { name: attempt.name }),
    ...(attempt.group === "" ? {} : { group: attempt.group }),
    kind: plural,
  });
}

/** Throws 403 for a path that is no resource, unless the user may do everything. What everybody may read is not asked for here. */
export function authorizePath({ user, groups }: Identity, method: string, path: string): void {
  if (!groups.includes(MASTERS)) throw new Refusal("Forbidden", `forbidden: User "${user}" cannot ${method.toLowerCase()} path "${path}"`, {});
}

function grants(rule: PolicyRule, attempt: Attempt): boolean {
  const named = rule.resourceNames === undefined || rule.resourceNames.includes(attempt.name);
  return named && rule.verbs.includes(attempt.verb) && rule.apiGroups.includes(attempt.group) && rule.resources.includes(attempt.resource);
}
