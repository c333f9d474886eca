/** Sockets of hellos that cannot be opened, and what is left of them. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { Liveness } from "../../src/liveness/index.ts";
import { silentLog } from "../../src/log/index.ts";
import { address } from "../../src/net/index.ts";
import { WorkerThread } from "../../src/thread/index.ts";
import { VirtualClock, VirtualWorld } from "../../src/time/index.ts";
import { link } from "../linux/link.ts";

/** A clock that tells how many of its timers wait. */
class CountingClock extends VirtualClock {
  readonly waiting = new Set<string>();
  #count = 0;
  override timer(name: string, ms: number, fn: () => void): ReturnType<VirtualClock["timer"]> {
    const id = `${name} ${++this.#count}`;
    this.waiting.add(id);
    const timer = super.timer(name, ms, () => {
      this.waiting.delete(id);
      fn();
    });
    return { cancel: () => { this.waiting.delete(id); timer.cancel(); } };
  }
}

const MISSING = link("nosuch0", { index: 4711, addresses: [address("192.0.2.1"), address("fe80::1")] });

function make(): { readonly world: VirtualWorld; readonly clock: CountingClock; readonly thread: WorkerThread; readonly liveness: Liveness } {
  const world = new VirtualWorld();
  const clock = new CountingClock(world);
  const thread = new WorkerThread({ log: silentLog, clock });
  return { world, clock, thread, liveness: new Liveness({ log: silentLog, clock, channel: thread.channel("hello"), onHello: () => undefined, onOwnHello: () => undefined }) };
}

test("a socket that cannot be opened is tried again once a second, however often its interface is told of, and not after the stop", async () => {
  const { world, clock, thread, liveness } = make();
  thread.start();
  for (let i = 0; i < 20; i++) liveness.segments([MISSING]);
  assert.equal(clock.waiting.size, 1);
  world.advance(5_000);
  assert.equal(clock.waiting.size, 1);
  assert.match(liveness.warnings().join(), /nosuch0/);
  liveness.segments([]);
  assert.equal(clock.waiting.size, 0);
  assert.doesNotMatch(liveness.warnings().join(), /nosuch0/);
  liveness.segments([MISSING]);
  liveness.stop();
  await thread.stop();
  assert.equal(clock.waiting.size, 0);
});

test("no descriptor is opened for a worker that is not there", () => {
  const { liveness } = make();
  const before = readdirSync("/proc/self/fd").length;
  liveness.segments([{ ...MISSING, name: "lo", index: 1 }]);
  assert.equal(readdirSync("/proc/self/fd").length, before);
});
