import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { silentLog, type LogFields } from "../../src/log/index.ts";
import { systemdNotifier } from "../../src/linux/index.ts";

const RECEIVER = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind("\\0" + name[1:] if name.startswith("@") else name)
s.settimeout(20)
print(json.dumps("bound"), flush=True)
while True:
    print(json.dumps(s.recv(4096).decode()), flush=True)
`;

const directory = mkdtempSync(join(tmpdir(), "bmlb-notify-"));
process.on("exit", () => {
  rmSync(directory, { recursive: true, force: true });
});

for (const [what, name] of [
  ["a path", join(directory, "notify")],
  ["an abstract name", `@bmlb-test-${process.pid}`],
] as const) {
  test(`tells systemd everything through ${what}`, async () => {
    const receiver = spawn("python3", ["-c", RECEIVER, name], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]();
      const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value)) as unknown;
      assert.equal(await next(), "bound");

      const notifier = systemdNotifier(silentLog, { NOTIFY_SOCKET: name }, 1);
      notifier.ready("serving 3 VIPs");
      assert.equal(await next(), "READY=1\nSTATUS=serving 3 VIPs");
      notifier.status("two\nlines");
      assert.equal(await next(), "STATUS=two lines");
      notifier.watchdog();
      assert.equal(await next(), "WATCHDOG=1");
      notifier.stopping("handing over");
      assert.equal(await next(), "STOPPING=1\nSTATUS=handing over");
    } finally {
      const gone = once(receiver, "exit");
      receiver.kill();
      await gone;
    }
  });
}

for (const [what, socket] of [
  ["no socket", undefined],
  ["an empty name", ""],
  ["a socket of another family", "vsock:2:1234"],
  ["a name that is too long", `/${"x".repeat(108)}`],
] as const) {
  test(`with ${what} nothing is sent and nothing fails`, () => {
    const notifier = systemdNotifier(silentLog, socket === undefined ? {} : { NOTIFY_SOCKET: socket }, 1);
    notifier.ready("");
    notifier.status("");
    notifier.watchdog();
    notifier.stopping("");
    assert.equal(notifier.watchdogIntervalMs, undefined);
  });
}

test("a socket that nobody reads is said once, not per message", () => {
  const said: LogFields[] = [];
  const log = { ...silentLog, warning: (_: string, fields: LogFields = {}) => void said.push(fields) };
  const notifier = systemdNotifier(log, { NOTIFY_SOCKET: join(directory, "nobody") }, 1);
  notifier.watchdog();
  notifier.watchdog();
  assert.equal(said.length, 1);
  assert.match(String(said[0]?.["error"]), /ENOENT/);
});

for (const [what, env, interval] of [
  ["is set for this process", { WATCHDOG_USEC: "30000000", WATCHDOG_PID: "42" }, 30_000],
  ["is set for any process", { WATCHDOG_USEC: "2500" }, 2.5],
  ["is meant for another process", { WATCHDOG_USEC: "30000000", WATCHDOG_PID: "43" }, undefined],
  ["is not set", { WATCHDOG_PID: "42" }, undefined],
  ["is zero", { WATCHDOG_USEC: "0" }, undefined],
  ["is no number", { WATCHDOG_USEC: "soon" }, undefined],
] as const) {
  test(`the watchdog's interval is ${interval ?? "unknown"} when it ${what}`, () => {
    assert.equal(systemdNotifier(silentLog, env, 42).watchdogIntervalMs, interval);
  });
}
