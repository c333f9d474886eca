/**
 * The speaker with so many routes, as a program of its own: it changes them in slices, as the daemon does after a plan.
 * Usage: speaker.ts '{"prefixes":1000,"sets":1,"own":{"address":…,"asn":…},"router":{…}}'; then lines on standard input: "with", "without" (the
 * community that is changed), "withdraw", "stall" (writes the longest stall of the main loop since the last time, in ms).
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { BgpPeer, BgpRoute, RouteAttributes } from "../../../src/bgp/index.ts";
import { Journal } from "../../../src/log/index.ts";
import { type Address, type Prefix, address } from "../../../src/net/index.ts";
import { DirtyQueue } from "../../../src/plan/index.ts";
import { kernelSpeaker } from "../../bgp/kernel-speaker.ts";
import { ATTRIBUTES, PEER } from "../../bgp/world.ts";
import { CHANGED, communityOf, forEachPrefix, type Load, vipOf } from "../bgp/announcer.ts";

type End = { readonly address: string; readonly asn: number };

const RESOLUTION_MS = 5; // of what measures stalls

const { own, router, ...load } = JSON.parse(process.argv[2] ?? "{}") as Load & { readonly own: End; readonly router: End };

const peer: BgpPeer = { ...PEER, name: "router", address: address(router.address), asn: router.asn, localAsn: own.asn, families: ["ipv4"], passive: true };
const speaker = kernelSpeaker(own.address, new Journal(process.stderr, "info"));
speaker.start();

const stalls = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const prefixes = forEachPrefix(load, (n): Prefix => ({ address: address(Buffer.from(vipOf(n)).toString()), length: 32 })); // in one piece, as V8 has what it was given as text
const sessions = { peers: [peer], listen: [{ address: address(own.address), port: 179 }] };
let sets = attributeSets("without");
let ready = false;

// What the daemon's planner does with a Service that changed, without what it thinks about.
const queue = new DirtyQueue<number>({
  pass: (changed) => {
    const routes = new Map<Address, readonly BgpRoute[]>();
    for (const n of changed) {
      const prefix = prefixes[n];
      if (prefix === undefined) continue;
      const attributes = sets[n % load.sets];
      routes.set(prefix.address, attributes === undefined ? [] : [{ peer: peer.name, prefix, attributes }]);
    }
    speaker.apply({ ...sessions, routes, complete: true }, new Set(routes.keys()));
    if (ready || !queue.idle) return;
    ready = true;
    stalls.enable();
    process.stdout.write("READY\n");
  },
  now: () => performance.now(),
  soon: (fn) => setImmediate(fn),
});
queue.mark(prefixes.keys());

process.stdin.setEncoding("utf8").on("data", (text: string) => {
  for (const line of text.split("\n")) obey(line);
});

function obey(line: string): void {
  switch (line) {
    case "with":
    case "without":
      sets = attributeSets(line);
      queue.mark(prefixes.keys());
      return;
    case "withdraw":
      sets = [];
      queue.mark(prefixes.keys());
      return;
    case "stall":
      process.stdout.write(`STALL ${Math.max(0, stalls.max / 1e6 - RESOLUTION_MS).toFixed(2)}\n`);
      stalls.reset();
      return;
    case "stop":
      process.exit(0);
  }
}

function attributeSets(to: "with" | "without"): RouteAttributes[] {
  return Array.from({ length: load.sets }, (_, set) => {
    const communities = to === "with" ? [communityOf(set, load), [CHANGED.asn, CHANGED.value] as const] : [communityOf(set, load)];
    return { ...ATTRIBUTES, communities: communities.map(([high, low]) => ({ type: "standard" as const, value: high * 0x1_0000 + low })) };
  });
}
