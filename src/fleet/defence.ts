/**
 * The defence of a VIP that this host serves against a stranger who uses it: one announcement, a single frame, in ten seconds, for as long
 * as he goes on, so that nobody's cache leads to him for longer, and two that both defend it make no storm (RFC 5227 2.4 (c)). Pure.
 */
import type { Mac } from "../net/index.ts";

export type Defence = {
  /** Who used the VIP since it was last defended; undefined: nobody. */
  readonly against: Mac | undefined;
  /** Not before then is it defended. */
  readonly dueAt: number;
};

/** Nobody has used it. */
export const NO_DEFENCE: Defence = { against: undefined, dueAt: -Infinity };

/** A host of the fleet that is new has been heard by then. */
const UNKNOWN_MS = 1_000;
const DEFEND_INTERVAL_MS = 10_000; // RFC 5227 1.1

/** Somebody of whom no hello was heard uses the VIP. */
export function provoked(defence: Defence, mac: Mac, now: number): Defence {
  return defence.against !== undefined ? defence : { against: mac, dueAt: Math.max(defence.dueAt, now + UNKNOWN_MS) };
}

/** The VIP is announced once more. */
export function defended(now: number): Defence {
  return { against: undefined, dueAt: now + DEFEND_INTERVAL_MS };
}
