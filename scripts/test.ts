/**
 * Runs every test that this machine allows and ends with a plain count. Usage: node scripts/test.ts [FILE ...]
 *
 * First what is pure, then what needs namespaces, routers or a control plane, so that the latter are not disturbed by the load of
 * the former; of those first the ones that need the machine for themselves. A test that cannot run here is skipped with its reason, and the reasons are printed at the end.
 */
import { globSync } from "node:fs";
import { join, relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

const root = join(import.meta.dirname, "..");
const TEST_TIMEOUT_MS = 300_000;

/** Rooms whose tests start processes and measure what those do in time. */
const WITH_PROCESSES = /^test\/(kube|lab|liveness|linux|l2|package|system|thread)\/|interop|bgp\/(full-table|hostile|unnumbered)|bfd\/sockets/;

/** Of those, the ones that wait more than they work, and do not measure how long something took: two files at a time. */
const IN_PAIRS = /^test\/system\/(?!failover|bfd)|^test\/bgp\/(interop|unnumbered)/;

/** Not part of `npm test`: scripts/test-package runs them, and sets up what they need. */
const ON_REQUEST = "test/package";

/**
 * $TEST_AGAIN=1, for machines that others load too: a file with processes that failed runs once more, alone. What passes then is named at
 * the end: a name that comes up again is a defect, of the test or of the program. More failures than this are no accident.
 */
const MOST_AGAIN = 2;

type Count = { readonly passed: number; readonly failed: readonly string[]; readonly skipped: readonly string[] };

/** What the runner says at the end of each run; the plain count at the very end says it for all. */
const RUNNERS_COUNT = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [0-9.]+$/;

const given = process.argv.slice(2);
const files = (given.length > 0 ? given : globSync("test/**/*.test.ts", { cwd: root, exclude: [ON_REQUEST] })).map((file) => relative(root, join(root, file))).sort();
const counts = new Map<string, Count>();
const unsteady: string[] = [];

await runTogether("pure", files.filter((file) => !WITH_PROCESSES.test(file)));
const withProcesses = files.filter((file) => WITH_PROCESSES.test(file));
for (const file of withProcesses.filter((one) => !IN_PAIRS.test(one))) await runTogether(file, [file]);
const left = withProcesses.filter((file) => IN_PAIRS.test(file));
const lane = async (): Promise<void> => {
  for (let file = left.shift(); file !== undefined; file = left.shift()) await runTogether(file, [file], "at its end");
};
await Promise.all([lane(), lane()]);
if (process.env["TEST_AGAIN"] === "1") await runAgain();

const all = [...counts.values()];
const [passed, failed, skipped] = [all.reduce((sum, count) => sum + count.passed, 0), all.flatMap((count) => count.failed), all.flatMap((count) => count.skipped)];
if (skipped.length > 0) console.log(`\nSkipped on this machine:\n${skipped.map((line) => `  ${line}\n`).join("")}`);
if (unsteady.length > 0) console.log(`\nFailed first and passed at the second attempt:\n${unsteady.map((line) => `  ${line}\n`).join("")}`);
console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exitCode = failed.length > 0 || passed === 0 ? 1 : 0;

/** Runs these files, two at a time, and puts what became of them into `counts`. What they say is printed as they say it, or at the end. */
async function runTogether(what: string, some: readonly string[], print: "as it comes" | "at its end" = "as it comes"): Promise<void> {
  if (some.length === 0) return;
  let passed = 0;
  const [failed, skipped]: [string[], string[]] = [[], []];
  const events = run({ files: some.map((file) => join(root, file)), concurrency: 2, timeout: TEST_TIMEOUT_MS });
  events.on("test:pass", (event) => {
    if (event.skip !== undefined && event.skip !== false) skipped.push(`${event.name}: ${event.skip === true ? "no reason given" : event.skip}`);
    else if (event.details.type !== "suite") passed++;
  });
  events.on("test:fail", (event) => {
    if (event.details.type !== "suite") failed.push(event.name);
  });
  const told = events.filter((event: { readonly type: string; readonly data: { readonly message?: string } }) => event.type !== "test:diagnostic" || !RUNNERS_COUNT.test(event.data.message ?? ""));
  let kept = "";
  for await (const text of told.compose(spec())) {
    if (print === "as it comes") process.stdout.write(text as string);
    else kept += text as string;
  }
  process.stdout.write(kept);
  counts.set(what, { passed, failed, skipped });
}

async function runAgain(): Promise<void> {
  const again = [...counts].filter(([what, { failed }]) => failed.length > 0 && what !== "pure");
  if (again.length === 0 || again.length > MOST_AGAIN) return;
  for (const [file, before] of again) {
    console.log(`\nOnce more: ${file}`);
    await runTogether(file, [file]);
    if (counts.get(file)?.failed.length === 0) unsteady.push(...before.failed.map((name) => `${file}: ${name}`));
  }
}
