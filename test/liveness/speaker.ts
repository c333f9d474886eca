/**
 * One host that says hello and prints what it hears, for liveness.test.ts. Commands on standard input: "block MS" holds up its main loop,
 * "key TEXT" gives it the fleet's key, "new-key TEXT" another one that the others get sooner or later, "say REASON" and "pace MS" change its
 * statement at once. Usage: node speaker.ts NAME INTERFACE
 */
import { createInterface } from "node:readline";
import { type Statement } from "../../src/fleet/index.ts";
import { LinkWatcher } from "../../src/linux/index.ts";
import { Liveness } from "../../src/liveness/index.ts";
import { Journal } from "../../src/log/index.ts";
import { WorkerThread } from "../../src/thread/index.ts";
import { systemClock } from "../../src/time/index.ts";

const [name = "", wanted = ""] = process.argv.slice(2);
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const log = new Journal(process.stdout, "debug");

const thread = new WorkerThread({ log, clock: systemClock });
const liveness = new Liveness({
  log,
  clock: systemClock,
  channel: thread.channel("hello"),
  onHello: (segment, hello, sequence) => {
    print(`heard ${hello.name} on ${segment} sequence=${sequence} lag=${hello.loopLagMs} reason=${hello.reason}`);
  },
  onOwnHello: (segment, from) => {
    print(`own hello of ${from} on ${segment}`);
  },
});
thread.start();
const tick = (): void => {
  thread.tick();
  liveness.tick();
  systemClock.timer("tick", 100, tick);
};
tick();

let statement: Statement | undefined;
const links = new LinkWatcher({
  log,
  clock: systemClock,
  onChange: (all) => {
    const mine = all.filter((link) => link.name.startsWith(wanted) && link.up);
    liveness.segments(mine);
    for (const { name: segment, mac, addresses } of mine) {
      if (mac === undefined) continue;
      statement = {
        name,
        instance: Buffer.from(name.padEnd(8)).toString("hex"),
        machine: "",
        uptimeMs: 0,
        rank: 3,
        reason: "eligible",
        leaving: false,
        node: undefined,
        advertisements: [],
        weight: 100,
        bgp: false,
        viewAgeMs: 0,
        loopLagMs: 0,
        heard: [],
        dead: [],
        serving: 0,
        intervalMs: 200,
        mac,
        addresses,
        digests: { pools: "0".repeat(16), l2: "0".repeat(16), bgp: "0".repeat(16), algorithm: 1 },
      };
      liveness.say(segment, statement, "next");
    }
  },
});
void links.start();

createInterface({ input: process.stdin }).on("line", (line) => {
  const [command, argument = ""] = line.split(" ");
  if (command === "key") liveness.key(Buffer.from(argument), "at once");
  else if (command === "new-key") liveness.key(Buffer.from(argument), "gradually");
  else if (command === "say" && statement !== undefined) liveness.say(wanted, { ...statement, reason: argument }, "now");
  else if (command === "pace" && statement !== undefined) liveness.say(wanted, { ...statement, intervalMs: Number(argument) }, "now");
  else if (command === "block") {
    print("blocked");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(argument));
    print("unblocked");
  }
});
