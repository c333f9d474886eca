/** The `exec` entry of a kubeconfig's user (client.authentication.k8s.io) → how its plug-in is run. Pure. */
import { isAbsolute, join } from "node:path";
import { quote } from "../config/index.ts";
import type { PlugInSpec } from "./plugin.ts";
import { listOf, type Json, recordOf, textOf } from "./raw.ts";

const GROUP = "client.authentication.k8s.io";
const VERSIONS = [`${GROUP}/v1`, `${GROUP}/v1beta1`];
const DEFAULT_VERSION = `${GROUP}/v1`;

/** A command with a slash is relative to the kubeconfig, as kubectl has it. `fail` takes a sentence that continues the name of the user. */
export function execOf(value: unknown, cluster: Json, server: URL, folder: string, fail: (sentence: string) => never): PlugInSpec {
  const exec = recordOf(value) ?? fail("exec is not a table");
  const written = exec["command"] ?? "";
  if (typeof written !== "string") return fail("exec.command is not a string");
  if (written === "") return fail("exec names no command");
  const apiVersion = exec["apiVersion"] ?? DEFAULT_VERSION;
  if (typeof apiVersion !== "string" || !VERSIONS.includes(apiVersion)) return fail(`exec.apiVersion must be ${VERSIONS.join(" or ")}, not ${typeof apiVersion === "string" ? quote(apiVersion) : "what it is"}`);
  const mode = exec["interactiveMode"] ?? "IfAvailable";
  if (mode === "Always") return fail('exec.interactiveMode is "Always", and a daemon has no terminal; use a plug-in that can do without, and write "Never"');
  if (mode !== "Never" && mode !== "IfAvailable") return fail('exec.interactiveMode must be "Never" or "IfAvailable"');
  const args = Array.isArray(exec["args"] ?? []) ? listOf(exec["args"]) : fail("exec.args is not a list");
  const env = Array.isArray(exec["env"] ?? []) ? listOf(exec["env"]) : fail("exec.env is not a list");
  return {
    command: written.includes("/") && !isAbsolute(written) ? join(folder, passable(written, "command", fail)) : passable(written, "command", fail),
    args: args.map((arg) => (typeof arg === "string" ? passable(arg, "args", fail) : fail("exec.args has something that is not a string; put it in quotes"))),
    env: Object.fromEntries(env.map((entry) => variableOf(entry, fail))),
    info: (ca) =>
      JSON.stringify({
        apiVersion,
        kind: "ExecCredential",
        spec: { interactive: false, ...(exec["provideClusterInfo"] === true ? { cluster: clusterInfo(cluster, server, ca === undefined ? undefined : Buffer.from(ca).toString("base64")) } : {}) },
      }),
  };
}

function variableOf(entry: unknown, fail: (sentence: string) => never): readonly [string, string] {
  const variable = recordOf(entry);
  const name = textOf(variable?.["name"]) ?? fail("exec.env has an entry without a name");
  const value = variable?.["value"] ?? "";
  if (typeof value !== "string") return fail(`exec.env: the value of ${quote(name)} is not a string; put it in quotes`);
  return [passable(name, "env", fail), passable(value, "env", fail)];
}

/** A program cannot be given a text with a NUL in it. */
function passable(text: string, key: string, fail: (sentence: string) => never): string {
  return text.includes("\0") ? fail(`exec.${key} has a NUL character in it`) : text;
}

function clusterInfo(cluster: Json, server: URL, ca: string | undefined): Json {
  return {
    server: server.href,
    "tls-server-name": textOf(cluster["tls-server-name"]),
    "insecure-skip-tls-verify": cluster["insecure-skip-tls-verify"] === true,
    "certificate-authority-data": ca,
    "proxy-url": textOf(cluster["proxy-url"]),
    // client-go hands the extension of that name to the plug-in.
    config: recordOf(listOf(cluster["extensions"]).find((entry) => recordOf(entry)?.["name"] === `${GROUP}/exec`))?.["extension"],
  };
}
