/** Resident memory: with nothing to do, and with ten thousand Services. */
import { eventually, Lab, now } from "../lab/index.ts";
import { CROWD, crowdArrives, startLoner } from "./crowd.ts";
import { atMost, type Row } from "./figure.ts";
import { residentMb } from "./process.ts";

const SETTLED_MS = 3000;

export async function measureMemory(): Promise<readonly Row[]> {
  await using lab = await Lab.create("bench memory");
  const loner = await startLoner(lab);
  const { member } = loner;
  const idle = await settledMb(member.daemon.pid);
  await crowdArrives(loner);
  const crowded = await settledMb(member.daemon.pid);
  return [atMost("resident memory, idle", idle, "MB", 150), atMost(`resident memory, ${CROWD} Services`, crowded, "MB", 150)];
}

/** Memory once it has not grown by 1 MB for three seconds. */
async function settledMb(pid: number): Promise<number> {
  let most = 0;
  let since = now();
  await eventually("memory has settled", 60_000, () => {
    const mb = residentMb(pid);
    if (mb > most + 1) {
      most = mb;
      since = now();
    }
    return now() - since > SETTLED_MS;
  });
  return residentMb(pid);
}
