/** Aggregates and the unreachable routes behind them, with a kernel's table that is told what to do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { formatPrefix } from "../../src/net/index.ts";
import { World } from "./world.ts";

const VIPS = ["10.9.9.1>10.9.9.0/24", "10.9.9.2>10.9.9.0/24"];
const KEY = "10.9.9.0/24";
const told = (w: World): string[] => [...w.router.last.table.keys()];

const rows = (w: World) => Array.from(w.speaker.routes("tor-1") ?? [], ({ prefix, state, vipCount }) => [formatPrefix(prefix), state, vipCount]);

async function announced(w = new World()): Promise<World> {
  w.establish({ vips: VIPS });
  await w.pass(100);
  assert.deepEqual(told(w), [KEY]);
  return w;
}

test("the route is in the kernel before the aggregate is announced, and the end of the table comes after it", async () => {
  const w = new World();
  w.establish({ vips: [...VIPS, "10.9.8.8"] });
  assert.deepEqual([told(w), [...w.routes.prefixes]], [[], []]);
  assert.deepEqual(w.speaker.status().aggregates.map(({ vips, problem }) => [vips, problem]), [[2, "aggregate 10.9.9.0/24 is not announced yet: its unreachable route is being made"]]);
  assert.deepEqual(w.speaker.announcedTo("10.9.9.1" as never), []);
  assert.match(w.speaker.route("10.9.9.1" as never, { peer: "tor-1", prefix: { address: "10.9.9.0" as never, length: 24 } })?.because ?? "", /unreachable route is being made$/);
  assert.deepEqual(rows(w), [["10.9.8.8/32", "waiting", 1], [KEY, "waiting", 2]]);
  await w.pass(100);
  assert.deepEqual([told(w).sort(), [...w.routes.prefixes]], [["10.9.8.8/32", KEY], [KEY]]);
  const { log } = w.router.last;
  assert.ok(log.findIndex((line) => line.includes(`+${KEY}`)) < log.indexOf("UPDATE end ipv4"), log.join("\n"));
  assert.deepEqual(w.speaker.status().aggregates.map(({ vips, problem }) => [vips, problem]), [[2, undefined]]);
  assert.deepEqual(w.speaker.announcedTo("10.9.9.1" as never), ["tor-1"]);
});

test("a change from single addresses to an aggregate loses no traffic: they go when it may be announced, and stay while it may not", async () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.1", "10.9.9.2"] });
  w.routes.refuses = "Operation not permitted";
  w.apply({ vips: VIPS });
  await w.pass(30_000);
  assert.deepEqual(told(w), ["10.9.9.1/32", "10.9.9.2/32"]);
  assert.deepEqual(w.speaker.announcedTo("10.9.9.1" as never), ["tor-1"]);
  w.apply({ vips: VIPS.slice(0, 1) });
  await w.pass(1000);
  assert.deepEqual(told(w), ["10.9.9.1/32"], "a VIP that is gone is gone");
  w.routes.refuses = undefined;
  await w.pass(6000);
  assert.deepEqual(told(w), [KEY]);
});

test("a change from one aggregate to another keeps the one, and its route, until the other may be announced", async () => {
  const w = new World();
  w.establish({ vips: VIPS });
  await w.pass(1000);
  assert.deepEqual(told(w), [KEY]);
  w.routes.refuses = "Operation not permitted";
  const wider = VIPS.map((text) => `${text.split(">")[0] ?? ""}>10.9.8.0/23`);
  w.apply({ vips: wider });
  await w.pass(30_000);
  assert.deepEqual(told(w), [KEY]);
  assert.deepEqual([...w.routes.prefixes], [KEY], "what is in it and no VIP does not loop");
  w.routes.refuses = undefined;
  for (let i = 0; i < 3; i++) await w.pass(6000);
  assert.deepEqual(told(w), ["10.9.8.0/23"]);
  assert.deepEqual([...w.routes.prefixes], ["10.9.8.0/23"]);
});

test("an aggregate that is only kept for another one goes with its route, too", async () => {
  const w = await announced();
  w.routes.refuses = "Operation not permitted";
  w.apply({ vips: VIPS.map((text) => text.replace("10.9.9.0/24", "10.9.8.0/23")) });
  await w.pass(6000);
  assert.deepEqual(told(w), [KEY]);
  w.routes.prefixes.clear();
  await w.pass(6000);
  assert.deepEqual(told(w), [], "what is in it and no VIP would loop");
  w.routes.refuses = undefined;
  for (let i = 0; i < 3; i++) await w.pass(6000);
  assert.deepEqual([told(w), [...w.routes.prefixes]], [["10.9.8.0/23"], ["10.9.8.0/23"]]);
});

test("a VIP that comes back while the route is being removed has its aggregate announced when it is there again, and at no other time", async () => {
  const w = await announced();
  w.apply({ vips: [] });
  w.advance(1000);
  let removed: () => void = () => undefined;
  const change = w.routes.change.bind(w.routes);
  w.routes.change = async (what) => {
    if (what.remove.length > 0) await new Promise<void>((resolve) => { removed = resolve; });
    await change(what);
  };
  await w.pass(5000);
  w.apply({ vips: VIPS });
  await w.pass(100);
  assert.deepEqual([told(w), [...w.routes.prefixes]], [[], [KEY]]);
  removed();
  await w.pass(10);
  await w.pass(10);
  assert.deepEqual([told(w), [...w.routes.prefixes]], [[KEY], [KEY]]);
});

test("while the kernel cannot be asked, what it had is announced still, and other changes wait for no new aggregate", async () => {
  const w = new World();
  w.establish({ vips: [...VIPS, "10.9.8.8", "10.9.8.9"] });
  await w.pass(100);
  w.routes.refuses = "the program ip cannot be run: spawn ip EAGAIN";
  w.routes.unreachable = () => Promise.reject(new Error(w.routes.refuses));
  await w.pass(12_000);
  assert.deepEqual(told(w).sort(), ["10.9.8.8/32", "10.9.8.9/32", KEY]);
  w.routes.unreachable = () => new Promise(() => undefined);
  w.apply({ vips: [...VIPS, "10.9.8.8", "10.9.7.1>10.9.7.0/24"] });
  await w.pass(1000);
  assert.deepEqual(told(w).sort(), ["10.9.8.8/32", KEY]);
});

test("single addresses take no route, and the table is not written for nothing", async () => {
  const w = new World();
  w.establish({ vips: ["10.9.9.1", "fd09::1"] });
  await w.pass(60_000);
  assert.deepEqual([w.routes.changes, told(w).length], [0, 2]);
});

test("with the last VIP the aggregate is withdrawn first, and its route goes a while later", async () => {
  const w = await announced();
  w.apply({ vips: VIPS.slice(1) });
  await w.pass(10_000);
  assert.deepEqual([told(w), [...w.routes.prefixes]], [[KEY], [KEY]]);
  w.apply({ vips: [] });
  await w.pass(1000);
  assert.deepEqual([told(w), [...w.routes.prefixes]], [[], [KEY]]);
  await w.pass(5000);
  await w.pass(5000);
  assert.deepEqual([...w.routes.prefixes], []);
  assert.deepEqual(w.speaker.status().aggregates, []);
});

test("a VIP that comes back in time finds the route, which is not touched", async () => {
  const w = await announced();
  w.apply({ vips: [] });
  await w.pass(1000);
  w.apply({ vips: VIPS });
  await w.pass(10_000);
  assert.deepEqual([told(w), [...w.routes.prefixes], w.routes.changes], [[KEY], [KEY], 1]);
});

test("what another program flushes is put back, the announcement stays, and one line says so", async () => {
  const w = await announced();
  for (let i = 0; i < 4; i++) {
    w.routes.prefixes.clear();
    await w.pass(6000);
    assert.deepEqual([...w.routes.prefixes], [KEY]);
  }
  assert.equal(w.said(/^warning another program has removed the unreachable route of aggregate 10\.9\.9\.0\/24; it is put back/).length, 1);
  assert.deepEqual(w.router.last.log.filter((line) => line.includes(`-${KEY}`)), []);
});

test("without the capability the aggregate is not announced, everything else is, and it is said once what to do", async () => {
  const w = new World();
  w.routes.refuses = "Operation not permitted";
  w.establish({ vips: [...VIPS, "10.9.8.8"] });
  await w.pass(30_000);
  await w.pass(30_000);
  assert.deepEqual(told(w), ["10.9.8.8/32"]);
  assert.match(w.speaker.status().aggregates[0]?.problem ?? "", /^aggregate 10\.9\.9\.0\/24 is not announced: .*CAP_NET_ADMIN.*gateway\.conf/);
  assert.equal(w.said(/^error aggregate 10\.9\.9\.0\/24 is not announced: .*gateway\.conf/).length, 1);
  assert.ok(w.router.last.log.includes("UPDATE end ipv4"), "the table ends all the same");
  w.routes.refuses = undefined;
  await w.pass(6000);
  assert.deepEqual(told(w).sort(), ["10.9.8.8/32", KEY]);
});

test("a route that is lost and cannot be put back takes the announcement with it", async () => {
  const w = await announced();
  w.routes.refuses = "No buffer space available";
  w.routes.prefixes.clear();
  await w.pass(6000);
  assert.deepEqual(told(w), []);
  assert.match(w.speaker.status().aggregates[0]?.problem ?? "", /cannot be made \(No buffer space available\)$/);
});

test("what an earlier life has left is kept if it is wanted, and removed if not, but not before the view is complete", async () => {
  const w = new World();
  w.routes.prefixes.add(KEY).add("10.77.0.0/16").add("fd77::/64");
  w.router.listen();
  w.apply({ vips: VIPS, complete: false });
  await w.pass(10_000);
  assert.deepEqual([...w.routes.prefixes], [KEY, "10.77.0.0/16", "fd77::/64"]);
  w.apply({ vips: VIPS, complete: true });
  await w.pass(10_000);
  assert.deepEqual([[...w.routes.prefixes], told(w), w.routes.changes], [[KEY], [KEY], 1]);
});

for (const [sequel, left] of [
  ["nothing", []],
  ["restart", [KEY]],
] as const) {
  test(`a stop that is followed by ${sequel} leaves ${left.length === 0 ? "no route" : "the route for the successor"}`, async () => {
    const w = await announced();
    const stopped = w.speaker.stop("bmlb is stopping", sequel);
    w.advance(100);
    await stopped;
    assert.deepEqual([...w.routes.prefixes], left);
    await w.pass(60_000);
    assert.deepEqual([...w.routes.prefixes], left, "and nothing is done after it");
  });
}

test("a new peer gets the aggregates that may be announced", async () => {
  const w = await announced();
  w.apply({ vips: VIPS, peers: [] });
  await w.pass(1000);
  w.apply({ vips: VIPS });
  await w.pass(5000);
  assert.deepEqual(told(w), [KEY]);
});

test("however slow the kernel is, a router has no aggregate without its route, and every VIP, once reached, is reached while it asks for anything", async () => {
  const vips = ["10.9.9.1", "10.9.9.2", "10.9.9.3"];
  const choice = fc.constantFrom(undefined, "32", "10.9.9.0/24", "10.9.8.0/23");
  const deed = fc.record({ wish: fc.option(fc.tuple(choice, choice, choice), { nil: undefined }), slow: fc.boolean(), ms: fc.constantFrom(0, 1, 5, 3000, 5000), turns: fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 25, size: "max" }), async (history) => {
      const w = new World();
      let slow = false;
      const change = w.routes.change.bind(w.routes);
      w.routes.change = async (what) => {
        for (let turns = slow ? 3 : 0; turns > 0; turns--) await turn();
        await change(what);
      };
      w.establish();
      /** Of each VIP that asks for something: the prefixes that it has asked for since it did not, and whether one was announced. */
      const asking = new Map<string, { readonly prefixes: Set<string>; reached: boolean }>();
      const look = (): void => {
        const table = told(w);
        for (const prefix of table) assert.ok(prefix.endsWith("/32") || w.routes.prefixes.has(prefix), `${prefix} is not in the kernel`);
        for (const [vip, ask] of asking) {
          const reached = table.some((prefix) => ask.prefixes.has(prefix));
          assert.ok(reached || !ask.reached, `${vip} was reached, and is not`);
          ask.reached = reached;
        }
      };
      for (const one of history) {
        slow = one.slow;
        if (one.wish !== undefined) {
          const wanted = one.wish.flatMap((prefix, i) => (prefix === undefined ? [] : [{ vip: vips[i] ?? "", prefix: prefix === "32" ? undefined : prefix }]));
          w.apply({ vips: wanted.map(({ vip, prefix }) => (prefix === undefined ? vip : `${vip}>${prefix}`)) });
          for (const vip of vips) if (!wanted.some((other) => other.vip === vip)) asking.delete(vip);
          for (const { vip, prefix } of wanted) {
            const ask = asking.get(vip) ?? { prefixes: new Set(), reached: false };
            asking.set(vip, ask);
            ask.prefixes.add(prefix ?? `${vip}/32`);
          }
        }
        for (let turns = 0; turns < 5; turns++) {
          await turn();
          w.advance(1);
          look();
        }
        w.advance(one.ms);
        for (let turns = 0; turns < one.turns; turns++) await turn();
      }
    }),
    { numRuns: 200 },
  );
});
