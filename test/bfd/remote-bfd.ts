/** Drives bfd-process.ts on a host of a lab. */
import { join } from "node:path";
import type { BfdEvent, BfdProfile, BfdSession, BfdSessionStatus, BfdStatus } from "../../src/bfd/index.ts";
import { address } from "../../src/net/index.ts";
import { type Host, type LabProcess, eventually } from "../lab/index.ts";

export const PROFILE: BfdProfile = { requiredMinRxMs: 200, desiredMinTxMs: 200, detectMult: 3, echoMs: undefined, passive: false, minimumTtl: 254 };

export type Wanted = Partial<Omit<BfdSession, "remote" | "local" | "profile">> & { readonly remote: string; readonly local?: string; readonly profile?: Partial<BfdProfile> };

export class RemoteBfd {
  readonly process: LabProcess;

  private constructor(process: LabProcess) {
    this.process = process;
  }

  static async start(host: Host): Promise<RemoteBfd> {
    return new RemoteBfd(await host.spawn([process.execPath, join(import.meta.dirname, "bfd-process.ts")], { name: "bfd" }));
  }

  apply(...sessions: readonly Wanted[]): void {
    this.#tell({ do: "apply", sessions: sessions.map(sessionOf) });
  }

  async status(): Promise<BfdStatus> {
    const from = this.process.lines.length;
    this.#tell({ do: "status" });
    const { text } = await this.process.waitForLine(/^STATUS /, 8000, from);
    return JSON.parse(text.slice("STATUS ".length)) as BfdStatus;
  }

  async session(peer = "router"): Promise<BfdSessionStatus> {
    const session = (await this.status()).sessions.find((one) => one.peer === peer);
    if (session === undefined) throw new Error(`there is no session with ${peer}`);
    return session;
  }

  /** The session's status once both sides are Up, and so no longer at the slow pace. */
  async up(peer = "router"): Promise<BfdSessionStatus> {
    return await eventually(`BFD with ${peer} is up`, 10_000, async () => {
      const session = await this.session(peer);
      return session.state === "up" && session.remoteState === "up" && session.transmitMs !== undefined && session.transmitMs < 1000 ? session : undefined;
    });
  }

  /** When the first such event of a session comes, of those from the line `from` on. */
  async event(type: BfdEvent["type"], from = 0, peer = "router"): Promise<{ readonly at: number; readonly event: BfdEvent }> {
    const line = await this.process.waitForLine(new RegExp(`^EVENT \\{"type":"${type}","peer":"${peer}"`), 10_000, from);
    return { at: line.at, event: JSON.parse(line.text.slice("EVENT ".length)) as BfdEvent };
  }

  /** The first line of the log that says this. */
  async says(pattern: RegExp, from = 0): Promise<string> {
    return (await this.process.waitForLine(pattern, 10_000, from)).text;
  }

  busy(ms: number, everyMs: number): void {
    this.#tell({ do: "busy", ms, everyMs });
  }

  block(ms: number): void {
    this.#tell({ do: "block", ms });
  }

  async stop(): Promise<void> {
    this.#tell({ do: "stop" });
    await this.process.waitForLine(/^STOPPED/, 5000);
    await this.process.exited;
  }

  #tell(command: object): void {
    this.process.tell(JSON.stringify(command));
  }
}

function sessionOf({ remote, local, profile, ...rest }: Wanted): BfdSession {
  return { peer: "router", zone: undefined, multihop: false, ...rest, remote: address(remote), local: local === undefined ? undefined : address(local), profile: { ...PROFILE, ...profile } };
}
