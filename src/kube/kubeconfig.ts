/**
 * A kubeconfig file read for one context: which server, and how we prove who we are. Every way in which it can be wrong has a
 * sentence that says what to write instead.
 *
 * What it hands on is a file of one cluster, one user and one context with absolute paths, in the form that the client library reads;
 * keys that the library ignores or mishandles (`tokenFile`, relative commands, `as-groups`) are taken out and kept beside it.
 * Reads the files that the text names only in `checkKubeconfig`. Never runs anything.
 */
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { createSecureContext } from "node:tls";
import { load as loadYaml } from "js-yaml";
import { type Json, listOf, recordOf, stringsOf, textOf } from "./raw.ts";

export type CredentialKind = "certificate" | "token" | "token-file" | "exec" | "auth-provider" | "password" | "none";

/** What one context of a kubeconfig says. */
export type Kubeconfig = {
  /** https://HOST[:PORT][/PATH], without a slash at the end. */
  readonly server: URL;
  readonly kind: CredentialKind;
  /** For sentences: "the client certificate in /etc/bmlb/kubeconfig". */
  readonly credential: string;
  /** A kubeconfig with this context alone, as JSON, which is YAML. */
  readonly text: string;
  /** To be read anew for every request. */
  readonly tokenFile: string | undefined;
  /** True: requests go through the library's own agent. */
  readonly proxied: boolean;
  /** Impersonation headers that the library does not know. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The files it points to, by the key that names them. */
  readonly files: Readonly<Record<string, string>>;
};

/** A kubeconfig that cannot be used; the message is the sentence for the operator. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

/** No plug-in may hang for longer, in seconds: it is killed then, and asked again after a back-off. */
const EXEC_DEADLINE_S = 20;

/**
 * The sentence about what is wrong with a kubeconfig and the files it points to; undefined if nothing is.
 * @param path where the text was read from; relative paths in it are relative to its folder
 * @param context undefined: its current-context
 */
export function checkKubeconfig(text: string, path: string, context: string | undefined): string | undefined {
  try {
    const parsed = parseKubeconfig(text, path, context);
    for (const [key, file] of Object.entries(parsed.files)) {
      try {
        readFileSync(file);
      } catch (error) {
        throw new KubeconfigError(`${path}: ${key}: cannot read ${file}: ${(error as Error).message}`);
      }
    }
    checkCertificates(parsed, path);
    return undefined;
  } catch (error) {
    return error instanceof KubeconfigError ? error.message : `${path}: ${(error as Error).message}`;
  }
}

/** Reads one context. Throws KubeconfigError with a sentence that says what is wrong where. */
export function parseKubeconfig(text: string, path: string, context: string | undefined): Kubeconfig {
  const fail = (sentence: string): never => {
    throw new KubeconfigError(`${path}: ${sentence}`);
  };
  const file = recordOf(yamlOf(text, path)) ?? fail("is not a kubeconfig: expected clusters, users and contexts");
  const name = context ?? textOf(file["current-context"]) ?? fail(`has no current-context; write context = "…" under [kubernetes], one of: ${namesIn(file, "contexts")}`);
  const chosen = entryOf(file, "contexts", "context", name) ?? fail(`has no context "${name}"; it has: ${namesIn(file, "contexts")}`);
  const clusterName = textOf(chosen["cluster"]) ?? fail(`context "${name}" names no cluster`);
  const cluster = entryOf(file, "clusters", "cluster", clusterName) ?? fail(`context "${name}" names the cluster "${clusterName}", which is not there; it has: ${namesIn(file, "clusters")}`);
  const userName = textOf(chosen["user"]);
  const user = userName === undefined ? {} : (entryOf(file, "users", "user", userName) ?? fail(`context "${name}" names the user "${userName}", which is not there; it has: ${namesIn(file, "users")}`));

  const folder = dirname(path);
  const at = (key: string): string => `cluster "${clusterName}": ${key}`;
  const userAt = (key: string): string => `user "${userName ?? ""}": ${key}`;
  const server = serverOf(cluster, (sentence) => fail(at(sentence)));
  const files: Record<string, string> = {};
  const pathOf = (from: Json, key: string, describe: (key: string) => string): string | undefined => {
    const written = fieldOf(from, key, (sentence) => fail(describe(sentence)));
    if (written === undefined) return undefined;
    const absolute = isAbsolute(written) ? written : join(folder, written);
    files[describe(key)] = absolute;
    return absolute;
  };
  const dataOf = (from: Json, key: string, describe: (key: string) => string): string | undefined => {
    const data = fieldOf(from, key, (sentence) => fail(describe(sentence)));
    if (data !== undefined && !/^[A-Za-z0-9+/\s]+=*\s*$/.test(data)) fail(describe(`${key} is not base64`));
    return data;
  };

  const proxy = fieldOf(cluster, "proxy-url", (sentence) => fail(at(sentence)));
  if (proxy !== undefined && !/^(https?|socks5h?):$/.test(URL.parse(proxy)?.protocol ?? "")) fail(at(`proxy-url is "${proxy}"; write http://, https:// or socks5://HOST:PORT`));
  const ca = { data: dataOf(cluster, "certificate-authority-data", at), file: pathOf(cluster, "certificate-authority", at) };
  const cert = { data: dataOf(user, "client-certificate-data", userAt), file: pathOf(user, "client-certificate", userAt) };
  const key = { data: dataOf(user, "client-key-data", userAt), file: pathOf(user, "client-key", userAt) };
  const hasCert = cert.data !== undefined || cert.file !== undefined;
  if (hasCert !== (key.data !== undefined || key.file !== undefined)) fail(userAt(`has a client ${hasCert ? "certificate but no key: write client-key or client-key-data" : "key but no certificate: write client-certificate or client-certificate-data"}`));
  // kubectl and client-go prefer the file to the inline token; the library knows an old spelling of the key only.
  const tokenFile = pathOf(user, "tokenFile", userAt) ?? pathOf(user, "token-file", userAt);
  const token = tokenFile === undefined ? fieldOf(user, "token", (sentence) => fail(userAt(sentence)))?.trim() : undefined;
  const exec = user["exec"] === undefined || user["exec"] === null ? undefined : execOf(user["exec"], cluster, server, folder, (sentence) => fail(userAt(sentence)));
  const provider = user["auth-provider"] ?? undefined;
  if (provider !== undefined && textOf(recordOf(provider)?.["name"]) === undefined) fail(userAt("auth-provider names no provider"));
  const username = fieldOf(user, "username", (sentence) => fail(userAt(sentence)));

  const kind: CredentialKind =
    tokenFile !== undefined ? "token-file" : token !== undefined ? "token" : exec !== undefined ? "exec" : provider !== undefined ? "auth-provider" : hasCert ? "certificate" : username !== undefined ? "password" : "none";
  const only = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "only",
    contexts: [{ name: "only", context: { cluster: "only", user: "only" } }],
    clusters: [
      {
        name: "only",
        cluster: {
          server: server.href,
          "certificate-authority-data": ca.data,
          "certificate-authority": ca.data === undefined ? ca.file : undefined,
          "insecure-skip-tls-verify": cluster["insecure-skip-tls-verify"] === true,
          "tls-server-name": fieldOf(cluster, "tls-server-name", (sentence) => fail(at(sentence))),
          "proxy-url": proxy,
        },
      },
    ],
    users: [
      {
        name: "only",
        user: {
          "client-certificate-data": cert.data,
          "client-certificate": cert.data === undefined ? cert.file : undefined,
          "client-key-data": key.data,
          "client-key": key.data === undefined ? key.file : undefined,
          token,
          exec: tokenFile === undefined && token === undefined ? exec?.spec : undefined,
          "auth-provider": tokenFile === undefined && token === undefined && exec === undefined ? provider : undefined,
          username,
          password: fieldOf(user, "password", (sentence) => fail(userAt(sentence))),
          as: fieldOf(user, "as", (sentence) => fail(userAt(sentence))),
        },
      },
    ],
  };
  const groups = listOf(user["as-groups"]).filter((group) => typeof group === "string");
  const uid = textOf(user["as-uid"]);
  return {
    server,
    kind,
    credential: credentialSentence(kind, path, tokenFile ?? cert.file, exec?.command),
    text: JSON.stringify(only),
    tokenFile,
    proxied: proxy !== undefined,
    headers: { ...(groups.length === 0 ? {} : { "Impersonate-Group": groups }), ...(uid === undefined ? {} : { "Impersonate-Uid": uid }) },
    files,
  };
}

function yamlOf(text: string, path: string): unknown {
  if (text.trim() === "") throw new KubeconfigError(`${path}: is not a kubeconfig: it is empty`);
  try {
    return loadYaml(text);
  } catch (error) {
    throw new KubeconfigError(`${path}: is not YAML: ${(error as Error).message.split("\n", 1)[0] ?? ""}`);
  }
}

function namesIn(file: Json, list: string): string {
  const names = listOf(file[list]).map((entry) => textOf(recordOf(entry)?.["name"])).filter((name) => name !== undefined);
  return names.length === 0 ? "none" : names.join(", ");
}

function entryOf(file: Json, list: string, key: string, name: string): Json | undefined {
  const entry = listOf(file[list]).map(recordOf).find((candidate) => candidate?.["name"] === name);
  return entry === undefined ? undefined : (recordOf(entry[key]) ?? {});
}

/** A string, absent, or a complaint. */
function fieldOf(from: Json, key: string, fail: (sentence: string) => never): string | undefined {
  const value = from[key];
  if (value === undefined || value === null || value === "") return undefined;
  return typeof value === "string" ? value : fail(`${key} is not a string`);
}

function serverOf(cluster: Json, fail: (sentence: string) => never): URL {
  const written = fieldOf(cluster, "server", fail) ?? fail("has no server; write https://ADDRESS:6443");
  const url = URL.parse(written) ?? fail(`server is "${written}", which is not a URL; write https://ADDRESS:6443`);
  if (url.protocol === "http:") fail(`server is "${written}": without TLS anybody on the way could rule this load balancer; write https://`);
  if (url.protocol !== "https:" || url.hostname === "") fail(`server is "${written}"; write https://ADDRESS:6443`);
  return url;
}

/**
 * The exec entry as the library runs it: under timeout(1), since the library would wait for ever; its command relative to the file, as
 * kubectl has it; with KUBERNETES_EXEC_INFO, which the library leaves out and v1 plug-ins insist on.
 */
function execOf(value: unknown, cluster: Json, server: URL, folder: string, fail: (sentence: string) => never): { readonly command: string; readonly spec: Json } {
  const exec = recordOf(value) ?? fail("exec is not a table");
  const written = fieldOf(exec, "command", fail) ?? fail("exec names no command");
  const command = written.includes("/") && !isAbsolute(written) ? join(folder, written) : written;
  const apiVersion = textOf(exec["apiVersion"]) ?? "client.authentication.k8s.io/v1";
  const args = listOf(exec["args"]).map((arg) => (typeof arg === "string" ? arg : fail("exec.args has something that is not a string")));
  const env = listOf(exec["env"]).map((entry) => {
    const variable = recordOf(entry);
    return { name: textOf(variable?.["name"]) ?? fail("exec.env has an entry without a name"), value: textOf(variable?.["value"]) ?? "" };
  });
  const info = {
    apiVersion,
    kind: "ExecCredential",
    spec: {
      interactive: false,
      ...(exec["provideClusterInfo"] === true
        ? {
            cluster: {
              server: server.href,
              "tls-server-name": textOf(cluster["tls-server-name"]),
              "insecure-skip-tls-verify": cluster["insecure-skip-tls-verify"] === true,
              "certificate-authority-data": textOf(cluster["certificate-authority-data"]),
              "proxy-url": textOf(cluster["proxy-url"]),
              config: execConfigOf(cluster),
            },
          }
        : {}),
    },
  };
  return {
    command,
    spec: {
      apiVersion,
      command: "timeout",
      args: ["--kill-after=2", String(EXEC_DEADLINE_S), command, ...args],
      env: [...env, { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(info) }],
    },
  };
}

/** client-go hands the extension of that name to the plug-in. */
function execConfigOf(cluster: Json): unknown {
  return recordOf(listOf(cluster["extensions"]).find((entry) => recordOf(entry)?.["name"] === "client.authentication.k8s.io/exec"))?.["extension"];
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

/** Opens certificates and keys, so that a damaged one is found before it is used. */
function checkCertificates(parsed: Kubeconfig, path: string): void {
  const file = JSON.parse(parsed.text) as { clusters: { cluster: Record<string, unknown> }[]; users: { user: Record<string, unknown> }[] };
  const cluster = stringsOf(file.clusters[0]?.cluster);
  const user = stringsOf(file.users[0]?.user);
  const bytesOf = (from: Readonly<Record<string, string>>, key: string): Buffer | undefined => {
    const data = from[`${key}-data`];
    const name = from[key];
    return data !== undefined ? Buffer.from(data, "base64") : name !== undefined ? readFileSync(name) : undefined;
  };
  const ca = bytesOf(cluster, "certificate-authority");
  const problem = certificateProblem(ca, bytesOf(user, "client-certificate"), bytesOf(user, "client-key"));
  if (problem !== undefined) throw new KubeconfigError(`${path}: ${problem}`);
}

/** What OpenSSL has against these; undefined if nothing. Each is PEM. */
export function certificateProblem(ca: Ca, cert: Pem | undefined, key: Pem | undefined): string | undefined {
  if (ca !== undefined && !/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(String(ca))) return "certificate-authority holds no PEM certificate";
  try {
    createSecureContext({ ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) });
    return undefined;
  } catch (error) {
    return `client certificate and key cannot be used: ${(error as Error).message}`;
  }
}

export type Pem = string | Buffer;
export type Ca = Pem | undefined;
