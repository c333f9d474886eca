/** FRR in the interop suite. */
import { Frr, type FrrOptions, type Host, routerVersion } from "../../lab/index.ts";
import { type Neighbor, type Router, type RouterKind, type RouterSetup, type SeenRoute, communityNumber } from "./router.ts";
import type { RowName } from "./rows.ts";

type Text = { readonly string?: string };
type Path = {
  readonly peer?: { readonly peerId?: string };
  readonly origin?: string;
  readonly metric?: number;
  readonly locPrf?: number;
  readonly aspath?: Text;
  readonly community?: Text;
  readonly largeCommunity?: Text;
  readonly extendedCommunity?: Text;
  readonly nexthops?: readonly { readonly ip?: string; readonly scope?: string }[];
};

class FrrRouter implements Router {
  readonly host: Host;
  readonly #options: FrrOptions;
  #frr: Frr;

  private constructor(host: Host, options: FrrOptions, frr: Frr) {
    this.host = host;
    this.#options = options;
    this.#frr = frr;
  }

  static async create(host: Host, setup: RouterSetup): Promise<FrrRouter> {
    const options = {
      asn: setup.asn,
      routerId: setup.routerId,
      neighbors: setup.neighbors.map((neighbor) => ({ address: neighbor.address, asn: neighbor.asn, families: neighbor.families, settings: settings(neighbor) })),
      settings: [`bgp minimum-holdtime ${setup.leastHoldSeconds}`],
    };
    return new FrrRouter(host, options, await Frr.start(host, options));
  }

  async route(neighbor: Neighbor, prefix: string): Promise<SeenRoute | undefined> {
    const { paths = [] } = (await this.#frr.json(`show bgp ${prefix.includes(":") ? "ipv6" : "ipv4"} unicast ${prefix} json`)) as { readonly paths?: readonly Path[] };
    const path = paths.find(({ peer }) => peer?.peerId === neighbor.address);
    if (path === undefined) return undefined;
    return {
      origin: path.origin?.toLowerCase() ?? "",
      asPath: path.aspath?.string?.replace(/^Local$/, "") ?? "",
      nextHop: path.nexthops?.find(({ scope }) => scope !== "link-local")?.ip ?? "",
      med: path.metric,
      localPref: path.locPrf,
      standard: words(path.community).map(communityNumber),
      large: words(path.largeCommunity),
      extended: words(path.extendedCommunity).map((text) => text.replace(/^RT:/, "rt:")),
    };
  }

  async count({ address }: Neighbor): Promise<number> {
    type Info = { readonly acceptedPrefixCounter?: number };
    const answer = (await this.#frr.json(`show bgp neighbors ${address} json`)) as Readonly<Record<string, { readonly addressFamilyInfo?: Readonly<Record<string, Info>> } | undefined>>;
    return Object.values(answer[address]?.addressFamilyInfo ?? {}).reduce((sum, info) => sum + (info.acceptedPrefixCounter ?? 0), 0);
  }

  async refresh({ address }: Neighbor): Promise<void> {
    for (const family of ["ipv4", "ipv6"]) await this.#frr.vtysh(`clear bgp ${family} unicast ${address} soft in`);
  }

  async shutDown({ address }: Neighbor, text: string): Promise<void> {
    await this.#frr.vtysh("configure terminal", `router bgp ${this.#options.asn}`, `neighbor ${address} shutdown message ${text}`);
  }

  async stop(): Promise<void> {
    await this.#frr.stop();
  }

  async start(): Promise<void> {
    this.#frr = await Frr.start(this.host, this.#options);
  }
}

function settings(neighbor: Neighbor): string[] {
  return [
    `update-source ${neighbor.local}`,
    ...(neighbor.opening === "waits" ? ["passive"] : []),
    ...(neighbor.capabilities === "none" ? ["dont-capability-negotiate"] : []),
    ...(neighbor.password === undefined ? [] : [`password ${neighbor.password}`]),
    ...(neighbor.ttlSecurity === true ? ["ttl-security hops 1"] : []),
    ...(neighbor.multihop === undefined ? [] : [`ebgp-multihop ${neighbor.multihop}`]),
    ...(neighbor.holdSeconds === undefined ? [] : [`timers ${Math.floor(neighbor.holdSeconds / 3)} ${neighbor.holdSeconds}`]),
  ];
}

function words(text: Text | undefined): string[] {
  return text?.string?.split(" ").filter(Boolean) ?? [];
}

const VERSION = await routerVersion(["/usr/lib/frr/bgpd", "--version"]);

export const FRR: RouterKind<RowName> = {
  name: "FRR",
  version: VERSION,
  cannot: {
    twoOctetAs: "it can leave out all capabilities, but not that one",
    holdTimeRefusedByUs: "it has no hold time of 1 or 2 s",
  },
  // 5/1 is its answer to a NOTIFICATION in OpenSent, as of a connection that is refused (RFC 4271 8.2.2 has it so); 5/0 to a call in the
  // moment that it starts. Zebra is told of the restart.
  complaint: /malformed|invalid|BGP:.*error(?!\/Receive Unexpected Message in OpenSent|\/Unspecific)|%NOTIFICATION: sent to neighbor \S+ ([1-4]\/|5\/[^01])/i,
  start: async (host, setup) => await FrrRouter.create(host, setup),
};
