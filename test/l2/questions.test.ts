import assert from "node:assert/strict";
import { test } from "node:test";
import { Questions } from "../../src/l2/questions.ts";
import { type Address, type Mac, address } from "../../src/net/index.ts";
import { VirtualClock, VirtualWorld } from "../../src/time/index.ts";
import { THEM } from "./frames.ts";

const VIP = address("192.0.2.100");
const OTHER = address("192.0.2.101");

class Wire {
  readonly world = new VirtualWorld();
  readonly clock = new VirtualClock(this.world);
  readonly start = this.clock.now();
  readonly sent: { readonly vip: Address; readonly at: number }[] = [];
  readonly answers: { readonly vip: Address; readonly ask: number; readonly answer: Mac | undefined; readonly at: number }[] = [];
  up = true;
  readonly questions = new Questions({
    segment: "eth0",
    clock: this.clock,
    send: (vip) => {
      if (this.up) this.sent.push({ vip, at: Math.round(this.now()) });
      return this.up;
    },
    onAnswer: (vip, ask, answer) => {
      this.answers.push({ vip, ask, answer, at: Math.round(this.now()) });
    },
  });

  ask(vip: Address, ask: number): void {
    this.questions.ask(vip, ask);
    this.questions.flush();
  }

  now(): number {
    return this.clock.now() - this.start;
  }
}

test("asks three times 50 ms apart, the first at once, and knows after 200 ms that nobody answers", () => {
  const wire = new Wire();
  wire.ask(VIP, 7);
  assert.deepEqual(wire.sent, [{ vip: VIP, at: 0 }]);
  wire.world.advance(199);
  assert.deepEqual(wire.sent.map(({ at }) => at), [0, 50, 100]);
  assert.deepEqual(wire.answers, []);
  wire.world.advance(1);
  assert.deepEqual(wire.answers, [{ vip: VIP, ask: 7, answer: undefined, at: 200 }]);
  wire.world.advance(10_000);
  assert.equal(wire.sent.length + wire.answers.length, 4);
});

test("an answer ends it at once, and a second answer is none", () => {
  const wire = new Wire();
  wire.ask(VIP, 7);
  wire.world.advance(60);
  wire.questions.heard(VIP, THEM);
  assert.deepEqual(wire.answers, [{ vip: VIP, ask: 7, answer: THEM, at: 60 }]);
  wire.questions.heard(VIP, THEM);
  wire.world.advance(10_000);
  assert.deepEqual(wire.sent.map(({ at }) => at), [0, 50]);
  assert.equal(wire.answers.length, 1);
});

test("what is heard about another address, or unasked, is no answer", () => {
  const wire = new Wire();
  wire.questions.heard(VIP, THEM);
  wire.ask(VIP, 7);
  wire.questions.heard(OTHER, THEM);
  wire.world.advance(1_000);
  assert.deepEqual(wire.answers.map(({ answer }) => answer), [undefined]);
});

test("the same question is asked once, also after it is settled; another is another", () => {
  const wire = new Wire();
  wire.ask(VIP, 7);
  wire.ask(VIP, 7);
  wire.world.advance(1_000);
  wire.ask(VIP, 7);
  wire.world.advance(1_000);
  assert.equal(wire.sent.length, 3);
  wire.ask(VIP, 8);
  wire.world.advance(1_000);
  assert.deepEqual(wire.answers.map(({ ask }) => ask), [7, 8]);
});

test("a question that another replaces has no answer of its own", () => {
  const wire = new Wire();
  wire.ask(VIP, 7);
  wire.world.advance(20);
  wire.ask(VIP, 8);
  wire.world.advance(1_000);
  assert.deepEqual(wire.answers.map(({ ask, at }) => [ask, at]), [[8, 220]]);
});

test("what was forgotten is not asked on, and may be asked again", () => {
  const wire = new Wire();
  wire.ask(VIP, 7);
  wire.questions.forget(VIP);
  wire.world.advance(1_000);
  assert.deepEqual([wire.sent.length, wire.answers.length], [1, 0]);
  wire.ask(VIP, 7);
  wire.world.advance(1_000);
  assert.deepEqual([wire.sent.length, wire.answers.length], [4, 1]);
});

test("without a link there is no answer, not even silence, until it is back", () => {
  const wire = new Wire();
  wire.up = false;
  wire.ask(VIP, 7);
  wire.world.advance(5_000);
  assert.deepEqual(wire.answers, []);
  wire.up = true;
  wire.questions.restart();
  wire.world.advance(200);
  assert.deepEqual(wire.answers, [{ vip: VIP, ask: 7, answer: undefined, at: 5_200 }]);
});

test("an attempt that failed is made good, and silence counts from what went out", () => {
  const wire = new Wire();
  wire.up = false;
  wire.ask(VIP, 7);
  wire.world.advance(10);
  wire.up = true;
  wire.world.advance(690);
  assert.deepEqual(wire.sent.map(({ at }) => at), [500, 550, 600]);
  assert.deepEqual(wire.answers.map(({ at }) => at), [700]);
});

test("after a new beginning only what is not settled is asked again", () => {
  const wire = new Wire();
  wire.ask(OTHER, 1);
  wire.world.advance(1_000);
  wire.ask(VIP, 7);
  wire.world.advance(120);
  wire.questions.restart();
  wire.world.advance(199);
  assert.equal(wire.answers.length, 1);
  wire.world.advance(1);
  assert.deepEqual(wire.answers.map(({ vip, at }) => [vip, at]), [
    [OTHER, 200],
    [VIP, 1_320],
  ]);
});

test("ten thousand questions at once take as long as 5 000 frames per second take, and each has its own answer", () => {
  const wire = new Wire();
  const many = Array.from({ length: 10_000 }, (_, i) => address(`10.0.${i >> 8}.${i & 255}`));
  many.forEach((vip, ask) => {
    wire.ask(vip, ask);
  });
  wire.world.advance(7_000);
  assert.equal(wire.sent.length, 30_000);
  assert.deepEqual(wire.answers.map(({ ask }) => ask).sort((a, b) => a - b), [...many.keys()]);
});

test("who is answered may ask the next thing within the answer", () => {
  const wire = new Wire();
  const questions: Questions = new Questions({
    segment: "eth0",
    clock: wire.clock,
    send: () => true,
    onAnswer: (vip, ask) => {
      if (ask < 3) questions.ask(vip, ask + 1);
      else questions.forget(vip);
      wire.answers.push({ vip, ask, answer: undefined, at: wire.now() });
    },
  });
  questions.ask(VIP, 1);
  questions.flush();
  wire.world.advance(1_000);
  assert.deepEqual(wire.answers.map(({ ask }) => ask), [1, 2, 3]);
});
