/**
 * `npm run demo`: one Service becomes an address that answers, keeps answering when things break, and goes when the Service goes. With the
 * bundle that ships, in network namespaces of this machine; nothing else of the machine is touched. Ends with status 1 if anything that
 * was observed is not as it should be.
 */
import { ensureBundle, Lab, now, whyNoLab } from "../lab/index.ts";
import { heading, ms, observed, remark, WrongObservation } from "./narrator.ts";
import { buildKubeProxy, startKubernetes, startProxies } from "./kubernetes.ts";
import * as steps from "./steps.ts";
import { buildWorld, startMember } from "./world.ts";

async function demonstrate(lab: Lab): Promise<void> {
  heading("A network is built: two workers, a client and a router on one segment, a client behind the router");
  const built = now();
  const world = await buildWorld(lab);
  const { api, description } = await startKubernetes(lab, world);
  for (const { name, address } of world.workers) await api.workloads.createNode(name, { ip: address });
  await api.workloads.createNamespace(steps.NAMESPACE);
  const proxies = await startProxies(lab, world, api);
  observed(`it stands after ${ms(now() - built)}: web servers on the workers, FRR on the router, an API server beside them`);
  remark(description);
  remark(proxies.description);

  heading("bmlb starts on both workers");
  const kubeconfig = await api.kubeconfig("bmlb", "certificate");
  const started = now();
  const members = await Promise.all(world.workers.map((worker) => startMember(lab, worker, kubeconfig)));
  for (const { name, daemon } of members) observed(`bmlb on ${name} told systemd READY after ${ms((await daemon.ready()) - started)}`);
  await steps.sessionsUp(world);

  heading("A Service of type LoadBalancer is created");
  const vip = await steps.createService(api, world);
  await proxies.serve(vip);
  const prober = await world.near.probe({ address: vip, port: 80 });
  await steps.fetchNear(world, members, vip);
  await steps.fetchFar(world, vip);

  heading("The worker that answers is cut off the network without warning");
  const first = await steps.cutOwner(world, vip, prober);
  await steps.restore(world, vip, prober, first);

  heading("The API server is frozen, and again the worker that answers is cut off");
  await steps.freezeApi(api, world, prober);
  const second = await steps.cutOwner(world, vip, prober);
  await steps.restore(world, vip, prober, second);
  await api.fault("none");
  observed("the API server is back");

  heading("The Service is deleted");
  await steps.deleteService(api, world, vip, prober, proxies);

  heading("bmlb is told to stop");
  await steps.stopMembers(world, members);
}

const impossible = whyNoLab();
if (impossible !== undefined) {
  console.error(`the demo cannot run here: ${impossible}`);
  process.exit(2);
}

let began = now();
let lab: Lab | undefined;
try {
  if (await ensureBundle()) console.log(`dist/ was built in ${ms(now() - began)}`);
  await buildKubeProxy();
  began = now();
  lab = await Lab.create("demo", { recording: true });
  await demonstrate(lab);
  console.log(`\nAll observations are as they should be. It took ${ms(now() - began)}.`);
} catch (error) {
  process.exitCode = 1;
  const message = error instanceof Error ? error.message : String(error);
  console.log(`         ✗ ${(error instanceof WrongObservation ? "" : "something failed: ") + message.replaceAll("\n", "\n           ")}`);
  if (lab !== undefined) console.log(`\nThe demo failed. Logs and captures are in ${await lab.keep()}`);
} finally {
  await lab?.[Symbol.asyncDispose]();
}
