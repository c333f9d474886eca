/** A queue of dirty keys, drained in slices so that nothing else waits long. Never re-entered. */

export type QueueOptions<K> = {
  readonly pass: (keys: readonly K[]) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Runs the function in a later turn of the loop. */
  readonly soon: (fn: () => void) => void;
};

const SLICE_MS = 2;
/** Few enough that one pass, with the frames that follow from it, is not much longer than a slice. */
const KEYS_A_PASS = 64;

export class DirtyQueue<K> {
  readonly #dirty = new Set<K>();
  /** Where the next pass goes on; from the front of the set it would walk over all that is gone already. */
  #next = this.#dirty.values();
  readonly #options: QueueOptions<K>;
  #scheduled = false;

  constructor(options: QueueOptions<K>) {
    this.#options = options;
  }

  /** Nothing is left to do. */
  get idle(): boolean {
    return this.#dirty.size === 0;
  }

  mark(keys: Iterable<K>): void {
    for (const key of keys) this.#dirty.add(key);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#dirty.size === 0) return;
    this.#scheduled = true;
    this.#options.soon(this.#slice);
  }

  readonly #slice = (): void => {
    const end = this.#options.now() + SLICE_MS;
    try {
      do this.#options.pass(this.#take());
      while (this.#dirty.size > 0 && this.#options.now() < end);
    } finally {
      this.#scheduled = false;
      this.#schedule();
    }
  };

  #take(): readonly K[] {
    const keys: K[] = [];
    while (keys.length < KEYS_A_PASS) {
      const { done, value } = this.#next.next();
      if (done === true) {
        this.#next = this.#dirty.values();
        return keys;
      }
      this.#dirty.delete(value);
      keys.push(value);
    }
    return keys;
  }
}
