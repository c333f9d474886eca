/** Every UPDATE costs what a second reading of RFC 7606 says: messages of right and wrong attributes in any order, and then some octets changed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BgpError, type UpdateContext, decodeUpdate } from "../../src/wire/index.ts";
import { toHex } from "./hex.ts";
import { octets } from "./octets.ts";
import { type Verdict, verdictOn } from "./update-verdict.ts";

/** Type, flags, and values of which the first is right in most sessions. */
const ATTRIBUTES: readonly (readonly [code: number, flags: number, right: string, ...others: readonly string[]])[] = [
  [1, 0x40, "00", "02", "03", ""],
  [2, 0x40, "02010000fbf5", "", "0201fbf5", "02020000fbf50000fbf6", "03010000fbf5", "01010000fbf5", "0200", "020100000000", "02010000"],
  [3, 0x40, "0a0700fe", "00000000", "7f000001", "e0000001", "0a07"],
  [4, 0x80, "00000001", "00"],
  [5, 0x40, "00000064", ""],
  [6, 0x40, "", "00"],
  [7, 0xc0, "0000fbf50a000001", "fbf50a000001", "000000000a000001", "00"],
  [8, 0xc0, "fbf50001", "", "00"],
  [9, 0x80, "0a000001", "0a"],
  [10, 0x80, "0a000001", ""],
  [14, 0x80, "00020110 fd*16 00 10fd09", "00020110 fd*16 00", "00020120 fd*16 fe*16 00 10fd09", "00010104 0a0700fe 00 18cb0071", "00010110 fd*16 00 18cb0071", "00018000 00ffffff", "00020104 00*5", "0002"],
  [15, 0x80, "000201", "00020110fd09", "00018099", "0001", "00010118cb0071"],
  [16, 0xc0, "0002fbf500000001", "00"],
  [17, 0xc0, "02010000fbf5", "0201", "03010000fbf5"],
  [18, 0xc0, "0000fbf50a000001", "000000000a000001"],
  [25, 0xc0, "00*20", ""],
  [32, 0xc0, "00*12", "00"],
  [35, 0xc0, "0000fbf5", ""],
  [99, 0x40, "00"],
  [128, 0xc0, "0000fbf540010100", "000000", "0000fbf5400102"],
  [200, 0xc0, "", "0102"],
];

const mostly = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> => fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(usual, ...others) });

const attribute = fc.constantFrom(...ATTRIBUTES).chain(([code, flags, right, ...others]) =>
  fc.tuple(mostly(right, ...others), mostly(flags, 0x00, 0x40, 0x80, 0xc0, 0xe0), mostly(false, true)).map(([text, sent, extended]) => {
    const value = octets(text);
    return extended ? [sent | 0x10, code, value.length >> 8, value.length & 0xff, ...value] : [sent, code, value.length, ...value];
  }),
);
const needed = ["40010100", "4002060201 0000fbf5", "4003040a0700fe", "40050400000064"].map((text) => [...octets(text)]);
const attributes = fc.tuple(mostly(needed, needed.slice(0, 3), needed.slice(1), []), fc.array(attribute, { maxLength: 3 }), fc.boolean()).map(([first, more, before]) => (before ? [...more, ...first] : [...first, ...more]).flat());
const fieldOf = (...texts: readonly string[]) => fc.constantFrom(...texts).map((text) => [...octets(text)]);
const length = (list: readonly number[]): number[] => [list.length >> 8, list.length & 0xff];

const whole = fc
  .tuple(fieldOf("", "", "", "18cb0071", "20cb00710118cb0072"), fc.oneof({ weight: 4, arbitrary: attributes }, { weight: 1, arbitrary: attribute }), fieldOf("", "18cb0071", "18cb007120cb007201", "00"))
  .map(([withdrawn, list, nlri]) => [...length(withdrawn), ...withdrawn, ...length(list), ...list, ...nlri]);
const change = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom("set", "remove", "insert"));
const message = fc.tuple(whole, fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(change, { maxLength: 2 }) })).map(([list, changes]) => {
  const changed = [...list];
  for (const [place, octet, what] of changes) changed.splice(place % changed.length, what === "insert" ? 0 : 1, ...(what === "remove" ? [] : [octet]));
  return Uint8Array.from([...changed, 0, 0, 0, 0].slice(0, Math.max(4, changed.length)));
});
const session: fc.Arbitrary<UpdateContext> = fc.record({
  fourOctetAs: mostly(true, false),
  internal: fc.boolean(),
  families: fc.constantFrom<UpdateContext["families"]>(["ipv4", "ipv6"], ["ipv4"], ["ipv6"]),
  extendedNextHop: fc.boolean(),
});

function decoded(body: Uint8Array, context: UpdateContext): Verdict {
  try {
    const { reachable, withdrawn, problems } = decodeUpdate(body, context);
    const sum = (fields: typeof reachable): number => fields.reduce((routes, { count }) => routes + count, 0);
    return { announced: sum(reachable), withdrawn: sum(withdrawn), spoilt: problems.length > 0 };
  } catch (error) {
    if (error instanceof BgpError && error.notification.code === 3) return "session reset";
    throw error;
  }
}

test("whatever an UPDATE says, it costs what RFC 7606 says", () => {
  const outcomes = { reset: 0, spoilt: 0, whole: 0 };
  fc.assert(
    fc.property(message, session, (body, context) => {
      const wanted = verdictOn(body, context);
      outcomes[wanted === "session reset" ? "reset" : wanted.spoilt ? "spoilt" : "whole"]++;
      assert.deepEqual(decoded(body, context), wanted, toHex(body));
    }),
    { numRuns: 10_000 },
  );
  assert.ok(Math.min(...Object.values(outcomes)) > 500, `one-sided: ${JSON.stringify(outcomes)}`);
});
