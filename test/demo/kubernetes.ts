/**
 * The Kubernetes of the demo: a real kube-apiserver, etcd and kube-proxy where they have been built, else the API server simulator and a
 * small stand-in for kube-proxy. It says which.
 */
import type { ApiUnderTest } from "../kube/api-under-test.ts";
import { available, buildControlPlane, PROGRAMS, VERSIONS } from "../kube/real/index.ts";
import { find } from "../kube/real/programs.ts";
import type { Workloads } from "../kube/workloads.ts";
import { type Lab, standIn } from "../lab/index.ts";
import type { World } from "./world.ts";

export type Kubernetes = {
  readonly api: ApiUnderTest & { readonly workloads: Workloads };
  /** For people. */
  readonly description: string;
};

/** What makes the workers hand connections over to pods. */
export type Proxies = {
  /** For people: which it is, and why. */
  readonly description: string;
  /** The Service's address is `vip` from now on; kube-proxy sees that for itself. */
  serve(vip: string): Promise<void>;
  /** The Service is gone. */
  forget(): Promise<void>;
};

/** Builds kube-proxy where that is possible: minutes the first time, nothing after it. */
export async function buildKubeProxy(): Promise<void> {
  if (available(["kube-proxy"]).ok) await buildControlPlane(["kube-proxy"]);
}

export async function startKubernetes(lab: Lab, world: World): Promise<Kubernetes> {
  if (available().ok && PROGRAMS.every((program) => find(program) !== undefined)) {
    return { api: await lab.realApi(world.controlPlane), description: `the API server is a real one: ${VERSIONS}` };
  }
  return { api: await lab.api(world.controlPlane), description: "the API server is the tests' simulator; npm test builds a real one where Go is installed" };
}

export async function startProxies(lab: Lab, world: World, api: ApiUnderTest): Promise<Proxies> {
  const possible = available(["kube-proxy"]);
  if (!possible.ok) return standIns(world, possible.reason);
  const kubeconfig = await api.kubeconfig("admin", "token");
  await Promise.all(world.workers.map(({ host }) => lab.kubeProxy(host, kubeconfig)));
  return { description: `the workers run kube-proxy (${VERSIONS})`, serve: () => Promise.resolve(), forget: () => Promise.resolve() };
}

function standIns(world: World, why: string): Proxies {
  return {
    description: `the workers run a small stand-in for kube-proxy (${why})`,
    serve: async (vip) => {
      for (const { host, address } of world.workers) await standIn(host, [{ vip, port: 80, endpoints: [{ address, port: 8080 }] }]);
    },
    forget: async () => {
      for (const { host } of world.workers) await standIn(host, []);
    },
  };
}
