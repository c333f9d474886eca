/** Silence as a client sees it: the lab's side of programs/prober.ts. */
import { join } from "node:path";
import { eventually, within } from "./eventually.ts";
import type { Host } from "./host.ts";
import type { LabProcess } from "./run.ts";

export type ProbeTarget = {
  /** tcp: a connection is made; udp: an echo comes back. */
  readonly kind: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  readonly intervalMs: number;
  /** A question without an answer for this long is lost. */
  readonly timeoutMs: number;
};

/** A time without an answer, between two answers; times by `now()`. */
export type Silence = {
  readonly from: number;
  readonly to: number;
  readonly ms: number;
  /** Questions in it that got no answer. */
  readonly lost: number;
  /** How late the prober itself was meanwhile, at most: a large part of `ms` means that the machine was busy, not the network silent. */
  readonly stalledMs: number;
};

export type ProbeReport = {
  readonly probes: number;
  readonly answers: number;
  readonly lost: number;
  /** Why questions were lost: "timeout", ECONNREFUSED … */
  readonly errors: Readonly<Record<string, number>>;
  /** Those of 40 ms and more. */
  readonly silences: readonly Silence[];
  /** 0 if none was worth noting. */
  readonly longestSilenceMs: number;
  readonly delayMs: { readonly median: number; readonly p99: number };
};

export type ProbeEvent =
  | { readonly event: "answering"; readonly at: number; /** Undefined for the first answer ever. */ readonly silentMs: number | undefined }
  | { readonly event: "silent"; /** The last answer before. */ readonly at: number }
  | { readonly event: "report"; readonly report: ProbeReport };

/** A client of the lab that asks an address again and again. */
export class Prober {
  readonly #process: LabProcess;

  private constructor(started: LabProcess) {
    this.#process = started;
  }

  static async start(host: Host, target: ProbeTarget): Promise<Prober> {
    const program = join(import.meta.dirname, "programs", "prober.ts");
    return new Prober(await host.spawn([process.execPath, program, JSON.stringify(target)], { name: "prober" }));
  }

  /** Changes between silence and answers so far (silences above 100 ms). */
  events(): readonly ProbeEvent[] {
    return this.#process.lines.flatMap((line) => (line.stream === "stdout" ? [JSON.parse(line.text) as ProbeEvent] : []));
  }

  /** Waits until it gets answers. */
  async answering(withinMs: number): Promise<void> {
    await eventually(`${this.#process.name} gets answers`, withinMs, () => {
      if (this.#process.exit !== undefined) throw new Error(`the prober ended:\n${this.#process.lastLines()}`);
      return this.events().at(-1)?.event === "answering";
    });
  }

  /** Waits until a silence of more than 100 ms that began after `since` (by `now()`) is over, and returns its length in ms. */
  async recovered(since: number, withinMs: number): Promise<number> {
    return await eventually(`${this.#process.name} gets answers again`, withinMs, () => {
      const end = this.events().find((event) => event.event === "answering" && event.silentMs !== undefined && event.at > since);
      return end?.event === "answering" ? end.silentMs : undefined;
    });
  }

  /** Waits until nothing has answered for 100 ms. */
  async silent(withinMs: number): Promise<void> {
    await eventually(`${this.#process.name} gets no answer`, withinMs, () => this.events().at(-1)?.event === "silent");
  }

  /** Ends it and returns what it saw. */
  async stop(): Promise<ProbeReport> {
    this.#process.tell("stop");
    await within(`${this.#process.name} reported`, 5000, this.#process.exited, () => `:\n${this.#process.lastLines()}`);
    for (const event of this.events()) if (event.event === "report") return event.report;
    throw new Error(`${this.#process.name} ended without a report:\n${this.#process.lastLines()}`);
  }
}
