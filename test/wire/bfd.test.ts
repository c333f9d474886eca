import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BfdControl, BfdError, bfdDiagnostic, decodeBfd, encodeBfd } from "../../src/wire/index.ts";
import { record } from "./arbitrary.ts";
import { fromHex, patched, toHex } from "./hex.ts";

// As bfdd of FRR 8.4.4 and BIRD 2.0.12 sent them.
const FRR_DOWN = "20400318 169070b7 00000000 000f4240 000f4240 0000c350";
const FRR_UP_POLL = "20e00318 169070b7 d5ebb126 000186a0 000186a0 0000c350";
const FRR_UP_FINAL = "20d00318 169070b7 d5ebb126 000186a0 000186a0 0000c350";
const BIRD_INIT = "20800318 beaaee7e 436d5d8a 000493e0 000186a0 00000000";

const FRR = { poll: false, final: false, controlPlaneIndependent: false, demand: false, diagnostic: 0, detectMult: 3, myDiscriminator: 0x169070b7, requiredMinEchoRxUs: 50_000 } as const;
const FRR_UP = { ...FRR, state: "up", yourDiscriminator: 0xd5ebb126, desiredMinTxUs: 100_000, requiredMinRxUs: 100_000 } as const;

for (const [what, hex, packet] of [
  ["the first packet of FRR", FRR_DOWN, { ...FRR, state: "down", yourDiscriminator: 0, desiredMinTxUs: 1_000_000, requiredMinRxUs: 1_000_000 }],
  ["a poll of FRR", FRR_UP_POLL, { ...FRR_UP, poll: true }],
  ["its final", FRR_UP_FINAL, { ...FRR_UP, final: true }],
  ["an answer of BIRD to a first packet", BIRD_INIT, { ...FRR, state: "init", myDiscriminator: 0xbeaaee7e, yourDiscriminator: 0x436d5d8a, desiredMinTxUs: 300_000, requiredMinRxUs: 100_000, requiredMinEchoRxUs: 0 }],
] as const) {
  test(`decodes and encodes ${what}`, () => {
    assert.deepEqual(decodeBfd(fromHex(hex)), { ...packet, authenticationPresent: false });
    assert.equal(toHex(encodeBfd(packet)), hex.replaceAll(" ", ""));
  });
}

const good = fromHex(FRR_UP_POLL);
const withSection = (length: number): Uint8Array => Uint8Array.of(...patched(good, 1, 0xe4, 3, length), ...new Uint8Array(Math.max(0, length - 24)));
for (const [what, octets, fault] of [
  ["nothing", new Uint8Array(), "version"],
  ["version 0", patched(good, 0, 0x00), "version"],
  ["version 2", patched(good, 0, 0x40), "version"],
  ["a length of 23", patched(good, 3, 23), "length"],
  ["a length that is more than there is", patched(good, 3, 25), "length"],
  ["a packet that is cut off", good.subarray(0, 23), "length"],
  ["a section for authentication that has no room", withSection(25), "length"],
  ["Detect Mult 0", patched(good, 2, 0), "detect-mult"],
  ["the Multipoint bit", patched(good, 1, 0xe1), "multipoint"],
  ["My Discriminator 0", patched(good, 4, 0, 0, 0, 0), "my-discriminator"],
  // The first rule that is broken counts.
  ["another version with Detect Mult 0", patched(good, 0, 0, 0, 0, 0), "version"],
  ["no length, and Detect Mult 0", patched(good, 2, 0, 0), "length"],
  ["Detect Mult 0 with the Multipoint bit", patched(good, 1, 0xe1, 0), "detect-mult"],
] as const) {
  test(`refuses ${what}: ${fault} (RFC 5880 6.8.6)`, () => {
    assert.throws(() => decodeBfd(octets), (error) => error instanceof BfdError && error.fault === fault);
  });
}

test("an authentication section is seen, and whatever follows the packet is not looked at", () => {
  assert.equal(decodeBfd(withSection(33)).authenticationPresent, true);
  assert.deepEqual(decodeBfd(Uint8Array.of(...good, 1, 2, 3)), decodeBfd(good));
});

test("every code has words", () => {
  assert.equal(bfdDiagnostic(7), "administratively down");
  for (let code = 0; code < 32; code++) assert.ok(bfdDiagnostic(code).length > 5);
});

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const anyControl: fc.Arbitrary<BfdControl> = record<BfdControl>({
  diagnostic: fc.nat(31),
  state: fc.constantFrom("admin-down", "down", "init", "up"),
  poll: fc.boolean(),
  final: fc.boolean(),
  controlPlaneIndependent: fc.boolean(),
  demand: fc.boolean(),
  detectMult: fc.integer({ min: 1, max: 255 }),
  myDiscriminator: fc.integer({ min: 1, max: 0xffff_ffff }),
  yourDiscriminator: uint32,
  desiredMinTxUs: uint32,
  requiredMinRxUs: uint32,
  requiredMinEchoRxUs: uint32,
});

test("every packet survives the wire, and cut anywhere it is refused", () => {
  fc.assert(
    fc.property(anyControl, fc.nat(23), (packet, cut) => {
      const octets = encodeBfd(packet);
      assert.deepEqual(decodeBfd(octets), { ...packet, authenticationPresent: false });
      assert.throws(() => decodeBfd(octets.subarray(0, cut)), BfdError);
    }),
  );
});

test("octets that are reused keep nothing of the packet before", () => {
  fc.assert(
    fc.property(anyControl, anyControl, (before, packet) => {
      assert.deepEqual(encodeBfd(packet, encodeBfd(before)), encodeBfd(packet));
    }),
  );
});

test("whatever is on the wire, decoding gives a value or a BfdError", () => {
  const bent = fc.tuple(anyControl, fc.array(fc.tuple(fc.nat(23), fc.nat(255)), { maxLength: 4 })).map(([packet, bends]) => bends.reduce<Uint8Array>((octets, [at, octet]) => patched(octets, at, octet), encodeBfd(packet)));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60, size: "max" }), bent), (octets) => {
      try {
        const packet = decodeBfd(octets);
        assert.ok(packet.detectMult > 0 && packet.myDiscriminator > 0);
        if (!packet.authenticationPresent) assert.deepEqual(Buffer.from(encodeBfd(packet)), Buffer.from(patched(octets.subarray(0, 24), 3, 24)));
      } catch (error) {
        assert.ok(error instanceof BfdError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
