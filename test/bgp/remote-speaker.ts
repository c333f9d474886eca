/** Drives speaker-process.ts on a host of a lab. */
import { join } from "node:path";
import type { BgpDesired, BgpPeerStatus, BgpRoute, BgpStatus, Keeper, WantedPeer } from "../../src/bgp/index.ts";
import { type Host, type LabProcess, eventually } from "../lab/index.ts";

export type Wanted = {
  readonly peers: readonly Partial<WantedPeer>[];
  /** By VIP: the prefix is the VIP's own. */
  readonly vips?: readonly string[];
  readonly attributes?: Partial<BgpRoute["attributes"]>;
  readonly complete?: boolean;
  readonly listen?: BgpDesired["listen"];
};

export class RemoteSpeaker {
  readonly process: LabProcess;
  #answered: Promise<unknown> = Promise.resolve();

  private constructor(process: LabProcess) {
    this.process = process;
  }

  /** @param lastLife the peers that keep the routes of the life before this one */
  static async start(host: Host, routerId: string, lastLife: readonly Keeper[] = []): Promise<RemoteSpeaker> {
    const program = join(import.meta.dirname, "speaker-process.ts");
    return new RemoteSpeaker(await host.spawn([process.execPath, program, routerId, JSON.stringify(lastLife)], { name: "speaker" }));
  }

  apply({ peers, vips = [], attributes = {}, complete = true, listen = [] }: Wanted): void {
    const routes = Object.fromEntries(
      vips.map((vip) => [vip, peers.map(({ name = "router" }) => ({ peer: name, prefix: `${vip}/${vip.includes(":") ? 128 : 32}`, attributes }))]),
    );
    const given = peers.map((peer) => ("address" in peer ? { ...peer, address: peer.address ?? null } : peer));
    this.process.tell(JSON.stringify({ do: "apply", peers: given, routes, complete, listen }));
  }

  /** One question after the other, so that an answer is to this one and tells of all that was applied before it. */
  async status(): Promise<BgpStatus> {
    const answer = this.#answered.then(async () => await this.#ask());
    this.#answered = answer.catch(() => undefined);
    return await answer;
  }

  async #ask(): Promise<BgpStatus> {
    const from = this.process.lines.length;
    this.process.tell(JSON.stringify({ do: "status" }));
    const { text } = await this.process.waitForLine(/^STATUS /, 5000, from);
    return JSON.parse(text.slice("STATUS ".length)) as BgpStatus;
  }

  async peer(name = "router"): Promise<BgpPeerStatus> {
    const peer = (await this.status()).peers.find((one) => one.name === name);
    if (peer === undefined) throw new Error(`the speaker has no peer ${name}`);
    return peer;
  }

  async established(name = "router"): Promise<BgpPeerStatus> {
    return await eventually(`the session with ${name} is up`, 15_000, async () => {
      const peer = await this.peer(name);
      return peer.state === "Established" ? peer : undefined;
    });
  }

  /** The first line of the log that says this. */
  async says(pattern: RegExp, from = 0): Promise<string> {
    return (await this.process.waitForLine(pattern, 15_000, from)).text;
  }

  async stop(reason: string): Promise<void> {
    this.process.tell(JSON.stringify({ do: "stop", reason }));
    await this.process.waitForLine(/^STOPPED/, 5000);
    await this.process.exited;
  }
}
