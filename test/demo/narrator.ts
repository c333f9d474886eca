/** What the demo says: one heading per step, and below it what was observed. */

const started = performance.now();

export function heading(text: string): void {
  console.log(`\n${elapsed()}  ${text}`);
}

/** A fact that was observed, and is as it should be. */
export function observed(text: string): void {
  console.log(`         ✓ ${text}`);
}

/** Something to know that is not an observation. */
export function remark(text: string): void {
  console.log(`         ${text.replaceAll("\n", "\n         ")}`);
}

/** An observation that is wrong ends the demo. */
export class WrongObservation extends Error {}

/** Says `text` if `right` holds; else throws WrongObservation with `otherwise`. */
export function expect(right: boolean, text: string, otherwise: string): asserts right {
  if (!right) throw new WrongObservation(`expected: ${text}\nobserved: ${otherwise}`);
  observed(text);
}

/** A length of time for people. */
export function ms(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : value < 10_000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`;
}

function elapsed(): string {
  return `[${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s]`;
}
