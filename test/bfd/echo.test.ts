/** The Echo function of a session, and its frames, on a virtual clock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Echo } from "../../src/bfd/echo.ts";
import type { Ipv4, Mac } from "../../src/net/index.ts";
import { VirtualClock, VirtualWorld, seededRandom } from "../../src/time/index.ts";
import { type BfdEcho, WireError, decodeBfdEcho, encodeBfdEcho } from "../../src/wire/index.ts";
import { anyIpv4, anyMac, record } from "../wire/arbitrary.ts";
import { fromHex, patched, toHex } from "../wire/hex.ts";

const OUR_MAC = "02:00:00:00:00:0a" as Mac;
const PEER_MAC = "02:00:00:00:00:0b" as Mac;
const ECHO: BfdEcho = { address: "10.7.0.1" as Ipv4, ttl: 255, discriminator: 0x1111, sequence: 0, token: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
const INTERVAL_US = 50_000;

test("an echo packet is to its own sender by IP and to the peer by Ethernet", () => {
  assert.equal(
    toHex(encodeBfdEcho({ ...ECHO, sequence: 7 }, PEER_MAC, OUR_MAC)),
    toHex(fromHex("0200 0000 000b 0200 0000 000a 0800 45c0 002c 0000 0000 ff11 a6f1 0a07 0001 0a07 0001 0ec9 0ec9 0018 0000 0000 1111 0000 0007 0102 0304 0506 0708")),
  );
});

const anyEcho = record<BfdEcho>({ address: anyIpv4, ttl: fc.nat(255), discriminator: fc.nat(0xffff_ffff), sequence: fc.nat(0xffff_ffff), token: fc.uint8Array({ minLength: 8, maxLength: 8 }) });

test("every echo packet survives the wire, and cut anywhere it is refused", () => {
  fc.assert(
    fc.property(anyEcho, anyMac, anyMac, fc.nat(57), (echo, to, from, cut) => {
      const frame = encodeBfdEcho(echo, to, from);
      assert.deepEqual(decodeBfdEcho(frame), echo);
      assert.deepEqual(decodeBfdEcho(Uint8Array.of(...frame, 0, 0)), echo, "frames are padded");
      assert.throws(() => decodeBfdEcho(frame.subarray(0, cut)), WireError);
    }),
  );
});

const good = encodeBfdEcho(ECHO, PEER_MAC, OUR_MAC);
for (const [what, frame] of [
  ["another protocol", patched(good, 12, 0x86, 0xdd)],
  ["options in its header", patched(good, 14, 0x46)],
  ["another length", patched(good, 17, 0x2d)],
  ["TCP", patched(good, 23, 6)],
  ["another destination than its source", patched(good, 33, 9)],
  ["another port", patched(good, 37, 0xc8)],
] as const) {
  test(`a frame with ${what} is no echo packet`, () => {
    assert.throws(() => decodeBfdEcho(frame), WireError);
  });
}

/** A session's echo packets, and a peer that returns them, or not. */
class Bench {
  readonly world = new VirtualWorld();
  readonly clock = new VirtualClock(this.world);
  readonly events: string[] = [];
  sent: Uint8Array[] = [];
  returns: boolean;
  muted = false;
  readonly waiting: Uint8Array[] = [];
  readonly echo: Echo;

  constructor({ returns = true } = {}) {
    this.returns = returns;
    this.echo = new Echo(
      {
        clock: this.clock,
        random: seededRandom(1),
        muted: () => this.muted,
        send: (_fd, octets) => {
          const frame = Uint8Array.from(octets);
          this.sent.push(frame);
          if (this.returns) this.world.after(1, () => this.waiting.push(returned(frame)));
          return undefined;
        },
        receive: (_fd, octets) => {
          const frame = this.waiting.shift();
          if (frame !== undefined) octets.set(frame);
          return frame?.length;
        },
      },
      { works: () => this.events.push("works"), failed: () => this.events.push("failed") },
    );
    this.echo.use({ fd: 3, frame: encodeBfdEcho(ECHO, PEER_MAC, OUR_MAC) });
    this.echo.follow(INTERVAL_US, 3);
  }
}

/** As a router forwards it: one hop less. */
function returned(frame: Uint8Array): Uint8Array {
  return patched(frame, 22, 254);
}

test("packets leave at the interval less up to a quarter, and that they come back is told once", () => {
  const bench = new Bench();
  bench.world.advance(10_000);
  assert.ok(bench.sent.length >= 200 && bench.sent.length <= 268, `${bench.sent.length}`);
  assert.deepEqual(bench.sent.slice(0, 3).map((frame) => decodeBfdEcho(frame).sequence), [1, 2, 3]);
  assert.deepEqual(bench.events, ["works"]);
});

test("as many as the multiplier says lost in a row are a failure, fewer are none", () => {
  const bench = new Bench();
  bench.world.advance(1000);
  bench.returns = false;
  bench.world.advance(75);
  bench.returns = true;
  bench.world.advance(1000);
  assert.deepEqual(bench.events, ["works"]);
  bench.returns = false;
  bench.world.advance(4 * 50 + 1);
  assert.deepEqual(bench.events, ["works", "failed"]);
});

test("what has never come back is no failure, and tried on", () => {
  const bench = new Bench({ returns: false });
  bench.world.advance(10_000);
  assert.deepEqual(bench.events, []);
  bench.returns = true;
  bench.world.advance(200);
  assert.deepEqual(bench.events, ["works"]);
});

test("a thread that does not run, and a main loop that stands, are no failure of the path", () => {
  const bench = new Bench();
  bench.world.advance(1000);
  bench.clock.pause(2000, "seen");
  bench.world.advance(3000);
  bench.muted = true;
  bench.world.advance(3000);
  bench.muted = false;
  bench.world.advance(1000);
  assert.deepEqual(bench.events, ["works"]);
});

test("only what the peer returned of this session counts", () => {
  for (const forge of [
    (frame: Uint8Array) => patched(frame, 22, 255), // our own frame, which went nowhere
    (frame: Uint8Array) => patched(frame, 22, 253),
    (frame: Uint8Array) => patched(frame, 45, 0x12), // another session
    (frame: Uint8Array) => patched(frame, 57, 9), // no idea of the token
    (frame: Uint8Array) => patched(frame, 46, 0x7f), // a number that was not sent
    (frame: Uint8Array) => frame.subarray(0, 50),
  ]) {
    const bench = new Bench({ returns: false });
    for (let i = 0; i < 20; i++) {
      bench.world.advance(50);
      bench.waiting.push(forge(returned(bench.sent.at(-1) ?? good)));
      if (i === 0) assert.notDeepEqual(bench.waiting[0], returned(bench.sent[0] ?? good));
    }
    assert.deepEqual(bench.events, []);
  }
});

test("without an interval nothing is sent, and what is under way then does not count when it begins anew", () => {
  const bench = new Bench();
  bench.world.advance(1000);
  bench.echo.follow(undefined, 3);
  const before = bench.sent.length;
  bench.returns = false;
  bench.world.advance(1000);
  assert.equal(bench.sent.length, before);
  bench.echo.follow(INTERVAL_US, 3);
  bench.world.advance(1000);
  assert.ok(bench.sent.length > before);
  assert.deepEqual(bench.events, ["works"]);
});
