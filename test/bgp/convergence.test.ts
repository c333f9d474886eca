/** Whatever happens, in the end the router has exactly what is wanted, with the attributes that are wanted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import type { Ipv6 } from "../../src/net/index.ts";
import { encodeRouteRefresh } from "../../src/wire/index.ts";
import type { MemorySocket } from "./memory-tcp.ts";
import { judge } from "./strict/judge.ts";
import { ATTRIBUTES, PEER, US, World } from "./world.ts";

const VIPS = ["10.9.9.1", "10.9.9.2", "10.9.9.3>10.9.9.0/24", "10.9.9.4>10.9.9.0/24", "fd09::1", "fd09::2", "fd09::3>fd09::/64"];

/** What VIPs may have asked for before. */
const EARLIER = [...VIPS, "10.9.9.3", "10.9.9.4>10.9.8.0/23", "fd09::3", "fd09::2>fd09::/64"];

type Deed =
  | { readonly do: "want"; readonly vips: readonly string[]; readonly med: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "drop" | "notify" | "refresh-ipv4" | "refresh-ipv6" | "stall" | "unstall" | "lose-ipv6" | "gain-ipv6" | "router-dials" | "reconfigure" | "remove" | "return" };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("want" as const), vips: fc.subarray(EARLIER), med: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 1, 5, 20, 500, 5000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("drop" as const, "notify" as const, "refresh-ipv4" as const, "refresh-ipv6" as const, "stall" as const, "unstall" as const, "lose-ipv6" as const, "gain-ipv6" as const, "router-dials" as const, "reconfigure" as const, "remove" as const, "return" as const),
    }),
  },
);

function perform(w: World, one: Deed): void {
  const [connection] = w.router.connections.filter(({ closed }) => !closed).slice(-1);
  const near = (connection?.socket as MemorySocket | undefined)?.peer;
  switch (one.do) {
    case "want":
      w.apply({ vips: one.vips, attributes: { ...ATTRIBUTES, med: one.med }, listen: [{ address: US, port: 179 }] });
      return;
    case "wait":
      w.advance(one.ms);
      return;
    case "drop":
      connection?.drop();
      return;
    case "notify":
      connection?.notify(6, 4);
      return;
    case "refresh-ipv4":
    case "refresh-ipv6":
      if (w.speaker.status().peers[0]?.state === "Established") connection?.send("ROUTE-REFRESH", encodeRouteRefresh({ afi: one.do === "refresh-ipv4" ? 1 : 2, safi: 1, subtype: "request" }));
      return;
    case "stall":
      if (near !== undefined) near.stalled = true;
      return;
    case "unstall":
      near?.unstall();
      return;
    case "lose-ipv6":
      w.beside = {};
      return;
    case "gain-ipv6":
      w.beside = { ipv6: "fd07::1" as Ipv6 };
      return;
    case "router-dials":
      w.router.dial(US);
      return;
    case "reconfigure":
      w.peers([{ ...PEER, holdTimeMs: w.speaker.status().peers[0]?.negotiated?.holdMs === 90_000 ? 60_000 : 90_000 }]);
      return;
    case "remove":
      w.peers([]);
      return;
    case "return":
      w.peers([PEER]);
  }
}

test("after any history of wishes, drops, refreshes, stalls and changed peers the router's table is what is wanted", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 40, size: "max" }), fc.subarray(VIPS), fc.nat(), async (history, last, seed) => {
      const w = new World({ seed });
      w.router.listen();
      w.apply({});
      for (const one of history) {
        perform(w, one);
        if (one.do === "wait") await turn(); // the kernel's table, which aggregates wait for
      }
      perform(w, { do: "want", vips: last, med: 9 });
      perform(w, { do: "gain-ipv6" });
      for (const { socket } of w.router.connections) (socket as MemorySocket).peer?.unstall();
      for (let i = 0; i < 4; i++) await w.pass(50_000);

      assert.equal(w.peer().state, "Established");
      const alive = w.router.connections.filter(({ closed }) => !closed);
      assert.equal(alive.length, 1);
      const table = alive[0]?.table ?? new Map<string, { readonly med?: number }>();
      const wanted = new Set(last.map((text) => text.split(">")[1] ?? `${text}/${text.includes(":") ? 128 : 32}`));
      assert.deepEqual([...table.keys()].sort(), [...wanted].sort());
      for (const { med } of table.values()) assert.equal(med, 9);
      // What a stalled router reads late was not sent late.
      const complaints = w.router.connections.flatMap((connection) => judge(connection.recording(), w.world.time).complaints).filter((what) => !/without a KEEPALIVE|KEEPALIVEs/.test(what));
      assert.deepEqual(complaints, []);
      const { ipv4, ipv6 } = w.peer().families;
      assert.deepEqual([ipv4.announced + ipv6.announced, ipv4.wanted + ipv6.wanted], [wanted.size, wanted.size]);
    }),
    { numRuns: 300 },
  );
});
