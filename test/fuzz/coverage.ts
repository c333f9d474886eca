/**
 * Which characters of the source have run, by V8's own precise coverage: an input that reaches a new one is worth keeping.
 *
 * To be started before the code under test is imported: what is compiled earlier has no counters for its branches.
 */
import { Session } from "node:inspector";

/** By script: 1 for each character that has run. */
export type Reached = ReadonlyMap<string, Uint8Array>;

export class Coverage {
  readonly #session = new Session();
  readonly #isWatched: (url: string) => boolean;
  readonly #known = new Map<string, Map<string, Uint8Array>>();

  constructor(isWatched: (url: string) => boolean) {
    this.#isWatched = isWatched;
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** What has run since the last call. */
  take(): Reached {
    const taken = new Map<string, Uint8Array>();
    this.#session.post("Profiler.takePreciseCoverage", (error, coverage) => {
      if (error !== null) throw error;
      for (const { url, functions } of coverage.result) {
        if (!this.#isWatched(url)) continue;
        const ranges = functions.flatMap((one) => one.ranges);
        const characters = new Uint8Array(ranges.reduce((end, { endOffset }) => Math.max(end, endOffset), 0));
        // Outer ranges come before those inside them.
        for (const { startOffset, endOffset, count } of ranges) characters.fill(count > 0 ? 1 : 0, startOffset, endOffset);
        taken.set(url, characters);
      }
    });
    return taken;
  }

  /** Adds it to what is known for that subject; returns how many characters are new. */
  learn(subject: string, reached: Reached): number {
    const known = this.#known.get(subject) ?? new Map<string, Uint8Array>();
    this.#known.set(subject, known);
    let fresh = 0;
    for (const [url, now] of reached) {
      const before = widened(known.get(url), now.length);
      known.set(url, before);
      for (let i = 0; i < now.length; i++) {
        if (now[i] !== 1 || before[i] === 1) continue;
        before[i] = 1;
        fresh++;
      }
    }
    return fresh;
  }

  /** Whether anything in it is not known for that subject. */
  isNew(subject: string, reached: Reached): boolean {
    const known = this.#known.get(subject);
    return [...reached].some(([url, now]) => {
      const before = known?.get(url);
      return now.some((runs, i) => runs === 1 && before?.[i] !== 1);
    });
  }
}

function widened(characters: Uint8Array | undefined, length: number): Uint8Array {
  if (characters !== undefined && characters.length >= length) return characters;
  const wide = new Uint8Array(length);
  wide.set(characters ?? []);
  return wide;
}
