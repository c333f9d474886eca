/** The whole daemon leaves its routers and comes back: what FRR and BIRD keep meanwhile, and what they lose. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import type { StatusReport } from "../../src/admin/index.ts";
import { ROUTER } from "../lab/fleet.ts";
import { eventually, Fleet, labTest, type Frr, type Host, type LabProcess } from "../lab/index.ts";

/** A session for both families, whose routes are kept for longer than any test takes. */
const BGP = {
  asn: 64500,
  peer: [{ name: "tor", address: ROUTER.ipv4, asn: 64501, connect_time: "1s", graceful_restart: "60s" }],
  advertisement: [{ name: "lan", pools: ["lan"], communities: ["64500:100"] }],
};
const V6 = { ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" } as const;

/** Everything that happens in the router's kernel: a route that is gone for a moment only leaves its mark. */
class RouteWatch {
  readonly #monitor: LabProcess;

  private constructor(monitor: LabProcess) {
    this.#monitor = monitor;
  }

  static async start(router: Host): Promise<RouteWatch> {
    const watch = new RouteWatch(await router.spawn(["ip", "-o", "monitor", "route"], { name: "routes" }));
    // It listens as soon as it tells of this one.
    await eventually("the routes are watched", 5000, async () => {
      await router.exec(["ip", "route", "replace", "blackhole", "192.0.2.1"]);
      await router.exec(["ip", "route", "del", "blackhole", "192.0.2.1"]);
      return watch.#monitor.lines.length > 0;
    });
    return watch;
  }

  /** What happened to the address and left it without that next hop. */
  losses(address: string, via: string): readonly string[] {
    return this.#monitor.lines
      .map(({ text }) => text)
      .filter((line) => line.split(" ").includes(address) && (line.startsWith("Deleted") || !line.includes(`via ${via} `)));
  }
}

labTest("FRR keeps the routes over a restart and a crash, though the host is on probation after each; a stop for good removes them at once", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1", "worker-2"], { settings: { bgp: BGP, fleet: { failback_delay: "2s" } } });
  const router = await lab.router("router", { lan: ROUTER });
  const neighbors = fleet.members.map(({ ipv4 }) => ({ address: ipv4, asn: BGP.asn, families: ["ipv4", "ipv6"] as const }));
  const frr = await lab.frr(router, { asn: 64501, routerId: ROUTER.ipv4, neighbors });
  const kept = await fleet.serve("kept");
  const six = await fleet.serve("six", V6);
  const lost = { SIGUSR2: await fleet.serve("first"), SIGKILL: await fleet.serve("second") };
  const through = async (prefix: string, hop: string): Promise<boolean> => (await frr.paths(prefix)).some(({ nextHops, used }) => used && nextHops.includes(hop));
  const [restarted, stopped] = [fleet.member("worker-1"), fleet.member("worker-2")];
  for (const { ipv4, ipv6, daemon } of fleet.members) {
    for (const vip of [kept, lost.SIGUSR2, lost.SIGKILL]) await eventually(`FRR has ${vip} via ${ipv4}`, 15_000, () => through(`${vip}/32`, ipv4));
    await eventually(`FRR has ${six} via ${ipv6}`, 15_000, () => through(`${six}/128`, ipv6));
    await daemon.waitForLog(/rank 3 on eth0/);
  }

  const watch = await RouteWatch.start(router);
  for (const [signal, service] of [
    ["SIGUSR2", "first"],
    ["SIGKILL", "second"],
  ] as const) {
    const { daemon: ended } = fleet.member("worker-1");
    ended.signal(signal);
    await ended.process.exited;
    await fleet.api.workloads.deleteService({ name: service });
    // Without a cache the successor never knew of it: then nothing but its End-of-RIB takes the route away.
    if (signal === "SIGKILL") rmSync(restarted.host.path("state", "cluster.cache"), { force: true });
    const { daemon } = await fleet.restart("worker-1");
    await daemon.waitForLog(/session with peer tor is up/);
    await eventually(`${service} is gone`, 10_000, async () => (await frr.paths(`${lost[signal]}/32`)).length === 0);
    await eventually(`${kept} is there`, 5000, async () => (await through(`${kept}/32`, restarted.ipv4)) && (await through(`${six}/128`, restarted.ipv6)));
    for (const [vip, hop] of [[kept, restarted.ipv4], [six, restarted.ipv6]] as const) assert.deepEqual(watch.losses(vip, hop), [], `${vip} after ${signal}`);
  }

  const last = stopped.daemon.stop();
  let [lastChoice, hasRoute] = [false, true];
  await eventually("the routes of the host that stops are gone", 5000, async () => {
    const path = await pathThrough(frr, kept, stopped.ipv4);
    lastChoice ||= path?.community?.string.includes("graceful-shutdown") === true && path.bestpath === undefined;
    hasRoute = path !== undefined;
    return !hasRoute;
  });
  assert.ok(lastChoice, "until then they carried GRACEFUL_SHUTDOWN, and FRR used the other host's");
  assert.equal((await last).status, 0);
  assert.notEqual(watch.losses(kept, stopped.ipv4).length, 0, "and the watch would have seen that of the other one");
  await frr.bgpd.waitForLine(/NOTIFICATION\(Hard Reset\): received from neighbor 10\.7\.0\.12 6\/2 \(Cease\/Administrative Shutdown\) "bmlb is stopping"/, 2000);
  assert.deepEqual(watch.losses(kept, restarted.ipv4), []);
}, { timeoutMs: 120_000 });

labTest("BIRD keeps the routes over a restart and a crash, and loses them at once with a stop for good", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"], { settings: { bgp: BGP } });
  const router = await lab.router("router", { lan: ROUTER });
  const { ipv4, ipv6 } = fleet.member();
  const bird = await lab.bird(router, birdConfiguration(ipv4));
  const four = await fleet.serve("four");
  const six = await fleet.serve("six", V6);
  const gone = await fleet.serve("gone");
  const hops = async (vip: string): Promise<readonly (string | undefined)[]> => (await router.routes(vip)).flatMap(({ nextHops }) => nextHops.map(({ via }) => via));
  const hasAll = async (): Promise<boolean> => (await hops(four)).includes(ipv4) && (await hops(six)).includes(ipv6);
  await eventually("BIRD has the routes", 15_000, async () => (await hasAll()) && (await hops(gone)).includes(ipv4));

  const watch = await RouteWatch.start(router);
  for (const signal of ["SIGUSR2", "SIGKILL"] as const) {
    const { daemon: ended } = fleet.member();
    ended.signal(signal);
    await ended.process.exited;
    if (signal === "SIGKILL") {
      await fleet.api.workloads.deleteService({ name: "gone" });
      rmSync(fleet.member().host.path("state", "cluster.cache"), { force: true });
    }
    const { daemon } = await fleet.restart("worker-1");
    await daemon.ready();
    await eventually("BIRD has heard the end of the table", 10_000, async () => {
      const shown = await bird.birdc("show protocols all edge");
      return /BGP state: +Established/.test(shown) && !shown.includes("graceful restart active");
    });
    if (signal === "SIGKILL") await eventually("the route of the deleted Service is gone", 10_000, async () => (await hops(gone)).length === 0);
    for (const [vip, hop] of [[four, ipv4], [six, ipv6]] as const) assert.deepEqual(watch.losses(vip, hop), [], `${vip} after ${signal}`);
    assert.ok(await hasAll());
  }
  await fleet.member().daemon.stop();
  await eventually("no route is left", 1000, async () => (await hops(four)).length + (await hops(six)).length === 0);
  assert.notEqual(watch.losses(four, ipv4).length, 0);
  await bird.process.waitForLine(/Received: .*bmlb is stopping/, 2000);
}, { timeoutMs: 120_000 });

labTest("a drained host is FRR's last choice, then withdraws, with its session up; undrained it is back", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1", "worker-2"], { settings: { bgp: BGP } });
  const router = await lab.router("router", { lan: ROUTER });
  const frr = await lab.frr(router, { asn: 64501, routerId: ROUTER.ipv4, neighbors: fleet.members.map(({ ipv4 }) => ({ address: ipv4, asn: BGP.asn })) });
  const vip = await fleet.serve("web");
  const { ipv4: mine, daemon } = fleet.member("worker-1");
  const other = fleet.member("worker-2").ipv4;
  const used = async (): Promise<readonly string[]> => (await frr.paths(`${vip}/32`)).flatMap((path) => (path.used ? path.nextHops : [])).sort();
  await eventually("FRR uses both", 15_000, async () => (await used()).join() === [mine, other].join());
  const watch = await RouteWatch.start(router);

  assert.equal((await daemon.cli(["drain"])).status, 0);
  const path = await eventually("FRR knows that it leaves", 2000, async () => {
    const found = await pathThrough(frr, vip, mine);
    return found?.community?.string.includes("graceful-shutdown") === true ? found : undefined;
  });
  assert.match(path.community?.string ?? "", /64500:100/);
  await eventually("FRR uses the other one only", 2000, async () => (await used()).join() === other);
  await eventually("the other one answers on the segment", 5000, async () => (await fleet.owner(vip)).name === "worker-2");
  const status = (await daemon.cli(["status", "--json"])).json() as StatusReport;
  assert.deepEqual([status.rank, status.state, typeof status.drained_since], [0, "ready", "string"]);
  assert.ok((await pathThrough(frr, vip, mine)) !== undefined, "it is still announced");
  await eventually("it has withdrawn", 12_000, async () => (await pathThrough(frr, vip, mine)) === undefined);
  assert.equal(await frr.session(mine), "Established");
  assert.deepEqual(watch.losses(vip, other), [], "the route through the other one has been there all the time");

  assert.equal((await daemon.cli(["reload"])).status, 0);
  assert.equal(await pathThrough(frr, vip, mine), undefined, "a reload does not end it");
  assert.equal((await daemon.cli(["undrain"])).status, 0);
  await eventually("FRR uses both again", 5000, async () => (await used()).join() === [mine, other].join());
  assert.doesNotMatch((await pathThrough(frr, vip, mine))?.community?.string ?? "", /graceful/);
}, { timeoutMs: 120_000 });

type Path = { readonly community?: { readonly string: string }; readonly bestpath?: { readonly overall?: boolean }; readonly nexthops?: readonly { readonly ip?: string }[] };

/** FRR's path to a VIP through that host. */
async function pathThrough(frr: Frr, vip: string, via: string): Promise<Path | undefined> {
  const { paths = [] } = (await frr.json(`show bgp ipv4 unicast ${vip}/32 json`)) as { readonly paths?: readonly Path[] };
  return paths.find(({ nexthops = [] }) => nexthops.some(({ ip }) => ip === via));
}

function birdConfiguration(ipv4: string): string {
  return `
    log stderr all;
    router id ${ROUTER.ipv4};
    protocol device {}
    protocol kernel { ipv4 { import none; export all; }; }
    protocol kernel { ipv6 { import none; export all; }; }
    protocol bgp edge {
      local ${ROUTER.ipv4} as 64501; neighbor ${ipv4} as 64500; connect retry time 1; error wait time 1, 2; connect delay time 1;
      ipv4 { import all; export none; };
      ipv6 { import all; export none; };
    }
  `;
}
