/** bmlb's own speaker as an announcer: programs/speaker.ts, bundled as dist/ is and run by what runs dist/bmlb. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DIST, FLAGS, MALLOC, bundlePrograms, root } from "../../../scripts/bundle.ts";
import { ensureBundle, type Host } from "../../lab/index.ts";
import { ANNOUNCER, ROUTER, type Announcer, type Load, type Order, type Running } from "./announcer.ts";

export const bmlb: Announcer = {
  name: "bmlb",
  absent: () => undefined,
  version: () => Promise.resolve((JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string }).version),
  start,
};

/** Below the checkout, where the add-ons are found. */
const BUNDLED = join(root, ".cache", "bench");

/** Once for each run of the benchmark. */
const bundled = { speaker: undefined as Promise<unknown> | undefined };

async function start(host: Host, load: Load): Promise<Running> {
  await ensureBundle(); // for the runtime
  await (bundled.speaker ??= bundlePrograms({ speaker: join(import.meta.dirname, "..", "programs", "speaker.ts") }, BUNDLED, "write"));
  const options = JSON.stringify({ ...load, own: ANNOUNCER, router: ROUTER });
  const process = await host.spawn([join(DIST, "node"), ...FLAGS, join(BUNDLED, "speaker.js"), options], { name: "speaker", env: MALLOC });
  await process.waitForLine(/^READY/, 60_000);
  const order = (line: string): Order => ({
    give: () => {
      process.tell(line);
      return Promise.resolve();
    },
  });
  return {
    pid: process.pid,
    change: (to) => Promise.resolve(order(to)),
    withdraw: () => Promise.resolve(order("withdraw")),
    longestStallMs: async () => {
      const from = process.lines.length;
      process.tell("stall");
      return Number((await process.waitForLine(/^STALL /, 5000, from)).text.split(" ")[1]);
    },
    stop: async () => {
      await process.kill();
    },
  };
}
