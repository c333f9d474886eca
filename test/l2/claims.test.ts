import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnnouncementForm, Claims, type ClaimsOptions } from "../../src/l2/claims.ts";
import { type Address, address } from "../../src/net/index.ts";
import { VirtualClock, VirtualWorld, seededRandom } from "../../src/time/index.ts";

const VIP = address("192.0.2.100");
const VIP_V6 = address("2001:db8::100");

type Announced = { readonly vip: Address; readonly form: AnnouncementForm; readonly at: number };

class Wire {
  readonly world = new VirtualWorld();
  readonly clock = new VirtualClock(this.world);
  readonly start = this.clock.now();
  readonly frames: Announced[] = [];
  readonly claims: Claims;
  up = true;

  constructor(options: Partial<ClaimsOptions> = {}) {
    this.claims = new Claims({
      segment: "eth0",
      clock: this.clock,
      random: seededRandom(1),
      announceRate: 500,
      refreshMs: 0,
      announce: (vip, form) => {
        if (this.up) this.frames.push({ vip, form, at: this.now() });
        return this.up;
      },
      ...options,
    });
  }

  claim(vip: Address): void {
    this.claims.claim(vip);
    this.claims.flush();
  }

  now(): number {
    return this.clock.now() - this.start;
  }

  /** What has been announced, as "TIME FORM". */
  told(): string[] {
    return this.frames.map(({ form, at }) => `${Math.round(at)} ${form}`);
  }
}

test("an IPv4 VIP is announced at once in both forms, and four times more", () => {
  const wire = new Wire();
  wire.claim(VIP);
  assert.deepEqual(wire.told(), ["0 first"]);
  wire.world.advance(60_000);
  assert.deepEqual(wire.told(), [
    "0 first",
    "0 second",
    "100 first",
    "100 second",
    "1100 first",
    "1100 second",
    "2200 first",
    "2200 second",
    "4400 first",
    "4400 second",
  ]);
});

test("an IPv6 VIP has one form", () => {
  const wire = new Wire();
  wire.claim(VIP_V6);
  wire.world.advance(60_000);
  assert.deepEqual(wire.told(), ["0 first", "100 first", "1100 first", "2200 first", "4400 first"]);
});

test("a claim that stands is repeated every minute, not to the second", () => {
  const wire = new Wire({ refreshMs: 60_000 });
  wire.claim(VIP_V6);
  wire.world.advance(600_000);
  const times = wire.frames.map(({ at }) => at).slice(4);
  assert.ok(times.length >= 9 && times.length <= 12, `${times.length} refreshes`);
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
  assert.ok(gaps.every((gap) => gap >= 54_000 - 1 && gap <= 66_000 + 1), gaps.join());
  assert.ok(new Set(gaps.map(Math.round)).size > 1);
});

test("what was released is not announced any more, whatever was still to come", () => {
  const wire = new Wire({ refreshMs: 1_000 });
  wire.claim(VIP);
  wire.world.advance(1_500);
  const before = wire.frames.length;
  wire.claims.release(VIP);
  wire.world.advance(60_000);
  assert.equal(wire.frames.length, before);
  assert.equal(wire.claims.announcedAt(VIP), undefined);
});

test("released and claimed again, it has one burst, not two", () => {
  const wire = new Wire();
  wire.claim(VIP_V6);
  wire.world.advance(50);
  wire.claims.release(VIP_V6);
  wire.claim(VIP_V6);
  wire.world.advance(60_000);
  assert.deepEqual(wire.told(), ["0 first", "50 first", "150 first", "1150 first", "2250 first", "4450 first"]);
});

test("claimed again, the burst begins again", () => {
  const wire = new Wire();
  wire.claim(VIP_V6);
  wire.world.advance(1_500);
  wire.claim(VIP_V6);
  wire.world.advance(60_000);
  assert.deepEqual(wire.told().slice(3), ["1500 first", "1600 first", "2600 first", "3700 first", "5900 first"]);
});

test("when a host with 10 000 VIPs takes 5 000 more, each is announced once within a second, before anything is repeated", () => {
  const wire = new Wire();
  const many = Array.from({ length: 5_000 }, (_, i) => address(`10.0.${i >> 8}.${i & 255}`));
  for (const vip of many) wire.claim(vip);
  wire.world.advance(1_000);
  const firsts = wire.frames.filter(({ form }) => form === "first");
  assert.equal(new Set(firsts.map(({ vip }) => vip)).size, 5_000);
  wire.world.advance(600_000);
  // Whose repeats were late gets one announcement for all of them.
  for (const form of ["first", "second"] as const) {
    const perVip = Map.groupBy(
      wire.frames.filter((frame) => frame.form === form),
      ({ vip }) => vip,
    );
    assert.equal(perVip.size, 5_000);
    assert.ok([...perVip.values()].every((frames) => frames.length >= 2 && frames.length <= 5));
  }
  const repeats = wire.frames.filter(({ at }) => at > 1_100);
  const last = wire.frames.at(-1)?.at ?? 0;
  assert.ok(repeats.length / ((last - 1_100) / 1_000) <= 510, "500 per second");
  assert.ok(last < 60_000, `the last repeat came after ${last} ms`);
});

test("a second takeover in the midst of the first one's repeats does not wait for them", () => {
  const wire = new Wire();
  for (let i = 0; i < 5_000; i++) wire.claim(address(`10.0.${i >> 8}.${i & 255}`));
  wire.world.advance(3_000);
  wire.claim(VIP);
  assert.deepEqual(wire.frames.at(-1), { vip: VIP, form: "first", at: 3_000 });
});

test("what could not be sent does not count as announced", () => {
  const wire = new Wire();
  wire.up = false;
  wire.claim(VIP);
  wire.world.advance(10_000);
  assert.equal(wire.claims.announcedAt(VIP), undefined);
  wire.up = true;
  wire.claims.repeatAll();
  assert.deepEqual(wire.told(), ["10000 first"]);
  assert.equal(wire.claims.announcedAt(VIP), wire.clock.now());
});

test("after the end nothing is announced", () => {
  const wire = new Wire({ refreshMs: 1_000 });
  wire.claim(VIP);
  wire.claims.stop();
  wire.world.advance(60_000);
  assert.deepEqual(wire.told(), ["0 first"]);
});

test("another refresh interval counts from now on, for claims that stand as for those in their first seconds, and sends nothing itself", () => {
  const wire = new Wire({ refreshMs: 0 });
  wire.claim(VIP_V6);
  wire.world.advance(1500);
  wire.claims.pace({ announceRate: 500, refreshMs: 10_000 });
  assert.deepEqual(wire.told(), ["0 first", "100 first", "1100 first"]);
  wire.world.advance(3500);
  assert.deepEqual(wire.told().slice(3), ["2200 first", "4400 first"], "the burst goes on as it was");
  wire.world.advance(11_000);
  assert.equal(wire.frames.length, 6, "and then it is refreshed");
  wire.claims.pace({ announceRate: 500, refreshMs: 1000 });
  wire.world.advance(1150);
  assert.equal(wire.frames.length, 7, "a longer interval that has begun is not waited for");
  wire.claims.pace({ announceRate: 500, refreshMs: 0 });
  wire.world.advance(60_000);
  assert.equal(wire.frames.length, 7);
});

test("the same settings once more leave every announcement where it was", () => {
  const [one, other] = [new Wire({ refreshMs: 1000 }), new Wire({ refreshMs: 1000 })];
  for (const wire of [one, other]) {
    wire.claim(VIP);
    wire.world.advance(50);
  }
  one.claims.pace({ announceRate: 500, refreshMs: 1000 });
  for (const wire of [one, other]) wire.world.advance(20_000);
  assert.deepEqual(one.told(), other.told());
});

test("another rate counts at once, for what waits already", () => {
  const wire = new Wire({ announceRate: 10 });
  for (let i = 1; i <= 100; i++) wire.claims.claim(address(`2001:db8::${i}`));
  wire.claims.flush();
  wire.world.advance(300);
  const slow = wire.frames.length;
  assert.ok(slow < 105, `${slow}`);
  wire.claims.pace({ announceRate: 1000, refreshMs: 0 });
  wire.world.advance(200);
  assert.ok(wire.frames.length >= 200, `${wire.frames.length}`);
});
