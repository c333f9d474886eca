/** The longest time that the main loop does nothing else while ten thousand Services arrive: one by one over the watch, and in lists at start. */
import { Lab } from "../lab/index.ts";
import { answersAll, CROWD, crowdArrives, startLoner } from "./crowd.ts";
import { atMost, type Row } from "./figure.ts";
import { longestStallMs } from "./metrics.ts";

export async function measureStall(): Promise<readonly Row[]> {
  await using lab = await Lab.create("bench stall");
  const loner = await startLoner(lab);
  const { fleet, member } = loner;
  await longestStallMs(member.daemon); // forgets the start
  await crowdArrives(loner);
  const arriving = await longestStallMs(member.daemon);
  await member.daemon.kill();
  const again = await fleet.restart(member.name);
  await again.daemon.ready(60_000);
  await answersAll(again);
  const starting = await longestStallMs(again.daemon);
  return [atMost(`longest stall of the main loop while ${CROWD} Services arrive`, arriving, "ms", 20), atMost("the same while they are read at a start", starting, "ms", 20)];
}
