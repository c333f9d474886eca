import assert from "node:assert/strict";
import { test } from "node:test";
import type { Loaded, LoadedConfig } from "../../src/config/index.ts";
import { Journal } from "../../src/log/index.ts";
import { Reloads } from "../../src/reload.ts";
import { load, loadRight } from "../config/loading.ts";

const FIRST = '[host]\nname = "edge-1"\n';

/** A daemon that takes what it is given. */
class Bench {
  inForce: Loaded = loadRight(FIRST);
  next: LoadedConfig = this.inForce;
  up: Promise<void> = Promise.resolve();
  stopping = false;
  /** What happens between reading and applying. */
  meanwhile: () => void = () => undefined;
  log = "";
  loads = 0;
  readonly applied: Loaded[] = [];
  readonly kept: Loaded[] = [];
  told = 0;
  readonly reloads: Reloads;

  constructor(problem?: string) {
    this.reloads = new Reloads({
      load: () => {
        this.loads++;
        return this.next;
      },
      inForce: () => this.inForce,
      identifier: () => undefined,
      up: () => this.up,
      stopping: () => this.stopping,
      soon: (fn) => {
        if (this.loads > 0) this.meanwhile();
        fn();
      },
      apply: (next) => {
        this.applied.push(next);
        this.inForce = next;
      },
      keep: (loaded) => this.kept.push(loaded),
      told: () => this.told++,
      log: new Journal({ writableLength: 0, write: (text) => (this.log += text) }, "debug"),
      problem,
    });
  }
}

test("what changed is applied, kept and said in one line", async () => {
  const bench = new Bench();
  bench.next = loadRight(`${FIRST}weight = 7\n[fleet]\nhello = "1s"\n`);
  assert.deepEqual(await bench.reloads.reload(), { applied: true, changes: ["[host] weight", "[fleet] hello"], problems: [], warnings: [] });
  assert.deepEqual([bench.applied, bench.kept], [[bench.next], [bench.next]]);
  assert.equal(bench.log, "<5>read the configuration again: [host] weight, [fleet] hello\n");
});

test("a configuration that says the same is not applied, and that is the only line", async () => {
  const bench = new Bench();
  bench.next = loadRight(`${FIRST}# a comment\n`);
  assert.equal((await bench.reloads.reload()).applied, true);
  assert.deepEqual(bench.applied, []);
  assert.deepEqual(bench.kept, [bench.next], "the copy is to have the comment");
  assert.equal(bench.log, "<5>read the configuration again: nothing changed\n");
});

for (const [what, text, start] of [
  ["one that is wrong", `${FIRST}weight = 0\n`, "/etc/bmlb/config.toml:3: host.weight: "],
  ["one that needs a restart", '[host]\nname = "edge-2"\nweight = 7\n', "/etc/bmlb/config.toml:2: host.name: was"],
] as const) {
  test(`of ${what} nothing is applied; the problem stands until a good one was read, be it the old one`, async () => {
    const bench = new Bench();
    bench.next = load(text);
    const report = await bench.reloads.reload();
    assert.deepEqual([report.applied, report.problems.length], [false, 1]);
    assert.ok(report.problems[0]?.startsWith(start), report.problems[0]);
    assert.deepEqual([bench.applied, bench.kept, bench.told], [[], [], 1]);
    assert.match(bench.log, /^<3>the configuration was read again and is not applied: .* problems=1\n<3>\/etc\/bmlb\/config\.toml:\d: host\..*\n$/);
    assert.ok(bench.reloads.problem?.includes(start), bench.reloads.problem);
    bench.next = loadRight(FIRST);
    assert.equal((await bench.reloads.reload()).applied, true);
    assert.equal(bench.reloads.problem, undefined);
    assert.equal(bench.told, 2);
  });
}

test("of many problems the status shows the first, and how many there are", async () => {
  const bench = new Bench();
  bench.next = load(`${FIRST}weight = 0\nlog_level = "loud"\n`);
  assert.equal((await bench.reloads.reload()).problems.length, 2);
  assert.match(bench.reloads.problem ?? "", /host\.weight: .* \(and 1 more: see `bmlb check`\)$/);
});

test("who started with the last good copy says so until a file is read that is right", async () => {
  const bench = new Bench("the last good copy");
  assert.equal(bench.reloads.problem, "the last good copy");
  await bench.reloads.reload();
  assert.equal(bench.reloads.problem, undefined);
});

test("reloads wait for the daemon to come up, and for each other; each reads the files when its turn has come", async () => {
  const bench = new Bench();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  bench.up = promise.then(() => undefined);
  const both = [bench.reloads.reload(), bench.reloads.reload()];
  await Promise.resolve();
  assert.equal(bench.loads, 0);
  bench.next = loadRight(`${FIRST}weight = 7\n`);
  resolve(undefined);
  assert.deepEqual((await Promise.all(both)).map(({ changes }) => changes), [["[host] weight"], []]);
  assert.equal(bench.loads, 2);
});

test("a daemon that stops reads nothing again", async () => {
  const bench = new Bench();
  bench.stopping = true;
  const report = await bench.reloads.reload();
  assert.deepEqual([report.applied, bench.loads], [false, 0]);
  assert.match(report.problems.join(), /stopping/);
});

test("one that is told to stop when it has read applies nothing", async () => {
  const bench = new Bench();
  bench.next = loadRight(`${FIRST}weight = 7\n`);
  bench.meanwhile = () => (bench.stopping = true);
  const report = await bench.reloads.reload();
  assert.deepEqual([report.applied, bench.loads, bench.applied, bench.kept], [false, 1, [], []]);
  assert.match(report.problems.join(), /stopping/);
});
