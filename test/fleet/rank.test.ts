import assert from "node:assert/strict";
import { test } from "node:test";
import { Doubts, type Fitness, Probation, rankOf } from "../../src/fleet/rank.ts";

const FINE: Fitness = { leaving: undefined, duplicate: undefined, excluded: undefined, refused: undefined, segment: undefined, doubt: undefined, probation: undefined };

for (const [what, fitness, rank] of [
  ["nothing wrong", {}, 3],
  ["on probation", { probation: "on probation after its start" }, 2],
  ["doubtful", { doubt: "node edge-1 is not Ready" }, 1],
  ["doubtful on probation", { doubt: "node edge-1 is not Ready", probation: "on probation after its start" }, 1],
  ["its interface down", { segment: "interface eth0 is down" }, 0],
  ["refused by the kernel", { refused: "the kernel refused it" }, 0],
  ["excluded", { excluded: "Kubernetes says that node edge-1 is excluded" }, 0],
  ["leaving", { leaving: "stop" }, 0],
  ["a younger namesake", { duplicate: "02:00:00:00:00:09" }, 0],
] as const satisfies readonly (readonly [string, Partial<Fitness>, number])[]) {
  test(`a host with ${what} has rank ${rank}, and says why`, () => {
    const result = rankOf({ ...FINE, ...fitness });
    assert.equal(result.rank, rank);
    assert.notEqual(result.reason, "");
  });
}

const ME = { node: "edge-1", viewAgeMs: 0 };
const NOT_READY = new Set(["edge-1"]);

/** Weighs the same every second and says when the doubt first counts. */
function countsAfter(weigh: (now: number) => string | undefined): number | undefined {
  for (let now = 0; now <= 60_000; now += 1_000) if (weigh(now) !== undefined) return now;
  return undefined;
}

test("a node that is not Ready counts after 15 s, while another host's node is", () => {
  const doubts = new Doubts();
  assert.equal(countsAfter((now) => doubts.weigh(ME, NOT_READY, [{ node: "edge-2", viewAgeMs: 0 }], now)), 15_000);
});

test("a gateway has no node that could be not Ready", () => {
  const doubts = new Doubts();
  assert.equal(countsAfter((now) => doubts.weigh(ME, NOT_READY, [{ node: undefined, viewAgeMs: 0 }], now)), 15_000);
  assert.equal(countsAfter((now) => new Doubts().weigh({ node: undefined, viewAgeMs: 0 }, NOT_READY, [{ node: "edge-2", viewAgeMs: 0 }], now)), undefined);
});

test("when every node is not Ready, none of them is any worse", () => {
  const doubts = new Doubts();
  assert.equal(countsAfter((now) => doubts.weigh(ME, new Set(["edge-1", "edge-2"]), [{ node: "edge-2", viewAgeMs: 0 }], now)), undefined);
});

test("a host that is alone has no doubts", () => {
  const doubts = new Doubts();
  assert.equal(countsAfter((now) => doubts.weigh({ ...ME, viewAgeMs: 100_000 }, NOT_READY, [], now)), undefined);
});

test("a stale view counts after 15 s, while another host's is fresh", () => {
  const doubts = new Doubts();
  assert.equal(countsAfter((now) => doubts.weigh({ ...ME, viewAgeMs: 21_000 }, new Set(), [{ node: "edge-2", viewAgeMs: 1_000 }], now)), 15_000);
});

test("views that are all equally stale are no reason for doubt: the API is gone, not this host", () => {
  const doubts = new Doubts();
  assert.equal(countsAfter((now) => doubts.weigh({ ...ME, viewAgeMs: 600_000 }, new Set(), [{ node: "edge-2", viewAgeMs: 600_000 }], now)), undefined);
});

test("a doubt that goes away in between starts anew", () => {
  const doubts = new Doubts();
  const other = [{ node: "edge-2", viewAgeMs: 0 }];
  assert.equal(doubts.weigh(ME, NOT_READY, other, 0), undefined);
  assert.equal(doubts.weigh(ME, new Set(), other, 10_000), undefined);
  assert.equal(doubts.weigh(ME, NOT_READY, other, 14_000), undefined);
  assert.equal(doubts.weigh(ME, NOT_READY, other, 20_000), undefined);
  assert.notEqual(doubts.weigh(ME, NOT_READY, other, 29_000), undefined);
});

test("probation doubles with each return within ten minutes, up to a quarter of an hour", () => {
  const probation = new Probation(0, 0);
  const lengths = [0, 10_000, 20_000, 30_000, 40_000, 50_000].map((now) => probation.begin(60_000, now));
  assert.deepEqual(lengths, [60_000, 120_000, 240_000, 480_000, 900_000, 900_000]);
  assert.equal(probation.begin(60_000, 2_000_000), 60_000);
});

test("starts before this one count as returns", () => {
  assert.equal(new Probation(2, 0).begin(60_000, 0), 240_000);
});

test("what is seen of one absence several times doubles it once", () => {
  const probation = new Probation(0, 0);
  probation.begin(60_000, 0);
  probation.begin(60_000, 100);
  assert.equal(probation.begin(60_000, 200), 60_000);
  assert.equal(probation.lasts(60_199), true);
  assert.equal(probation.lasts(60_200), false);
});

test("without a failback delay there is no probation", () => {
  const probation = new Probation(0, 0);
  assert.equal(probation.begin(0, 0), 0);
  assert.equal(probation.lasts(0), false);
});

test("a delay longer than a quarter of an hour is kept as configured", () => {
  assert.equal(new Probation(3, 0).begin(3_600_000, 0), 3_600_000);
});
