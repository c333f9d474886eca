/** BGP roles and Only to Customer: RFC 9234. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BgpPeer } from "../../src/bgp/index.ts";
import { type BgpRole, agreeOnRoles, isLeak, onlyToCustomer } from "../../src/bgp/role.ts";
import type { Capability } from "../../src/wire/index.ts";
import { octets } from "../wire/octets.ts";
import { ROUTER } from "./router.ts";
import { PEER, World } from "./world.ts";

const role = (code: number): Capability => ({ name: "role", role: code });
const open = (...roles: readonly number[]) => ({ ...ROUTER, capabilities: roles.map(role) });
const CODES: Readonly<Record<BgpRole, number>> = { provider: 0, rs: 1, "rs-client": 2, customer: 3, peer: 4 };
const PAIRS: readonly (readonly [BgpRole, BgpRole])[] = [["provider", "customer"], ["customer", "provider"], ["rs", "rs-client"], ["rs-client", "rs"], ["peer", "peer"]];

test("each role goes with exactly one other (RFC 9234 table 2)", () => {
  for (const [ours, fitting] of PAIRS) {
    for (const [theirs, code] of Object.entries(CODES)) {
      if (theirs === fitting) assert.equal(agreeOnRoles(ours, open(code)), theirs);
      else assert.throws(() => agreeOnRoles(ours, open(code)), { notification: { code: 2, subcode: 11, data: new Uint8Array(0) } });
    }
    assert.throws(() => agreeOnRoles(ours, open(5)), { problem: `it says that it is role 5, and to our role ${ours} it must be ${fitting}` });
    assert.equal(agreeOnRoles(ours, open()), undefined, "one that says none is no mismatch");
    assert.equal(agreeOnRoles(ours, open(CODES[fitting], CODES[fitting])), fitting, "the same said twice is said once");
  }
});

test("without a role of ours any is accepted, but not two at once", () => {
  assert.equal(agreeOnRoles(undefined, open(4)), "peer");
  assert.equal(agreeOnRoles(undefined, open(9)), "role 9");
  assert.throws(() => agreeOnRoles(undefined, open(0, 4)), { problem: "it says that it is provider and peer at once", notification: { code: 2, subcode: 11, data: new Uint8Array(0) } });
});

test("routes to a customer, a peer or a client of our route server are marked with our AS", () => {
  for (const [ours, marked] of [["provider", 64500], ["rs", 64500], ["peer", 64500], ["customer", undefined], ["rs-client", undefined]] as const) assert.equal(onlyToCustomer(ours, 64500), marked);
  assert.equal(onlyToCustomer(undefined, 64500), undefined);
});

test("a marked route from a customer or a client is a leak, from a peer only with another AS than its own, from above never", () => {
  for (const [ours, marked, leaks] of [
    ["provider", 64501, true],
    ["rs", 64501, true],
    ["peer", 64501, false],
    ["peer", 64999, true],
    ["customer", 64999, false],
    ["rs-client", 64999, false],
    [undefined, 64999, false],
  ] as const) assert.equal(isLeak(ours, 64501, { onlyToCustomer: marked }), leaks, `${ours ?? "no role"} ${marked}`);
  for (const [ours] of PAIRS) assert.equal(isLeak(ours, 64501, {}), false);
});

function session(peer: Partial<BgpPeer>, ...roles: readonly number[]): World {
  const w = new World();
  w.router.behave = (connection) => { w.router.establish(connection, { capabilities: [...ROUTER.capabilities, ...roles.map(role)] }); };
  w.establish({ peers: [{ ...PEER, ...peer }], vips: ["10.9.9.9", "fd09::9"] });
  return w;
}

test("as a peer we say so, our routes are marked, and both roles are in the status", () => {
  const w = session({ role: "peer" }, 4);
  assert.deepEqual(w.router.last.open?.capabilities.filter(({ name }) => name === "role"), [role(4)]);
  for (const prefix of ["10.9.9.9/32", "fd09::9/128"]) assert.equal(w.router.last.table.get(prefix)?.onlyToCustomer, 64500);
  assert.deepEqual([w.peer().negotiated?.role, w.peer().negotiated?.remoteRole], ["peer", "peer"]);
});

test("as a customer we say so, and our routes may go anywhere; a router that says no role is a provider all the same", () => {
  for (const roles of [[0], []]) {
    const w = session({ role: "customer" }, ...roles);
    assert.equal(w.peer().state, "Established");
    assert.equal(w.router.last.table.get("10.9.9.9/32")?.onlyToCustomer, undefined);
  }
});

test("with another AS toward the peer, that one is in the mark", () => {
  assert.equal(session({ role: "provider", localAsn: 64777 }, 3).router.last.table.get("10.9.9.9/32")?.onlyToCustomer, 64777);
});

test("within one AS there are no roles, whatever is said", () => {
  const w = session({ role: "peer", asn: "internal", localAsn: 64501 }, 0, 3);
  assert.equal(w.peer().state, "Established");
  assert.deepEqual(w.router.last.open?.capabilities.filter(({ name }) => name === "role"), []);
  assert.equal(w.router.last.table.get("10.9.9.9/32")?.onlyToCustomer, undefined);
  assert.deepEqual([w.peer().negotiated?.role, w.peer().negotiated?.remoteRole], [undefined, undefined]);
});

test("a role that does not fit is refused with 2/11 and a sentence", () => {
  const w = session({ role: "customer" }, 4);
  const [first] = w.router.connections;
  assert.equal(first?.log.at(-1), "NOTIFICATION 2/11");
  assert.equal(w.said(/^warning refused peer tor-1: it says that it is peer, and to our role customer it must be provider; correct role of the peer, or its configuration \(OPEN error, role mismatch\)/).length, 1);
});

for (const [what, peer, sentence] of [
  ["a role that the router does not expect", { role: "customer" }, /^warning peer tor-1 refused our role customer: set role of the peer to what this host is to it/],
  ["no role to a router that wants one", {}, /^warning peer tor-1 wants to be told a role: set role of the peer/],
] as const) {
  test(`${what} gives a sentence`, () => {
    const w = new World();
    w.router.behave = (connection) => { connection.onMessage(() => { connection.notify(2, 11); }); };
    w.establish({ peers: [{ ...PEER, ...peer }] });
    assert.equal(w.said(sentence).length, 1, w.lines.join("\n"));
  });
}

test("leaked routes are counted, and cost nothing else", () => {
  const w = session({ role: "provider" }, 3);
  const update = (mark: string) => {
    const attributes = octets(`40 01 01 00 40 02 06 02 01 0000fbf5 40 03 04 0a0700fe ${mark}`);
    w.router.last.send("UPDATE", Buffer.concat([Uint8Array.of(0, 0, 0, attributes.length), attributes, octets("18 cb0071 18 cb0072")]));
  };
  update("c0 23 04 0000fbf5");
  update("");
  w.advance(100);
  assert.deepEqual(w.peer().received, { announcements: 4, withdrawals: 0, malformed: 0, leaked: 2 });
  update("c0 23 03 00fbf5");
  w.advance(100);
  assert.deepEqual(w.peer().received, { announcements: 4, withdrawals: 2, malformed: 1, leaked: 2 });
  assert.equal(w.peer().state, "Established");
});
