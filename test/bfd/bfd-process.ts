/**
 * BFD as a program of its own, for the lab: it runs in a network namespace, with the worker thread of the daemon, and takes JSON lines.
 *
 *   {"do":"apply", "sessions":[…]}
 *   {"do":"status"}      writes "STATUS {…}"
 *   {"do":"stop"}        writes "STOPPED"
 *   {"do":"busy", "ms":N, "everyMs":M}   from now on the main loop stands for N ms every M ms, and makes garbage
 *   {"do":"block", "ms":N}   it stands once
 *
 * What happens is written as "EVENT {…}".
 */
import { createInterface } from "node:readline";
import { Bfd, type BfdSession } from "../../src/bfd/index.ts";
import { Journal } from "../../src/log/index.ts";
import { WorkerThread } from "../../src/thread/index.ts";
import { systemClock, systemRandom } from "../../src/time/index.ts";

type Command =
  | { readonly do: "apply"; readonly sessions: readonly BfdSession[] }
  | { readonly do: "status" }
  | { readonly do: "stop" }
  | { readonly do: "busy"; readonly ms: number; readonly everyMs: number }
  | { readonly do: "block"; readonly ms: number };

const log = new Journal(process.stdout, "debug");
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const thread = new WorkerThread({ log, clock: systemClock });
const bfd = new Bfd({ log, clock: systemClock, random: systemRandom, channel: thread.channel("bfd"), onEvent: (event) => { print(`EVENT ${JSON.stringify(event)}`); } });

thread.start();
bfd.start();
const tick = (): void => {
  thread.tick();
  systemClock.timer("tick", 100, tick);
};
tick();

let garbage: unknown[] = [];
function waste(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until) garbage.push({ text: `garbage ${garbage.length}`, list: [garbage.length] });
  if (garbage.length > 2_000_000) garbage = [];
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const command = JSON.parse(line) as Command;
  switch (command.do) {
    case "apply":
      bfd.apply({ sessions: command.sessions });
      return;
    case "status":
      print(`STATUS ${JSON.stringify(bfd.status())}`);
      return;
    case "busy":
      setInterval(() => { waste(command.ms); }, command.everyMs);
      return;
    case "block":
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, command.ms);
      print("UNBLOCKED");
      return;
    case "stop":
      void bfd.stop().then(() => thread.stop()).then(() => process.stdout.write("STOPPED\n", () => process.exit(0)));
  }
});
