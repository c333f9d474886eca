/**
 * The peers that would keep this host's routes if the daemon were gone now (RFC 4724), as the next life of the daemon has to know
 * them: what it was told of the last one, and what it tells the next. No I/O: `save` does that.
 */

export type Keeper = {
  /** The name of the peer. */
  readonly peer: string;
  /** How long it keeps them, in ms. */
  readonly restartMs: number;
};

export class RouteKeepers {
  readonly #keepers: Map<string, Keeper>;
  readonly #kept: Set<string>;
  readonly #save: (keepers: readonly Keeper[]) => void;

  /** @param lastLife those that keep the routes of the life before this one, as far as is known */
  constructor(lastLife: readonly Keeper[], save: (keepers: readonly Keeper[]) => void) {
    this.#keepers = new Map(lastLife.map((keeper) => [keeper.peer, keeper]));
    this.#kept = new Set(this.#keepers.keys());
    this.#save = save;
  }

  /** Whether it kept the routes of the last life, and has not let go of them since. */
  hasKept(peer: string): boolean {
    return this.#kept.has(peer);
  }

  /** Whether it would keep the routes now. */
  wouldKeep(peer: string): boolean {
    return this.#keepers.has(peer);
  }

  /** A session stands on which that was agreed; 0 ms: that it keeps none. */
  agreed(peer: string, restartMs: number): void {
    if (restartMs === 0) this.released(peer);
    else if (this.#keepers.get(peer)?.restartMs !== restartMs) {
      this.#keepers.set(peer, { peer, restartMs });
      this.#save([...this.#keepers.values()]);
    }
  }

  /** It has been told goodbye: it has nothing any more. */
  released(peer: string): void {
    this.#kept.delete(peer);
    if (this.#keepers.delete(peer)) this.#save([...this.#keepers.values()]);
  }
}
