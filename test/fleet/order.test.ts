import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Candidate, compareCandidates, type Contest, isCandidate, prevails, prevailsAtEqualRank, rendezvousScore, Slots } from "../../src/fleet/order.ts";
import { type Address, address } from "../../src/net/index.ts";

const VIP = address("192.0.2.1");

function host(name: string, change: Partial<Candidate> = {}): Candidate {
  return { name, instance: `${name}-1`, rank: 3, node: name, stands: new Map([["lan", 0]]), weight: 100, digest: "same", listensUntil: -Infinity, slot: undefined, ...change };
}

function contest(change: Partial<Contest> = {}): Contest {
  return { address: VIP, advertisement: "lan", fitness: undefined, scores: [], ...change };
}

/** Of a and b, for VIP, b has the higher score. */
const [LOW, HIGH] = rendezvousScore("a", VIP, 100) < rendezvousScore("b", VIP, 100) ? (["a", "b"] as const) : (["b", "a"] as const);

for (const [what, first, second, on] of [
  ["rank before everything", host(LOW, { rank: 3 }), host(HIGH, { rank: 2, stands: new Map([["lan", 9]]) }), contest()],
  ["a ready endpoint before a terminating one", host(LOW), host(HIGH, { stands: new Map([["lan", 9]]) }), contest({ fitness: new Map([[LOW, 2], [HIGH, 1]]) })],
  ["the higher prefer class before the score", host(LOW, { stands: new Map([["lan", 1]]) }), host(HIGH), contest()],
  ["the score before the name", host(HIGH), host(LOW), contest()],
  ["more weight, if it is enough", host(LOW, { weight: 10_000 }), host(HIGH, { weight: 1 }), contest()],
  ["a gateway is as fit as a node with a ready endpoint", host(LOW, { node: undefined, stands: new Map([["lan", 1]]) }), host(HIGH), contest({ fitness: new Map([[HIGH, 2]]) })],
] as const) {
  test(`order: ${what}`, () => {
    assert.ok(compareCandidates(on, first, second, "counts") < 0);
    assert.ok(compareCandidates(on, second, first, "counts") > 0);
  });
}

test("the prefer class is skipped where it does not mean the same to all", () => {
  const preferred = host(LOW, { stands: new Map([["lan", 1]]) });
  assert.ok(compareCandidates(contest(), preferred, host(HIGH), "ignored") > 0);
});

for (const [what, candidate, on] of [
  ["rank 0", host("a", { rank: 0 }), contest()],
  ["not standing for the advertisement", host("a", { stands: new Map([["other", 0]]) }), contest()],
  ["no endpoint on its node under Local", host("a"), contest({ fitness: new Map([["b", 2]]) })],
] as const) {
  test(`no candidate: ${what}`, () => {
    assert.equal(isCandidate(on, candidate), false);
  });
}

test("in a dispute whoever may not own the VIP loses first, whatever its view", () => {
  const unfit = host(HIGH, { rank: 0 });
  assert.equal(prevails(contest(), { candidate: host(LOW, { rank: 1 }), viewAgeMs: 60_000 }, { candidate: unfit, viewAgeMs: 0 }), true);
});

test("then the view that is younger by more than 10 s prevails, whatever the rank", () => {
  const old = { candidate: host(HIGH), viewAgeMs: 20_001 };
  const young = { candidate: host(LOW, { rank: 1 }), viewAgeMs: 10_000 };
  assert.equal(prevails(contest(), young, old), true);
  assert.equal(prevails(contest(), old, young), false);
});

test("who has an endpoint is what views differ about, so the younger one decides that too", () => {
  const local = contest({ fitness: new Map([["a", 2]]) });
  const [a, b] = [host("a"), host("b")];
  assert.equal(prevails(local, { candidate: a, viewAgeMs: 5_000 }, { candidate: b, viewAgeMs: 0 }), true);
  assert.equal(prevails(local, { candidate: a, viewAgeMs: 15_000 }, { candidate: b, viewAgeMs: 0 }), false);
});

test("views that differ by less do not count", () => {
  assert.equal(prevails(contest(), { candidate: host(HIGH), viewAgeMs: 9_000 }, { candidate: host(LOW), viewAgeMs: 0 }), true);
});

test("at equal rank the score decides against the rank", () => {
  const eligible = { candidate: host(LOW, { rank: 3 }), viewAgeMs: 0 };
  const probation = { candidate: host(HIGH, { rank: 2 }), viewAgeMs: 0 };
  assert.equal(prevails(contest(), eligible, probation), true);
  assert.equal(prevailsAtEqualRank(contest(), eligible, probation), false);
});

test("files that differ take prefer out of a dispute", () => {
  const preferred = { candidate: host(LOW, { stands: new Map([["lan", 1]]), digest: "one" }), viewAgeMs: 0 };
  assert.equal(prevails(contest(), preferred, { candidate: host(HIGH, { digest: "other" }), viewAgeMs: 0 }), false);
  assert.equal(prevails(contest(), preferred, { candidate: host(HIGH, { digest: "one" }), viewAgeMs: 0 }), true);
});

const candidates = fc.uniqueArray(
  fc.record({ name: fc.constantFrom("a", "b", "c", "d", "e"), rank: fc.constantFrom(1, 2, 3), prefer: fc.nat(2), weight: fc.integer({ min: 1, max: 10_000 }), ready: fc.constantFrom(1, 2), age: fc.nat(30_000) }),
  { minLength: 3, maxLength: 5, selector: ({ name }) => name },
);

test("the order has no circles and no ties", () => {
  fc.assert(
    fc.property(candidates, fc.nat(65_535), fc.constantFrom("counts", "ignored"), (list, n, prefer) => {
      const on = contest({ address: address(`10.0.${n >> 8}.${n & 255}`), fitness: new Map(list.map(({ name, ready }) => [name, ready])) });
      const hosts = list.map(({ name, rank, prefer: level, weight }) => host(name, { rank: rank, weight, stands: new Map([["lan", level]]) }));
      const sorted = hosts.toSorted((a, b) => compareCandidates(on, a, b, prefer));
      for (const [i, a] of sorted.entries()) for (const b of sorted.slice(i + 1)) assert.ok(compareCandidates(on, a, b, prefer) < 0 && compareCandidates(on, b, a, prefer) > 0);
    }),
  );
});

test("of two who both claim exactly one prevails, as both of them see it", () => {
  fc.assert(
    fc.property(candidates, (list) => {
      const [a, b] = list.map(({ name, rank, prefer, weight, age }) => ({ candidate: host(name, { rank: rank, weight, stands: new Map([["lan", prefer]]) }), viewAgeMs: age }));
      assert.ok(a !== undefined && b !== undefined);
      assert.notEqual(prevails(contest(), a, b), prevails(contest(), b, a));
    }),
  );
});

const ADDRESSES = Array.from({ length: 10_000 }, (_, i): Address => address(`10.1.${i >> 8}.${i & 255}`));

function winner(of: Address, hosts: readonly (readonly [name: string, weight: number])[]): string {
  const scored = hosts.map(([name, weight]) => ({ name, score: rendezvousScore(name, of, weight) }));
  return scored.toSorted((a, b) => b.score - a.score)[0]?.name ?? "";
}

test("hosts win shares in proportion to their weights", () => {
  const hosts = [["edge-1", 100], ["edge-2", 100], ["edge-3", 200]] as const;
  const shares = new Map<string, number>();
  for (const vip of ADDRESSES) shares.set(winner(vip, hosts), (shares.get(winner(vip, hosts)) ?? 0) + 1);
  for (const [name, expected] of [["edge-1", 2500], ["edge-2", 2500], ["edge-3", 5000]] as const) assert.ok(Math.abs((shares.get(name) ?? 0) - expected) < 300, `${name}: ${shares.get(name) ?? 0}`);
});

test("a host that goes moves only what it had", () => {
  const all = [["edge-1", 100], ["edge-2", 100], ["edge-3", 100]] as const;
  for (const vip of ADDRESSES.slice(0, 1_000)) if (winner(vip, all) !== "edge-3") assert.equal(winner(vip, all.slice(0, 2)), winner(vip, all));
});

test("the score is part of the protocol: these values must never change", () => {
  const vectors = [["edge-1", "192.0.2.1", 100], ["edge-2", "192.0.2.1", 100], ["edge-1", "2001:db8::1", 1]] as const;
  assert.deepEqual(vectors.map(([name, vip, weight]) => rendezvousScore(name, address(vip), weight).toPrecision(9)), ["315.788639", "76.2346264", "0.889235017"]);
});

test("a cached score is the same as a fresh one, also after the weight changed", () => {
  const slots = new Slots();
  const on = contest();
  const [a, b] = [host("a", { slot: slots.of("a") }), host("b", { slot: slots.of("b") })];
  const fresh = compareCandidates(contest(), host("a"), host("b"), "counts");
  assert.equal(Math.sign(compareCandidates(on, a, b, "counts")), Math.sign(fresh));
  assert.equal(Math.sign(compareCandidates(on, { ...a, weight: 10_000 }, { ...b, weight: 1 }, "counts")), -1);
  assert.equal(Math.sign(compareCandidates(on, { ...a, weight: 1 }, { ...b, weight: 10_000 }, "counts")), 1);
});

test("when all places are taken, names go without one instead of taking another's", () => {
  const slots = new Slots();
  const given = Array.from({ length: 2_000 }, (_, i) => slots.of(`host-${i}`)).filter((slot) => slot !== undefined);
  assert.equal(new Set(given).size, given.length);
  assert.ok(given.length < 2_000);
  assert.equal(slots.of("host-0"), given[0]);
  assert.equal(slots.of("another"), undefined);
});
