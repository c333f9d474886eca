/** GoBGP in the interop suite. */
import { GoBgp, type Host, atLeast, routerVersion } from "../../lab/index.ts";
import type { Family, Neighbor, Router, RouterKind, RouterSetup, SeenRoute } from "./router.ts";
import type { RowName } from "./rows.ts";

type Attribute = {
  readonly type: number;
  readonly value?: unknown;
  readonly as_paths?: readonly { readonly asns: readonly number[] }[] | null;
  readonly nexthop?: string;
  readonly metric?: number;
  readonly communities?: readonly number[];
};
type Path = { readonly attrs: readonly Attribute[]; readonly "neighbor-ip"?: string };
type Extended = { readonly type: number; readonly subtype: number; readonly value: string };
type Large = { readonly ASN: number; readonly LocalData1: number; readonly LocalData2: number };

const ORIGINS = ["igp", "egp", "incomplete"];
const ROUTE_TARGET = 2; // subtype, RFC 4360 4

class GoBgpRouter implements Router {
  readonly host: Host;
  readonly #configuration: string;
  #gobgp: GoBgp;

  private constructor(host: Host, configuration: string, gobgp: GoBgp) {
    this.host = host;
    this.#configuration = configuration;
    this.#gobgp = gobgp;
  }

  static async create(host: Host, setup: RouterSetup): Promise<GoBgpRouter> {
    const configuration = `[global.config]\nas = ${setup.asn}\nrouter-id = "${setup.routerId}"\n${setup.neighbors.map(section).join("")}`;
    return new GoBgpRouter(host, configuration, await GoBgp.start(host, configuration));
  }

  async route({ address }: Neighbor, prefix: string): Promise<SeenRoute | undefined> {
    const table = (await this.#gobgp.json("neighbor", address, "adj-in", prefix, "-a", prefix.includes(":") ? "ipv6" : "ipv4")) as Readonly<Record<string, readonly Path[]>> | null;
    const path = table?.[prefix]?.[0];
    if (path === undefined) return undefined;
    const attribute = (type: number): Attribute | undefined => path.attrs.find((one) => one.type === type);
    return {
      origin: ORIGINS[attribute(1)?.value as number] ?? "",
      asPath: (attribute(2)?.as_paths ?? []).flatMap(({ asns }) => asns).join(" "),
      nextHop: attribute(3)?.nexthop ?? attribute(14)?.nexthop ?? "",
      med: attribute(4)?.metric,
      localPref: attribute(5)?.value as number | undefined,
      standard: (attribute(8)?.communities ?? []).map((community) => `${Math.floor(community / 65536)}:${community % 65536}`),
      large: ((attribute(32)?.value ?? []) as readonly Large[]).map((one) => `${one.ASN}:${one.LocalData1}:${one.LocalData2}`),
      extended: ((attribute(16)?.value ?? []) as readonly Extended[]).map(({ subtype, value }) => (subtype === ROUTE_TARGET ? `rt:${value}` : value)),
    };
  }

  async count({ address }: Neighbor): Promise<number> {
    type Answer = { readonly afi_safis?: readonly { readonly state?: { readonly received?: number } }[] };
    const { afi_safis = [] } = (await this.#gobgp.json("neighbor", address)) as Answer;
    return afi_safis.reduce((sum, { state }) => sum + (state?.received ?? 0), 0);
  }

  async refresh({ address }: Neighbor): Promise<void> {
    await this.#gobgp.gobgp("neighbor", address, "softresetin");
  }

  async shutDown({ address }: Neighbor, text: string): Promise<void> {
    await this.#gobgp.gobgp("neighbor", address, "shutdown", "--reason", text);
  }

  async stop(): Promise<void> {
    await this.#gobgp.stop();
  }

  async start(): Promise<void> {
    this.#gobgp = await GoBgp.start(this.host, this.#configuration);
  }
}

function section(neighbor: Neighbor): string {
  return `
[[neighbors]]
[neighbors.config]
neighbor-address = "${neighbor.address}"
peer-as = ${neighbor.asn}
${neighbor.password === undefined ? "" : `auth-password = "${neighbor.password}"`}
[neighbors.transport.config]
local-address = "${neighbor.local}"
passive-mode = ${neighbor.opening === "waits"}
[neighbors.timers.config]
connect-retry = 1
idle-hold-time-after-reset = 1
${neighbor.holdSeconds === undefined ? "" : `hold-time = ${neighbor.holdSeconds}`}
${neighbor.ttlSecurity === true ? "[neighbors.ttl-security.config]\nenabled = true\nttl-min = 255" : ""}
${neighbor.multihop === undefined ? "" : `[neighbors.ebgp-multihop.config]\nenabled = true\nmultihop-ttl = ${neighbor.multihop}`}
${neighbor.helpsRestart === true ? "[neighbors.graceful-restart.config]\nenabled = true\nnotification-enabled = true\nrestart-time = 60" : ""}
${neighbor.families.map((family) => afiSafi(family, neighbor)).join("")}`;
}

function afiSafi(family: Family, { helpsRestart }: Neighbor): string {
  const restart = helpsRestart === true ? "[neighbors.afi-safis.mp-graceful-restart.config]\nenabled = true\n" : "";
  return `[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = "${family}-unicast"\n${restart}`;
}

const VERSION = await routerVersion(["gobgpd", "--version"]);
const NO_HOP_LIMIT = "since 4 it answers a connection with hop limit 64";

export const GOBGP: RouterKind<RowName> = {
  name: "GoBGP",
  version: VERSION,
  cannot: {
    twoOctetAs: "it always has that capability",
    noCapabilities: "it always has some",
    refresh: "its softresetin looks at the routes that it has kept and asks for none",
    ...(atLeast(VERSION, "4") ? {} : { collision: "before 4.0 it has one connection to a neighbor at any time and closes the second before its OPEN" }),
    holdTimeRefusedByThem: "it has no least hold time",
  },
  // NewTCPListener takes "[::]:179" for IPv4 (seen in 4.8): its SYN-ACK leaves with hop limit 64, which TTL security drops. Where it dials it is well.
  cannotOverIpv6: atLeast(VERSION, "4") ? { ttlSecurity: NO_HOP_LIMIT, both: NO_HOP_LIMIT, noTtlSecurity: NO_HOP_LIMIT } : {},
  // It warns of every Cease, of a neighbor that calls while it is shut down, and of its own end.
  complaint: /^(?!.*("Code":6,|"msg":"Closed an accepted connection"|"Topic":"grpc")).*"level":"(warning|error|fatal|panic)"/,
  start: async (host, setup) => await GoBgpRouter.create(host, setup),
};
