/** The pulse of the main loop, felt in the worker thread: a host that cannot act must not look alive. */

/** A main loop that has not turned for so long counts as dead. */
const DEAD_MS = 2000;

export class Pulse {
  /** One 64-bit integer: when the main loop last turned, by `processMs`. */
  readonly shared: SharedArrayBuffer;
  readonly #lastTurn: BigInt64Array;

  constructor(shared = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#lastTurn = new BigInt64Array(shared);
  }

  /** The main loop turns. */
  beat(): void {
    Atomics.store(this.#lastTurn, 0, BigInt(processMs()));
  }

  /** How long ago the main loop last turned, in ms. */
  get lagMs(): number {
    return processMs() - Number(Atomics.load(this.#lastTurn, 0));
  }

  /** Nothing is to be said for this host any more. */
  get isDead(): boolean {
    return this.lagMs > DEAD_MS;
  }
}

/** The clock that all threads of a process share, in ms. */
export function processMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
