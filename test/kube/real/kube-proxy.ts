/**
 * A real kube-proxy in a network namespace that plays a node.
 */
import { closeSync, openSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endOwned, hasEnded, inNamespace, removeFolder, startOwned, temporaryFolder } from "../leftovers.ts";
import { buildControlPlane } from "./programs.ts";

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

/**
 * Starts kube-proxy and waits until it has written its rules for the first time. It leaves them behind when it is stopped, as a
 * kube-proxy does; they go with the namespace.
 */
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
    if (hasSynced(readFileSync(logPath, "utf8")) && !hasEnded(child)) return { pid: child.pid ?? 0, log: read, stop };
    if (hasEnded(child) || performance.now() > deadline) {
      const said = read();
      await stop();
      throw new Error(`kube-proxy in ${netns} ${hasEnded(child) ? "has ended" : "does not write its rules"}:\n${said}`);
    }
    await delay(50);
  }
}

/** By its log (verbosity 2): rules in the kernel may be those of a predecessor. */
function hasSynced(log: string): boolean {
  const families = Array.from(log.matchAll(/sync params" ipFamily="(IPv[46])"/g), ([, family = ""]) => family);
  return families.length > 0 && families.every((family) => log.includes(`"SyncProxyRules complete" ipFamily="${family}"`));
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
