/**
 * The socket on which the daemon takes orders: HTTP over a Unix socket, POST only, for root and the daemon's own user. It only finds out
 * what is wanted; carrying it out is another's.
 */
import { createServer, type Server } from "node:http";
import type { Log } from "../log/index.ts";
import { sendJson } from "./json.ts";
import { listenAt, stopListening } from "./listen.ts";
import type { ErrorReport, Orders } from "./reports.ts";

export type ControlSocketOptions = {
  readonly path: string;
  /** Carries out an order; never rejects but for a defect. */
  readonly carryOut: { readonly [Path in keyof Orders]: () => Promise<Orders[Path]> };
  readonly log: Log;
};

export class ControlSocket {
  readonly #options: ControlSocketOptions;
  readonly #server: Server;

  constructor(options: ControlSocketOptions) {
    this.#options = options;
    this.#server = createServer({ requestTimeout: 5000, maxHeaderSize: 4096 }, (request, response) => {
      const path = request.url ?? "/";
      if (request.method !== "POST") sendJson(response, 405, { error: "this socket only takes POST" } satisfies ErrorReport);
      else if (isOrder(path, options.carryOut)) void options.carryOut[path]().then((report) => { sendJson(response, 200, report); });
      else sendJson(response, 404, { error: "no such order" } satisfies ErrorReport);
    });
    this.#server.maxConnections = 16;
  }

  /** Listens. Resolves with an error sentence if the socket cannot be made; the daemon goes on without it. */
  async start(): Promise<string | undefined> {
    const { path, log } = this.#options;
    const why = await listenAt(this.#server, path, 0o600);
    if (why !== undefined) return `cannot listen on ${path}, so that \`bmlb reload\` and \`bmlb drain\` do not work: ${why}`;
    this.#server.on("error", (error) => {
      log.warning("the control socket failed", { error: error.message });
    });
    return undefined;
  }

  stop(): Promise<void> {
    return stopListening(this.#server);
  }
}

function isOrder(path: string, orders: ControlSocketOptions["carryOut"]): path is keyof Orders {
  return Object.hasOwn(orders, path);
}
