/**
 * The contract between src/kube and an API server, run unchanged against the simulator and against a real kube-apiserver. Where the
 * two differ, the simulator is wrong.
 */
import { after, before, describe } from "node:test";
import { Workloads } from "../workloads.ts";
import { accessCases } from "./access.ts";
import type { Bench, Forgetful } from "./bench.ts";
import { eventCases } from "./events.ts";
import { faultCases } from "./faults.ts";
import { leaseCases } from "./leases.ts";
import { readingCases } from "./reading.ts";
import { writingCases } from "./writing.ts";

/** @param start called once; what it returns is stopped after the last case */
export function contract(name: string, start: () => Promise<Forgetful>): void {
  describe(`the contract with ${name}`, () => {
    let api: Forgetful | undefined;
    before(async () => {
      api = await start();
    });
    after(() => api?.stop());
    const started = (): Forgetful => {
      if (api === undefined) throw new Error(`${name} has not started`);
      return api;
    };
    const bench: Bench = { api: started, forget: () => started().forget(), workloads: () => new Workloads(started()) };
    accessCases(bench);
    readingCases(bench);
    writingCases(bench);
    leaseCases(bench);
    eventCases(bench);
    faultCases(bench);
  });
}
