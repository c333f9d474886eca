/** BIRD in the interop suite. */
import { Bird, type Host, atLeast, routerVersion } from "../../lab/index.ts";
import type { Neighbor, Router, RouterKind, RouterSetup, SeenRoute } from "./router.ts";
import type { RowName } from "./rows.ts";

const VERSION = await routerVersion(["bird", "--version"]);
const HAS_LEAST_HOLD = atLeast(VERSION, "2.17");

class BirdRouter implements Router {
  readonly host: Host;
  readonly #configuration: string;
  #bird: Bird;

  private constructor(host: Host, configuration: string, bird: Bird) {
    this.host = host;
    this.#configuration = configuration;
    this.#bird = bird;
  }

  static async create(host: Host, setup: RouterSetup): Promise<BirdRouter> {
    const configuration = `log stderr all; router id ${setup.routerId}; protocol device {}\n${setup.neighbors.map((neighbor) => protocol(setup, neighbor)).join("")}`;
    return new BirdRouter(host, configuration, await Bird.start(host, configuration));
  }

  async route({ name }: Neighbor, prefix: string): Promise<SeenRoute | undefined> {
    const text = await this.#bird.birdc(`show route ${prefix} all protocol ${name}`);
    const attribute = (key: string) => new RegExp(`^\\s*BGP\\.${key}: ?(.*)$`, "m").exec(text)?.[1]?.trim();
    const number = (key: string) => (attribute(key) === undefined ? undefined : Number(attribute(key)));
    const list = (key: string) => [...(attribute(key) ?? "").matchAll(/\(([^)]*)\)/g)].map(([, inside = ""]) => inside.split(/,\s*/).join(":"));
    if (attribute("origin") === undefined) return undefined;
    return {
      origin: attribute("origin")?.toLowerCase() ?? "",
      asPath: attribute("as_path") ?? "",
      nextHop: attribute("next_hop")?.split(" ")[0] ?? "",
      med: number("med"),
      localPref: number("local_pref"),
      standard: list("community"),
      large: list("large_community"),
      extended: list("ext_community"),
    };
  }

  async count({ name }: Neighbor): Promise<number> {
    return [...(await this.#bird.birdc(`show route protocol ${name} count`)).matchAll(/^(\d+) of /gm)].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async refresh({ name }: Neighbor): Promise<void> {
    await this.#bird.birdc(`reload ${atLeast(VERSION, "3") ? "bgp in" : "in"} ${name}`);
  }

  async shutDown({ name }: Neighbor, text: string): Promise<void> {
    await this.#bird.birdc(`disable ${name} "${text}"`);
  }

  async stop(): Promise<void> {
    await this.#bird.stop();
  }

  async start(): Promise<void> {
    this.#bird = await Bird.start(this.host, this.#configuration);
  }
}

function protocol({ asn, leastHoldSeconds }: RouterSetup, neighbor: Neighbor): string {
  const settings = [
    `local ${neighbor.local} as ${asn}`,
    // Without four-octet AS it cannot be told ours, and reads it in our capability nevertheless.
    `neighbor ${neighbor.address} ${neighbor.capabilities === "no-four-octet-as" ? "external" : `as ${neighbor.asn}`}`,
    "connect delay time 1",
    "connect retry time 1",
    "error wait time 1, 2",
    ...(neighbor.opening === "waits" ? ["passive on"] : []),
    ...(neighbor.capabilities === "none" ? ["capabilities off"] : []),
    ...(neighbor.capabilities === "no-four-octet-as" ? ["enable as4 off"] : []),
    ...(neighbor.password === undefined ? [] : [`password "${neighbor.password}"`]),
    ...(neighbor.ttlSecurity === true ? ["ttl security on"] : []),
    ...(neighbor.multihop === undefined ? [] : [`multihop ${neighbor.multihop}`]),
    ...(HAS_LEAST_HOLD ? [`min hold time ${leastHoldSeconds}`] : []),
    ...(neighbor.holdSeconds === undefined ? [] : [`hold time ${neighbor.holdSeconds}`]),
    ...neighbor.families.map((family) => `${family} { import all; export none; }`),
  ];
  return `protocol bgp ${neighbor.name} { ${settings.map((setting) => `${setting};`).join(" ")} }\n`;
}

export const BIRD: RouterKind<RowName> = {
  name: "BIRD",
  version: VERSION,
  cannot: {
    ...(HAS_LEAST_HOLD ? {} : { holdTimeRefusedByThem: "before 2.17 it has no least hold time" }),
    holdTimeRefusedByUs: "it has no hold time of 1 or 2 s",
  },
  complaint: /malformed|invalid|error: (?!connection)/i,
  start: async (host, setup) => await BirdRouter.create(host, setup),
};
