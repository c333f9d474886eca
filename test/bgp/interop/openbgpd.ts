/** OpenBGPD in the interop suite. */
import { type Host, OpenBgpd, atLeast, routerVersion } from "../../lab/index.ts";
import { type Neighbor, type Router, type RouterKind, type RouterSetup, type SeenRoute, communityNumber } from "./router.ts";
import type { RowName } from "./rows.ts";

type Path = {
  readonly neighbor: { readonly remote_addr: string };
  readonly aspath: string;
  readonly exit_nexthop: string;
  readonly origin: string;
  readonly metric: number;
  readonly localpref: number;
  readonly communities?: readonly string[];
  readonly extended_communities?: readonly string[];
  readonly large_communities?: readonly string[];
};

class OpenBgpdRouter implements Router {
  readonly host: Host;
  readonly #configuration: string;
  #openbgpd: OpenBgpd;

  private constructor(host: Host, configuration: string, openbgpd: OpenBgpd) {
    this.host = host;
    this.#configuration = configuration;
    this.#openbgpd = openbgpd;
  }

  static async create(host: Host, setup: RouterSetup): Promise<OpenBgpdRouter> {
    const configuration = `AS ${setup.asn}\nrouter-id ${setup.routerId}\nconnect-retry 1\n${setup.neighbors.map((neighbor) => section(neighbor, setup.leastHoldSeconds)).join("")}allow from any\n`;
    return new OpenBgpdRouter(host, configuration, await OpenBgpd.start(host, configuration));
  }

  async route({ address }: Neighbor, prefix: string): Promise<SeenRoute | undefined> {
    const { rib = [] } = (await this.#openbgpd.json("show", "rib", "detail", "neighbor", address, prefix)) as { readonly rib?: readonly Path[] };
    const path = rib.find(({ neighbor }) => neighbor.remote_addr === address);
    if (path === undefined) return undefined;
    return {
      origin: path.origin.toLowerCase(),
      asPath: path.aspath,
      nextHop: path.exit_nexthop,
      med: path.metric,
      localPref: path.localpref,
      standard: (path.communities ?? []).map(communityNumber),
      large: path.large_communities ?? [],
      extended: (path.extended_communities ?? []).map((text) => text.replace(" ", ":")),
    };
  }

  async count({ address }: Neighbor): Promise<number> {
    type Answer = { readonly neighbors: readonly { readonly stats: { readonly prefixes: { readonly received: number } } }[] };
    const { neighbors } = (await this.#openbgpd.json("show", "neighbor", address)) as Answer;
    return neighbors[0]?.stats.prefixes.received ?? 0;
  }

  async refresh({ address }: Neighbor): Promise<void> {
    await this.#openbgpd.bgpctl("neighbor", address, "refresh");
  }

  async shutDown({ address }: Neighbor, text: string): Promise<void> {
    await this.#openbgpd.bgpctl("neighbor", address, "down", text);
  }

  async stop(): Promise<void> {
    await this.#openbgpd.stop();
  }

  async start(): Promise<void> {
    this.#openbgpd = await OpenBgpd.start(this.host, this.#configuration);
  }
}

/** The prefix of the address and the one beside it. */
function pairOf(address: string): string {
  const last = Number.parseInt(address.slice(-1), 16);
  return `${address.slice(0, -1)}${(last & ~1).toString(16)}${address.includes(":") ? "/127" : "/31"}`;
}

/**
 * It refuses to be told AS 23456, which is what ours looks like to a speaker of two-octet ones; neighbors of a whole prefix may have any
 * AS. One neighbor by its own address is none of the prefix.
 */
function isTemplate({ capabilities }: Neighbor): boolean {
  return capabilities === "no-four-octet-as";
}

function section(neighbor: Neighbor, leastHoldSeconds: number): string {
  const settings = [
    ...(isTemplate(neighbor) ? [] : [`remote-as ${neighbor.asn}`]),
    // With an address of its own, 7.7 on Linux has no password on the socket that listens.
    ...(neighbor.opening === "waits" ? ["passive"] : [`local-address ${neighbor.local}`]),
    `holdtime min ${leastHoldSeconds}`, // 7.7 does not take the global one
    ...neighbor.families.map((family) => `announce ${family === "ipv4" ? "IPv4" : "IPv6"} unicast`),
    "announce enhanced refresh yes",
    ...(neighbor.capabilities === "none" ? ["announce capabilities no"] : []),
    ...(neighbor.capabilities === "no-four-octet-as" ? ["announce as-4byte no"] : []),
    ...(neighbor.password === undefined ? [] : [`tcp md5sig password "${neighbor.password}"`]),
    ...(neighbor.ttlSecurity === true ? ["ttl-security yes"] : []),
    ...(neighbor.multihop === undefined ? [] : [`multihop ${neighbor.multihop}`]),
    ...(neighbor.holdSeconds === undefined ? [] : [`holdtime ${neighbor.holdSeconds}`]),
  ];
  return `neighbor ${isTemplate(neighbor) ? pairOf(neighbor.address) : neighbor.address} {\n${settings.map((setting) => `  ${setting}\n`).join("")}}\n`;
}

const VERSION = await routerVersion(["/usr/sbin/bgpd", "-V"]);

export const OPENBGPD: RouterKind<RowName> = {
  name: "OpenBGPD",
  version: VERSION,
  cannot: {
    // aspath_domerge() takes the second AS out of AS_PATH too (seen in 9.3), and the session is reset for what then stands there.
    ...(atLeast(VERSION, "9.3") ? { twoOctetAs: "since 9.3 it cannot merge AS4_PATH, whatever stands in it" } : {}),
    ...(atLeast(VERSION, "8") ? { noCapabilities: "since 8 it always has some" } : {}),
    collision: "it has one connection to a neighbor at any time and closes the second before its OPEN",
    holdTimeRefusedByUs: "it has no hold time of 1 or 2 s",
  },
  complaint: /\bbad\b|error|malformed|invalid|sending notification: (?!Cease)/i,
  start: async (host, setup) => await OpenBgpdRouter.create(host, setup),
};
