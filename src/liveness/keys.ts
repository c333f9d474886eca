/**
 * The fleet's key while it changes. The hosts learn of another key one after the other, within a minute or so, and must not be deaf to
 * each other meanwhile: the first key is used at once, and unsigned hellos are believed for a while longer; another key is believed at once,
 * and used when everybody must have it, or when somebody is heard to use it; a key that is given up is used a while longer.
 */
import type { Clock, Timer } from "../time/index.ts";

export type Keys = {
  /** With which hellos are signed; undefined: they are not, and everything is believed. */
  readonly current: Uint8Array | undefined;
  /** With which they will be signed, and which is believed already. */
  readonly next: Uint8Array | undefined;
  /** What was in use before the current one, and is still believed. */
  readonly previous: Uint8Array | "unsigned" | undefined;
};

/** Longer than every host that can reach the API takes to look at the Secret again, an attempt that fails included. */
export const GRACE_MS = 120_000;

export class FleetKeys {
  readonly #clock: Clock;
  readonly #onChange: (keys: Keys) => void;
  #keys: Keys = { current: undefined, next: undefined, previous: undefined };
  /** The key in use once the change is over. */
  #goal: Uint8Array | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock, onChange: (keys: Keys) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get keys(): Keys {
    return this.#keys;
  }

  /** The key that this host has had all along: no other is believed. Undefined: there is none. */
  use(key: Uint8Array | undefined): void {
    this.#goal = key;
    this.#become({ current: key, next: undefined, previous: undefined });
  }

  /** Another key than before, or none any more, of which the other hosts may learn sooner or later. */
  change(key: Uint8Array | undefined): void {
    if (isSame(key, this.#goal)) return;
    this.#goal = key;
    const { current, previous } = this.#keys;
    const settle = (): void => { this.use(key); };
    if (key === undefined) this.#become({ current, next: undefined, previous: "unsigned" }, settle);
    else if (current === undefined) this.#become({ current: key, next: undefined, previous: "unsigned" }, settle);
    else if (isSame(key, current)) this.#become({ current, next: undefined, previous }, settle);
    else this.#become({ current, next: key, previous }, () => { this.nextIsUsed(); });
  }

  /** Somebody signs with the next key. */
  nextIsUsed(): void {
    const { current, next } = this.#keys;
    if (next !== undefined) this.#become({ current: next, next: undefined, previous: current }, () => { this.use(next); });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #become(keys: Keys, afterwards?: () => void): void {
    this.#timer?.cancel();
    this.#timer = afterwards && this.#clock.timer("change of the fleet's key", GRACE_MS, afterwards);
    this.#keys = keys;
    this.#onChange(keys);
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}
