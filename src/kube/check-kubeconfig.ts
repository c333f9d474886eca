/**
 * `bmlb check` of a kubeconfig: the file itself, and all that it points to, so that what is missing, damaged or open to everybody is found
 * before it is used. Reads files only through ConfigFiles, which never wait. Runs nothing.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type ConfigFiles, type KubeconfigVerdict, sayFault, whyOpen } from "../config/index.ts";
import { type Kubeconfig, KubeconfigError, parseKubeconfig, type PemSource, type PointedTo, TOKEN } from "./kubeconfig.ts";
import { certificateProblem, type Pem, validity } from "./pem.ts";
import { MOST_OCTETS } from "./small-file.ts";

/**
 * Whether the kubeconfig can be used.
 * @param path where the text was read from; relative paths in it are relative to its folder
 * @param context undefined: its current-context
 */
export function checkKubeconfig(text: string, path: string, context: string | undefined, files: ConfigFiles): KubeconfigVerdict {
  try {
    const parsed = parseKubeconfig(text, path, context);
    const { errors, warnings } = checkPointedTo(parsed, files);
    return { errors: errors.map((sentence) => ({ about: "file", sentence: `${path}: ${sentence}` })), warnings: warnings.map((sentence) => `${path}: ${sentence}`) };
  } catch (error) {
    const sentence = error instanceof KubeconfigError ? error.message : `${path}: ${(error as Error).message}`;
    return { errors: [{ about: error instanceof KubeconfigError ? error.about : "file", sentence }], warnings: [] };
  }
}

function checkPointedTo(parsed: Kubeconfig, files: ConfigFiles): { readonly errors: readonly string[]; readonly warnings: readonly string[] } {
  const read = new Map<string, Pem>();
  const errors: string[] = [];
  for (const one of parsed.files) {
    const result = files.read(one.path, MOST_OCTETS);
    const problem = result.ok ? problemWith(one, result.bytes, result.mode) : `cannot read ${one.path}: it ${sayFault(result.reason, MOST_OCTETS)}`;
    if (problem !== undefined) errors.push(`${one.key}: ${problem}`);
    else if (result.ok) read.set(one.path, Buffer.from(result.bytes));
  }
  const plugIn = parsed.exec === undefined ? undefined : whyNotRun(parsed.exec.command);
  if (plugIn !== undefined) errors.push(`exec.command: ${plugIn}`);
  const pemOf = (source: PemSource | undefined): Pem | undefined => (source === undefined ? undefined : "data" in source ? source.data : read.get(source.file));
  const [ca, cert, key] = [pemOf(parsed.ca), pemOf(parsed.cert), pemOf(parsed.key)];
  // A certificate without its key says nothing of either.
  const pair = (cert === undefined) !== (key === undefined) ? [undefined, undefined] as const : [cert, key] as const;
  const damaged = certificateProblem(ca, ...pair);
  if (damaged !== undefined) errors.push(damaged);
  const anonymous = parsed.kind === "none" ? "its user has neither certificate nor token: the API server will let us in only if it lets in everybody" : undefined;
  const invalid = cert === undefined || damaged !== undefined ? undefined : whenInvalid(cert, Date.now());
  return { errors, warnings: [anonymous, invalid].filter((warning) => warning !== undefined) };
}

function problemWith({ path, holds }: PointedTo, bytes: Uint8Array, mode: number): string | undefined {
  const open = holds === "certificate" ? undefined : whyOpen(path, mode);
  if (open !== undefined || holds !== "token") return open;
  return TOKEN.test(Buffer.from(bytes).toString("latin1").trim()) ? undefined : `${path} is empty or has characters that no token has`;
}

/** No error: the daemon keeps what it has cached alive without the API, and a machine's clock may be wrong when it starts. */
function whenInvalid(cert: Pem, now: number): string | undefined {
  const valid = validity(cert);
  if (valid === undefined) return undefined;
  const clock = `this host's clock says ${new Date(now).toISOString()}`;
  if (now > valid.ends) return `the client certificate has expired on ${new Date(valid.ends).toISOString()}, and the API server will refuse it: renew it (${clock})`;
  return now < valid.begins ? `the client certificate is not valid before ${new Date(valid.begins).toISOString()} (${clock})` : undefined;
}

/** Undefined if there is such a program. */
function whyNotRun(command: string): string | undefined {
  if (command.includes("/")) {
    const fault = faultOfProgram(command);
    return fault === undefined ? undefined : `${command} ${fault}`;
  }
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.some((folder) => faultOfProgram(join(folder, command)) === undefined) ? undefined : `there is no program ${command} in ${folders.join(", ")}; write its whole path`;
}

function faultOfProgram(path: string): string | undefined {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return "is no program";
    if ((stat.mode & 0o111) === 0) return "may not be run; make it executable";
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "does not exist";
    if (code !== "EACCES") return `cannot be run (${code ?? ""})`;
    return "may not be run by this user or in this place: the service runs programs in /usr/bin, /usr/sbin, /usr/lib and /usr/local/bin; put it there, or allow its folder by ExecPaths= (systemctl edit bmlb)";
  }
}
