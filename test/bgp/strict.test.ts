/**
 * What each message costs, and what it does not, over a whole session: code, subcode and data of every NOTIFICATION beside RFC 4271 6,
 * 5492, 6286, 6608, 6793, 7313, 7606, 7607, 9072 and 9234. The codecs alone are in test/wire/.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BgpPeer } from "../../src/bgp/index.ts";
import type { Capability } from "../../src/wire/index.ts";
import { toHex } from "../wire/hex.ts";
import { octets } from "../wire/octets.ts";
import { ROUTER, type RouterConnection } from "./router.ts";
import { PEER, World } from "./world.ts";

const MARKER = "ff*16";
const HEAD = "04 fbf5 005a 0a0700fe"; // version 4, AS 64501, hold time 90, 10.7.0.254

/** A whole message with its true length. */
function message(type: number, body: string): string {
  const length = 19 + octets(body).length;
  return `${MARKER} ${length.toString(16).padStart(4, "0")} ${type.toString(16).padStart(2, "0")} ${body}`;
}
const open = (body: string): string => message(1, body);
/** An OPEN with these capabilities in one parameter. */
function capable(triples: string, head = HEAD): string {
  const size = octets(triples).length;
  return open(`${head} ${(size + 2).toString(16).padStart(2, "0")} 02 ${size.toString(16).padStart(2, "0")} ${triples}`);
}
/** "2/2 fbf5": code, subcode and data of what it was told; "" if nothing. */
function told({ notification }: RouterConnection): string {
  return notification === undefined ? "" : `${notification.code}/${notification.subcode} ${toHex(notification.data)}`.trim();
}

type Row = readonly [what: string, sent: string, answer: string];

const HEADERS: readonly Row[] = [
  ["a marker that is not all ones", `ff*15 fe 0013 04`, "1/1"],
  ["a length of zero", `${MARKER} 0000 04`, "1/2 0000"],
  ["a length below the header's", `${MARKER} 0012 04`, "1/2 0012"],
  ["a length above 4096, before its body is there", `${MARKER} 1001 02`, "1/2 1001"],
  ["the longest length", `${MARKER} ffff 01`, "1/2 ffff"],
  ["an OPEN that is too short", `${MARKER} 001c 01 04 fbf5 005a 0a0700fe`, "1/2 001c"],
  ["an UPDATE that is too short", `${MARKER} 0016 02 0000 00`, "1/2 0016"],
  ["a NOTIFICATION that is too short", `${MARKER} 0014 03 06`, "1/2 0014"],
  ["a KEEPALIVE that is too long", `${MARKER} 0014 04 00`, "1/2 0014"],
  ["a ROUTE-REFRESH without a subtype", `${MARKER} 0015 05 0001`, "1/2 0015"],
  ["type 0", `${MARKER} 0013 00`, "1/3 00"],
  ["type 6, before its body is there", `${MARKER} 0020 06`, "1/3 06"],
  ["type 255", `${MARKER} 0013 ff`, "1/3 ff"],
];

const OPENS: readonly Row[] = [
  ["version 3", open("03 fbf5 005a 0a0700fe 00"), "2/1 0004"],
  ["version 5 and all else wrong too", open("05 0000 0001 00000000 07"), "2/1 0004"],
  ["AS 0", open("04 0000 005a 0a0700fe 00"), "2/2"],
  ["another AS than configured", open("04 fbf6 005a 0a0700fe 00"), "2/2"],
  ["AS 0 in the four-octet capability", capable("41 04 00000000"), "2/2"],
  ["another AS in the four-octet capability", capable("41 04 0000fbf6"), "2/2"],
  ["an AS that is not the one of the four-octet capability, which is right", capable("41 04 0000fbf5", "04 fbf6 005a 0a0700fe"), "2/2"],
  ["AS_TRANS without the four-octet capability", open("04 5ba0 005a 0a0700fe 00"), "2/2"],
  ["identifier 0.0.0.0", open("04 fbf5 005a 00000000 00"), "2/3"],
  ["hold time 1", open("04 fbf5 0001 0a0700fe 00"), "2/6"],
  ["hold time 2", open("04 fbf5 0002 0a0700fe 00"), "2/6"],
  ["parameters longer than the message", open(`${HEAD} 04 02 00`), "2/0"],
  ["parameters shorter than the message", open(`${HEAD} 02 02 00 00`), "2/0"],
  ["octets behind no parameters", open(`${HEAD} 00 02 00`), "2/0"],
  ["a parameter that is cut off", open(`${HEAD} 01 02`), "2/0"],
  ["a parameter longer than the list", open(`${HEAD} 04 02 03 02 00`), "2/0"],
  ["the deprecated authentication parameter", open(`${HEAD} 03 01 01 00`), "2/4"],
  ["an unknown parameter", open(`${HEAD} 02 0c 00`), "2/4"],
  ["type 255 as the second parameter (RFC 9072 3)", open(`${HEAD} 06 02 02 02 00 ff 00`), "2/4"],
  ["type 255 within the extended encoding", open(`${HEAD} ff ff 0003 ff 0000`), "2/4"],
  ["an extended length that is cut off", open(`${HEAD} ff ff 00`), "2/0"],
  ["an extended length that is too large", open(`${HEAD} ff ff 0006 02 0002 02 00`), "2/0"],
  ["an extended length that is too small", open(`${HEAD} ff ff 0003 02 0002 02 00`), "2/0"],
  ["an extended parameter with a length of one octet", open(`${HEAD} ff ff 0004 02 02 02 00`), "2/0"],
  ["a capability that is cut off", capable("02"), "2/0"],
  ["a capability longer than its parameter", capable("41 04 0000fb"), "2/0"],
  ["a multiprotocol capability of three octets", capable("01 03 0001 01"), "2/0"],
  ["a multiprotocol capability of five octets", capable("01 05 0001 00 01 00"), "2/0"],
  ["a four-octet AS of two octets", capable("41 02 fbf5"), "2/0"],
  ["a route refresh capability with a value", capable("02 01 00"), "2/0"],
  ["a role of two octets", capable("09 02 0000"), "2/0"],
  ["two roles that differ", capable("41 04 0000fbf5 09 01 00 09 01 04"), "2/11"],
  ["none of our families: the data lists those that are missed", capable("01 04 0001 00 80 41 04 0000fbf5"), "2/7 010400010001010400020001"],
  ["a KEEPALIVE where an OPEN is due", message(4, ""), "5/1 04"],
  ["an UPDATE where an OPEN is due, malformed or not", message(2, "ffff ffff"), "5/1 02"],
  ["a ROUTE-REFRESH where an OPEN is due", message(5, "0001 00 01"), "5/1 05"],
  ["a NOTIFICATION of a code that does not exist: never answered", message(3, "63 00"), ""],
];

const AFTER_OPEN: readonly Row[] = [
  ["a second OPEN", open(`${HEAD} 00`), "5/2 01"],
  ["a second OPEN of another version", open("05 fbf5 005a 0a0700fe 00"), "2/1 0004"],
  ["a second OPEN with hold time 1", open("04 fbf5 0001 0a0700fe 00"), "2/6"],
  ["an UPDATE before the KEEPALIVE", message(2, "0000 0000"), "5/2 02"],
  ["a ROUTE-REFRESH before the KEEPALIVE", message(5, "0001 00 01"), "5/2 05"],
];

const ORIGIN = "40 01 01 00";
const AS_PATH = "40 02 06 02 01 0000fbf5";
const NEXT_HOP = "40 03 04 0a0700fe";
const MP_REACH = "80 0e 1a 0002 01 10 20010db8 00*11 01 00 20 20010db8"; // 2001:db8::/32
/** An UPDATE of attributes and IPv4 routes. */
function update(attributes: string, nlri = "", withdrawn = ""): string {
  const length = (text: string): string => octets(text).length.toString(16).padStart(4, "0");
  return message(2, `${length(withdrawn)} ${withdrawn} ${length(attributes)} ${attributes} ${nlri}`);
}

const ESTABLISHED: readonly Row[] = [
  ["an OPEN", open(`${HEAD} 00`), "5/3 01"],
  ["a malformed OPEN", open("03 fbf5 005a 0a0700fe 00"), "5/3 01"],
  ["withdrawn routes longer than the message", message(2, "0002 0000"), "3/1"],
  ["attributes longer than the message", message(2, "0000 0001"), "3/1"],
  ["MP_REACH_NLRI twice", update("80 0e 05 0001 02 00 00 80 0e 05 0001 02 00 00"), "3/1"],
  ["MP_UNREACH_NLRI twice", update("80 0f 03 0002 01 80 0f 03 0002 01"), "3/1"],
  ["an unknown well-known attribute: the data is the attribute", update(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} 50 c8 0002 abcd`, "18 cb0071"), "3/2 50c80002abcd"],
  ["a prefix of 33 bits", update(`${ORIGIN} ${AS_PATH} ${NEXT_HOP}`, "21 cb00710000"), "3/10"],
  ["a withdrawn prefix that is cut off", update("", "", "20 cb"), "3/10"],
  ["an IPv6 route with a next hop of four octets: the data is the attribute", update(`80 0e 09 0002 01 04 0a070001 00 ${ORIGIN} ${AS_PATH}`), "3/9 800e09000201040a07000100"],
  ["an undefined ORIGIN and no route to withdraw: the data is the attribute", update("40 01 01 05"), "3/6 40010105"],
  ["a malformed AS_PATH and no route to withdraw", update("40 02 01 02"), "3/11 40020102"],
  ["NEXT_HOP 0.0.0.0 and no route to withdraw", update("40 03 04 00000000"), "3/8 40030400000000"],
  ["MULTI_EXIT_DISC of two octets beside withdrawn routes", update("80 04 02 0001", "", "18 cb0071"), "3/5 8004020001"],
  ["ORIGIN with the flags of an optional attribute and no route to withdraw", update("80 01 01 00"), "3/4 80010100"],
  ["COMMUNITIES of three octets and no route to withdraw", update("c0 08 03 000001"), "3/5 c00803000001"],
  ["the beginning of a refresh with an octet too many: the data is the message", message(5, "0001 01 01 00"), `7/1 ${"ff".repeat(16)}0018050001010100`],
  ["the beginning of a refresh with an octet too few", message(5, "0001 01"), `7/1 ${"ff".repeat(16)}001605000101`],
  ["a request for a refresh with an octet too few", message(5, "0001 00"), "1/2 0016"],
  ["MP_UNREACH_NLRI that is transitive beside another attribute and no route to withdraw", update(`c0 0f 03 0002 01 ${ORIGIN}`), "3/4 c00f03000201"],
  ["the end of a refresh with an octet too many", message(5, "0001 02 01 00"), `7/1 ${"ff".repeat(16)}0018050001020100`],
  ["a NOTIFICATION of a code that does not exist: never answered", message(3, "63 00"), ""],
];

/** The session up to a point, and what the router then says. */
const STAGES: Readonly<Record<string, { readonly rows: readonly Row[]; readonly prepare: (w: World) => RouterConnection }>> = {
  "where any message may be malformed": { rows: HEADERS, prepare: established },
  "where an OPEN is due": { rows: [...HEADERS, ...OPENS], prepare: (w) => silent(w) },
  "where a KEEPALIVE is due": {
    rows: AFTER_OPEN,
    prepare: (w) => {
      const connection = silent(w);
      w.router.sendOpen(connection);
      w.advance(50);
      return connection;
    },
  },
  "in a session that is up": { rows: ESTABLISHED, prepare: established },
};

/** Connected, and the router has said nothing. */
function silent(w: World): RouterConnection {
  w.router.behave = () => undefined;
  w.establish();
  return w.router.last;
}

function established(w: World): RouterConnection {
  w.establish({ vips: ["10.9.9.9"] });
  assert.equal(w.peer().state, "Established");
  return w.router.last;
}

for (const [where, { rows, prepare }] of Object.entries(STAGES)) {
  for (const [what, sent, answer] of rows) {
    test(`${where}: ${what} is answered with ${answer === "" ? "nothing" : answer.slice(0, 40)}, and the connection is closed`, () => {
      const w = new World();
      const connection = prepare(w);
      connection.raw(octets(sent));
      w.advance(100);
      assert.equal(told(connection), answer);
      assert.equal(connection.closed, true);
      assert.notEqual(w.peer().state, "Established");
    });
  }
}

// What brings a session up all the same.
for (const [what, sent] of [
  ["no parameters at all", open(`${HEAD} 00`)],
  ["an empty Capabilities parameter", open(`${HEAD} 02 02 00`)],
  ["capabilities that nobody knows", capable("c8 03 010203 ff 00 00 00")],
  ["a capability twice", capable("01 04 0001 00 01 01 04 0001 00 01 41 04 0000fbf5 41 04 0000fbf5 02 00 02 00")],
  ["several parameters with several capabilities", open(`${HEAD} 10 02 06 01 04 0001 00 01 02 06 41 04 0000fbf5`)],
  ["a capability 128 that has a value, so that it is not the route refresh of old", capable("80 01 02")],
  ["a host name that is longer than its capability", capable("49 05 ff 65646765")],
  ["a host name without a domain name", capable("49 05 04 65646765")],
  ["a host name capability of one octet", capable("49 01 00")],
  ["a software version that is cut off", capable("4b 02 05 61")],
  ["graceful restart of three octets", capable("40 03 000000")],
  ["graceful restart of no octets", capable("40 00")],
  ["extended next hops of five octets", capable("05 05 0001 0001 00")],
  ["a reserved octet that is not zero", capable("01 04 0001 ff 01")],
  ["a role where none is configured, assigned or not", capable("09 01 09")],
  ["a role twice", capable("09 01 00 09 01 00")],
  ["an extended length of few octets (RFC 9072 2)", open(`${HEAD} ff ff 000b 02 0008 02 00 41 04 0000fbf5`)],
  ["an extended length behind another one-octet length", open(`${HEAD} 01 ff 000b 02 0008 02 00 41 04 0000fbf5`)],
  ["an extended length of no parameters", open(`${HEAD} ff ff 0000`)],
  ["the hold time 3", open("04 fbf5 0003 0a0700fe 00")],
  ["the hold time 65535", open("04 fbf5 ffff 0a0700fe 00")],
  ["a multicast identifier, which is a number since RFC 6286", open("04 fbf5 005a e0000001 00")],
  ["our own identifier in another AS (RFC 6286 2.2)", open("04 fbf5 005a 0a070001 00")],
] as const) {
  test(`an OPEN with ${what} is accepted`, () => {
    const w = new World();
    const connection = silent(w);
    connection.raw(octets(sent));
    connection.send("KEEPALIVE");
    w.advance(100);
    assert.equal(told(connection), "");
    assert.equal(w.peer().state, "Established");
  });
}

test("more than 255 octets of capabilities come in the extended encoding (RFC 9072)", () => {
  const w = new World();
  const connection = silent(w);
  connection.raw(octets(open(`${HEAD} ff ff 010b 02 0108 c8 fe 00*254 02 00 41 04 0000fbf5`)));
  connection.send("KEEPALIVE");
  w.advance(100);
  assert.equal(told(connection), "");
  assert.equal(w.peer().negotiated?.fourOctetAs, true);
});

// What costs routes or nothing, counted as [announcements, withdrawals, malformed].
for (const [what, peer, sent, counts] of [
  ["LOCAL_PREF missing within an AS", { asn: "internal", localAsn: 64501 }, update(`${ORIGIN} ${AS_PATH} ${NEXT_HOP}`, "18 cb0071"), [0, 1, 1]],
  ["LOCAL_PREF within an AS", { asn: "internal", localAsn: 64501 }, update(`${ORIGIN} 40 02 00 ${NEXT_HOP} 40 05 04 00000064`, "18 cb0071"), [1, 0, 0]],
  ["LOCAL_PREF from another AS", {}, update(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} 40 05 04 00000064`, "18 cb0071"), [1, 0, 1]],
  ["attributes and no route", {}, update(`${ORIGIN} ${AS_PATH} ${NEXT_HOP}`), [0, 0, 0]],
  ["a malformed attribute that is only to be discarded, and no route", {}, update(`${ORIGIN} 40 06 01 00`), [0, 0, 1]],
  ["an attribute list that is cut off", {}, update(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} 80 04 04 00`, "18 cb0071"), [0, 1, 1]],
  ["every attribute twice", {}, update(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} ${ORIGIN} ${AS_PATH} ${NEXT_HOP}`, "18 cb0071"), [1, 0, 0]],
  ["an unknown optional attribute", {}, update(`${ORIGIN} ${AS_PATH} ${NEXT_HOP} c0 c8 01 00 80 c9 00`, "18 cb0071"), [1, 0, 0]],
  ["routes of a family that was not agreed on", {}, update(`80 0e 09 0001 80 00 00 00 00 00 00 ${ORIGIN} ${AS_PATH}`), [0, 0, 0]],
  ["a NEXT_HOP that is no address, beside routes that have another one in MP_REACH_NLRI (RFC 4760 3)", {}, update(`${MP_REACH} ${ORIGIN} ${AS_PATH} 40 03 04 00000000`), [1, 0, 0]],
  ["a NEXT_HOP of three octets beside them", {}, update(`${MP_REACH} ${ORIGIN} ${AS_PATH} 40 03 03 000000`), [0, 1, 1]],
  ["a NEXT_HOP that is no address, beside both kinds of routes", {}, update(`${MP_REACH} ${ORIGIN} ${AS_PATH} 40 03 04 00000000`, "18 cb0071"), [0, 2, 1]],
  ["withdrawn routes alone", {}, update("", "", "18 cb0071 00"), [0, 2, 0]],
  ["an End-of-RIB", {}, update(""), [0, 0, 0]],
  ["withdrawn routes in an MP_UNREACH_NLRI that is transitive (RFC 7606 3 (c) and 5.2)", {}, update("c0 0f 05 0002 01 08 fd"), [0, 1, 1]],
  ["a refresh of a subtype that does not exist", {}, message(5, "0001 07 01"), [0, 0, 0]],
  ["a refresh of a family that does not exist", {}, message(5, "4004 00 47"), [0, 0, 0]],
  ["a refresh with filters that were not agreed on (RFC 5291)", {}, message(5, "0001 00 01 01 80 0001 00"), [0, 0, 0]],
] as const) {
  test(`${what}: the session stays`, () => {
    const w = new World();
    w.establish({ peers: [{ ...PEER, ...(peer as Partial<BgpPeer>) }] });
    w.router.last.raw(octets(sent));
    w.advance(100);
    assert.equal(told(w.router.last), "");
    const { state, received } = w.peer();
    assert.deepEqual([state, received.announcements, received.withdrawals, received.malformed], ["Established", ...counts]);
  });
}

test("our own identifier within our AS is refused (RFC 6286 2.2)", () => {
  const w = new World();
  w.router.behave = (connection) => { w.router.sendOpen(connection, { identifier: w.speaker.status().routerId }); };
  w.establish({ peers: [{ ...PEER, asn: "internal", localAsn: 64501 }] });
  assert.equal(told(w.router.last), "2/3");
});

test("a session without capabilities says so, lasts as long as it works, and the next one is tried with them (RFC 5492 3)", () => {
  const w = new World();
  let old = true;
  w.router.behave = (connection) => {
    connection.onMessage((type) => {
      if (type !== "OPEN") return;
      if (old && connection.open?.capabilities.length !== 0) connection.notify(2, 4);
      else w.router.sendOpen(connection, { holdSeconds: 0, ...(old ? { capabilities: [] } : {}) });
      connection.send("KEEPALIVE");
    });
  };
  w.establish({ vips: ["10.9.9.9", "fd09::9"] });
  w.advance(3000);
  assert.equal(w.peer().state, "Established");
  assert.deepEqual(w.router.last.open?.capabilities, []);
  assert.ok(w.peer().notes.some((note) => note.startsWith("the session runs without capabilities, which the peer refused")), w.peer().notes.join("; "));
  w.advance(600_000);
  assert.deepEqual([w.peer().state, w.peer().establishments], ["Established", 1]);
  old = false; // its software was renewed
  w.router.last.drop();
  w.advance(5000);
  assert.deepEqual([w.peer().state, w.peer().notes], ["Established", []]);
  assert.ok(w.router.last.table.has("fd09::9/128"));
});

test("toward a speaker of two-octet AS numbers our AS is AS_TRANS, and AS4_PATH says what it is (RFC 6793 4.2.2)", () => {
  const two: readonly Capability[] = ROUTER.capabilities.filter(({ name }) => name !== "four-octet-as");
  for (const [localAsn, capabilities, path, as4Path] of [
    [4_200_000_001, two, 23456, 4_200_000_001],
    [64500, two, 64500, undefined],
    [4_200_000_001, ROUTER.capabilities, 4_200_000_001, undefined],
  ] as const) {
    const w = new World();
    w.router.behave = (connection) => { w.router.establish(connection, { capabilities }); };
    w.establish({ peers: [{ ...PEER, localAsn }], vips: ["10.9.9.9"] });
    const sequence = (asn: number) => [{ type: "sequence", asns: [asn] }];
    const sent = w.router.last.table.get("10.9.9.9/32");
    assert.deepEqual([sent?.asPath, sent?.as4Path], [sequence(path), as4Path === undefined ? undefined : sequence(as4Path)]);
  }
});
