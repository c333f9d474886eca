/**
 * What one life of the daemon tells the next about routers that keep its routes (RFC 4724): which they are, and when it left.
 *
 * Written when it changes, so that it is there after a crash as well; the time only by a restart that was meant. Nothing of it counts
 * after a reboot: this host has forwarded nothing meanwhile.
 */
import type { Keeper } from "./bgp/index.ts";
import { bootId, type Keepsakes, sinceBootMs } from "./linux/index.ts";

const NAME = "bgp-restart";

/** `leftMs`: when the daemon left, in ms since the boot; null while it runs, and after a crash. */
type Memory = { readonly boot: string; readonly leftMs: number | null; readonly keepers: readonly Keeper[] };

export type Machine = {
  /** "" where it cannot be told. */
  bootId(): string;
  sinceBootMs(): number | undefined;
};

export class LastLeave {
  readonly #keepsakes: Keepsakes;
  readonly #machine: Machine;
  #keepers: readonly Keeper[];

  constructor(keepsakes: Keepsakes, machine: Machine = { bootId, sinceBootMs }) {
    this.#keepsakes = keepsakes;
    this.#machine = machine;
    const { keepers, leftMs } = recall(keepsakes.read(NAME), machine.bootId());
    const awayMs = leftMs === null ? 0 : (machine.sinceBootMs() ?? Infinity) - leftMs;
    this.#keepers = keepers.filter(({ restartMs }) => awayMs < restartMs);
  }

  /** Those that still keep the routes of the last life, as far as can be known; after a crash it is not known when that was. */
  keepers(): readonly Keeper[] {
    return this.#keepers;
  }

  /** These would keep them now. */
  stands(keepers: readonly Keeper[]): void {
    this.#keepers = keepers;
    this.#write(null);
  }

  /** The daemon ends, and has told goodbye to all others. */
  left(): void {
    if (this.#keepers.length > 0) this.#write(this.#machine.sinceBootMs() ?? null);
  }

  #write(leftMs: number | null): void {
    this.#keepsakes.keep(NAME, JSON.stringify({ boot: this.#machine.bootId(), leftMs, keepers: this.#keepers } satisfies Memory));
  }
}

const NOTHING: Memory = { boot: "", leftMs: null, keepers: [] };

/** A file of another boot, or that makes no sense, says nothing. */
function recall(text: string | undefined, boot: string): Memory {
  try {
    const memory = JSON.parse(text ?? "") as Partial<Memory> | null;
    if (memory?.boot !== boot || boot === "" || !Array.isArray(memory.keepers)) return NOTHING;
    const keepers = (memory.keepers as readonly Partial<Keeper>[]).flatMap(({ peer, restartMs }) => (typeof peer === "string" && typeof restartMs === "number" ? [{ peer, restartMs }] : []));
    return { boot: memory.boot, leftMs: typeof memory.leftMs === "number" ? memory.leftMs : null, keepers };
  } catch {
    return NOTHING;
  }
}
