/** FRR's BFD daemon on a router of the lab, without BGP: zebra and bfdd. */
import { existsSync, mkdirSync } from "node:fs";
import { eventually } from "./eventually.ts";
import { DAEMONS, startBfdd, startDaemon } from "./frr.ts";
import type { Host } from "./host.ts";
import { needProgram, ofRouters } from "./router-software.ts";
import { run, type LabProcess } from "./run.ts";

/** A session as bfdd shows it. */
export type BfddPeer = {
  readonly peer: string;
  readonly status: "up" | "down" | "init" | "shutdown";
  readonly diagnostic: string;
  readonly "remote-diagnostic": string;
  readonly "receive-interval": number;
  readonly "transmit-interval": number;
  readonly "remote-receive-interval": number;
  readonly "remote-transmit-interval": number;
  readonly "remote-detect-multiplier": number;
};

export class Bfdd {
  readonly process: LabProcess;
  readonly zebra: LabProcess;
  readonly #sockets: string;

  private constructor(sockets: string, zebra: LabProcess, bfdd: LabProcess) {
    this.#sockets = sockets;
    this.zebra = zebra;
    this.process = bfdd;
  }

  /** @param configuration lines below `bfd` */
  static async start(host: Host, configuration: readonly string[]): Promise<Bfdd> {
    needProgram(`${DAEMONS}/bfdd`, "frr");
    const sockets = host.path("frr");
    mkdirSync(sockets, { recursive: true });
    await run(ofRouters(["chown", "frr:frr", sockets]));
    const zebra = await startDaemon(host, sockets, "zebra", `hostname ${host.name}\n`);
    await eventually("zebra listens", 5000, () => existsSync(`${sockets}/zserv.api`));
    const bfdd = await startBfdd(host, sockets, configuration);
    const daemon = new Bfdd(sockets, zebra, bfdd);
    await eventually("bfdd answers vtysh", 5000, async () => (await daemon.vtysh("show bfd peers json")) !== "");
    return daemon;
  }

  async vtysh(...commands: readonly string[]): Promise<string> {
    return await run(ofRouters(["vtysh", "--vty_socket", this.#sockets, ...commands.flatMap((command) => ["-c", command])]));
  }

  /** Its session with a peer; undefined if it has none. */
  async peer(address: string): Promise<BfddPeer | undefined> {
    const peers = await this.#json<BfddPeer>("show bfd peers json");
    return peers.find(({ peer }) => peer === address);
  }

  /** How often its session with a peer went down. */
  async downs(address: string): Promise<number> {
    const counters = await this.#json<{ readonly peer: string; readonly "session-down": number }>("show bfd peers counters json");
    return counters.find(({ peer }) => peer === address)?.["session-down"] ?? 0;
  }

  async #json<Row>(command: string): Promise<readonly Row[]> {
    return JSON.parse(await this.vtysh(command)) as readonly Row[];
  }
}
