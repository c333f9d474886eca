/**
 * For the tests of src/kube: an HTTPS server that answers exactly what a test tells it to, right or wrong, and clocks that run fast.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log, LogFields } from "../../src/log/index.ts";
import type { Clock } from "../../src/time/index.ts";
import { systemClock } from "../../src/time/index.ts";
import { Authority } from "./certificates.ts";

export type Respond = (request: IncomingMessage, response: ServerResponse, body: string) => void;

export class TinyServer {
  respond: Respond = (_request, response) => { json(response, 200, {}); };
  readonly folder: string;
  readonly authority: Authority;
  readonly port: number;
  readonly requests: { readonly method: string; readonly url: string; readonly headers: IncomingMessage["headers"]; readonly port: number; readonly body: string }[] = [];
  readonly sockets = new Set<Socket>();
  readonly #close: () => Promise<void>;

  private constructor(folder: string, authority: Authority, port: number, close: () => Promise<void>) {
    this.folder = folder;
    this.authority = authority;
    this.port = port;
    this.#close = close;
  }

  static async start(names: readonly string[] = ["127.0.0.1"]): Promise<TinyServer> {
    const folder = await mkdtemp(join(tmpdir(), "bmlb-tiny-"));
    const authority = await Authority.make(folder);
    const keys = await authority.server(names);
    const server = createServer({ key: keys.key, cert: keys.certificate, requestCert: true, rejectUnauthorized: false });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const tiny = new TinyServer(folder, authority, (server.address() as AddressInfo).port, async () => {
      for (const socket of tiny.sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    });
    server.on("connection", (socket: Socket) => {
      tiny.sockets.add(socket);
      socket.on("close", () => tiny.sockets.delete(socket));
      socket.on("error", () => undefined);
    });
    server.on("tlsClientError", () => undefined);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("error", () => undefined);
      response.on("error", () => undefined);
      request.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        tiny.requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, port: request.socket.remotePort ?? 0, body });
        tiny.respond(request, response, body);
      });
    });
    return tiny;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Writes a kubeconfig and returns its path. */
  async kubeconfig(user: object = { token: "t0ken" }, cluster: object = {}, name = "kubeconfig"): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, kubeconfigText(user, { server: this.url, "certificate-authority-data": base64(this.authority.certificate), ...cluster }), { mode: 0o600 });
    return path;
  }

  stop(): Promise<void> {
    return this.#close();
  }
}

export function kubeconfigText(user: object, cluster: object): string {
  return JSON.stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster }],
    users: [{ name: "u", user }],
  });
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** A clock on which a second takes `1000 / speed` ms. */
export function fastClock(speed: number): Clock {
  return {
    now: () => systemClock.now() * speed,
    wall: () => systemClock.wall(),
    timer: (name, ms, fn) => systemClock.timer(name, ms / speed, fn),
  };
}

/** Waits until `what` is true of `is()`, at most ten seconds. */
export async function until(what: string, is: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await is())) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms in vain until ${what}`);
    await sleep(5);
  }
}

/** A log that remembers. */
export class MemoryLog implements Log {
  readonly lines: string[] = [];
  error(sentence: string, fields?: LogFields): void {
    this.#add("error", sentence, fields);
  }
  warning(sentence: string, fields?: LogFields): void {
    this.#add("warning", sentence, fields);
  }
  notice(sentence: string, fields?: LogFields): void {
    this.#add("notice", sentence, fields);
  }
  info(sentence: string, fields?: LogFields): void {
    this.#add("info", sentence, fields);
  }
  debug(): void {
    return;
  }
  #add(level: string, sentence: string, fields: LogFields | undefined): void {
    this.lines.push(`${level}: ${sentence}${fields === undefined ? "" : ` ${JSON.stringify(fields)}`}`);
  }
}
