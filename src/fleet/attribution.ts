/**
 * How many VIPs each host was last heard to claim, held against how many it says that it serves: if it says fewer, some of what it
 * claimed it has since given up, to a host that is gone, or out of this one's hearing.
 */

/** The two may differ for a moment: hellos and claims cross. */
const CROSSING_MS = 1_000;
/** After a doubt the next is raised later and later, while the difference stays. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;

export class Attribution {
  readonly #claims = new Map<string, number>();
  readonly #short = new Map<string, { readonly doubtAt: number; readonly pauseMs: number }>();

  /** A VIP's last claimant changed. */
  move(from: string | undefined, to: string | undefined): void {
    if (from === to) return;
    if (to !== undefined) this.#claims.set(to, (this.#claims.get(to) ?? 0) + 1);
    if (from === undefined) return;
    const left = (this.#claims.get(from) ?? 1) - 1;
    if (left > 0) this.#claims.set(from, left);
    else this.#claims.delete(from);
  }

  /** Takes in how many VIPs a host says that it serves; true if its claims are to be doubted now. */
  fallsShort(instance: string, serving: number, now: number): boolean {
    if (serving >= (this.#claims.get(instance) ?? 0)) {
      this.#short.delete(instance);
      return false;
    }
    const short = this.#short.get(instance);
    if (short === undefined) {
      this.#short.set(instance, { doubtAt: now + CROSSING_MS, pauseMs: FIRST_PAUSE_MS });
      return false;
    }
    if (now < short.doubtAt) return false;
    this.#short.set(instance, { doubtAt: now + short.pauseMs, pauseMs: Math.min(2 * short.pauseMs, LONGEST_PAUSE_MS) });
    return true;
  }

  /** The hosts that are not there any more need no doubts. */
  forget(gone: (instance: string) => boolean): void {
    for (const instance of this.#short.keys()) if (gone(instance)) this.#short.delete(instance);
  }
}
