/**
 * Prometheus metrics and the health check over HTTP. Values are read from the reports when they are scraped: nothing is counted
 * twice, and a scrape can change nothing.
 */
import { createServer, type Server } from "node:http";
import type { Log } from "../log/index.ts";
import type { Exposition, Sample } from "./exposition.ts";
import { stopListening } from "./listen.ts";

export type Endpoint = { readonly address: string; readonly port: number };

export type MetricsOptions = {
  readonly log: Log;
  readonly read: () => readonly Sample[];
  /** A sentence if the daemon is not healthy. */
  readonly unhealthy: () => string | undefined;
};

export class MetricsServer {
  readonly #options: MetricsOptions;
  readonly #server: Server;
  #exposition: Promise<Exposition> | undefined;

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#server = createServer({ requestTimeout: 5000, maxHeaderSize: 8192 }, (request, response) => {
      const path = (request.url ?? "/").split("?")[0];
      if (request.method !== "GET" && request.method !== "HEAD") {
        response.writeHead(405).end("only GET\n");
      } else if (path === "/healthz") {
        const sentence = options.unhealthy();
        response.writeHead(sentence === undefined ? 200 : 503, { "content-type": "text/plain" }).end(`${sentence ?? "ok"}\n`);
      } else if (path === "/metrics") {
        this.#scrape().then(
          ({ type, text }) => response.writeHead(200, { "content-type": type }).end(text),
          (error: unknown) => {
            options.log.error("the metrics could not be collected", { error: String(error) });
            response.writeHead(500).end("the log says why\n");
          },
        );
      } else {
        response.writeHead(404).end("try /metrics or /healthz\n");
      }
    });
    this.#server.maxConnections = 64;
  }

  /** Listens; once stopped, also elsewhere. Resolves with an error sentence if the port cannot be had; the daemon goes on without metrics, and may try again. */
  start({ address, port }: Endpoint): Promise<string | undefined> {
    void this.#loaded();
    return new Promise((resolve) => {
      const failed = (error: Error): void => {
        this.#server.off("listening", listening);
        resolve(`cannot serve metrics on ${address} port ${port}: ${error.message}; it is tried again; [metrics] listen names another address, or is "off"`);
      };
      const listening = (): void => {
        this.#server.off("error", failed);
        this.#server.on("error", this.#failed);
        resolve(undefined);
      };
      this.#server.off("error", this.#failed);
      this.#server.once("error", failed);
      this.#server.once("listening", listening);
      this.#server.listen({ host: address, port });
    });
  }

  readonly #failed = (error: Error): void => {
    this.#options.log.warning("the metrics server failed", { error: error.message });
  };

  stop(): Promise<void> {
    return stopListening(this.#server);
  }

  async #scrape(): Promise<{ readonly type: string; readonly text: string }> {
    const exposition = await this.#loaded();
    return { type: exposition.type, text: await exposition.text(this.#options.read()) };
  }

  /** Loaded by a start of its own: what must listen first does without it. */
  #loaded(): Promise<Exposition> {
    this.#exposition ??= import("./exposition.ts").then((loaded) => new loaded.Exposition());
    return this.#exposition;
  }
}
