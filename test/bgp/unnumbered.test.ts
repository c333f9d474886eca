/** Sessions between link-local addresses, configured and unnumbered, with real routers on links without any other address. */
import assert from "node:assert/strict";
import { address } from "../../src/net/index.ts";
import { type Host, type Lab, eventually, labTest } from "../lab/index.ts";
import { RemoteSpeaker } from "./remote-speaker.ts";

const VIPS = ["10.9.9.9", "fd09::9"];
const UNNUMBERED = { address: undefined, zone: "eth0", asn: "external", holdTimeMs: 3000, keepaliveTimeMs: 1000, connectTimeMs: 1000 } as const;
const CLIENT = { ipv4: "10.8.0.1", ipv6: "fd08::1" };

/** A host and a router on a link without addresses, and a client behind the router. The host has the VIPs. */
async function network(lab: Lab): Promise<{ readonly host: Host; readonly router: Host; readonly client: Host }> {
  await lab.segment("link", {});
  await lab.segment("far", { ipv4: "10.8.0.0/24", ipv6: "fd08::/64" });
  const host = await lab.host("host", { link: {} });
  const router = await lab.router("router", { link: {}, far: { ipv4: "10.8.0.254", ipv6: "fd08::fe" } });
  const client = await lab.host("client", { far: { ...CLIENT, routes: ["default via 10.8.0.254", "default via fd08::fe"] } });
  for (const vip of VIPS) await host.exec(["ip", "addr", "add", vip, "dev", "lo"]);
  await routeVia(host, router);
  return { host, router, client };
}

/** The host's own way back. */
async function routeVia(host: Host, router: Host): Promise<void> {
  await host.exec(["ip", "-4", "route", "replace", "default", "via", "inet6", linkLocal(router), "dev", "eth0"]);
  await host.exec(["ip", "-6", "route", "replace", "default", "via", linkLocal(router), "dev", "eth0"]);
}

const reaches = async (client: Host, vip: string): Promise<boolean> => (await client.execToEnd(["ping", "-c", "1", "-W", "0.3", vip])).status === 0;

labTest("FRR with an unnumbered neighbor routes both families to us by link-local addresses, over a flap of the link and its own restart", async (lab) => {
  const { host, router, client } = await network(lab);
  const neighbors = [{ address: "eth0", asn: 64500, families: ["ipv4", "ipv6"] }] as const;
  const frr = await lab.frr(router, { asn: 64501, routerId: "10.8.0.254", neighbors });
  const speaker = await RemoteSpeaker.start(host, "10.9.9.9");
  speaker.apply({ peers: [UNNUMBERED], vips: VIPS, listen: [{ address: address("::"), port: 179 }] });
  const served = async () => {
    const [ipv4, ipv6] = [await router.exec(["ip", "route", "show", "10.9.9.9"]), await router.exec(["ip", "-6", "route", "show", "fd09::9"])];
    const ours = linkLocal(host);
    return ipv4.includes(`via inet6 ${ours} dev eth0`) && ipv6.includes(`via ${ours} dev eth0`) && (await reaches(client, "10.9.9.9")) && (await reaches(client, "fd09::9"));
  };
  await eventually("the VIPs are reached through the router", 15_000, served);
  const { negotiated, families, notes, address: theirs } = await speaker.peer();
  const ours = linkLocal(host);
  assert.deepEqual([negotiated?.remoteAsn, theirs, notes], [64501, linkLocal(router), []]);
  assert.deepEqual([families.ipv4.nextHop, families.ipv6.nextHop], [`${ours} ${ours}`, `${ours} ${ours}`]);
  assert.equal((await host.exec(["ip", "-6", "route", "show", "default", "proto", "ra"])).trim(), "");

  await host.link("link").down();
  await eventually("the session is gone", 10_000, async () => (await speaker.peer()).state !== "Established");
  await host.link("link").up();
  await routeVia(host, router);
  await eventually("they are reached again", 15_000, served);

  await frr.stop();
  await eventually("the session has ended", 5000, async () => (await speaker.peer()).state !== "Established");
  await lab.frr(router, { asn: 64501, routerId: "10.8.0.254", neighbors });
  await eventually("they are reached again after the restart", 15_000, served);
});

labTest("BIRD that advertises itself is an unnumbered peer, with password and TTL security; by its address it may connect to us too", async (lab) => {
  const { host, router } = await network(lab);
  const [ours, theirs] = [linkLocal(host), linkLocal(router)];
  const bird = await lab.bird(
    router,
    `log stderr all;
     router id 10.8.0.254;
     protocol device {}
     protocol radv { interface "eth0" { max ra interval 5; min ra interval 3; default lifetime 0; }; }
     protocol bgp edge {
       local ${theirs} as 64501; neighbor ${ours}%eth0 as 64500; connect retry time 1; error wait time 1, 2; connect delay time 1;
       password "secret"; ttl security on;
       ipv4 { import all; export none; extended next hop on; };
       ipv6 { import all; export none; };
     }`,
  );
  const speaker = await RemoteSpeaker.start(host, "10.9.9.9");
  const has = async (nextHop: string) => (await bird.route("10.9.9.9/32")).includes(`via ${nextHop} on eth0`) && (await bird.route("fd09::9/128")).includes(`via ${nextHop} on eth0`);
  const secured = { password: "secret", ttlSecurity: true };
  speaker.apply({ peers: [{ ...UNNUMBERED, ...secured }], vips: VIPS });
  assert.equal((await speaker.established()).openedBy, "us");
  await eventually("both routes are there", 5000, () => has(ours));
  assert.match(await bird.route("10.9.9.9/32"), new RegExp(`BGP\\.next_hop: :: ${ours}`)); // as BIRD shows a link-local one

  const listen = [{ address: address("::"), port: 179 }];
  speaker.apply({ peers: [{ ...UNNUMBERED, ...secured, address: address(theirs), passive: true }], vips: VIPS, listen });
  const accepted = await eventually("BIRD has connected", 15_000, async () => {
    const peer = await speaker.peer();
    return peer.state === "Established" && peer.openedBy === "peer" ? peer : undefined;
  });
  assert.deepEqual([accepted.localAddress, accepted.address, accepted.zone], [ours, theirs, "eth0"]);
  await eventually("both routes are there again", 5000, () => has(ours));
  assert.ok(!bird.process.lines.some(({ text }) => /malformed|invalid|error: [^C]/i.test(text)), bird.process.lastLines());
});

labTest("an address of the loopback interface is the source, and another one for the next session", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24" });
  const host = await lab.host("host", { lan: { ipv4: "10.7.0.1" } });
  const router = await lab.router("router", { lan: { ipv4: "10.7.0.254", routes: ["10.0.0.0/24 via 10.7.0.1"] } });
  const neighbors = ["10.0.0.7", "10.0.0.8"].map((at) => ({ address: at, asn: 64500, settings: ["ebgp-multihop 2", "passive"] }));
  await lab.frr(router, { asn: 64501, routerId: "10.7.0.254", neighbors });
  const speaker = await RemoteSpeaker.start(host, "10.7.0.1");
  const peer = { address: address("10.7.0.254"), sourceInterface: "lo", multihop: 2, holdTimeMs: 3000, keepaliveTimeMs: 1000, connectTimeMs: 1000 };
  speaker.apply({ peers: [peer], vips: ["10.9.9.9"] });
  await speaker.says(/^<4>no session with peer router: interface lo has no IPv4 address that could be our source/);
  await host.exec(["ip", "addr", "add", "10.0.0.7/32", "dev", "lo"]);
  assert.equal((await speaker.established()).localAddress, "10.0.0.7");
  await host.exec(["ip", "addr", "add", "10.0.0.8/32", "dev", "lo"]);
  await host.exec(["ip", "addr", "del", "10.0.0.7/32", "dev", "lo"]);
  await eventually("the next session has the other source", 10_000, async () => {
    const now = await speaker.peer();
    return now.state === "Established" && now.localAddress === "10.0.0.8";
  });
});

/** The address that the kernel makes of a MAC (RFC 4291 appendix A). */
function linkLocal(host: Host): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = host.link("link").mac.split(":").map((octet) => Number.parseInt(octet, 16));
  const groups = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
  return address(`fe80::${groups.map((group) => group.toString(16)).join(":")}`);
}
