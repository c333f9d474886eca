/** Waiting until a daemon that was just started can be asked. */
import { eventually } from "./eventually.ts";
import type { LabProcess } from "./run.ts";

/** Waits until `asks` succeeds, at most five seconds. Throws at once, with its last lines, if the daemon ends. */
export async function answering(daemon: LabProcess, asks: () => Promise<unknown>): Promise<void> {
  const failure = await eventually(`${daemon.name} answers`, 5000, async () => {
    if (daemon.exit !== undefined) return `${daemon.name} ended:\n${daemon.lastLines()}`;
    await asks();
    return "";
  });
  if (failure !== "") throw new Error(failure);
}
