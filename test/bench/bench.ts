/**
 * `npm run bench`: the figures of the bundle that ships. All of them, or those named on the command line: start, memory,
 * change, stall, arp, failover, bgp, bfd. `npm run bench bgp -- --prefixes 1,1000 --announcers bmlb,bird --rounds 3` measures less of it,
 * `npm run bench bfd -- --minutes 10` for longer.
 * Ends with status 1 if a figure could not be measured; a goal that is missed is said, and is no failure of the benchmark.
 */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { ensureBundle, whyNoLab } from "../lab/index.ts";
import { measureArp } from "./arp.ts";
import { measureBfd } from "./bfd.ts";
import { measureBgp } from "./bgp.ts";
import { measureChange } from "./change.ts";
import { measureFailover } from "./failover.ts";
import { table, type Figure, type Options } from "./figure.ts";
import { measureMemory } from "./memory.ts";
import { measureStall } from "./stall.ts";
import { measureStart } from "./start.ts";

const FIGURES: readonly Figure[] = [
  { name: "start", measure: measureStart },
  { name: "memory", measure: measureMemory },
  { name: "change", measure: measureChange },
  { name: "stall", measure: measureStall },
  { name: "arp", measure: measureArp },
  { name: "failover", measure: measureFailover },
  { name: "bgp", measure: measureBgp },
  { name: "bfd", measure: measureBfd },
];

const { positionals: asked, values } = parseArgs({
  allowPositionals: true,
  options: { prefixes: { type: "string" }, announcers: { type: "string" }, rounds: { type: "string" }, minutes: { type: "string" } },
});
const options: Options = {
  prefixes: values.prefixes?.split(",").map(Number),
  announcers: values.announcers?.toLowerCase().split(","),
  rounds: values.rounds === undefined ? undefined : Number(values.rounds),
  minutes: values.minutes === undefined ? undefined : Number(values.minutes),
};
const unknown = asked.filter((name) => !FIGURES.some((figure) => figure.name === name));
const impossible = unknown.length > 0 ? `no figure "${unknown.join('", "')}"; there are: ${FIGURES.map(({ name }) => name).join(", ")}` : whyNoLab();
if (impossible !== undefined) {
  console.error(impossible);
  process.exit(2);
}

await ensureBundle();
console.log(`bmlb on ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, Node ${process.version}, load before ${(loadavg()[0] ?? 0).toFixed(1)}`);
for (const { name, measure } of FIGURES) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  try {
    console.log(`\n${name}`);
    const measured = await measure(options);
    console.log(typeof measured === "string" ? measured : table(measured));
  } catch (error) {
    process.exitCode = 1;
    console.log(`${name} could not be measured: ${error instanceof Error ? error.message : String(error)}`);
  }
}
