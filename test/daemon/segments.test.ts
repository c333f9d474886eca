/** Which interfaces can carry VIPs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster } from "../../src/cluster/index.ts";
import { segmentLinks } from "../../src/segments.ts";
import { config, l2 } from "../config/values.ts";
import { link } from "../linux/link.ts";

const ETH0 = link("eth0", { index: 1 });
/** A macvlan on it. */
const SHIM = link("shim0", { index: 2, over: 1 });
const ANYWHERE = [l2("lan", ["lan"])];
const ON_SHIM = [l2("lan", ["lan"], { interfaces: ["shim*"] })];

for (const [what, links, advertisements, able] of [
  ["every interface that can broadcast, up or not", [ETH0, link("eth1", { index: 3, up: false }), link("tun0", { index: 4, broadcast: false })], ANYWHERE, ["eth0", "eth1"]],
  ["of a macvlan and what it is made on the latter, if both are meant", [ETH0, SHIM], ANYWHERE, ["eth0"]],
  ["of the two the latter, where hellos alone are said", [ETH0, SHIM], [], ["eth0"]],
  ["both, if only the macvlan is meant", [ETH0, SHIM], ON_SHIM, ["eth0", "shim0"]],
  ["a macvlan on what cannot broadcast, a port of a bridge", [{ ...ETH0, broadcast: false }, SHIM], ANYWHERE, ["shim0"]],
  ["a macvlan on what is not there", [SHIM], ANYWHERE, ["shim0"]],
  ["nothing where there is nothing", [], ANYWHERE, []],
] as const) test(`can carry VIPs: ${what}`, () => {
  const chosen = segmentLinks(links, {
    config: config({ l2: advertisements }),
    cluster: new Cluster(),
    fleet: { standing: () => ({ role: "owner", claim: 1 }), presence: () => ({ announceBgp: true, keeps: "nothing", retiring: false, reason: "eligible" }) },
    keepers: { hasKept: () => false, wouldKeep: () => false },
  });
  assert.deepEqual(chosen.map(({ name }) => name), able);
});
