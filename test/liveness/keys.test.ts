/** A fleet's key that changes: nobody is deaf to anybody meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FleetKeys, GRACE_MS, type Keys } from "../../src/liveness/keys.ts";
import { VirtualClock, VirtualWorld } from "../../src/time/index.ts";

const ONE = Uint8Array.of(1, 1);
const TWO = Uint8Array.of(2, 2);
const THREE = Uint8Array.of(3, 3);

function bench(): { readonly world: VirtualWorld; readonly keys: FleetKeys; readonly told: Keys[] } {
  const world = new VirtualWorld();
  const told: Keys[] = [];
  return { world, told, keys: new FleetKeys(new VirtualClock(world), (keys) => told.push(keys)) };
}

test("the key that a host has had all along is the only one", () => {
  const { keys } = bench();
  keys.use(ONE);
  assert.deepEqual(keys.keys, { current: ONE, next: undefined, previous: undefined });
});

test("a first key is used at once, and what is unsigned is believed until all have it", () => {
  const { keys, world, told } = bench();
  keys.change(ONE);
  keys.change(Uint8Array.from(ONE));
  assert.equal(told.length, 1);
  assert.deepEqual(told[0], { current: ONE, next: undefined, previous: "unsigned" });
  world.advance(GRACE_MS);
  assert.deepEqual(keys.keys, { current: ONE, next: undefined, previous: undefined });
});

test("another key is believed at once, used when all have it, and the one before believed until all use it", () => {
  const { keys, world, told } = bench();
  keys.use(ONE);
  keys.change(TWO);
  assert.deepEqual(keys.keys, { current: ONE, next: TWO, previous: undefined });
  world.advance(GRACE_MS);
  assert.deepEqual(keys.keys, { current: TWO, next: undefined, previous: ONE });
  world.advance(GRACE_MS);
  assert.deepEqual(keys.keys, { current: TWO, next: undefined, previous: undefined });
  world.advance(10 * GRACE_MS);
  assert.equal(told.length, 4);
});

test("who hears another host use it already does so, too", () => {
  const { keys, world } = bench();
  keys.use(ONE);
  keys.nextIsUsed();
  keys.change(TWO);
  keys.nextIsUsed();
  keys.nextIsUsed();
  assert.deepEqual(keys.keys, { current: TWO, next: undefined, previous: ONE });
  world.advance(GRACE_MS);
  assert.deepEqual(keys.keys.previous, undefined);
});

test("a key that is given up is used until all have learned of that, and nobody has to sign meanwhile", () => {
  const { keys, world, told } = bench();
  keys.change(undefined);
  assert.deepEqual(told, []);
  keys.use(ONE);
  keys.change(undefined);
  assert.deepEqual(keys.keys, { current: ONE, next: undefined, previous: "unsigned" });
  world.advance(GRACE_MS);
  assert.deepEqual(keys.keys, { current: undefined, next: undefined, previous: undefined });
});

test("to be told the same again neither ends nor lengthens the time of grace", () => {
  const { keys, world } = bench();
  keys.change(ONE);
  world.advance(GRACE_MS / 2);
  keys.change(ONE);
  assert.equal(keys.keys.previous, "unsigned");
  world.advance(GRACE_MS / 2);
  assert.equal(keys.keys.previous, undefined);
});

test("a change that is taken back, or overtaken by another, leaves nothing of itself", () => {
  const { keys, world } = bench();
  keys.use(ONE);
  keys.change(TWO);
  keys.change(ONE);
  assert.deepEqual(keys.keys, { current: ONE, next: undefined, previous: undefined });
  keys.change(TWO);
  keys.change(THREE);
  world.advance(2 * GRACE_MS);
  assert.deepEqual(keys.keys, { current: THREE, next: undefined, previous: undefined });
});

test("a second change before the first is over: what was believed still is, for who has heard of neither", () => {
  const { keys, world } = bench();
  keys.change(ONE);
  keys.change(TWO);
  assert.deepEqual(keys.keys, { current: ONE, next: TWO, previous: "unsigned" });
  keys.nextIsUsed();
  keys.change(THREE);
  assert.deepEqual(keys.keys, { current: TWO, next: THREE, previous: ONE });
  world.advance(2 * GRACE_MS);
  assert.deepEqual(keys.keys, { current: THREE, next: undefined, previous: undefined });
});

test("a host that stops changes nothing more", () => {
  const { keys, world } = bench();
  keys.change(ONE);
  keys.stop();
  world.advance(GRACE_MS);
  assert.equal(keys.keys.previous, "unsigned");
});
