/** Ten thousand Services, and one host that serves them all: what the figures about size have in common. */
import type { StatusReport } from "../../src/admin/index.ts";
import { eventually } from "../lab/index.ts";
import { startFleet, type BenchMember, type Fleet } from "./fleet.ts";

export const CROWD = 10_000;
export const NAMESPACE = "crowd";

/** A fleet of one host. */
export type Loner = AsyncDisposable & { readonly fleet: Fleet; readonly member: BenchMember };

export async function startLoner(name: string): Promise<Loner> {
  const fleet = await startFleet(name, ["worker-1"]);
  const [member] = fleet.members;
  if (member === undefined) throw new Error("a fleet without a host");
  return { fleet, member, [Symbol.asyncDispose]: async () => fleet[Symbol.asyncDispose]() };
}

/** Ten thousand Services are created, all at once; returns when the host answers for each. */
export async function crowdArrives({ fleet, member }: Loner): Promise<void> {
  await fleet.api.workloads.createNamespace(NAMESPACE);
  await fleet.api.populate({ namespace: NAMESPACE, services: CROWD, endpointsPerService: 1, nodes: [member.name] });
  await answersAll(member);
}

/** Waits until the host answers for all of them. */
export async function answersAll(member: BenchMember): Promise<void> {
  await eventually(`all ${CROWD} are answered`, 180_000, async () => {
    const status = (await member.daemon.cli(["status", "--json"])).json() as StatusReport;
    if (status.vips.answered_here === CROWD) return true;
    throw new Error(`${status.vips.answered_here} of ${status.vips.total} are answered`);
  });
}
