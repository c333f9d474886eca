import assert from "node:assert/strict";
import { test } from "node:test";
import { Journal, type LogLevel } from "../../src/log/index.ts";

class Reader {
  writableLength = 0;
  text = "";
  write(text: string): void {
    this.text += text;
  }
}

function journal(level: LogLevel = "info"): { readonly reader: Reader; readonly log: Journal } {
  const reader = new Reader();
  return { reader, log: new Journal(reader, level) };
}

test("a line is systemd's priority, the sentence, then the fields", () => {
  const { reader, log } = journal();
  log.info("announcing 192.0.2.1 on eth0", { vip: "192.0.2.1", silence_ms: 640, previous: undefined, text: "two words" });
  assert.equal(reader.text, '<6>announcing 192.0.2.1 on eth0 vip=192.0.2.1 silence_ms=640 text="two words"\n');
});

test("what is less important than the level is not written", () => {
  const { reader, log } = journal("warning");
  log.notice("no");
  log.error("yes");
  assert.equal(reader.text, "<3>yes\n");
  log.setLevel("debug");
  log.debug("now");
  assert.equal(reader.text, "<3>yes\n<7>now\n");
});

test("a value cannot forge a second line", () => {
  const { reader, log } = journal();
  log.info("a peer said\nsomething", { text: 'x"\n<0>panic' });
  assert.equal(reader.text.split("\n").length, 2);
  assert.match(reader.text, /^<6>a peer said\\x0asomething text=/);
});

test("a text cannot turn the order of what is read after it", () => {
  const { reader, log } = journal();
  log.info("a peer said \u202egnorw", { text: "x\u2066y" });
  assert.equal(reader.text, '<6>a peer said \\x202egnorw text="x\\x2066y"\n');
});

test("a reader that stalls costs lines, which are counted when it reads again", () => {
  const { reader, log } = journal();
  reader.writableLength = 2 << 20;
  log.info("lost");
  log.info("lost too");
  assert.equal(reader.text, "");
  reader.writableLength = 0;
  log.info("read");
  assert.equal(reader.text, "<4>2 log lines were lost because their reader stalled lines=2\n<6>read\n");
  assert.equal(log.dropped, 2, "the count goes on for the metrics");
});
