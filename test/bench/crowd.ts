/** Ten thousand Services, and one host that serves them all: what the figures about size have in common. */
import type { StatusReport } from "../../src/admin/index.ts";
import { eventually, Fleet, type Lab, type Member } from "../lab/index.ts";

export const CROWD = 10_000;
export const NAMESPACE = "crowd";

/** A fleet of one host. */
export async function startLoner(lab: Lab): Promise<Loner> {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  return { fleet, member: fleet.member() };
}

export type Loner = { readonly fleet: Fleet; readonly member: Member };

/** Ten thousand Services are created, all at once; returns when the host answers for each. */
export async function crowdArrives({ fleet, member }: Loner): Promise<void> {
  await fleet.api.workloads.createNamespace(NAMESPACE);
  await fleet.api.populate({ namespace: NAMESPACE, services: CROWD, endpointsPerService: 1, nodes: [member.name] });
  await answersAll(member);
}

/** Waits until the host answers for all of them. */
export async function answersAll(member: Member): Promise<void> {
  await eventually(`all ${CROWD} are answered`, 180_000, async () => {
    const status = (await member.daemon.cli(["status", "--json"])).json() as StatusReport;
    if (status.vips.answered_here === CROWD) return true;
    throw new Error(`${status.vips.answered_here} of ${status.vips.total} are answered`);
  });
}
