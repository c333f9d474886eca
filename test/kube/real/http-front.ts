/**
 * Stands in front of a real kube-apiserver where its TLS ends, so that single answers can be refused and watches silenced.
 *
 * Passes on who is asking: a bearer token as it is; a client certificate as kube-apiserver's authenticating proxy does, by its own
 * certificate and the headers X-Remote-User and X-Remote-Group.
 */
import { Agent, createServer, request as send, type Server } from "node:https";
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import type { KeyPair } from "../certificates.ts";

export type HttpFault = 429 | 500 | 503 | "silent-watch";

export type Upstream = { readonly host: string; readonly port: number; readonly ca: string };

const MESSAGES: Readonly<Record<429 | 500 | 503, { readonly reason: string; readonly message: string }>> = {
  429: { reason: "TooManyRequests", message: "Too many requests, please try again later." },
  500: { reason: "InternalError", message: "Internal error occurred: etcdserver: request timed out" },
  503: { reason: "ServiceUnavailable", message: "apiserver not ready" },
};

// Of one connection, not of the message (RFC 9110 7.6.1), and what a client may not say of itself.
const NOT_PASSED_ON = ["connection", "keep-alive", "transfer-encoding", "upgrade", "te", "host", "x-remote-user", "x-remote-group", "x-remote-uid"];

export class HttpFront {
  readonly #server: Server;
  readonly #upstream: Upstream;
  /** Without a certificate, for requests that carry a token. */
  readonly #plain: Agent;
  /** With the certificate that may speak for others. */
  readonly #trusted: Agent;
  #fault: HttpFault | undefined;

  constructor(upstream: Upstream, server: KeyPair, front: KeyPair) {
    this.#upstream = upstream;
    const common = { keepAlive: true, ca: upstream.ca, maxSockets: Infinity };
    this.#plain = new Agent(common);
    this.#trusted = new Agent({ ...common, cert: front.certificate, key: front.key });
    const options = { cert: server.certificate, key: server.key, ca: upstream.ca, requestCert: true, rejectUnauthorized: false, keepAliveTimeout: 0, requestTimeout: 0 };
    this.#server = createServer(options, (request, response) => { this.#pass(request, response); });
    this.#server.on("tlsClientError", () => undefined);
  }

  /** Listens on a socket of the file system, behind the proxy that makes the faults of the network. */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(path, resolve);
    });
  }

  set(fault: HttpFault | undefined): void {
    this.#fault = fault;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#plain.destroy();
    this.#trusted.destroy();
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    if (typeof this.#fault === "number") {
      refuse(request, response, this.#fault);
      return;
    }
    const user = userOf(request);
    const upstream = send(
      {
        ...this.#upstream,
        agent: user === undefined ? this.#plain : this.#trusted,
        method: request.method,
        path: request.url,
        headers: { ...passedOn(request.headers), ...(user ?? {}) },
      },
      (answer) => { this.#answer(request, response, answer); },
    );
    upstream.on("error", () => { response.destroy(); });
    response.on("close", () => { if (!response.writableFinished) upstream.destroy(); });
    request.pipe(upstream);
  }

  #answer(request: IncomingMessage, response: ServerResponse, answer: IncomingMessage): void {
    const watching = /[?&]watch=(true|1)(&|$)/.test(request.url ?? "");
    response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers));
    response.flushHeaders();
    answer.on("error", () => { response.destroy(); });
    answer.on("data", (octets: Buffer) => {
      if (watching && this.#fault === "silent-watch") return;
      if (!response.write(octets)) answer.pause();
    });
    response.on("drain", () => { answer.resume(); });
    answer.on("end", () => {
      if (!(watching && this.#fault === "silent-watch")) response.end();
    });
    answer.on("close", () => { if (!answer.complete) response.destroy(); });
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, code: 429 | 500 | 503): void {
  request.resume();
  const details = code === 429 ? { details: { retryAfterSeconds: 1 } } : {};
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", ...MESSAGES[code], ...details, code };
  response.writeHead(code, { "Content-Type": "application/json", ...(code === 429 ? { "Retry-After": "1" } : {}) });
  response.end(`${JSON.stringify(status)}\n`);
}

/** The headers that say whose certificate it was; undefined without a good one. */
function userOf({ socket }: IncomingMessage): OutgoingHttpHeaders | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { CN, O }: { readonly CN?: unknown; readonly O?: unknown } = socket.getPeerCertificate().subject;
  if (typeof CN !== "string") return undefined;
  const groups = Array.isArray(O) ? O.map(String) : typeof O === "string" ? [O] : [];
  return { "X-Remote-User": CN, "X-Remote-Group": groups };
}

function passedOn(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_PASSED_ON.includes(name)));
}
