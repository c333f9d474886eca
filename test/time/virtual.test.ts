import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff, seededRandom, VirtualClock, VirtualWorld } from "../../src/time/index.ts";

test("what is due happens in order of time, and at the same time in the order in which it was asked for", () => {
  const world = new VirtualWorld();
  const happened: string[] = [];
  for (const [ms, what] of [[30, "c"], [10, "a"], [30, "d"], [20, "b"], [0, "now"]] as const) world.after(ms, () => happened.push(`${what} ${world.time}`));
  world.advance(100);
  assert.deepEqual(happened, ["now 0", "a 10", "b 20", "c 30", "d 30"]);
  assert.equal(world.time, 100);
});

test("what an event causes at once happens within the same advance", () => {
  const world = new VirtualWorld();
  const happened: number[] = [];
  world.after(5, () => world.after(0, () => happened.push(world.time)));
  world.advance(5);
  assert.deepEqual(happened, [5]);
});

test("a cancelled timer does not fire, also when it waits for the end of a pause", () => {
  const world = new VirtualWorld();
  const clock = new VirtualClock(world);
  let fired = 0;
  const early = clock.timer("early", 10, () => fired++);
  clock.pause(100, "seen");
  world.advance(50);
  early.cancel();
  world.advance(100);
  assert.equal(fired, 0);
});

test("the timers of a dead host never fire", () => {
  const world = new VirtualWorld();
  const clock = new VirtualClock(world);
  let fired = 0;
  clock.timer("t", 10, () => fired++);
  clock.dead = true;
  world.advance(20);
  assert.equal(fired, 0);
});

test("a stopped process finds its timers late and its clock ahead", () => {
  const world = new VirtualWorld();
  const clock = new VirtualClock(world);
  const began = clock.now();
  const fired: number[] = [];
  clock.timer("t", 10, () => fired.push(clock.now() - began));
  clock.pause(500, "seen");
  assert.equal(clock.paused, true);
  world.advance(200);
  assert.equal(clock.pausedFor, 200);
  world.advance(400);
  assert.deepEqual(fired, [500]);
  assert.equal(clock.paused, false);
  assert.equal(clock.pausedFor, 0);
});

test("a suspended machine finds neither: its clock stood, and its timers have as long to go as before", () => {
  const world = new VirtualWorld();
  const clock = new VirtualClock(world);
  const began = clock.now();
  const fired: [ours: number, world: number][] = [];
  world.advance(5);
  clock.timer("t", 10, () => fired.push([clock.now() - began, world.time]));
  clock.pause(500, "unseen");
  world.advance(300);
  assert.equal(clock.now() - began, 5);
  world.advance(300);
  assert.deepEqual(fired, [[15, 515]]);
  assert.equal(clock.now() - began, 105);
});

test("a pause that is lengthened while it lasts ends later", () => {
  const world = new VirtualWorld();
  const clock = new VirtualClock(world);
  const began = clock.now();
  clock.pause(100, "unseen");
  world.advance(50);
  clock.pause(200, "unseen");
  world.advance(150);
  assert.equal(clock.paused, true);
  world.advance(100);
  assert.equal(clock.paused, false);
  assert.equal(clock.now() - began, 50);
});

test("the same seed gives the same numbers, all of them in [0, 1)", () => {
  const [a, b] = [seededRandom(7), seededRandom(7)];
  const numbers = Array.from({ length: 1000 }, () => a());
  assert.deepEqual(numbers, Array.from({ length: 1000 }, () => b()));
  assert.ok(numbers.every((n) => n >= 0 && n < 1));
  const mean = numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
  assert.ok(Math.abs(mean - 0.5) < 0.05, `mean ${mean}`);
});

test("delays double up to the longest, with a quarter of jitter either way, and start again after a success", () => {
  const backoff = new Backoff({ first: 100, longest: 1000 }, () => 0.5);
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next(), backoff.next(), backoff.next(), backoff.next()], [100, 200, 400, 800, 1000, 1000]);
  assert.equal(backoff.failures, 6);
  backoff.reset();
  assert.equal(backoff.next(), 100);
  assert.deepEqual([0, 0.999].map((random) => Math.round(new Backoff({ first: 100, longest: 1000 }, () => random).next())), [75, 125]);
});
