/**
 * How fast prefixes are in a router's table, and what that costs the announcer: bmlb's speaker beside BIRD, GoBGP and ExaBGP, and beside them
 * the daemon as a whole, with FRR as the router. They take turns in every round, on the same host, so that what else the machine does hits all alike.
 */
import { loadavg } from "node:os";
import { Lab } from "../lab/index.ts";
import { ANNOUNCER, ROUTER, type Announcer, type Load } from "./bgp/announcer.ts";
import { bird } from "./bgp/bird.ts";
import { bmlb } from "./bgp/bmlb.ts";
import { bmlbd, MOST_SERVICES } from "./bgp/bmlbd.ts";
import { exabgp } from "./bgp/exabgp.ts";
import { gobgp } from "./bgp/gobgp.ts";
import { block } from "./bgp/report.ts";
import { round, type Measured } from "./bgp/round.ts";
import { FrrTable } from "./bgp/table.ts";
import type { Options } from "./figure.ts";

const ANNOUNCERS: readonly Announcer[] = [bmlb, bird, gobgp, exabgp, bmlbd];

const LOADS: readonly (Load & { readonly rounds: number })[] = [
  { prefixes: 1, sets: 1, rounds: 9 },
  { prefixes: 1000, sets: 1, rounds: 7 },
  { prefixes: 1000, sets: 100, rounds: 7 },
  { prefixes: 10_000, sets: 1, rounds: 5 },
  { prefixes: 10_000, sets: 100, rounds: 5 },
  { prefixes: 100_000, sets: 1, rounds: 3 },
  { prefixes: 100_000, sets: 100, rounds: 3 },
];

const ABOUT_THE_DAEMON = `bmlbd is the daemon as a whole, dist/bmlb beside a simulator of the Kubernetes API, with a Service for each prefix; it runs no race. Its change of all is
  another configuration and SIGHUP, one prefix gone or back is one Service changed in the API, and all withdrawn is all Services deleted there, one by one: the last two with
  what the simulator takes on the same machine. It takes part up to ${MOST_SERVICES} prefixes, and with one attribute set, which is what its advertisement gives all VIPs`;

/** `prefixes` and `announcers` choose among all, `rounds` replaces their number. */
export async function measureBgp({ prefixes, announcers, rounds }: Options): Promise<string> {
  const loads = LOADS.filter((load) => prefixes === undefined || prefixes.includes(load.prefixes));
  const chosen = ANNOUNCERS.filter(({ name }) => announcers === undefined || announcers.includes(name.toLowerCase())).filter((announcer) => {
    const reason = announcer.absent();
    if (reason !== undefined) console.log(`  ${announcer.name} takes no part: ${reason}`);
    return reason === undefined;
  });
  if (loads.length === 0 || chosen.length === 0) throw new Error(`there are prefixes: ${[...new Set(LOADS.map((load) => load.prefixes))].join(", ")}, and announcers: ${ANNOUNCERS.map(({ name }) => name.toLowerCase()).join(", ")}`);
  await using lab = await Lab.create("bench bgp");
  await lab.segment("lan", { ipv4: "10.7.0.0/24" });
  const table = await FrrTable.start(lab, await lab.host("router", { lan: { ipv4: ROUTER.address } }));
  const host = await lab.host("announcer", { lan: { ipv4: ANNOUNCER.address } });
  const versions = await Promise.all(chosen.map(async (announcer) => `${announcer.name} ${await announcer.version()}`));
  console.log(`  ${versions.join(", ")} → FRR ${await table.frr.version()}; medians; in brackets: how many times bmlb's`);
  console.log("  bmlb is its speaker alone, bundled as dist/ is, with its runtime and flags; times are until FRR's table shows it; BIRD reads its file again for a change");
  if (chosen.includes(bmlbd)) console.log(`  ${ABOUT_THE_DAEMON}`);
  for (const load of loads) {
    const present = chosen.filter((announcer) => announcer.takesPart?.(load) !== false);
    if (present.length === 0) continue;
    const results = new Map<string, Measured[]>(present.map(({ name }) => [name, []]));
    for (let i = 0; i < (rounds ?? load.rounds); i++) {
      for (const announcer of present) results.get(announcer.name)?.push(await round(announcer, host, load, table));
    }
    console.log(`${block(load, results)}\n  load of the machine ${(loadavg()[0] ?? 0).toFixed(1)}\n`);
  }
  return "";
}
