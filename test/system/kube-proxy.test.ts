/** The whole daemon with a real kube-apiserver, etcd and kube-proxy: from a Service to the page behind it. */
import assert from "node:assert/strict";
import { available } from "../kube/real/index.ts";
import { eventually, labTest } from "../lab/index.ts";

const possible = available();
const SKIP = possible.ok ? undefined : possible.reason;
const BUILDING_MS = 600_000; // where nothing has been built yet

labTest("with a real control plane and kube-proxy a client on the segment fetches pages from Services of both policies", async (lab) => {
  const lan = await lab.segment("lan", { ipv4: "10.7.0.0/24" });
  const controlPlane = await lab.host("control-plane", { lan: { ipv4: "10.7.0.2" } });
  const near = await lab.host("client", { lan: { ipv4: "10.7.0.100" } });
  const client = lab.client(near);
  const api = await lab.realApi(controlPlane);
  const [admin, bmlb] = [await api.kubeconfig("admin", "token"), await api.kubeconfig("bmlb", "certificate")];
  const nodes = [
    { name: "worker-1", ipv4: "10.7.0.11" },
    { name: "worker-2", ipv4: "10.7.0.12" },
  ];
  for (const { name, ipv4 } of nodes) {
    await api.workloads.createNode(name, { ip: ipv4 });
    // A route to anywhere, as every node has: kube-proxy's masquerading needs one.
    const host = await lab.host(name, { lan: { ipv4, routes: ["default via 10.7.0.2"] } }, { forwarding: true });
    await lab.webserver(host, { port: 8080, body: name });
    await lab.kubeProxy(host, admin);
    const daemon = await lab.daemon(host, { config: { host: { node: name }, kubernetes: { kubeconfig: bmlb }, pool: [{ name: "lan", addresses: ["10.7.0.240-10.7.0.250"] }], l2: [{ name: "lan" }] } });
    await daemon.ready();
  }
  const serve = async (name: string, externalTrafficPolicy: "Cluster" | "Local"): Promise<string> => {
    await api.workloads.createService({ name, externalTrafficPolicy, ports: [{ port: 80, targetPort: 8080 }] });
    await api.workloads.setEndpoints({ name }, nodes.map((node) => ({ ip: node.ipv4, node: node.name })));
    return await eventually(`Service ${name} has an address`, 15_000, async () => (await api.workloads.addresses({ name }))[0]);
  };
  const get = async (vip: string): Promise<string> => (await client.get(`http://${vip}/`)).body;

  const cluster = await serve("cluster", "Cluster");
  await eventually("a page comes", 10_000, () => get(cluster));
  const bodies = new Set<string>();
  await eventually("both pods have answered", 10_000, async () => {
    bodies.add(await get(cluster));
    return bodies.size === nodes.length;
  });

  const local = await serve("local", "Local");
  const owner = await eventually("a page comes", 10_000, () => get(local));
  const mac = (await near.neighbours()).find(({ address }) => address === local)?.mac;
  assert.equal(mac, lab.hosts.find(({ name }) => name === owner)?.link(lan).mac, "the pod on the host that answers ARP");
  for (let i = 0; i < 5; i++) assert.equal(await get(local), owner);

  await api.workloads.setEndpoints({ name: "local" }, nodes.filter(({ name }) => name !== owner).map((node) => ({ ip: node.ipv4, node: node.name })));
  await eventually("the address moves to the node where the pod is", 15_000, async () => (await get(local)) !== owner);
  await api.workloads.deleteService({ name: "local" });
  await eventually("no page comes any more", 15_000, () => get(local).then(() => false, () => true));
}, { skip: SKIP, timeoutMs: BUILDING_MS });
