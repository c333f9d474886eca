/**
 * Requests to the Kubernetes API over HTTP/1.1: one attempt each, with a deadline of its own, answered by a value and never by an
 * exception. Who wants another attempt makes one.
 *
 * Two sets of connections: Leases have one of their own, so that nothing else can delay a renewal; the rest share the other.
 * Does not know any kind of object.
 */
import type { IncomingMessage } from "node:http";
import { Agent, type AgentOptions, type RequestOptions, request as httpsRequest } from "node:https";
import type { Clock } from "../time/index.ts";
import type { Attempt, Attempted, Credentials, CredentialsStatus } from "./credentials.ts";
import { type Failure, type Party, failureOf, retryAfterMs, statusFailure } from "./failure.ts";
import { ProxiedAgent } from "./proxy.ts";
import { parseJson } from "./raw.ts";

export type Call = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  /** For sentences, after "to": "list services". */
  readonly what: string;
  readonly body?: unknown;
  /** Of the body; application/json by default. */
  readonly contentType?: string;
  /** Until the answer is complete, or, for `open`, begins: credentials, connection and TLS included. In ms. */
  readonly timeoutMs: number;
  /** Which connections to use; "reads" by default. */
  readonly connection?: "reads" | "leases";
  readonly signal?: AbortSignal;
  /** Asked in the very turn in which the request is handed to the socket; if false it is not sent. */
  readonly guard?: () => boolean;
};

/** A whole answer with its body from JSON, or why there is none. */
export type Answer = { readonly ok: true; readonly status: number; readonly body: unknown } | { readonly ok: false; readonly failure: Failure };
/** An answer that has begun and is the caller's to read, or why there is none. */
export type Opened = { readonly ok: true; readonly response: IncomingMessage } | { readonly ok: false; readonly failure: Failure };

/** What the rest of kube/ needs of a client. */
export interface Api {
  /** For sentences. */
  readonly party: Party;
  /** One request and its whole JSON answer. Never rejects. */
  request(call: Call): Promise<Answer>;
  /** One request whose answer is read by the caller as it comes. Never rejects; the response may break at any time. */
  open(call: Call): Promise<Opened>;
  /** The failure that an error while reading such a response means. */
  failureOf(error: unknown): Failure;
}

export type ClientStatus = CredentialsStatus & {
  readonly requests: number;
  readonly failures: number;
};

/** No single answer but a list is anywhere near as long: etcd stores at most 1.5 MiB. Octets. */
const LONGEST_ANSWER = 16 << 20;
const LONGEST_ERROR = 256 << 10;
/** More than the watches and eight writers need. */
const MOST_SOCKETS = 24;
/** Idle connections are closed before most middle boxes forget them, in ms. */
const IDLE_MS = 55_000;

type Agents = { readonly proxy: string | undefined; readonly reads: Agent; readonly leases: Agent };

function agentsThrough(proxy: URL | undefined): Agents {
  const make = (options: AgentOptions): Agent => (proxy === undefined ? new Agent(options) : new ProxiedAgent(proxy, options));
  return {
    proxy: proxy?.href,
    reads: make({ keepAlive: true, keepAliveMsecs: 15_000, maxSockets: MOST_SOCKETS, timeout: IDLE_MS, scheduling: "lifo" }),
    leases: make({ keepAlive: true, keepAliveMsecs: 15_000, maxSockets: 1, timeout: IDLE_MS }),
  };
}

export class Client implements Api {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  #agents: Agents | undefined;
  #requests = 0;
  #failures = 0;

  constructor(credentials: Credentials, clock: Clock) {
    this.#credentials = credentials;
    this.#clock = clock;
  }

  get party(): Party {
    return this.#credentials.party;
  }

  status(): ClientStatus {
    return { ...this.#credentials.status(), requests: this.#requests, failures: this.#failures };
  }

  /** Closes every connection. Requests under way fail. */
  stop(): void {
    this.#credentials.stop();
    this.#agents?.reads.destroy();
    this.#agents?.leases.destroy();
  }

  /** Connections through another proxy than before are others; those under way come to their own end. */
  #agentsFor({ proxy }: Attempt): Agents {
    if (this.#agents === undefined || this.#agents.proxy !== proxy?.href) this.#agents = agentsThrough(proxy);
    return this.#agents;
  }

  failureOf(error: unknown): Failure {
    return failureOf(error, this.party, this.#clock.wall());
  }

  async request(call: Call): Promise<Answer> {
    const deadline = this.#clock.now() + call.timeoutMs;
    const opened = await this.open(call);
    if (!opened.ok) return opened;
    const { response } = opened;
    const text = await this.#read(response, LONGEST_ANSWER, deadline, call);
    if (typeof text !== "string") return this.#failed(text);
    const body = parseJson(text);
    if (body === undefined) return this.#failed(garbage(call, this.party, response, text));
    return { ok: true, status: response.statusCode ?? 0, body };
  }

  async open(call: Call): Promise<Opened> {
    this.#requests++;
    const deadline = this.#clock.now() + call.timeoutMs;
    // Nobody waits for it any more: no plug-in is run for it either.
    if (call.signal?.aborted === true) return this.#failed(givenUp(call));
    const attempted = await this.#attempt(call);
    if (!attempted.ok) return this.#failed(attempted.failure);
    let opened = await this.#send(call, attempted, deadline);
    // The server closed an idle connection in the moment that we used it: nobody has read the request (RFC 9112 9.3.1).
    if (opened === "stale") opened = await this.#send(call, attempted, deadline);
    if (opened === "stale") return this.#failed({ kind: "reset", sentence: `the API server at ${attempted.party.server} closes every connection` });
    if (!opened.ok) return this.#failed(opened.failure);
    return this.#accept(call, attempted.party, opened.response, deadline);
  }

  /** The credentials, unless they take longer than the whole call may, or it is given up meanwhile. */
  #attempt(call: Call): Promise<Attempted> {
    return new Promise((resolve) => {
      const settle = (attempted: Attempted): void => {
        timer.cancel();
        call.signal?.removeEventListener("abort", giveUp);
        resolve(attempted);
      };
      const giveUp = (): void => {
        settle({ ok: false, failure: givenUp(call) });
      };
      const timer = this.#clock.timer(`credentials to ${call.what}`, call.timeoutMs, () => {
        settle({ ok: false, failure: { kind: "credentials", sentence: `no credentials after ${seconds(call.timeoutMs)}: waiting for ${this.party.credential}` } });
      });
      call.signal?.addEventListener("abort", giveUp);
      void this.#credentials.next().then(settle);
    });
  }

  #send(call: Call, attempt: Attempt, deadline: number): Promise<Opened | "stale"> {
    const failed = (failure: Failure): Opened => ({ ok: false, failure });
    if (call.signal?.aborted === true) return Promise.resolve(failed(givenUp(call)));
    if (call.guard?.() === false) return Promise.resolve(failed({ kind: "withheld", sentence: `did not ${call.what}: no longer entitled to` }));
    const content = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const { server, tls, headers } = attempt;
    const options: RequestOptions = {
      ...tls,
      method: call.method,
      hostname: server.hostname.replace(/^\[|\]$/g, ""),
      port: server.port === "" ? 443 : Number(server.port),
      path: `${server.pathname.replace(/\/+$/, "")}${call.path}`,
      agent: this.#agentsFor(attempt)[call.connection ?? "reads"],
      headers: {
        Host: server.host,
        Accept: "application/json",
        "User-Agent": "bmlb",
        ...(content === undefined ? {} : { "Content-Type": call.contentType ?? "application/json", "Content-Length": content.length }),
        ...(headers as Record<string, string | string[]>),
      },
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    };
    return new Promise((resolve) => {
      const timer = this.#clock.timer(`to ${call.what}`, deadline - this.#clock.now(), () => {
        resolve(failed(timeout(call, attempt.party)));
        request?.destroy();
      });
      const settle = (result: Opened | "stale"): void => {
        timer.cancel();
        resolve(result);
      };
      let request: ReturnType<typeof httpsRequest> | undefined;
      try {
        request = httpsRequest(options);
        const sent = request;
        sent.on("error", (error: NodeJS.ErrnoException) => {
          const stale = sent.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE") && call.signal?.aborted !== true;
          settle(stale ? "stale" : failed(failureOf(error, attempt.party, this.#clock.wall())));
        });
        sent.on("response", (response) => {
          // Who reads it hears of a broken response from the iteration; late errors after that concern nobody.
          response.on("error", () => undefined);
          settle({ ok: true, response });
        });
        sent.on("upgrade", (response, socket) => {
          socket.destroy();
          settle(failed(garbage(call, attempt.party, response, "101 Switching Protocols")));
        });
        sent.end(content);
      } catch (error) {
        settle(failed(failureOf(error, attempt.party, this.#clock.wall())));
      }
    });
  }

  /** A response that may be read on, or the failure that its status means. */
  async #accept(call: Call, party: Party, response: IncomingMessage, deadline: number): Promise<Opened> {
    const code = response.statusCode ?? 0;
    if (code >= 200 && code < 300) {
      const type = response.headers["content-type"] ?? "";
      if (/\bjson\b/.test(type) || code === 204) return { ok: true, response };
      const text = await this.#read(response, LONGEST_ERROR, deadline, call);
      return this.#failed(typeof text === "string" ? garbage(call, party, response, text) : text);
    }
    if (code >= 300 && code < 400) {
      response.destroy();
      const sentence = `what answers at ${party.server} redirects us to ${response.headers.location?.slice(0, 200) ?? "nowhere"} (${code}), which an API server does not: write the API server itself into the kubeconfig`;
      return this.#failed({ kind: "garbage", sentence });
    }
    if (code === 401) this.#credentials.refused();
    const text = await this.#read(response, LONGEST_ERROR, deadline, call);
    const status = typeof text === "string" ? parseJson(text) : undefined;
    return this.#failed(statusFailure(call.what, party, code, status, retryAfterMs(response.headers["retry-after"], this.#clock.wall())));
  }

  /** The whole body as text, or why not. */
  async #read(response: IncomingMessage, longest: number, deadline: number, call: Call): Promise<string | Failure> {
    const timer = this.#clock.timer(`answer to ${call.what}`, Math.max(0, deadline - this.#clock.now()), () => {
      response.destroy(new Error("too late"));
    });
    try {
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of response as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > longest) return { kind: "garbage", sentence: `what answers at ${this.party.server} sends more than ${longest >> 10} KiB when asked to ${call.what}` };
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString("utf8");
    } catch (error) {
      return this.#clock.now() >= deadline ? timeout(call, this.party) : this.failureOf(error);
    } finally {
      timer.cancel();
    }
  }

  #failed(failure: Failure): { readonly ok: false; readonly failure: Failure } {
    if (failure.kind !== "withheld" && failure.kind !== "cancelled") this.#failures++;
    return { ok: false, failure };
  }
}

function givenUp(call: Call): Failure {
  return { kind: "cancelled", sentence: `gave up to ${call.what}` };
}

function timeout(call: Call, party: Party): Failure {
  return { kind: "timeout", sentence: `the API server at ${party.server} does not answer (to ${call.what}, within ${seconds(call.timeoutMs)})` };
}

function garbage(call: Call, party: Party, response: IncomingMessage, text: string): Failure {
  const type = response.headers["content-type"] ?? "no content type";
  const begins = text.slice(0, 60).replace(/\s+/g, " ");
  return { kind: "garbage", sentence: `what answers at ${party.server} is no API server: asked to ${call.what} it sent ${type}, beginning with ${JSON.stringify(begins)}` };
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
