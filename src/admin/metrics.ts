/**
 * Prometheus metrics and the health check over HTTP. Values are read from the reports when they are scraped: nothing is counted
 * twice, and a scrape can change nothing.
 */
import { createServer, type Server } from "node:http";
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import type { Log } from "../log/index.ts";

export type MetricsOptions = {
  readonly address: string;
  readonly port: number;
  readonly log: Log;
  readonly read: () => readonly Sample[];
  /** A sentence if the daemon is not healthy. */
  readonly unhealthy: () => string | undefined;
};

/** One value at the time of the scrape. A name has one type, one help text and one set of labels. */
export type Sample = {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
};

export class MetricsServer {
  readonly #options: MetricsOptions;
  readonly #process = new Registry();
  readonly #server: Server;

  constructor(options: MetricsOptions) {
    this.#options = options;
    collectDefaultMetrics({ register: this.#process, prefix: "bmlb_" });
    this.#server = createServer({ requestTimeout: 5000, maxHeaderSize: 8192 }, (request, response) => {
      const path = (request.url ?? "/").split("?")[0];
      if (request.method !== "GET" && request.method !== "HEAD") {
        response.writeHead(405).end("only GET\n");
      } else if (path === "/healthz") {
        const sentence = options.unhealthy();
        response.writeHead(sentence === undefined ? 200 : 503, { "content-type": "text/plain" }).end(`${sentence ?? "ok"}\n`);
      } else if (path === "/metrics") {
        this.#scrape().then(
          (text) => response.writeHead(200, { "content-type": Registry.PROMETHEUS_CONTENT_TYPE }).end(text),
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

  /** Listens. Resolves with an error sentence if the port cannot be had; the daemon goes on without metrics, and may try again. */
  start(): Promise<string | undefined> {
    const { address, port, log } = this.#options;
    return new Promise((resolve) => {
      const failed = (error: Error): void => {
        this.#server.off("listening", listening);
        resolve(`cannot serve metrics on ${address} port ${port}: ${error.message}; it is tried again; [metrics] listen names another address, or is "off"`);
      };
      const listening = (): void => {
        this.#server.off("error", failed);
        this.#server.on("error", (error) => {
          log.warning("the metrics server failed", { error: error.message });
        });
        resolve(undefined);
      };
      this.#server.once("error", failed);
      this.#server.once("listening", listening);
      this.#server.listen({ host: address, port });
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

  async #scrape(): Promise<string> {
    const registry = new Registry();
    const metrics = new Map<string, (sample: Sample) => void>();
    for (const sample of this.#options.read()) {
      let set = metrics.get(sample.name);
      if (set === undefined) {
        set = setter(registry, sample);
        metrics.set(sample.name, set);
      }
      set(sample);
    }
    return `${await registry.metrics()}\n${await this.#process.metrics()}`;
  }
}

function setter(registry: Registry, { name, help, type, labels = {} }: Sample): (sample: Sample) => void {
  const options = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  if (type === "gauge") {
    const gauge = new Gauge(options);
    return (sample) => {
      gauge.set({ ...sample.labels }, sample.value);
    };
  }
  const counter = new Counter(options);
  return (sample) => {
    counter.inc({ ...sample.labels }, sample.value);
  };
}
