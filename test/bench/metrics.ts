/** Reads the daemon's metrics from inside its host's namespace. */
import type { Daemon } from "../lab/index.ts";

/** The values of the last scrape, by name; of a name with labels, their sum. */
export async function scrape(daemon: Daemon): Promise<ReadonlyMap<string, number>> {
  const text = await daemon.host.exec(["curl", "--silent", "--fail", "--noproxy", "*", "http://127.0.0.1:7472/metrics"]);
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const found = /^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{.*\})? (?<value>\S+)$/.exec(line)?.groups;
    if (found?.["name"] !== undefined) values.set(found["name"], (values.get(found["name"]) ?? 0) + Number(found["value"]));
  }
  return values;
}

const LAG = "bmlb_nodejs_eventloop_lag_max_seconds";
const RESOLUTION_MS = 10;

/**
 * The longest stall of the main loop since the last call, in ms. Node measures the time between ticks of a 10 ms timer, so the stall
 * itself is between this value and 10 ms more; a loop that rests has 0.
 */
export async function longestStallMs(daemon: Daemon): Promise<number> {
  const seconds = (await scrape(daemon)).get(LAG);
  if (seconds === undefined) throw new Error(`the daemon has no metric ${LAG}`);
  return Math.max(0, seconds * 1000 - RESOLUTION_MS);
}
