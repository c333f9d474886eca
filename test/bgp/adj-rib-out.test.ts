/** In which order changes leave the Adj-RIB-Out. What it holds in the end is tried by convergence.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AdjRibOut } from "../../src/bgp/adj-rib-out.ts";
import type { RouteAttributes } from "../../src/bgp/index.ts";
import { type Prefix, address, formatPrefix } from "../../src/net/index.ts";
import { ATTRIBUTES } from "./world.ts";

const SETS = 10;
const sets: readonly RouteAttributes[] = Array.from({ length: SETS }, (_, med) => ({ ...ATTRIBUTES, med }));

/** A hundred prefixes whose attributes take turns. */
function offerAll(rib: AdjRibOut, attributesOf: (n: number) => RouteAttributes): void {
  for (let n = 0; n < 100; n++) {
    const vip = address(`10.9.9.${n}`);
    rib.offer(vip, { address: vip, length: 32 }, attributesOf(n));
  }
}

function withAll(): AdjRibOut {
  const rib = new AdjRibOut();
  offerAll(rib, (n) => sets[n % SETS] ?? ATTRIBUTES);
  return rib;
}

function texts(prefixes: readonly Prefix[]): string[] {
  return prefixes.map(formatPrefix);
}

test("routes with the same attributes leave together, in whatever order they came, so that messages are full", () => {
  const rib = withAll();
  const { announced } = rib.take("ipv4", 25);
  assert.deepEqual([...announced].map(([{ attributes }, prefixes]) => [attributes.med, prefixes.length]), [[0, 10], [1, 10], [2, 5]]);
  assert.deepEqual(texts([...announced.values()][2] ?? []), [2, 12, 22, 32, 42].map((n) => `10.9.9.${n}/32`));
  const rest = rib.take("ipv4", 1000);
  assert.equal([...rest.announced.values()].flat().length, 75);
  assert.equal(rib.isPending("ipv4"), false);
});

test("a route that changes while it waits leaves once, with what was asked for last", () => {
  const rib = withAll();
  offerAll(rib, () => ATTRIBUTES);
  const { announced } = rib.take("ipv4", 1000);
  assert.deepEqual([...announced].map(([{ attributes }, prefixes]) => [attributes.med, prefixes.length]), [[undefined, 100]]);
  offerAll(rib, () => sets[3] ?? ATTRIBUTES);
  offerAll(rib, () => ATTRIBUTES);
  assert.equal(rib.isPending("ipv4"), false, "there and back is nothing");
});

test("what is gone leaves before what is new", () => {
  const rib = withAll();
  rib.take("ipv4", 1000);
  offerAll(rib, () => ATTRIBUTES);
  const vip = address("10.9.9.99");
  rib.retract(vip, { address: vip, length: 32 });
  const { withdrawn, announced } = rib.take("ipv4", 3);
  assert.deepEqual([texts(withdrawn), [...announced.values()].flat().length], [["10.9.9.99/32"], 2]);
  assert.deepEqual(rib.count("ipv4"), { sent: 99, wanted: 99, held: 0 });
});

test("what is to be sent again is, though it changes there and back meanwhile", () => {
  const rib = withAll();
  rib.take("ipv4", 1000);
  rib.repeat("ipv4");
  offerAll(rib, () => ATTRIBUTES);
  offerAll(rib, (n) => sets[n % SETS] ?? ATTRIBUTES);
  assert.equal(rib.count("ipv4").sent, 100);
  const { withdrawn, announced } = rib.take("ipv4", 1000);
  assert.deepEqual([withdrawn.length, [...announced].map(([{ attributes }, prefixes]) => [attributes.med, prefixes.length])], [0, sets.map(({ med }) => [med, 10])]);
  assert.equal(rib.isPending("ipv4"), false);
});

test("whoever takes back what is to be sent again takes it back once", () => {
  const rib = withAll();
  rib.take("ipv4", 1000);
  rib.repeat("ipv4");
  const vip = address("10.9.9.7");
  rib.retract(vip, { address: vip, length: 32 });
  const { withdrawn, announced } = rib.take("ipv4", 1000);
  assert.deepEqual([texts(withdrawn), [...announced.values()].flat().length], [["10.9.9.7/32"], 99]);
  assert.deepEqual(rib.count("ipv4"), { sent: 99, wanted: 99, held: 0 });
});

test("equal attributes are one, however many others there have been meanwhile", () => {
  const rib = withAll();
  rib.take("ipv4", 1000);
  const vip = address("10.9.9.0");
  for (let med = 0; med < 2000; med++) rib.offer(vip, { address: vip, length: 32 }, { ...ATTRIBUTES, med });
  offerAll(rib, (n) => ({ ...ATTRIBUTES, med: n % SETS }));
  assert.equal(rib.isPending("ipv4"), false, "the peer has them all");
});
