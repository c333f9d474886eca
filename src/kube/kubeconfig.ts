/**
 * A kubeconfig file read for one context: which server, and how we prove who we are. Every way in which it can be wrong has a
 * sentence that says what to write instead, without a password that may stand in it.
 *
 * Opens none of the files that it names and runs nothing: checks of those are in check-kubeconfig.ts, their use in credentials.ts.
 */
import { dirname, isAbsolute, join } from "node:path";
import { load as loadYaml } from "js-yaml";
import { didYouMean, nearestOf, quote } from "../config/index.ts";
import { execOf } from "./kubeconfig-exec.ts";
import type { PlugInSpec } from "./plugin.ts";
import { type Json, listOf, recordOf, stringsOf, textOf } from "./raw.ts";

/** By what we prove who we are; of several that a user has, the one that counts. */
export type CredentialKind = "certificate" | "token" | "token-file" | "exec" | "auth-provider" | "password" | "none";

/** PEM, in the kubeconfig itself or in a file. */
export type PemSource = { readonly data: Buffer } | { readonly file: string };

/** A file that the kubeconfig points to. */
export type PointedTo = {
  /** `user "bmlb": client-key`. */
  readonly key: string;
  readonly path: string;
  readonly holds: "certificate" | "key" | "token";
};

/** What one context of a kubeconfig says. */
export type Kubeconfig = {
  /** https://HOST[:PORT][/PATH]. */
  readonly server: URL;
  readonly kind: CredentialKind;
  /** For sentences: "the client certificate in /etc/bmlb/kubeconfig". */
  readonly credential: string;
  readonly ca: PemSource | undefined;
  readonly cert: PemSource | undefined;
  readonly key: PemSource | undefined;
  readonly serverName: string | undefined;
  /** Whether any certificate of the server's is accepted. */
  readonly verify: "yes" | "no";
  readonly token: string | undefined;
  /** To be read anew for every request. */
  readonly tokenFile: string | undefined;
  readonly basic: { readonly username: string; readonly password: string } | undefined;
  readonly exec: PlugInSpec | undefined;
  /** A kubeconfig with this auth-provider alone, as JSON, for the client library; undefined for every other kind. */
  readonly forLibrary: string | undefined;
  readonly proxy: URL | undefined;
  /** Impersonation. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly files: readonly PointedTo[];
};

/** A kubeconfig that cannot be used; the message is the sentence for the operator. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
  readonly about: "context" | "file";

  constructor(message: string, about: "context" | "file" = "file") {
    super(message);
    this.about = about;
  }
}

type Fail = (sentence: string) => never;

/** What a token may consist of, as a header carries it. */
export const TOKEN = /^[\x21-\x7e]+$/;

/** Values in a file, aliases followed: a small one can stand for more than any memory holds, or for itself. */
const MOST_VALUES = 200_000;

/** Reads one context. Throws KubeconfigError with a sentence that says what is wrong where. */
export function parseKubeconfig(text: string, path: string, context: string | undefined): Kubeconfig {
  const fail: Fail = (sentence) => {
    throw new KubeconfigError(`${path}: ${sentence}`);
  };
  const file = recordOf(yamlOf(text, path)) ?? fail("is not a kubeconfig: expected clusters, users and contexts");
  const chosen = contextOf(file, path, context, fail);
  const cluster = entryOf(file, "clusters", "cluster", chosen.cluster) ?? fail(`context ${quote(chosen.name)} names the cluster ${quote(chosen.cluster)}, which is not there${nearIn(file, "clusters", chosen.cluster)}`);
  const user = chosen.user === undefined ? {} : (entryOf(file, "users", "user", chosen.user) ?? fail(`context ${quote(chosen.name)} names the user ${quote(chosen.user)}, which is not there${nearIn(file, "users", chosen.user)}`));

  const folder = dirname(path);
  const at = (key: string): string => `cluster ${quote(chosen.cluster)}: ${key}`;
  const userAt = (key: string): string => `user ${quote(chosen.user ?? "")}: ${key}`;
  const failCluster: Fail = (sentence) => fail(at(sentence));
  const failUser: Fail = (sentence) => fail(userAt(sentence));
  const files: PointedTo[] = [];
  const pathOf = (from: Json, key: string, holds: PointedTo["holds"], describe: (key: string) => string): string | undefined => {
    const written = fieldOf(from, key, (sentence) => fail(describe(sentence)));
    if (written === undefined) return undefined;
    const absolute = isAbsolute(written) ? written : join(folder, written);
    files.push({ key: describe(key), path: absolute, holds });
    return absolute;
  };
  // As kubectl: what is in the kubeconfig itself comes before a file.
  const pemOf = (from: Json, key: string, holds: "certificate" | "key", describe: (key: string) => string): PemSource | undefined => {
    const data = fieldOf(from, `${key}-data`, (sentence) => fail(describe(sentence)));
    if (data !== undefined && !/^[A-Za-z0-9+/\s]+=*\s*$/.test(data)) fail(describe(`${key}-data is not base64`));
    if (data !== undefined) return { data: Buffer.from(data, "base64") };
    const name = pathOf(from, key, holds, describe);
    return name === undefined ? undefined : { file: name };
  };

  const server = serverOf(cluster, failCluster);
  const verify = flagOf(cluster, "insecure-skip-tls-verify", failCluster) ? "no" : "yes";
  const ca = pemOf(cluster, "certificate-authority", "certificate", at);
  if (verify === "no" && ca !== undefined) failCluster("insecure-skip-tls-verify contradicts certificate-authority, which would not be used; keep one of them");
  const [cert, key] = [pemOf(user, "client-certificate", "certificate", userAt), pemOf(user, "client-key", "key", userAt)];
  if (cert !== undefined && key === undefined) failUser("has a client certificate but no key: write client-key or client-key-data");
  if (cert === undefined && key !== undefined) failUser("has a client key but no certificate: write client-certificate or client-certificate-data");
  // kubectl and client-go prefer the file to the inline token.
  const tokenFile = pathOf(user, "tokenFile", "token", userAt) ?? pathOf(user, "token-file", "token", userAt);
  const token = tokenFile === undefined ? fieldOf(user, "token", failUser)?.trim() : undefined;
  if (token !== undefined && !TOKEN.test(token)) failUser("token is empty or has characters that no token has");
  const exec = user["exec"] === undefined || user["exec"] === null ? undefined : execOf(user["exec"], cluster, server, folder, failUser);
  const provider = providerOf(user, failUser);
  const [username, password] = [fieldOf(user, "username", failUser), fieldOf(user, "password", failUser)];
  if (username === undefined && password !== undefined) failUser("has a password but no username");

  const kind: CredentialKind =
    tokenFile !== undefined ? "token-file" : token !== undefined ? "token" : exec !== undefined ? "exec" : provider !== undefined ? "auth-provider" : cert !== undefined ? "certificate" : username !== undefined ? "password" : "none";
  return {
    server,
    kind,
    credential: credentialSentence(kind, path, tokenFile ?? (cert !== undefined && "file" in cert ? cert.file : undefined), exec?.command),
    ca,
    cert,
    key,
    serverName: fieldOf(cluster, "tls-server-name", failCluster),
    verify,
    token,
    tokenFile,
    basic: username === undefined ? undefined : { username, password: password ?? "" },
    exec: kind === "exec" ? exec : undefined,
    forLibrary: kind === "auth-provider" ? JSON.stringify(onlyProvider(server, provider)) : undefined,
    proxy: proxyOf(cluster, failCluster),
    headers: impersonationOf(user, failUser),
    files,
  };
}

function yamlOf(text: string, path: string): unknown {
  if (text.trim() === "") throw new KubeconfigError(`${path}: is not a kubeconfig: it is empty`);
  let value: unknown;
  try {
    value = loadYaml(text);
  } catch (error) {
    const said = (error as Error).message.split("\n", 1)[0] ?? "";
    throw new KubeconfigError(`${path}: ${said.includes("the input is empty") ? "is not a kubeconfig: it is empty" : `is not YAML: ${said}`}`);
  }
  let values = 0;
  for (const open = [value]; open.length > 0; ) {
    const next = open.pop();
    if (++values > MOST_VALUES) throw new KubeconfigError(`${path}: is not a kubeconfig: its aliases make more than ${MOST_VALUES} values of it`);
    if (typeof next === "object" && next !== null) open.push(...(Object.values(next) as unknown[]));
  }
  return value;
}

function contextOf(file: Json, path: string, context: string | undefined, fail: Fail): { readonly name: string; readonly cluster: string; readonly user: string | undefined } {
  const name = context ?? textOf(file["current-context"]) ?? fail(`has no current-context; write context = "…" under [kubernetes], one of: ${namesIn(file, "contexts").join(", ") || "none"}`);
  const chosen = entryOf(file, "contexts", "context", name);
  if (chosen === undefined) throw new KubeconfigError(`${path}: has no context ${quote(name)}${nearIn(file, "contexts", name)}`, "context");
  return { name, cluster: textOf(chosen["cluster"]) ?? fail(`context ${quote(name)} names no cluster`), user: textOf(chosen["user"]) };
}

function namesIn(file: Json, list: string): readonly string[] {
  return listOf(file[list]).map((entry) => textOf(recordOf(entry)?.["name"])).filter((name) => name !== undefined);
}

/** What there is instead. */
function nearIn(file: Json, list: string, name: string): string {
  const names = namesIn(file, list);
  const hint = didYouMean(nearestOf(names)(name));
  return `; it has: ${names.length === 0 ? "none" : names.slice(0, 20).join(", ")}${hint}`;
}

function entryOf(file: Json, list: string, key: string, name: string): Json | undefined {
  const entry = listOf(file[list]).map(recordOf).find((candidate) => candidate?.["name"] === name);
  return entry === undefined ? undefined : (recordOf(entry[key]) ?? {});
}

/** A string, absent, or a complaint. */
function fieldOf(from: Json, key: string, fail: Fail): string | undefined {
  const value = from[key];
  if (value === undefined || value === null || value === "") return undefined;
  return typeof value === "string" ? value : fail(`${key} is not a string`);
}

function flagOf(from: Json, key: string, fail: Fail): boolean {
  const value = from[key] ?? false;
  return typeof value === "boolean" ? value : fail(`${key} must be true or false, without quotes`);
}

function serverOf(cluster: Json, fail: Fail): URL {
  const written = fieldOf(cluster, "server", fail) ?? fail("has no server; write https://ADDRESS:6443");
  const shown = quote(withoutPassword(written));
  const url = URL.parse(written) ?? fail(`server is ${shown}, which is not a URL; write https://ADDRESS:6443`);
  if (url.protocol === "http:") fail(`server is ${shown}: without TLS anybody on the way could rule this load balancer; write https://`);
  if (url.protocol !== "https:" || url.hostname === "") fail(`server is ${shown}; write https://ADDRESS:6443`);
  if (url.username !== "" || url.password !== "") fail(`server is ${shown}, with a user name; write username and password to the user instead`);
  if (url.search !== "" || url.hash !== "") fail(`server is ${shown}; nothing may follow the path: write https://ADDRESS:6443`);
  return url;
}

function proxyOf(cluster: Json, fail: Fail): URL | undefined {
  const written = fieldOf(cluster, "proxy-url", fail);
  if (written === undefined) return undefined;
  const url = URL.parse(written);
  if (url === null || url.hostname === "" || !/^(https?|socks5h?):$/.test(url.protocol)) return fail(`proxy-url is ${quote(withoutPassword(written))}; write http://, https:// or socks5://HOST:PORT`);
  if (!isEncoded(url.username) || !isEncoded(url.password)) return fail(`proxy-url is ${quote(withoutPassword(written))}: in its user name or password a % stands for no character; write %25 for the % itself`);
  return url;
}

/** Whether every % in a part of a URL stands for a character with two digits after it. */
function isEncoded(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

/** Of a URL as it was written, right or wrong. */
function withoutPassword(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^]*@/i, "$1…@").replace(/[?#][^]*$/, "?…");
}

/** The one auth-provider that Kubernetes still has. */
function providerOf(user: Json, fail: Fail): Json | undefined {
  const provider = user["auth-provider"] ?? undefined;
  if (provider === undefined) return undefined;
  const name = textOf(recordOf(provider)?.["name"]) ?? fail("auth-provider names no provider");
  if (name !== "oidc") fail(`auth-provider ${quote(name)} is ${name === "gcp" || name === "azure" ? "gone since Kubernetes 1.26" : "unknown"}; write exec with a credential plug-in, or the auth-provider "oidc"`);
  return { name, config: stringsOf(recordOf(provider)?.["config"]) };
}

function onlyProvider(server: URL, provider: Json | undefined): Json {
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "only",
    contexts: [{ name: "only", context: { cluster: "only", user: "only" } }],
    clusters: [{ name: "only", cluster: { server: server.href } }],
    users: [{ name: "only", user: { "auth-provider": provider } }],
  };
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation */
function impersonationOf(user: Json, fail: Fail): Kubeconfig["headers"] {
  const name = fieldOf(user, "as", fail);
  const uid = fieldOf(user, "as-uid", fail);
  const groups = textsOf(user["as-groups"] ?? [], "as-groups", fail);
  const extra = Object.entries(recordOf(user["as-user-extra"] ?? {}) ?? fail("as-user-extra is not a table of lists")).map(([key, value]) => [key, textsOf(value, "as-user-extra", fail)] as const);
  if (name === undefined && (uid !== undefined || groups.length > 0 || extra.length > 0)) fail("has as-uid, as-groups or as-user-extra, but not as, the user whom they belong to");
  for (const value of [name ?? "", uid ?? "", ...groups, ...extra.flatMap(([, values]) => values)]) if (!/^[\x20-\x7e]*$/.test(value)) fail("as: a name to be impersonated has characters that no header can carry");
  return {
    ...(name === undefined ? {} : { "Impersonate-User": name }),
    ...(uid === undefined ? {} : { "Impersonate-Uid": uid }),
    ...(groups.length === 0 ? {} : { "Impersonate-Group": groups }),
    ...Object.fromEntries(extra.map(([key, values]) => [`Impersonate-Extra-${encodeURIComponent(key).replace(/[()]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`, values])),
  };
}

function textsOf(value: unknown, key: string, fail: Fail): readonly string[] {
  const texts = Array.isArray(value) ? (value as unknown[]).filter((item) => typeof item === "string") : [];
  return Array.isArray(value) && texts.length === value.length ? texts : fail(`${key} is not a list of strings`);
}

function credentialSentence(kind: CredentialKind, path: string, file: string | undefined, command: string | undefined): string {
  switch (kind) {
    case "certificate":
      return `the client certificate in ${file ?? path}`;
    case "token":
      return `the token in ${path}`;
    case "token-file":
      return `the token in ${file ?? path}`;
    case "exec":
      return `what ${command ?? "the exec plug-in"} gives`;
    case "auth-provider":
      return `the auth-provider in ${path}`;
    case "password":
      return `the user name and password in ${path}`;
    case "none":
      return `${path}: its user has neither certificate nor token`;
  }
}
