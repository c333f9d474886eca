/**
 * Runs the fleet's simulation: `node test/fleet/simulate.ts [--seeds N] [--first S] [--seed S] [--story]`.
 *
 * Without --seed it runs N seeds and says which failed; with it that one, and with --story everything that happened in it.
 */
import { parseArgs } from "node:util";
import { simulate } from "./simulation/simulation.ts";

const { values } = parseArgs({ options: { seeds: { type: "string", default: "300" }, first: { type: "string", default: "1" }, seed: { type: "string" }, story: { type: "boolean", default: false } } });

const first = Number(values.seed ?? values.first);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const began = performance.now();
const failed: number[] = [];
const kinds = new Map<string, number[]>();
const silences = new Map<string, number[]>();
for (let seed = first; seed < first + count; seed++) {
  const result = simulate(seed, values.story ? "told" : "untold");
  for (const line of result.story) console.log(line);
  for (const { cause, ms } of result.silences) silences.set(cause, [...(silences.get(cause) ?? []), ms]);
  if (result.violations.length === 0) continue;
  failed.push(seed);
  for (const { invariant, at, what } of result.violations.slice(0, 3)) console.log(`seed ${seed} (${result.schedule.kinds.join(" ")}) ${(at / 1_000).toFixed(2)} s: invariant ${invariant}: ${what}`);
  for (const kind of new Set(result.schedule.kinds)) kinds.set(kind, [...(kinds.get(kind) ?? []), seed]);
}
console.log(`${count} seeds, ${failed.length} failed, ${((performance.now() - began) / count).toFixed(1)} ms each`);
for (const [cause, list] of silences) {
  const sorted = list.sort((a, b) => a - b);
  const quantile = (q: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0).toFixed(0);
  console.log(`silence, ${cause}: ${sorted.length} times, median ${quantile(0.5)} ms, 99 % ${quantile(0.99)} ms, longest ${quantile(1)} ms`);
}
for (const [kind, seeds] of kinds) console.log(`${kind}: ${seeds.length} failed, ${seeds.slice(0, 10).join(" ")}`);
if (failed.length > 0) process.exitCode = 1;
