import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { address, parseMac } from "../../src/net/index.ts";
import { decodeHello, encodeHello, type Hello, HELLO_MOST_OCTETS, HELLO_SIGNATURE_OCTETS, WireError } from "../../src/wire/index.ts";

const HELLO: Hello = {
  sequence: 42,
  cast: "multicast",
  name: "edge-1",
  instance: "0123456789abcdef",
  uptimeMs: 3_600_000,
  rank: 3,
  reason: "eligible",
  leaving: false,
  node: "worker-1",
  advertisements: [{ name: "lan", prefer: 1 }],
  weight: 100,
  bgp: true,
  viewAgeMs: 250,
  loopLagMs: 7,
  heard: ["fedcba9876543210"],
  dead: [],
  serving: 12,
  intervalMs: 200,
  mac: parseMac("02:00:00:00:00:01") ?? assert.fail(),
  addresses: [address("192.0.2.1"), address("fe80::1")],
  digests: { pools: "00".repeat(8), l2: "11".repeat(8), bgp: "22".repeat(8), algorithm: 1 },
};

const instance = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString("hex"));
const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const PLAIN_OBJECTS = { noNullPrototype: true } as const;
const hellos: fc.Arbitrary<Hello> = fc.record({
  sequence: fc.nat(2 ** 40),
  cast: fc.constantFrom("multicast", "unicast"),
  name: label,
  instance,
  uptimeMs: fc.nat(2 ** 40),
  rank: fc.constantFrom(0, 1, 2, 3),
  reason: fc.constantFrom("", "eligible", "probation", "its interface was down"),
  leaving: fc.boolean(),
  node: fc.option(label, { nil: undefined }),
  advertisements: fc.array(fc.record({ name: label, prefer: fc.nat(255) }, PLAIN_OBJECTS), { maxLength: 4 }),
  weight: fc.integer({ min: 1, max: 10_000 }),
  bgp: fc.boolean(),
  viewAgeMs: fc.oneof(fc.nat(0x7fffffff), fc.constant(Number.POSITIVE_INFINITY)),
  loopLagMs: fc.nat(100_000),
  heard: fc.array(instance, { maxLength: 8 }),
  dead: fc.array(instance, { maxLength: 4 }),
  serving: fc.nat(100_000),
  intervalMs: fc.integer({ min: 50, max: 10_000 }),
  mac: fc.constant(HELLO.mac),
  addresses: fc.array(fc.constantFrom(...HELLO.addresses), { maxLength: 4 }),
  digests: fc.record({ pools: instance, l2: instance, bgp: instance, algorithm: fc.nat(100) }, PLAIN_OBJECTS),
}, PLAIN_OBJECTS);

test("a hello is read as it was written, signed or not", () => {
  fc.assert(
    fc.property(hellos, fc.constantFrom("signed", "plain"), (hello, as) => {
      const part = encodeHello(hello, as);
      const datagram = as === "signed" ? Buffer.concat([part, Buffer.alloc(HELLO_SIGNATURE_OCTETS, 7)]) : part;
      const read = decodeHello(datagram);
      assert.deepEqual(read.hello, hello);
      assert.deepEqual(Buffer.from(read.signedPart), Buffer.from(part));
      assert.equal(read.signature?.length, as === "signed" ? HELLO_SIGNATURE_OCTETS : undefined);
    }),
  );
});

test("a hello with more than fits stays below 1200 octets and loses only the ends of its lists", () => {
  const crowded: Hello = {
    ...HELLO,
    reason: "é".repeat(200),
    advertisements: Array.from({ length: 16 }, (_, i) => ({ name: `advertisement-${i}-${"x".repeat(40)}`, prefer: i })),
    heard: Array.from({ length: 100 }, () => HELLO.instance),
    dead: Array.from({ length: 100 }, () => HELLO.instance),
    addresses: Array.from({ length: 100 }, () => address("2001:db8::1")),
  };
  const part = encodeHello(crowded, "signed");
  assert.ok(part.length + HELLO_SIGNATURE_OCTETS <= HELLO_MOST_OCTETS);
  const { hello } = decodeHello(Buffer.concat([part, Buffer.alloc(HELLO_SIGNATURE_OCTETS)]));
  assert.equal(hello.name, HELLO.name);
  assert.equal(hello.reason, "é".repeat(60));
  assert.deepEqual(hello.advertisements, crowded.advertisements);
  assert.ok(hello.dead.length > 0);
});

test("the datagram, octet by octet", () => {
  const text = Buffer.from(encodeHello({ ...HELLO, node: undefined, advertisements: [], heard: [], addresses: [] }, "plain")).toString("hex");
  assert.equal(
    text,
    [
      "626d6c62", // bmlb
      "01", // version
      "08", // flags: it has BGP peers
      "03", // rank
      "00000000002a", // sequence
      "0123456789abcdef", // instance
      "00000036ee80", // uptime
      "000000fa", // age of its view
      "00000007", // lag of its main loop
      "0000000c", // serving
      "00c8", // interval
      "0064", // weight
      "020000000001", // MAC
      "0000000000000000", // pools
      "1111111111111111", // l2
      "2222222222222222", // bgp
      "0001", // algorithm
      "06656467652d31", // name
      "00", // node
      "08656c696769626c65", // reason
      "00000000", // four empty lists
    ].join(""),
  );
});

const PLAIN = encodeHello(HELLO, "plain");

/** A hello with one octet changed. */
function changed(at: number, octet: number): Uint8Array {
  const bytes = Uint8Array.from(PLAIN);
  bytes[at] = octet;
  return bytes;
}

for (const [what, datagram] of [
  ["nothing", new Uint8Array()],
  ["another protocol", changed(0, 0x62 + 1)],
  ["another version", changed(4, 2)],
  ["unknown flags", changed(5, 0x80)],
  ["a signature that is not there", changed(5, 0x01)],
  ["a rank that there is not", changed(6, 4)],
  ["something behind its end", Buffer.concat([PLAIN, Buffer.from([0])])],
  ["a name that is no host's name", changed(76, 0x2f)],
  ["a name with a control character", changed(76, 0x0a)],
  ["more octets than a hello may have", new Uint8Array(1400)],
] as const) {
  test(`${what} is refused`, () => {
    assert.throws(() => decodeHello(datagram), WireError);
  });
}

test("a hello cut off anywhere is refused", () => {
  for (let length = 0; length < PLAIN.length; length++) assert.throws(() => decodeHello(PLAIN.subarray(0, length)), WireError);
});

test("no octets make the decoder throw anything but its own error", () => {
  const mutated = fc.tuple(fc.nat(PLAIN.length - 1), fc.nat(255)).map(([at, octet]) => changed(at, octet));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200, size: "max" }), mutated), (bytes) => {
      try {
        decodeHello(bytes);
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
