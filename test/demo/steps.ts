/** The steps of the demo. Each does one thing to the world, waits for what should follow, and says what it saw. */
import type { VipReport } from "../../src/admin/index.ts";
import type { ApiUnderTest } from "../kube/api-under-test.ts";
import { Workloads } from "../kube/workloads.ts";
import { eventually, now, type Prober } from "../lab/index.ts";
import { expect, ms, observed, remark } from "./narrator.ts";
import type { Proxies } from "./kubernetes.ts";
import { SERVICE, type Member, type World } from "./world.ts";

export const NAMESPACE = SERVICE.namespace;
const WORST_SILENCE_MS = 2000;

/** Which worker's interface answers ARP for an address, as the near client sees it. */
export async function ownerOf(world: World, address: string): Promise<string | undefined> {
  const entry = (await world.near.host.neighbours()).find((neighbour) => neighbour.address === address);
  return world.workers.find(({ host }) => host.link(world.lan).mac === entry?.mac)?.name;
}

/** The router hears from both workers. */
export async function sessionsUp(world: World): Promise<void> {
  const began = now();
  await eventually("the router has a session with both workers", 15_000, async () => {
    const states = await Promise.all(world.workers.map(({ address }) => world.frr.session(address)));
    if (states.every((state) => state === "Established")) return true;
    throw new Error(states.join(", "));
  });
  observed(`the router (FRR ${await world.frr.version()}) has a BGP session with each (waited ${ms(now() - began)})`);
}

/** A Service is made, and gets an address from the pool. */
export async function createService(api: ApiUnderTest, world: World): Promise<string> {
  const workloads = new Workloads(api);
  const began = now();
  await workloads.createService({ ...SERVICE, externalTrafficPolicy: "Local", ports: [{ port: 80, targetPort: 8080 }] });
  await workloads.setEndpoints(SERVICE, world.workers.map(({ name, address }) => ({ ip: address, node: name })));
  const vip = await eventually("the Service has an address", 10_000, async () => (await workloads.addresses(SERVICE))[0]);
  observed(`Service ${SERVICE.namespace}/${SERVICE.name} has the address ${vip} in its status, ${ms(now() - began)} after it was created`);
  return vip;
}

/** The client on the segment fetches a page from whoever answers ARP. */
export async function fetchNear(world: World, members: readonly Member[], vip: string): Promise<string> {
  const page = await eventually("the client on the segment gets a page", 10_000, () => world.near.get(`http://${vip}/`));
  const owner = await eventually("the owner is in the client's neighbour cache", 2000, () => ownerOf(world, vip));
  expect(page.body === `Hello from ${owner}`, `the client on the segment fetched "${page.body}" in ${ms(page.ms)}; ARP says that ${owner} answers`, `"${page.body}", while ARP says ${owner}`);
  for (const { name, daemon } of members) {
    await eventually(`bmlb on ${name} knows the owner`, 3000, async () => {
      const reports = (await daemon.cli(["vips", "--json"])).json() as readonly VipReport[];
      const report = reports.find(({ address }) => address === vip);
      return report !== undefined && Object.values(report.owners).includes(owner) && report.answered_on.length === (name === owner ? 1 : 0);
    });
  }
  observed(`bmlb vips on both workers says so too`);
  return owner;
}

/** The router has a route through each worker, and the client behind it reaches both. */
export async function fetchFar(world: World, vip: string): Promise<void> {
  await twoRoutes(world, vip);
  const count = new Map<string, number>();
  let slowest = 0;
  for (let i = 0; i < 30; i++) {
    const page = await world.far.get(`http://${vip}/`);
    count.set(page.body, (count.get(page.body) ?? 0) + 1);
    slowest = Math.max(slowest, page.ms);
  }
  const counts = [...count].sort().map(([body, times]) => `${times} × "${body}"`);
  expect(count.size === world.workers.length, `the client behind the router fetched 30 pages: ${counts.join(", ")}; the slowest in ${ms(slowest)}`, counts.join(", "));
}

/** The router shows a route through each worker, in BGP and in its kernel. */
export async function twoRoutes(world: World, vip: string): Promise<void> {
  const wanted = world.workers.map(({ address }) => address).sort().join(" and ");
  await nextHops(world, vip, wanted, `the router has two equal-cost routes to ${vip}, via ${wanted}, in BGP and in its kernel`);
}

async function nextHops(world: World, vip: string, wanted: string, sentence: string): Promise<void> {
  const began = now();
  await eventually(`the router's next hops for ${vip} are ${wanted}`, 15_000, async () => {
    const paths = (await world.frr.paths(`${vip}/32`)).filter(({ used }) => used).flatMap((path) => path.nextHops);
    const [route] = await world.router.routes(vip);
    const kernel = route?.protocol === "bgp" ? route.nextHops.map(({ via }) => via) : [];
    if (paths.sort().join(" and ") === wanted && kernel.sort().join(" and ") === wanted) return true;
    throw new Error(`BGP has "${paths.join(" and ")}", the kernel "${kernel.join(" and ")}"`);
  });
  observed(`${sentence} (waited ${ms(now() - began)})`);
}

/** The owner's cable goes silent, both ends keeping their carrier; the other worker must take over. */
export async function cutOwner(world: World, vip: string, prober: Prober): Promise<string> {
  const cut = await eventually("somebody answers ARP", 2000, () => ownerOf(world, vip));
  const survivor = world.workers.find(({ name }) => name !== cut);
  const victim = world.workers.find(({ name }) => name === cut);
  if (survivor === undefined || victim === undefined) throw new Error("the demo has two workers");
  await prober.answering(5000);
  const cutAt = now();
  await victim.host.link(world.lan).cutSilently();
  remark(`${cut} is cut off: its frames vanish in the switch, it notices nothing`);
  const silence = await prober.recovered(cutAt, 15_000);
  expect(silence < WORST_SILENCE_MS, `${vip} answers again; the client, asking every 5 ms, saw ${ms(silence)} of silence`, `${ms(silence)} of silence`);
  const owner = await eventually("the other worker answers ARP", 3000, async () => ((await ownerOf(world, vip)) === survivor.name ? survivor.name : undefined));
  const page = await world.near.get(`http://${vip}/`);
  expect(page.body === `Hello from ${owner}`, `the page now says "${page.body}"`, `"${page.body}"`);
  await nextHops(world, vip, survivor.address, `the router goes to ${survivor.address} only`);
  const far = await world.far.get(`http://${vip}/`);
  expect(far.body === `Hello from ${owner}`, `the client behind the router fetched "${far.body}"`, `"${far.body}"`);
  return cut;
}

/** The cable is back: the routes are two again, and the client notices nothing, whichever of the two answers from now on. */
export async function restore(world: World, vip: string, prober: Prober, cut: string): Promise<void> {
  const restoredAt = now();
  await world.workers.find(({ name }) => name === cut)?.host.link(world.lan).restore();
  await twoRoutes(world, vip);
  const gaps = prober.events().filter((event) => event.event === "silent" && event.at > restoredAt);
  expect(gaps.length === 0, `${cut} is back; the client saw no gap, and ${await ownerOf(world, vip)} answers it`, `${gaps.length} gaps of more than 100 ms`);
}

/** The API server hangs: connections are accepted, nothing is ever answered. */
export async function freezeApi(api: ApiUnderTest, world: World, prober: Prober): Promise<void> {
  await api.fault("freeze");
  const ask = await world.workers[0]?.host.execToEnd(["curl", "--silent", "--insecure", "--max-time", "1", `${api.url}/livez`]);
  expect(ask?.status === 28, "the API server is frozen: a request from worker-1 got no answer in 1 s", `curl ended with status ${ask?.status}`);
  const last = prober.events().at(-1);
  expect(last?.event === "answering", "the address answers all the while", JSON.stringify(last));
}

/** The Service is deleted: nobody answers ARP any more and the router has no route. */
export async function deleteService(api: ApiUnderTest, world: World, vip: string, prober: Prober, proxies: Proxies): Promise<void> {
  const began = now();
  await new Workloads(api).deleteService(SERVICE);
  await proxies.forget();
  await nextHops(world, vip, "", `the router has no route to ${vip} any more`);
  await eventually("nobody answers ARP for it", 10_000, async () => {
    await world.near.host.execToEnd(["ip", "neigh", "flush", "to", vip]);
    await world.near.host.execToEnd(["ping", "-c", "1", "-W", "1", vip]);
    const entry = (await world.near.host.neighbours()).find(({ address }) => address === vip);
    return entry === undefined || entry.mac === undefined;
  });
  observed(`nobody answers ARP for ${vip} any more (seen ${ms(now() - began)} after the Service was deleted)`);
  const report = await prober.stop();
  remark(`the client asked ${report.probes} times in all: ${report.answers} answers, the median after ${ms(report.delayMs.median)}`);
}

/** The daemons are told to stop, and say good-bye to the router. */
export async function stopMembers(world: World, members: readonly Member[]): Promise<void> {
  const exits = await Promise.all(members.map(({ daemon }) => daemon.stop()));
  expect(exits.every(({ status }) => status === 0), "both daemons stopped with status 0", exits.map(({ status, signal }) => signal ?? String(status)).join(", "));
  const neighbors = (await world.frr.json("show bgp neighbors json")) as Readonly<Record<string, { readonly lastNotificationReason?: string } | undefined>>;
  const reasons = world.workers.map(({ address }) => neighbors[address]?.lastNotificationReason ?? "nothing");
  expect(reasons.every((reason) => reason.startsWith("Cease")), `the router heard from both: ${[...new Set(reasons)].join(", ")}`, reasons.join(", "));
}
