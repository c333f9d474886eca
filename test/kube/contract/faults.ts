/** Whatever the API does, what was known stays known, and what changed meanwhile is known soon after. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AllocatorElection } from "../../../src/kube/index.ts";
import type { Fault } from "../api-under-test.ts";
import { fastClock } from "../tiny-server.ts";
import { type Bench, keyOf, leasesOf, partOf, serviceOf, sourceOf, until, untilComplete } from "./bench.ts";

/** How fast the clock of bmlb runs meanwhile: fast enough for its patience to end, slow enough for the server to answer in time. */
const FAULTS: readonly { readonly fault: Fault; readonly speed: number }[] = [
  { fault: "freeze", speed: 20 },
  { fault: "refuse", speed: 20 },
  { fault: "reset", speed: 20 },
  { fault: "slow", speed: 2 },
  { fault: 429, speed: 5 },
  { fault: 500, speed: 20 },
  { fault: 503, speed: 20 },
  { fault: "silent-watch", speed: 40 },
];

export function faultCases(bench: Bench): void {
  const { api } = bench;
  for (const { fault, speed } of FAULTS) {
    test(`during and after the fault ${fault} nothing is forgotten, and what changed meanwhile is found`, async (t) => {
      t.after(() => api().fault("none"));
      const stays = await serviceOf(t, bench);
      const goes = await serviceOf(t, bench);
      const part = await partOf(t, api(), "bmlb", "token", fastClock(speed));
      const { source, cluster } = sourceOf(t, part);
      await untilComplete(cluster);
      await until("all watch", () => source.status().watches.every((watch) => watch.state === "watching"));
      await api().fault(fault);
      // A new list is wanted in the middle of it.
      if (fault !== "silent-watch") source.relist("services");
      await api().request("DELETE", `/api/v1/namespaces/default/services/${goes.name}`);
      const comes = await serviceOf(t, bench);
      if (fault === "slow") await until("both changes arrived, late", () => cluster.service(comes.key) !== undefined && cluster.service(goes.key) === undefined, 30_000);
      else if (fault === "silent-watch") await until("the silence was noticed", () => source.status().watches.some((watch) => watch.failures > 0), 30_000);
      else await until("bmlb has met it", () => source.status().watches.some((watch) => watch.failures > 1 || watch.state === "listing"), 30_000);
      assert.ok(cluster.service(stays.key) !== undefined, "what was known is known");
      await api().fault("none");
      await until("the new one is known", () => cluster.service(comes.key) !== undefined, 30_000);
      await until("the old one is gone", () => cluster.service(goes.key) === undefined, 30_000);
      assert.ok(cluster.service(keyOf(stays.name)) !== undefined);
      assert.equal(source.status().malformed, 0);
      await until("all watch again", () => source.status().watches.every((watch) => watch.state === "watching" && watch.problem === undefined), 30_000);
    });
  }

  test("an allocator that cannot reach the API stops by itself, and leads again when it can", async (t) => {
    t.after(() => api().fault("none"));
    const story: string[] = [];
    const part = await partOf(t, api(), "bmlb", "token", fastClock(5));
    const election = new AllocatorElection({ ...part, leases: leasesOf(part), identity: "lonely", onLeading: () => story.push("leads"), onStopped: () => story.push("stopped") });
    t.after(() => election.stop());
    election.start();
    await until("it leads", () => election.leadingSafely(), 20_000);
    await api().fault("freeze");
    await until("it stopped", () => story.length === 2, 20_000);
    assert.equal(election.leadingSafely(), false);
    await api().fault("none");
    await until("it leads again", () => election.leadingSafely(), 20_000);
    assert.deepEqual(story, ["leads", "stopped", "leads"]);
  });
}
