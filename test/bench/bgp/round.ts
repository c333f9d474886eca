/** One announcer, once: from its start to its end, with how long each step took until FRR's table showed it, and what it cost the announcer. */
import { setTimeout as delay } from "node:timers/promises";
import { now, type Host } from "../../lab/index.ts";
import { familyCpuMs, peakResidentMb, proportionalMb } from "../process.ts";
import type { Announcer, Load, Order } from "./announcer.ts";
import type { FrrTable } from "./table.ts";

/** Milliseconds. */
export type Cost = { readonly time: number; readonly cpu: number };

export type Measured = {
  readonly announce: Cost;
  readonly change: Cost;
  /** Of a single prefix; undefined where that was not asked for. */
  readonly changeOne: Cost | undefined;
  readonly withdraw: Cost;
  /** The most it had resident. */
  readonly peakMb: number;
  /** What it had after announcing, with shared pages counted in parts. */
  readonly shareMb: number;
  /** The longest stall of its main loop, in ms; undefined if that is not known. */
  readonly stall: number | undefined;
};

/** After each step, so that none runs into the tail of the one before. */
const REST_MS = 300;

export async function round(announcer: Announcer, host: Host, load: Load, table: FrrTable): Promise<Measured> {
  const running = await announcer.start(host, load);
  await delay(REST_MS);
  await running.longestStallMs(); // forgets the start
  const cpu = (): number => familyCpuMs(running.pid);
  const obeyed = async (order: Order, prefixes: number): Promise<Cost> => {
    await delay(REST_MS);
    return await cost(cpu, async (began) => {
      const [done] = await Promise.all([table.has(prefixes, began), order.give()]);
      return done;
    });
  };

  let before = 0;
  const time = await table.open(load.prefixes, () => {
    before = cpu();
  });
  const announce = { time, cpu: cpu() - before };
  const shareMb = proportionalMb(running.pid);
  // What has the community is turned away: there and back is two changes of all.
  const there = await obeyed(await running.change("with"), 0);
  const back = await obeyed(await running.change("without"), load.prefixes);
  const changeOne = running.changeOne === undefined ? undefined : mean(await obeyed(await running.changeOne("away"), load.prefixes - 1), await obeyed(await running.changeOne("back"), load.prefixes));
  const withdraw = await obeyed(await running.withdraw(), 0);
  const measured = { announce, change: mean(there, back), changeOne, withdraw, peakMb: peakResidentMb(running.pid), shareMb, stall: await running.longestStallMs() };
  await running.stop();
  await table.close();
  return measured;
}

/** What it takes until `act` says that it was done: the moment, by `now()`. */
async function cost(cpu: () => number, act: (began: number) => Promise<number>): Promise<Cost> {
  const [began, before] = [now(), cpu()];
  const ended = await act(began);
  return { time: ended - began, cpu: cpu() - before };
}

function mean(a: Cost, b: Cost): Cost {
  return { time: (a.time + b.time) / 2, cpu: (a.cpu + b.cpu) / 2 };
}
