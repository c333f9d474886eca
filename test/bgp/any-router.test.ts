/** Whatever a router does, sensible or not: no exception, few attempts, and the session with the other router does not notice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Ipv4 } from "../../src/net/index.ts";
import { encodeMessage, encodeRouteRefresh } from "../../src/wire/index.ts";
import { judge } from "./strict/judge.ts";
import { ROUTER, Router, type RouterConnection } from "./router.ts";
import { PEER, US, World } from "./world.ts";

const CALM = { ...PEER, name: "tor-2", address: "10.7.0.253" as Ipv4 };
const VIPS = ["10.9.9.9", "10.9.9.10", "fd09::9"];
const LASTS_MS = 600_000;
const WINDOW_MS = 60_000;
/** Quick retries at first, then one in 45 s or more; a router that does not answer is asked every 7.5 s or more. */
const MOST_ATTEMPTS_IN_WINDOW = 15;
const MOST_OPEN_CONNECTIONS = 3;

const GOOD_UPDATE = Buffer.from("00000014400101004002060201" + "0000fbf5" + "4003040a0700fe" + "18cb0071", "hex");
const SPOILT_UPDATE = Buffer.from("00000014400101094002060201" + "0000fbf5" + "4003040a0700fe" + "18cb0071", "hex");
const FATAL_UPDATE = Buffer.from("000421cb00710000", "hex");

type Deed =
  | { readonly do: "open"; readonly holdSeconds: number; readonly asn: number; readonly identifier: Ipv4 }
  | { readonly do: "keepalive" | "update" | "spoilt" | "fatal" | "refresh" | "drop" }
  | { readonly do: "notify"; readonly code: number; readonly subcode: number }
  | { readonly do: "octets"; readonly octets: Uint8Array };

/** After 2/4 the next session is one without capabilities, and so without IPv6: speaker.test.ts has that. */
const asksForNoCapabilities = ({ code, subcode }: { readonly code: number; readonly subcode: number }): boolean => code === 2 && subcode === 4;
const octets = fc.uint8Array({ minLength: 1, maxLength: 40, size: "max" });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("open" as const),
      holdSeconds: fc.constantFrom(0, 3, 30, 240),
      asn: fc.constantFrom(64501, 64501, 64501, 64777),
      identifier: fc.constantFrom("10.7.0.254" as Ipv4, "10.0.0.1" as Ipv4, "10.7.0.1" as Ipv4),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("keepalive" as const, "update" as const, "spoilt" as const, "fatal" as const, "refresh" as const, "drop" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("notify" as const), code: fc.nat(9), subcode: fc.nat(11) }).filter((notify) => !asksForNoCapabilities(notify)) },
  { weight: 1, arbitrary: octets.map((some): Deed => ({ do: "octets", octets: some })) },
  { weight: 1, arbitrary: octets.map((body): Deed => ({ do: "octets", octets: encodeMessage("ROUTE-REFRESH", Uint8Array.of(...body, 0, 0, 0)) })) },
);

/** What it does after so many milliseconds on a connection. */
type Script = readonly (readonly [afterMs: number, deed: Deed])[];
const script: fc.Arbitrary<Script> = fc.array(fc.tuple(fc.constantFrom(0, 0, 0, 1, 20, 1000, 20_000, 100_000), deed), { maxLength: 12, size: "max" });

function perform(router: Router, connection: RouterConnection, one: Deed): void {
  if (connection.closed) return;
  switch (one.do) {
    case "open": {
      const { holdSeconds, asn, identifier } = one;
      router.sendOpen(connection, { holdSeconds, asn, identifier, capabilities: [{ name: "multiprotocol", afi: 1, safi: 1 }, { name: "four-octet-as", asn }] });
      return;
    }
    case "keepalive":
      connection.send("KEEPALIVE");
      return;
    case "update":
      connection.send("UPDATE", GOOD_UPDATE);
      return;
    case "spoilt":
      connection.send("UPDATE", SPOILT_UPDATE);
      return;
    case "fatal":
      connection.send("UPDATE", FATAL_UPDATE);
      return;
    case "refresh":
      connection.send("ROUTE-REFRESH", encodeRouteRefresh({ afi: 1, safi: 1, subtype: "request" }));
      return;
    case "drop":
      connection.drop();
      return;
    case "notify":
      connection.notify(one.code, one.subcode);
      return;
    case "octets":
      connection.raw(one.octets);
  }
}

function play(w: World, connection: RouterConnection, [first, ...others]: Script): void {
  if (first === undefined) return;
  const [afterMs, one] = first;
  w.world.after(afterMs, () => {
    perform(w.router, connection, one);
    play(w, connection, others);
  });
}

test("whatever a router does on its connections, attempts are few, and another router's session and routes stay", () => {
  fc.assert(
    fc.property(fc.array(script, { minLength: 1, maxLength: 6 }), fc.array(fc.nat(LASTS_MS), { maxLength: 20, size: "max" }), fc.nat(), (scripts, visits, seed) => {
      const w = new World({ seed });
      const calm = new Router(w.world, w.network, { ...ROUTER, address: CALM.address, identifier: "10.7.0.253" as Ipv4 });
      calm.listen();
      w.router.listen();
      let connections = 0;
      w.router.behave = (connection) => { play(w, connection, scripts[connections++ % scripts.length] ?? []); };
      w.apply({ peers: [PEER, CALM], vips: VIPS, listen: [{ address: US, port: 179 }] });
      for (const at of visits) w.world.after(at, () => { w.router.dial(US); });

      const dials: number[] = [];
      for (let passed = 0; passed < LASTS_MS; passed += 500) {
        const before = w.router.connections.length;
        const visitsBefore = visits.filter((at) => at <= passed).length;
        w.advance(500);
        const arrived = w.router.connections.length - before - (visits.filter((at) => at <= passed + 500).length - visitsBefore);
        for (let i = 0; i < arrived; i++) dials.push(passed);
        // What came in this moment may be turned away in the next.
        const open = w.router.connections.slice(0, before).filter(({ closed }) => !closed).length;
        assert.ok(open <= MOST_OPEN_CONNECTIONS, `${open} connections at once`);
      }
      for (const [i, from] of dials.entries()) {
        const inWindow = dials.slice(i).filter((at) => at < from + WINDOW_MS).length;
        assert.ok(inWindow <= MOST_ATTEMPTS_IN_WINDOW, `${inWindow} attempts in the minute after ${from} ms`);
      }
      assert.deepEqual([calm.connections.length, w.peer("tor-2").state, w.peer("tor-2").establishments], [1, "Established", 1]);
      assert.deepEqual([...calm.last.table.keys()].sort(), ["10.9.9.10/32", "10.9.9.9/32", "fd09::9/128"]);
      assert.ok(w.lines.length < 200, `${w.lines.length} lines in ten minutes`);

      assert.deepEqual([...w.router.connections, ...calm.connections].flatMap((connection) => judge(connection.recording(), w.world.time).complaints), []);

      // It comes to its senses.
      w.router.behave = (connection) => { w.router.establish(connection); };
      for (const connection of w.router.connections) if (!connection.closed) connection.drop();
      w.advance(200_000);
      assert.equal(w.peer().state, "Established");
      assert.deepEqual([...w.router.last.table.keys()].sort(), ["10.9.9.10/32", "10.9.9.9/32", "fd09::9/128"]);
    }),
    { numRuns: 300 },
  );
});
