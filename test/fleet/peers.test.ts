import assert from "node:assert/strict";
import { test } from "node:test";
import { Peer, type PeerEvent, type PeerState, stepPeer } from "../../src/fleet/peers.ts";
import { statement } from "./statement.ts";

const HELLO: PeerEvent = { type: "hello", lagging: false };
const LAGGING: PeerEvent = { type: "hello", lagging: true };
const silence = (intervals: number): PeerEvent => ({ type: "silence", intervals });
const NEW_LIFE: PeerEvent = { type: "new-life" };

for (const [state, event, next] of [
  ["alive", HELLO, "alive"],
  ["alive", LAGGING, "alive"],
  ["alive", silence(1.9), "alive"],
  ["alive", silence(2), "suspect"],
  ["alive", silence(3), "dead"],
  ["alive", NEW_LIFE, "superseded"],
  ["suspect", HELLO, "alive"],
  ["suspect", LAGGING, "suspect"],
  ["suspect", silence(2.9), "suspect"],
  ["suspect", silence(3), "dead"],
  ["suspect", NEW_LIFE, "superseded"],
  ["dead", HELLO, "alive"],
  ["dead", LAGGING, "dead"],
  ["dead", silence(9), "dead"],
  ["dead", NEW_LIFE, "superseded"],
  ["superseded", HELLO, "alive"],
  ["superseded", LAGGING, "superseded"],
  ["superseded", silence(9), "superseded"],
  ["superseded", NEW_LIFE, "superseded"],
] as const satisfies readonly (readonly [PeerState, PeerEvent, PeerState])[]) {
  test(`${state}, on ${JSON.stringify(event)}, is ${next}`, () => {
    assert.equal(stepPeer(state, event), next);
  });
}

test("a hello from a thread whose main loop stands is no sign of life", () => {
  const peer = new Peer(statement(), 1, 0);
  peer.hear(statement({ loopLagMs: 550 }), 2, 1_000);
  assert.equal(peer.lagging, true);
  assert.equal(peer.silenceMs(1_000), 550);
  assert.equal(stepPeer(peer.state, { type: "silence", intervals: peer.silenceMs(1_000) / peer.intervalMs }), "suspect");
});

test("a main loop that is merely busy is not late", () => {
  const peer = new Peer(statement(), 1, 0);
  peer.hear(statement({ loopLagMs: 150 }), 2, 1_000);
  assert.equal(peer.silenceMs(1_000), 0);
});

test("a host with slow hellos is given its own intervals, and its loop two of them", () => {
  const peer = new Peer(statement({ intervalMs: 1_000, loopLagMs: 1_500 }), 1, 0);
  assert.equal(peer.lagging, false);
  assert.equal(peer.nextAt, 2_000);
  peer.become("suspect", 2_000);
  assert.equal(peer.nextAt, 3_000);
});

test("an absurd interval is kept within reason", () => {
  assert.equal(new Peer(statement({ intervalMs: 0 }), 1, 0).intervalMs, 50);
  assert.equal(new Peer(statement({ intervalMs: 1e9 }), 1, 0).intervalMs, 60_000);
});

test("who was declared dead is the absentee for a second after it is heard again", () => {
  const peer = new Peer(statement(), 1, 0);
  assert.equal(peer.absentee(0), undefined);
  peer.become("dead", 600);
  assert.equal(peer.absentee(700), "it");
  peer.become("alive", 5_000);
  peer.backAt = 5_000;
  assert.equal(peer.absentee(5_999), "it");
  assert.equal(peer.absentee(6_000), undefined);
});

test("who finds itself declared dead is the absentee, unless it declared the other dead too", () => {
  const peer = new Peer(statement(), 1, 0);
  peer.declaredMeDeadAt = 5_000;
  assert.equal(peer.absentee(5_500), "me");
  peer.backAt = 5_000;
  assert.equal(peer.absentee(5_500), undefined);
});

test("a view's age goes on while nothing is heard", () => {
  const peer = new Peer(statement(), 1, 0);
  peer.hear(statement({ viewAgeMs: 300 }), 2, 1_000);
  assert.equal(1_500 - peer.viewCurrentAt, 800);
});
