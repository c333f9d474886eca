/** BIRD 2 as an announcer: a static protocol with all routes; the filter toward the router adds the community. */
import { existsSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { runToEnd, within, type Host } from "../../lab/index.ts";
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
  const control = connect(socket).setEncoding("utf8");
  const order = async (command: string, answer: RegExp): Promise<void> => {
    const answered = new Promise<void>((resolve) => {
      let said = "";
      control.on("data", function take(text: string) {
        said += text;
        if (!answer.test(said)) return;
        control.off("data", take);
        resolve();
      });
    });
    control.write(`${command}\n`);
    await within(`BIRD did "${command}"`, 60_000, answered);
  };
  const configure = (): Promise<void> => order("configure", /Reconfigur/);
  const alarm = keepAwake(socket);
  return {
    pid: process.pid,
    // To read its file again, routes and all, is part of every change of BIRD's.
    change: (to) => Promise.resolve({ give: () => { write(to); return configure(); } }),
    withdraw: () => Promise.resolve({ give: () => order("disable vips", /disabled/) }),
    longestStallMs: () => Promise.resolve(undefined),
    stop: async () => {
      alarm.destroy();
      control.destroy();
      await process.kill();
    },
  };
}

/** Asks it how it is, again and again, each time when it has answered: while it reads its file it answers nothing. */
function keepAwake(socket: string): Socket {
  const LAST_LINE = /^(0001|0013) /m; // of its greeting, and of the answer
  const alarm = connect(socket).setEncoding("utf8");
  alarm.on("data", (text: string) => {
    if (LAST_LINE.test(text)) setTimeout(() => alarm.writable && alarm.write("show status\n"), AWAKE_MS);
  });
  return alarm;
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
