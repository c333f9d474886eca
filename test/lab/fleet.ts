/**
 * The network that most tests and figures need: hosts with bmlb and a client on one segment, an API server beside them, and pods behind
 * them that no host's death takes along.
 */
import { readFileSync } from "node:fs";
import type { VipReport } from "../../src/admin/index.ts";
import type { SimulatorProcess } from "../kube/simulator/index.ts";
import type { NewEndpoint, NewService } from "../kube/workloads.ts";
import type { Client } from "./client.ts";
import type { Daemon } from "./daemon.ts";
import { eventually } from "./eventually.ts";
import type { Host } from "./host.ts";
import type { Lab } from "./lab.ts";
import type { Environment } from "./run.ts";
import type { Segment } from "./segment.ts";
import { standIn, type ServedVip } from "./stand-in.ts";
import type { TomlValue } from "./toml.ts";

export const POOL = ["10.7.64.0/18", "fd07::64:0/112"] as const;
export const ROUTER = { ipv4: "10.7.0.254", ipv6: "fd07::fe" } as const;
const POD = { ipv4: "10.7.0.50", ipv6: "fd07::50", port: 8080 } as const;

export type FleetOptions = {
  /** Sections of config.toml besides, or instead of, those that a fleet on one segment needs. */
  readonly settings?: { readonly [section: string]: TomlValue | undefined };
  readonly env?: Environment;
};

/** A host of the fleet; with a Kubernetes node on it. */
export type Member = {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly host: Host;
  /** The one that was started last. */
  readonly daemon: Daemon;
};

export class Fleet {
  readonly lab: Lab;
  readonly lan: Segment;
  readonly api: SimulatorProcess;
  readonly controlPlane: Host;
  /** On the segment. */
  readonly client: Client;
  readonly #options: FleetOptions;
  readonly #members = new Map<string, Member>();
  readonly #served: ServedVip[] = [];
  #pods: Host | undefined;
  #kubeconfig: string | undefined;

  private constructor(lab: Lab, lan: Segment, controlPlane: Host, api: SimulatorProcess, client: Host, options: FleetOptions) {
    this.lab = lab;
    this.lan = lan;
    this.controlPlane = controlPlane;
    this.api = api;
    this.client = lab.client(client);
    this.#options = options;
  }

  /** Builds the network and starts bmlb on a host for each name; returns when all are ready. */
  static async start(lab: Lab, names: readonly string[], options: FleetOptions = {}): Promise<Fleet> {
    const lan = await lab.segment("lan", { ipv4: "10.7.0.0/16", ipv6: "fd07::/64" });
    const routes = [`default via ${ROUTER.ipv4}`, `default via ${ROUTER.ipv6}`];
    const controlPlane = await lab.host("control-plane", { lan: { ipv4: "10.7.0.2", ipv6: "fd07::2" } });
    const client = await lab.host("client", { lan: { ipv4: "10.7.0.100", ipv6: "fd07::100", routes } });
    const fleet = new Fleet(lab, lan, controlPlane, await lab.api(controlPlane), client, options);
    for (const [index, name] of names.entries()) {
      const [ipv4, ipv6] = [`10.7.0.${11 + index}`, `fd07::${11 + index}`];
      await fleet.api.workloads.createNode(name, { ip: [ipv4, ipv6] });
      const host = await lab.host(name, { lan: { ipv4, ipv6, routes } }, { forwarding: true });
      fleet.#members.set(name, { name, ipv4, ipv6, host, daemon: await fleet.#startDaemon(host) });
    }
    for (const { daemon } of fleet.members) await daemon.ready();
    return fleet;
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** By name; without one, the first. */
  member(name?: string): Member {
    const member = name === undefined ? this.members[0] : this.#members.get(name);
    if (member === undefined) throw new Error(`no host ${name ?? ""} in this fleet, only: ${[...this.#members.keys()].join(", ")}`);
    return member;
  }

  /** The hosts but this one. */
  others(member: Member): readonly Member[] {
    return this.members.filter(({ name }) => name !== member.name);
  }

  /** Starts bmlb anew on a host where it has ended; returns as soon as the process runs. */
  async restart(name: string): Promise<Member> {
    const member = { ...this.member(name), daemon: await this.#startDaemon(this.member(name).host) };
    this.#members.set(name, member);
    return member;
  }

  /** Writes another configuration for a host: the one of the fleet with other sections. Nobody is told. */
  configure(member: Member, settings: FleetOptions["settings"]): void {
    member.daemon.configure(this.#configuration(member.host, { ...this.#options.settings, ...settings }));
  }

  /** Makes a Service with port 80 in the namespace default, waits for its address, and has all hosts hand its connections to a pod. Returns the address. */
  async serve(name: string, more: Partial<NewService> = {}): Promise<string> {
    const pods = await this.#startPods();
    const family = more.ipFamilies?.[0] === "IPv6" ? "ipv6" : "ipv4";
    await this.api.workloads.createService({ ports: [{ port: 80, targetPort: POD.port }], ...more, name });
    await this.api.workloads.setEndpoints({ name }, [{ ip: POD[family], node: this.member().name } satisfies NewEndpoint]);
    const vip = await eventually(`Service ${name} has an address`, 10_000, async () => (await this.api.workloads.addresses({ name }))[0]);
    this.#served.push({ vip, port: 80, endpoints: [{ address: pods.link(this.lan)[family] ?? "", port: POD.port }] });
    await Promise.all(this.members.map(({ host }) => standIn(host, this.#served)));
    return vip;
  }

  /** The host whose MAC the client has for an address, if any. Asks nobody: the client's cache says what it last heard. */
  async cached(vip: string): Promise<Member | undefined> {
    const mac = (await this.client.host.neighbours()).find(({ address }) => address === vip)?.mac;
    return mac === undefined ? undefined : this.members.find(({ host }) => host.link(this.lan).mac === mac);
  }

  /** The host that answers for an address now: the client forgets what it knew, and asks. */
  async owner(vip: string, withinMs = 10_000): Promise<Member> {
    return await eventually(`a host answers for ${vip}`, withinMs, async () => {
      await this.client.host.execToEnd(["ip", "neigh", "flush", "to", vip]);
      await this.client.host.execToEnd(["ping", "-c", "1", "-W", "0.3", vip]);
      return await this.cached(vip);
    });
  }

  /** What `bmlb vips` on a host says of an address; undefined if it does not know it. */
  async vip(member: Member, address: string): Promise<VipReport | undefined> {
    const reports = (await member.daemon.cli(["vips", "--json"])).json() as readonly VipReport[];
    return reports.find((report) => report.address === address);
  }

  /** Waits until a host has written what it knows of an address to its disk, where a later start finds it. */
  async kept(member: Member, address: string, withinMs = 30_000): Promise<void> {
    await eventually(`${address} is in the cache of ${member.name}`, withinMs, () => readFileSync(member.host.path("state", "cluster.cache"), "utf8").includes(JSON.stringify(address)));
  }

  async #startDaemon(host: Host): Promise<Daemon> {
    // Written once: another host may be reading it.
    this.#kubeconfig ??= await this.api.kubeconfig("bmlb", "token");
    const { settings, env } = this.#options;
    return await this.lab.daemon(host, { config: this.#configuration(host, settings), env });
  }

  #configuration(host: Host, settings: FleetOptions["settings"]): { readonly [section: string]: TomlValue | undefined } {
    return { host: { node: host.name }, kubernetes: { kubeconfig: this.#kubeconfig }, pool: [{ name: "lan", addresses: POOL }], l2: [{ name: "lan" }], ...settings };
  }

  async #startPods(): Promise<Host> {
    if (this.#pods !== undefined) return this.#pods;
    this.#pods = await this.lab.host("pods", { lan: { ipv4: POD.ipv4, ipv6: POD.ipv6 } });
    await this.lab.webserver(this.#pods, { port: POD.port, body: "from a pod" });
    return this.#pods;
  }
}
