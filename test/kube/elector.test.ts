import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Election, type ElectionAnswer, type ElectionEffect, type ElectionEvent, leadsSafely, newElection, stepElection } from "../../src/kube/elector.ts";
import { type Lease, type LeaseRecord } from "../../src/kube/lease.ts";
import { type Random, type Timer, VirtualClock, VirtualWorld, seededRandom } from "../../src/time/index.ts";

/** How an API treats one request: how long it takes there and back in ms, and whether either way loses it. */
type Weather = () => { readonly there: number; readonly back: number; readonly lost: "there" | "back" | undefined };
const CALM: Weather = () => ({ there: 5, back: 5, lost: undefined });

/** One Lease with the server's semantics: who names the current version wins. */
class LeaseServer {
  lease: Lease | undefined;
  #version = 0;

  carryOut(effect: ElectionEffect): ElectionAnswer {
    switch (effect.type) {
      case "get":
        return this.lease === undefined ? { type: "absent" } : { type: "lease", lease: this.lease };
      case "create":
        return this.lease === undefined ? this.#store(effect.record) : { type: "conflict" };
      case "update":
        return this.lease?.resourceVersion === effect.over.resourceVersion ? this.#store(effect.record) : { type: "conflict" };
      case "retry":
      case "deadline":
      case "leading":
      case "stopped":
      case "released":
        throw new Error(`not a request: ${effect.type}`);
    }
  }

  #store(record: LeaseRecord): ElectionAnswer {
    this.#version++;
    this.lease = { name: "bmlb-allocator", resourceVersion: String(this.#version), record, annotations: {} };
    return { type: "lease", lease: this.lease };
  }
}

/** What election.ts does with the machine, without promises, on a clock that may run fast or slow. */
class Candidate {
  state: Election;
  readonly clock: VirtualClock;
  readonly rate: number;
  readonly story: string[] = [];
  weather: Weather = CALM;
  readonly #world: VirtualWorld;
  readonly #server: LeaseServer;
  readonly #random: Random;
  readonly #timers = new Map<string, Timer>();

  constructor(world: VirtualWorld, server: LeaseServer, identity: string, rate: number, random: Random, wallOffset: number) {
    this.state = newElection(identity);
    this.clock = new VirtualClock(world, wallOffset);
    this.rate = rate;
    this.#world = world;
    this.#server = server;
    this.#random = random;
  }

  get now(): number {
    return this.clock.now() * this.rate;
  }
  get safe(): boolean {
    return !this.clock.dead && leadsSafely(this.state, this.now);
  }
  get leads(): boolean {
    return !this.clock.dead && this.state.leading !== undefined;
  }

  step(event: ElectionEvent): void {
    const { state, effects } = stepElection(this.state, event, { now: this.now, wall: this.clock.wall(), chance: this.#random() });
    this.state = state;
    for (const effect of effects) this.#run(effect);
  }

  #timer(name: string, ms: number, fn: () => void): void {
    this.#timers.get(name)?.cancel();
    this.#timers.set(name, this.clock.timer(name, ms / this.rate, fn));
  }

  #run(effect: ElectionEffect): void {
    switch (effect.type) {
      case "retry":
      case "deadline":
        this.#timer(effect.type, effect.ms, () => { this.step({ type: effect.type }); });
        return;
      case "leading":
      case "stopped":
      case "released":
        this.story.push(effect.type);
        return;
      case "get":
      case "create":
      case "update": {
        const { request } = effect;
        let answered = false;
        const answer = (value: ElectionAnswer): void => {
          if (answered) return;
          answered = true;
          this.step({ type: "answer", request, answer: value });
        };
        const { there, back, lost } = this.weather();
        this.#timer(`request ${request}`, 3_000, () => { answer({ type: "failed" }); });
        if (lost === "there") return;
        this.#world.after(there, () => {
          // What is carried out late is carried out nevertheless, whether or not anybody waits for it.
          const result = this.#server.carryOut(effect);
          if (lost !== "back") this.#world.after(back, () => { answer(result); }, this.clock);
        });
      }
    }
  }
}

function fleet(count: number, rates: readonly number[] = [], seed = 1): { world: VirtualWorld; server: LeaseServer; candidates: Candidate[] } {
  const world = new VirtualWorld();
  const server = new LeaseServer();
  const random = seededRandom(seed);
  const candidates = Array.from({ length: count }, (_, i) => new Candidate(world, server, `host-${i}`, rates[i] ?? 1, random, i * 3_600_000));
  return { world, server, candidates };
}

function start(candidates: readonly Candidate[]): void {
  for (const candidate of candidates) candidate.step({ type: "start" });
}

test("of several that start at once exactly one leads, and it stays the one", () => {
  const { world, server, candidates } = fleet(3);
  start(candidates);
  world.advance(120_000);
  assert.deepEqual(candidates.map((candidate) => candidate.story.length), [1, 0, 0]);
  assert.deepEqual([server.lease?.record.holder, server.lease?.record.duration, server.lease?.record.transitions], ["host-0", 15, 0]);
  assert.ok(candidates[0]?.safe);
});

test("an hour's difference between the clocks on the wall means nothing", () => {
  const { world, candidates } = fleet(2);
  const [a, b] = candidates as [Candidate, Candidate];
  a.clock.wallOffset = -3_600_000;
  b.clock.wallOffset = 3_600_000;
  start(candidates);
  world.advance(60_000);
  assert.deepEqual([a.story, b.story], [["leading"], []]);
});

test("a leader that dies is replaced after 13 to 23 seconds", () => {
  for (let seed = 0; seed < 50; seed++) {
    const { world, candidates } = fleet(2, [], seed);
    const [a, b] = candidates as [Candidate, Candidate];
    start(candidates);
    world.advance(60_000 + seed * 137);
    a.clock.dead = true;
    const died = world.time;
    while (!b.leads) world.advance(100);
    assert.ok(world.time - died > 12_000 && world.time - died < 23_000, `${world.time - died}`);
  }
});

test("a leader that stops gives the Lease back, after it stopped leading, and another takes it within a look", () => {
  const { world, server, candidates } = fleet(2);
  const [a, b] = candidates as [Candidate, Candidate];
  start(candidates);
  world.advance(30_000);
  a.step({ type: "release" });
  assert.ok(!a.leads && !a.safe);
  world.advance(50);
  assert.deepEqual([server.lease?.record.holder, server.lease?.record.duration], ["", 1]);
  world.advance(4_500);
  assert.deepEqual([a.story, b.story], [["leading", "stopped", "released"], ["leading"]]);
  assert.equal(server.lease?.record.transitions, 1);
});

test("who never led has nothing to give back", () => {
  const { world, server, candidates } = fleet(2);
  start(candidates);
  world.advance(30_000);
  const version = server.lease?.resourceVersion;
  candidates[1]?.step({ type: "release" });
  assert.deepEqual(candidates[1]?.story, ["released"]);
  assert.equal(server.lease?.resourceVersion, version);
});

test("a leader that cannot reach the API stops by itself within twelve seconds, is not safe after ten, and comes back", () => {
  const { world, candidates } = fleet(1);
  const [a] = candidates as [Candidate];
  start(candidates);
  world.advance(60_500);
  a.weather = () => ({ there: 0, back: 0, lost: "there" });
  world.advance(7_900);
  assert.ok(a.safe);
  world.advance(2_200);
  assert.ok(a.leads && !a.safe);
  world.advance(2_000);
  assert.ok(!a.leads);
  a.weather = CALM;
  world.advance(6_000);
  assert.deepEqual(a.story, ["leading", "stopped", "leading"]);
});

test("a Lease that is deleted is made again by its leader", () => {
  const { world, server, candidates } = fleet(2);
  start(candidates);
  world.advance(30_000);
  server.lease = undefined;
  world.advance(5_000);
  assert.equal(candidates.filter((candidate) => candidate.leads).length, 1);
  assert.equal((server.lease as Lease | undefined)?.record.holder, "host-0");
});

test("a leader whose Lease somebody else took stops at once", () => {
  const { world, server, candidates } = fleet(1);
  const [a] = candidates as [Candidate];
  start(candidates);
  world.advance(30_000);
  const stolen: LeaseRecord = { holder: "thief", duration: 15, acquireTime: undefined, renewTime: undefined, transitions: 9 };
  server.lease = { name: "bmlb-allocator", resourceVersion: "1000000", record: stolen, annotations: {} };
  world.advance(2_100);
  assert.deepEqual([a.leads, a.safe], [false, false]);
  assert.ok(a.story.includes("stopped"));
});

test("never do two lead, whatever the API delays or loses, with clocks that run up to a sixth apart", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 2, max: 3 }), fc.array(fc.double({ min: 0.93, max: 1.08, noNaN: true }), { minLength: 3, maxLength: 3 }), fc.nat({ max: 60 }), (seed, count, rates, badness) => {
      const { world, candidates } = fleet(count, rates, seed);
      const random = seededRandom(seed ^ 0x5eed);
      start(candidates);
      let bad = 0;
      for (const candidate of candidates) {
        candidate.weather = () => ({
          there: random() < bad ? random() * 20_000 : random() * 100,
          back: random() < bad ? random() * 5_000 : random() * 100,
          lost: random() < bad / 2 ? (random() < 0.5 ? "there" : "back") : undefined,
        });
      }
      for (let ms = 0; ms < 200_000; ms += 250) {
        if (ms % 10_000 === 0) bad = random() < 0.6 ? badness / 100 : 0;
        if (ms % 25_000 === 20_000 && random() < 0.2) candidates[Math.floor(random() * count)]?.step({ type: "release" });
        world.advance(250);
        assert.ok(candidates.filter((candidate) => candidate.leads).length <= 1, `two lead at ${world.time}`);
        assert.ok(candidates.filter((candidate) => candidate.safe).length <= 1, `two are safe at ${world.time}`);
      }
    }),
    { numRuns: 60 },
  );
});

test("a leader that was paused, for however long, does not think itself safe when it wakes beside another", () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.double({ min: 0.9, max: 1.3, noNaN: true }), { minLength: 3, maxLength: 3 }), (seed, rates) => {
      const { world, candidates } = fleet(3, rates, seed);
      const random = seededRandom(seed ^ 0xbad);
      for (const candidate of candidates) candidate.weather = () => ({ there: random() * 1_000, back: random() * 1_000, lost: undefined });
      start(candidates);
      for (let ms = 0; ms < 200_000; ms += 200) {
        if (random() < 0.01) {
          const leader = candidates.find((candidate) => candidate.leads);
          leader?.clock.pause(random() * 40_000, "seen");
        }
        world.advance(200);
        // Asked before its late timers run, as a write in the first turn after waking would ask.
        assert.ok(candidates.filter((candidate) => candidate.safe).length <= 1, `two are safe at ${world.time}`);
      }
    }),
    { numRuns: 60 },
  );
});

test("once the trouble is over there is a leader again within 40 seconds", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const { world, candidates } = fleet(3, [], seed);
      const random = seededRandom(seed ^ 0xf00);
      start(candidates);
      for (const candidate of candidates) candidate.weather = () => ({ there: random() * 4_000, back: random() * 4_000, lost: random() < 0.5 ? "there" : undefined });
      world.advance(60_000);
      for (const candidate of candidates) candidate.weather = CALM;
      world.advance(40_000);
      assert.equal(candidates.filter((candidate) => candidate.safe).length, 1);
    }),
    { numRuns: 60 },
  );
});
