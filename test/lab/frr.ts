/**
 * FRR as a router of the lab: zebra and bgpd of the Debian package, with every path of theirs in the router's folder.
 *
 * They run as user frr: as root they refuse, because root is not in the group of their control sockets.
 */
import { chmodSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { eventually } from "./eventually.ts";
import type { Host } from "./host.ts";
import { atLeast, needProgram, ofRouters, routerVersion } from "./router-software.ts";
import { run, type LabProcess } from "./run.ts";

const END_OF_ANSWER = Buffer.alloc(3);
export const DAEMONS = "/usr/lib/frr";

export type FrrNeighbor = {
  /** Of an unnumbered one, the interface on which it is. */
  readonly address: string;
  readonly asn: number;
  /** More lines for it, as after `neighbor ADDRESS`: "password secret", "ttl-security hops 1". */
  readonly settings?: readonly string[];
  /** Default: the family of its address. */
  readonly families?: readonly ("ipv4" | "ipv6")[];
};

export type FrrOptions = {
  readonly asn: number;
  readonly routerId: string;
  readonly neighbors: readonly FrrNeighbor[];
  /** Prefixes that it announces. */
  readonly networks?: readonly string[];
  /** Next hops of one route; 1 = no multipath. Default 16. */
  readonly maximumPaths?: number;
  /** More lines for `router bgp`. */
  readonly settings?: readonly string[];
  /** Lines below `bfd`; with them bfdd runs too, for neighbors with the setting "bfd profile NAME". */
  readonly bfd?: readonly string[];
};

export class Frr {
  readonly host: Host;
  readonly bgpd: LabProcess;
  readonly zebra: LabProcess;
  readonly #sockets: string;
  readonly #bfdd: LabProcess | undefined;

  private constructor(host: Host, sockets: string, zebra: LabProcess, bgpd: LabProcess, bfdd: LabProcess | undefined) {
    this.host = host;
    this.#bfdd = bfdd;
    this.#sockets = sockets;
    this.zebra = zebra;
    this.bgpd = bgpd;
  }

  static async start(host: Host, options: FrrOptions): Promise<Frr> {
    needProgram(`${DAEMONS}/bgpd`, "frr");
    const sockets = host.path("frr");
    mkdirSync(sockets, { recursive: true });
    await run(ofRouters(["chown", "frr:frr", sockets]));
    rmSync(`${sockets}/zserv.api`, { force: true }); // of an earlier life: bgpd would try it in vain, and again after ten seconds only
    const zebra = await startDaemon(host, sockets, "zebra", `hostname ${host.name}\n`);
    await eventually("zebra listens", 5000, () => existsSync(`${sockets}/zserv.api`));
    const bfdd = options.bfd === undefined ? undefined : await startBfdd(host, sockets, options.bfd);
    const bgpd = await startDaemon(host, sockets, "bgpd", bgpConfiguration(host.name, options));
    const frr = new Frr(host, sockets, zebra, bgpd, bfdd);
    await eventually("bgpd answers vtysh", 5000, async () => (await frr.vtysh("show bgp summary json")) !== "");
    return frr;
  }

  /** Runs commands in its shell and returns what it prints. Throws CommandError for a command that it does not know. */
  async vtysh(...commands: readonly string[]): Promise<string> {
    return await run(ofRouters(["vtysh", "--vty_socket", this.#sockets, ...commands.flatMap((command) => ["-c", command])]));
  }

  /** What a "show … json" command of bgpd prints. Asks it as vtysh does, without the time that vtysh takes to start. */
  async json(command: string): Promise<unknown> {
    return JSON.parse(await ask(`${this.#sockets}/bgpd.vty`, command));
  }

  async version(): Promise<string> {
    return /FRRouting (?<version>\S+)/.exec(await this.vtysh("show version"))?.groups?.["version"] ?? "of unknown version";
  }

  /** The state of the session with a neighbor ("Established", "Active" …); undefined if there is none. */
  async session(address: string): Promise<string | undefined> {
    const neighbors = (await this.json("show bgp neighbors json")) as Readonly<Record<string, { readonly bgpState?: string } | undefined>>;
    return neighbors[address]?.bgpState;
  }

  /** Where the BGP paths to a prefix lead: the next hops of all paths that bgpd has, and which of them it uses. */
  async paths(prefix: string): Promise<readonly FrrPath[]> {
    const family = prefix.includes(":") ? "ipv6" : "ipv4";
    const answer = (await this.json(`show bgp ${family} unicast ${prefix} json`)) as { readonly paths?: readonly RawPath[] };
    return (answer.paths ?? []).map((path) => ({
      nextHops: (path.nexthops ?? []).flatMap((hop) => (hop.scope === "link-local" || hop.ip === undefined ? [] : [hop.ip])),
      asPath: path.aspath?.string ?? "",
      used: path.multipath === true || path.bestpath?.overall === true,
    }));
  }

  async stop(): Promise<void> {
    await this.bgpd.stop();
    await this.#bfdd?.stop();
    await this.zebra.stop();
  }
}

export type FrrPath = { readonly nextHops: readonly string[]; readonly asPath: string; readonly used: boolean };

type RawPath = {
  readonly multipath?: boolean;
  readonly bestpath?: { readonly overall?: boolean };
  readonly aspath?: { readonly string?: string };
  readonly nexthops?: readonly { readonly ip?: string; readonly scope?: string }[];
};

/** One command over a daemon's vty: it ends with a NUL, the answer with three and a status (0 = done). */
async function ask(path: string, command: string): Promise<string> {
  const socket = connect(path);
  socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer at ${path} to "${command}"`)));
  let answer = Buffer.alloc(0);
  socket.write(`enable\0${command}\0`);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    answer = Buffer.concat([answer, chunk]);
    const enabled = answer.indexOf(END_OF_ANSWER) + END_OF_ANSWER.length + 1;
    const end = answer.indexOf(END_OF_ANSWER, enabled);
    if (end < enabled || enabled <= END_OF_ANSWER.length || answer.length <= end + END_OF_ANSWER.length) continue;
    socket.destroy();
    return answer.toString("utf8", enabled, end);
  }
  throw new Error(`${path} closed the connection before it had answered "${command}"`);
}

export async function startDaemon(host: Host, sockets: string, name: string, configuration: string, more: readonly string[] = []): Promise<LabProcess> {
  const file = host.write(`frr/${name}.conf`, configuration);
  chmodSync(file, 0o644);
  return await host.spawn(
    // prettier-ignore
    ofRouters([
      `${DAEMONS}/${name}`, "-u", "frr", "-g", "frr",
      "--vty_socket", sockets, "-z", `${sockets}/zserv.api`, "-i", `${sockets}/${name}.pid`,
      "-f", file, "-A", "127.0.0.1", "-P", "0", "--log", "stdout", ...more,
    ]),
    { name },
  );
}

/** @param configuration lines below `bfd`: "peer 10.7.0.1 interface eth0", " receive-interval 100" */
export async function startBfdd(host: Host, sockets: string, configuration: readonly string[]): Promise<LabProcess> {
  const version = await routerVersion([`${DAEMONS}/bfdd`, "--version"]);
  const control = atLeast(version, "10") ? [] : ["--bfdctl", `${sockets}/bfdd.sock`]; // a socket that later ones have no longer
  return await startDaemon(host, sockets, "bfdd", ["bfd", ...configuration.map((line) => ` ${line}`), ""].join("\n"), control);
}

function bgpConfiguration(hostname: string, options: FrrOptions): string {
  const lines = [
    `hostname ${hostname}`,
    `router bgp ${options.asn}`,
    ` bgp router-id ${options.routerId}`,
    " no bgp ebgp-requires-policy",
    " no bgp default ipv4-unicast",
    " bgp bestpath as-path multipath-relax",
    " bgp log-neighbor-changes",
  ];
  for (const neighbor of options.neighbors) {
    const remote = isInterface(neighbor.address) ? "interface remote-as" : "remote-as";
    lines.push(` neighbor ${neighbor.address} ${remote} ${neighbor.asn}`, ` neighbor ${neighbor.address} timers connect 1`);
    for (const setting of neighbor.settings ?? []) lines.push(` neighbor ${neighbor.address} ${setting}`);
  }
  for (const setting of options.settings ?? []) lines.push(` ${setting}`);
  for (const family of ["ipv4", "ipv6"] as const) {
    lines.push(` address-family ${family} unicast`, `  maximum-paths ${options.maximumPaths ?? 16}`);
    for (const prefix of options.networks ?? []) if (familyOf(prefix) === family) lines.push(`  network ${prefix}`);
    for (const neighbor of options.neighbors) {
      if ((neighbor.families ?? [familyOf(neighbor.address)]).includes(family)) lines.push(`  neighbor ${neighbor.address} activate`);
    }
    lines.push(" exit-address-family");
  }
  return `${lines.join("\n")}\n`;
}

function isInterface(text: string): boolean {
  return !/[.:]/.test(text);
}

function familyOf(text: string): "ipv4" | "ipv6" {
  return text.includes(":") ? "ipv6" : "ipv4";
}
