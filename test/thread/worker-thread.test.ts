/** The worker thread: started, started again, stopped; and the pulse of the main loop that it feels. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type LogFields, silentLog } from "../../src/log/index.ts";
import { type Channel, WorkerThread } from "../../src/thread/index.ts";
import { systemClock } from "../../src/time/index.ts";
import { eventually } from "../lab/index.ts";

type Answer = { readonly lagMs: number; readonly isDead: boolean };

type Bench = { readonly thread: WorkerThread; readonly channel: Channel<string, Answer>; readonly happened: string[]; readonly answers: Answer[]; readonly errors: string[] };

function make(): Bench {
  const [happened, answers, errors] = [[] as string[], [] as Answer[], [] as string[]];
  const log = { ...silentLog, error: (sentence: string, fields?: LogFields) => void errors.push(sentence, String(fields?.["error"])) };
  const thread = new WorkerThread({ log, clock: systemClock, entry: new URL("part.ts", import.meta.url) });
  const channel = thread.channel<string, Answer>("test");
  channel.serve({ began: () => happened.push("began"), ended: () => happened.push("ended"), message: (answer) => answers.push(answer) });
  return { thread, channel, happened, answers, errors };
}

test("a thread that fails is said to, and another begins that knows nothing; a stop begins none", async () => {
  const { thread, channel, happened, answers, errors } = make();
  assert.equal(channel.open, false);
  channel.post("lag"); // to nobody
  thread.start();
  assert.deepEqual([channel.open, happened], [true, ["began"]]);
  channel.post("lag");
  await eventually("it answers", 5000, () => answers.length === 1);
  channel.post("fail");
  await eventually("another one has begun", 5000, () => happened.length === 3);
  assert.deepEqual(happened, ["began", "ended", "began"]);
  assert.match(errors[0] ?? "", /^the worker thread failed: Error: told to fail; starting it again$/);
  channel.post("lag");
  await eventually("that answers", 5000, () => answers.length === 2);
  await thread.stop();
  assert.deepEqual([happened.length, channel.open], [3, false]);
});

test("the thread feels how long ago the main loop last turned, while that stands as well", async () => {
  const { thread, channel, answers } = make();
  thread.start();
  channel.post("lag");
  await eventually("it answers", 5000, () => answers.length === 1);
  thread.tick();
  channel.post("lag");
  await eventually("it answers", 5000, () => answers.length === 2);
  assert.equal(answers[1]?.isDead, false);
  thread.tick();
  const before = performance.now();
  await eventually("more than two seconds without a tick have passed", 5000, () => performance.now() - before > 2100);
  channel.post("lag");
  await eventually("it answers", 5000, () => answers.length === 3);
  assert.ok(answers[2]?.isDead === true && answers[2].lagMs >= 2000);
  await thread.stop();
});
