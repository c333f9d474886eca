/**
 * HTTP over TLS around the API: who is asking, by client certificate or bearer token, and the faults that are made in HTTP.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { TLSSocket } from "node:tls";
import type { Tokens } from "../access.ts";
import { GROUPS, USERS } from "../access.ts";
import type { KeyPair } from "../certificates.ts";
import { type Answer, type Api, refused } from "./api.ts";
import type { Identity } from "./authorization.ts";
import { Refusal } from "./refusal.ts";
import type { Watch } from "./watches.ts";

export type HttpFault = 429 | 500 | 503;

/** One request that reached the server, for tests that count them. */
export type LoggedRequest = {
  /** Counts the TLS connections from 1. */
  readonly connection: number;
  readonly user: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly status: number;
  readonly unixMs: number;
};

const LONGEST_BODY_OCTETS = 3 << 20;
const LOG_LENGTH = 10_000;
const AUTHENTICATED = "system:authenticated";

export class ApiServer {
  readonly #api: Api;
  readonly #server: Server;
  readonly #tokens: Map<string, Identity>;
  readonly #watches = new Set<Watch>();
  readonly #connections = new WeakMap<object, number>();
  readonly #log: LoggedRequest[] = [];
  #connectionCount = 0;
  #fault: HttpFault | undefined;

  constructor(api: Api, keys: KeyPair, authority: string, tokens: Tokens) {
    this.#api = api;
    this.#tokens = new Map(USERS.map((user) => [tokens[user], { user, groups: [...GROUPS[user], AUTHENTICATED] }]));
    this.#server = createServer({ cert: keys.certificate, key: keys.key, ca: authority, requestCert: true, rejectUnauthorized: false, keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.on("secureConnection", (socket) => this.#connections.set(socket, (this.#connectionCount += 1)));
    this.#server.on("tlsClientError", () => undefined);
  }

  /** Listens on a socket of the file system, behind the proxy that makes the faults of the network. */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(path, resolve);
    });
  }

  /** The last requests, oldest first. */
  get log(): readonly LoggedRequest[] {
    return this.#log;
  }

  /** Answers every new request so; undefined ends that. */
  set(fault: HttpFault | undefined): void {
    this.#fault = fault;
  }

  /** From now on only `next` is the user's token. */
  rotateToken(user: string, next: string): void {
    for (const [token, identity] of this.#tokens) {
      if (identity.user !== user) continue;
      this.#tokens.delete(token);
      this.#tokens.set(next, identity);
      return;
    }
  }

  /** Ends every running watch as the server does when its timeout is over. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  dropConnections(): void {
    this.#server.closeAllConnections();
  }

  stop(): Promise<void> {
    for (const watch of this.#watches) watch.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => { resolve(); }));
    this.#server.closeAllConnections();
    return closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    const { socket } = request;
    const identity = this.#identify(request);
    const answer = await this.#answer(request, identity);
    const status = answer.type === "watch" ? 200 : answer.status;
    this.#log.push({ connection: this.#connections.get(socket) ?? 0, user: identity?.user ?? "", method: request.method ?? "", path: request.url ?? "", status, unixMs: Date.now() });
    if (this.#log.length > LOG_LENGTH) this.#log.shift();
    if (response.destroyed) return;
    switch (answer.type) {
      case "text": {
        const headers = { "Content-Type": answer.contentType, "Content-Length": Buffer.byteLength(answer.text), "Cache-Control": "no-cache, private" };
        response.writeHead(status, answer.retryAfter === undefined ? headers : { ...headers, "Retry-After": answer.retryAfter });
        response.end(request.method === "HEAD" ? undefined : answer.text);
        return;
      }
      case "watch":
        this.#stream(answer.watch, response);
    }
  }

  #stream(watch: Watch, response: ServerResponse): void {
    this.#watches.add(watch);
    response.on("close", () => {
      this.#watches.delete(watch);
      watch.close();
    });
    response.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-cache, private" });
    response.flushHeaders();
    watch.open({ write: (line) => void response.write(line), end: () => void response.end() });
  }

  async #answer(request: IncomingMessage, identity: Identity | undefined): Promise<Answer> {
    const body = await bodyOf(request);
    if (this.#fault !== undefined) return refused(FAULTS[this.#fault]);
    if (identity === undefined) return refused(new Refusal("Unauthorized", "Unauthorized"));
    if (body === undefined) return refused(new Refusal("RequestEntityTooLarge", `limit is ${LONGEST_BODY_OCTETS}`));
    const url = new URL(request.url ?? "/", "https://server");
    return this.#api.answer({
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      identity,
      contentType: (request.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "",
      accept: request.headers.accept ?? "*/*",
      body,
    });
  }

  /** By certificate if there is a good one, else by token. */
  #identify(request: IncomingMessage): Identity | undefined {
    const { socket } = request;
    const certificate = socket instanceof TLSSocket && socket.authorized ? socket.getPeerCertificate() : undefined;
    if (certificate !== undefined && typeof certificate.subject.CN === "string") {
      const organisations: unknown = certificate.subject.O;
      const groups = Array.isArray(organisations) ? organisations.map(String) : typeof organisations === "string" ? [organisations] : [];
      return { user: certificate.subject.CN, groups: [...groups, AUTHENTICATED] };
    }
    const token = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "")?.[1];
    return token === undefined ? undefined : this.#tokens.get(token);
  }
}

const FAULTS: Readonly<Record<HttpFault, Refusal>> = {
  429: new Refusal("TooManyRequests", "Too many requests, please try again later.", { retryAfterSeconds: 1 }),
  500: new Refusal("InternalError", "Internal error occurred: etcdserver: request timed out"),
  503: new Refusal("ServiceUnavailable", "apiserver not ready"),
};

/** Undefined if it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let octets = 0;
  try {
    for await (const piece of request) {
      if (!Buffer.isBuffer(piece)) continue;
      octets += piece.length;
      if (octets <= LONGEST_BODY_OCTETS) pieces.push(piece);
    }
  } catch {
    return ""; // the client went away; whatever is answered, nobody reads it
  }
  return octets > LONGEST_BODY_OCTETS ? undefined : Buffer.concat(pieces).toString("utf8");
}
