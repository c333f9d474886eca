/** The interop suite of one make of router: all rows over IPv4 and IPv6, then what concerns all sessions together. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Lab, eventually, whyNoLab } from "../../lab/index.ts";
import { type Family, type RouterKind, complaints, heard } from "./router.ts";
import type { Verdict } from "../strict/judge.ts";
import { ROWS, type RowName, carriesRoutes, play, survivesDeath } from "./rows.ts";
import { Scene } from "./scene.ts";

const AT_ONCE = 4;
/** Rows whose sessions are up when they are over. */
const STAY_UP: readonly RowName[] = ["routes", "internal", "password", "ttlSecurity", "both", "fourOctetAs", "twoOctetAs", "noCapabilities", "multihop", "refresh", "manyRoutes", "shortHold", "gracefulRestart", "dials", "collision"];
const GOODBYE = "edge-1 is being drained, back in 5 minutes";

export function interopSuite(kind: RouterKind<RowName>): void {
  describe(`${kind.name} ${kind.version}, over both families`, { concurrency: 2, skip: whyNoLab() ?? false }, () => {
    for (const family of ["ipv4", "ipv6"] as const) overFamily(kind, family);
  });
}

function overFamily(kind: RouterKind<RowName>, family: Family): void {
  const title = `${kind.name} over ${family === "ipv4" ? "IPv4" : "IPv6"}`;
  describe(title, { concurrency: 1 }, () => {
    let lab: Lab;
    let scene: Scene;
    let failed = false;
    const cannot = family === "ipv6" ? { ...kind.cannot, ...kind.cannotOverIpv6 } : kind.cannot;
    const rows = ROWS.filter(({ key }) => cannot[key] === undefined);
    const noted = (body: () => Promise<void>) => async (): Promise<void> => {
      try {
        await body();
      } catch (error) {
        failed = true;
        throw error;
      }
    };

    before(async () => {
      lab = await Lab.create(title, { recording: true });
      failed = true;
      scene = await Scene.set(lab, kind, family, rows);
      failed = false;
    });
    after(async () => {
      if (failed) console.log(`logs and captures are kept in ${await lab.keep()}`);
      await lab[Symbol.asyncDispose]();
    });

    describe("each with a neighbor of its own", { concurrency: AT_ONCE }, () => {
      for (const row of ROWS) {
        const reason = cannot[row.key];
        const skip = reason === undefined ? false : `${kind.name}: ${reason}`;
        test(`${title}: ${row.name}`, { skip }, noted(async () => {
          await play(scene, row);
        }));
      }
    });

    test(`${title}: restarted, it has all routes of all sessions again`, noted(async () => {
      const staying = rows.filter(({ key }) => STAY_UP.includes(key));
      const before = new Map((await scene.speaker.status()).peers.map(({ name, establishments }) => [name, establishments]));
      await scene.router.stop();
      // Sooner it would be refused, and OpenBGPD calls again after half a minute only.
      await eventually("we wait for its call", 5000, async () => (await scene.peer("dials")).state === "Active");
      await scene.router.start();
      for (const row of staying) {
        await eventually(`${row.key} was up again`, 20_000, async () => (await scene.peer(row.key)).establishments > (before.get(scene.neighbor(row.key).name) ?? 0));
        if (row.key !== "internal") await carriesRoutes(scene, row);
      }
    }));

    for (const row of rows.filter(({ key }) => key === "gracefulRestart")) {
      test(`${title}: killed and back, we find our routes where they were`, noted(async () => {
        await survivesDeath(scene, row);
      }));
    }

    test(`${title}: it is told why we go, and keeps no route`, noted(async () => {
      const staying = rows.filter(({ key }) => STAY_UP.includes(key));
      await scene.speaker.stop(GOODBYE);
      await heard(scene.router, GOODBYE);
      for (const row of staying) await eventually(`no route of ${row.key} is left`, 5000, async () => (await scene.router.count(scene.neighbor(row.key))) === 0);
    }));

    test(`${title}: nothing that we sent was other than the RFCs have it`, noted(async () => {
      const verdicts = scene.verdicts();
      const sum = (count: keyof Verdict["counts"]): number => verdicts.reduce((total, { counts }) => total + counts[count], 0);
      assert.deepEqual(verdicts.flatMap(({ complaints: found }) => found), []);
      const up = rows.filter(({ key }) => STAY_UP.includes(key)).length;
      assert.ok(verdicts.length > up * 2 && sum("announced") > 2000 && sum("withdrawn") > 2000 && sum("endsOfRib") > up * 2 && sum("keepalives") > up * 2, `it judged ${JSON.stringify(verdicts.map(({ counts }) => counts))}`);
      await Promise.resolve();
    }));

    test(`${title}: it has no complaint about anything that we sent`, noted(async () => {
      await Promise.resolve();
      const meantToFail = rows.filter(({ refused, key }) => refused !== undefined || key === "noTtlSecurity" || key === "theirText").map(({ key }) => scene.neighbor(key));
      assert.deepEqual(complaints(scene.router, kind.complaint, meantToFail), []);
    }));
  });
}
