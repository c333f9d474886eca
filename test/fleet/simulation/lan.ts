/** The network of the simulation: segments on which frames take a moment and reach whoever is connected. */
import type { Address, Mac } from "../../../src/net/index.ts";
import type { Random, VirtualWorld } from "../../../src/time/index.ts";

export type Frame =
  | { readonly frame: "hello"; readonly payload: unknown }
  | { readonly frame: "announcement"; readonly address: Address; readonly mac: Mac }
  | { readonly frame: "question"; readonly address: Address; readonly mac: Mac }
  | { readonly frame: "answer"; readonly address: Address; readonly mac: Mac };

/** A host's connection to a segment. */
export interface Port {
  readonly mac: Mac;
  /** The cable is in. */
  readonly connected: boolean;
  /** Ports with another number are on the other side of a split. */
  readonly side: number;
  receive(frame: Frame): void;
}

export class Lan {
  readonly name: string;
  readonly #world: VirtualWorld;
  readonly #random: Random;
  readonly #ports: Port[] = [];
  /** Of all frames, how many are lost: 0–1. */
  loss = 0;
  readonly counts: Record<Frame["frame"], number> = { hello: 0, announcement: 0, question: 0, answer: 0 };

  constructor(name: string, world: VirtualWorld, random: Random) {
    this.name = name;
    this.#world = world;
    this.#random = random;
  }

  join(port: Port): void {
    this.#ports.push(port);
  }

  reaches(from: Port, to: Port): boolean {
    return from !== to && from.connected && to.connected && from.side === to.side;
  }

  broadcast(from: Port, frame: Frame): void {
    this.counts[frame.frame]++;
    for (const port of this.#ports) this.#carry(from, port, frame);
  }

  unicast(from: Port, mac: Mac, frame: Frame): void {
    this.counts[frame.frame]++;
    for (const port of this.#ports) if (port.mac === mac) this.#carry(from, port, frame);
  }

  #carry(from: Port, to: Port, frame: Frame): void {
    if (!this.reaches(from, to) || (this.loss > 0 && this.#random() < this.loss)) return;
    this.#world.after(0.2 + 0.8 * this.#random(), () => {
      if (to.connected) to.receive(frame);
    });
  }
}
