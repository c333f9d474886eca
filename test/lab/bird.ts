/**
 * BIRD as a router of the lab. Its configuration is the test's own text.
 *
 * BIRD 3 shows attributes by the names that its filters have for them; what is read here has BIRD 2's: "BGP.as_path".
 */
import { answering } from "./answering.ts";
import type { Host } from "./host.ts";
import { ofRouters } from "./router-software.ts";
import { CommandError, type LabProcess, runToEnd } from "./run.ts";

export class Bird {
  readonly host: Host;
  readonly process: LabProcess;
  readonly #socket: string;

  private constructor(host: Host, process: LabProcess, socket: string) {
    this.host = host;
    this.process = process;
    this.#socket = socket;
  }

  static async start(host: Host, configuration: string): Promise<Bird> {
    const file = host.write("bird.conf", configuration);
    const socket = host.path("bird.ctl");
    const process = await host.spawn(ofRouters(["bird", "-f", "-c", file, "-s", socket, "-P", host.path("bird.pid")]), { name: "bird" });
    const bird = new Bird(host, process, socket);
    await answering(process, async () => await bird.birdc("show status"));
    return bird;
  }

  /** Runs one command of birdc and returns what it prints, be it a refusal or "Network not found". Throws CommandError if BIRD is not there. */
  async birdc(command: string): Promise<string> {
    const argv = ofRouters(["birdc", "-s", this.#socket, ...command.split(" ")]);
    const output = await runToEnd(argv);
    if (!output.stdout.includes("ready.")) throw new CommandError(argv, output);
    return output.stdout.replace(/^\tbgp_path:/gm, "\tBGP.as_path:").replace(/^\tbgp_/gm, "\tBGP.");
  }

  /** Whether a protocol's session is up. */
  async established(protocol: string): Promise<boolean> {
    return (await this.birdc(`show protocols ${protocol}`)).includes("Established");
  }

  /** Its routes to a prefix, with all attributes, as birdc prints them. "" if it has none. */
  async route(prefix: string): Promise<string> {
    const text = await this.birdc(`show route for ${prefix} all`);
    return text.includes("Network not found") ? "" : text;
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}
