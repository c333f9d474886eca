/** The strict judge itself: what is right passes, and each thing that is not exactly right is found. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readFrame } from "../../lab/index.ts";
import { connectionsIn, type Connection, type Stream } from "./connections.ts";
import { judge } from "./judge.ts";

const MARKER = "ff".repeat(16);

function message(type: number, body: string): string {
  const octets = body.replaceAll(" ", "");
  return MARKER + (19 + octets.length / 2).toString(16).padStart(4, "0") + type.toString(16).padStart(2, "0") + octets;
}

function update(withdrawn: string, attributes: string, nlri = ""): string {
  const [gone, list, added] = [withdrawn, attributes, nlri].map((text) => text.replaceAll(" ", ""));
  const length = (text = ""): string => (text.length / 2).toString(16).padStart(4, "0");
  return message(2, `${length(gone)}${gone ?? ""}${length(list)}${list ?? ""}${added ?? ""}`);
}

/** AS 64500, hold time 9 s, with these capabilities. */
const open = (capabilities: string, asn = "fbf4"): string => {
  const octets = capabilities.replaceAll(" ", "");
  const length = (octets.length / 2).toString(16).padStart(2, "0");
  return message(1, `04 ${asn} 0009 0a070001 ${(octets.length / 2 + 2).toString(16).padStart(2, "0")} 02 ${length} ${octets}`);
};
const BOTH = "0104 00010001 0104 00020001 0200 4600";
const OURS = open(`${BOTH} 4104 0000fbf4`);
const THEIRS = open(`${BOTH} 4104 0000fbf5`, "fbf5");
const THEIRS_INTERNAL = open(`${BOTH} 4104 0000fbf4`);
const THEIRS_OLD = open(BOTH, "fbf5");
/** In the encoding of RFC 9072. */
const THEIRS_EXTENDED = message(1, `04 fbf5 0009 0a070001 ff ff 0019 02 0016 ${BOTH} 4104 0000fbf5`);
const OURS_PROVIDER = open(`${BOTH} 0901 00 4104 0000fbf4`);
const BIG = open(`${BOTH} 4104 fa56ea01`, "5ba0");
const KEEPALIVE = message(4, "");

const ORIGIN = "40 01 01 00";
const PATH = "40 02 06 0201 0000fbf4";
const HOP = "40 03 04 0a070001";
const MED = "80 04 04 00000032";
const BASIC = `${ORIGIN} ${PATH} ${HOP}`;
const NLRI = "20 0a090909";
const HOP6 = "fd070000000000000000000000000001";
const VIP6 = "80 fd090000000000000000000000000009";
const REACH = `80 0e 26 0002 01 10 ${HOP6} 00 ${VIP6}`;
const END4 = update("", "");
const END6 = update("", "80 0f 03 0002 01");
const ANNOUNCE = update("", BASIC, NLRI);

type Sent = string | { readonly at: number; readonly octets: string };

/** What we sent and they sent; everything at 0 ms unless said otherwise. */
function connection(ours: readonly Sent[], theirs: readonly Sent[], endedAt: number | undefined): Connection {
  return { name: "x", openedBy: "us", ours: streamOf(ours, 1), theirs: streamOf(theirs, 0), endedAt };
}

function streamOf(sent: readonly Sent[], defaultAt: number): Stream {
  const chunks = sent.map((one) => (typeof one === "string" ? { at: defaultAt, octets: Buffer.from(one, "hex") } : { at: one.at, octets: Buffer.from(one.octets, "hex") }));
  return {
    octets: Buffer.concat(chunks.map(({ octets }) => octets)),
    readableAt: (place) => {
      let end = 0;
      return chunks.find(({ octets }) => place < (end += octets.length))?.at ?? Infinity;
    },
  };
}

const UP = [OURS, KEEPALIVE];
const RIGHT: readonly (readonly [what: string, ours: readonly Sent[], theirs?: readonly Sent[] | undefined, until?: number])[] = [
  ["routes of both families and their ends", [...UP, update("", `${BASIC} ${MED} c0 08 08 fbf40064 ffffff01 c0 20 0c 0000fbf4 00000001 00000002`, NLRI), update("", `${REACH} ${ORIGIN} ${PATH}`), END4, END6, update(NLRI, "")]],
  ["a link-local next hop beside the global one", [...UP, update("", `80 0e 36 0002 01 20 ${HOP6} fe800000000000000000000000000001 00 ${VIP6} ${ORIGIN} ${PATH}`)]],
  ["a route inside one AS", [...UP, update("", `${ORIGIN} 40 02 00 ${HOP} 40 05 04 00000064`, NLRI)], [THEIRS_INTERNAL, KEEPALIVE]],
  ["a four-octet AS toward a two-octet speaker", [BIG, KEEPALIVE, update("", `${ORIGIN} 40 02 04 0201 5ba0 ${HOP} c0 11 06 0201 fa56ea01`, NLRI)], [THEIRS_OLD, KEEPALIVE]],
  ["a refresh between its markers", [...UP, ANNOUNCE, END4, message(5, "00010101"), ANNOUNCE, message(5, "00010201")]],
  ["a Cease with a text at the end", [...UP, message(3, "06 02 02 6869")]],
  ["routes to a router with extended optional parameters", [...UP, update("", `${REACH} ${ORIGIN} ${PATH}`)], [THEIRS_EXTENDED, KEEPALIVE]],
  ["a mark for customers toward a router that says no role (RFC 9234 4.2)", [OURS_PROVIDER, KEEPALIVE, update("", `${BASIC} c0 23 04 0000fbf4`, NLRI)]],
  ["a connection that is refused", [message(3, "06 05")], []],
  ["KEEPALIVEs every three seconds", [...UP, { at: 3001, octets: KEEPALIVE }, { at: 6001, octets: KEEPALIVE }], undefined, 9000],
];

for (const [what, ours, theirs = [THEIRS, KEEPALIVE], until = 10] of RIGHT) {
  test(`the judge has nothing against ${what}`, () => {
    assert.deepEqual(judge(connection(ours, theirs, undefined), until).complaints, []);
  });
}

test("the judge counts what it has read", () => {
  const { counts } = judge(connection([...UP, ANNOUNCE, END4, END6, update(NLRI, "")], [THEIRS, KEEPALIVE], undefined), 10);
  assert.deepEqual(counts, { messages: 6, announced: 1, withdrawn: 1, endsOfRib: 2, keepalives: 1 });
});

const many = (unit: string, count: number): string => unit.repeat(count);
const WRONG: readonly (readonly [complaint: RegExp, ours: readonly Sent[], theirs?: readonly Sent[] | undefined, until?: number])[] = [
  [/the marker is not all ones/, [...UP, `00${KEEPALIVE.slice(2)}`]],
  [/a message of type 4 of 20 octets/, [...UP, message(4, "00")]],
  [/message type 6/, [...UP, message(6, "")]],
  [/octets that are no whole message/, [...UP, ANNOUNCE.slice(0, -2)]],
  [/begins with type 4/, [KEEPALIVE, OURS]],
  [/a second OPEN/, [...UP, OURS]],
  [/extended optional parameters/, [THEIRS_EXTENDED, KEEPALIVE]],
  [/version 3/, [OURS.replace(/^(.{38})04/, "$103"), KEEPALIVE]],
  [/capability 2 of 1 octets/, [open("0201 00"), KEEPALIVE]],
  [/capability 2 more than once/, [open("0200 0200"), KEEPALIVE]],
  [/capability 65 is longer than its parameter/, [open("4105 0000fbf4"), KEEPALIVE]],
  [/My Autonomous System 64500 beside AS 64501/, [open("4104 0000fbf5"), KEEPALIVE]],
  [/a hold time of 2 s/, [OURS.replace("0009", "0002"), KEEPALIVE]],
  [/KEEPALIVE before their OPEN/, UP, []],
  [/routes before our KEEPALIVE/, [OURS, ANNOUNCE]],
  [/routes before their KEEPALIVE/, [...UP, ANNOUNCE], [THEIRS, { at: 5, octets: KEEPALIVE }]],
  [/something after a NOTIFICATION/, [...UP, message(3, "06 02"), KEEPALIVE]],
  [/NOTIFICATION 6\/11/, [...UP, message(3, "06 0b")]],
  [/a text of 2 octets that says 3/, [...UP, message(3, "06 02 03 6869")]],
  [/a text that is not UTF-8/, [...UP, message(3, "06 02 01 ff")]],
  [/a Hard Reset that wraps no Cease/, [...UP, message(3, "06 09")]],
  [/more than one kind of route/, [...UP, ANNOUNCE, update(NLRI, BASIC, "20 0a09090a")]],
  [/more than one kind of route/, [...UP, update("", `${REACH} ${BASIC}`, NLRI)]],
  [/attributes beside routes that are withdrawn/, [...UP, ANNOUNCE, update(NLRI, ORIGIN)]],
  [/attributes in the order 1, 2, 14/, [...UP, update("", `${ORIGIN} ${PATH} ${REACH}`)]],
  [/attributes in the order 1, 3, 2/, [...UP, update("", `${ORIGIN} ${HOP} ${PATH}`, NLRI)]],
  [/attributes in the order 1, 1, 2, 3/, [...UP, update("", `${ORIGIN} ${BASIC}`, NLRI)]],
  [/attribute 4 has flags 0xc0, not 0x80/, [...UP, update("", `${BASIC} c0 04 04 00000032`, NLRI)]],
  [/attribute 1 has flags 0x60, not 0x40/, [...UP, update("", `60 01 01 00 ${PATH} ${HOP}`, NLRI)]],
  [/attribute 2 has an extended length for 6 octets/, [...UP, update("", `${ORIGIN} 50 02 0006 0201 0000fbf4 ${HOP}`, NLRI)]],
  [/attribute 4 of 3 octets/, [...UP, update("", `${BASIC} 80 04 03 000032`, NLRI)]],
  [/attribute 9, which is not ours to send/, [...UP, update("", `${BASIC} 80 09 04 0a070001`, NLRI)]],
  [/attribute 4 is longer than the list/, [...UP, update("", `${BASIC} 80 04 05 00000032`, NLRI)]],
  [/communities of attribute 8 are not sorted/, [...UP, update("", `${BASIC} c0 08 08 ffffff01 fbf40064`, NLRI)]],
  [/communities of attribute 32 are not distinct/, [...UP, update("", `${BASIC} c0 20 18 ${many("0000fbf40000000100000002", 2)}`, NLRI)]],
  [/no ORIGIN/, [...UP, update("", `${PATH} ${HOP}`, NLRI)]],
  [/no AS_PATH/, [...UP, update("", `${ORIGIN} ${HOP}`, NLRI)]],
  [/IPv4 routes without NEXT_HOP/, [...UP, update("", `${ORIGIN} ${PATH}`, NLRI)]],
  [/NEXT_HOP beside MP_REACH_NLRI/, [...UP, update("", `${REACH} ${BASIC}`)]],
  [/next hop 127\.0\.0\.1/, [...UP, update("", `${ORIGIN} ${PATH} 40 03 04 7f000001`, NLRI)]],
  [/LOCAL_PREF to an external peer/, [...UP, update("", `${BASIC} 40 05 04 00000064`, NLRI)]],
  [/no LOCAL_PREF inside our AS/, [...UP, update("", `${ORIGIN} 40 02 00 ${HOP}`, NLRI)], [THEIRS_INTERNAL, KEEPALIVE]],
  [/a path inside our AS/, [...UP, update("", `${BASIC} 40 05 04 00000064`, NLRI)], [THEIRS_INTERNAL, KEEPALIVE]],
  [/AS_PATH 64501, not of AS 64500 alone/, [...UP, update("", `${ORIGIN} 40 02 06 0201 0000fbf5 ${HOP}`, NLRI)]],
  [/not one AS_SEQUENCE of AS numbers of 4 octets/, [...UP, update("", `${ORIGIN} 40 02 04 0201 fbf4 ${HOP}`, NLRI)]],
  [/not one AS_SEQUENCE of AS numbers of 2 octets/, [...UP, ANNOUNCE], [THEIRS_OLD, KEEPALIVE]],
  [/AS4_PATH where nobody needs it/, [...UP, update("", `${BASIC} c0 11 06 0201 0000fbf4`, NLRI)]],
  [/no AS4_PATH, though AS_TRANS is in AS_PATH/, [BIG, KEEPALIVE, update("", `${ORIGIN} 40 02 04 0201 5ba0 ${HOP}`, NLRI)], [THEIRS_OLD, KEEPALIVE]],
  [/ONLY_TO_CUSTOMER without roles/, [...UP, update("", `${BASIC} c0 23 04 0000fbf4`, NLRI)]],
  [/IPv4 routes in MP_REACH_NLRI without RFC 8950/, [...UP, update("", `80 0e 1a 0001 01 10 ${HOP6} 00 ${NLRI} ${ORIGIN} ${PATH}`)]],
  [/a next hop of 4 octets/, [...UP, update("", `80 0e 1a 0002 01 04 0a070001 00 ${VIP6} ${ORIGIN} ${PATH}`)]],
  [/the second next hop is not link-local/, [...UP, update("", `80 0e 36 0002 01 20 ${HOP6} ${HOP6} 00 ${VIP6} ${ORIGIN} ${PATH}`)]],
  [/a link-local next hop alone/, [...UP, update("", `80 0e 26 0002 01 10 fe800000000000000000000000000001 00 ${VIP6} ${ORIGIN} ${PATH}`)]],
  [/the reserved octet of MP_REACH_NLRI is not 0/, [...UP, update("", `80 0e 26 0002 01 10 ${HOP6} 01 ${VIP6} ${ORIGIN} ${PATH}`)]],
  [/MP_REACH_NLRI without a prefix/, [...UP, update("", `80 0e 15 0002 01 10 ${HOP6} 00 ${ORIGIN} ${PATH}`)]],
  [/routes of family 2\/1, which was not agreed on/, [...UP, update("", `${REACH} ${ORIGIN} ${PATH}`)], [open("0104 00010001 4104 0000fbf5", "fbf5"), KEEPALIVE]],
  [/a prefix of 33 bits/, [...UP, update("", BASIC, "21 0a09090900")]],
  [/bits beyond the length of 25 0a090909/, [...UP, update("", BASIC, "19 0a090909")]],
  [/a prefix twice in one message/, [...UP, update("", BASIC, `${NLRI} ${NLRI}`)]],
  [/20|32 0a090909 is withdrawn and was not announced/, [...UP, update(NLRI, "")]],
  [/a second End-of-RIB of 2\/1/, [...UP, END6, END6]],
  [/EoRR without BoRR/, [...UP, message(5, "00010201")]],
  [/ROUTE-REFRESH 1 to one who does not know it/, [...UP, message(5, "00010101")], [open("0104 00010001 4104 0000fbf5", "fbf5"), KEEPALIVE]],
  [/4499 ms without a KEEPALIVE at a hold time of 9 s/, [...UP, { at: 4500, octets: KEEPALIVE }], undefined, 4500],
  [/4999 ms without a KEEPALIVE/, UP, undefined, 5000],
  [/KEEPALIVEs 499 ms apart/, [...UP, { at: 500, octets: KEEPALIVE }]],
  [/KEEPALIVEs with a hold time of 0/, [OURS.replace("0009", "0000"), KEEPALIVE, KEEPALIVE]],
];

for (const [complaint, ours, theirs = [THEIRS, KEEPALIVE], until = 10] of WRONG) {
  test(`the judge finds: ${complaint.source}`, () => {
    // Closed, so that what is left over is a complaint too.
    const { complaints } = judge(connection(ours, theirs, undefined), until);
    const left = judge(connection(ours, theirs, until), until);
    assert.ok([...complaints, ...left.complaints].some((one) => complaint.test(one)), `it found ${JSON.stringify(complaints)}`);
  });
}

test("connections are put together from segments out of order, sent twice and overlapping", () => {
  const frames = [
    tcp("10.7.0.1", "10.7.0.254", 40000, 179, 1000, 2, ""),
    tcp("10.7.0.254", "10.7.0.1", 179, 40000, 5000, 18, ""),
    tcp("10.7.0.1", "10.7.0.254", 40000, 179, 1005, 24, "65 66"),
    tcp("10.7.0.1", "10.7.0.254", 40000, 179, 1001, 24, "61 62 63 64"),
    tcp("10.7.0.1", "10.7.0.254", 40000, 179, 1001, 24, "61 62 63 64 65 66 67"),
    tcp("10.7.0.254", "10.7.0.1", 179, 40000, 5001, 24, "7a"),
    tcp("10.7.0.1", "10.7.0.254", 40000, 179, 1008, 17, ""),
    tcp("10.7.0.254", "10.7.0.1", 40001, 179, 7000, 2, ""),
  ].map((bytes, at) => readFrame(at, bytes));
  const [first, second] = connectionsIn(frames, (address) => address === "10.7.0.1");
  assert.deepEqual([first?.openedBy, first?.ours.octets.toString(), first?.theirs.octets.toString(), first?.endedAt], ["us", "abcdefg", "z", 6]);
  assert.deepEqual([0, 4, 6].map((place) => first?.ours.readableAt(place)), [3, 3, 4]);
  assert.deepEqual([second?.name, second?.openedBy, second?.endedAt], ["10.7.0.254:40001 > 10.7.0.1:179", "them", undefined]);
});

/** An Ethernet frame with a segment over IPv4. */
function tcp(from: string, to: string, fromPort: number, toPort: number, sequence: number, flags: number, hex: string): Buffer {
  const data = Buffer.from(hex.replaceAll(" ", ""), "hex");
  const bytes = Buffer.alloc(14 + 20 + 20);
  bytes.writeUInt16BE(0x0800, 12);
  bytes.writeUInt8(0x45, 14);
  bytes.writeUInt16BE(40 + data.length, 16);
  bytes.writeUInt8(6, 23);
  bytes.set(from.split(".").map(Number), 26);
  bytes.set(to.split(".").map(Number), 30);
  bytes.writeUInt16BE(fromPort, 34);
  bytes.writeUInt16BE(toPort, 36);
  bytes.writeUInt32BE(sequence, 38);
  bytes.writeUInt8(0x50, 46);
  bytes.writeUInt8(flags, 47);
  return Buffer.concat([bytes, data, Buffer.alloc(4)]); // with padding, as short frames have
}
