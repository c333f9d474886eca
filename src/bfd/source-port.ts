/** The port from which the packets of a session leave: of its own for as long as it lives (RFC 5881 4). */
import type { Random } from "../time/index.ts";

const FIRST = 49_152;
const LAST = 65_535;
/** Others on this host have ports of this range, too. */
const ATTEMPTS = 64;

/** Ports to try, each at most once, none of `taken`; drawn, so that a session seldom gets one that it had before a restart. */
export function* sourcePorts(taken: ReadonlySet<number>, random: Random): Generator<number> {
  const count = LAST - FIRST + 1;
  const offset = Math.floor(random() * count);
  for (let i = 0, left = ATTEMPTS; i < count && left > 0; i++) {
    const port = FIRST + ((offset + i) % count);
    if (taken.has(port)) continue;
    left--;
    yield port;
  }
}
