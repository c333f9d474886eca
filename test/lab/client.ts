/** What users do: fetch a page from a host of the lab, and the servers that they fetch it from. */
import { join } from "node:path";
import type { Host } from "./host.ts";
import { Prober, type ProbeTarget } from "./prober.ts";
import { CommandError, type LabProcess } from "./run.ts";

/** A page that was fetched. */
export type Page = { readonly status: number; readonly body: string; /** From the first packet to the last. */ readonly ms: number };

export class Client {
  readonly host: Host;

  constructor(host: Host) {
    this.host = host;
  }

  /** Fetches a page. Throws CommandError, with curl's words, if none comes within `timeoutMs` (default 2000). */
  async get(url: string, options: { readonly timeoutMs?: number; /** Address or interface to ask from. */ readonly source?: string } = {}): Promise<Page> {
    const seconds = ((options.timeoutMs ?? 2000) / 1000).toFixed(3);
    const source = options.source === undefined ? [] : ["--interface", options.source];
    const argv = ["curl", "--silent", "--show-error", "--globoff", "--noproxy", "*", "--max-time", seconds, ...source, "--write-out", "\n%{http_code} %{time_total}", url];
    const output = await this.host.execToEnd(argv);
    if (output.status !== 0) throw new CommandError([`${this.host.name}: curl`, url], output);
    const end = output.stdout.lastIndexOf("\n");
    const [status, total] = output.stdout.slice(end + 1).split(" ");
    return { status: Number(status), body: output.stdout.slice(0, end), ms: Number(total) * 1000 };
  }

  /** Asks an address again and again, every 5 ms unless told otherwise, until the prober is stopped. */
  async probe(target: Partial<ProbeTarget> & Pick<ProbeTarget, "address" | "port">): Promise<Prober> {
    return await Prober.start(this.host, { kind: "tcp", intervalMs: 5, timeoutMs: 300, ...target });
  }
}

export type ServerOptions = { /** Default: all addresses of both families. */ readonly address?: string; readonly port: number; readonly body: string };

/** Starts a web server (and UDP echo) on a host, and waits until it listens. */
export async function startServer(host: Host, options: ServerOptions): Promise<LabProcess> {
  const program = join(import.meta.dirname, "programs", "server.ts");
  const server = await host.spawn([process.execPath, program, JSON.stringify({ address: "::", ...options })], { name: "server" });
  await server.waitForLine(/^listening$/, 10_000);
  return server;
}
