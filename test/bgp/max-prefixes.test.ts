/** max_prefixes: what a router with a limit gets, and that it never gets more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AdjRibOut } from "../../src/bgp/adj-rib-out.ts";
import type { BgpPeer } from "../../src/bgp/index.ts";
import { type Ipv4, address, prefixOf } from "../../src/net/index.ts";
import { ATTRIBUTES, PEER, World } from "./world.ts";

const LIMITED: BgpPeer = { ...PEER, maxPrefixes: 2 };
const vip = (n: number): string => `10.9.9.${n}`;
const table = (w: World): string[] => [...w.router.last.table.keys()].sort();

test("beyond the limit new routes wait, each family by itself; they follow in the order in which they came", () => {
  const w = new World();
  w.establish({ peers: [LIMITED], vips: [vip(5), vip(4), "fd09::1"] });
  w.apply({ peers: [LIMITED], vips: [vip(5), vip(4), vip(9), vip(1), "fd09::1", "fd09::2"] });
  w.advance(100);
  assert.deepEqual(table(w), ["10.9.9.4/32", "10.9.9.5/32", "fd09::1/128", "fd09::2/128"]);
  assert.deepEqual(w.peer().families.ipv4, { announced: 2, wanted: 4, held: 2, nextHop: "10.7.0.1" });
  assert.deepEqual([vip(5), vip(9)].map((text) => w.speaker.announcedTo(address(text))), [["tor-1"], []]);
  const because = (text: string): string | undefined => w.speaker.route(address(text), { peer: "tor-1", prefix: prefixOf(address(text), 32) })?.because;
  assert.deepEqual([because(vip(5)), because(vip(9))], [undefined, "it is held back: the peer has as many routes as max_prefixes allows; raise it, after the limit of the router"]);
  assert.deepEqual([...(w.speaker.routes("tor-1") ?? [])].map(({ prefix, state, because }) => [prefix.address, state, because?.includes("max_prefixes") ?? false]), [
    ["10.9.9.5", "sent", false],
    ["10.9.9.4", "sent", false],
    ["10.9.9.9", "waiting", true],
    ["10.9.9.1", "waiting", true],
    ["fd09::1", "sent", false],
    ["fd09::2", "sent", false],
  ]);
  assert.deepEqual(w.peer().notes, ["2 ipv4 prefixes are held back: the peer gets no more than 2 (max_prefixes); raise it, after the limit of the router"]);
  const { log } = w.router.last;
  log.length = 0;
  w.apply({ peers: [LIMITED], vips: [vip(4), vip(9), vip(1), "fd09::1", "fd09::2"] });
  w.advance(100);
  assert.deepEqual(log, ["UPDATE -10.9.9.5/32", "UPDATE +10.9.9.9/32"], "the withdrawal comes first, or the router would count three");
  w.apply({ peers: [LIMITED], vips: [vip(1), "fd09::1"] });
  w.advance(100);
  assert.deepEqual(table(w), ["10.9.9.1/32", "fd09::1/128"]);
  assert.deepEqual(w.peer().notes, []);
});

test("it is said once, and again when it was over in between", () => {
  const w = new World();
  const held = (): number => w.said(/^warning peer tor-1 gets no more than 2 ipv4 routes \(max_prefixes\), and new ones are held back: raise it, after the limit of the router peer=tor-1 held=\d/).length;
  w.establish({ peers: [LIMITED], vips: [1, 2, 3].map(vip) });
  w.apply({ peers: [LIMITED], vips: [1, 2, 3, 4].map(vip) });
  w.apply({ peers: [LIMITED], vips: [1, 2, 3, 4, 5].map(vip) });
  assert.equal(held(), 1);
  w.apply({ peers: [LIMITED], vips: [1, 2].map(vip) });
  w.advance(100);
  w.apply({ peers: [LIMITED], vips: [1, 2, 3].map(vip) });
  assert.equal(held(), 2);
});

test("another limit takes effect at once and resets nothing: lowered, it takes back what came last", () => {
  const w = new World();
  const vips = [3, 1, 2, 4].map(vip);
  w.establish({ peers: [LIMITED], vips });
  const { log } = w.router.last;
  for (const [maxPrefixes, expected] of [
    [3, ["UPDATE +10.9.9.2/32"]],
    [0, ["UPDATE +10.9.9.4/32"]],
    [1, ["UPDATE -10.9.9.1/32 -10.9.9.2/32 -10.9.9.4/32"]],
    [2, ["UPDATE +10.9.9.1/32"]],
    [2, []],
  ] as const) {
    log.length = 0;
    w.apply({ peers: [{ ...LIMITED, maxPrefixes }], vips });
    w.advance(100);
    assert.deepEqual(log, expected, `to ${maxPrefixes}`);
  }
  assert.deepEqual([w.peer().establishments, w.router.connections.length], [1, 1]);
});

test("who has a place keeps it over the end of a session, and when its attributes change", () => {
  const w = new World();
  w.establish({ peers: [LIMITED], vips: [7, 8, 1].map(vip) });
  w.router.last.drop();
  w.advance(5000);
  assert.deepEqual([w.peer().establishments, table(w)], [2, ["10.9.9.7/32", "10.9.9.8/32"]]);
  w.apply({ peers: [LIMITED], vips: [1, 8, 7].map(vip), attributes: { ...ATTRIBUTES, med: 5 } });
  w.advance(100);
  assert.deepEqual(table(w), ["10.9.9.7/32", "10.9.9.8/32"]);
  assert.equal(w.router.last.table.get("10.9.9.7/32")?.med, 5);
});

test("what is gone and back before the router heard of it has its place still", () => {
  const w = new World();
  w.establish({ peers: [LIMITED], vips: [1, 2, 3].map(vip) });
  w.router.last.log.length = 0;
  w.apply({ peers: [LIMITED], vips: [2, 3].map(vip) });
  w.apply({ peers: [LIMITED], vips: [2, 3, 1].map(vip) });
  w.advance(100);
  assert.deepEqual(w.router.last.log, []);
  assert.deepEqual(table(w), ["10.9.9.1/32", "10.9.9.2/32"]);
});

test("without a next hop nothing is held back for want of one: the limit counts what is asked for", () => {
  const w = new World();
  w.beside = {};
  w.establish({ peers: [LIMITED], vips: ["fd09::1", "fd09::2"] });
  assert.deepEqual(w.peer().families.ipv6.held, 0);
});

type Deed = { readonly do: "offer" | "retract"; readonly n: number } | { readonly do: "limit"; readonly most: number } | { readonly do: "take"; readonly most: number } | { readonly do: "forget" };
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("offer" as const, "retract" as const), n: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("take" as const), most: fc.constantFrom(1, 2, 3, 100) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("limit" as const), most: fc.constantFrom(1, 2, 5, Infinity) }) },
  { weight: 1, arbitrary: fc.constant({ do: "forget" as const }) },
);

test("whatever is asked for and taken back, a router never counts more than the limit, loses nothing that it may keep, and ends with all that fit", () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 30, size: "max" }), (deeds) => {
      const rib = new AdjRibOut();
      const wanted = new Set<number>();
      const router = new Set<string>();
      let limit = Infinity;
      const prefix = (n: number) => prefixOf(`10.9.9.${n}` as Ipv4, 32);
      const take = (most: number, lowered: boolean): void => {
        const kept = [...wanted].filter((n) => rib.isTold(prefix(n))).length;
        const { withdrawn, announced } = rib.take("ipv4", most);
        for (const { address } of withdrawn) assert.ok(router.delete(address), "what is withdrawn was there");
        for (const prefixes of announced.values()) for (const { address } of prefixes) {
          router.add(address);
          assert.ok(router.size <= limit, `${router.size} of ${limit}`);
        }
        assert.equal(rib.count("ipv4").sent, router.size);
        if (!lowered) assert.ok([...wanted].filter((n) => rib.isTold(prefix(n))).length >= kept);
      };
      let lowered = false;
      for (const one of deeds) {
        switch (one.do) {
          case "offer":
            wanted.add(one.n);
            rib.offer(`10.9.9.${one.n}` as Ipv4, prefix(one.n), ATTRIBUTES);
            break;
          case "retract":
            wanted.delete(one.n);
            rib.retract(`10.9.9.${one.n}` as Ipv4, prefix(one.n));
            break;
          case "limit":
            lowered ||= one.most < limit;
            limit = one.most;
            rib.limit(limit);
            break;
          case "take":
            take(one.most, lowered);
            lowered &&= rib.isPending("ipv4");
            break;
          case "forget":
            router.clear();
            rib.forget("ipv4");
        }
        const { wanted: count, held } = rib.count("ipv4");
        assert.equal(count, wanted.size);
        assert.ok(held >= wanted.size - limit, "whatever is beyond the limit is held");
      }
      for (let turns = 0; rib.isPending("ipv4"); turns++) {
        assert.ok(turns < 100, "it comes to an end");
        take(2, true);
      }
      assert.equal(router.size, Math.min(wanted.size, limit));
      assert.equal(rib.held("ipv4"), wanted.size - router.size);
    }),
    { numRuns: 20_000 },
  );
});
