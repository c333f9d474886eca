/** What hands connections to a VIP over to pods on the workers: kube-proxy where it is to be had, else the lab's stand-in. */
import { standIn, startKubeProxy } from "../lab/index.ts";
import type { World } from "./world.ts";

export type Proxies = {
  /** For people: which it is, and why. */
  readonly description: string;
  /** The Service's address is `vip` from now on; kube-proxy sees that for itself. */
  serve(vip: string): Promise<void>;
  /** The Service is gone. */
  forget(): Promise<void>;
};

/** @param executable of kube-proxy, or the reason why there is none */
export async function startProxies(world: World, executable: { readonly path: string; readonly version: string } | { readonly missing: string }, kubeconfig: string): Promise<Proxies> {
  if ("missing" in executable) return standIns(world, executable.missing);
  await Promise.all(world.workers.map(({ host }) => startKubeProxy(host, { executable: executable.path, kubeconfig })));
  return {
    description: `the workers run kube-proxy ${executable.version}`,
    serve: () => Promise.resolve(),
    forget: () => Promise.resolve(),
  };
}

function standIns(world: World, missing: string): Proxies {
  return {
    description: `the workers run a small stand-in for kube-proxy, because ${missing}`,
    serve: async (vip) => {
      for (const { host, address } of world.workers) await standIn(host, [{ vip, port: 80, endpoints: [{ address, port: 8080 }] }]);
    },
    forget: async () => {
      for (const { host } of world.workers) await standIn(host, []);
    },
  };
}
