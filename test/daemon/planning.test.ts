/** What is planned when: the order of a pass, and when there is nothing left to plan. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster, KINDS } from "../../src/cluster/index.ts";
import type { FleetInput } from "../../src/fleet/index.ts";
import { address } from "../../src/net/index.ts";
import type { World } from "../../src/plan/index.ts";
import { Planning } from "../../src/planning.ts";
import { VirtualClock, VirtualWorld } from "../../src/time/index.ts";
import { service, slice } from "../cluster/objects.ts";
import { advertisement, config, l2, peer } from "../config/values.ts";

const VIP = address("192.0.2.1");
const CONFIG = config({ l2: [l2("lan", ["lan"])], peers: [peer("tor", "198.51.100.1")], bgp: [advertisement("out", ["lan"], ["tor"])] });

class Bench {
  readonly time = new VirtualWorld();
  readonly cluster = new Cluster();
  readonly did: string[] = [];
  readonly later: (() => void)[] = [];
  readonly planning: Planning;

  constructor() {
    const world: World = {
      config: CONFIG,
      cluster: this.cluster,
      segments: [{ name: "eth0", up: true }],
      fleet: { standing: () => ({ role: "owner", claim: 1 }), presence: () => ({ announceBgp: true, keeps: "nothing", retiring: false, reason: "eligible" }) },
      keepers: { hasKept: () => false, wouldKeep: () => false },
    };
    this.planning = new Planning({
      world: () => world,
      fleet: { input: (input: FleetInput) => { this.did.push(input.type === "vips" ? `due ${[...input.due.keys()].join()}` : input.type); } },
      clock: new VirtualClock(this.time),
      soon: (fn) => { this.later.push(fn); },
      apply: ({ l2: answers, bgp }) => { if (answers.size + bgp.size > 0) this.did.push(`apply ${[...answers].join()} ${[...bgp].join()}`); },
      completed: () => { this.did.push("completed"); },
    });
  }

  read(what: "services" | "nothing"): this {
    for (const kind of KINDS) this.cluster.apply({ type: "synced", kind });
    if (what === "nothing") return this;
    const web = service("web", { ips: [VIP] });
    this.cluster.apply({ type: "service", service: web });
    this.cluster.apply({ type: "slice", slice: slice(web, [{ node: "w1" }]) });
    return this;
  }

  turn(): void {
    for (const fn of this.later.splice(0)) fn();
  }
}

test("a pass tells the fleet of what moved, then applies what is other than it was, and says once that all has been planned", () => {
  const bench = new Bench().read("services");
  bench.planning.worldMoved([VIP]);
  assert.deepEqual(bench.did, [], "in a turn of its own");
  bench.turn();
  assert.deepEqual(bench.did, [`due ${VIP}`, `apply ${VIP} ${VIP}`, "completed"]);
  assert.deepEqual([[...bench.planning.plan.vips], bench.planning.plan.routes.size, bench.planning.complete], [[VIP], 1, true]);
  bench.planning.standingMoved([VIP]);
  bench.turn();
  assert.equal(bench.did.length, 3, "nothing is due otherwise, nothing is to be applied, and it is no news");
});

test("who waits for it waits until everything is planned, for so long, or no longer than a stop", async () => {
  const bench = new Bench().read("services");
  bench.planning.worldMoved([VIP]);
  const planned = bench.planning.settled(Infinity);
  bench.turn();
  await planned;
  await new Bench().read("nothing").planning.settled(Infinity);
  const unread = new Bench();
  const late = unread.planning.settled(3000);
  unread.time.advance(3000);
  await late;
  const hurried = unread.planning.settled(Infinity);
  unread.planning.hurry();
  await hurried;
  assert.deepEqual([unread.did, unread.planning.complete], [[], false]);
});

test("after a stop nothing is planned", () => {
  const bench = new Bench().read("services");
  bench.planning.worldMoved([VIP]);
  bench.planning.stop();
  bench.turn();
  assert.deepEqual([bench.did, bench.planning.plan.vips.size], [[], 0]);
});
