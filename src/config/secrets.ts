/**
 * Files with secrets: where they are, that nobody else can read them, and that they hold what they should. Pure.
 *
 * What they hold is returned and never printed; nor is the value of a key that names one, for it may be the secret itself, put
 * in the wrong place: a path is shown only once a file was found there.
 */
import { type ConfigFiles, type FileFault, besideFile, sayFault } from "./files.ts";
import type { Findings } from "./findings.ts";
import { type Place, quote, shellWord } from "./problem.ts";
import type { Parsed } from "./value.ts";

const MOST_KUBECONFIG = 1 << 20; // octets
const MOST_SECRET = 4096; // octets
const MOST_PASSWORD = 80; // octets: TCP_MD5SIG_MAXKEYLEN
const LEAST_KEY = 16; // octets

/** Says all that is wrong with a kubeconfig and the files that it points to, in sentences without a secret. */
export type CheckKubeconfig = (text: string, path: string, context: string | undefined, files: ConfigFiles) => KubeconfigVerdict;

export type KubeconfigVerdict = {
  /** `about` the context that is asked for, or anything else in it. */
  readonly errors: readonly { readonly about: "context" | "file"; readonly sentence: string }[];
  readonly warnings: readonly string[];
};

type SecretFile = { readonly path: string; readonly bytes: Uint8Array };

export class SecretFiles {
  readonly files: ConfigFiles;
  readonly #credentialsDirectory: string | undefined;
  readonly #findings: Findings;

  constructor(files: ConfigFiles, credentialsDirectory: string | undefined, findings: Findings) {
    this.files = files;
    this.#credentialsDirectory = credentialsDirectory;
    this.#findings = findings;
  }

  /** The text of the kubeconfig and its absolute path; undefined, and reported, if it is of no use. */
  kubeconfig(value: string, place: Place): { readonly path: string; readonly text: string } | undefined {
    return this.#settle(place, this.#read(value, place, MOST_KUBECONFIG), ({ path, bytes }) => {
      const text = utf8(bytes);
      if (text === undefined) return { error: `${quote(path)} is not UTF-8 text` };
      return text.trim() === "" ? { error: `${quote(path)} is empty` } : { value: { path, text } };
    });
  }

  /** A password for TCP MD5 (RFC 2385) and the file's absolute path. */
  password(value: string, place: Place): { readonly path: string; readonly password: string } | undefined {
    return this.#settle(place, this.#read(value, place, MOST_SECRET), ({ path, bytes }) => {
      const line = withoutLineEnd(bytes);
      const password = utf8(line);
      const rule = `it must hold the password alone: one line of 1 to ${MOST_PASSWORD} octets`;
      if (line.length === 0) return { error: `the file is empty; ${rule}` };
      if (line.includes(0x0a) || line.includes(0x0d)) return { error: `the file has more than one line; ${rule}` };
      if (line.length > MOST_PASSWORD) return { error: `the password has ${line.length} octets; ${rule}` };
      if (password === undefined || line.includes(0)) return { error: `the file is not text; ${rule}` };
      return { value: { path, password } };
    });
  }

  /** The fleet's key and the file's absolute path. */
  fleetKey(value: string, place: Place): { readonly path: string; readonly key: Uint8Array } | undefined {
    return this.#settle(place, this.#read(value, place, MOST_SECRET), ({ path, bytes }) => {
      const key = withoutLineEnd(bytes);
      if (key.length >= LEAST_KEY) return { value: { path, key } };
      return { error: `the key has ${key.length} octets; at least ${LEAST_KEY} are needed: make one with "head -c 32 /dev/urandom | base64"` };
    });
  }

  #settle<T>(place: Place, read: Parsed<SecretFile>, check: (file: SecretFile) => Parsed<T>): T | undefined {
    const checked = "error" in read ? read : check(read.value);
    if ("value" in checked) return checked.value;
    this.#findings.report(place, checked.error);
    return undefined;
  }

  #read(value: string, place: Place, limit: number): Parsed<SecretFile> {
    const located = this.#locate(value, place);
    if ("error" in located) return located;
    const path = located.value;
    const read = this.files.read(path, limit);
    if (!read.ok) return { error: whyUnread(read.reason, value, path, limit, place) };
    const error = whyOpen(path, read.mode);
    return error === undefined ? { value: { path, bytes: read.bytes } } : { error };
  }

  /** A bare name is a credential; a path is seen from the file that names it. */
  #locate(value: string, place: Place): Parsed<string> {
    if (value === "") return { error: "must be the path of a file, or the name of a systemd credential, not empty" };
    if (value.includes("/")) return { value: this.files.absolute(besideFile(place.file, value)) };
    if (value === "." || value === "..") return { error: "is a directory, not a file" };
    if (this.#credentialsDirectory !== undefined) return { value: this.files.absolute(`${this.#credentialsDirectory}/${value}`) };
    return {
      error:
        "a name without a slash is a systemd credential, and $CREDENTIALS_DIRECTORY is not set outside the service; " +
        "to check with credentials run: CREDENTIALS_DIRECTORY=FOLDER bmlb check; for a file beside this one write ./ before its name",
    };
  }
}

/** What is wrong with the permissions of a file that holds a secret; undefined if nothing is. */
export function whyOpen(path: string, mode: number): string | undefined {
  if ((mode & 0o007) === 0) return undefined;
  return `others can use ${quote(path)} (mode ${mode.toString(8).padStart(4, "0")}), and it holds a secret; run: chmod 0640 ${shellWord(path)}`;
}

/** Without the path where nothing shows that it is one. */
function whyUnread(fault: FileFault, value: string, path: string, limit: number, place: Place): string {
  switch (fault.type) {
    case "missing":
      return whyMissing(value, place);
    case "not-a-folder":
    case "failed":
      return `the file that it names ${sayFault(fault, limit)}`;
    case "not-permitted":
      return `${fault.closed === "above" ? "the file that it names" : quote(path)} ${sayFault(fault, limit)}`;
    case "folder":
    case "not-a-file":
    case "too-large":
      return `${quote(path)} ${sayFault(fault, limit)}`;
  }
}

/** Without the value, which may be the secret itself; but a kubeconfig that looks like a path is one. */
function whyMissing(value: string, place: Place): string {
  if (!value.includes("/")) return "there is no such credential in $CREDENTIALS_DIRECTORY; add LoadCredential= to the service, or write a path with a slash";
  const isShown = place.path === "kubernetes.kubeconfig" && /^(\/|\.\.?\/|~\/)/.test(value) && value.length <= 255;
  const tilde = value.startsWith("~") ? "; ~ is not replaced here: write the whole path" : "";
  return `${isShown ? quote(value) : "the file that it names"} does not exist${tilde}; ${place.path === "kubernetes.kubeconfig" ? 'put it there, readable by root and group bmlb only (man bmlb shows how to make it), or set kubeconfig = "/path/of/the/kubeconfig" in [kubernetes]' : "create it, readable by root and group bmlb only"}`;
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Editors and echo end a line; a key has none. */
function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}
