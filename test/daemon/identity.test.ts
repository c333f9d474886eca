import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { identify, routerId } from "../../src/identity.ts";
import { Keepsakes } from "../../src/linux/index.ts";
import { parseIpv4 } from "../../src/net/index.ts";
import { VirtualClock, VirtualWorld } from "../../src/time/index.ts";

function keepsakes(t: TestContext): Keepsakes {
  const directory = mkdtempSync(join(tmpdir(), "bmlb-identity-"));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  return new Keepsakes(join(directory, "state"));
}

test("each start is another life of the same machine, and knows how many there were lately", (t) => {
  const kept = keepsakes(t);
  const time = new VirtualWorld();
  const clock = new VirtualClock(time);
  const first = identify("edge-1", kept, clock);
  time.advance(60_000);
  const second = identify("edge-1", kept, clock);
  assert.match(first.instance, /^[0-9a-f]{16}$/);
  assert.equal(first.instance.slice(0, 8), second.instance.slice(0, 8));
  assert.notEqual(first.instance, second.instance);
  assert.deepEqual([first.recentStarts, second.recentStarts], [0, 1]);
  time.advance(600_001);
  assert.equal(identify("edge-1", kept, clock).recentStarts, 0);
});

test("two hosts made from one image are two machines", (t) => {
  const clock = new VirtualClock(new VirtualWorld());
  const kept = keepsakes(t);
  assert.notEqual(identify("edge-1", kept, clock).instance.slice(0, 8), identify("edge-2", kept, clock).instance.slice(0, 8));
});

test("a wall clock that was set back does not count starts of the future", (t) => {
  const kept = keepsakes(t);
  const clock = new VirtualClock(new VirtualWorld());
  identify("edge-1", kept, clock);
  clock.wallOffset = -3_600_000;
  assert.equal(identify("edge-1", kept, clock).recentStarts, 0);
});

test("the router id is as configured, else as it was before, else of the default route, else made up and kept", (t) => {
  const kept = keepsakes(t);
  const configured = parseIpv4("192.0.2.9");
  const found = parseIpv4("198.51.100.7");
  assert.equal(routerId(configured, kept, () => found), configured);
  assert.equal(routerId(undefined, kept, () => found), found);
  assert.equal(routerId(undefined, kept, () => parseIpv4("10.0.0.1")), found);
  const without = keepsakes(t);
  const madeUp = routerId(undefined, without, () => undefined);
  assert.ok(Number(madeUp.split(".")[0]) >= 240);
  assert.equal(routerId(undefined, without, () => found), madeUp);
});
