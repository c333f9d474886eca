/** How long a host that leaves goes on serving: until others have taken over and routers had the time to, and no longer than a limit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FleetInput } from "../../src/fleet/index.ts";
import { HandOver, type Sequel } from "../../src/hand-over.ts";
import { VirtualClock, VirtualWorld } from "../../src/time/index.ts";

class Bench {
  readonly time = new VirtualWorld();
  readonly told: string[] = [];
  readonly handOver: HandOver;
  over = false;

  constructor({ serves, routes }: { readonly serves: boolean; readonly routes: boolean }) {
    this.handOver = new HandOver({
      fleet: {
        input: (input: FleetInput) => { this.told.push(input.type === "leave" ? `leave ${input.why}` : input.type); },
        handedOver: () => !serves,
      },
      routing: { wouldTakeBack: (sequel) => routes && sequel === "nothing" },
      clock: new VirtualClock(this.time),
    });
  }

  begin(sequel: Sequel): this {
    void this.handOver.begin(sequel).then(() => { this.over = true; });
    return this;
  }

  /** Whether it is over when so much more time has passed. */
  async after(ms: number): Promise<boolean> {
    this.time.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
    return this.over;
  }
}

test("a host that serves nothing, and has announced nothing, waits for nobody", async () => {
  const bench = new Bench({ serves: false, routes: false }).begin("nothing");
  assert.equal(await bench.after(0), true);
  assert.deepEqual(bench.told, ["leave stop"]);
});

test("it waits until others serve what it served, and for three and a half seconds at the longest", async () => {
  const taken = new Bench({ serves: true, routes: false }).begin("nothing");
  assert.equal(await taken.after(300), false);
  taken.handOver.done();
  assert.equal(await taken.after(0), true);
  const alone = new Bench({ serves: true, routes: false }).begin("nothing");
  assert.equal(await alone.after(3499), false);
  assert.equal(await alone.after(1), true);
});

test("routers have two seconds to find another way, also when the hosts were faster", async () => {
  const bench = new Bench({ serves: true, routes: true }).begin("nothing");
  bench.handOver.done();
  assert.equal(await bench.after(1999), false);
  assert.equal(await bench.after(1), true);
});

test("before a restart nothing is waited for where routers keep the routes, and hosts hear that it comes back", async () => {
  const bench = new Bench({ serves: false, routes: true }).begin("restart");
  assert.equal(await bench.after(0), true);
  assert.deepEqual(bench.told, ["leave restart"]);
});

test("that others have taken over is no news before it leaves", () => {
  new Bench({ serves: true, routes: true }).handOver.done();
});
