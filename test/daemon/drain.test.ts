/** A host that is to serve nothing: what it is told, what it says of that, and what a restart makes of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Drain } from "../../src/drain.ts";
import type { FleetInput, Statement } from "../../src/fleet/index.ts";
import { formatLine, type LogFields, silentLog } from "../../src/log/index.ts";
import { VirtualClock, VirtualWorld } from "../../src/time/index.ts";
import { statement } from "../fleet/statement.ts";

class Bench {
  readonly world = new VirtualWorld();
  readonly inputs: string[] = [];
  readonly warnings: string[] = [];
  readonly disk: Map<string, string>;
  serving = 0;
  stopping = false;
  full = false;
  readonly drain: Drain;

  constructor(disk = new Map<string, string>()) {
    this.disk = disk;
    this.drain = new Drain({
      keepsakes: {
        read: (name) => this.disk.get(name) || undefined,
        keep: (name, text) => !this.full && this.disk.set(name, text) === this.disk,
      },
      fleet: {
        input: (event: FleetInput) => { this.inputs.push(event.type); },
        statements: (): ReadonlyMap<string, Statement> => new Map([["eth0", statement({ serving: this.serving })]]),
      },
      clock: new VirtualClock(this.world),
      log: { ...silentLog, warning: (sentence: string, fields: LogFields = {}) => { this.warnings.push(formatLine(sentence, fields)); } },
      stopping: () => this.stopping,
    });
  }
}

test("drained once, it is drained until it is undrained", () => {
  const b = new Bench();
  const { drained, changed, note } = b.drain.drain();
  assert.deepEqual({ drained, changed }, { drained: true, changed: true });
  assert.match(note, /hands over/);
  assert.match(b.drain.since ?? "", /^\d{4}-.*Z$/);
  const again = b.drain.drain();
  assert.deepEqual([again.drained, again.changed], [true, false]);
  assert.match(again.note, /since \d{4}/);
  const ended = b.drain.undrain();
  assert.deepEqual([ended.drained, ended.changed, b.drain.since], [false, true, undefined]);
  assert.deepEqual(b.inputs, ["leave", "undrain"]);
  assert.deepEqual([b.drain.undrain().changed, b.inputs.length], [false, 2]);
  assert.deepEqual(b.warnings, []);
});

test("what nobody takes over is a line, and stands in the status", () => {
  const b = new Bench();
  b.serving = 3;
  b.drain.drain();
  b.world.advance(6_000);
  assert.equal(b.warnings.length, 1);
  assert.deepEqual(b.drain.problems(), ["drained, but this host still answers for 3 VIPs that no other host has taken"]);
  b.drain.undrain();
  assert.deepEqual(b.drain.problems(), []);
});

test("a restart does not end it: the next life takes what nobody serves first, and is drained then", () => {
  const before = new Bench();
  before.drain.drain();
  const b = new Bench(before.disk);
  assert.equal(b.drain.since, before.drain.since);
  b.drain.resume();
  assert.match(b.warnings[0] ?? "", /drained before its start and will be again/);
  b.world.advance(4_900);
  assert.deepEqual([b.inputs, b.drain.problems()], [[], []]);
  b.world.advance(200);
  assert.deepEqual(b.inputs, ["leave"]);
  b.drain.undrain();
  const last = new Bench(before.disk);
  last.drain.resume();
  last.world.advance(10_000);
  assert.deepEqual(last.inputs, []);
});

test("undrained before it has come to that, it is not drained at all", () => {
  const b = new Bench(new Map([["drained", "2026-01-01T00:00:00.000Z"]]));
  b.drain.resume();
  assert.equal(b.drain.undrain().changed, true);
  b.world.advance(10_000);
  assert.ok(!b.inputs.includes("leave"));
});

test("a disk that cannot be written is said at once, and in the status", () => {
  const b = new Bench();
  b.full = true;
  assert.match(b.drain.drain().note, /could not be written to disk/);
  assert.equal(b.drain.problems().length, 1);
});

test("a daemon that stops takes no such order", () => {
  const b = new Bench();
  b.stopping = true;
  assert.deepEqual(b.drain.drain(), { drained: false, changed: false, note: "bmlb is stopping here" });
  assert.deepEqual(b.inputs, []);
});
