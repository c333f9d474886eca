/** All sessions while they run: finds the one that a datagram is for. In the worker thread, without sockets of its own. */
import { parseAddress } from "../net/index.ts";
import { BfdError, decodeBfd, type ReceivedBfdControl } from "../wire/index.ts";
import { choose } from "./demultiplex.ts";
import type { ToThread } from "./messages.ts";
import { Runner, type RunnerParts } from "./runner.ts";

export class Engine {
  readonly #parts: RunnerParts;
  /** By local discriminator. */
  readonly #runners = new Map<number, Runner>();
  #arrivals = 0;

  constructor(parts: Omit<RunnerParts, "arrivals">) {
    this.#parts = {
      ...parts,
      arrivals: () => this.#arrivals,
      tell: (message) => {
        if (message.type === "removed") this.#runners.delete(message.session);
        parts.tell(message);
      },
    };
  }

  take(message: Extract<ToThread, { readonly type: "add" | "configure" | "echo" | "remove" }>): void {
    switch (message.type) {
      case "add": {
        const runner = new Runner(message, this.#parts);
        this.#runners.set(message.session, runner);
        runner.start();
        return;
      }
      case "configure":
        this.#runners.get(message.session)?.configure(message.profile);
        return;
      case "echo":
        this.#runners.get(message.session)?.echo(message.path);
        return;
      case "remove":
        this.#runners.get(message.session)?.remove();
    }
  }

  /** A datagram that came by one of the sockets. `source`: as Node spells addresses. */
  arrived(listener: number, datagram: Uint8Array, source: string): void {
    this.#arrivals++;
    const packet = this.#decode(listener, datagram, source);
    if (packet === undefined) return;
    const { candidate, refusal } = choose(packet, {
      byDiscriminator: (local) => {
        const runner = this.#runners.get(local);
        return runner?.listener === listener ? runner : undefined;
      },
      bySource: () => this.#from(listener, source),
    });
    if (refusal === undefined) candidate.received(packet);
    else (candidate ?? this.#from(listener, source))?.discarded(refusal);
  }

  stop(): void {
    for (const runner of this.#runners.values()) runner.stop();
    this.#runners.clear();
  }

  #decode(listener: number, datagram: Uint8Array, source: string): ReceivedBfdControl | undefined {
    try {
      return decodeBfd(datagram);
    } catch (error) {
      if (!(error instanceof BfdError)) throw error;
      this.#from(listener, source)?.discarded(error.fault);
      return undefined;
    }
  }

  /** The session with a peer that is not leaving. */
  #from(listener: number, source: string): Runner | undefined {
    const address = parseAddress(source.split("%")[0] ?? "");
    for (const runner of this.#runners.values()) if (runner.listener === listener && runner.remote === address && !runner.leaving) return runner;
    return undefined;
  }
}
