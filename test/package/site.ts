/**
 * The site on which the package is tested: a Debian 12 and a Debian 13, booted, as the two hosts of one fleet; an FRR router, a client, an API
 * server and pods on the same segment. Everything on the two is done as their operator does it: apt, systemctl, journalctl, an editor.
 */
import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { Lab, eventually, standIn, toToml, whyNoBoot, whyNoLab, type BootedSystem, type Client, type Frr, type Host, type Output, type Segment, type ServedVip, type TomlValue } from "../lab/index.ts";
import { ROUTER } from "../lab/fleet.ts";
import type { SimulatorProcess } from "../kube/simulator/index.ts";
import { packageFile } from "./deb.ts";

export const POOL = "10.7.64.0-10.7.64.99";
const POD = { ipv4: "10.7.0.50", port: 8080 };
const ASN = 64500;
const ROUTER_ASN = 64501;
const INSTALL_MS = 120_000;

export type Settings = { readonly [section: string]: TomlValue | undefined };

export class Site {
  readonly lab: Lab;
  readonly lan: Segment;
  readonly api: SimulatorProcess;
  readonly router: Host;
  readonly frr: Frr;
  readonly client: Client;
  /** Debian 12 and Debian 13. */
  readonly systems: readonly [BootedSystem, BootedSystem];
  readonly #pods: Host;
  readonly #served: ServedVip[] = [];
  readonly #kubeconfig: string;

  private constructor(parts: Pick<Site, "lab" | "lan" | "api" | "router" | "frr" | "client" | "systems"> & { readonly pods: Host; readonly kubeconfig: string }) {
    this.lab = parts.lab;
    this.lan = parts.lan;
    this.api = parts.api;
    this.router = parts.router;
    this.frr = parts.frr;
    this.client = parts.client;
    this.systems = parts.systems;
    this.#pods = parts.pods;
    this.#kubeconfig = parts.kubeconfig;
  }

  /** Builds the network and boots both systems; bmlb is not installed yet. */
  static async build(lab: Lab): Promise<Site> {
    const lan = await lab.segment("lan", { ipv4: "10.7.0.0/16", ipv6: "fd07::/64" });
    const routes = [`default via ${ROUTER.ipv4}`, `default via ${ROUTER.ipv6}`];
    const controlPlane = await lab.host("control-plane", { lan: { ipv4: "10.7.0.2", ipv6: "fd07::2" } });
    const client = await lab.host("client", { lan: { ipv4: "10.7.0.100", ipv6: "fd07::100", routes } });
    const pods = await lab.host("pods", { lan: { ipv4: POD.ipv4 } });
    const router = await lab.router("router", { lan: ROUTER });
    const edge12 = await lab.host("debian-12", { lan: { ipv4: "10.7.0.12", ipv6: "fd07::12", routes } }, { forwarding: true });
    const edge13 = await lab.host("debian-13", { lan: { ipv4: "10.7.0.13", ipv6: "fd07::13", routes } }, { forwarding: true });
    const [api, frr, , debian12, debian13] = await Promise.all([
      lab.api(controlPlane),
      lab.frr(router, { asn: ROUTER_ASN, routerId: ROUTER.ipv4, neighbors: [edge12, edge13].map((host) => ({ address: addressOf(host), asn: ASN })) }),
      lab.webserver(pods, { port: POD.port, body: "from a pod" }),
      lab.boot(edge12, 12),
      lab.boot(edge13, 13),
    ]);
    for (const host of [edge12, edge13]) await api.workloads.createNode(host.name, { ip: addressOf(host) });
    const kubeconfig = await api.kubeconfig("bmlb", "token");
    return new Site({ lab, lan, api, router, frr, client: lab.client(client), systems: [debian12, debian13], pods, kubeconfig });
  }

  /** `apt install ./bmlb.deb`, which starts nothing; of a configuration file that was edited the operator keeps their own. Returns what apt said. */
  async install(system: BootedSystem, file = packageFile()): Promise<string> {
    copyFileSync(file, system.path("/root/bmlb.deb"));
    return await system.sh("DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends --allow-downgrades --option Dpkg::Options::=--force-confold /root/bmlb.deb 2>&1", { timeoutMs: INSTALL_MS });
  }

  /** Puts a kubeconfig and a configuration for L2 and BGP where the service looks for them. */
  configure(system: BootedSystem, settings: Settings = {}): void {
    this.giveKubeconfig(system);
    this.writeConfig(system, toToml({ ...this.settings(system), ...settings }));
  }

  settings(system: BootedSystem): Settings {
    return {
      host: { node: system.name },
      kubernetes: { kubeconfig: "/etc/bmlb/kubeconfig" },
      pool: [{ name: "lan", addresses: [POOL] }],
      l2: [{ name: "lan" }],
      bgp: { asn: ASN, peer: [{ name: "router", address: ROUTER.ipv4, asn: ROUTER_ASN, hold_time: "3s", keepalive_time: "1s", connect_time: "1s" }], advertisement: [{ name: "lan" }] },
    };
  }

  writeConfig(system: BootedSystem, toml: string): void {
    system.write("/etc/bmlb/config.toml", toml, 0o644);
  }

  /** As an editor does: the setgid bit of /etc/bmlb gives it the group bmlb. */
  giveKubeconfig(system: BootedSystem): void {
    rmSync(system.path("/etc/bmlb/kubeconfig"), { force: true });
    system.write("/etc/bmlb/kubeconfig", readFileSync(this.#kubeconfig, "utf8"), 0o640);
  }

  /** Installs, configures and starts bmlb on both. */
  async serveFromBoth(settings: Settings = {}): Promise<void> {
    await this.both(async (system) => {
      await this.install(system);
      this.configure(system, settings);
      await system.sh("systemctl start bmlb");
    });
  }

  /** Makes a Service with the TCP and UDP port 80, waits for its address, and has the hosts hand it to a pod. Returns the address. */
  async serve(name: string): Promise<string> {
    const ports = (["TCP", "UDP"] as const).map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 80, targetPort: POD.port }));
    await this.api.workloads.createService({ name, ports });
    await this.api.workloads.setEndpoints({ name }, [{ ip: POD.ipv4, node: this.systems[0].name }]);
    const vip = await eventually(`Service ${name} has an address`, 15_000, async () => (await this.api.workloads.addresses({ name }))[0]);
    const endpoints = [{ address: addressOf(this.#pods), port: POD.port }];
    this.#served.push({ vip, port: 80, endpoints }, { vip, port: 80, protocol: "udp", endpoints });
    await this.restoreProxies();
    return vip;
  }

  /** As kube-proxy does after a reboot. */
  async restoreProxies(): Promise<void> {
    await Promise.all(this.systems.map(({ host }) => standIn(host, this.#served)));
  }

  /** The system that answers for an address now: the client forgets what it knew, and asks. */
  async owner(vip: string, withinMs = 10_000): Promise<BootedSystem> {
    const { host } = this.client;
    return await eventually(`a host answers for ${vip}`, withinMs, async () => {
      await host.execToEnd(["ip", "neigh", "flush", "to", vip]);
      await host.execToEnd(["ping", "-c", "1", "-W", "0.2", vip]);
      const mac = (await host.neighbours()).find(({ address }) => address === vip)?.mac;
      return this.systems.find((system) => system.host.link(this.lan).mac === mac);
    });
  }

  /** The hosts through which the router reaches an address. */
  async nextHops(vip: string): Promise<readonly string[]> {
    const hops = (await this.frr.paths(`${vip}/32`)).flatMap((path) => path.nextHops);
    return this.systems.filter(({ host }) => hops.includes(addressOf(host))).map(({ name }) => name);
  }

  async waitForNextHops(vip: string, names: readonly string[], withinMs = 15_000): Promise<void> {
    await eventually(`the router reaches ${vip} through ${names.join(" and ")}`, withinMs, async () => (await this.nextHops(vip)).join() === names.join());
  }

  /** Does the same on both at once. Waits for both also when one fails, so that nothing of it reaches into the next step. */
  async both(body: (system: BootedSystem) => Promise<void>): Promise<void> {
    const ends = await Promise.allSettled(this.systems.map(body));
    const failures = ends.flatMap((end, index) => (end.status === "rejected" ? [new Error(`on ${this.systems[index]?.name ?? ""}: ${sentenceOf(end.reason)}`, { cause: end.reason })] : []));
    if (failures[0] !== undefined) throw failures[0];
  }

  /** The other one. */
  other(system: BootedSystem): BootedSystem {
    return system === this.systems[0] ? this.systems[1] : this.systems[0];
  }
}

function sentenceOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

export function addressOf(host: Host): string {
  return host.link("lan").ipv4 ?? "";
}

/** What systemd says of the service: `property(system, "MainPID")`. */
export async function property(system: BootedSystem, name: string): Promise<string> {
  return (await system.sh(`systemctl show --property=${name} --value bmlb`)).trim();
}

/** `systemctl status bmlb`, as it stands on the operator's screen. */
export async function status(system: BootedSystem): Promise<Output> {
  return await system.shToEnd("systemctl status --no-pager --full bmlb");
}

/** What the service logged since it was last started, as `journalctl -u bmlb` prints it; `options` choose among it. */
export async function logOfThisStart(system: BootedSystem, options = ""): Promise<string> {
  return await system.sh(`journalctl --no-pager --output=cat ${options} _SYSTEMD_INVOCATION_ID=$(systemctl show --property=InvocationID --value bmlb)`);
}

/** One observation on a site; the next are made all the same if it fails. */
export type Step = (what: string, body: () => Promise<void>) => Promise<void>;

/** Declares a test that has a site of its own, in steps that are counted as tests. When one fails, logs and captures are kept. */
export function siteTest(name: string, body: (site: Site, step: Step) => Promise<void>): void {
  test(name, { skip: whyNoLab() ?? whyNoBoot() ?? false }, async (t: TestContext) => {
    await using lab = await Lab.create(name, { recording: true });
    let failed = false;
    try {
      await body(await Site.build(lab), async (what, observe) => {
        await t.test(what, async () => {
          try {
            await observe();
          } catch (error) {
            failed = true;
            throw error;
          }
        });
      });
    } catch (error) {
      failed = true;
      throw error;
    } finally {
      if (failed) t.diagnostic(`logs and captures are kept in ${await lab.keep()}`);
    }
  });
}
