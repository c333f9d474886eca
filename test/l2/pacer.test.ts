import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Pacer } from "../../src/l2/pacer.ts";
import { VirtualClock, VirtualWorld } from "../../src/time/index.ts";

type Sent = { readonly item: number; readonly at: number };

/** A pacer of numbers, and when it handed them out, in ms from the beginning. */
function paced(rate: number, cost: (item: number) => number = () => 1): { world: VirtualWorld; pacer: Pacer<number>; sent: Sent[]; at: (ms: number) => number } {
  const world = new VirtualWorld();
  const clock = new VirtualClock(world);
  const start = clock.now();
  const sent: Sent[] = [];
  const send = (item: number): number => {
    sent.push({ item, at: clock.now() - start });
    return cost(item);
  };
  return { world, sent, pacer: new Pacer({ clock, name: "test", rate, send }), at: (ms) => start + ms };
}

test("what is due goes out within the call, what is not waits for its time", () => {
  const { world, pacer, sent, at } = paced(1_000);
  pacer.add(1, at(0));
  pacer.add(2, at(30));
  pacer.add(3, at(10));
  pacer.run();
  assert.deepEqual(sent, [{ item: 1, at: 0 }]);
  world.advance(100);
  assert.deepEqual(sent.slice(1), [
    { item: 3, at: 10 },
    { item: 2, at: 30 },
  ]);
  assert.equal(pacer.length, 0);
});

test("of what is due at the same time the first comes first", () => {
  const { world, pacer, sent, at } = paced(1_000);
  for (let item = 0; item < 10; item++) pacer.add(item, at(5));
  world.advance(100);
  assert.deepEqual(sent.map(({ item }) => item), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("ten thousand take as long as the rate says", () => {
  const { world, pacer, sent, at } = paced(5_000);
  for (let item = 0; item < 10_000; item++) pacer.add(item, at(0));
  pacer.run();
  assert.equal(sent.length, 25, "5 ms worth at once");
  world.advance(10_000);
  assert.equal(sent.length, 10_000);
  const last = sent.at(-1)?.at ?? 0;
  assert.ok(last > 1_950 && last < 2_000, `the last went out after ${last} ms`);
});

test("what costs more is followed by a longer rest", () => {
  const { world, pacer, sent, at } = paced(100, () => 2);
  for (let item = 0; item < 100; item++) pacer.add(item, at(0));
  world.advance(60_000);
  const last = sent.at(-1)?.at ?? 0;
  assert.ok(last > 1_950 && last < 2_050, `200 frames at 100 per second took ${last} ms`);
});

test("what is no longer wanted costs nothing", () => {
  const { pacer, sent, at } = paced(1, (item) => (item < 1_000 ? 0 : 1));
  for (let item = 0; item < 1_001; item++) pacer.add(item, at(0));
  pacer.run();
  assert.equal(sent.length, 1_001);
});

test("what is handed out may bring more", () => {
  const world = new VirtualWorld();
  const clock = new VirtualClock(world);
  let left = 5;
  const pacer = new Pacer<string>({
    clock,
    name: "test",
    rate: 1_000,
    send: (item) => {
      if (--left > 0) pacer.add(item, clock.now());
      pacer.run(); // as a caller that does not know where it is called from
      return 1;
    },
  });
  pacer.add("again", clock.now());
  world.advance(100);
  assert.equal(left, 0);
});

test("after it was cleared nothing comes", () => {
  const { world, pacer, sent, at } = paced(1_000);
  pacer.add(1, at(10));
  pacer.clear();
  world.advance(100);
  assert.deepEqual(sent, []);
  pacer.add(2, at(110));
  world.advance(100);
  assert.deepEqual(sent, [{ item: 2, at: 110 }]);
});

test("nothing comes early, nothing twice, nothing out of order, and never more than the rate allows", () => {
  const anyWork = fc.array(fc.record({ after: fc.nat(300), due: fc.nat(500), cost: fc.integer({ min: 0, max: 3 }) }), { maxLength: 80, size: "max" });
  fc.assert(
    fc.property(anyWork, fc.constantFrom(3, 50, 500, 5_000), (work, rate) => {
      const { world, pacer, sent, at } = paced(rate, (item) => work[item]?.cost ?? 0);
      work.forEach(({ after, due }, item) => {
        world.after(after, () => {
          pacer.add(item, at(due));
        });
      });
      world.advance(500_000);
      assert.deepEqual(sent.map(({ item }) => item).sort((a, b) => a - b), [...work.keys()]);
      for (const { item, at: when } of sent) {
        const { after = 0, due = 0 } = work[item] ?? {};
        assert.ok(when >= Math.max(after, due) - 1e-6);
      }
      const slack = Math.max(1, rate / 50) + 3;
      sent.forEach((first, i) => {
        let frames = 0;
        for (const last of sent.slice(i)) {
          frames += work[last.item]?.cost ?? 0;
          assert.ok(frames <= slack + 1 + ((last.at - first.at) * rate) / 1000 + 1e-3);
        }
      });
    }),
    { numRuns: 200 },
  );
});
