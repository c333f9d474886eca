/** GoBGP as a router of the lab: its configuration is the test's own text, in TOML. It does not touch the kernel's routes. */
import { answering } from "./answering.ts";
import type { Host } from "./host.ts";
import { ofRouters } from "./router-software.ts";
import { run, type LabProcess } from "./run.ts";

export class GoBgp {
  readonly host: Host;
  readonly process: LabProcess;
  readonly #socket: string;

  private constructor(host: Host, process: LabProcess, socket: string) {
    this.host = host;
    this.process = process;
    this.#socket = socket;
  }

  static async start(host: Host, configuration: string): Promise<GoBgp> {
    const file = host.write("gobgpd.toml", configuration);
    const socket = `unix://${host.path("gobgpd.sock")}`;
    const process = await host.spawn(ofRouters(["gobgpd", "-f", file, "--api-hosts", socket, "--pprof-disable"]), { name: "gobgpd" });
    const gobgp = new GoBgp(host, process, socket);
    await answering(process, async () => await gobgp.gobgp("global"));
    return gobgp;
  }

  /** Runs one command of gobgp and returns what it prints. Throws CommandError for a command that it does not know. */
  async gobgp(...command: readonly string[]): Promise<string> {
    return await run(ofRouters(["gobgp", "--target", this.#socket, ...command]));
  }

  /** What it prints as JSON. */
  async json(...command: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.gobgp("-j", ...command));
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}
