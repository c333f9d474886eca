/** Two hosts announce one VIP: the router's kernel shares the connections out among them, and none is left with a host that went or died. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { address } from "../../src/net/index.ts";
import { type Client, type Host, eventually, labTest, type Lab } from "../lab/index.ts";
import { RemoteSpeaker } from "./remote-speaker.ts";

const VIPS = ["10.9.9.9", "fd09::9"];
const PORT = 8080;
const CONNECTIONS = 60;
const FEWEST = 10; // of 60 with even chances: less happens once in a hundred million times
const EDGES = [
  { name: "edge-1", ipv4: "10.7.0.1", ipv6: "fd07::1" },
  { name: "edge-2", ipv4: "10.7.0.2", ipv6: "fd07::2" },
] as const;

const ROUTERS: readonly (readonly [name: string, start: (lab: Lab, router: Host) => Promise<unknown>])[] = [
  [
    "FRR",
    async (lab, router) => await lab.frr(router, { asn: 64501, routerId: "10.7.0.254", neighbors: EDGES.map(({ ipv4 }) => ({ address: ipv4, asn: 64500, families: ["ipv4", "ipv6"], settings: ["passive"] })) }),
  ],
  [
    "BIRD",
    async (lab, router) => {
      const kernel = ["ipv4", "ipv6"].map((family) => `protocol kernel { merge paths on; ${family} { import none; export all; }; }`);
      const edges = EDGES.map(({ name, ipv4 }) => `protocol bgp ${name.replace("-", "_")} { local 10.7.0.254 as 64501; neighbor ${ipv4} as 64500; passive on; ipv4 { import all; export none; }; ipv6 { import all; export none; }; }`);
      return await lab.bird(router, ["log stderr all; router id 10.7.0.254; protocol device {}", ...kernel, ...edges].join("\n"));
    },
  ],
];

describe("equal-cost multipath", { concurrency: 2 }, () => {
  for (const [name, start] of ROUTERS) {
    labTest(`${name} balances connections over two hosts, and leaves the one that withdraws or dies`, async (lab) => {
      await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
      await lab.segment("users", { ipv4: "10.6.0.0/24", ipv6: "fd06::/64" });
      const router = await lab.router("router", { lan: { ipv4: "10.7.0.254", ipv6: "fd07::fe" }, users: { ipv4: "10.6.0.254", ipv6: "fd06::fe" } });
      await router.exec(["sysctl", "-q", "-w", "net.ipv4.fib_multipath_hash_policy=1", "net.ipv6.fib_multipath_hash_policy=1"]); // by ports too
      const user = lab.client(await lab.host("user", { users: { ipv4: "10.6.0.1", ipv6: "fd06::1", routes: ["default via 10.6.0.254", "default via fd06::fe"] } }));
      await start(lab, router);
      const edges = await Promise.all(EDGES.map(async (edge) => await startEdge(lab, edge)));
      const [first, second] = edges;
      assert.ok(first !== undefined && second !== undefined);

      await leadsTo(router, EDGES);
      await sharesOut(user);

      await announce(first.speaker, []);
      await leadsTo(router, EDGES.slice(1));
      await goesOnlyTo(user, "edge-2");

      await announce(first.speaker, VIPS);
      await leadsTo(router, EDGES);
      await sharesOut(user);

      await second.host.crash();
      await leadsTo(router, EDGES.slice(0, 1));
      await goesOnlyTo(user, "edge-1");
    });
  }
});

async function startEdge(lab: Lab, { name, ipv4, ipv6 }: (typeof EDGES)[number]): Promise<{ readonly host: Host; readonly speaker: RemoteSpeaker }> {
  const host = await lab.host(name, { lan: { ipv4, ipv6, routes: ["default via 10.7.0.254", "default via fd07::fe"] } });
  await host.exec(["ip", "-batch", "-"], { input: "addr add 10.9.9.9/32 dev lo\naddr add fd09::9/128 dev lo\n" });
  await lab.webserver(host, { port: PORT, body: `${name}\n` });
  const speaker = await RemoteSpeaker.start(host, ipv4);
  await announce(speaker, VIPS);
  return { host, speaker };
}

async function announce(speaker: RemoteSpeaker, vips: readonly string[]): Promise<void> {
  speaker.apply({ peers: [{ address: address("10.7.0.254"), holdTimeMs: 3000, keepaliveTimeMs: 1000 }], vips });
  await speaker.established();
}

/** Waits until the kernel of the router has exactly these hosts as next hops. */
async function leadsTo(router: Host, edges: readonly (typeof EDGES)[number][]): Promise<void> {
  await eventually(`the kernel's routes lead to ${edges.map(({ name }) => name).join(" and ")}`, 10_000, async () => {
    for (const vip of VIPS) {
      const hops = (await router.routes(vip)).flatMap(({ nextHops }) => nextHops.map(({ via }) => via));
      assert.deepEqual(hops.toSorted(), edges.map(({ ipv4, ipv6 }) => (vip.includes(":") ? ipv6 : ipv4)));
    }
    return true;
  });
}

async function sharesOut(user: Client): Promise<void> {
  for (const vip of VIPS) {
    const { "edge-1": first = 0, "edge-2": second = 0 } = await connections(user, vip);
    assert.ok(first >= FEWEST && second >= FEWEST && first + second === CONNECTIONS, `${first} connections to ${vip} went to edge-1, ${second} to edge-2`);
  }
}

async function goesOnlyTo(user: Client, name: string): Promise<void> {
  for (const vip of VIPS) assert.deepEqual(await connections(user, vip), { [name]: CONNECTIONS });
}

/** How many connections to a VIP each host answers. */
async function connections(user: Client, vip: string): Promise<Readonly<Record<string, number>>> {
  const url = `http://${vip.includes(":") ? `[${vip}]` : vip}:${PORT}/`;
  const argv = ["curl", "--silent", "--show-error", "--globoff", "--noproxy", "*", "--max-time", "10", "--header", "Connection: close"];
  const answers = (await user.host.exec([...argv, ...Array.from({ length: CONNECTIONS }, () => url)])).split("\n").filter(Boolean);
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}
