/**
 * The process in front of a real kube-apiserver, in its network namespace: makes the faults, sends the tests' own requests past them,
 * and knows which ports are free there. Commanded over IPC by control-plane.ts.
 */
import { Agent, request as send } from "node:https";
import { request as sendPlain } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import type { Fault } from "../api-under-test.ts";
import type { KeyPair } from "../certificates.ts";
import { obey } from "../child.ts";
import { FaultProxy } from "../fault-proxy.ts";
import { ownedFolder } from "../leftovers.ts";
import { HttpFront, type Upstream } from "./http-front.ts";

export type FrontOptions = {
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  readonly upstream: Upstream;
  /** Where TLS ends: here ("terminate"), which all faults need, or at the server itself ("passthrough"). */
  readonly tls: "terminate" | "passthrough";
  readonly server: KeyPair;
  readonly front: KeyPair;
  readonly admin: KeyPair;
};

export type Question = { readonly method: string; readonly path: string; readonly body: unknown; readonly contentType: string };

const PATIENCE_MS = 70_000; // longer than the server's own 60 s

class Front {
  readonly #proxy: FaultProxy;
  readonly #http: HttpFront | undefined;
  readonly #options: FrontOptions;
  readonly #agent: Agent;

  private constructor(options: FrontOptions, proxy: FaultProxy, http: HttpFront | undefined) {
    this.#options = options;
    this.#proxy = proxy;
    this.#http = http;
    this.#agent = new Agent({ keepAlive: true, ca: options.upstream.ca, cert: options.admin.certificate, key: options.admin.key });
  }

  static async start(options: FrontOptions): Promise<Front> {
    const { folder, host, port, upstream } = options;
    ownedFolder(folder);
    if (options.tls === "passthrough") {
      return new Front(options, await FaultProxy.start(host, port, () => connect({ host: upstream.host, port: upstream.port, allowHalfOpen: true })), undefined);
    }
    const http = new HttpFront(upstream, options.server, options.front);
    const inner = join(folder, "front.socket");
    await http.listen(inner);
    return new Front(options, await FaultProxy.start(host, port, () => connect({ path: inner, allowHalfOpen: true })), http);
  }

  get port(): number {
    return this.#proxy.port;
  }

  async fault(fault: Fault): Promise<void> {
    const inHttp = typeof fault === "number" || fault === "silent-watch";
    if (inHttp && this.#http === undefined) throw new RangeError(`${fault} cannot be made while TLS ends at the server: start the control plane with tls: "terminate"`);
    this.#http?.set(inHttp ? fault : undefined);
    await this.#proxy.set(inHttp ? "none" : fault);
  }

  ask({ method, path, body, contentType }: Question): Promise<{ readonly status: number; readonly body: unknown }> {
    const { host, port } = this.#options.upstream;
    const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    const headers = { Accept: "application/json", "Content-Type": contentType, "Content-Length": Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const request = send({ host, port, agent: this.#agent, method, path, headers, timeout: PATIENCE_MS }, (answer) => {
        const pieces: Buffer[] = [];
        answer.on("data", (piece: Buffer) => pieces.push(piece));
        answer.on("error", reject);
        answer.on("end", () => {
          const received = Buffer.concat(pieces).toString("utf8");
          const isJson = answer.headers["content-type"]?.startsWith("application/json") === true;
          resolve({ status: answer.statusCode ?? 0, body: isJson ? (JSON.parse(received) as unknown) : received });
        });
      });
      request.on("error", reject);
      request.on("timeout", () => request.destroy(new Error(`no answer to ${method} ${path} within ${PATIENCE_MS} ms`)));
      request.end(text);
    });
  }
}

let front: Front | undefined;

function running(): Front {
  if (front === undefined) throw new Error("the front has not been started");
  return front;
}

/**
 * Makes etcd forget every version but the current ones, through its HTTP gateway.
 * @param port where etcd answers its clients
 */
async function compactEtcd(port: number): Promise<void> {
  const { header } = (await etcd(port, "range", { key: "AA==" })) as { readonly header: { readonly revision: string } };
  await etcd(port, "compaction", { revision: header.revision, physical: true });
}

function etcd(port: number, operation: string, argument: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = sendPlain({ host: "127.0.0.1", port, method: "POST", path: `/v3/kv/${operation}`, timeout: PATIENCE_MS }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      answer.on("end", () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`etcd: ${operation}: ${answer.statusCode ?? 0} ${text}`));
      });
    });
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error(`etcd: no answer to ${operation}`)));
    request.end(JSON.stringify(argument));
  });
}

/** Ports of the loopback that nobody listens on now. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      await new Promise((resolve) => server.close(resolve));
      return address !== null && typeof address === "object" ? address.port : 0;
    }),
  );
}

obey({
  freePorts,
  start: async (options: FrontOptions) => {
    front = await Front.start(options);
    return front.port;
  },
  compactEtcd,
  request: (question: Question) => running().ask(question),
  fault: (fault: Fault) => running().fault(fault),
});
