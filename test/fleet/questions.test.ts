import assert from "node:assert/strict";
import { test } from "node:test";
import { type QuestionKind, Questions, type Surroundings } from "../../src/fleet/questions.ts";

const SERVED: Surroundings = { unserved: false, covered: false };
const UNSERVED: Surroundings = { unserved: true, covered: false };
const COVERED: Surroundings = { unserved: false, covered: true };

/** Puts every question that may be put, and returns their numbers. */
function putAll(questions: Questions<string>, around: Surroundings, now = 0): number[] {
  const asks: number[] = [];
  for (let next = questions.next(around); next !== undefined; next = questions.next(around)) asks.push(questions.begin(next.item, next.kind, now));
  return asks;
}

function wanting(count: number, kind: QuestionKind): Questions<string> {
  const questions = new Questions<string>();
  for (let i = 0; i < count; i++) questions.request(`vip ${i}`, kind);
  return questions;
}

for (const [what, kind, around, most] of [
  ["where others serve", "best", SERVED, 256],
  ["where nobody serves anything: a sample", "best", UNSERVED, 16],
  ["about what this host serves itself", "own", SERVED, 256],
  ["about orphans", "sweep", SERVED, 16],
  ["about orphans where all seem to be served", "sweep", COVERED, 1],
] as const) {
  test(`questions open at once ${what}: ${most}`, () => {
    const questions = wanting(1_000, kind);
    const asks = putAll(questions, around);
    assert.equal(asks.length, most);
    for (const ask of asks) questions.end(ask);
    assert.equal(putAll(questions, around).length, most);
  });
}

test("what this host wants to claim goes before what it serves, and that before orphans", () => {
  const questions = new Questions<string>();
  questions.request("orphan", "sweep");
  questions.request("mine", "own");
  questions.request("wanted", "best");
  assert.deepEqual([1, 2, 3].map(() => questions.next(SERVED)?.item), ["wanted", "mine", "orphan"]);
  assert.equal(questions.next(SERVED), undefined);
});

test("sixteen unanswered questions stand for all, for two seconds", () => {
  const questions = wanting(100, "best");
  for (let i = 0; i < 15; i++) questions.learn(false, UNSERVED, 1_000);
  assert.equal(questions.quietUntil, -Infinity);
  questions.learn(false, UNSERVED, 1_000);
  assert.equal(questions.quietUntil, 3_000);
});

test("one answer makes every VIP be asked about again", () => {
  const questions = wanting(100, "best");
  for (let i = 0; i < 16; i++) questions.learn(false, UNSERVED, 1_000);
  questions.learn(true, UNSERVED, 1_100);
  assert.equal(questions.quietUntil, -Infinity);
  for (let i = 0; i < 15; i++) questions.learn(false, UNSERVED, 1_200);
  assert.equal(questions.quietUntil, -Infinity);
});

test("where others say that they serve, silence about one VIP says nothing of the next", () => {
  const questions = wanting(100, "best");
  for (let i = 0; i < 100; i++) questions.learn(false, SERVED, 1_000);
  assert.equal(questions.quietUntil, -Infinity);
});

test("a question whose result never comes is given up, so that its place is free again", () => {
  const questions = wanting(300, "best");
  const asks = putAll(questions, SERVED, 0);
  assert.equal(questions.nextAt, 3_000);
  assert.deepEqual(questions.lost(2_999), []);
  assert.deepEqual(questions.lost(3_000), asks);
  for (const ask of asks) assert.notEqual(questions.end(ask), undefined);
  assert.equal(putAll(questions, SERVED, 3_000).length, 300 - 256);
  assert.equal(questions.end(asks[0] ?? 0), undefined);
});
