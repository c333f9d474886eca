/** Sessions on a virtual clock: two sides and a link between them that loses, delays and doubles packets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Engine } from "../../src/bfd/engine.ts";
import type { BfdProfile } from "../../src/bfd/index.ts";
import { type FromThread, PacketCounters, type Report } from "../../src/bfd/messages.ts";
import { address } from "../../src/net/index.ts";
import { VirtualClock, VirtualWorld, seededRandom } from "../../src/time/index.ts";
import { type ReceivedBfdControl, decodeBfd, encodeBfd } from "../../src/wire/index.ts";

const PROFILE: BfdProfile = { requiredMinRxMs: 50, desiredMinTxMs: 50, detectMult: 3, echoMs: undefined, passive: false, minimumTtl: 254 };
const LISTENER = 1;
const DELAY_MS = 1;

type Sent = { readonly at: number; readonly packet: ReceivedBfdControl };

/** One of the two. */
class Side {
  readonly clock: VirtualClock;
  readonly sent: Sent[] = [];
  readonly told: FromThread[] = [];
  readonly counters = new PacketCounters();
  report: Report | undefined;
  muted = false;
  other: Side | undefined;
  /** What arrived while it was paused, and waits to be read. */
  readonly #waiting: Uint8Array[] = [];
  readonly #world: VirtualWorld;
  readonly #own: number;
  readonly #address: string;
  readonly #engine: Engine;

  constructor(world: VirtualWorld, own: number, seed: number, link: Link) {
    const random = seededRandom(seed);
    this.#world = world;
    this.#own = own;
    this.#address = `10.7.0.${own}`;
    this.clock = new VirtualClock(world);
    this.#engine = new Engine({
      clock: this.clock,
      random,
      processMs: () => world.time,
      muted: () => this.muted,
      send: (_fd, octets) => {
        this.sent.push({ at: world.time, packet: decodeBfd(octets) });
        for (const delay of link.carry()) {
          const copy = Uint8Array.from(octets);
          world.after(delay, () => { this.other?.arrive(copy, this.#address); });
        }
        return undefined;
      },
      receive: () => undefined,
      afterArrivals: (fn) => {
        this.#read();
        fn();
      },
      tell: (message) => {
        this.told.push(message);
        if (message.type === "report") this.report = message.report;
      },
    });
  }

  add(profile: Partial<BfdProfile> = {}): void {
    const remote = address(this.#own === 1 ? "10.7.0.2" : "10.7.0.1");
    this.#engine.take({ type: "add", session: this.#own, remote, listener: LISTENER, fd: 3, profile: { ...PROFILE, ...profile }, counters: this.counters.shared });
  }

  configure(profile: Partial<BfdProfile>): void {
    this.#engine.take({ type: "configure", session: this.#own, profile: { ...PROFILE, ...profile } });
  }

  remove(): void {
    this.#engine.take({ type: "remove", session: this.#own });
  }

  arrive(octets: Uint8Array, source: string): void {
    this.#waiting.push(octets);
    // A thread that does not run reads nothing; a timer that is late fires before what waits is read.
    if (this.clock.paused) this.#world.after(this.clock.pausedFor, () => { this.#read(source); }, this.clock);
    else this.#read(source);
  }

  events(): string[] {
    return this.told.flatMap((message) => (message.type === "up" || message.type === "down" ? [message.type] : []));
  }

  #read(source = this.#own === 1 ? "10.7.0.2" : "10.7.0.1"): void {
    for (const octets of this.#waiting.splice(0)) this.#engine.arrived(LISTENER, octets, source);
  }
}

/** What becomes of a packet: after how many ms it arrives, as often as it does. */
class Link {
  loss = 0;
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  carry(): readonly number[] {
    if (this.#random() < this.loss) return [];
    return this.loss > 0 && this.#random() < 0.05 ? [DELAY_MS, DELAY_MS + 3] : [DELAY_MS + this.loss * 5 * this.#random()];
  }
}

function pair(seed = 1): { readonly world: VirtualWorld; readonly link: Link; readonly a: Side; readonly b: Side } {
  const world = new VirtualWorld();
  const link = new Link(seed);
  const [a, b] = [new Side(world, 1, seed + 1, link), new Side(world, 2, seed + 2, link)];
  a.other = b;
  b.other = a;
  return { world, link, a, b };
}

test("two sides come up within a second of each other's first packet, and agree on the slower of what each wants", () => {
  const { world, a, b } = pair();
  a.add({ desiredMinTxMs: 20, requiredMinRxMs: 100 });
  world.advance(2500);
  b.add({ desiredMinTxMs: 300, requiredMinRxMs: 40, detectMult: 5 });
  world.advance(1500);
  assert.deepEqual([a.report?.state, b.report?.state], ["up", "up"]);
  assert.deepEqual([a.report?.transmitMs, a.report?.detectionMs], [40, 5 * 300]);
  assert.deepEqual([b.report?.transmitMs, b.report?.detectionMs], [300, 3 * 40]);
  assert.equal(a.sent.at(-1)?.packet.poll, false);
});

test("a side that is alone sends a packet a second, less up to a quarter, and each is another time", () => {
  const { world, a } = pair();
  a.add();
  world.advance(100_000);
  const gaps = a.sent.slice(1).map(({ at }, i) => at - (a.sent[i]?.at ?? 0));
  assert.ok(gaps.length >= 100 && gaps.length <= 134, `${gaps.length}`);
  assert.ok(gaps.every((gap) => gap >= 750 && gap <= 1000) && new Set(gaps.map(Math.round)).size > 50);
});

test("a link that is cut is noticed by both within their detection times; they come up when it is back", () => {
  const { world, link, a, b } = pair();
  a.add();
  b.add();
  world.advance(3000);
  const heard = b.sent.at(-1)?.at ?? 0;
  link.loss = 1;
  world.advance(heard + 150 + DELAY_MS - world.time + 1);
  assert.deepEqual([a.events(), a.report?.state, a.report?.diagnostic], [["up", "down"], "down", 1]);
  world.advance(60);
  assert.deepEqual(b.events(), ["up", "down"]);
  link.loss = 0;
  world.advance(3000);
  assert.deepEqual([a.report?.state, a.report?.ups, a.report?.downs, b.report?.state], ["up", 2, 1, "up"]);
});

test("a thread that did not run for longer than the detection time reads what has arrived before it judges", () => {
  const { world, a, b } = pair();
  a.add({ detectMult: 50 }); // b is patient
  b.add();
  world.advance(3000);
  a.clock.pause(1000, "seen");
  world.advance(1010);
  assert.deepEqual(a.events(), ["up"], "the peer was there all the time");
  world.advance(2000);
  assert.deepEqual([a.events(), b.events()], [["up"], ["up"]]);
});

test("while the main loop stands nothing is sent, no answer to a Poll either; what is heard still counts", () => {
  const { world, a, b } = pair();
  a.add();
  b.add();
  world.advance(3000);
  a.muted = true;
  const before = a.sent.length;
  b.configure({ desiredMinTxMs: 60 });
  world.advance(1000);
  assert.equal(a.sent.length, before);
  assert.deepEqual([b.events(), a.events(), a.report?.remote?.state], [["up", "down"], ["up", "down"], "down"]);
  a.muted = false;
  world.advance(3000);
  assert.deepEqual([a.report?.state, b.report?.state], ["up", "up"]);
});

test("another profile on each side while both are up: no side goes down, and each has what was asked for", () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.array(fc.tuple(fc.boolean(), fc.constantFrom(20, 50, 200, 1500), fc.constantFrom(20, 50, 200, 1500), fc.integer({ min: 3, max: 9 }), fc.integer({ min: 0, max: 400 })), { minLength: 1, maxLength: 6 }), (seed, changes) => {
      const { world, a, b } = pair(seed);
      a.add();
      b.add();
      world.advance(3000);
      const profiles = new Map<Side, Partial<BfdProfile>>([[a, {}], [b, {}]]);
      for (const [first, desiredMinTxMs, requiredMinRxMs, detectMult, wait] of changes) {
        const side = first ? a : b;
        profiles.set(side, { desiredMinTxMs, requiredMinRxMs, detectMult });
        side.configure({ desiredMinTxMs, requiredMinRxMs, detectMult });
        world.advance(wait);
      }
      world.advance(20_000);
      assert.deepEqual([a.events(), b.events()], [["up"], ["up"]]);
      const [ours, theirs] = [{ ...PROFILE, ...profiles.get(a) }, { ...PROFILE, ...profiles.get(b) }];
      assert.equal(a.report?.transmitMs, Math.max(ours.desiredMinTxMs, theirs.requiredMinRxMs));
      assert.equal(a.report.detectionMs, theirs.detectMult * Math.max(ours.requiredMinRxMs, theirs.desiredMinTxMs));
      assert.equal(a.sent.at(-1)?.packet.poll, false);
    }),
    { numRuns: 60 },
  );
});

test("whatever the link did, both are up soon after it does no more", () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.array(fc.tuple(fc.constantFrom(0, 0.2, 0.5, 0.9, 1), fc.integer({ min: 10, max: 3000 })), { maxLength: 8 }), (seed, weather) => {
      const { world, link, a, b } = pair(seed);
      a.add();
      b.add({ desiredMinTxMs: 200, detectMult: 4 });
      for (const [loss, ms] of weather) {
        link.loss = loss;
        world.advance(ms);
      }
      link.loss = 0;
      world.advance(6000);
      for (const side of [a, b]) {
        assert.equal(side.report?.state, "up");
        assert.deepEqual(side.events().filter((event, i, all) => event === all[i - 1]), [], "up and down take turns");
        assert.equal(side.report.ups - side.report.downs, 1);
      }
      const events = a.events().length;
      world.advance(60_000);
      assert.equal(a.events().length, events, "and stay up");
    }),
    { numRuns: 100 },
  );
});

test("a session that is removed says AdminDown until the peer knows, and three times to one that does not answer", () => {
  const { world, link, a, b } = pair();
  a.add();
  b.add();
  world.advance(3000);
  a.remove();
  world.advance(5);
  assert.deepEqual([a.told.at(-1)?.type, a.sent.filter(({ packet }) => packet.state === "admin-down").length], ["removed", 1]);
  assert.deepEqual([b.report?.state, b.report?.remote?.state], ["down", "admin-down"]);
  const down = b.told.find((message) => message.type === "down");
  assert.ok(down?.type === "down" && down.administrative);

  link.loss = 1;
  b.remove();
  world.advance(100);
  assert.notEqual(b.told.at(-1)?.type, "removed");
  world.advance(10_000);
  assert.deepEqual([b.told.at(-1)?.type, b.sent.filter(({ packet }) => packet.state === "admin-down" && packet.poll).length <= 3], ["removed", true]);
  const sent = b.sent.length;
  world.advance(10_000);
  assert.equal(b.sent.length, sent, "and nothing after that");
});

test("a peer that says something else in each packet does not flood the main loop, which hears of the last in time", () => {
  const { world, a, b } = pair();
  a.add();
  b.add();
  world.advance(3000);
  const before = a.told.length;
  const said = b.sent.at(-1)?.packet;
  assert.ok(said !== undefined);
  for (let i = 0; i < 1000; i++) {
    a.arrive(encodeBfd({ ...said, detectMult: 3 + (i % 200) }), "10.7.0.2");
    a.arrive(Uint8Array.of(i % 2 === 0 ? 0 : 0x20, 0), "10.7.0.2");
  }
  assert.ok(a.told.length - before <= 2, `${a.told.length - before} messages`);
  world.advance(1000);
  assert.deepEqual([a.report?.detectionMs, a.report?.state, a.counters.read().discarded], [150, "up", 1000]);
});

test("a passive side waits for the other", () => {
  const { world, a, b } = pair();
  a.add({ passive: true });
  world.advance(5000);
  assert.equal(a.sent.length, 0);
  b.add();
  world.advance(2000);
  assert.deepEqual([a.report?.state, b.report?.state], ["up", "up"]);
});
