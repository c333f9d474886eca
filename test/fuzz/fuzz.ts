/**
 * Fuzzes what takes octets from the network: `npm run fuzz -- [--seconds N] [--seed N] [--target NAME] [--grow]`.
 *
 * Seeds are mutated, what reaches new code is mutated further. An input that breaks a rule is made as small as it still breaks it
 * and saved in crashers/, where replay.test.ts finds it from then on. With --grow, short inputs that reached new code become seeds.
 */
import { parseArgs } from "node:util";
import { seededRandom } from "../../src/time/index.ts";
import { addSeeds, crashersOf, saveCrasher, seedsOf } from "./corpus.ts";
import { Coverage } from "./coverage.ts";
import { mutate } from "./mutate.ts";
import type { Target } from "./targets.ts";

const BATCH = 256; // inputs between two looks at the coverage
const MOST_CRASHERS = 20; // of one target; then something is broken that one of them will show
const MOST_SHRINKING = 2000; // attempts
const LONGEST_SEED = 160; // octets

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "30" }, seed: { type: "string", default: "1" }, target: { type: "string" }, grow: { type: "boolean", default: false } },
});

const coverage = new Coverage((url) => /\/src\/(wire|bgp|l2|net)\//.test(url));
const { TARGETS } = await import("./targets.ts");
const { breakOf } = await import("./break.ts");

type Hunt = { readonly target: Target; readonly pool: Uint8Array[]; readonly found: Uint8Array[]; readonly broken: Map<string, string>; inputs: number; reached: number };

const random = seededRandom(Number(values.seed));
const hunts = TARGETS.filter(({ name }) => values.target === undefined || name === values.target).map(begin);
if (hunts.length === 0) throw new Error(`no target ${values.target ?? ""}; there are ${TARGETS.map(({ name }) => name).join(", ")}`);
const until = performance.now() + Number(values.seconds) * 1000;
while (performance.now() < until) for (const hunt of hunts) batch(hunt);

for (const { target, inputs, pool, found, reached, broken } of hunts) {
  console.log(`${target.name}: ${inputs} inputs, ${pool.length} kept (${found.length} of them new), ${reached} characters of source reached${broken.size === 0 ? "" : `, ${broken.size} RULES BROKEN`}`);
  for (const [what, file] of broken) console.log(`  ${what}\n    ${file}`);
  if (values.grow && found.length > 0) addSeeds(target.name, found.filter(({ length }) => length <= LONGEST_SEED));
}
if (hunts.some(({ broken }) => broken.size > 0)) process.exitCode = 1;

function begin(target: Target): Hunt {
  const seeds = [...seedsOf(target.name), ...crashersOf(target.name).values()];
  const hunt: Hunt = { target, pool: seeds.length === 0 ? [new Uint8Array(64)] : seeds, found: [], broken: new Map(), inputs: 0, reached: 0 };
  coverage.take();
  for (const seed of seeds) attempt(hunt, seed);
  hunt.reached = coverage.learn(target.name, coverage.take());
  return hunt;
}

function batch(hunt: Hunt): void {
  const { target, pool } = hunt;
  coverage.take();
  const inputs = Array.from({ length: BATCH }, () => mutate(pool[Math.floor(random() * pool.length)] ?? new Uint8Array(0), pool, target.most, random));
  for (const input of inputs) attempt(hunt, input);
  hunt.inputs += inputs.length;
  const reached = coverage.take();
  if (!coverage.isNew(target.name, reached)) return;
  keepNew(hunt, inputs);
  hunt.reached += coverage.learn(target.name, reached); // what none of them reaches a second time
}

/** Keeps those that reach something new, found by halves: a look at the coverage costs as much as hundreds of inputs. */
function keepNew(hunt: Hunt, inputs: readonly Uint8Array[]): void {
  const { target, pool, found } = hunt;
  for (const input of inputs) breakOf(target, input);
  const reached = coverage.take();
  const [only] = inputs;
  if (only === undefined || !coverage.isNew(target.name, reached)) return;
  if (inputs.length === 1) {
    hunt.reached += coverage.learn(target.name, reached);
    pool.push(only);
    found.push(only);
  } else {
    const half = inputs.length >> 1;
    keepNew(hunt, inputs.slice(0, half));
    keepNew(hunt, inputs.slice(half));
  }
}

function attempt(hunt: Hunt, input: Uint8Array): void {
  const { target, broken } = hunt;
  const what = breakOf(target, input);
  if (what === undefined || broken.has(what) || broken.size >= MOST_CRASHERS) return;
  broken.set(what, saveCrasher(target.name, smallest(target, input, what), what));
}

/** Takes pieces away, the larger ones first, while the same rule stays broken. */
function smallest(target: Target, input: Uint8Array, what: string): Uint8Array {
  let small = input;
  let attempts = 0;
  for (let piece = Math.max(1, small.length >> 1); piece >= 1; piece >>= 1) {
    for (let at = 0; at + piece <= small.length && attempts < MOST_SHRINKING; attempts++) {
      const shorter = Uint8Array.of(...small.subarray(0, at), ...small.subarray(at + piece));
      if (breakOf(target, shorter) === what) small = shorter;
      else at += piece;
    }
  }
  return small;
}
