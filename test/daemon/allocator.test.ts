import assert from "node:assert/strict";
import { test } from "node:test";
import { Allocator } from "../../src/allocator.ts";
import { Cluster, type Service } from "../../src/cluster/index.ts";
import type { EventNote, WriteResult } from "../../src/kube/index.ts";
import { Journal } from "../../src/log/index.ts";
import { VirtualClock, VirtualWorld } from "../../src/time/index.ts";
import { service, type ServiceParts } from "../cluster/objects.ts";
import { advertisement, config, pool } from "../config/values.ts";

type Write = { readonly name: string; readonly ips: readonly string[]; readonly pool: string | undefined };

/** An allocator before an API whose answers the test decides. */
class Bench {
  readonly time = new VirtualWorld();
  readonly cluster = new Cluster();
  readonly writes: Write[] = [];
  readonly events: EventNote[] = [];
  log = "";
  leading = true;
  /** How often a Service was looked at to decide about it. */
  looks = 0;
  listedAt: number | undefined = Number.POSITIVE_INFINITY;
  answer: (service: Service, write: Write) => WriteResult = (one, { ips }) => ({ type: "ok", service: { ...service(one.name, { ips }), resourceVersion: "2" } });
  readonly allocator: Allocator;

  constructor() {
    const turns: (() => void)[] = [];
    this.allocator = new Allocator({
      config: config({ pools: [pool("lan", ["192.0.2.0/30"])] }),
      cluster: this.cluster,
      clock: new VirtualClock(this.time),
      random: () => 0.5,
      log: new Journal({ writableLength: 0, write: (text) => (this.log += text) }, "info"),
      soon: (fn) => turns.push(fn),
      leadingSafely: () => {
        this.looks++;
        return this.leading;
      },
      servicesListedAt: () => this.listedAt,
      write: (one, ingress, name) => {
        const write = { name: one.name, ips: ingress.map((entry) => entry.ip), pool: name };
        this.writes.push(write);
        return Promise.resolve(this.answer(one, write));
      },
      wrote: (one) => {
        this.see(one);
      },
      event: (event) => this.events.push(event),
    });
    this.#turns = turns;
  }
  readonly #turns: (() => void)[];

  /** A watch shows this Service. */
  see(one: Service): void {
    this.allocator.touched(this.cluster.apply({ type: "service", service: one }).services);
  }

  create(name: string, parts: ServiceParts = {}): void {
    this.see(service(name, parts));
  }

  /** Lets time pass, with all that follows from it. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left >= 0; left -= 100) {
      this.time.advance(Math.min(100, left));
      for (let i = 0; i < 4; i++) {
        for (let turn = this.#turns.shift(); turn !== undefined; turn = this.#turns.shift()) turn();
        await Promise.resolve();
        await Promise.resolve();
      }
    }
  }
}

test("a new allocator waits four seconds, so that its predecessor's last writes have been seen, then gives", async () => {
  const bench = new Bench();
  bench.create("web");
  bench.allocator.elected();
  await bench.pass(3900);
  assert.deepEqual(bench.writes, []);
  await bench.pass(300);
  assert.deepEqual(bench.writes, [{ name: "web", ips: ["192.0.2.0"], pool: "lan" }]);
  assert.match(bench.log, /<6>gave 192\.0\.2\.0 to Service shop\/web service=shop\/web addresses=192\.0\.2\.0 pool=lan/);
  assert.deepEqual(
    bench.events.map((event) => [event.type, event.reason]),
    [["Normal", "AddressAssigned"]],
  );
  await bench.pass(10_000);
  assert.equal(bench.writes.length, 1, "what is in the status is not written again");
});

for (const [what, prepare] of [
  ["is not elected", (bench: Bench) => { bench.allocator.deposed(); }],
  ["may have been overtaken", (bench: Bench) => (bench.leading = false)],
  ["has not read all Services from the API", (bench: Bench) => (bench.listedAt = undefined)],
  ["read them before it was elected", (bench: Bench) => (bench.listedAt = 0)],
] as const) {
  test(`a host that ${what} writes nothing`, async () => {
    const bench = new Bench();
    bench.allocator.elected();
    prepare(bench);
    bench.create("web");
    await bench.pass(10_000);
    assert.deepEqual(bench.writes, []);
  });
}

test("what conflicts is decided anew from what the watch shows", async () => {
  const bench = new Bench();
  bench.answer = () => ({ type: "conflict" });
  bench.allocator.elected();
  await bench.pass(4000);
  bench.create("web");
  await bench.pass(500);
  bench.see(service("web", { ips: ["192.0.2.3"], resourceVersion: "7" }));
  await bench.pass(10_000);
  assert.equal(bench.writes.length, 1, "somebody gave it an address of ours meanwhile");
});

test("while the API is away the same write is tried again, and the address is nobody else's", async () => {
  const bench = new Bench();
  bench.answer = (one, write) => (one.name === "a" ? { type: "unavailable", failure: { kind: "timeout", sentence: "no answer" } } : { type: "ok", service: { ...service(one.name, { ips: write.ips }), resourceVersion: "2" } });
  bench.allocator.elected();
  await bench.pass(4000);
  bench.create("a");
  await bench.pass(100);
  bench.create("b");
  await bench.pass(7000);
  const ofA = bench.writes.filter((write) => write.name === "a");
  assert.ok(ofA.length >= 3);
  assert.equal(new Set(ofA.map((write) => write.ips[0])).size, 1);
  assert.deepEqual(
    bench.writes.filter((write) => write.name === "b").map((write) => write.ips),
    [["192.0.2.1"]],
  );
});

test("what cannot be given is said once, with the way out, and again when that changes", async () => {
  const bench = new Bench();
  bench.allocator.elected();
  await bench.pass(4000);
  bench.create("web", { loadBalancerIP: "203.0.113.9" });
  await bench.pass(200);
  bench.allocator.lookAtAll();
  await bench.pass(200);
  assert.equal(bench.events.length, 1);
  assert.deepEqual([bench.events[0]?.type, bench.events[0]?.reason], ["Warning", "AddressNotInPool"]);
  assert.equal(bench.log.split("gets no address").length - 1, 1);
  assert.match(bench.allocator.refusals().get(service("web").key) ?? "", /203\.0\.113\.9/);
  bench.create("web", { loadBalancerIP: "192.0.2.2" });
  await bench.pass(200);
  assert.deepEqual(bench.writes.at(-1)?.ips, ["192.0.2.2"]);
  assert.equal(bench.allocator.refusals().size, 0);
});

test("a Service that holds an older one's address loses it", async () => {
  const bench = new Bench();
  bench.allocator.elected();
  await bench.pass(4000);
  bench.create("old", { ips: ["192.0.2.1"], createdAt: 1 });
  bench.create("young", { ips: ["192.0.2.1"], createdAt: 2 });
  await bench.pass(500);
  assert.deepEqual(bench.writes, [{ name: "young", ips: ["192.0.2.0"], pool: "lan" }]);
});

test("a right that is missing is said once, however many Services and attempts meet it, and again if it is taken away later", async () => {
  const bench = new Bench();
  bench.answer = () => ({ type: "refused", status: 403, sentence: "not allowed" });
  bench.allocator.elected();
  await bench.pass(4000);
  bench.create("a");
  bench.create("b");
  await bench.pass(60_000);
  const complaints = (): number => bench.log.split("not allowed").length - 1;
  assert.equal(complaints(), 1);
  assert.ok(bench.writes.length >= 4, "it is tried again");
  assert.ok(bench.writes.length <= 16, `and ever later: ${bench.writes.length} attempts`);
  bench.answer = (one, { ips }) => ({ type: "ok", service: { ...service(one.name, { ips }), resourceVersion: "2" } });
  await bench.pass(60_000);
  assert.equal(bench.log.split("<6>gave").length - 1, 2);
  bench.answer = () => ({ type: "refused", status: 403, sentence: "not allowed" });
  bench.create("c");
  await bench.pass(1000);
  assert.equal(complaints(), 2);
});

test("a host that stops being the allocator tries nothing again", async () => {
  const bench = new Bench();
  bench.answer = () => ({ type: "conflict" });
  bench.allocator.elected();
  await bench.pass(4000);
  bench.create("web");
  await bench.pass(100);
  bench.allocator.stop();
  await bench.pass(60_000);
  assert.equal(bench.writes.length, 1);
});

test("an allocator that is elected again does not finish what it began before: another may have decided since", async () => {
  const bench = new Bench();
  bench.answer = () => ({ type: "unavailable", failure: { kind: "timeout", sentence: "no answer" } });
  bench.allocator.elected();
  await bench.pass(4000);
  bench.create("a");
  await bench.pass(100);
  assert.deepEqual(bench.writes.map((write) => write.ips), [["192.0.2.0"]]);
  bench.allocator.deposed();
  bench.see(service("a", { ips: ["192.0.2.1"], resourceVersion: "7" }));
  bench.see(service("b", { ips: ["192.0.2.0"], resourceVersion: "8" }));
  await bench.pass(30_000);
  assert.deepEqual(bench.allocator.pools().map(({ used }) => used), [2]);
  bench.allocator.elected();
  await bench.pass(30_000);
  assert.equal(bench.writes.length, 1);
});

test("a Service that is of type LoadBalancer no more has no right to the address that its status still names", async () => {
  const bench = new Bench();
  bench.answer = (one, { ips }) => ({ type: "ok", service: { ...service(one.name, { ips }), resourceVersion: String(bench.writes.length + 10) } });
  bench.allocator.elected();
  await bench.pass(4000);
  bench.create("old", { type: "ClusterIP", ips: ["192.0.2.0"], createdAt: 1 });
  bench.create("web", { loadBalancerIP: "192.0.2.0", createdAt: 2 });
  await bench.pass(10_000);
  assert.deepEqual(bench.writes, [{ name: "web", ips: ["192.0.2.0"], pool: "lan" }]);
});

test("a Service that could have no address gets one of a pool that was added", async () => {
  const bench = new Bench();
  for (const name of ["a", "b", "c", "d", "e"]) bench.create(name);
  bench.allocator.elected();
  await bench.pass(5000);
  assert.equal(bench.writes.length, 4);
  assert.match(bench.allocator.refusals().get(service("e").key) ?? "", /^no ipv4 address is free in pool lan/);
  bench.allocator.configure(config({ pools: [pool("lan", ["192.0.2.0/30"]), pool("more", ["192.0.2.8"])] }));
  await bench.pass(100);
  assert.deepEqual(bench.writes.slice(4), [{ name: "e", ips: ["192.0.2.8"], pool: "more" }]);
  assert.deepEqual(bench.allocator.pools().map(({ name, used }) => `${name} ${used}`), ["lan 4", "more 1"]);
});

test("a reload that leaves the pools and what is served as they are decides nothing anew", async () => {
  const bench = new Bench();
  bench.allocator.elected();
  for (const name of ["a", "b"]) bench.create(name);
  await bench.pass(5000);
  for (const [what, next, looks] of [
    ["the same", {}, 0],
    ["another community", { bgp: [advertisement("lan", ["lan"], [])] }, 0],
    ["another class", { kubernetes: { unclassed: false } }, 2],
    ["another pool", { kubernetes: { unclassed: false }, pools: [pool("lan", ["192.0.2.0/29"])] }, 2],
  ] as const) {
    bench.looks = 0;
    bench.allocator.configure(config({ pools: [pool("lan", ["192.0.2.0/30"])], ...next }));
    await bench.pass(100);
    assert.equal(bench.looks, looks, what);
  }
});
