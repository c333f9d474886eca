/**
 * A real control plane for tests: etcd and kube-apiserver, in a network namespace if wanted, with a proxy in front for the faults.
 */
import type { ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { GROUPS, MANIFESTS, newTokens, type Tokens, USERS } from "../access.ts";
import type { ApiUnderTest, CredentialForm, Fault, User } from "../api-under-test.ts";
import { Authority } from "../certificates.ts";
import { CommandedChild } from "../child.ts";
import { Kubeconfigs } from "../kubeconfig.ts";
import { endOwned, hasEnded, inNamespace, removeFolder, startOwned, temporaryFolder } from "../leftovers.ts";
import { Workloads } from "../workloads.ts";
import type { FrontOptions } from "./front.ts";
import { buildControlPlane } from "./programs.ts";

export type ControlPlaneOptions = {
  /** A network namespace to run in; its loopback must be up. This process' own if left out. */
  readonly namespace?: string;
  /** Where clients reach it; 127.0.0.1 if left out. */
  readonly address?: string;
  /** Any that is free if left out. */
  readonly port?: number;
  /**
   * Where the clients' TLS ends. "terminate" (the default): at the proxy in front, which can then make every fault. "passthrough": at
   * kube-apiserver itself; the faults 429, 500, 503 and silent-watch are then refused with an error.
   */
  readonly tls?: "terminate" | "passthrough";
};

const READY_PATIENCE_MS = 60_000;
const FRONT = fileURLToPath(new URL("front.ts", import.meta.url));
const FRONT_USER = "bmlb-test-front";

/** Builds the programs if need be, starts them, and waits until the users may do what they may. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<RealControlPlane> {
  const programs = await buildControlPlane(["etcd", "kube-apiserver"]);
  const folder = temporaryFolder("control-plane");
  const front = CommandedChild.start("the front of kube-apiserver", FRONT, options.namespace);
  const processes = new Processes(folder, options.namespace);
  try {
    return await start(programs, options, folder, front, processes);
  } catch (error) {
    await processes.stop();
    await front.stop();
    removeFolder(folder);
    throw error;
  }
}

async function start(programs: Readonly<Record<"etcd" | "kube-apiserver", string>>, options: ControlPlaneOptions, folder: string, front: CommandedChild, processes: Processes): Promise<RealControlPlane> {
  const { address = "127.0.0.1", port = 0, tls = "terminate" } = options;
  const authority = await Authority.make(folder);
  const [server, frontKeys, admin, serviceAccounts] = await Promise.all([
    authority.server([address, "127.0.0.1", "::1", "localhost"]),
    authority.client(FRONT_USER, []),
    authority.client("admin", GROUPS.admin),
    authority.client("service-accounts", []),
  ]);
  const [clientPort = 0, peerPort = 0, apiPort = 0] = (await front.call("freePorts", 3)) as readonly number[];
  const tokens = newTokens();
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text, { mode: 0o600 });
  await Promise.all([
    write("server.crt", server.certificate),
    write("server.key", server.key),
    write("service-accounts.crt", serviceAccounts.certificate),
    write("service-accounts.key", serviceAccounts.key),
    write("tokens.csv", tokenFile(tokens)),
  ]);
  processes.start("etcd", [programs.etcd, ...etcdFlags(folder, clientPort, peerPort)]);
  processes.start("kube-apiserver", [programs["kube-apiserver"], ...apiServerFlags(folder, address, apiPort, clientPort)]);
  const upstream = { host: "127.0.0.1", port: apiPort, ca: authority.certificate };
  const settings: FrontOptions = { folder, host: address, port, upstream, tls, server, front: frontKeys, admin };
  const frontPort = (await front.call("start", settings)) as number;
  const url = `https://${address.includes(":") ? `[${address}]` : address}:${frontPort}`;
  const kubeconfigs = new Kubeconfigs(folder, url, authority, tokens);
  const plane = new RealControlPlane({ url, ca: authority.certificate, folder, front, processes, kubeconfigs, etcdPort: clientPort });
  await plane.untilReady();
  await plane.bestowRights();
  return plane;
}

type Parts = {
  readonly url: string;
  readonly ca: string;
  readonly folder: string;
  readonly front: CommandedChild;
  readonly processes: Processes;
  readonly kubeconfigs: Kubeconfigs;
  readonly etcdPort: number;
};

export class RealControlPlane implements ApiUnderTest {
  readonly url: string;
  readonly ca: string;
  readonly workloads: Workloads;
  readonly #parts: Parts;

  /** By {@link startControlPlane}. */
  constructor(parts: Parts) {
    this.url = parts.url;
    this.ca = parts.ca;
    this.workloads = new Workloads(this);
    this.#parts = parts;
  }

  /** For signals: SIGSTOP freezes a part in the way in which only a real one freezes. */
  get pids(): { readonly etcd: number; readonly apiServer: number } {
    return { etcd: this.#parts.processes.pid("etcd"), apiServer: this.#parts.processes.pid("kube-apiserver") };
  }

  kubeconfig(user: User, form: CredentialForm): Promise<string> {
    return this.#parts.kubeconfigs.write(user, form);
  }

  request(method: string, path: string, body?: unknown, contentType = "application/json"): Promise<{ readonly status: number; readonly body: unknown }> {
    return this.#parts.front.call("request", { method, path, body, contentType }) as Promise<{ readonly status: number; readonly body: unknown }>;
  }

  async fault(fault: Fault): Promise<void> {
    await this.#parts.front.call("fault", fault);
  }

  /** Ends kube-apiserver by force and starts it again; back when it is ready. */
  async restartApiServer(): Promise<void> {
    await this.#parts.processes.restart("kube-apiserver");
    await this.untilReady();
  }

  async compact(): Promise<void> {
    await this.#parts.front.call("compactEtcd", this.#parts.etcdPort);
    await this.restartApiServer();
  }

  /** The last lines that a part wrote to its log. */
  log(part: "etcd" | "kube-apiserver"): string {
    return this.#parts.processes.log(part);
  }

  async stop(): Promise<void> {
    await this.#parts.front.stop();
    await this.#parts.processes.stop();
    removeFolder(this.#parts.folder);
  }

  /** Waits for /readyz. Rejects with the end of the log if a part ends first, or after a minute. */
  async untilReady(): Promise<void> {
    await this.#until("kube-apiserver does not get ready", async () => (await this.request("GET", "/readyz")).status === 200);
  }

  /** Creates the namespace and the RBAC objects of bmlb, and waits until the server acts on them. */
  async bestowRights(): Promise<void> {
    for (const { path, object } of MANIFESTS) {
      await this.#until(`${path} is not accepted`, async () => [201, 409].includes((await this.request("POST", path, object)).status));
    }
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec: { user: "bmlb", resourceAttributes: { namespace: "bmlb-system", verb: "create", group: "coordination.k8s.io", resource: "leases" } } };
    await this.#until("RBAC does not let bmlb in", async () => {
      const { body } = await this.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review);
      return (body as { readonly status?: { readonly allowed?: boolean } }).status?.allowed === true;
    });
  }

  async #until(complaint: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + READY_PATIENCE_MS;
    while (!(await holds().catch(() => false))) {
      const ended = this.#parts.processes.ended();
      if (ended !== undefined) throw new Error(`${ended} has ended:\n${this.#parts.processes.log(ended)}`);
      if (performance.now() > deadline) throw new Error(`${complaint}:\n${this.#parts.processes.log("kube-apiserver")}`);
      await delay(25);
    }
  }
}

type Part = "etcd" | "kube-apiserver";

/** The processes of the control plane, each with a log in the folder. */
class Processes {
  readonly #folder: string;
  readonly #namespace: string | undefined;
  readonly #running = new Map<Part, { child: ChildProcess; readonly command: readonly string[] }>();

  constructor(folder: string, namespace: string | undefined) {
    this.#folder = folder;
    this.#namespace = namespace;
  }

  start(part: Part, command: readonly string[]): void {
    const log = openSync(this.#logPath(part), "a", 0o600);
    const child = startOwned(inNamespace(this.#namespace, command), { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#running.set(part, { child, command });
  }

  async restart(part: Part): Promise<void> {
    const running = this.#running.get(part);
    if (running === undefined) return;
    running.child.kill("SIGKILL");
    await endOwned(running.child);
    this.start(part, running.command);
  }

  pid(part: Part): number {
    return this.#running.get(part)?.child.pid ?? 0;
  }

  /** The first part that has ended by itself. */
  ended(): Part | undefined {
    return Array.from(this.#running).find(([, { child }]) => hasEnded(child))?.[0];
  }

  log(part: Part): string {
    return readFileSync(this.#logPath(part), "utf8").slice(-8_000);
  }

  /** By force: nothing that they would save is wanted, and kube-apiserver takes its time. */
  async stop(): Promise<void> {
    for (const part of ["kube-apiserver", "etcd"] as const) {
      const child = this.#running.get(part)?.child;
      child?.kill("SIGKILL");
      if (child !== undefined) await endOwned(child);
    }
  }

  #logPath(part: Part): string {
    return join(this.#folder, `${part}.log`);
  }
}

function etcdFlags(folder: string, clientPort: number, peerPort: number): readonly string[] {
  const [client, peer] = [`http://127.0.0.1:${clientPort}`, `http://127.0.0.1:${peerPort}`];
  const data = join(folder, "etcd");
  mkdirSync(data, { mode: 0o700 });
  return [
    "--name=test",
    `--data-dir=${data}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    "--unsafe-no-fsync",
    "--heartbeat-interval=50", // a cluster of one elects itself when its election timeout is over
    "--election-timeout=250",
    "--log-level=warn",
  ];
}

function apiServerFlags(folder: string, address: string, port: number, etcdPort: number): readonly string[] {
  const file = (name: string): string => join(folder, name);
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    // Becomes the endpoint of the Service "kubernetes", where a loopback address is not allowed.
    `--advertise-address=${/^127\.|:/.test(address) ? "192.0.2.1" : address}`,
    `--tls-cert-file=${file("server.crt")}`,
    `--tls-private-key-file=${file("server.key")}`,
    `--client-ca-file=${file("ca.crt")}`,
    `--token-auth-file=${file("tokens.csv")}`,
    "--anonymous-auth=false",
    "--authorization-mode=RBAC",
    `--requestheader-client-ca-file=${file("ca.crt")}`,
    `--requestheader-allowed-names=${FRONT_USER}`,
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-group-headers=X-Remote-Group",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${file("service-accounts.crt")}`,
    `--service-account-signing-key-file=${file("service-accounts.key")}`,
    "--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112",
    "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
    "--profiling=false",
  ];
}

/** The format of --token-auth-file: token, user, uid, groups. */
function tokenFile(tokens: Tokens): string {
  return USERS.map((user) => `${tokens[user]},${user},${user},"${GROUPS[user].join(",")}"\n`).join("");
}
