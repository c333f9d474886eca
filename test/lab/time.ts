/** The lab's one clock: CLOCK_MONOTONIC, the same for every process of the machine, in every namespace. */

/** Milliseconds with microseconds behind the point; comparable between the lab and all programs that it starts. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
