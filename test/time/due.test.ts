import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DueQueue } from "../../src/time/index.ts";

test("whatever is put in comes out when it is due and not before, the earliest first", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000)), fc.nat(1000), (times, now) => {
      const queue = new DueQueue<number>();
      for (const at of times) queue.push(at, at);
      assert.equal(queue.next, times.length === 0 ? Infinity : Math.min(...times));
      const out: number[] = [];
      for (let item = queue.take(now); item !== undefined; item = queue.take(now)) out.push(item);
      assert.deepEqual(out, times.filter((at) => at <= now).sort((a, b) => a - b));
      assert.ok(queue.next > now);
    }),
  );
});
