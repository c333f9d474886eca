/** Statements for tests. */
import type { Statement } from "../../src/fleet/index.ts";
import { type Mac, parseMac } from "../../src/net/index.ts";

/** What edge-2, a healthy host, says of itself. */
export function statement(change: Partial<Statement> = {}): Statement {
  return {
    name: "edge-2",
    instance: "0000000200000001",
    machine: "00000002",
    uptimeMs: 100_000,
    rank: 3,
    reason: "eligible",
    leaving: false,
    node: "edge-2",
    advertisements: [{ name: "lan", prefer: 0 }],
    weight: 100,
    bgp: false,
    viewAgeMs: 0,
    loopLagMs: 0,
    heard: [],
    dead: [],
    serving: 0,
    intervalMs: 200,
    mac: mac(2),
    addresses: [],
    digests: { pools: "p", l2: "l", bgp: "b", algorithm: 1 },
    ...change,
  };
}

export function mac(host: number): Mac {
  return parseMac(`02:00:00:00:00:${host.toString(16).padStart(2, "0")}`) as Mac;
}
