/**
 * What each attempt to reach the API is made with: server, CA, client certificate, Authorization. Read anew every time, because
 * all of it rotates: the kubeconfig itself, the files it points to, tokens, what a plug-in prints.
 *
 * The client library parses, runs exec plug-ins and refreshes OIDC tokens; its traps are closed here: nothing it throws gets out, its
 * caches are dropped after a refusal, a plug-in runs once at a time.
 */
import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { Agent, RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Log } from "../log/index.ts";
import type { Clock } from "../time/index.ts";
import type { Failure, Party } from "./failure.ts";
import { type CredentialKind, type Kubeconfig, KubeconfigError, type Pem, certificateProblem, parseKubeconfig } from "./kubeconfig.ts";

/** What to make one request with. */
export type Attempt = {
  readonly server: URL;
  readonly party: Party;
  readonly tls: TlsOptions;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The agent that goes through proxy-url; undefined: use your own. */
  readonly agent: Agent | undefined;
};

export type TlsOptions = {
  readonly ca?: Pem;
  readonly cert?: Pem;
  readonly key?: Pem;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
};

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

/** How long a proxy may take to connect us, in ms. */
const PROXY_MS = 10_000;

type Loaded = { readonly parsed: Kubeconfig; readonly stamp: string; /** From the first attempt on. */ library?: KubeConfig };

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
    const kind = this.#loaded?.parsed.kind;
    if ((kind !== "exec" && kind !== "auth-provider") || this.#clock.now() - this.#forgotAt < FORGET_EVERY_MS) return;
    this.#forgotAt = this.#clock.now();
    this.#loaded = undefined;
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
    const options: RequestOptions = { headers: {}, timeout: PROXY_MS };
    try {
      loaded.library ??= await libraryOf(parsed);
      await loaded.library.applyToHTTPSOptions(options);
    } catch (error) {
      // A garbled answer of a plug-in stays in the library's cache for ever: start afresh.
      if (this.#loaded === loaded) this.#loaded = undefined;
      return this.#failed(this.#libraryProblem(parsed, error));
    }
    const headers: Record<string, string | readonly string[]> = { ...parsed.headers };
    for (const [name, value] of Object.entries(options.headers ?? {})) if (typeof value === "string") headers[name] = value.trim();
    if (typeof options.auth === "string") headers["Authorization"] = `Basic ${Buffer.from(options.auth).toString("base64")}`;
    if (parsed.tokenFile !== undefined) {
      try {
        headers["Authorization"] = `Bearer ${(await readFile(parsed.tokenFile, "utf8")).trim()}`;
      } catch (error) {
        return this.#failed(`cannot read the token file ${parsed.tokenFile}: ${(error as Error).message}`);
      }
    }
    const authorization = headers["Authorization"];
    if ((parsed.kind === "exec" || parsed.kind === "auth-provider") && authorization === undefined && options.cert === undefined) {
      if (this.#loaded === loaded) this.#loaded = undefined;
      return this.#failed(`${parsed.credential} holds neither a token nor a client certificate`);
    }
    if (typeof authorization === "string" && !/^\S+ [\x21-\x7e]+$/.test(authorization)) return this.#failed(`${parsed.credential} is empty or has characters that no token has`);
    const tls = tlsOf(options);
    const problem = this.#certificateProblem(tls);
    if (problem !== undefined) return this.#failed(`${this.#path}: ${problem}`);
    this.#problem = undefined;
    return { ok: true, server: parsed.server, party: this.party, tls, headers, agent: parsed.proxied ? (options.agent as Agent) : undefined };
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
      const parsed = parseKubeconfig(await readFile(this.#path, "utf8"), this.#path, this.#context);
      this.#fileProblem = undefined;
      this.#loaded = { parsed, stamp };
      return this.#loaded;
    } catch (error) {
      if (before === undefined) throw error;
      const problem = (error as Error).message;
      if (problem !== this.#fileProblem) this.#log.warning(`the kubeconfig changed and cannot be used; the one before stays in force: ${problem}`);
      this.#fileProblem = problem;
      return before;
    }
  }

  #libraryProblem(parsed: Kubeconfig, error: unknown): string {
    const detail = (error instanceof Error ? error.message : String(error)).trim().slice(0, 500);
    if (parsed.kind !== "exec") return `${this.#path}: ${detail}`;
    return `the credential plug-in failed (${parsed.credential}): ${detail === "" ? "it said nothing, or took too long" : detail}`;
  }

  /** https throws, sometimes where nobody can catch it, when a certificate or key is damaged: look before using it. */
  #certificateProblem({ ca, cert, key }: TlsOptions): string | undefined {
    const checked = this.#checked;
    if (checked !== undefined && same(checked.ca, ca) && same(checked.cert, cert) && same(checked.key, key)) return checked.problem;
    const problem = certificateProblem(ca, cert, key);
    this.#checked = { ca, cert, key, problem };
    this.#certificateEnds = problem === undefined && cert !== undefined ? endOf(cert) : undefined;
    return problem;
  }

  #failed(sentence: string): { readonly ok: false; readonly failure: Failure } {
    this.#problem = sentence;
    return { ok: false, failure: { kind: "credentials", sentence } };
  }
}

async function libraryOf(parsed: Kubeconfig): Promise<KubeConfig> {
  const library = new (await import("./library.ts")).KubeConfig();
  library.loadFromString(parsed.text);
  return library;
}

/** `https://host:port/path` without a slash at the end. */
function serverText(server: URL): string {
  return server.href.replace(/\/+$/, "");
}

function tlsOf(options: RequestOptions): TlsOptions {
  const pem = (value: unknown): Pem | undefined => (typeof value === "string" || Buffer.isBuffer(value) ? value : undefined);
  const [ca, cert, key] = [pem(options.ca), pem(options.cert), pem(options.key)];
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(options.servername === undefined ? {} : { servername: options.servername }),
    ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
  };
}

function same(a: Pem | undefined, b: Pem | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && Buffer.from(a).equals(Buffer.from(b)));
}

function endOf(cert: Pem): number | undefined {
  try {
    const ends = Date.parse(new X509Certificate(cert).validTo);
    return Number.isNaN(ends) ? undefined : ends;
  } catch {
    return undefined;
  }
}
