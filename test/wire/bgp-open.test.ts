/** OPEN and capabilities: RFC 4271 4.2 and 6.2, RFC 5492, 6286, 6793, 7607, 9072. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Ipv4 } from "../../src/net/index.ts";
import { BgpError, type Capability, type Open, decodeOpen, describeCapability, encodeOpen } from "../../src/wire/index.ts";
import { toHex } from "./hex.ts";
import { octets } from "./octets.ts";

const HEAD = "04 fbf4 005a c0000201"; // version 4, AS 64500, hold time 90, 192.0.2.1

for (const [what, body, open] of [
  ["without optional parameters", `${HEAD} 00`, { asn: 64500, holdSeconds: 90, identifier: "192.0.2.1", capabilities: [] }],
  [
    "with IPv4, IPv6, route refresh and four-octet AS",
    `${HEAD} 16 02 14 01 04 0001 00 01  01 04 0002 00 01  02 00  41 04 0000fbf4`,
    {
      asn: 64500,
      holdSeconds: 90,
      identifier: "192.0.2.1",
      capabilities: [
        { name: "multiprotocol", afi: 1, safi: 1 },
        { name: "multiprotocol", afi: 2, safi: 1 },
        { name: "route-refresh" },
        { name: "four-octet-as", asn: 64500 },
      ],
    },
  ],
  [
    "of an AS that needs four octets",
    "04 5ba0 0000 c0000201 08 02 06 41 04 fa56ea01",
    { asn: 4_200_000_001, holdSeconds: 0, identifier: "192.0.2.1", capabilities: [{ name: "four-octet-as", asn: 4_200_000_001 }] },
  ],
  [
    "with graceful restart, a role, a host name, IPv4 over IPv6 next hops and what nobody knows",
    `${HEAD} 2f 02 2d 40 06 c078 0001 01 80  09 01 03  49 06 04 65646765 00  05 06 0001 0001 0002  46 00  06 00  80 00  c8 01 2a  47 07 0001 01 80 015180`,
    {
      asn: 64500,
      holdSeconds: 90,
      identifier: "192.0.2.1",
      capabilities: [
        { name: "graceful-restart", restarting: true, notification: true, restartSeconds: 120, families: [{ afi: 1, safi: 1, forwarding: true }] },
        { name: "role", role: 3 },
        { name: "fqdn", hostname: "edge", domain: "" },
        { name: "extended-next-hop", encodings: [{ afi: 1, safi: 1, nextHopAfi: 2 }] },
        { name: "enhanced-route-refresh" },
        { name: "extended-message" },
        { name: "route-refresh-cisco" },
        { name: "unknown", code: 200, value: octets("2a") },
        { name: "long-lived-graceful-restart", families: [{ afi: 1, safi: 1, forwarding: true, staleSeconds: 86_400 }] },
      ],
    },
  ],
] as const) {
  test(`decodes and encodes an OPEN ${what}`, () => {
    assert.deepEqual(decodeOpen(octets(body)), open);
    assert.equal(toHex(encodeOpen(open as unknown as Open)), toHex(octets(body)));
  });
}

for (const [what, body] of [
  ["one parameter for each capability", `${HEAD} 0a 02 02 02 00  02 04 46 00 80 00`],
  ["several capabilities in one parameter and more in another", `${HEAD} 0c 02 04 02 00 46 00  02 04 80 00 06 00`],
  ["the same capability twice", `${HEAD} 08 02 06 02 00 02 00 46 00`],
  ["an empty parameter", `${HEAD} 02 02 00`],
  ["the extended length of RFC 9072", `${HEAD} ff ff 0007 02 0004 02 00 46 00`],
  ["the extended length without need, and another octet before it", `${HEAD} 07 ff 0007 02 0004 02 00 46 00`],
  ["the extended length and no parameter", `${HEAD} ff ff 0000`],
] as const) {
  test(`accepts ${what}`, () => {
    assert.equal(decodeOpen(octets(body)).asn, 64500);
  });
}

test("more than 255 octets of capabilities are read (RFC 9072)", () => {
  const many = "c8 fd 00*253".concat(" c9 04 01020304");
  const size = 255 + 6;
  const body = `${HEAD} ff ff ${(size + 3).toString(16).padStart(4, "0")} 02 ${size.toString(16).padStart(4, "0")} ${many}`;
  assert.deepEqual(decodeOpen(octets(body)).capabilities.map(describeCapability), ["capability 200", "capability 201"]);
});

for (const [what, body, subcode, data] of [
  ["version 3", `03 ${HEAD.slice(3)} 00`, 1, "0004"],
  ["version 5", `05 ${HEAD.slice(3)} 00`, 1, "0004"],
  ["AS 0", "04 0000 005a c0000201 00", 2, ""],
  ["AS 0 in the capability", `${HEAD} 08 02 06 41 04 00000000`, 2, ""],
  ["identifier 0.0.0.0", "04 fbf4 005a 00000000 00", 3, ""],
  ["hold time 1", "04 fbf4 0001 c0000201 00", 6, ""],
  ["hold time 2", "04 fbf4 0002 c0000201 00", 6, ""],
  ["an authentication parameter", `${HEAD} 02 01 00`, 4, ""],
  ["an unknown parameter", `${HEAD} 03 7f 01 00`, 4, ""],
  ["the extended length type a second time", `${HEAD} ff ff 0003 ff 0000`, 4, ""],
  ["parameters longer than they are", `${HEAD} 05 02 02 02 00`, 0, ""],
  ["parameters shorter than they are", `${HEAD} 03 02 02 02 00`, 0, ""],
  ["octets although there are no parameters", `${HEAD} 00 02 00`, 0, ""],
  ["a parameter that is cut off", `${HEAD} 01 02`, 0, ""],
  ["a parameter longer than the message", `${HEAD} 04 02 03 02 00`, 0, ""],
  ["a capability that is cut off", `${HEAD} 03 02 01 02`, 0, ""],
  ["a capability longer than its parameter", `${HEAD} 06 02 04 41 04 0000`, 0, ""],
  ["a multiprotocol capability of three octets", `${HEAD} 07 02 05 01 03 0001 00`, 0, ""],
  ["a four-octet AS capability of two octets", `${HEAD} 06 02 04 41 02 fbf4`, 0, ""],
  ["a route refresh capability with a value", `${HEAD} 05 02 03 02 01 00`, 0, ""],
  ["an extended length that is cut off", `${HEAD} ff ff 00`, 0, ""],
  ["an extended length that is wrong", `${HEAD} ff ff 0008 02 0004 02 00 46 00`, 0, ""],
] as const) {
  test(`an OPEN with ${what} is answered with 2/${subcode}`, () => {
    assert.throws(
      () => decodeOpen(octets(body)),
      (error) => error instanceof BgpError && error.notification.code === 2 && error.notification.subcode === subcode && toHex(error.notification.data) === data,
    );
  });
}

test("what younger routers offer and we make nothing of is named, and does no harm", () => {
  const offered = "45 04 0001 01 03 4c 05 0001 01 0003 43 00 4d 00 4a 00 4b 06 05 46 52 52 31 30"; // ADD-PATH, PATHS-LIMIT, dynamic, link-local, BFD strict, version
  const size = octets(offered).length;
  const { capabilities } = decodeOpen(octets(`${HEAD} ${(size + 2).toString(16)} 02 ${size.toString(16)} ${offered}`));
  assert.deepEqual(capabilities.map(describeCapability), ["add-path", "paths-limit", "dynamic-capability", "link-local-next-hop", "bfd-strict-mode", "software-version"]);
});

for (const [what, capability] of [
  ["a host name longer than itself", "49 03 05 6564"],
  ["graceful restart of three octets", "40 03 0078 00"],
  ["extended next hops of five octets", "05 05 0001 0001 00"],
] as const) {
  test(`${what} is taken as a capability that we do not know`, () => {
    const size = octets(capability).length;
    const body = `${HEAD} ${(size + 2).toString(16).padStart(2, "0")} 02 ${size.toString(16).padStart(2, "0")} ${capability}`;
    assert.equal(decodeOpen(octets(body)).capabilities[0]?.name, "unknown");
  });
}

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const plain = { noNullPrototype: true };
const family = fc.record({ afi: u16, safi: u8 }, plain);
const text = fc.string({ maxLength: 15, size: "max" });
const capability: fc.Arbitrary<Capability> = fc.oneof(
  family.map((one): Capability => ({ name: "multiprotocol", ...one })),
  fc.constantFrom<Capability>({ name: "route-refresh" }, { name: "enhanced-route-refresh" }, { name: "extended-message" }, { name: "route-refresh-cisco" }),
  fc.array(fc.record({ afi: u16, safi: u16, nextHopAfi: u16 }, plain), { minLength: 1, maxLength: 3 }).map((encodings): Capability => ({ name: "extended-next-hop", encodings })),
  u8.map((role): Capability => ({ name: "role", role })),
  fc.record({ name: fc.constant("graceful-restart" as const), restarting: fc.boolean(), notification: fc.boolean(), restartSeconds: fc.nat(4095), families: fc.array(fc.record({ afi: u16, safi: u8, forwarding: fc.boolean() }, plain), { maxLength: 3 }) }, plain),
  fc.record({ hostname: text, domain: text }).map((names): Capability => ({ name: "fqdn", ...names })),
  text.map((version): Capability => ({ name: "software-version", version })),
  fc.record({ name: fc.constant("unknown" as const), code: fc.integer({ min: 200, max: 255 }), value: fc.uint8Array({ maxLength: 10 }) }, plain),
);
const open: fc.Arbitrary<Open> = fc
  .record({
    asn: fc.integer({ min: 1, max: 0xffffffff }),
    holdSeconds: u16.filter((seconds) => seconds !== 1 && seconds !== 2),
    identifier: fc.integer({ min: 1, max: 0xffffffff }).map((n) => [24, 16, 8, 0].map((shift) => (n >>> shift) & 0xff).join(".") as Ipv4),
    capabilities: fc.array(capability, { maxLength: 4 }),
  })
  .map((one) => ({ ...one, capabilities: [...one.capabilities, { name: "four-octet-as", asn: one.asn }] }));

test("what is encoded is decoded to the same", () => {
  fc.assert(
    fc.property(open, (one) => {
      assert.deepEqual(decodeOpen(encodeOpen(one)), one);
    }),
  );
});

test("an OPEN that is cut off anywhere, or changed anywhere, is an OPEN or a BgpError of code 2", () => {
  fc.assert(
    fc.property(open, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 3 }), (one, place, noise) => {
      const body = encodeOpen(one);
      for (let length = 10; length < body.length; length++) mustBeTotal(body.subarray(0, length));
      body.set(noise.subarray(0, body.length), place % Math.max(1, body.length - noise.length));
      mustBeTotal(body);
    }),
    { numRuns: 200 },
  );
});

function mustBeTotal(body: Uint8Array): void {
  try {
    decodeOpen(body);
  } catch (error) {
    assert.ok(error instanceof BgpError, String(error));
    assert.equal(error.notification.code, 2);
  }
}
