/** Waiting with a deadline: it ends as soon as it can, and says what it waited for when it cannot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, within } from "./eventually.ts";

test("a condition that holds is answered with its value, without waiting", async () => {
  assert.equal(await eventually("there is a number", 0, () => 7), 7);
  assert.equal(await eventually("nothing is something", 0, () => Promise.resolve("")), "");
});

test("a condition is asked again until it holds, and a throw counts as not yet", async () => {
  const answers = [() => false, () => undefined, () => null, () => { throw new Error("not yet"); }, () => "now"] as const;
  let asked = 0;
  assert.equal(await eventually("it holds", 5000, () => answers[asked++]?.()), "now");
});

test("after the deadline the message names what was waited for and the last answer", async () => {
  await assert.rejects(eventually("pigs fly", 30, () => false), { message: "waited 30 ms in vain until pigs fly; at last: it answered false" });
});

test("after the deadline the message names the last error, and carries it", async () => {
  const error = new Error("no wings");
  await assert.rejects(
    eventually("pigs fly", 0, () => {
      throw error;
    }),
    (thrown: Error) => thrown.message.endsWith("at last: no wings") && thrown.cause === error,
  );
});

test("a promise that is late is given up, with how far it had come", async () => {
  const { promise } = Promise.withResolvers<number>();
  await assert.rejects(within("it came", 10, promise, () => "; half of it is here"), { message: "waited 10 ms in vain until it came; half of it is here" });
  assert.equal(await within("it came", 10, Promise.resolve(7)), 7);
});
