/** The world of the demo: two workers and a client on one segment, a router on it, and a client behind the router. */
import { type Client, type Daemon, type Frr, type Host, type Lab, type Segment } from "../lab/index.ts";

export const OUR_ASN = 64500;
export const ROUTER_ASN = 64501;
export const ROUTER = "10.7.0.254";
export const WORKERS = { "worker-1": "10.7.0.11", "worker-2": "10.7.0.12" } as const;
export const SERVICE = { namespace: "shop", name: "web" } as const;
export const POOL = "10.7.0.240-10.7.0.250";

export type World = {
  readonly lan: Segment;
  readonly controlPlane: Host;
  readonly workers: readonly Worker[];
  readonly router: Host;
  readonly frr: Frr;
  /** On the workers' segment. */
  readonly near: Client;
  /** Behind the router. */
  readonly far: Client;
};

export type Worker = { readonly name: string; readonly address: string; readonly host: Host };

/** A worker on which bmlb runs. */
export type Member = Worker & { readonly daemon: Daemon };

export async function buildWorld(lab: Lab): Promise<World> {
  const lan = await lab.segment("lan", { ipv4: "10.7.0.0/24" });
  await lab.segment("far", { ipv4: "10.8.0.0/24" });
  const routes = [`default via ${ROUTER}`];
  const controlPlane = await lab.host("control-plane", { lan: { ipv4: "10.7.0.2", routes } });
  const workers = await Promise.all(
    Object.entries(WORKERS).map(async ([name, address]) => ({ name, address, host: await lab.host(name, { lan: { ipv4: address, routes } }, { forwarding: true }) })),
  );
  const near = await lab.host("client", { lan: { ipv4: "10.7.0.100", routes } });
  const router = await lab.router("router", { lan: { ipv4: ROUTER }, far: { ipv4: "10.8.0.254" } });
  const far = await lab.host("far-client", { far: { ipv4: "10.8.0.100", routes: ["default via 10.8.0.254"] } });
  // Spread connections, not only pairs of addresses, over equal-cost routes.
  await router.exec(["sysctl", "-q", "-w", "net.ipv4.fib_multipath_hash_policy=1"]);
  for (const { name, host } of workers) await lab.webserver(host, { port: 8080, body: `Hello from ${name}` });
  const frr = await lab.frr(router, { asn: ROUTER_ASN, routerId: ROUTER, neighbors: workers.map(({ address }) => ({ address, asn: OUR_ASN })) });
  return { lan, controlPlane, workers, router, frr, near: lab.client(near), far: lab.client(far) };
}

export async function startMember(lab: Lab, worker: Worker, kubeconfig: string): Promise<Member> {
  const daemon = await lab.daemon(worker.host, {
    config: {
      host: { name: worker.name, node: worker.name },
      kubernetes: { kubeconfig },
      pool: [{ name: "lan", addresses: [POOL] }],
      l2: [{ name: "lan", pools: ["lan"] }],
      bgp: {
        asn: OUR_ASN,
        peer: [{ name: "tor", address: ROUTER, asn: ROUTER_ASN, hold_time: "3s", keepalive_time: "1s", connect_time: "1s" }],
        advertisement: [{ name: "lan", pools: ["lan"] }],
      },
    },
  });
  return { ...worker, daemon };
}
