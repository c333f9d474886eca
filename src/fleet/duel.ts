/**
 * A duel: this host and one that comes after it both claim a VIP. This one repeats its announcement, so that the other hears that it is
 * claimed, but not faster and faster. Pure.
 */

export type Duel = {
  readonly repeats: number;
  /** When the other was last heard to claim. */
  readonly lastAt: number;
  /** Not before then is the announcement repeated. */
  readonly nextAt: number;
  /** It is to be repeated then. */
  readonly pending: boolean;
};

export const NO_DUEL: Duel = { repeats: 0, lastAt: -Infinity, nextAt: -Infinity, pending: false };

/** Between one repeat and the next. */
const PAUSES_MS = [1_000, 2_000, 4_000, 8_000] as const;
const FORGOTTEN_MS = 30_000;

/** The other claimed. */
export function challenged(duel: Duel, now: number): Duel {
  return { ...duel, repeats: now - duel.lastAt > FORGOTTEN_MS ? 0 : duel.repeats, lastAt: now, pending: true };
}

/** This host repeats its announcement. */
export function repeated(duel: Duel, now: number): Duel {
  const pause = PAUSES_MS[Math.min(duel.repeats, PAUSES_MS.length - 1)] ?? 0;
  return { ...duel, repeats: duel.repeats + 1, nextAt: now + pause, pending: false };
}
