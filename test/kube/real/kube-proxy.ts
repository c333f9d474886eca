/**
 * A real kube-proxy in a network namespace that plays a node.
 */
import { execFile } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { endOwned, hasEnded, inNamespace, removeFolder, startOwned, temporaryFolder } from "../leftovers.ts";
import { buildControlPlane } from "./programs.ts";

const run = promisify(execFile);

export type KubeProxyOptions = {
  /** The network namespace that is the node. */
  readonly netns: string;
  /** Path of a kubeconfig that works in the namespace, of a user who may read what kube-proxy reads: "admin". */
  readonly kubeconfig: string;
  /** The Node must exist and have an InternalIP: kube-proxy waits for it. */
  readonly nodeName: string;
  /** What kube-proxy programs; for either the tools of that name have to be installed. */
  readonly mode: "nftables" | "iptables";
};

export interface KubeProxy {
  /** For signals. */
  readonly pid: number;
  /** The last lines of its log. */
  log(): string;
  stop(): Promise<void>;
}

const SYNC_PATIENCE_MS = 60_000;

/** Whether kube-proxy has written its rules for the first time. */
const SYNCED: Readonly<Record<KubeProxyOptions["mode"], readonly string[]>> = {
  nftables: ["nft", "list", "chain", "ip", "kube-proxy", "services"],
  iptables: ["iptables", "-t", "nat", "-L", "KUBE-SERVICES", "-n"],
};

/** Starts kube-proxy and waits until it has written its rules for the first time. */
export async function startKubeProxy({ netns, kubeconfig, nodeName, mode }: KubeProxyOptions): Promise<KubeProxy> {
  const { "kube-proxy": program } = await buildControlPlane(["kube-proxy"]);
  const folder = temporaryFolder("kube-proxy");
  const config = join(folder, "config.yaml");
  const logPath = join(folder, "log");
  await writeFile(config, JSON.stringify(configuration(kubeconfig, nodeName, mode)));
  const log = openSync(logPath, "a", 0o600);
  const child = startOwned(inNamespace(netns, [program, `--config=${config}`, "--v=2"]), { stdio: ["ignore", log, log] });
  closeSync(log);
  const read = (): string => readFileSync(logPath, "utf8").slice(-8_000);
  const stop = async (): Promise<void> => {
    await endOwned(child);
    removeFolder(folder);
  };
  const deadline = performance.now() + SYNC_PATIENCE_MS;
  for (;;) {
    const [command = "", ...rest] = inNamespace(netns, SYNCED[mode]);
    const synced = await run(command, rest).then(() => true, () => false);
    if (synced && !hasEnded(child)) return { pid: child.pid ?? 0, log: read, stop };
    if (hasEnded(child) || performance.now() > deadline) {
      const said = read();
      await stop();
      throw new Error(`kube-proxy in ${netns} ${hasEnded(child) ? "has ended" : "does not write its rules"}:\n${said}`);
    }
    await delay(50);
  }
}

/** KubeProxyConfiguration of kubeproxy.config.k8s.io/v1alpha1; JSON is YAML. */
function configuration(kubeconfig: string, nodeName: string, mode: string): object {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode,
    hostnameOverride: nodeName,
    // Protobuf, its default, is more than the simulator speaks.
    clientConnection: { kubeconfig, contentType: "application/json" },
    // Zero leaves the sysctls of connection tracking as they are.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    // In the namespace nobody else uses these ports; on its loopback nobody outside sees them.
    healthzBindAddress: "127.0.0.1:10256",
    metricsBindAddress: "127.0.0.1:10249",
  };
}
