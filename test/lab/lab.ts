/**
 * A lab: machines, segments and what runs on them, made out of network namespaces, veths and bridges. Nothing outside of these namespaces and of
 * one folder below the temporary directory is touched, and both are gone afterwards, whatever happens to the test.
 */
import { cpSync, existsSync, lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startControlPlane, startKubeProxy, type KubeProxy, type RealControlPlane } from "../kube/real/index.ts";
import { SimulatorProcess, type SimulatorOptions } from "../kube/simulator/index.ts";
import { Bird } from "./bird.ts";
import { BootedSystem, type Release } from "./booted.ts";
import { Capture, recordSegment } from "./capture.ts";
import { Client, startServer, type ServerOptions } from "./client.ts";
import { Daemon, type DaemonOptions } from "./daemon.ts";
import { Frr, type FrrOptions } from "./frr.ts";
import { guard } from "./guardian.ts";
import { Host, type HostOptions } from "./host.ts";
import { startKeepalived } from "./keepalived.ts";
import { directoryOf, newLabId, removeLab, sweep } from "./namespace.ts";
import type { LabProcess } from "./run.ts";
import { Segment, type Attachment, type SegmentOptions } from "./segment.ts";

/** Why there can be no lab on this machine; undefined if there can. */
export function whyNoLab(): string | undefined {
  if (process.platform !== "linux") return "labs need Linux";
  if (process.getuid?.() !== 0) return "labs need root, to make network namespaces";
  if (!["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"].some((path) => existsSync(path))) return "labs need iproute2";
  return undefined;
}

const API_PORT = 6443;

export type LabOptions = {
  /** Record everything on every segment, for `keep`. */
  readonly recording?: boolean | undefined;
};

export class Lab implements AsyncDisposable {
  /** For people. */
  readonly name: string;
  /** Begins the name of each of its namespaces; no other lab has it. */
  readonly id: string;
  /** A folder for each host, and `logs`. */
  readonly directory: string;
  readonly #names = new Set(["logs"]);
  readonly #segments = new Map<string, Segment>();
  readonly #hosts = new Map<string, Host>();
  readonly #captures = new Map<string, Capture>();
  readonly #servers: { stop(): Promise<void> }[] = [];
  readonly #systems: BootedSystem[] = [];
  #hostNumber = 0;
  readonly #recording: boolean;
  readonly #inOrder: () => void;

  private constructor(name: string, id: string, options: LabOptions) {
    this.name = name;
    this.#recording = options.recording === true;
    this.id = id;
    this.directory = directoryOf(id);
    this.#inOrder = guard(id);
  }

  /** An empty lab. Removes first what labs of dead processes have left. */
  static async create(name: string, options: LabOptions = {}): Promise<Lab> {
    const reason = whyNoLab();
    if (reason !== undefined) throw new Error(reason);
    await sweep();
    const lab = new Lab(name, newLabId(), options);
    mkdirSync(join(lab.directory, "logs"), { recursive: true, mode: 0o755 });
    return lab;
  }

  get hosts(): readonly Host[] {
    return [...this.#hosts.values()];
  }

  /** A layer-2 broadcast domain. */
  async segment(name: string, options: SegmentOptions): Promise<Segment> {
    const segment = await Segment.create(name, this.#newName(name), options);
    this.#segments.set(name, segment);
    if (this.#recording) await recordSegment(segment, join(this.directory, "logs", `${name}.pcap`));
    return segment;
  }

  /** A machine with one interface on each of these segments: `host("worker-1", { lan: { ipv4: "10.7.0.11" } })`. */
  async host(name: string, attachments: Readonly<Record<string, Attachment>>, options: HostOptions = {}): Promise<Host> {
    const cables = Object.entries(attachments).map(([segment, attachment]) => ({ segment: this.#segment(segment), attachment }));
    const directory = join(this.directory, name);
    const namespace = this.#newName(name);
    mkdirSync(directory, { mode: 0o755 });
    this.#hostNumber++;
    const host = await Host.create(name, namespace, directory, this.#hostNumber, cables, options);
    this.#hosts.set(name, host);
    return host;
  }

  /** A machine that routes packets between its interfaces. */
  async router(name: string, attachments: Readonly<Record<string, Attachment>>): Promise<Host> {
    return await this.host(name, attachments, { forwarding: true });
  }

  /** Boots a whole Debian on a host. */
  async boot(host: Host, release: Release): Promise<BootedSystem> {
    const system = await BootedSystem.start(host, release);
    this.#systems.push(system);
    return system;
  }

  /** Starts bmlb on a host. */
  async daemon(host: Host, options: DaemonOptions): Promise<Daemon> {
    return await Daemon.start(host, options);
  }

  /** Starts an API server, the simulator, on a host: https://ADDRESS:6443, reachable from all that reach the host's first address. */
  async api(host: Host, options: Omit<SimulatorOptions, "host" | "port"> = {}): Promise<SimulatorProcess> {
    const api = await SimulatorProcess.start({ ...options, namespace: host.namespace, host: firstAddress(host), port: API_PORT });
    this.#servers.push(api);
    return api;
  }

  /** Starts etcd and kube-apiserver on a host, built if need be. */
  async realApi(host: Host): Promise<RealControlPlane> {
    const api = await startControlPlane({ namespace: host.namespace, address: firstAddress(host), port: API_PORT });
    this.#servers.push(api);
    return api;
  }

  /** Starts kube-proxy on a host that is the Kubernetes node of the same name; returns when it has written its rules. */
  async kubeProxy(host: Host, kubeconfig: string): Promise<KubeProxy> {
    const proxy = await startKubeProxy({ netns: host.namespace, kubeconfig, nodeName: host.name, mode: "nftables" });
    this.#servers.push(proxy);
    return proxy;
  }

  /** Starts FRR on a router. */
  async frr(router: Host, options: FrrOptions): Promise<Frr> {
    return await Frr.start(router, options);
  }

  /** Starts BIRD on a router. */
  async bird(router: Host, configuration: string): Promise<Bird> {
    return await Bird.start(router, configuration);
  }

  /** Starts keepalived on a host. */
  async keepalived(host: Host, configuration: string): Promise<LabProcess> {
    return await startKeepalived(host, configuration);
  }

  /** A host as its users see it. */
  client(host: Host): Client {
    return new Client(host);
  }

  /** Starts a web server and UDP echo on a host. */
  async webserver(host: Host, options: ServerOptions): Promise<LabProcess> {
    return await startServer(host, options);
  }

  /** Captures what passes a segment, or one interface of a host, as frames. `filter` is a pcap-filter(7). */
  async capture(where: Segment | { readonly host: Host; readonly interface: string }, filter: string): Promise<Capture> {
    const tap = where instanceof Segment ? where : { namespace: where.host.namespace, interface: where.interface };
    const name = `capture-${this.#captures.size + 1}`;
    const capture = await Capture.start(tap, filter, name);
    this.#captures.set(name, capture);
    return capture;
  }

  /** Copies the lab's files (logs, captures, configurations, states) to where they outlive it, and returns that folder. */
  async keep(): Promise<string> {
    for (const system of this.#systems) writeFileSync(join(this.directory, "logs", `${system.name}-journal.log`), await system.journal("--output=short-precise"));
    for (const [name, capture] of this.#captures) capture.save(join(this.directory, "logs", `${name}.pcap`));
    const folder = join(import.meta.dirname, "..", "..", ".cache", "lab", `${this.name.replaceAll(/[^A-Za-z0-9]+/g, "-").slice(0, 60)}-${new Date().toISOString().replaceAll(":", "")}`);
    const { dev } = lstatSync(this.directory);
    // Not what is mounted: the files of booted systems.
    cpSync(this.directory, folder, { recursive: true, filter: (path) => isFileOrFolder(path) && lstatSync(path).dev === dev });
    return folder;
  }

  /** Ends everything that runs in it and removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
    await removeLab(this.id);
    this.#inOrder();
  }

  #segment(name: string): Segment {
    const segment = this.#segments.get(name);
    if (segment === undefined) throw new Error(`no segment "${name}" in this lab, only: ${[...this.#segments.keys()].join(", ")}`);
    return segment;
  }

  #newName(name: string): string {
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) throw new Error(`"${name}" is no name for a machine or segment: lower-case letters, digits and dashes`);
    if (this.#names.has(name)) throw new Error(`the lab has a "${name}" already`);
    this.#names.add(name);
    return `${this.id}-${name}`;
  }
}

function firstAddress(host: Host): string {
  const address = host.links.map((link) => link.ipv4 ?? link.ipv6).find((one) => one !== undefined);
  if (address === undefined) throw new Error(`${host.name} has no address to serve an API on`);
  return address;
}

function isFileOrFolder(path: string): boolean {
  const stat = lstatSync(path);
  return stat.isFile() || stat.isDirectory();
}
