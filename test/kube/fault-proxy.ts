/**
 * A TCP proxy that breaks the connection between a client and a server in the ways in which networks and stopped processes do.
 *
 * Knows nothing of what it carries: TLS goes through it untouched. Faults of HTTP are made by what stands behind it.
 */
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Line } from "./fault-line.ts";

/** What a proxy can break; see `Fault` in api-under-test.ts for what each means to the client. */
export type TransportFault = "none" | "freeze" | "refuse" | "reset" | "slow";

/** How late each piece of an answer is under `slow`, in ms. */
export const SLOW_MS = 1_000;

const REBIND_PATIENCE_MS = 5_000;

export class FaultProxy {
  readonly #connect: () => Socket;
  readonly #pairs = new Set<Pair>();
  readonly #host: string;
  #server: Server | undefined;
  #port: number;
  #fault: TransportFault = "none";

  private constructor(host: string, port: number, connect: () => Socket) {
    this.#host = host;
    this.#port = port;
    this.#connect = connect;
  }

  /**
   * Listens, and for each client connects to the server.
   * @param port 0 for any that is free
   * @param connect opens a connection to the server, with `allowHalfOpen`
   */
  static async start(host: string, port: number, connect: () => Socket): Promise<FaultProxy> {
    const proxy = new FaultProxy(host, port, connect);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  async set(fault: TransportFault): Promise<void> {
    this.#fault = fault;
    switch (fault) {
      case "refuse":
        await this.#close();
        for (const pair of this.#pairs) pair.drop();
        return;
      case "reset":
        for (const pair of this.#pairs) pair.reset();
        break;
      case "none":
      case "freeze":
      case "slow":
        for (const pair of this.#pairs) pair.set(fault);
    }
    await this.#listen();
  }

  async stop(): Promise<void> {
    const closed = this.#close();
    for (const pair of this.#pairs) pair.drop();
    await closed;
  }

  /** The port may be taken for a moment by somebody's outgoing connection when it is opened again after `refuse`. */
  async #listen(): Promise<void> {
    if (this.#server !== undefined) return;
    const deadline = Date.now() + REBIND_PATIENCE_MS;
    for (;;) {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => { this.#accept(client); });
      try {
        await listening(server, this.#host, this.#port);
      } catch (error) {
        const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
        if (!isTaken || Date.now() > deadline) throw error;
        await delay(50);
        continue;
      }
      this.#server = server;
      const address = server.address();
      if (address !== null && typeof address === "object") this.#port = address.port;
      return;
    }
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    // Resolves when the last connection is gone; the listening socket itself is closed at once, and that is what counts.
    server.close();
    await delay(0);
  }

  #accept(client: Socket): void {
    if (this.#fault === "reset") {
      client.on("error", () => undefined);
      client.resetAndDestroy();
      return;
    }
    const pair = new Pair(client, this.#connect, this.#fault === "refuse" ? "none" : this.#fault, () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
  }
}

/** One client and its connection to the server, which is opened only when nothing is frozen. */
class Pair {
  readonly #client: Socket;
  readonly #connect: () => Socket;
  readonly #gone: () => void;
  #server: Socket | undefined;
  #lines: readonly Line[] = [];
  #fault: "none" | "freeze" | "slow";

  constructor(client: Socket, connect: () => Socket, fault: "none" | "freeze" | "slow", gone: () => void) {
    this.#client = client;
    this.#connect = connect;
    this.#fault = fault;
    this.#gone = gone;
    client.on("error", () => { this.reset(); });
    client.on("close", () => { this.#closed(); });
    this.#carry();
  }

  set(fault: "none" | "freeze" | "slow"): void {
    this.#fault = fault;
    this.#carry();
  }

  /** Ends both connections with FIN. */
  drop(): void {
    this.#client.destroy();
    this.#server?.destroy();
  }

  /** Ends both connections with RST. */
  reset(): void {
    if (!this.#client.destroyed) this.#client.resetAndDestroy();
    this.#server?.destroy();
  }

  #carry(): void {
    if (this.#client.destroyed) return;
    const frozen = this.#fault === "freeze";
    if (this.#server === undefined && !frozen) {
      const server = this.#connect();
      server.on("error", () => { this.reset(); });
      server.on("close", () => { this.#closed(); });
      this.#server = server;
      this.#lines = [new Line(this.#client, server), new Line(server, this.#client)];
    }
    const [requests, answers] = this.#lines;
    requests?.set(frozen, 0);
    answers?.set(frozen, this.#fault === "slow" ? SLOW_MS : 0);
  }

  /** A socket whose both ends are finished, or that was destroyed; the other one is ended once it has passed on what it holds. */
  #closed(): void {
    const held = this.#lines.some((line) => line.holds);
    if (this.#client.destroyed) this.#server?.destroy();
    else if (this.#server?.destroyed === true && !held) this.#client.destroySoon();
    if (this.#client.destroyed) this.#gone();
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
