/** A machine of the lab: a network namespace with interfaces on segments, a host name, a machine id and a folder of its own. */
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { addNamespace, killAllIn } from "./namespace.ts";
import { LabProcess, run, runToEnd, type Environment, type Output, type RunOptions } from "./run.ts";
import { Link, type Attachment, type Segment } from "./segment.ts";

export type HostOptions = {
  /** Routes packets between its interfaces, as routers and Kubernetes nodes do. */
  readonly forwarding?: boolean | undefined;
};

/** An entry of the kernel's neighbour cache. */
export type Neighbour = { readonly address: string; readonly interface: string; readonly mac: string | undefined; readonly state: string };

/** A route of the kernel, with its next hops. */
export type KernelRoute = { readonly prefix: string; readonly protocol: string; readonly nextHops: readonly { readonly via: string | undefined; readonly interface: string }[] };

// In the private mount namespace that `ip netns exec` makes, so that nothing outside sees it.
const AS_THIS_HOST = 'hostname "$1"; if [ -e /etc/machine-id ]; then mount --bind "$2" /etc/machine-id; fi; shift 2; exec "$@"';

export class Host {
  readonly name: string;
  readonly namespace: string;
  /** Its files; removed with the lab, kept when a test fails. */
  readonly directory: string;
  readonly #links = new Map<string, Link>();
  readonly #processes: LabProcess[] = [];
  readonly #machineId: string;

  private constructor(name: string, namespace: string, directory: string) {
    this.name = name;
    this.namespace = namespace;
    this.directory = directory;
    this.#machineId = this.write("machine-id", `${randomUUID().replaceAll("-", "")}\n`);
  }

  /** @param number of the host in its lab: the fifth octet of its MACs */
  static async create(name: string, namespace: string, directory: string, number: number, cables: readonly { readonly segment: Segment; readonly attachment: Attachment }[], options: HostOptions): Promise<Host> {
    const host = new Host(name, namespace, directory);
    const forwarding = options.forwarding === true ? 1 : 0;
    await addNamespace(namespace, {
      // Addresses are usable at once: no test is about the kernel's own duplicate address detection.
      "net.ipv6.conf.all.accept_dad": 0,
      "net.ipv6.conf.default.accept_dad": 0,
      "net.ipv6.conf.default.accept_ra": 0,
      // A fresh namespace takes IPv4 settings from the machine: start from the kernel's defaults instead.
      "net.ipv4.conf.all.rp_filter": 0,
      "net.ipv4.conf.default.rp_filter": 0,
      "net.ipv4.ip_forward": forwarding,
      "net.ipv6.conf.all.forwarding": forwarding,
    });
    for (const [index, { segment, attachment }] of cables.entries()) {
      const mac = ["02", "b0", "00", "00", hexOctet(number), hexOctet(index)].join(":");
      const link = new Link(namespace, segment, attachment.interface ?? `eth${index}`, mac, attachment);
      await link.create();
      host.#links.set(segment.name, link);
    }
    return host;
  }

  /** Everything that was started here with `spawn`, in that order. */
  get processes(): readonly LabProcess[] {
    return this.#processes;
  }

  get links(): readonly Link[] {
    return [...this.#links.values()];
  }

  /** Its cable to a segment. */
  link(segment: Segment | string): Link {
    const name = typeof segment === "string" ? segment : segment.name;
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`${this.name} has no link to a segment "${name}", only to: ${[...this.#links.keys()].join(", ")}`);
    return link;
  }

  /** A path in the host's folder. */
  path(...parts: readonly string[]): string {
    return join(this.directory, ...parts);
  }

  /** Writes a file into the host's folder and returns its path. Mode 0600, as secrets must have. */
  write(name: string, text: string, mode = 0o600): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
    return path;
  }

  /** Runs a program to its end here, and returns its standard output. Throws CommandError unless its status is 0. */
  async exec(argv: readonly string[], options?: RunOptions): Promise<string> {
    return await run(this.#inside(argv), options);
  }

  /** As `exec`, but any status will do. */
  async execToEnd(argv: readonly string[], options?: RunOptions): Promise<Output> {
    return await runToEnd(this.#inside(argv), options);
  }

  /** Starts a program that goes on running. Its lines also go to the file `NAME.log` among the lab's logs. */
  async spawn(argv: readonly string[], options: { readonly name: string; readonly env?: Environment | undefined }): Promise<LabProcess> {
    const logs = join(dirname(this.directory), "logs");
    mkdirSync(logs, { recursive: true });
    const asHost = ["unshare", "--uts", "sh", "-c", AS_THIS_HOST, "sh", this.name, this.#machineId, ...argv];
    const name = this.#newProcessName(options.name);
    const started = await LabProcess.start(name, this.#inside(asHost), { env: options.env, logFile: join(logs, `${name}.log`) });
    this.#processes.push(started);
    return started;
  }

  /** The host loses power: all cables go silent at once, then every process is gone. */
  async crash(): Promise<void> {
    await Promise.all(this.links.map((link) => link.cutSilently()));
    await killAllIn(this.namespace);
  }

  /** Its neighbour cache. */
  async neighbours(): Promise<readonly Neighbour[]> {
    const rows = JSON.parse((await this.exec(["ip", "-j", "neigh", "show"])) || "[]") as readonly { dst: string; dev: string; lladdr?: string; state: readonly string[] }[];
    return rows.map((row) => ({ address: row.dst, interface: row.dev, mac: row.lladdr, state: row.state.join(",") }));
  }

  /** The kernel's routes to exactly this prefix or address, in the main table. */
  async routes(prefix: string): Promise<readonly KernelRoute[]> {
    const family = prefix.includes(":") ? "-6" : "-4";
    type Hop = { gateway?: string; via?: { host: string }; dev?: string };
    const rows = JSON.parse((await this.exec(["ip", "-j", family, "route", "show", prefix])) || "[]") as readonly ({ dst: string; protocol?: string; nexthops?: readonly Hop[] } & Hop)[];
    return rows.map((row) => ({
      prefix: row.dst,
      protocol: row.protocol ?? "",
      nextHops: (row.nexthops ?? [row]).map((hop) => ({ via: hop.gateway ?? hop.via?.host, interface: hop.dev ?? "" })),
    }));
  }

  #inside(argv: readonly string[]): readonly string[] {
    return ["ip", "netns", "exec", this.namespace, ...argv];
  }

  #newProcessName(wanted: string): string {
    const base = `${this.name}-${wanted}`;
    const used = this.#processes.filter((process) => process.name === base || process.name.startsWith(`${base}.`)).length;
    return used === 0 ? base : `${base}.${used + 1}`;
  }
}

function hexOctet(value: number): string {
  if (value < 0 || value > 255) throw new Error(`a lab has room for 256 hosts with 256 interfaces, not for number ${value}`);
  return value.toString(16).padStart(2, "0");
}
