/**
 * GoBGP as an announcer: every order is a call of its API. All prefixes are changed by an export policy and a soft reset, which is twelve times faster than to
 * add each once more.
 */
import { existsSync, rmSync } from "node:fs";
import { eventually, runToEnd, type Host } from "../../lab/index.ts";
import { ANNOUNCER, CHANGED, communityOf, forEachPrefix, ROUTER, vipOf, type Announcer, type Load, type Running } from "./announcer.ts";
import { GobgpApi, type ApiPath } from "./gobgp-api.ts";

export const gobgp: Announcer = {
  name: "GoBGP",
  absent: () => (existsSync("/usr/bin/gobgpd") ? undefined : "the package gobgpd is not installed"),
  version: async () => /version (?<version>\S+)/.exec((await runToEnd(["gobgpd", "--version"])).stdout)?.groups?.["version"] ?? "",
  start,
};

async function start(host: Host, load: Load): Promise<Running> {
  const socket = host.path("gobgp.sock");
  rmSync(socket, { force: true }); // of the last round
  const process = await host.spawn(["gobgpd", "-f", host.write("gobgp.toml", CONFIGURATION), "--api-hosts", `unix://${socket}`, "--log-plain"], { name: "gobgpd" });
  await eventually("gobgpd listens", 10_000, () => existsSync(socket));
  const api = GobgpApi.connect(socket);
  await api.add(forEachPrefix(load, (n) => pathOf(n, load)));
  return {
    pid: process.pid,
    change: async (to) => {
      const words = to === "with" ? ["add", "changed", "default", "accept"] : ["del", "changed"];
      await host.exec(["gobgp", "--target", `unix://${socket}`, "global", "policy", "export", ...words]);
      return { give: () => api.resetOut(ROUTER.address) };
    },
    withdraw: () => Promise.resolve({ give: () => api.deleteAll() }),
    longestStallMs: () => Promise.resolve(undefined),
    stop: async () => {
      api.close();
      await process.kill();
    },
  };
}

function pathOf(n: number, load: Load): ApiPath {
  const [high, low] = communityOf(n, load);
  return {
    nlri: Buffer.of(32, ...vipOf(n).split(".").map(Number)),
    attributes: [
      Buffer.of(0x40, 1, 1, 0), // ORIGIN, IGP
      Buffer.of(0x40, 3, 4, ...ANNOUNCER.address.split(".").map(Number)), // NEXT_HOP
      Buffer.of(0xc0, 8, 4, high >> 8, high & 0xff, low >> 8, low & 0xff), // COMMUNITIES
    ],
  };
}

const CONFIGURATION = `[global.config]
as = ${ANNOUNCER.asn}
router-id = "${ANNOUNCER.address}"
local-address-list = ["${ANNOUNCER.address}"]
[[neighbors]]
[neighbors.config]
neighbor-address = "${ROUTER.address}"
peer-as = ${ROUTER.asn}
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv4-unicast"
[[policy-definitions]]
name = "changed"
[[policy-definitions.statements]]
name = "changed"
[policy-definitions.statements.actions]
route-disposition = "accept-route"
[policy-definitions.statements.actions.bgp-actions.set-community]
options = "add"
[policy-definitions.statements.actions.bgp-actions.set-community.set-community-method]
communities-list = ["${CHANGED.asn}:${CHANGED.value}"]
`;
