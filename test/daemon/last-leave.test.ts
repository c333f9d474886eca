/** What a life of the daemon is told of the one before it: which routers keep its routes. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { LastLeave, type Machine } from "../../src/last-leave.ts";
import { Keepsakes } from "../../src/linux/index.ts";

const TOR_1 = { peer: "tor-1", restartMs: 30_000 };
const TOR_2 = { peer: "tor-2", restartMs: 5_000 };

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "bmlb-leave-"));
  t.after(() => { rmSync(path, { recursive: true }); });
  return path;
}

const at = (ms: number | undefined, boot = "boot-1"): Machine => ({ bootId: () => boot, sinceBootMs: () => ms });

test("after a restart those are known that still keep the routes", (t) => {
  const kept = new Keepsakes(folder(t));
  assert.deepEqual(new LastLeave(kept, at(0)).keepers(), []);
  const first = new LastLeave(kept, at(100_000));
  first.stands([TOR_1, TOR_2]);
  first.left();
  assert.deepEqual(new LastLeave(kept, at(101_000)).keepers(), [TOR_1, TOR_2]);
  assert.deepEqual(new LastLeave(kept, at(105_000)).keepers(), [TOR_1], "the other's time is over");
  assert.deepEqual(new LastLeave(kept, at(130_000)).keepers(), []);
  assert.deepEqual(new LastLeave(kept, at(undefined)).keepers(), [], "nobody knows how long it took");
});

test("after a crash, too, whenever that was; but not after a boot", (t) => {
  const kept = new Keepsakes(folder(t));
  new LastLeave(kept, at(100_000)).stands([TOR_1]);
  assert.deepEqual(new LastLeave(kept, at(500_000)).keepers(), [TOR_1]);
  assert.deepEqual(new LastLeave(kept, at(1_000, "boot-2")).keepers(), []);
  assert.deepEqual(new LastLeave(kept, at(101_000, "")).keepers(), []);
});

test("after a stop nobody keeps anything", (t) => {
  const kept = new Keepsakes(folder(t));
  const first = new LastLeave(kept, at(100_000));
  first.stands([TOR_1]);
  first.stands([]);
  first.left();
  assert.deepEqual(new LastLeave(kept, at(101_000)).keepers(), []);
});

for (const text of ["", "nonsense", "null", "[]", '{"boot":"boot-1"}', '{"boot":"boot-1","keepers":[null]}', '{"boot":"boot-1","keepers":[{"peer":7}],"leftMs":"x"}']) {
  test(`a file that reads ${JSON.stringify(text)} says nothing`, (t) => {
    const path = folder(t);
    writeFileSync(join(path, "bgp-restart"), text);
    assert.deepEqual(new LastLeave(new Keepsakes(path), at(1)).keepers(), []);
  });
}
