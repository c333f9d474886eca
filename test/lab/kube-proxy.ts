/** kube-proxy on a worker of the lab, in nftables mode, as a DaemonSet would run it. */
import type { Host } from "./host.ts";
import { eventually } from "./eventually.ts";
import type { LabProcess } from "./run.ts";

export type KubeProxyOptions = {
  /** Path of the executable. */
  readonly executable: string;
  /** Of somebody who may read Nodes, Services and EndpointSlices. */
  readonly kubeconfig: string;
  /** The Node that it stands for; default: the host's name. */
  readonly node?: string;
};

/** Starts it, and waits until it has written its rules for the first time. */
export async function startKubeProxy(host: Host, options: KubeProxyOptions): Promise<LabProcess> {
  const configuration = {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    hostnameOverride: options.node ?? host.name,
    clientConnection: { kubeconfig: options.kubeconfig },
    // The conntrack table's size belongs to the machine, not to a namespace: leave it alone.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    nftables: { minSyncPeriod: "50ms", syncPeriod: "30s" },
    metricsBindAddress: "127.0.0.1:10249",
    healthzBindAddress: "127.0.0.1:10256",
  };
  const file = host.write("kube-proxy.json", JSON.stringify(configuration));
  const proxy = await host.spawn([options.executable, "--config", file], { name: "kube-proxy" });
  await eventually(`kube-proxy on ${host.name} has written its rules`, 20_000, async () => {
    if (proxy.exit !== undefined) throw new Error(`kube-proxy ended:\n${proxy.lastLines()}`);
    const tables = await host.exec(["nft", "list", "tables"]);
    return tables.includes("kube-proxy");
  });
  return proxy;
}
