import assert from "node:assert/strict";
import { test } from "node:test";
import { type Claimant, decide, type Situation, type Verdict } from "../../src/fleet/vip.ts";

const NOW = 100_000;

/** Best placed, eligible, settled, and nobody is known to serve. */
function situation(change: Partial<Situation> = {}): Situation {
  return {
    now: NOW,
    serving: false,
    unfit: undefined,
    holdUntil: Infinity,
    rank: 3,
    place: 0,
    best: "edge-1",
    claimant: undefined,
    upstagedBy: undefined,
    vacant: undefined,
    orphanSince: NOW - 100,
    heldOffUntil: -Infinity,
    listeningUntil: -Infinity,
    settledAt: -Infinity,
    doubting: false,
    failback: "auto",
    ...change,
  };
}

/** Serves, eligible, and comes after this host. */
function claimant(change: Partial<Claimant> = {}): Claimant {
  return { name: "edge-2", rank: 3, leaving: false, candidate: true, yields: true, yieldsAtEqualRank: true, ...change };
}

type Expected = Verdict["do"] | `${Verdict["do"]} ${string}`;

for (const [what, at, expected] of [
  // Serving.
  ["who serves and may goes on, whoever comes first", situation({ serving: true, place: 2, best: "edge-3" }), "serve"],
  ["who serves and may not goes on until its successor has had time to claim", situation({ serving: true, unfit: "leaving", holdUntil: NOW + 1 }), "serve"],
  ["and then stops", situation({ serving: true, unfit: "leaving", holdUntil: NOW }), "stop"],
  // Nobody known to serve.
  ["the best placed asks first", situation(), "ask best"],
  ["and asks already while it listens", situation({ listeningUntil: NOW + 500 }), "ask best"],
  ["but does not claim before it has listened", situation({ listeningUntil: NOW + 500, vacant: "unanswered" }), "wait"],
  ["it claims when nobody answered", situation({ vacant: "unanswered" }), "claim unclaimed"],
  ["it claims without asking when it believes the owner dead", situation({ vacant: "owner-died" }), "claim owner-died"],
  ["at rank 2 too, if nobody better is there", situation({ vacant: "unanswered", rank: 2 }), "claim unclaimed"],
  ["who may not serve waits", situation({ unfit: "its interface is down", vacant: "unanswered" }), "wait"],
  ["what a stranger answers for is not taken", situation({ vacant: "unanswered", heldOffUntil: NOW + 1 }), "wait"],
  // Somebody serves.
  ["the owner leaves: make before break", situation({ claimant: claimant({ rank: 0, leaving: true, candidate: false }) }), "claim owner-left"],
  ["also for a host on probation", situation({ rank: 2, claimant: claimant({ rank: 0, leaving: true, candidate: false }) }), "claim owner-left"],
  ["the owner may not serve it any more", situation({ rank: 2, claimant: claimant({ candidate: false }) }), "claim owner-unfit"],
  ["or so this host's older view has it", situation({ claimant: claimant({ candidate: false, yields: false }) }), "wait"],
  ["failback: the owner comes after this host", situation({ claimant: claimant() }), "claim pre-empted"],
  ["not while this host is on probation", situation({ rank: 2, claimant: claimant({ rank: 2 }) }), "wait"],
  ["not before the others know that it is eligible", situation({ settledAt: NOW + 1, claimant: claimant() }), "wait"],
  ["not while it listens", situation({ listeningUntil: NOW + 1, claimant: claimant() }), "wait"],
  ["not from one whose view is younger", situation({ claimant: claimant({ yields: false }) }), "wait"],
  ["not from one on probation that comes first after it", situation({ claimant: claimant({ rank: 2, yieldsAtEqualRank: false }) }), "wait"],
  ["but from one that is doubtful, whoever comes first", situation({ claimant: claimant({ rank: 1, yieldsAtEqualRank: false }) }), "claim pre-empted"],
  ["not if a third on probation will come first anyway", situation({ upstagedBy: "edge-3", claimant: claimant() }), "wait"],
  ["unless the owner is doubtful", situation({ upstagedBy: "edge-3", claimant: claimant({ rank: 1 }) }), "claim pre-empted"],
  ["not while this host has the same doubt about itself", situation({ doubting: true, claimant: claimant({ rank: 1 }) }), "wait"],
  ['failback = "never" leaves it to an eligible owner', situation({ failback: "never", claimant: claimant() }), "wait"],
  ['failback = "never" does not leave it to a worse one', situation({ failback: "never", claimant: claimant({ rank: 2 }) }), "claim pre-empted"],
  // Others come first.
  ["not best, and somebody serves", situation({ place: 1, claimant: claimant() }), "wait"],
  ["not best, and nobody has claimed for a moment", situation({ place: 1, orphanSince: NOW - 2_499 }), "wait"],
  ["the second in line asks after 2.5 s", situation({ place: 1, orphanSince: NOW - 2_500 }), "ask sweep"],
  ["the third after 3 s", situation({ place: 2, orphanSince: NOW - 2_999 }), "wait"],
  ["the hundredth after 3.5 s", situation({ place: 100, orphanSince: NOW - 3_500 }), "ask sweep"],
  ["and takes it if nobody answers", situation({ place: 1, orphanSince: NOW - 2_500, vacant: "unanswered" }), "claim orphaned"],
  ["a death is no reason for that without asking", situation({ place: 1, orphanSince: NOW - 2_500, vacant: "owner-died" }), "ask sweep"],
] as const satisfies readonly (readonly [string, Situation, Expected])[]) {
  test(what, () => {
    const verdict = decide(at);
    assert.equal("why" in verdict ? `${verdict.do} ${verdict.why}` : verdict.do, expected);
  });
}

test("whoever waits says until when, and never until a time that has passed", () => {
  for (const at of [situation({ heldOffUntil: NOW + 7 }), situation({ place: 1 }), situation({ listeningUntil: NOW + 7, vacant: "unanswered" }), situation({ settledAt: NOW + 7, claimant: claimant() })]) {
    const verdict = decide(at);
    assert.equal(verdict.do, "wait");
    assert.ok(verdict.until > NOW && verdict.until < NOW + 5_000, `${verdict.until}`);
  }
});

test("a standby names the host that keeps it from serving", () => {
  const reasons = [situation({ place: 1, best: "edge-3", claimant: claimant() }), situation({ place: 1, best: "edge-3" })].map((at) => decide(at));
  for (const verdict of reasons) assert.match("reason" in verdict ? verdict.reason : "", /edge-3/);
});
