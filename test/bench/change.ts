/** What one changed Service among ten thousand costs: CPU time of the whole process, from the event of the watch to the plan applied. */
import type { VipReport } from "../../src/admin/index.ts";
import { eventually, Lab, now, type Member } from "../lab/index.ts";
import { CROWD, crowdArrives, NAMESPACE, startLoner } from "./crowd.ts";
import { atMost, plain, type Row } from "./figure.ts";
import { cpuMs } from "./process.ts";

const CHANGES = 500;
const REST_MS = 5000;
const NAME = "web-05000";
const SERVICE = { namespace: NAMESPACE, name: NAME };

export async function measureChange(): Promise<readonly Row[]> {
  await using lab = await Lab.create("bench change");
  const loner = await startLoner(lab);
  const { fleet, member } = loner;
  await crowdArrives(loner);
  const { pid } = member.daemon;
  const restPerMs = await cpuAtRest(pid);
  const change = async (policy: "Cluster" | "Local"): Promise<void> => {
    // Under Local it is answered only where a pod is: the first policy takes the VIP away, the second gives it back.
    await fleet.api.workloads.patchService(SERVICE, { spec: { externalTrafficPolicy: policy } });
  };
  // The pods of this Service are on another node, so that each change of policy changes the plan.
  await fleet.api.workloads.setEndpoints(SERVICE, [{ ip: "10.64.0.1", node: "elsewhere" }]);
  const began = now();
  const before = cpuMs(pid);
  for (let i = 0; i < CHANGES; i++) await change(i % 2 === 0 ? "Local" : "Cluster");
  await eventually("the last change has arrived", 10_000, async () => (await answered(member)) === true);
  const used = cpuMs(pid) - before - (now() - began) * restPerMs;
  return [
    atMost(`one changed Service among ${CROWD} → plan applied, CPU`, used / CHANGES, "ms", 1),
    plain("CPU without changes, per second", restPerMs * 1000, "ms"),
  ];
}

async function answered(member: Member): Promise<boolean | undefined> {
  const reports = (await member.daemon.cli(["vips", "--json"])).json() as readonly VipReport[];
  const report = reports.find(({ service }) => service === `${NAMESPACE}/${NAME}`);
  return report === undefined ? undefined : report.answered_on.length > 0;
}

/** CPU time that the process uses in a millisecond when nothing happens. */
async function cpuAtRest(pid: number): Promise<number> {
  const began = now();
  const before = cpuMs(pid);
  await eventually("it has rested", REST_MS + 1000, () => now() - began >= REST_MS);
  return (cpuMs(pid) - before) / (now() - began);
}
