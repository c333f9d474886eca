/**
 * OpenBGPD as a router of the lab. Its configuration is the test's own text.
 *
 * FRR's daemon has the same name; this one is /usr/sbin/bgpd. It wants the home of its user, an empty folder of root's below /run, to
 * lock its children into: it gets one that nobody else sees. Its portable version neither reads nor writes the kernel's routes.
 */
import { answering } from "./answering.ts";
import type { Host } from "./host.ts";
import { ofRouters } from "./router-software.ts";
import { run, type LabProcess } from "./run.ts";

const IN_A_RUN_OF_ITS_OWN = 'mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/openbgpd && exec "$@"';

export class OpenBgpd {
  readonly host: Host;
  readonly process: LabProcess;
  readonly #socket: string;

  private constructor(host: Host, process: LabProcess, socket: string) {
    this.host = host;
    this.process = process;
    this.#socket = socket;
  }

  static async start(host: Host, configuration: string): Promise<OpenBgpd> {
    const socket = host.path("bgpd.sock");
    const file = host.write("bgpd.conf", `socket "${socket}"\n${configuration}`);
    const process = await host.spawn(ofRouters(["sh", "-c", IN_A_RUN_OF_ITS_OWN, "sh", "/usr/sbin/bgpd", "-d", "-f", file]), { name: "openbgpd" });
    const openbgpd = new OpenBgpd(host, process, socket);
    await answering(process, async () => await openbgpd.bgpctl("show"));
    return openbgpd;
  }

  /** Runs one command of bgpctl and returns what it prints. Throws CommandError for a command that it does not know. */
  async bgpctl(...command: readonly string[]): Promise<string> {
    return await run(ofRouters(["bgpctl", "-s", this.#socket, ...command]));
  }

  /** What a "show …" command says, as JSON. */
  async json(...command: readonly string[]): Promise<unknown> {
    return JSON.parse(await run(ofRouters(["bgpctl", "-j", "-s", this.#socket, ...command])));
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}
