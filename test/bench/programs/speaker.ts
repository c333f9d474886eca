/**
 * The speaker with so many routes, as a program of its own: it changes them in slices, as the daemon does after a plan.
 * Usage: speaker.ts '{"prefixes":1000,"sets":1,"own":{"address":…,"asn":…},"router":{…}}'; then lines on standard input: "with", "without" (the
 * community that is changed), "withdraw", "stall" (writes the longest stall of the main loop since the last time, in ms).
 */
import { createInterface } from "node:readline";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { BgpSpeaker, type BgpPeer, type BgpRoute, type RouteAttributes } from "../../../src/bgp/index.ts";
import { addressesBeside, systemTcp } from "../../../src/linux/index.ts";
import { Journal } from "../../../src/log/index.ts";
import { type Address, type Ipv4, address } from "../../../src/net/index.ts";
import { DirtyQueue } from "../../../src/plan/index.ts";
import { systemClock, systemRandom } from "../../../src/time/index.ts";
import { CHANGED, communityOf, type Load, vipOf } from "../bgp/announcer.ts";

type End = { readonly address: string; readonly asn: number };

const RESOLUTION_MS = 2; // of what measures stalls

const { own, router, ...load } = JSON.parse(process.argv[2] ?? "{}") as Load & { readonly own: End; readonly router: End };

const peer: BgpPeer = {
  name: "router",
  address: address(router.address),
  zone: undefined,
  asn: router.asn,
  localAsn: own.asn,
  port: 179,
  sourceAddress: undefined,
  holdTimeMs: 90_000,
  keepaliveTimeMs: 30_000,
  connectTimeMs: 10_000,
  password: undefined,
  multihop: 0,
  ttlSecurity: false,
  families: ["ipv4"],
  passive: true,
};
const speaker = new BgpSpeaker({
  routerId: own.address as Ipv4,
  hostname: "edge-1",
  tcp: systemTcp,
  clock: systemClock,
  random: systemRandom,
  log: new Journal(process.stderr, "info"),
  addressesBeside,
});
speaker.start();

const stalls = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const vips = Array.from({ length: load.prefixes }, (_, n) => address(vipOf(n)));
const routes = new Map<Address, readonly BgpRoute[]>();
const numbers = new Map(vips.map((vip, n) => [vip, n]));
let sets = attributeSets("without");

// What the daemon's planner does with a Service that changed, without what it thinks about.
const queue = new DirtyQueue<Address>({
  pass: (changed) => {
    for (const vip of changed) {
      const attributes = sets[(numbers.get(vip) ?? 0) % load.sets];
      if (attributes === undefined) routes.delete(vip);
      else routes.set(vip, [{ peer: peer.name, prefix: { address: vip, length: 32 }, attributes }]);
    }
    speaker.apply({ peers: [peer], listen: [{ address: address(own.address), port: 179 }], routes, complete: true }, new Set(changed));
    if (routes.size === load.prefixes && !ready) {
      ready = true;
      stalls.enable();
      process.stdout.write("READY\n");
    }
  },
  now: () => performance.now(),
  soon: (fn) => setImmediate(fn),
});
let ready = false;
queue.mark(vips);

createInterface({ input: process.stdin }).on("line", (line) => {
  switch (line) {
    case "with":
    case "without":
      sets = attributeSets(line);
      queue.mark(vips);
      return;
    case "withdraw":
      sets = [];
      queue.mark(vips);
      return;
    case "stop":
      process.exit(0);
    // eslint-disable-next-line no-fallthrough
    case "stall":
      process.stdout.write(`STALL ${Math.max(0, stalls.max / 1e6 - RESOLUTION_MS).toFixed(2)}\n`);
      stalls.reset();
  }
});

function attributeSets(to: "with" | "without"): RouteAttributes[] {
  return Array.from({ length: load.sets }, (_, set) => {
    const communities = to === "with" ? [communityOf(set, load), [CHANGED.asn, CHANGED.value] as const] : [communityOf(set, load)];
    return { localPref: 100, med: undefined, prepend: 0, communities: communities.map(([high, low]) => ({ type: "standard" as const, value: high * 0x1_0000 + low })) };
  });
}
