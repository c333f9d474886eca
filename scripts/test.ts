/**
 * Runs every test that this machine allows and ends with a plain count. Usage: node scripts/test.ts [FILE ...]
 *
 * First what is pure, then what needs namespaces, routers or a control plane, so that the latter are not disturbed by the load of
 * the former. A test that cannot run here is skipped with its reason, and the reasons are printed at the end.
 */
import { globSync } from "node:fs";
import { join, relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

const root = join(import.meta.dirname, "..");
const TEST_TIMEOUT_MS = 300_000;

/** Rooms whose tests start processes and measure what those do in time. */
const WITH_PROCESSES = /^test\/(kube|lab|liveness|linux|l2|package|system)\/|interop|bgp\/(full-table|hostile)/;

/** Not part of `npm test`: scripts/test-package runs them, and sets up what they need. */
const ON_REQUEST = "test/package";

type Count = { passed: number; failed: number; readonly skipped: string[] };

const given = process.argv.slice(2);
const files = (given.length > 0 ? given : globSync("test/**/*.test.ts", { cwd: root, exclude: [ON_REQUEST] })).map((file) => relative(root, join(root, file))).sort();
const count: Count = { passed: 0, failed: 0, skipped: [] };

await runFiles(files.filter((file) => !WITH_PROCESSES.test(file)), 2);
await runFiles(files.filter((file) => WITH_PROCESSES.test(file)), 1);

if (count.skipped.length > 0) console.log(`\nSkipped on this machine:\n${count.skipped.map((line) => `  ${line}\n`).join("")}`);
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped.length} skipped`);
process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;

async function runFiles(some: readonly string[], concurrency: number): Promise<void> {
  if (some.length === 0) return;
  const events = run({ files: some.map((file) => join(root, file)), concurrency, timeout: TEST_TIMEOUT_MS });
  events.on("test:pass", (event) => {
    if (event.skip !== undefined && event.skip !== false) count.skipped.push(`${event.name}: ${event.skip === true ? "no reason given" : event.skip}`);
    else if (event.details.type !== "suite") count.passed++;
  });
  events.on("test:fail", (event) => {
    if (event.details.type !== "suite") count.failed++;
  });
  for await (const text of events.compose(spec())) process.stdout.write(text as string);
}
