/**
 * The whole daemon as an announcer: dist/bmlb beside the simulator of the API, on one host, with a Service for each prefix that has its address already. It is told what
 * an operator tells it: another community by its configuration and SIGHUP, the end of all by deleting the Services.
 */
import { rmSync } from "node:fs";
import type { StatusReport } from "../../../src/admin/index.ts";
import { SimulatorProcess } from "../../kube/simulator/index.ts";
import { Daemon, eventually, now, type DaemonOptions, type Host } from "../../lab/index.ts";
import { longestStallMs } from "../metrics.ts";
import { cpuMs } from "../process.ts";
import { ANNOUNCER, CHANGED, communityOf, forEachPrefix, ROUTER, vipOf, type Announcer, type Load, type Order, type Running } from "./announcer.ts";
import { bmlb } from "./bmlb.ts";

/** As many as in the figures memory and stall. */
export const MOST_SERVICES = 10_000;

export const bmlbd: Announcer = {
  name: "bmlbd",
  absent: () => undefined,
  version: () => bmlb.version(),
  // An advertisement gives all its VIPs the same attributes.
  takesPart: ({ prefixes, sets }) => prefixes <= MOST_SERVICES && sets === 1,
  start,
};

const NAMESPACE = "bench";
/** The one that is changed alone; its endpoint is on no host of the fleet. */
const ONE = { namespace: NAMESPACE, name: "web-00000" };

async function start(host: Host, load: Load): Promise<Running> {
  for (const kept of ["state", "run"]) rmSync(host.path(kept), { recursive: true, force: true }); // of the last round
  const api = await SimulatorProcess.start({ namespace: host.namespace });
  await api.workloads.createNode(host.name, { ip: ANNOUNCER.address });
  await api.workloads.createNamespace(NAMESPACE);
  await api.populate({ namespace: NAMESPACE, services: load.prefixes, endpointsPerService: 1, nodes: ["elsewhere"], addresses: forEachPrefix(load, vipOf) });
  const kubeconfig = await api.kubeconfig("bmlb", "token");
  const daemon = await Daemon.start(host, { config: configuration(host, kubeconfig, load, "without") });
  await daemon.ready(60_000);
  await eventually(`${load.prefixes} VIPs are planned`, 60_000, async () => ((await daemon.cli(["status", "--json"])).json() as StatusReport).vips.total === load.prefixes);
  const { at: elected } = await daemon.waitForLog(/this host is the allocator now/, 30_000);
  await rests(daemon, elected + ALLOCATOR_MS);
  const order = (give: () => unknown): Promise<Order> => Promise.resolve({ give: async () => { await give(); } });
  return {
    pid: daemon.pid,
    change: (to) => {
      daemon.configure(configuration(host, kubeconfig, load, to));
      return order(() => { daemon.signal("SIGHUP"); });
    },
    // Under Local it is announced only where one of its endpoints is.
    changeOne: (to) => order(() => api.workloads.patchService(ONE, { spec: { externalTrafficPolicy: to === "away" ? "Local" : "Cluster" } })),
    withdraw: () => order(() => api.depopulate(NAMESPACE)),
    longestStallMs: () => longestStallMs(daemon),
    stop: async () => {
      await daemon.kill();
      await api.stop();
    },
  };
}

const LOOK_MS = 500;
/** So long after its election an allocator has begun to look at all Services. */
const ALLOCATOR_MS = 4200;
/** Of one core: pulses, hellos and Leases are less. */
const AT_REST = 0.05;

/** Waits until what a start and an election have to do is done. */
async function rests({ pid }: Daemon, notBefore: number): Promise<void> {
  let [since, before] = [now(), cpuMs(pid)];
  await eventually("the daemon rests", 60_000, () => {
    const [at, used] = [now(), cpuMs(pid)];
    if (at - since < LOOK_MS) return false;
    const share = (used - before) / (at - since);
    [since, before] = [at, used];
    return at > notBefore + LOOK_MS && share < AT_REST;
  });
}

function configuration(host: Host, kubeconfig: string, load: Load, to: "with" | "without"): DaemonOptions["config"] {
  const communities = [communityOf(0, load), ...(to === "with" ? [[CHANGED.asn, CHANGED.value]] : [])].map((parts) => parts.join(":"));
  return {
    host: { node: host.name, router_id: ANNOUNCER.address },
    kubernetes: { kubeconfig },
    pool: [{ name: "vips", addresses: [`${vipOf(0)}/9`] }],
    bgp: {
      asn: ANNOUNCER.asn,
      listen: [`${ANNOUNCER.address}:179`],
      peer: [{ name: "router", address: ROUTER.address, asn: ROUTER.asn, families: ["ipv4"], passive: true }],
      advertisement: [{ name: "vips", pools: ["vips"], communities }],
    },
  };
}
