/** BIRD 2 as an announcer: a static protocol with all routes; the filter toward the router adds the community. */
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { runToEnd, type Host } from "../../lab/index.ts";
import { ANNOUNCER, CHANGED, communityOf, forEachPrefix, ROUTER, vipOf, type Announcer, type Load, type Running } from "./announcer.ts";

export const bird: Announcer = {
  name: "BIRD",
  absent: () => (existsSync("/usr/sbin/bird") ? undefined : "the package bird2 is not installed"),
  version: async () => /version (?<version>\S+)/.exec((await runToEnd(["bird", "--version"])).stderr)?.groups?.["version"] ?? "",
  start,
};

/** Its main loop (2.0.12) goes to sleep for up to 3 s with an UPDATE ready to be sent; a question from time to time keeps it from that. */
const AWAKE_MS = 2;

async function start(host: Host, load: Load): Promise<Running> {
  const routes = forEachPrefix(load, (n) => `  route ${vipOf(n)}/32 blackhole { bgp_community.add((${communityOf(n, load).join(",")})); };`);
  host.write("bird-routes.conf", `protocol static vips {\n  ipv4;\n${routes.join("\n")}\n}\n`);
  const write = (to: "with" | "without"): string => host.write("bird.conf", configuration(host, to));
  const socket = host.path("bird.ctl");
  const process = await host.spawn(["bird", "-f", "-c", write("without"), "-s", socket, "-P", host.path("bird.pid")], { name: "bird" });
  await process.waitForLine(/Started/, 60_000);
  const order = (command: string, expected: RegExp) => async (): Promise<void> => {
    const { stdout } = await runToEnd(["birdc", "-s", socket, ...command.split(" ")], { timeoutMs: 60_000 });
    if (!expected.test(stdout)) throw new Error(`birdc ${command}: ${stdout}`);
  };
  const awake = connect(socket).resume();
  const alarm = setInterval(() => awake.write("show status\n"), AWAKE_MS);
  return {
    pid: process.pid,
    // To read the file again, routes and all, is part of every change of BIRD's: with the same file it is what is taken off.
    change: async (to) => {
      await order("configure", /Reconfigur/)();
      return { idle: order("configure", /Reconfigur/), give: () => { write(to); return order("configure", /Reconfigur/)(); } };
    },
    withdraw: () => Promise.resolve({ idle: order("show status", /up and running/), give: order("disable vips", /disabled/) }),
    longestStallMs: () => Promise.resolve(undefined),
    stop: async () => {
      clearInterval(alarm);
      awake.destroy();
      await process.kill();
    },
  };
}

function configuration(host: Host, to: "with" | "without"): string {
  const filter = to === "with" ? `filter { bgp_community.add((${CHANGED.asn},${CHANGED.value})); accept; }` : "all";
  return `log stderr all;
router id ${ANNOUNCER.address};
protocol device { }
include "${host.path("bird-routes.conf")}";
protocol bgp upstream {
  local ${ANNOUNCER.address} as ${ANNOUNCER.asn};
  neighbor ${ROUTER.address} as ${ROUTER.asn};
  direct;
  graceful restart off;
  ipv4 { import none; export ${filter}; next hop self; };
}
`;
}
