/** What changes touch together, where the cluster was read, and how old that is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KINDS } from "../../src/cluster/index.ts";
import { silentLog } from "../../src/log/index.ts";
import { address } from "../../src/net/index.ts";
import { VirtualClock, VirtualWorld } from "../../src/time/index.ts";
import { View } from "../../src/view.ts";
import { node, service } from "../cluster/objects.ts";

function bench(): { readonly time: VirtualWorld; readonly clock: VirtualClock; readonly view: View; readonly said: string[] } {
  const time = new VirtualWorld();
  const clock = new VirtualClock(time);
  const said: string[] = [];
  return { time, clock, said, view: new View({ ...silentLog, info: (sentence) => { said.push(sentence); } }, clock) };
}

test("changes that come together touch the addresses and Services of all of them", () => {
  const { view } = bench();
  const [web, mail] = [service("web", { ips: ["192.0.2.1"] }), service("mail", { ips: ["192.0.2.2"] })];
  const touched = view.take([{ type: "service", service: web }, { type: "service", service: mail }]);
  assert.deepEqual([[...touched.addresses], [...touched.services]], [[address("192.0.2.1"), address("192.0.2.2")], [web.key, mail.key]]);
  assert.deepEqual([touched.everything, touched.nodes, touched.servicesListed], [false, false, false]);
  assert.deepEqual([...view.cluster.addresses()], [address("192.0.2.1"), address("192.0.2.2")]);
});

test("one of them that is about a node, or ends a list, counts for all", () => {
  const { view } = bench();
  const change = { type: "service", service: service("web", { ips: ["192.0.2.1"] }) } as const;
  const of = (...changes: Parameters<View["take"]>[0]): object => {
    const { everything, nodes, servicesListed } = view.take(changes);
    return { everything, nodes, servicesListed };
  };
  assert.deepEqual(of({ type: "node", node: node("w1") }, change), { everything: true, nodes: true, servicesListed: false });
  assert.deepEqual(of(change, { type: "node-gone", name: "w1" }), { everything: true, nodes: true, servicesListed: false });
  assert.deepEqual(of({ type: "synced", kind: "services" }, change), { everything: false, nodes: false, servicesListed: true });
  assert.deepEqual(of(...KINDS.map((kind) => ({ type: "synced", kind }) as const), change), { everything: true, nodes: false, servicesListed: true });
});

test("where it was read from is said once", () => {
  const { view, said } = bench();
  assert.equal(view.source, "none");
  view.take([{ type: "service", service: service("web") }]);
  for (const source of ["cache", "cache", "api", "api"] as const) view.readFrom(source);
  assert.equal(view.source, "api");
  assert.deepEqual(said, ["read 1 Services from the cache on disk", "read 1 Services from the API"]);
});

test("it is as old as the last time that the API was heard of", () => {
  const { time, clock, view } = bench();
  assert.equal(view.ageMs(), undefined);
  const heardAt = clock.now() - 600;
  assert.deepEqual([view.heard(heardAt), view.ageMs()], [true, 600]);
  time.advance(500);
  assert.deepEqual([view.heard(heardAt), view.ageMs()], [false, 1100]);
  assert.deepEqual([view.heard(clock.now()), view.ageMs()], [true, 0]);
});
