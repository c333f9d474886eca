/** What the package weighs and how fast the service is there: figures for people, with limits that only a mistake exceeds. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { packageFile } from "./deb.ts";
import { property, siteTest } from "./site.ts";

const MOST = { packageMb: 60, installedMb: 160, startMs: 5000, memoryMb: 250 };

siteTest("the weight of the package", async (site, step) => {
  await site.serveFromBoth();
  await step("is what was promised", async () => {
    const packageMb = statSync(packageFile()).size / 1e6;
    const rows = await Promise.all(
      site.systems.map(async (system) => {
        await system.sh("systemctl restart bmlb");
        const [began, ready] = await Promise.all(["InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic"].map(async (name) => Number(await property(system, name)) / 1000));
        const installedMb = Number(await system.sh("{ dpkg --listfiles bmlb; find /usr/lib/bmlb/compiled -type f; } | xargs -d '\\n' stat --format '%F %s' | awk '/^regular/ { sum += $3 } END { print sum }'")) / 1e6;
        const kb = Number(/^Pss:\s+(?<kb>\d+) kB$/m.exec(await system.sh(`cat /proc/${await property(system, "MainPID")}/smaps_rollup`))?.groups?.["kb"]);
        return { system: `Debian ${system.release}`, packageMb, installedMb, startMs: (ready ?? Number.NaN) - (began ?? Number.NaN), memoryMb: kb / 1000 };
      }),
    );
    console.log(["             .deb MB  installed MB  start → READY ms  memory (PSS) MB", ...rows.map((row) => [row.system.padEnd(10), cell(row.packageMb, 10), cell(row.installedMb, 14), cell(row.startMs, 18), cell(row.memoryMb, 17)].join(""))].join("\n"));
    for (const row of rows) for (const figure of ["packageMb", "installedMb", "startMs", "memoryMb"] as const) assert.ok(row[figure] > 0 && row[figure] < MOST[figure], `${figure}: ${row[figure]}`);
  });
});

function cell(value: number, width: number): string {
  return value.toFixed(1).padStart(width);
}
