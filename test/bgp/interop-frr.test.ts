/** The speaker against a real FRR. */
import assert from "node:assert/strict";
import { address } from "../../src/net/index.ts";
import { eventually, labTest, type Frr, type FrrNeighbor, type Lab } from "../lab/index.ts";
import { RemoteSpeaker } from "./remote-speaker.ts";

const HOST = { ipv4: "10.7.0.1", ipv6: "fd07::1" };
const ROUTER = { ipv4: "10.7.0.254", ipv6: "fd07::fe" };
const VIPS = ["10.9.9.9", "10.9.9.10", "fd09::9"];

async function setUp(lab: Lab, neighbor: Partial<FrrNeighbor> = {}, settings: readonly string[] = []): Promise<{ frr: Frr; speaker: RemoteSpeaker }> {
  await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  const host = await lab.host("host", { lan: HOST });
  const router = await lab.router("router", { lan: ROUTER });
  const frr = await lab.frr(router, {
    asn: 64501,
    routerId: "10.7.0.254",
    neighbors: [{ address: HOST.ipv4, asn: 64500, families: ["ipv4", "ipv6"], ...neighbor }],
    settings,
  });
  return { frr, speaker: await RemoteSpeaker.start(host, "10.7.0.1") };
}

const hops = async (frr: Frr, prefix: string) => (await frr.paths(prefix)).flatMap(({ nextHops }) => nextHops);

labTest("FRR gets IPv4 and IPv6 over one session, sees them change, and loses what is withdrawn", async (lab) => {
  const { frr, speaker } = await setUp(lab);
  const peers = [{ address: address(ROUTER.ipv4) }];
  speaker.apply({ peers, vips: VIPS });
  const up = await speaker.established();
  assert.equal(up.negotiated?.remoteAsn, 64501);
  await eventually("all are there", 5000, async () => {
    assert.deepEqual(await hops(frr, "10.9.9.9/32"), ["10.7.0.1"]);
    assert.deepEqual(await hops(frr, "10.9.9.10/32"), ["10.7.0.1"]);
    assert.deepEqual(await hops(frr, "fd09::9/128"), ["fd07::1"]);
    return true;
  });
  const communities = [{ type: "standard", value: 64500 * 65536 + 100 }, { type: "large", global: 64500, local1: 1, local2: 2 }, { type: "route-target", asn: 64500, value: 7 }] as const;
  speaker.apply({ peers, vips: ["10.9.9.9", "fd09::9"], attributes: { med: 50, prepend: 2, communities } });
  const shown = await eventually("the change is there", 5000, async () => {
    const route = (await frr.json("show bgp ipv4 unicast 10.9.9.9/32 json")) as { paths: { metric?: number; aspath: { string: string }; community?: { string: string }; largeCommunity?: { string: string }; extendedCommunity?: { string: string } }[] };
    return route.paths[0]?.metric === 50 ? route.paths[0] : undefined;
  });
  assert.equal(shown.aspath.string, "64500 64500 64500");
  assert.equal(shown.community?.string, "64500:100 no-llgr", "FRR keeps routes long after a restart (RFC 9494)");
  assert.equal(shown.largeCommunity?.string, "64500:1:2");
  assert.equal(shown.extendedCommunity?.string, "RT:64500:7");
  await eventually("the withdrawn one is gone", 5000, async () => (await hops(frr, "10.9.9.10/32")).length === 0);
  assert.equal((await speaker.peer()).establishments, 1, "nothing was reset");
  assert.deepEqual((await speaker.peer()).families.ipv4.announced, 1);
});

labTest("FRR shows the text of our last NOTIFICATION, and has no route left", async (lab) => {
  const { frr, speaker } = await setUp(lab);
  speaker.apply({ peers: [{ address: address(ROUTER.ipv4) }], vips: VIPS });
  await speaker.established();
  await eventually("the route is there", 5000, async () => (await hops(frr, "10.9.9.9/32")).length === 1);
  await speaker.stop("edge-1 is being drained, back in 5 minutes");
  await frr.bgpd.waitForLine(/NOTIFICATION: received from neighbor 10\.7\.0\.1 6\/2 .* "edge-1 is being drained, back in 5 minutes"/, 5000);
  await eventually("no route is left", 2000, async () => (await hops(frr, "10.9.9.9/32")).length === 0);
});

labTest("over IPv6, FRR gets both families; nothing is announced before the view is complete", async (lab) => {
  const { frr, speaker } = await setUp(lab, { address: HOST.ipv6 });
  const peers = [{ address: address(ROUTER.ipv6) }];
  speaker.apply({ peers, vips: VIPS, complete: false });
  await speaker.established();
  assert.deepEqual(await hops(frr, "10.9.9.9/32"), []);
  speaker.apply({ peers, vips: VIPS, complete: true });
  await eventually("all are there", 5000, async () => {
    assert.deepEqual(await hops(frr, "10.9.9.9/32"), ["10.7.0.1"]);
    assert.deepEqual(await hops(frr, "fd09::9/128"), ["fd07::1"]);
    return true;
  });
});

labTest("FRR with extended next hops routes IPv4 by IPv6, also in its kernel, on a link without IPv4", async (lab) => {
  await lab.segment("lan", { ipv6: "fd07::/64" });
  const host = await lab.host("host", { lan: { ipv6: HOST.ipv6 } });
  const router = await lab.router("router", { lan: { ipv6: ROUTER.ipv6 } });
  await lab.frr(router, {
    asn: 64501,
    routerId: "10.7.0.254",
    neighbors: [{ address: HOST.ipv6, asn: 64500, families: ["ipv4", "ipv6"], settings: ["capability extended-nexthop"] }],
  });
  const speaker = await RemoteSpeaker.start(host, "10.7.0.1");
  const peers = [{ address: address(ROUTER.ipv6) }];
  speaker.apply({ peers, vips: VIPS });
  await speaker.established();
  const installed = async () => await router.exec(["ip", "route", "show", "10.9.9.9"]);
  await eventually("its kernel has the route", 5000, async () => /^10\.9\.9\.9 .*via inet6 fe80::/.test(await installed()));
  speaker.apply({ peers, vips: ["10.9.9.10"] });
  await eventually("its kernel has lost it", 5000, async () => (await installed()) === "");
  assert.equal((await speaker.peer()).establishments, 1);
});

for (const [what, neighbor, peer, sentence] of [
  ["another AS for us", { asn: 64999 }, {}, /peer router refused our AS 64500: .* \(OPEN error, bad peer AS\) .*sent_by=peer code=2 subcode=2/],
  ["another AS than we expect", {}, { asn: 64777 }, /refused peer router: .* AS 64501, not 64777; .* \(OPEN error, bad peer AS\) .*sent_by=us code=2 subcode=2/],
  ["no such neighbor", { address: "10.7.0.77" }, {}, /peer router (closed the connection without a word|does not accept|closed the session)/],
  ["another role than ours goes with", { settings: ["local-role peer"] }, { role: "customer" }, /(refused peer router: it says that it is peer, and to our role customer it must be provider|peer router refused our role customer)[:;] .* \(OPEN error, role mismatch\) .*code=2 subcode=11/],
  ["another password", { settings: ["password one"] }, { password: "two" }, /no answer from peer router .*has the password of password_file/],
  ["no password", {}, { password: "two" }, /no answer from peer router .*has the password of password_file/],
] as const) {
  labTest(`a router with ${what} gives one line that says what to do`, async (lab) => {
    const { speaker } = await setUp(lab, neighbor);
    speaker.apply({ peers: [{ address: address(ROUTER.ipv4), ...peer }], vips: VIPS });
    await speaker.says(sentence);
    const { lastError, state } = await speaker.peer();
    assert.match(lastError?.text ?? "", /router/);
    assert.notEqual(state, "Established");
    // A second attempt fails alike and is no news.
    await eventually("it was tried again", 10_000, async () => (await speaker.peer()).lastError !== undefined && (await speaker.peer()).messages.sent.OPEN !== 1);
    assert.equal(speaker.process.lines.filter(({ text }) => text.startsWith("<4>") && sentence.test(text)).length, 1);
  });
}

for (const [what, settings, peer] of [
  ["the right TCP MD5 password", ["password secret"], { password: "secret" }],
  ["TTL security on both sides", ["ttl-security hops 1"], { ttlSecurity: true }],
  ["both", ["password secret", "ttl-security hops 1"], { password: "secret", ttlSecurity: true }],
  ["a four-octet AS of ours", [], { localAsn: 4_200_000_001 }],
  ["a hold time of three seconds that is kept", [], { holdTimeMs: 3000, keepaliveTimeMs: 1000 }],
  ["an internal peer", [], { localAsn: 64501, asn: "internal" }],
] as const) {
  labTest(`FRR and ${what}: the session comes up and carries routes`, async (lab) => {
    const { frr, speaker } = await setUp(lab, { settings, asn: "localAsn" in peer ? peer.localAsn : 64500 });
    speaker.apply({ peers: [{ address: address(ROUTER.ipv4), ...peer }], vips: VIPS });
    const { negotiated } = await speaker.established();
    await eventually("the route is there", 5000, async () => (await hops(frr, "10.9.9.9/32")).length === 1);
    assert.equal(negotiated?.holdMs, "holdTimeMs" in peer ? 3000 : 90_000);
  });
}

labTest("FRR as our peer by role has our routes marked to go only to customers", async (lab) => {
  const { frr, speaker } = await setUp(lab, { settings: ["local-role peer", "local-role peer strict-mode"] });
  speaker.apply({ peers: [{ address: address(ROUTER.ipv4), role: "peer" }], vips: VIPS });
  assert.equal((await speaker.established()).negotiated?.remoteRole, "peer");
  await eventually("the route is there with its mark", 5000, async () => /otc 64500/i.test(await frr.vtysh("show bgp ipv4 unicast 10.9.9.9/32")));
});

labTest("FRR weighs two hosts in its kernel by the link bandwidth that they announce, and follows when it changes", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24" });
  const hosts = [await lab.host("one", { lan: { ipv4: "10.7.0.1" } }), await lab.host("two", { lan: { ipv4: "10.7.0.2" } })];
  const router = await lab.router("router", { lan: { ipv4: ROUTER.ipv4 } });
  const frr = await lab.frr(router, {
    asn: 64501,
    routerId: "10.7.0.254",
    neighbors: [{ address: "10.7.0.1", asn: 64500 }, { address: "10.7.0.2", asn: 64502 }],
    settings: ["bgp bestpath as-path multipath-relax"],
  });
  const speakers = await Promise.all(hosts.map(async (host, i) => await RemoteSpeaker.start(host, `10.7.0.${i + 1}`)));
  const announce = (which: 0 | 1, endpoints: number): void => {
    const linkBandwidth = { octetsPerSecond: endpoints * 125_000, transitive: which === 0 };
    speakers[which]?.apply({ peers: [{ address: address(ROUTER.ipv4), localAsn: [64500, 64502][which] ?? 0 }], vips: ["10.9.9.9"], attributes: { linkBandwidth } });
  };
  /** Share of each next hop, in per cent. */
  const shares = async (): Promise<Readonly<Record<string, number>>> => {
    const [route] = JSON.parse(await router.exec(["ip", "-j", "route", "show", "10.9.9.9"])) as { nexthops?: { gateway: string; weight: number }[] }[];
    const all = route?.nexthops ?? [];
    const sum = all.reduce((total, { weight }) => total + weight, 0);
    return Object.fromEntries(all.map(({ gateway, weight }) => [gateway, Math.round((100 * weight) / sum)]));
  };
  const until = async (expected: Readonly<Record<string, number>>): Promise<void> => {
    await eventually(`the shares are ${JSON.stringify(expected)}`, 5000, async () => {
      assert.deepEqual(await shares(), expected);
      return true;
    });
  };
  announce(0, 1);
  announce(1, 3);
  await until({ "10.7.0.1": 25, "10.7.0.2": 75 });
  const shown = await frr.vtysh("show bgp ipv4 unicast 10.9.9.9/32");
  for (const worth of ["LB:64500:125000 (1.000 Mbps)", "LB:64502:375000 (3.000 Mbps)"]) assert.ok(shown.includes(worth), shown);
  announce(0, 9);
  await until({ "10.7.0.1": 75, "10.7.0.2": 25 });
  assert.deepEqual(await Promise.all(speakers.map(async (speaker) => (await speaker.peer()).establishments)), [1, 1]);
});

labTest("a router without TTL security gets no session, and the status says what to look at", async (lab) => {
  const { speaker } = await setUp(lab);
  speaker.apply({ peers: [{ address: address(ROUTER.ipv4), ttlSecurity: true }], vips: VIPS });
  const notes = await eventually("the status has a note", 10_000, async () => (await speaker.peer()).notes[0]);
  assert.match(notes, /no OPEN arrives: .* that ttl_security is on at both ends/);
  assert.equal((await speaker.peer()).state, "OpenSent");
});

labTest("FRR opens the session to us, with a password, and both sides dialling end with one session", async (lab) => {
  const { frr, speaker } = await setUp(lab, { settings: ["password secret"] });
  const listen = [{ address: address("10.7.0.1"), port: 179 }];
  const peers = [{ address: address(ROUTER.ipv4), password: "secret", passive: true }];
  speaker.apply({ peers, vips: VIPS, listen });
  assert.equal((await speaker.established()).openedBy, "peer");
  await eventually("the route is there", 5000, async () => (await hops(frr, "10.9.9.9/32")).length === 1);
  speaker.apply({ peers: [{ address: address(ROUTER.ipv4), password: "secret" }], vips: VIPS, listen });
  await eventually("it is up again", 15_000, async () => (await speaker.peer()).state === "Established" && (await frr.session(HOST.ipv4)) === "Established");
  await eventually("the route is there", 5000, async () => (await hops(frr, "10.9.9.9/32")).length === 1);
});

labTest("a route refresh that FRR asks for is answered with everything", async (lab) => {
  const { frr, speaker } = await setUp(lab);
  speaker.apply({ peers: [{ address: address(ROUTER.ipv4) }], vips: VIPS });
  await speaker.established();
  await eventually("the route is there", 5000, async () => (await hops(frr, "10.9.9.9/32")).length === 1);
  const before = (await speaker.peer()).messages;
  await frr.vtysh("clear bgp ipv4 unicast 10.7.0.1 soft in");
  await eventually("it is sent again", 5000, async () => (await speaker.peer()).messages.sent.UPDATE > before.sent.UPDATE);
  const after = (await speaker.peer()).messages;
  assert.equal(after.received["ROUTE-REFRESH"] - before.received["ROUTE-REFRESH"], 1);
  assert.deepEqual(await hops(frr, "10.9.9.9/32"), ["10.7.0.1"]);
  assert.equal((await speaker.peer()).state, "Established");
});

labTest("a router that goes away and comes back has the routes again", async (lab) => {
  const { frr, speaker } = await setUp(lab);
  speaker.apply({ peers: [{ address: address(ROUTER.ipv4) }], vips: VIPS });
  await speaker.established();
  await frr.vtysh("clear bgp *");
  await speaker.says(/peer router closed the session \(cease, administrative reset\)/);
  await speaker.established();
  await eventually("the route is there", 10_000, async () => (await hops(frr, "10.9.9.9/32")).length === 1);
});

labTest("FRR and a session between link-local addresses: both families have next hops", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  const host = await lab.host("host", { lan: HOST });
  const router = await lab.router("router", { lan: ROUTER });
  const [ours, theirs] = [linkLocal(host.link("lan").mac), linkLocal(router.link("lan").mac)];
  const frr = await lab.frr(router, {
    asn: 64501,
    routerId: "10.7.0.254",
    neighbors: [{ address: ours, asn: 64500, families: ["ipv4", "ipv6"], settings: ["interface eth0"] }],
  });
  const speaker = await RemoteSpeaker.start(host, "10.7.0.1");
  speaker.apply({ peers: [{ address: address(theirs), zone: "eth0" }], vips: VIPS });
  await speaker.established();
  await eventually("all are there", 5000, async () => {
    assert.deepEqual(await hops(frr, "10.9.9.9/32"), ["10.7.0.1"]);
    assert.deepEqual(await hops(frr, "fd09::9/128"), ["fd07::1"]);
    return true;
  });
  assert.equal((await speaker.peer()).families.ipv6.nextHop, `fd07::1 ${ours}`);
});

labTest("FRR two hops away is reached with multihop, and not without", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24" });
  await lab.segment("far", { ipv4: "10.8.0.0/24" });
  const host = await lab.host("host", { lan: { ipv4: "10.7.0.1", routes: ["10.8.0.0/24 via 10.7.0.2"] } });
  await lab.router("between", { lan: { ipv4: "10.7.0.2" }, far: { ipv4: "10.8.0.2" } });
  const router = await lab.router("router", { far: { ipv4: "10.8.0.254", routes: ["10.7.0.0/24 via 10.8.0.2"] } });
  const frr = await lab.frr(router, { asn: 64501, routerId: "10.8.0.254", neighbors: [{ address: "10.7.0.1", asn: 64500, settings: ["ebgp-multihop 2", "passive"] }] });
  const speaker = await RemoteSpeaker.start(host, "10.7.0.1");
  speaker.apply({ peers: [{ address: address("10.8.0.254") }], vips: ["10.9.9.9"] });
  await speaker.says(/^<4>(no answer from|no way to) peer router at 10\.8\.0\.254/);
  speaker.apply({ peers: [{ address: address("10.8.0.254"), multihop: 2 }], vips: ["10.9.9.9"] });
  await speaker.established();
  await eventually("the route is there", 5000, async () => (await hops(frr, "10.9.9.9/32")).length === 1);
});

/** The address that the kernel makes of a MAC (RFC 4291 appendix A). */
function linkLocal(mac: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(":").map((octet) => Number.parseInt(octet, 16));
  const groups = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
  return address(`fe80::${groups.map((group) => group.toString(16)).join(":")}`);
}
