/** The whole daemon and aggregates: what a router learns, what becomes of traffic for unused addresses, and what the kernel has when. */
import assert from "node:assert/strict";
import { eventually, Fleet, labTest, type Frr, type Host } from "../lab/index.ts";
import { ROUTER } from "../lab/fleet.ts";

const POOL = ["10.99.0.0/24", "fd99::/120"];
const AGGREGATES = ["10.99.0.0/25", "fd99::/121"];
const UNUSED = ["10.99.0.77", "fd99::77"];
const SETTINGS = {
  pool: [{ name: "lan", addresses: POOL }],
  bgp: {
    asn: 64500,
    peer: [{ name: "tor", address: ROUTER.ipv4, asn: 64501, hold_time: "3s", keepalive_time: "1s", connect_time: "1s" }],
    advertisement: [{ name: "lan", aggregation_length: 25, aggregation_length_v6: 121 }],
  },
};

labTest("an aggregate is announced over a route that ends what is for no VIP; it is put back, found by the next life, and removed by a stop", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"], { settings: SETTINGS });
  const worker = fleet.member();
  await lab.segment("far", { ipv4: "10.8.0.0/24", ipv6: "fd08::/64" });
  const router = await lab.router("router", { lan: ROUTER, far: { ipv4: "10.8.0.254", ipv6: "fd08::fe" } });
  const far = await lab.host("far-client", { far: { ipv4: "10.8.0.1", ipv6: "fd08::1", routes: ["default via 10.8.0.254", "default via fd08::fe"] } });
  const frr = await lab.frr(router, { asn: 64501, routerId: ROUTER.ipv4, neighbors: [{ address: worker.ipv4, asn: 64500, families: ["ipv4", "ipv6"] }] });
  assert.deepEqual(await backstops(worker.host), [], "without a VIP there is none");

  const vips = [await fleet.serve("four"), await fleet.serve("six", { ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" })];
  await eventually("FRR has both aggregates", 15_000, () => has(frr, AGGREGATES));
  assert.ok(!(await has(frr, [`${vips[0] ?? ""}/32`])), "and not the addresses");
  assert.deepEqual(await backstops(worker.host), AGGREGATES);
  for (const vip of vips) await eventually(`${vip} is reached through the router`, 10_000, async () => (await lab.client(far).get(`http://${vip.includes(":") ? `[${vip}]` : vip}/`)).status === 200);
  for (const [i, address] of UNUSED.entries()) {
    const { stdout } = await far.execToEnd(["ping", "-c", "1", "-W", "2", address]);
    assert.match(stdout, new RegExp(`^From ${i === 0 ? worker.ipv4 : worker.ipv6} icmp_seq=1 Destination (Host Unreachable|unreachable: (Address unreachable|No route))`, "mi"));
  }
  const [explained] = (await worker.daemon.cli(["explain", "--json", vips[0] ?? ""])).json() as readonly { readonly ways: readonly { readonly because: string }[] }[];
  assert.ok(explained?.ways.some(({ because }) => because === `announced as ${AGGREGATES[0] ?? ""}`), JSON.stringify(explained));

  for (const family of ["-4", "-6"]) await worker.host.exec(["ip", family, "route", "flush", "proto", "251"]);
  await eventually("the routes are put back", 10_000, async () => (await backstops(worker.host)).length === 2);
  assert.ok(await has(frr, AGGREGATES));

  await fleet.kept(worker, vips[1] ?? "");
  await worker.daemon.kill();
  await eventually("FRR has lost them", 5000, async () => !(await has(frr, AGGREGATES)));
  assert.deepEqual(await backstops(worker.host), AGGREGATES, "a crash leaves the routes");
  await worker.host.exec(["ip", "route", "add", "unreachable", "10.99.0.128/25", "proto", "251", "metric", "4294967294"]); // as a life with another configuration would have left
  const { daemon } = await fleet.restart(worker.name);
  await eventually("FRR has them again", 15_000, () => has(frr, AGGREGATES));
  await eventually("what is wanted is kept, what is not is gone", 5000, async () => (await backstops(worker.host)).join() === AGGREGATES.join());
  assert.ok(!daemon.log().some(({ text }) => text.includes("put back")));

  await daemon.stop();
  assert.ok(!(await has(frr, AGGREGATES)));
  assert.deepEqual(await backstops(worker.host), []);
}, { timeoutMs: 120_000 });

/** Prefixes of the unreachable routes that are ours. */
async function backstops(host: Host): Promise<readonly string[]> {
  const lines = await Promise.all(["-4", "-6"].map((family) => host.exec(["ip", family, "route", "show", "table", "main", "proto", "251"])));
  return lines.flatMap((text) => Array.from(text.matchAll(/^unreachable (\S+)/gm), (match) => match[1] ?? ""));
}

async function has(frr: Frr, prefixes: readonly string[]): Promise<boolean> {
  const paths = await Promise.all(prefixes.map((prefix) => frr.paths(prefix)));
  return paths.every((all) => all.some(({ used, asPath }) => used && asPath === "64500"));
}
