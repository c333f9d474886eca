/** The whole daemon and real routers: what FRR and BIRD learn, use and lose. */
import assert from "node:assert/strict";
import { eventually, Fleet, labTest, type Bird, type Frr, type Host, type Lab } from "../lab/index.ts";
import { ROUTER } from "../lab/fleet.ts";

const FAST = { hold_time: "3s", keepalive_time: "1s", connect_time: "1s" };
const BGP = {
  asn: 64500,
  peer: [
    { name: "four", address: ROUTER.ipv4, asn: 64501, ...FAST },
    { name: "six", address: ROUTER.ipv6, asn: 64501, ...FAST },
  ],
  advertisement: [{ name: "lan", pools: ["lan"], communities: ["64500:100"], link_bandwidth: "transitive" }],
};
const V6 = { ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" } as const;

labTest("FRR gets a route through each host for both families, uses all of them, and loses them with the Service", async (lab) => {
  const { fleet, frr, router } = await withFrr(lab, ["worker-1", "worker-2"]);
  const four = await fleet.serve("four");
  const six = await fleet.serve("six", V6);
  for (const [vip, prefix, hops] of [
    [four, `${four}/32`, fleet.members.map(({ ipv4 }) => ipv4)],
    [six, `${six}/128`, fleet.members.map(({ ipv6 }) => ipv6)],
  ] as const) {
    const paths = await eventually(`FRR has ${prefix} through both`, 15_000, async () => {
      const all = await frr.paths(prefix);
      return hops.every((hop) => all.some(({ nextHops, used }) => used && nextHops.includes(hop))) ? all : undefined;
    });
    assert.ok(paths.every(({ asPath }) => asPath === "64500"), JSON.stringify(paths));
    await eventually(`${prefix} has two next hops in the kernel`, 10_000, async () => new Set((await router.routes(vip)).flatMap(({ nextHops }) => nextHops.map(({ via }) => via))).size === 2);
  }
  await fleet.api.workloads.deleteService({ name: "four" });
  await eventually("the route is gone", 10_000, async () => (await frr.paths(`${four}/32`)).length === 0);
  assert.notEqual((await frr.paths(`${six}/128`)).length, 0);
}, { timeoutMs: 120_000 });

labTest("a daemon that is told to stop withdraws and says Cease; one that is killed is missed after the hold time", async (lab) => {
  const { fleet, frr } = await withFrr(lab, ["worker-1", "worker-2"]);
  const vip = await fleet.serve("web");
  const [stopped, killed] = [fleet.member("worker-1"), fleet.member("worker-2")];
  const through = async (address: string) => (await frr.paths(`${vip}/32`)).some(({ nextHops }) => nextHops.includes(address));
  for (const { ipv4 } of fleet.members) await eventually(`FRR has a route via ${ipv4}`, 15_000, () => through(ipv4));
  await stopped.daemon.stop();
  await eventually("the route of the stopped one is gone", 2000, async () => !(await through(stopped.ipv4)));
  const neighbors = (await frr.json("show bgp neighbors json")) as Readonly<Record<string, { readonly lastNotificationReason?: string } | undefined>>;
  assert.match(neighbors[stopped.ipv4]?.lastNotificationReason ?? "", /^Cease/);
  assert.ok(await through(killed.ipv4));
  await killed.daemon.kill(); // the kernel closes its connections: FRR sees that at once
  await eventually("the route of the killed one is gone", 5000, async () => !(await through(killed.ipv4)));
}, { timeoutMs: 120_000 });

labTest("a host that is cut off loses its routes within the hold time, and gets them back", async (lab) => {
  const { fleet, frr } = await withFrr(lab, ["worker-1"]);
  const vip = await fleet.serve("web");
  const has = async () => (await frr.paths(`${vip}/32`)).length > 0;
  await eventually("FRR has the route", 15_000, has);
  await fleet.member().host.link(fleet.lan).cutSilently();
  await eventually("the route is gone", 8000, async () => !(await has()));
  await fleet.member().host.link(fleet.lan).restore();
  await eventually("FRR has the route again", 20_000, has);
}, { timeoutMs: 120_000 });

labTest("BIRD gets the same routes, with the attributes that were asked for and the weight of the endpoints on the node", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"], { settings: { bgp: BGP } });
  const router = await lab.router("router", { lan: ROUTER });
  const { ipv4, ipv6 } = fleet.member();
  const bird = await lab.bird(router, birdConfiguration(ipv4, ipv6));
  const four = await fleet.serve("four");
  const six = await fleet.serve("six", V6);
  for (const [vip, hop] of [
    [four, ipv4],
    [six, ipv6],
  ] as const) {
    const text = await routeOf(bird, vip);
    assert.ok(text.includes(`BGP.next_hop: ${hop}`), text);
    assert.match(text, /BGP\.as_path: 64500\n/);
    assert.match(text, /BGP\.origin: /);
    assert.match(text, /BGP\.community: \(64500,100\)/);
  }
  const worth = async (): Promise<number | undefined> => {
    // As BIRD prints what it does not know by name: type 0x0004, the AS, and the float as a number.
    const [, value] = /BGP\.ext_community: \(unknown 0x4, 64500, ([0-9]+)\)/.exec(await bird.route(four)) ?? [];
    if (value === undefined) return undefined;
    const octets = Buffer.alloc(4);
    octets.writeUInt32BE(Number(value));
    return octets.readFloatBE() / 125_000;
  };
  assert.equal(await worth(), undefined, "under policy Cluster hosts are alike");
  await fleet.api.workloads.patchService({ name: "four" }, { spec: { externalTrafficPolicy: "Local" } });
  await eventually("its one endpoint is told", 5000, async () => (await worth()) === 1);
  const onNode = (count: number) => Array.from({ length: count }, (_, i) => ({ ip: `10.244.0.${i + 1}`, node: fleet.member().name }));
  await fleet.api.workloads.setEndpoints({ name: "four" }, [...onNode(3), { ip: "10.244.1.1", node: "elsewhere" }]);
  await eventually("three are told, and not the fourth", 5000, async () => (await worth()) === 3);
  const peers = (await fleet.member().daemon.cli(["bgp", "peers", "--json"])).json() as readonly { readonly detail: { readonly establishments: number } }[];
  assert.deepEqual(peers.map(({ detail }) => detail.establishments), [1, 1]);
  await fleet.api.workloads.deleteService({ name: "six" });
  await eventually("the route is gone", 10_000, async () => (await bird.route(six)) === "");
  assert.notEqual(await bird.route(four), "");
});

async function withFrr(lab: Lab, names: readonly string[]): Promise<{ readonly fleet: Fleet; readonly frr: Frr; readonly router: Host }> {
  const fleet = await Fleet.start(lab, names, { settings: { bgp: BGP } });
  const router = await lab.router("router", { lan: ROUTER });
  const neighbors = fleet.members.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]).map((address) => ({ address, asn: BGP.asn }));
  return { fleet, frr: await lab.frr(router, { asn: 64501, routerId: ROUTER.ipv4, neighbors }), router };
}

async function routeOf(bird: Bird, vip: string): Promise<string> {
  return await eventually(`BIRD has a route to ${vip}`, 15_000, async () => (await bird.route(vip)) || undefined);
}

function birdConfiguration(ipv4: string, ipv6: string): string {
  return `
    router id ${ROUTER.ipv4};
    protocol device {}
    protocol bgp four { local ${ROUTER.ipv4} as 64501; neighbor ${ipv4} as 64500; ipv4 { import all; export none; }; }
    protocol bgp six { local ${ROUTER.ipv6} as 64501; neighbor ${ipv6} as 64500; ipv6 { import all; export none; }; }
  `;
}
