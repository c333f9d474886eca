/** The whole daemon on a segment: who answers ARP and Neighbor Discovery, and with which frames. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually, Fleet, labTest, now, run, type Frame, type NeighborMessage } from "../lab/index.ts";
import { answerers, soleAnswerer } from "./answers.ts";

labTest("of two hosts exactly one answers for a VIP, IPv4 by ARP and IPv6 by NDP, and a client fetches pages from both", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1", "worker-2"]);
  const capture = await lab.capture(fleet.lan, "arp or icmp6");
  const four = await fleet.serve("four");
  const six = await fleet.serve("six", { ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" });
  assert.match(four, /^10\.7\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+$/);
  assert.match(six, /^fd07::64:/);
  for (const vip of [four, six]) {
    const owner = await soleAnswerer(fleet, capture, vip);
    assert.equal((await fleet.client.get(`http://${vip.includes(":") ? `[${vip}]` : vip}/`)).body, "from a pod");
    for (const member of fleet.members) {
      const report = await fleet.vip(member, vip);
      assert.deepEqual(report?.answered_on, member.name === owner.name ? ["eth0"] : []);
      assert.deepEqual(report.owners, { eth0: owner.name });
    }
  }
});

labTest("a VIP is claimed with a gratuitous ARP request and reply, or an unsolicited Neighbor Advertisement, that every system believes", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const capture = await lab.capture(fleet.lan, "arp or icmp6");
  const { mac } = fleet.member().host.link(fleet.lan);
  const four = await fleet.serve("four");
  const six = await fleet.serve("six", { ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" });

  const gratuitous = (operation: number) => ({ payload }: Frame): boolean =>
    payload.type === "arp" && payload.operation === operation && payload.senderAddress === four && payload.targetAddress === four;
  for (const [operation, targetMac] of [
    [1, "00:00:00:00:00:00"],
    [2, mac],
  ] as const) {
    const frame = await capture.waitFor(`${four} is announced by operation ${operation}`, 5000, gratuitous(operation));
    assert.equal(frame.destination, "ff:ff:ff:ff:ff:ff");
    assert.equal(frame.source, mac);
    assert.deepEqual(frame.payload, { type: "arp", operation, senderMac: mac, senderAddress: four, targetMac, targetAddress: four });
  }

  const frame = await capture.waitFor(`${six} is announced`, 5000, ({ payload }) => payload.type === "advertisement" && payload.target === six && payload.destination === "ff02::1");
  assert.equal(frame.source, mac);
  assert.equal(frame.destination, "33:33:00:00:00:01");
  const { flags, hopLimit, linkLayerAddress } = frame.payload as NeighborMessage;
  assert.deepEqual({ flags, hopLimit, linkLayerAddress }, { flags: { r: true, s: false, o: true }, hopLimit: 255, linkLayerAddress: mac }); // the host forwards: R
});

labTest("an answer for a VIP is the answer that the host's kernel gives for its own address", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const member = fleet.member();
  const capture = await lab.capture(fleet.lan, "arp or icmp6");
  const four = await fleet.serve("four");
  const six = await fleet.serve("six", { ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" });
  for (const address of [four, member.ipv4, six, member.ipv6]) await fleet.owner(address);

  const arp = (address: string) =>
    capture.waitFor(`${address} is answered`, 5000, ({ payload }) => payload.type === "arp" && payload.operation === 2 && payload.senderAddress === address && payload.targetAddress !== address);
  assert.equal((await arp(four)).bytes.toString("hex"), (await arp(member.ipv4)).bytes.toString("hex").replaceAll(hexOf(member.ipv4), hexOf(four)));

  const nd = (address: string) => capture.waitFor(`${address} is answered`, 5000, ({ payload }) => payload.type === "advertisement" && payload.target === address && payload.flags.s);
  const [ours, kernels] = [await nd(six), await nd(member.ipv6)];
  const { target, source, ...rest } = ours.payload as NeighborMessage;
  const { target: kernelTarget, source: kernelSource, ...kernelRest } = kernels.payload as NeighborMessage;
  assert.deepEqual(rest, kernelRest);
  assert.deepEqual([target, source], [six, kernelSource === kernelTarget ? six : source]);
  assert.equal(ours.bytes.length, kernels.bytes.length);
});

labTest("nobody answers any more for the VIP of a Service that was deleted, or that is no LoadBalancer any more", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1", "worker-2"]);
  const capture = await lab.capture(fleet.lan, "arp or icmp6");
  const deleted = await fleet.serve("deleted");
  const changed = await fleet.serve("changed");
  for (const vip of [deleted, changed]) await soleAnswerer(fleet, capture, vip);
  await fleet.api.workloads.deleteService({ name: "deleted" });
  await fleet.api.workloads.patchService({ name: "changed" }, { spec: { type: "ClusterIP" } });
  for (const vip of [deleted, changed]) await eventually(`nobody answers for ${vip}`, 10_000, async () => (await answerers(fleet, capture, vip)).length === 0);
  const [own] = [fleet.member().ipv4];
  assert.deepEqual(await answerers(fleet, capture, own), ["worker-1"], "the question itself is sound");
});

labTest("a stranger who uses a VIP as his own leads a client astray for a moment only, is answered with one frame, and is named", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const stranger = await lab.host("stranger", { lan: { ipv4: "10.7.0.66" } });
  const capture = await lab.capture(fleet.lan, "arp");
  const vip = await fleet.serve("web");
  const announcements = (): number => capture.frames.filter(({ source, payload }) => source === fleet.member().host.link(fleet.lan).mac && payload.type === "arp" && payload.senderAddress === vip && payload.targetAddress === vip).length;
  await eventually("the claim has been announced five times in both forms", 10_000, () => announcements() === 10);
  await stranger.exec(["ip", "address", "add", `${vip}/32`, "dev", "eth0"]);
  // Its kernel asks for the client in the VIP's name: no claim, but the client's cache takes it for one.
  await stranger.execToEnd(["ping", "-c", "1", "-W", "0.3", "-I", vip, fleet.client.host.link(fleet.lan).ipv4 ?? ""]);
  const { mac } = stranger.link(fleet.lan);
  const cached = async () => (await fleet.client.host.neighbours()).find(({ address }) => address === vip)?.mac;
  assert.equal(await cached(), mac);
  await eventually("the client is led back", 4000, async () => (await fleet.cached(vip))?.name === "worker-1");
  await sleep(1500); // in which a claim would have been announced twice more
  assert.equal(announcements(), 11);
  const sentence = `${vip} is used on eth0 by ${mac}, which is no host of the fleet`;
  await fleet.member().daemon.waitForLog(new RegExp(sentence));
  await eventually("an Event of the Service says so", 5000, async () => {
    const { body } = await fleet.api.request("GET", "/apis/events.k8s.io/v1/namespaces/default/events");
    return (body as { readonly items: readonly { readonly note: string; readonly regarding: { readonly name: string } }[] }).items.some(({ note, regarding }) => note === sentence && regarding.name === "web");
  });
});

labTest("a host that has lost every address on its interface is not heard any more, and does not answer beside its successor", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1", "worker-2"]);
  const capture = await lab.capture(fleet.lan, "arp or icmp6");
  const vip = await fleet.serve("web");
  const owner = await soleAnswerer(fleet, capture, vip);
  await owner.host.exec(["ip", "address", "flush", "dev", "eth0"]);
  await owner.daemon.waitForLog(/rank 0 on eth0: interface eth0 is down, or has no address to say hello from/);
  const [heir] = fleet.others(owner);
  await eventually(`${heir?.name ?? ""} answers alone`, 10_000, async () => (await soleAnswerer(fleet, capture, vip)).name === heir?.name);
  const restored = owner.daemon.log().length;
  await owner.host.link(fleet.lan).up();
  await owner.daemon.waitForLog(/hears (again )?worker-/, 10_000, restored);
  await soleAnswerer(fleet, capture, vip);
});

labTest("a second interface on the same segment changes nothing about who answers, and no VIP moves for it", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1", "worker-2"]);
  const capture = await lab.capture(fleet.lan, "arp or icmp6");
  const vip = await fleet.serve("web");
  const owner = await soleAnswerer(fleet, capture, vip);
  const port = fleet.lan.newPort();
  await run(["ip", "link", "add", "eth1", "netns", owner.host.namespace, "type", "veth", "peer", "name", port, "netns", fleet.lan.namespace]);
  await run(["ip", "-n", fleet.lan.namespace, "link", "set", port, "master", fleet.lan.interface, "up"]);
  await owner.host.exec(["ip", "link", "set", "eth1", "up"]);
  await owner.daemon.waitForLog(/eth1 and eth0 are one segment; only eth0 is used/);
  assert.equal((await soleAnswerer(fleet, capture, vip)).name, owner.name);
  const [other] = fleet.others(owner);
  const from = other?.daemon.log().length ?? 0;
  for (let look = 0; look < 3; look++) assert.deepEqual(await answerers(fleet, capture, vip), [owner.name]);
  assert.deepEqual(other?.daemon.log().slice(from).filter(({ text }) => text.includes("took ")), []);
});

labTest("a macvlan on the interface is the same segment once more: the host answers with one MAC", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1", "worker-2"]);
  const capture = await lab.capture(fleet.lan, "arp or icmp6");
  const vip = await fleet.serve("web");
  const owner = await soleAnswerer(fleet, capture, vip);
  const made = await owner.host.execToEnd(["ip", "link", "add", "shim0", "link", "eth0", "type", "macvlan", "mode", "bridge"]);
  if (made.status !== 0) return; // this kernel has no macvlan
  await owner.host.exec(["ip", "link", "set", "shim0", "up"]);
  await eventually("it is up", 5000, async () => (await owner.host.exec(["ip", "-6", "address", "show", "dev", "shim0", "scope", "link"])).includes("fe80:"));
  // Each look takes longer than a host needs to claim what nobody seems to serve.
  for (let look = 0; look < 3; look++) assert.deepEqual(await answerers(fleet, capture, vip), [owner.name]);
});

for (const [what, damage] of [
  ["goes down and up", async (fleet: Fleet) => {
    const link = fleet.member().host.link(fleet.lan);
    await link.down();
    await link.up();
  }],
  ["is deleted and made again", async (fleet: Fleet) => {
    const link = fleet.member().host.link(fleet.lan);
    await link.remove();
    await link.create();
  }],
  ["loses its carrier and gets it back", async (fleet: Fleet) => {
    const link = fleet.member().host.link(fleet.lan);
    await link.cut();
    await link.restore();
  }],
] as const) {
  labTest(`a host answers for its VIPs again after its interface ${what}`, async (lab) => {
    const fleet = await Fleet.start(lab, ["worker-1"]);
    const four = await fleet.serve("four");
    const six = await fleet.serve("six", { ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" });
    for (const vip of [four, six]) await fleet.owner(vip);
    const damagedAt = now();
    await damage(fleet);
    for (const vip of [four, six]) assert.equal((await fleet.owner(vip)).name, "worker-1");
    assert.equal(fleet.member().daemon.process.exit, undefined);
    assert.ok(now() - damagedAt < 20_000);
  });
}

function hexOf(ipv4: string): string {
  return Buffer.from(ipv4.split(".").map(Number)).toString("hex");
}
