/** BGP's header, NOTIFICATION and ROUTE-REFRESH: RFC 4271 4.1, 4.5, 6.1, RFC 9003, RFC 2918, RFC 7313. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  BgpError,
  Framer,
  type MessageType,
  cease,
  communicationOf,
  decodeNotification,
  decodeRouteRefresh,
  describeNotification,
  encodeMessage,
  encodeNotification,
  encodeRouteRefresh,
  notification,
} from "../../src/wire/index.ts";
import { toHex } from "./hex.ts";
import { octets } from "./octets.ts";

const KEEPALIVE = octets("ff*16 0013 04");

/** All that a stream holds, as "TYPE hex", and the error that ends it. */
function read(chunks: readonly Uint8Array[]): { readonly messages: string[]; readonly error: BgpError | undefined } {
  const framer = new Framer();
  const messages: string[] = [];
  try {
    for (const chunk of chunks) {
      framer.push(chunk);
      for (let message = framer.next(); message !== undefined; message = framer.next()) messages.push(`${message.type} ${toHex(message.body)}`);
    }
  } catch (error) {
    assert.ok(error instanceof BgpError, String(error));
    return { messages, error };
  }
  return { messages, error: undefined };
}

test("a KEEPALIVE is a header alone", () => {
  assert.equal(toHex(encodeMessage("KEEPALIVE")), toHex(KEEPALIVE));
  assert.deepEqual(read([KEEPALIVE]), { messages: ["KEEPALIVE "], error: undefined });
});

for (const [what, header, subcode, data] of [
  ["a marker that is not all ones", "ff*15 fe 0013 04", 1, ""],
  ["a length below 19", "ff*16 0012 04", 2, "0012"],
  ["a length above 4096", "ff*16 1001 02", 2, "1001"],
  ["an OPEN that is too short", "ff*16 001c 01", 2, "001c"],
  ["an UPDATE that is too short", "ff*16 0016 02", 2, "0016"],
  ["a NOTIFICATION that is too short", "ff*16 0014 03", 2, "0014"],
  ["a KEEPALIVE with a body", "ff*16 0014 04", 2, "0014"],
  ["a ROUTE-REFRESH without a subtype", "ff*16 0015 05", 2, "0015"],
  ["type 0", "ff*16 0013 00", 3, "00"],
  ["type 6", "ff*16 0013 06", 3, "06"],
  ["type 255", "ff*16 1000 ff", 3, "ff"],
] as const) {
  test(`${what} is answered with 1/${subcode} as soon as the header is there`, () => {
    for (const chunks of [[octets(header)], Array.from(octets(header), (octet) => Uint8Array.of(octet))]) {
      const { messages, error } = read(chunks);
      assert.deepEqual(messages, []);
      assert.equal(error?.notification.code, 1);
      assert.equal(error.notification.subcode, subcode);
      assert.equal(toHex(error.notification.data), data);
    }
  });
}

const types: readonly MessageType[] = ["UPDATE", "NOTIFICATION", "ROUTE-REFRESH"];

test("however a stream is cut, the same messages come out of it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...types), fc.uint8Array({ minLength: 4, maxLength: 4077, size: "max" })), { maxLength: 6 }),
      fc.array(fc.nat(5000), { maxLength: 12, size: "max" }),
      (sent, cuts) => {
        const stream = Buffer.concat(sent.map(([type, body]) => encodeMessage(type, body)));
        const places = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
        const chunks = places.slice(1).map((to, i) => stream.subarray(places[i], to));
        assert.deepEqual(read(chunks), { messages: sent.map(([type, body]) => `${type} ${toHex(body)}`), error: undefined });
      },
    ),
    { numRuns: 60 },
  );
});

for (const [what, header, subcode, at] of [
  ["the first octet of a marker that is not all ones", "16 03 01", 1, 1],
  ["the last one", "ff*15 00", 1, 16],
  ["the second octet of a length that no message has", "ff*16 0012", 2, 18],
  ["that of a length that is too great", "ff*16 ffff", 2, 18],
  ["the octet of a type that does not exist", "ff*16 0013 06", 3, 19],
  ["the type to which the length does not go", "ff*16 001c 01", 2, 19],
] as const) {
  test(`${what} is the octet that is answered with 1/${subcode}: nothing that follows is waited for`, () => {
    const whole = octets(header);
    assert.equal(read([whole.subarray(0, at - 1)]).error, undefined, "what comes before may be right");
    assert.equal(read([whole.subarray(0, at)]).error?.notification.subcode, subcode);
  });
}

test("however a stream of rubbish is cut, it ends with the same error, after the same messages", () => {
  const spoilt = fc.tuple(fc.nat(20), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.nat(3), spoilt, fc.array(fc.nat(100), { maxLength: 8 }), (good, [place, octet], cuts) => {
      const bad = octets("ff*16 0017 02 00000000");
      bad[place] = octet;
      const stream = Buffer.concat([...Array.from({ length: good }, () => KEEPALIVE), bad]);
      const places = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
      const whole = read([stream]);
      const cut = read(places.slice(1).map((to, i) => stream.subarray(places[i], to)));
      assert.deepEqual([cut.messages, cut.error?.notification], [whole.messages, whole.error?.notification]);
    }),
    { numRuns: 300 },
  );
});

test("garbage ends a stream with a header error and nothing else", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300, size: "max" }), { maxLength: 20, size: "max" }), (chunks) => {
      const { error } = read([KEEPALIVE.subarray(0, 17), ...chunks]);
      if (error !== undefined) assert.equal(error.notification.code, 1);
    }),
  );
});

test("a message of more than 4096 octets is never made", () => {
  assert.equal(encodeMessage("UPDATE", new Uint8Array(4077)).length, 4096);
  assert.throws(() => encodeMessage("UPDATE", new Uint8Array(4078)), RangeError);
});

for (const [body, words] of [
  ["02 02", "OPEN error, bad peer AS"],
  ["04 00", "hold timer expired"],
  ["05 01 04", "finite state machine error, unexpected message in OpenSent state"],
  ["06 02", "cease, administrative shutdown"],
  ["06 02 05 68656c6c6f", 'cease, administrative shutdown: "hello"'],
  ["06 04 05 68656c", "cease, administrative reset"],
  ["06 02 02 c328", 'cease, administrative shutdown: "0xc328"'],
  ["06 09 06 02 02 6869", 'cease, hard reset (cease, administrative shutdown: "hi")'],
  ["08 00", "send hold timer expired"],
  ["06 63", "cease, subcode 99"],
  ["63 01", "error code 99, subcode 1"],
] as const) {
  test(`the NOTIFICATION ${body} reads: ${words}`, () => {
    assert.equal(describeNotification(decodeNotification(octets(body))), words);
    assert.equal(toHex(encodeNotification(decodeNotification(octets(body)))), toHex(octets(body)));
  });
}

test("of hard resets inside hard resets two are described: the rest says nothing and would fill a page of the log", () => {
  const nested = Uint8Array.from({ length: 4077 }, (_, i) => (i % 2 === 0 ? 6 : 9));
  assert.equal(describeNotification(decodeNotification(nested)), "cease, hard reset (cease, hard reset)");
});

test("a shutdown communication has at most 128 octets and no half characters", () => {
  assert.equal(toHex(encodeNotification(cease(2, "bye"))), "060203627965");
  assert.equal(toHex(encodeNotification(cease(3, "no text with this subcode"))), "0603");
  const long = encodeNotification(cease(2, `x${"ü".repeat(100)}`));
  assert.equal(long[2], 127);
  assert.equal(communicationOf(decodeNotification(long)), `x${"ü".repeat(63)}`);
});

test("no NOTIFICATION is too strange to be read", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 300, size: "max" }), (body) => {
      assert.equal(typeof describeNotification(decodeNotification(body)), "string");
    }),
  );
});

test("a received NOTIFICATION does not hold on to the buffer that it came in", () => {
  const body = octets("06 02 01 41");
  const kept = decodeNotification(body);
  body.fill(0);
  assert.equal(communicationOf(kept), "A");
});

test("a ROUTE-REFRESH names its family; subtypes count only between speakers of RFC 7313", () => {
  const enhanced = { enhancedRouteRefresh: true };
  assert.deepEqual(decodeRouteRefresh(octets("0001 00 01"), enhanced), { afi: 1, safi: 1, subtype: "request" });
  assert.deepEqual(decodeRouteRefresh(octets("0002 01 01"), enhanced), { afi: 2, safi: 1, subtype: "begin" });
  assert.deepEqual(decodeRouteRefresh(octets("0002 02 01"), enhanced), { afi: 2, safi: 1, subtype: "end" });
  assert.deepEqual(decodeRouteRefresh(octets("0002 ff 01"), enhanced), { afi: 2, safi: 1, subtype: "unknown" });
  assert.deepEqual(decodeRouteRefresh(octets("0002 02 01"), { enhancedRouteRefresh: false }), { afi: 2, safi: 1, subtype: "request" });
  assert.equal(toHex(encodeRouteRefresh({ afi: 2, safi: 1, subtype: "end" })), "00020201");
  assert.equal(decodeRouteRefresh(octets("0001 00 01 80 01 02 03 04"), enhanced).subtype, "request", "ORF entries are ignored");
});

for (const [what, body, enhancedRouteRefresh, answer] of [
  ["a marker of a refresh with a tail", "0001 01 01 00", true, `7/1 ${"ff".repeat(16)}0018050001010100`],
  ["a marker of a refresh without its last octet", "0001 02", true, `7/1 ${"ff".repeat(16)}001605000102`],
  ["a marker without its last octet, to who does not know markers", "0001 02", false, "1/2 0016"],
  ["a request without its last octet", "0001 00", true, "1/2 0016"],
] as const) {
  test(`${what} is answered with ${answer.slice(0, 3)}`, () => {
    assert.throws(
      () => decodeRouteRefresh(octets(body), { enhancedRouteRefresh }),
      ({ notification: { code, subcode, data } }: BgpError) => `${code}/${subcode} ${toHex(data)}` === answer,
    );
  });
}

test("a NOTIFICATION that is made carries what it was given", () => {
  assert.deepEqual(decodeNotification(encodeNotification(notification(3, 9, octets("80 0e 00")))), { code: 3, subcode: 9, data: octets("80 0e 00") });
});

test("whatever data it was given, a NOTIFICATION fits a message", () => {
  assert.equal(encodeMessage("NOTIFICATION", encodeNotification(notification(7, 1, new Uint8Array(4096)))).length, 4096);
});
