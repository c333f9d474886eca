/**
 * The socket on which `bmlb status` and its kin read: HTTP with JSON answers over a Unix socket, GET only, so that curl can be used
 * as well. It changes nothing and answers from memory.
 *
 * A list is worked out row by row while it is written, a few milliseconds at a time: who asks about ten thousand VIPs must not make
 * the daemon stand still.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Log } from "../log/index.ts";
import type { Clock } from "../time/index.ts";
import { sendJson } from "./json.ts";
import { listenAt, stopListening } from "./listen.ts";
import type { ErrorReport, Reports } from "./reports.ts";

/** A report; or the rows of one that is a list; or a sentence about what is wrong with the question; undefined: there is no such path. */
export type Answered = { readonly report: Reports[keyof Reports] } | { readonly rows: Iterable<object> } | { readonly error: string } | undefined;

/** Answers a path such as "/v1/vips". */
export type Answer = (path: string, query: URLSearchParams) => Answered;

export type AdminSocketOptions = {
  readonly path: string;
  readonly answer: Answer;
  readonly log: Log;
  readonly clock: Clock;
  /** Runs the function in a later turn of the loop. */
  readonly soon: (fn: () => void) => void;
};

const SLICE_MS = 4;

export class AdminSocket {
  readonly #options: AdminSocketOptions;
  readonly #server: Server;

  constructor(options: AdminSocketOptions) {
    this.#options = options;
    this.#server = createServer({ requestTimeout: 5000, maxHeaderSize: 4096 }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.maxConnections = 64;
  }

  /** Listens. Resolves with an error sentence if the socket cannot be made; the daemon goes on without it. */
  async start(): Promise<string | undefined> {
    const { path, log } = this.#options;
    const why = await listenAt(this.#server, path, 0o660);
    if (why !== undefined) return `cannot listen on ${path}, so that \`bmlb status\` and its kin get no answer: ${why}`;
    this.#server.on("error", (error) => {
      log.warning("the socket for reports failed", { error: error.message });
    });
    return undefined;
  }

  stop(): Promise<void> {
    return stopListening(this.#server);
  }

  /** Never rejects. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.url ?? "/";
    try {
      const answered = this.#answer(request.method, target);
      if ("rows" in answered) await this.#writeRows(response, answered.rows);
      else if ("report" in answered) sendJson(response, 200, answered.report);
      else sendJson(response, answered.status, { error: answered.error } satisfies ErrorReport);
    } catch (error) {
      this.#options.log.error("a question could not be answered", { path: target, error: String(error) });
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: "this question could not be answered; the log says why" } satisfies ErrorReport);
    }
  }

  #answer(method: string | undefined, target: string): Exclude<Answered, { readonly error: string } | undefined> | { readonly status: number; readonly error: string } {
    if (method !== "GET") return { status: 405, error: "this socket only answers GET" };
    const url = URL.parse(target, "http://bmlb");
    if (url === null) return { status: 400, error: "this is not a path" };
    const answered = this.#options.answer(url.pathname, url.searchParams) ?? { error: `no such path: ${url.pathname}` };
    return "error" in answered ? { status: 404, error: answered.error } : answered;
  }

  /** A JSON array, one row a line. */
  async #writeRows(response: ServerResponse, rows: Iterable<object>): Promise<void> {
    const { clock, soon } = this.#options;
    response.writeHead(200, { "content-type": "application/json" });
    let text = "[";
    let until = clock.now() + SLICE_MS;
    let separator = "\n";
    for (const row of rows) {
      text += separator + JSON.stringify(row);
      separator = ",\n";
      if (clock.now() < until) continue;
      if (!response.write(text)) await drained(response);
      if (response.destroyed) return;
      text = "";
      await new Promise<void>((resolve) => { soon(resolve); });
      until = clock.now() + SLICE_MS;
    }
    response.end(`${text}\n]\n`);
  }
}

/** Until it takes more, or nobody is there any more. */
async function drained(response: ServerResponse): Promise<void> {
  const over = new AbortController(); // takes back what still listens: a long answer waits a hundred times
  await Promise.race([once(response, "drain", over), once(response, "close", over)]);
  over.abort();
}
