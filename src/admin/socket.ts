/**
 * The socket on which `bmlb status` and its kin read: HTTP with JSON answers over a Unix socket, GET only, so that curl can be used
 * as well. It changes nothing and answers from memory.
 */
import { createServer, type Server } from "node:http";
import { chmodSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import type { Log } from "../log/index.ts";
import type { ErrorReport, Reports } from "./reports.ts";

/** A report, or a sentence about what is wrong with the question; undefined: there is no such path. */
export type Answered = { readonly report: Reports[keyof Reports] } | { readonly error: string } | undefined;

/** Answers a path such as "/v1/vips". */
export type Answer = (path: string, query: URLSearchParams) => Answered;

export type AdminSocketOptions = {
  readonly path: string;
  readonly answer: Answer;
  readonly log: Log;
};

export class AdminSocket {
  readonly #options: AdminSocketOptions;
  readonly #server: Server;

  constructor(options: AdminSocketOptions) {
    this.#options = options;
    this.#server = createServer({ requestTimeout: 5000, maxHeaderSize: 4096 }, (request, response) => {
      const url = new URL(request.url ?? "/", "http://bmlb");
      const [status, body] = request.method === "GET" ? this.#answer(url) : [405, { error: "this socket only answers GET" } satisfies ErrorReport];
      response.writeHead(status, { "content-type": "application/json" });
      response.end(`${JSON.stringify(body)}\n`);
    });
    this.#server.maxConnections = 64;
  }

  /** Listens. Resolves with an error sentence if the socket cannot be made; the daemon goes on without it. */
  async start(): Promise<string | undefined> {
    const { path, log } = this.#options;
    if (await answers(path)) return `another bmlb is running: something answers on ${path}`;
    removeSocket(path);
    return new Promise((resolve) => {
      this.#server.once("error", (error) => {
        resolve(`cannot listen on ${path}: ${error.message}`);
      });
      this.#server.listen(path, () => {
        chmodSync(path, 0o660);
        this.#server.on("error", (error) => {
          log.warning("the control socket failed", { error: error.message });
        });
        resolve(undefined);
      });
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  #answer(url: URL): readonly [number, unknown] {
    try {
      const answered = this.#options.answer(url.pathname, url.searchParams) ?? { error: `no such path: ${url.pathname}` };
      return "report" in answered ? [200, answered.report] : [404, answered];
    } catch (error) {
      this.#options.log.error("a question on the control socket could not be answered", { path: url.pathname, error: String(error) });
      return [500, { error: "this question could not be answered; the log says why" } satisfies ErrorReport];
    }
  }
}

/** True if a living process listens on the socket; a file left by a dead one does not count. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is not there, which is as well; anything else shows when listening.
  }
}
