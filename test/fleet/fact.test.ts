import assert from "node:assert/strict";
import { test } from "node:test";
import { type FleetFact, sayFact, Tally } from "../../src/fleet/fact.ts";
import { address } from "../../src/net/index.ts";
import { mac } from "./statement.ts";

const VIP = address("192.0.2.1");

for (const [fact, level, sentence] of [
  [{ fact: "host-alive", segment: "eth0", host: "edge-2", rank: 3, silenceMs: undefined }, "notice", "hears edge-2 on eth0"],
  [{ fact: "host-alive", segment: "eth0", host: "edge-2", rank: 2, silenceMs: 5_000.4 }, "notice", "hears again edge-2 on eth0"],
  [{ fact: "host-dead", segment: "eth0", host: "edge-2", silenceMs: 600.2, serving: 1, leaving: false }, "warning", "edge-2 is dead on eth0: silent for 600 ms while it served 1 VIP"],
  [{ fact: "host-dead", segment: "eth0", host: "edge-2", silenceMs: 600.2, serving: 0, leaving: true }, "notice", "edge-2 has stopped"],
  [{ fact: "took", segment: "eth0", count: 1, address: VIP, from: "edge-2", why: "owner-died" }, "notice", "took 192.0.2.1 on eth0 from edge-2: it is dead"],
  [{ fact: "took", segment: "eth0", count: 5_000, address: undefined, from: undefined, why: "unclaimed" }, "notice", "took 5000 VIPs on eth0: nobody answered"],
  [{ fact: "gave-up", segment: "eth0", count: 2, address: undefined, to: "edge-2", why: "that host comes first" }, "notice", "gave up 2 VIPs on eth0 to edge-2: that host comes first"],
  [{ fact: "rank", segment: "eth0", rank: 3, before: 2, reason: "eligible", leaving: false }, "notice", "rank 3 on eth0: eligible"],
  [{ fact: "rank", segment: "eth0", rank: 1, before: 3, reason: "node edge-1 is not Ready", leaving: false }, "warning", "rank 1 on eth0: node edge-1 is not Ready"],
  [{ fact: "rank", segment: "eth0", rank: 2, before: undefined, reason: "on probation after its start", leaving: false }, "notice", "rank 2 on eth0: on probation after its start"],
  [{ fact: "rank", segment: "eth0", rank: 0, before: 3, reason: "leaving", leaving: true }, "notice", "rank 0 on eth0: leaving"],
  [{ fact: "stranger", segment: "eth0", address: VIP, mac: mac(9), serving: false }, "warning", "192.0.2.1 is used on eth0 by 02:00:00:00:00:09, which is no host of the fleet; it is not taken from it"],
  [{ fact: "leaving", why: "drain", serving: 2 }, "notice", "drained: hands over 2 VIPs"],
  [{ fact: "leaving", why: "restart", serving: 1 }, "notice", "about to restart, hands over 1 VIP"],
  [{ fact: "undrained" }, "notice", "drained no more"],
  [{ fact: "bgp", announces: true, retiring: false, reason: "eligible" }, "notice", "has routes for BGP peers: eligible"],
  [{ fact: "bgp", announces: true, retiring: true, reason: "drained" }, "notice", "tells BGP peers that it is their last choice: drained"],
  [{ fact: "bgp", announces: false, retiring: true, reason: "drained (rank 0), and edge-2 announces (rank 3)" }, "notice", "has no routes for BGP peers: drained (rank 0), and edge-2 announces (rank 3)"],
] as const satisfies readonly (readonly [FleetFact, string, string])[]) {
  test(`the log says: ${sentence}`, () => {
    const line = sayFact(fact);
    assert.deepEqual([line.level, line.sentence], [level, sentence]);
    for (const value of Object.values(line.fields)) assert.ok(value === undefined || typeof value === "string" || Number.isInteger(value), `${value}`);
  });
}

test("moves of one kind become one fact, moves of another kind another", () => {
  const tally = new Tally();
  assert.equal(tally.since, Infinity);
  for (let i = 0; i < 3; i++) tally.add({ fact: "took", segment: "eth0", count: 1, address: VIP, from: "edge-2", why: "owner-died" }, 100 + i);
  tally.add({ fact: "took", segment: "eth1", count: 1, address: VIP, from: "edge-2", why: "owner-died" }, 200);
  tally.add({ fact: "gave-up", segment: "eth0", count: 1, address: VIP, to: "edge-2", why: "that host comes first" }, 200);
  assert.equal(tally.since, 100);
  assert.deepEqual(
    tally.take().map((fact) => ("count" in fact ? [fact.fact, fact.segment, fact.count, fact.address] : [])),
    [["took", "eth0", 3, undefined], ["took", "eth1", 1, VIP], ["gave-up", "eth0", 1, VIP]],
  );
  assert.deepEqual(tally.take(), []);
  assert.equal(tally.since, Infinity);
});
