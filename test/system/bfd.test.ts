/** The whole daemon and FRR with BFD and BGP: what a broken path, a router that switches BFD off, a reload and a stop do to the session. */
import assert from "node:assert/strict";
import type { BfdSessionReport, PeerReport } from "../../src/admin/index.ts";
import { eventually, Fleet, labTest, now, type Frr, type Host, type Lab, type Member } from "../lab/index.ts";
import { ROUTER } from "../lab/fleet.ts";

/** With 10 of ours the router takes 1 s to notice silence, so that this host, with 3 of the router's, is always the first. */
const PROFILE = { name: "fast", receive_interval: "100ms", transmit_interval: "100ms", detect_multiplier: 10 };
const BGP = { asn: 64500, peer: [{ name: "tor", address: ROUTER.ipv4, asn: 64501, connect_time: "1s", bfd: "fast" }], advertisement: [{ name: "lan" }] };
/** With another receive_interval, three times. */
const DETECTION_MS = 450;
/** An UPDATE's or NOTIFICATION's marker, a length of 21, type 3, Cease, BFD Down. */
const CEASE_BFD_DOWN = Buffer.from(`${"ff".repeat(16)}001503060a`, "hex");

type World = { readonly fleet: Fleet; readonly member: Member; readonly frr: Frr; readonly router: Host };

async function setUp(lab: Lab, bgp = BGP): Promise<World> {
  const fleet = await Fleet.start(lab, ["worker-1"], { settings: { bgp, bfd: [PROFILE] } });
  const member = fleet.member();
  const router = await lab.router("router", { lan: ROUTER });
  const frr = await lab.frr(router, {
    asn: 64501,
    routerId: ROUTER.ipv4,
    neighbors: [{ address: member.ipv4, asn: BGP.asn, settings: ["bfd profile fast"] }],
    bfd: ["profile fast", " receive-interval 100", " transmit-interval 100"],
  });
  return { fleet, member, frr, router };
}

async function peer({ daemon }: Member): Promise<PeerReport & { readonly bfd: BfdSessionReport }> {
  const [report] = (await daemon.cli(["bgp", "peers", "--json"])).json() as readonly PeerReport[];
  assert.ok(report?.bfd);
  return { ...report, bfd: report.bfd };
}

/**
 * Both have been up for a second: FRR 8 makes its session of BFD anew when that of BGP comes up and it has learnt its own address, and may
 * end the latter for it.
 */
async function bothUp({ member, frr }: World, what: string): Promise<void> {
  await eventually(what, 20_000, async () => {
    const [{ state, since_seconds: since, bfd, last_error: error }, there] = await Promise.all([peer(member), frr.session(member.ipv4)]);
    if (bfd.state === "up" && state === "Established" && there === "Established" && Math.min(since, bfd.since_seconds) >= 1) return true;
    throw new Error(`BFD ${bfd.state} (${bfd.because ?? ""}), BGP ${state} (${error ?? ""}), there ${there ?? "nothing"}`);
  });
}

labTest("a path that is cut ends the session of BGP within the time of BFD; one that is switched off, or watched otherwise, does not", async (lab) => {
  const world = await setUp(lab);
  const { fleet, member, frr, router } = world;
  const { daemon } = member;
  await bothUp(world, "BFD and BGP are up");
  assert.deepEqual([(await daemon.cli(["bfd"])).status, (await daemon.cli(["bgp", "peers"])).status], [0, 0]);
  assert.match((await daemon.cli(["bfd"])).stdout, /^tor +10\.7\.0\.254 +up +\S+ +up +100ms +300ms /m);
  assert.match((await daemon.cli(["status"])).stdout, /1 of 1 peers established, 1 of 1 paths up by BFD/);

  // Another profile is agreed on while both sessions go on.
  const first = await peer(member);
  const start = daemon.log().length;
  fleet.configure(member, { bfd: [{ ...PROFILE, receive_interval: "150ms" }] });
  assert.equal((await daemon.cli(["reload"])).stdout, "[[bfd]] fast changed\n");
  await eventually("another detection time is agreed on", 5000, async () => (await peer(member)).bfd.detection_ms === DETECTION_MS);

  // The router switches BFD off.
  await frr.vtysh("configure terminal", "bfd", "profile fast", "shutdown");
  await eventually("the router says AdminDown", 5000, async () => (await peer(member)).bfd.remote_state === "admin-down");
  const { status, stdout } = await daemon.cli(["bgp", "peers"]);
  assert.match(stdout, /^tor .* Established .* down +BFD with tor is down: the peer has .*switched/m);
  assert.deepEqual([status, (await daemon.cli(["bfd"])).status], [0, 1], "BGP is up, BFD is not");
  await frr.vtysh("configure terminal", "bfd", "profile fast", "no shutdown");
  await bothUp(world, "BFD is up again");
  const then = await peer(member);
  assert.deepEqual([then.detail["establishments"], then.bfd.ups], [first.detail["establishments"], first.bfd.ups + 1]);
  assert.doesNotMatch(daemon.log().slice(start).map(({ text }) => text).join("\n"), /closed the session|leaving peer/);

  // Packets of BFD no longer pass; those of TCP do, so that the router hears why.
  const capture = await lab.capture(fleet.lan, `tcp port 179 and src host ${member.ipv4}`);
  let from = daemon.log().length;
  await router.exec(["nft", "table inet cut { chain in { type filter hook input priority 0; udp dport 3784 drop; }; chain out { type filter hook output priority 0; udp dport 3784 drop; }; }"]);
  let cutAt = now();
  const down = await daemon.waitForLog(/^<4>closed the session with peer tor: BFD says that the path to it is down: control detection time expired \(cease, BFD down\) .*sent_by=us code=6 subcode=10/, 5000, from);
  assert.ok(down.at - cutAt < DETECTION_MS + 500, `${Math.round(down.at - cutAt)} ms`);
  await capture.waitFor("Cease, BFD Down is on the wire", 2000, ({ bytes }) => Buffer.from(bytes).includes(CEASE_BFD_DOWN));
  await router.exec(["nft", "delete table inet cut"]);
  await bothUp(world, "both are up again");

  // Nothing comes from the router and nothing gets there.
  from = daemon.log().length;
  await router.exec(["nft", `table inet cut { chain in { type filter hook input priority 0; ip saddr ${member.ipv4} drop; }; chain out { type filter hook output priority 0; ip daddr ${member.ipv4} drop; }; }`]);
  cutAt = now();
  const gone = await daemon.waitForLog(/^<4>closed the session with peer tor: BFD says/, 5000, from);
  assert.ok(gone.at - cutAt < DETECTION_MS + 500, `${Math.round(gone.at - cutAt)} ms, and the hold time is 90 s`);
  assert.notEqual((await peer(member)).state, "Established");
  assert.equal((await daemon.cli(["bgp", "peers"])).status, 1);
  await eventually("the router has noticed too", 5000, async () => (await frr.session(member.ipv4)) !== "Established");
  await router.exec(["nft", "delete table inet cut"]);
  await bothUp(world, "both are back");

  // A stop is no failure of the path.
  await daemon.stop();
  const there = await eventually("the router has BFD down", 5000, async () => {
    const [session] = JSON.parse(await frr.vtysh("show bfd peers json")) as readonly { readonly status: string; readonly diagnostic: string }[];
    return session?.status === "up" ? undefined : session;
  });
  assert.notEqual(there.diagnostic, "control detection time expired");
}, { timeoutMs: 120_000 });

labTest("over a restart a router with BFD keeps the routes that graceful restart has it keep", async (lab) => {
  const world = await setUp(lab, { ...BGP, peer: BGP.peer.map((one) => ({ ...one, graceful_restart: "60s" })) });
  const { fleet, member, router } = world;
  const vip = await fleet.serve("web");
  const routed = async (): Promise<boolean> => (await router.routes(vip)).some(({ nextHops }) => nextHops.some(({ via }) => via === member.ipv4));
  await bothUp(world, "BFD and BGP are up");
  await eventually("the router has the route", 10_000, routed);
  const monitor = await router.spawn(["ip", "-o", "monitor", "route"], { name: "routes" });
  await eventually("the routes are watched", 5000, async () => {
    await router.exec(["ip", "route", "replace", "blackhole", "192.0.2.1"]);
    await router.exec(["ip", "route", "del", "blackhole", "192.0.2.1"]);
    return monitor.lines.length > 0;
  });

  member.daemon.signal("SIGUSR2");
  await member.daemon.process.exited;
  const again = await fleet.restart(member.name);
  await bothUp({ ...world, member: again }, "both are up again");
  await eventually("the router has been told anew", 5000, async () => (await peer(again)).routes === 1);
  assert.ok(await routed());
  assert.deepEqual(monitor.lines.map(({ text }) => text).filter((line) => line.startsWith("Deleted") && line.split(" ").includes(vip)), []);
}, { timeoutMs: 120_000 });
