/** ExaBGP as an announcer: routes stand in its file; orders are lines of its API, as many prefixes in one as its parser takes. */
import { createWriteStream, existsSync, readFileSync } from "node:fs";
import { killAllIn } from "../../lab/namespace.ts";
import { eventually, run, runToEnd, type Host } from "../../lab/index.ts";
import { ANNOUNCER, CHANGED, communityOf, forEachPrefix, ROUTER, vipOf, type Announcer, type Load, type Running } from "./announcer.ts";

export const exabgp: Announcer = {
  name: "ExaBGP",
  absent: () => (existsSync("/usr/sbin/exabgp") ? undefined : "the package exabgp is not installed"),
  version: async () => /ExaBGP : (?<version>\S+)/.exec((await runToEnd(["exabgp", "--version"])).stdout)?.groups?.["version"] ?? "",
  start,
};

const PREFIXES_A_LINE = 500;

async function start(host: Host, load: Load): Promise<Running> {
  const orders = host.path("exabgp.orders");
  const answers = host.path("exabgp.answers");
  if (!existsSync(orders)) await run(["mkfifo", orders]);
  const routes = forEachPrefix(load, (n) => `    route ${vipOf(n)}/32 next-hop self community [ ${communityOf(n, load).join(":")} ];`);
  const file = host.write("exabgp.conf", configuration(orders, answers, routes.join("\n")), 0o644);
  const env = { exabgp_daemon_user: "root", exabgp_tcp_bind: ANNOUNCER.address, exabgp_tcp_port: "179", exabgp_log_level: "INFO", exabgp_api_cli: "false", exabgp_api_terminate: "false" };
  const process = await host.spawn(["exabgp", file], { name: "exabgp", env });
  const writing = createWriteStream(orders); // opens when ExaBGP has started the program that reads
  const tell = async (lines: readonly string[]): Promise<void> => {
    await new Promise<void>((resolve) => {
      writing.write(lines.map((line) => `${line}\n`).join(""), () => {
        resolve();
      });
    });
  };
  await tell(["version"]);
  await eventually("exabgp answers", 300_000, () => existsSync(answers) && readFileSync(answers, "utf8").includes("exabgp"));
  return {
    pid: process.pid,
    change: (to) => {
      const lines = linesBySet(load, to === "with" ? ` ${CHANGED.asn}:${CHANGED.value}` : "");
      return Promise.resolve({ give: () => tell(lines) });
    },
    withdraw: () => Promise.resolve({ give: () => tell(["clear adj-rib out"]) }),
    longestStallMs: () => Promise.resolve(undefined),
    stop: async () => {
      writing.destroy();
      await killAllIn(host.namespace); // its children, too
      await process.exited;
    },
  };
}

function linesBySet(load: Load, community: string): string[] {
  const lines: string[] = [];
  for (let set = 0; set < Math.min(load.sets, load.prefixes); set++) {
    const vips: string[] = [];
    for (let n = set; n < load.prefixes; n += load.sets) vips.push(`${vipOf(n)}/32`);
    for (let from = 0; from < vips.length; from += PREFIXES_A_LINE) {
      lines.push(`announce attributes next-hop self community [ ${communityOf(set, load).join(":")}${community} ] nlri ${vips.slice(from, from + PREFIXES_A_LINE).join(" ")}`);
    }
  }
  return lines;
}

function configuration(orders: string, answers: string, routes: string): string {
  return `process orders {
  run /bin/sh -c "cat ${orders} & exec cat >> ${answers}";
  encoder text;
}
neighbor ${ROUTER.address} {
  router-id ${ANNOUNCER.address};
  local-address ${ANNOUNCER.address};
  local-as ${ANNOUNCER.asn};
  peer-as ${ROUTER.asn};
  passive true;
  group-updates true;
  family { ipv4 unicast; }
  api { processes [ orders ]; }
  static {
${routes}
  }
}
`;
}
