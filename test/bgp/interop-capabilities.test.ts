/** What only some routers can, and only where their configuration says so: IPv4 by IPv6 next hops (RFC 8950), roles (RFC 9234), link bandwidth. */
import assert from "node:assert/strict";
import { address } from "../../src/net/index.ts";
import { atLeast, eventually, type Frr, type Host, labTest, type Lab } from "../lab/index.ts";
import { RemoteSpeaker } from "./remote-speaker.ts";

const HOST = { ipv4: "10.7.0.1", ipv6: "fd07::1" };
const ROUTER = { ipv4: "10.7.0.254", ipv6: "fd07::fe" };

async function setUp(lab: Lab, families: "ipv6" | "both"): Promise<{ router: Host; speaker: RemoteSpeaker }> {
  const on = (ends: typeof HOST): Partial<typeof HOST> => (families === "both" ? ends : { ipv6: ends.ipv6 });
  await lab.segment("lan", { ipv6: "fd07::/64", ...(families === "both" ? { ipv4: "10.7.0.0/24" } : {}) });
  const host = await lab.host("host", { lan: on(HOST) });
  const router = await lab.router("router", { lan: on(ROUTER) });
  return { router, speaker: await RemoteSpeaker.start(host, "10.7.0.1") };
}

function frr(lab: Lab, router: Host, neighbor: string, settings: readonly string[]): Promise<Frr> {
  return lab.frr(router, { asn: 64501, routerId: "10.7.0.254", neighbors: [{ address: neighbor, asn: 64500, families: ["ipv4", "ipv6"], settings }] });
}

labTest("FRR with extended next hops routes IPv4 by IPv6, also in its kernel, on a link without IPv4", async (lab) => {
  const { router, speaker } = await setUp(lab, "ipv6");
  await frr(lab, router, HOST.ipv6, ["capability extended-nexthop"]);
  const peers = [{ address: address(ROUTER.ipv6) }];
  speaker.apply({ peers, vips: ["10.9.9.9", "fd09::9"] });
  await speaker.established();
  const installed = async () => await router.exec(["ip", "route", "show", "10.9.9.9"]);
  await eventually("its kernel has the route", 5000, async () => /^10\.9\.9\.9 .*via inet6 fe80::/.test(await installed()));
  speaker.apply({ peers, vips: ["10.9.9.10"] });
  await eventually("its kernel has lost it", 5000, async () => (await installed()) === "");
  assert.equal((await speaker.peer()).establishments, 1);
});

labTest("BIRD with extended next hops gets IPv4 routes by IPv6, and loses what is withdrawn", async (lab) => {
  const { router, speaker } = await setUp(lab, "both");
  const bird = await lab.bird(
    router,
    `log stderr all;
     router id 10.7.0.254;
     protocol device {}
     protocol bgp edge {
       local ${ROUTER.ipv6} as 64501; neighbor ${HOST.ipv6} as 64500; connect retry time 1; error wait time 1, 2; connect delay time 1;
       ipv4 { import all; export none; extended next hop on; };
       ipv6 { import all; export none; };
     }`,
  );
  const peers = [{ address: address(ROUTER.ipv6) }];
  speaker.apply({ peers, vips: ["10.9.9.9", "10.9.9.10", "fd09::9"] });
  await speaker.established();
  await eventually("the routes are there", 5000, async () => {
    assert.match(await bird.route("10.9.9.9/32"), /via fd07::1 on .*BGP\.next_hop: fd07::1 fe80::/s);
    assert.match(await bird.route("fd09::9/128"), /BGP\.next_hop: fd07::1/);
    return true;
  });
  speaker.apply({ peers, vips: ["10.9.9.10"] });
  await eventually("it is gone", 5000, async () => !(await bird.birdc("show route")).includes("10.9.9.9/32"));
  assert.ok(!bird.process.lines.some(({ text }) => /malformed|invalid|error: [^C]/i.test(text)), bird.process.lastLines());
});

labTest("FRR as our peer by role has our routes marked to go only to customers", async (lab) => {
  const { router, speaker } = await setUp(lab, "both");
  const router1 = await frr(lab, router, HOST.ipv4, ["local-role peer", "local-role peer strict-mode"]);
  speaker.apply({ peers: [{ address: address(ROUTER.ipv4), role: "peer" }], vips: ["10.9.9.9"] });
  assert.equal((await speaker.established()).negotiated?.remoteRole, "peer");
  await eventually("the route is there with its mark", 5000, async () => /otc 64500/i.test(await router1.vtysh("show bgp ipv4 unicast 10.9.9.9/32")));
});

labTest("FRR with another role than ours goes with: one line says what to set", async (lab) => {
  const { router, speaker } = await setUp(lab, "both");
  await frr(lab, router, HOST.ipv4, ["local-role peer"]);
  speaker.apply({ peers: [{ address: address(ROUTER.ipv4), role: "customer" }], vips: ["10.9.9.9"] });
  await speaker.says(/(refused peer router: it says that it is peer, and to our role customer it must be provider|peer router refused our role customer)[:;] .* \(OPEN error, role mismatch\) .*code=2 subcode=11/);
});

labTest("FRR weighs two hosts in its kernel by the link bandwidth that they announce, and follows when it changes", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24" });
  const hosts = [await lab.host("one", { lan: { ipv4: "10.7.0.1" } }), await lab.host("two", { lan: { ipv4: "10.7.0.2" } })];
  const router = await lab.router("router", { lan: { ipv4: ROUTER.ipv4 } });
  const frr = await lab.frr(router, {
    asn: 64501,
    routerId: "10.7.0.254",
    neighbors: [{ address: "10.7.0.1", asn: 64500 }, { address: "10.7.0.2", asn: 64502 }],
    settings: ["bgp bestpath as-path multipath-relax"],
  });
  const speakers = await Promise.all(hosts.map(async (host, i) => await RemoteSpeaker.start(host, `10.7.0.${i + 1}`)));
  const version = await frr.version();
  const takesNonTransitive = !atLeast(version, "10.3") || atLeast(version, "10.6"); // those between do not weigh by it
  const announce = (which: 0 | 1, endpoints: number): void => {
    const linkBandwidth = { octetsPerSecond: endpoints * 125_000, transitive: which === 0 || !takesNonTransitive };
    speakers[which]?.apply({ peers: [{ address: address(ROUTER.ipv4), localAsn: [64500, 64502][which] ?? 0 }], vips: ["10.9.9.9"], attributes: { linkBandwidth } });
  };
  /** Share of each next hop, in per cent. */
  const shares = async (): Promise<Readonly<Record<string, number>>> => {
    const [route] = JSON.parse(await router.exec(["ip", "-j", "route", "show", "10.9.9.9"])) as { nexthops?: { gateway: string; weight: number }[] }[];
    const all = route?.nexthops ?? [];
    const sum = all.reduce((total, { weight }) => total + weight, 0);
    return Object.fromEntries(all.map(({ gateway, weight }) => [gateway, Math.round((100 * weight) / sum)]));
  };
  const until = async (expected: Readonly<Record<string, number>>): Promise<void> => {
    await eventually(`the shares are ${JSON.stringify(expected)}`, 5000, async () => {
      assert.deepEqual(await shares(), expected);
      return true;
    });
  };
  announce(0, 1);
  announce(1, 3);
  await until({ "10.7.0.1": 25, "10.7.0.2": 75 });
  const shown = await frr.vtysh("show bgp ipv4 unicast 10.9.9.9/32");
  for (const community of ["LB:64500:125000", "LB:64502:375000"]) assert.ok(shown.includes(`${community} `), shown);
  announce(0, 9);
  await until({ "10.7.0.1": 75, "10.7.0.2": 25 });
  assert.deepEqual(await Promise.all(speakers.map(async (speaker) => (await speaker.peer()).establishments)), [1, 1]);
});
