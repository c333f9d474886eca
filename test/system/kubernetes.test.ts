/** The whole daemon without its API server: what works goes on working, fails over, and starts. */
import assert from "node:assert/strict";
import type { Fault } from "../kube/api-under-test.ts";
import { Fleet, labTest, now } from "../lab/index.ts";
import { soleAnswerer } from "./answers.ts";

for (const fault of ["freeze", "refuse", "reset", 503, "silent-watch"] as const satisfies readonly Fault[]) {
  labTest(`with the API in the state "${fault}" every VIP stays, fails over, and a new Service is served after it`, async (lab) => {
    const fleet = await Fleet.start(lab, ["worker-1", "worker-2"]);
    const capture = await lab.capture(fleet.lan, "arp or icmp6");
    const vip = await fleet.serve("web");
    const owner = await soleAnswerer(fleet, capture, vip);
    const prober = await fleet.client.probe({ address: vip, port: 80 });
    await prober.answering(5000);

    await fleet.api.fault(fault);
    const cutAt = now();
    await owner.host.link(fleet.lan).cutSilently();
    const silence = await prober.recovered(cutAt, 15_000);
    assert.ok(silence < 1500, `${silence.toFixed(0)} ms of silence`);
    const heir = await soleAnswerer(fleet, capture, vip);
    assert.notEqual(heir.name, owner.name);
    await prober.stop();

    await fleet.api.fault("none");
    await owner.host.link(fleet.lan).restore();
    if (fault === "silent-watch") await fleet.api.endWatches();
    await soleAnswerer(fleet, capture, await fleet.serve("later"), 60_000);
    await soleAnswerer(fleet, capture, vip); // either, after a split that neither side could know of
  }, { timeoutMs: 120_000 });
}

labTest("a daemon that starts while the API refuses serves from its cache on disk, and says so", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const vip = await fleet.serve("web");
  await fleet.owner(vip);
  await fleet.kept(fleet.member(), vip);
  await fleet.api.fault("refuse");
  await fleet.member().daemon.kill();
  const member = await fleet.restart("worker-1");
  await member.daemon.ready();
  assert.equal((await fleet.owner(vip)).name, "worker-1");
  const status = (await member.daemon.cli(["status", "--json"])).json() as { readonly kubernetes: { readonly view: string } };
  assert.equal(status.kubernetes.view, "cache");
});

labTest("a daemon that starts without API and without cache is ready, serves nothing, and serves when the API comes", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const vip = await fleet.serve("web");
  await fleet.member().daemon.kill();
  await fleet.member().host.exec(["rm", "-rf", fleet.member().host.path("state")]);
  await fleet.api.fault("freeze");
  const member = await fleet.restart("worker-1");
  await member.daemon.ready();
  assert.deepEqual((await member.daemon.cli(["vips", "--json"])).json(), []);
  await fleet.api.fault("none");
  assert.equal((await fleet.owner(vip, 60_000)).name, "worker-1");
}, { timeoutMs: 120_000 });

labTest("the address that a Service has is the one that it keeps over a restart of every host", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1", "worker-2"]);
  const vips = [await fleet.serve("one"), await fleet.serve("two")];
  for (const { daemon } of fleet.members) await daemon.kill();
  for (const { name } of fleet.members) await (await fleet.restart(name)).daemon.ready();
  for (const vip of vips) await fleet.owner(vip);
  assert.deepEqual([...(await fleet.api.workloads.addresses({ name: "one" })), ...(await fleet.api.workloads.addresses({ name: "two" }))], vips);
});

labTest("Services of another class, and those that are no LoadBalancer, are left alone", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  await fleet.api.workloads.createService({ name: "foreign", loadBalancerClass: "example.com/other" });
  await fleet.api.workloads.createService({ name: "inner", type: "ClusterIP" });
  await fleet.serve("ours"); // by the time that this one has its address the others could have had theirs
  for (const name of ["foreign", "inner"]) assert.deepEqual(await fleet.api.workloads.addresses({ name }), []);
});
