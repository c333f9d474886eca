/** BFD against a real FRR. */
import assert from "node:assert/strict";
import { Bfdd, eventually, labTest, now, type Capture, type Host, type Lab, type Segment } from "../lab/index.ts";
import { FIRST_PACKET, bfdIn, forge } from "./packets.ts";
import { RemoteBfd } from "./remote-bfd.ts";

const HOST = { ipv4: "10.7.0.1", ipv6: "fd07::1" };
const ROUTER = { ipv4: "10.7.0.254", ipv6: "fd07::fe" };
const TIMERS = [" receive-interval 200", " transmit-interval 200"];
const BFDD = [`peer ${HOST.ipv4} interface eth0`, ...TIMERS, `peer ${HOST.ipv6} interface eth0 local-address ${ROUTER.ipv6}`, ...TIMERS];
const SESSIONS = [{ remote: ROUTER.ipv4 }, { peer: "six", remote: ROUTER.ipv6 }];

type World = { readonly lan: Segment; readonly host: Host; readonly router: Host; readonly capture: Capture; readonly bfdd: Bfdd; readonly bfd: RemoteBfd };

async function setUp(lab: Lab): Promise<World> {
  const lan = await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  const host = await lab.host("host", { lan: HOST });
  const router = await lab.router("router", { lan: ROUTER });
  const [capture, bfdd, bfd] = await Promise.all([lab.capture(lan, "udp port 3784"), Bfdd.start(router, BFDD), RemoteBfd.start(host)]);
  return { lan, host, router, capture, bfdd, bfd };
}

const sentBy = (capture: Capture, address: string) => bfdIn(capture.frames).filter(({ source }) => source === address);

labTest("sessions over IPv4 and IPv6 come up, and a link that is cut is noticed within the detection time", async (lab) => {
  const { host, router, capture, bfdd, bfd } = await setUp(lab);
  bfd.apply(...SESSIONS);
  const [four] = [await bfd.up(), await bfd.up("six")];
  assert.deepEqual([four.local, four.transmitMs, four.detectionMs, four.remoteState, four.problem], [HOST.ipv4, 200, 600, "up", undefined]);
  for (const address of [HOST.ipv4, HOST.ipv6]) await eventually(`FRR has ${address} up`, 3000, async () => (await bfdd.peer(address))?.status === "up");
  for (const address of [HOST.ipv4, HOST.ipv6]) {
    const sent = sentBy(capture, address);
    assert.ok(sent.length > 1 && sent.every(({ ttl, tos, destinationPort }) => ttl === 255 && tos === 0xc0 && destinationPort === 3784));
    assert.ok(new Set(sent.map(({ sourcePort }) => sourcePort)).size === 1 && sent.every(({ sourcePort }) => sourcePort >= 49_152), "one port of the right range for each session");
  }

  const from = bfd.process.lines.length;
  await router.link("lan").cutSilently();
  const cutAt = now();
  const down = await bfd.event("down", from);
  assert.ok(down.at - cutAt < 600 + 400, `${(down.at - cutAt).toFixed(0)} ms`);
  assert.deepEqual(down.event.type === "down" && [down.event.diagnostic, down.event.administrative], ["control detection time expired", false]);
  await bfd.says(/^<4>BFD with peer router is down: nothing was heard of it for the detection time peer=router/, from);
  const session = await bfd.session();
  assert.deepEqual([session.state, session.diagnostic, session.downs, session.remoteDiscriminator], ["down", "control detection time expired", 1, 0]);

  await router.link("lan").restore();
  assert.equal((await bfd.up()).ups, 2);

  // On the host's own side it is the same.
  const before = bfd.process.lines.length;
  await host.link("lan").down();
  await bfd.event("down", before);
});

labTest("another profile is agreed on by a Poll Sequence while the session goes on", async (lab) => {
  const { capture, bfdd, bfd } = await setUp(lab);
  bfd.apply(...SESSIONS);
  await bfd.up();
  await bfd.up("six");
  const unchanged = await bfd.session("six");
  await eventually("the first Poll Sequence is over", 3000, () => sentBy(capture, HOST.ipv4).at(-1)?.poll === false);
  const from = capture.frames.length;
  bfd.apply({ remote: ROUTER.ipv4, profile: { desiredMinTxMs: 400, requiredMinRxMs: 60, detectMult: 4 } }, ...SESSIONS.slice(1));
  await eventually("FRR has the new values", 3000, async () => {
    const peer = await bfdd.peer(HOST.ipv4);
    assert.deepEqual([peer?.status, peer?.["remote-transmit-interval"], peer?.["remote-receive-interval"], peer?.["remote-detect-multiplier"]], ["up", 400, 60, 4]);
    return true;
  });
  await eventually("we send at the slower rate", 3000, async () => (await bfd.session()).transmitMs === 400);
  const changed = sentBy(capture, HOST.ipv4).filter((packet) => packet.at >= (capture.frames[from]?.at ?? 0) && packet.transmit === 400 && !packet.final);
  assert.ok(changed[0]?.poll === true && changed[0].receive === 60, "the first packet that says it polls");
  await eventually("the Poll Sequence ends", 2000, () => sentBy(capture, HOST.ipv4).at(-1)?.poll === false);
  const final = bfdIn(capture.frames).find((packet) => packet.source === ROUTER.ipv4 && packet.final && packet.at >= (changed[0]?.at ?? 0));
  assert.ok(final !== undefined, "FRR answered it");
  const polls = changed.filter(({ poll }) => poll);
  assert.ok(polls.every(({ at }) => at <= final.at), "no Poll after the Final");
  const session = await bfd.session();
  assert.deepEqual([session.state, session.downs, session.ups], ["up", 0, 1]);
  const six = await bfd.session("six");
  assert.deepEqual([six.localDiscriminator, six.downs, six.transmitMs], [unchanged.localDiscriminator, 0, 200], "the other session was not touched");
  assert.equal(await bfdd.downs(HOST.ipv4), 0);
});

labTest("a peer that is switched off is no failure, one that dies is; our own stop is AdminDown at the peer", async (lab) => {
  const { capture, bfdd, bfd } = await setUp(lab);
  bfd.apply(...SESSIONS);
  await bfd.up();
  await bfd.up("six");
  const from = bfd.process.lines.length;
  await bfdd.vtysh("configure terminal", "bfd", `peer ${HOST.ipv4} interface eth0`, "shutdown");
  const off = await bfd.event("down", from);
  assert.deepEqual(off.event, { type: "down", peer: "router", diagnostic: "neighbor signaled session down", administrative: true });
  assert.match((await bfd.session()).problem ?? "", /switched off/);
  await bfdd.vtysh("configure terminal", "bfd", `peer ${HOST.ipv4} interface eth0`, "no shutdown");
  await bfd.up();

  // One of two is no longer wanted.
  bfd.apply(...SESSIONS.slice(1));
  await eventually("FRR knows that it is AdminDown", 2000, async () => (await bfdd.peer(HOST.ipv4))?.["remote-diagnostic"] === "administratively down");
  const last = sentBy(capture, HOST.ipv4).filter(({ state }) => state === "admin-down");
  assert.ok(last.length >= 1 && last.every(({ diagnostic, transmit }) => diagnostic === 7 && transmit >= 1000));
  assert.equal((await bfd.session("six")).downs, 0);

  bfd.apply(...SESSIONS);
  await bfd.up();
  const began = now();
  await bfd.stop();
  assert.ok(now() - began < 1500, "the stop took too long");
  for (const address of [HOST.ipv4, HOST.ipv6]) {
    assert.equal((await bfdd.peer(address))?.["remote-diagnostic"], "administratively down");
    assert.equal(sentBy(capture, address).at(-1)?.state, "admin-down");
  }
});

labTest("who dies without a word is found dead; nobody on the segment can bring a session down by pretending to be the peer", async (lab) => {
  const { router, bfdd, bfd } = await setUp(lab);
  bfd.apply(...SESSIONS);
  await bfd.up();
  const from = bfd.process.lines.length;
  await forge(router, ROUTER.ipv4, HOST.ipv4, FIRST_PACKET);
  await eventually("it is counted", 2000, async () => (await bfd.session()).packets.discarded === 1);
  assert.equal((await bfd.session()).state, "up");
  await bfdd.process.kill();
  const { event } = await bfd.event("down", from);
  assert.deepEqual(event, { type: "down", peer: "router", diagnostic: "control detection time expired", administrative: false });
});

labTest("while the main loop stands for more than two seconds nothing is sent, and afterwards all is well again", async (lab) => {
  const { bfdd, bfd } = await setUp(lab);
  bfd.apply(...SESSIONS);
  await bfd.up();
  await eventually("FRR has it up", 2000, async () => (await bfdd.peer(HOST.ipv4))?.status === "up");
  bfd.block(1500);
  await bfd.says(/^UNBLOCKED/);
  assert.equal(await bfdd.downs(HOST.ipv4), 0, "a shorter stop does no harm");
  bfd.block(3000);
  await eventually("FRR has it down", 5000, async () => (await bfdd.downs(HOST.ipv4)) === 1);
  await bfd.says(/^UNBLOCKED/, bfd.process.lines.length);
  await bfd.up();
});

labTest("FRR two hops away is watched, and only from as near as it may be", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  await lab.segment("far", { ipv4: "10.8.0.0/24", ipv6: "fd08::/64" });
  const host = await lab.host("host", { lan: { ...HOST, routes: ["10.8.0.0/24 via 10.7.0.2", "fd08::/64 via fd07::2"] } });
  const between = await lab.router("between", { lan: { ipv4: "10.7.0.2", ipv6: "fd07::2" }, far: { ipv4: "10.8.0.2", ipv6: "fd08::2" } });
  const router = await lab.router("router", { far: { ipv4: "10.8.0.254", ipv6: "fd08::fe", routes: ["10.7.0.0/24 via 10.8.0.2", "fd07::/64 via fd08::2"] } });
  const bfdd = await Bfdd.start(router, [`peer ${HOST.ipv4} multihop local-address 10.8.0.254`, ...TIMERS, `peer ${HOST.ipv6} multihop local-address fd08::fe`, ...TIMERS]);
  const bfd = await RemoteBfd.start(host);
  const far = { remote: "10.8.0.254", multihop: true };
  const six = { peer: "six", remote: "fd08::fe", multihop: true };
  bfd.apply(far, { ...six, profile: { minimumTtl: 255 } });
  assert.equal((await bfd.up()).local, HOST.ipv4);
  await eventually("FRR hears us, and answers", 3000, async () => (await bfdd.peer(HOST.ipv6))?.status === "init");
  const session = await bfd.session("six");
  assert.deepEqual([session.state, session.packets.received], ["down", 0], "one hop too many");
  bfd.apply(far, six);
  await bfd.up("six");
  assert.equal((await bfd.session()).downs, 0);
  const from = bfd.process.lines.length;
  await between.link("far").cutSilently();
  await bfd.event("down", from);
});

labTest("a session between link-local addresses", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  const host = await lab.host("host", { lan: { ...HOST, ipv6: "fe80::1/64" } });
  const router = await lab.router("router", { lan: { ...ROUTER, ipv6: "fe80::2/64" } });
  await Bfdd.start(router, ["peer fe80::1 local-address fe80::2 interface eth0", ...TIMERS]);
  const bfd = await RemoteBfd.start(host);
  bfd.apply({ remote: "fe80::2", local: "fe80::1", zone: "eth0" });
  await bfd.up();
  // The interface is another one when it comes back.
  const from = bfd.process.lines.length;
  await host.link("lan").remove();
  await bfd.event("down", from);
  await host.link("lan").create();
  await bfd.event("up", from);
});

labTest("beside another BFD daemon on the host there is one clear complaint, none of its packets is taken, and it works when that is gone", async (lab) => {
  const { host, bfdd, bfd } = await setUp(lab);
  const other = await Bfdd.start(host, [`peer ${ROUTER.ipv4} interface eth0`, ...TIMERS]);
  const isUp = async () => (await bfdd.peer(HOST.ipv4))?.status === "up";
  await eventually("the other daemon's session is up", 5000, isUp);
  bfd.apply(...SESSIONS);
  const began = now();
  await bfd.says(/^<3>no BFD: another program on this host, most likely a BFD daemon, has UDP port 3784: stop it .*bfdd=no/);
  const { problems, sessions } = await bfd.status();
  assert.equal(problems.length, 1);
  assert.ok(sessions.every(({ problem, state }) => problem === problems[0] && state === "down"));
  await eventually("the second attempt is over, and more than a detection time", 5000, () => now() - began > 1500);
  assert.deepEqual([await isUp(), await bfdd.downs(HOST.ipv4)], [true, 0], "the other daemon lost packets");
  await other.process.stop();
  await bfd.up();
  await bfd.up("six");
  assert.deepEqual((await bfd.status()).problems, []);
  assert.equal(bfd.process.lines.filter(({ text }) => text.startsWith("<3>")).length, 1);
});

labTest("echo packets that the router returns watch the path, and control packets come but once a second", async (lab) => {
  const { lan, host, router, bfdd, bfd } = await setUp(lab);
  const echoes = await lab.capture(lan, "udp port 3785");
  const wanted = { remote: ROUTER.ipv4, profile: { echoMs: 100, detectMult: 5 } };
  bfd.apply(wanted);
  const session = await eventually("echo packets come back", 5000, async () => {
    const now = await bfd.session();
    return now.echoMs === undefined ? undefined : now;
  });
  assert.deepEqual([session.state, session.echoMs, session.problem], ["up", 100, undefined]);
  await eventually("FRR sends less often", 5000, async () => (await bfdd.peer(HOST.ipv4))?.["remote-receive-interval"] === 1000 && (await bfd.session()).detectionMs === 3000);
  const sent = await eventually("there are some", 2000, () => {
    const ours = echoes.frames.filter(({ source }) => source === host.link("lan").mac);
    return ours.length > 5 ? ours : undefined;
  });
  assert.ok(sent.every(({ payload }) => payload.type === "ipv4" && payload.source === HOST.ipv4 && payload.destination === HOST.ipv4));

  // The router lives and its control packets come, but it forwards no longer.
  const from = bfd.process.lines.length;
  await router.exec(["sysctl", "-qw", "net.ipv4.ip_forward=0"]);
  const stoppedAt = now();
  const down = await bfd.event("down", from);
  assert.ok(down.at - stoppedAt < 5 * 100 + 400, `${(down.at - stoppedAt).toFixed(0)} ms`);
  assert.deepEqual(down.event.type === "down" && [down.event.diagnostic, down.event.administrative], ["echo function failed", false]);
  // Then control packets alone watch it, as fast as the profile says.
  await eventually("it is up without echo", 5000, async () => {
    const { state, echoMs, detectionMs, problem } = await bfd.session();
    return state === "up" && echoMs === undefined && detectionMs === 600 && /have not come back yet/.test(problem ?? "");
  });
  await router.exec(["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  await eventually("echo packets come back", 5000, async () => (await bfd.session()).echoMs === 100);
  assert.equal((await bfd.session()).downs, 1);
  bfd.apply({ ...wanted, profile: {} });
  await eventually("there are none any more", 5000, async () => {
    const { state, echoMs, detectionMs } = await bfd.session();
    return state === "up" && echoMs === undefined && detectionMs === 600;
  });
  assert.equal((await bfd.session()).downs, 1);
});
