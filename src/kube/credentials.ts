/**
 * What each attempt to reach the API is made with: server, CA, client certificate, Authorization. Read anew every time, because
 * all of it rotates: the kubeconfig itself, the files it points to, tokens, what a plug-in prints.
 *
 * The client library refreshes OIDC tokens; nothing it throws gets out, and its cache is dropped after a refusal.
 */
import { stat } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Log } from "../log/index.ts";
import type { Clock } from "../time/index.ts";
import type { Failure, Party } from "./failure.ts";
import { type CredentialKind, type Kubeconfig, KubeconfigError, type PemSource, parseKubeconfig, TOKEN } from "./kubeconfig.ts";
import { certificateProblem, type Pem, validity } from "./pem.ts";
import { PlugIn, type PlugInCredential } from "./plugin.ts";
import { readSmallFile } from "./small-file.ts";

/** What to make one request with. */
export type Attempt = {
  readonly server: URL;
  readonly party: Party;
  readonly tls: TlsOptions;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** To be connected through; undefined: directly. */
  readonly proxy: URL | undefined;
};

export type TlsOptions = {
  readonly ca?: Pem;
  readonly cert?: Pem;
  readonly key?: Pem;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
};

/** What the next request is made with, or why there is nothing to make one with. */
export type Attempted = ({ readonly ok: true } & Attempt) | { readonly ok: false; readonly failure: Failure };

export type CredentialsStatus = {
  readonly server: string;
  readonly kind: CredentialKind | "unknown";
  /** Unix ms at which the client certificate ends; undefined without one. */
  readonly certificateEnds: number | undefined;
  /** What is wrong with the file now; the one before stays in force meanwhile. */
  readonly problem: string | undefined;
};

/** After a 401 the caches are dropped at most this often, so that a server that refuses everybody costs no plug-in storm. */
const FORGET_EVERY_MS = 5_000;
/** Ten thousand writes in a row need not look at the file ten thousand times. */
const LOOK_EVERY_MS = 1_000;

type Loaded = {
  readonly parsed: Kubeconfig;
  readonly stamp: string;
  readonly plugIn: PlugIn | undefined;
  /** From the first attempt on. */
  library?: KubeConfig;
};

/** What was found to prove who we are. */
type Proof = { readonly authorization: string | undefined; readonly cert: Pem | undefined; readonly key: Pem | undefined };

export class Credentials {
  readonly #path: string;
  readonly #context: string | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  #loaded: Loaded | undefined;
  #pending: Promise<Attempted> | undefined;
  #forgotAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** What is wrong with the file as it is now, while the one before stays in force. */
  #fileProblem: string | undefined;
  /** Why the last attempt got nothing. */
  #problem: string | undefined;
  #checked: { readonly ca: Pem | undefined; readonly cert: Pem | undefined; readonly key: Pem | undefined; readonly problem: string | undefined } | undefined;
  #certificateEnds: number | undefined;

  /** @param path absolute path of a kubeconfig; @param context undefined: its current-context */
  constructor(path: string, context: string | undefined, clock: Clock, log: Log) {
    this.#path = path;
    this.#context = context;
    this.#clock = clock;
    this.#log = log;
  }

  /** Reads the kubeconfig, so that `party` says which server it is. The sentence about what is wrong with it, if anything is. */
  async load(): Promise<string | undefined> {
    const attempted = await this.#file();
    return "failure" in attempted ? attempted.failure.sentence : undefined;
  }

  /** What to make the next request with. Never rejects. */
  next(): Promise<Attempted> {
    // Those who ask while a plug-in runs get what it gives, instead of starting it again.
    this.#pending ??= this.#attempt().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** The server refused what `next` gave: plug-ins and refresh tokens are to be asked again. */
  refused(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY;
    if (this.#loaded === undefined || this.#clock.now() - this.#forgotAt < FORGET_EVERY_MS) return;
    this.#forgotAt = this.#clock.now();
    this.#loaded.plugIn?.forget();
    delete this.#loaded.library;
  }

  /** Ends a plug-in that still runs. */
  stop(): void {
    this.#loaded?.plugIn?.stop();
  }

  get party(): Party {
    const parsed = this.#loaded?.parsed;
    return { server: parsed === undefined ? "an unknown address" : serverText(parsed.server), credential: parsed?.credential ?? this.#path };
  }

  status(): CredentialsStatus {
    return { server: this.party.server, kind: this.#loaded?.parsed.kind ?? "unknown", certificateEnds: this.#certificateEnds, problem: this.#fileProblem ?? this.#problem };
  }

  async #attempt(): Promise<Attempted> {
    const loaded = await this.#file();
    if ("failure" in loaded) return loaded;
    const { parsed } = loaded;
    try {
      const ca = await pemOf(parsed.ca);
      const { authorization, cert, key } = await proofOf(loaded, ca);
      const problem = this.#certificateProblem(ca, cert, key);
      if (problem !== undefined) return this.#failed(`${this.#path}: ${problem}`);
      this.#problem = undefined;
      const tls: TlsOptions = {
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(parsed.serverName === undefined ? {} : { servername: parsed.serverName }),
        ...(parsed.verify === "yes" ? {} : { rejectUnauthorized: false }),
      };
      const headers = { ...parsed.headers, ...(authorization === undefined ? {} : { Authorization: authorization }) };
      return { ok: true, server: parsed.server, party: this.party, tls, headers, proxy: parsed.proxy };
    } catch (error) {
      return this.#failed(`${this.#path}: ${error instanceof Error ? error.message.trim().slice(0, 500) : String(error)}`);
    }
  }

  async #file(): Promise<Loaded | { readonly ok: false; readonly failure: Failure }> {
    try {
      return await this.#load();
    } catch (error) {
      return this.#failed(error instanceof KubeconfigError ? error.message : `cannot read the kubeconfig ${this.#path}: ${(error as Error).message}`);
    }
  }

  /** The file as it is now; the one before if it is damaged, with one warning. */
  async #load(): Promise<Loaded> {
    const before = this.#loaded;
    if (before !== undefined && this.#clock.now() - this.#lookedAt < LOOK_EVERY_MS) return before;
    this.#lookedAt = this.#clock.now();
    try {
      const { mtimeMs, size, ino } = await stat(this.#path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (before?.stamp === stamp) return before;
      const parsed = parseKubeconfig((await readSmallFile(this.#path)).toString("utf8"), this.#path, this.#context);
      this.#fileProblem = undefined;
      this.#loaded = { parsed, stamp, plugIn: parsed.exec === undefined ? undefined : new PlugIn(parsed.exec, this.#clock) };
      return this.#loaded;
    } catch (error) {
      if (before === undefined) throw error;
      const problem = (error as Error).message;
      if (problem !== this.#fileProblem) this.#log.warning(`the kubeconfig changed and cannot be used; the one before stays in force: ${problem}`);
      this.#fileProblem = problem;
      return before;
    }
  }

  #certificateProblem(ca: Pem | undefined, cert: Pem | undefined, key: Pem | undefined): string | undefined {
    const checked = this.#checked;
    if (checked !== undefined && same(checked.ca, ca) && same(checked.cert, cert) && same(checked.key, key)) return checked.problem;
    const problem = certificateProblem(ca, cert, key);
    this.#checked = { ca, cert, key, problem };
    this.#certificateEnds = problem === undefined && cert !== undefined ? validity(cert)?.ends : undefined;
    return problem;
  }

  #failed(sentence: string): { readonly ok: false; readonly failure: Failure } {
    this.#problem = sentence;
    return { ok: false, failure: { kind: "credentials", sentence } };
  }
}

/** Throws an Error with a sentence that has no secret in it. */
async function proofOf(loaded: Loaded, ca: Pem | undefined): Promise<Proof> {
  const { parsed, plugIn } = loaded;
  const pair = { cert: await pemOf(parsed.cert), key: await pemOf(parsed.key) };
  switch (parsed.kind) {
    case "token":
      return { ...pair, authorization: bearer(parsed.token ?? "", parsed) };
    case "token-file":
      return { ...pair, authorization: bearer(await tokenIn(parsed.tokenFile ?? ""), parsed) };
    case "exec": {
      const { token, cert, key } = await askPlugIn(plugIn, ca, parsed);
      return { cert: cert ?? pair.cert, key: key ?? pair.key, authorization: token === undefined ? undefined : bearer(token, parsed) };
    }
    case "auth-provider":
      return { ...pair, authorization: await askLibrary(loaded) };
    case "certificate":
    case "password":
    case "none":
      return { ...pair, authorization: parsed.basic === undefined ? undefined : `Basic ${Buffer.from(`${parsed.basic.username}:${parsed.basic.password}`).toString("base64")}` };
  }
}

function bearer(token: string, { credential }: Kubeconfig): string {
  if (!TOKEN.test(token)) throw new Error(`${credential} is empty or has characters that no token has`);
  return `Bearer ${token}`;
}

async function tokenIn(path: string): Promise<string> {
  try {
    return (await readSmallFile(path)).toString("latin1").trim();
  } catch (error) {
    throw new Error(`cannot read the token file ${path}: ${(error as Error).message}`, { cause: error });
  }
}

async function askPlugIn(plugIn: PlugIn | undefined, ca: Pem | undefined, { credential }: Kubeconfig): Promise<PlugInCredential> {
  try {
    return (await plugIn?.credential(ca)) ?? { token: undefined, cert: undefined, key: undefined };
  } catch (error) {
    throw new Error(`the credential plug-in failed (${credential}): ${(error as Error).message}`, { cause: error });
  }
}

/** OIDC: the ID token, refreshed where it has expired. */
async function askLibrary(loaded: Loaded): Promise<string> {
  const { parsed } = loaded;
  const options: RequestOptions = { headers: {} };
  loaded.library ??= await libraryOf(parsed.forLibrary ?? "");
  await loaded.library.applyToHTTPSOptions(options);
  const authorization = (options.headers as Record<string, unknown> | undefined)?.["Authorization"];
  if (typeof authorization !== "string") throw new Error(`${parsed.credential} gave no token`);
  return bearer(authorization.replace(/^Bearer /, "").trim(), parsed);
}

async function libraryOf(text: string): Promise<KubeConfig> {
  const library = new (await import("./library.ts")).KubeConfig();
  library.loadFromString(text);
  return library;
}

/** `https://host:port/path` without a slash at the end. */
function serverText(server: URL): string {
  return server.href.replace(/\/+$/, "");
}

async function pemOf(source: PemSource | undefined): Promise<Pem | undefined> {
  return source === undefined ? undefined : "data" in source ? source.data : readSmallFile(source.file);
}

function same(a: Pem | undefined, b: Pem | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && Buffer.from(a).equals(Buffer.from(b)));
}
