/** The longest time that the main loop does nothing else while ten thousand Services arrive: one by one over the watch, and in lists at start. */
import { answersAll, CROWD, crowdArrives, startLoner } from "./crowd.ts";
import { atMost, type Row } from "./figure.ts";
import { longestStallMs } from "./metrics.ts";

export async function measureStall(): Promise<readonly Row[]> {
  await using loner = await startLoner("bench stall");
  const { fleet, member } = loner;
  await longestStallMs(member.daemon); // forgets the start
  await crowdArrives(loner);
  const arriving = await longestStallMs(member.daemon);
  await member.daemon.kill();
  await fleet.restart(member.name);
  await member.daemon.ready(60_000);
  await answersAll(member);
  const starting = await longestStallMs(member.daemon);
  return [atMost(`longest stall of the main loop while ${CROWD} Services arrive`, arriving, "ms", 20), atMost("the same while they are read at a start", starting, "ms", 20)];
}
