/** What the sockets take and what they leave, with a sender who may send anything. */
import assert from "node:assert/strict";
import { eventually, labTest } from "../lab/index.ts";
import { FIRST_PACKET, forge } from "./packets.ts";
import { RemoteBfd } from "./remote-bfd.ts";

const HOST = { ipv4: "10.7.0.1", ipv6: "fd07::1" };
const OTHER = { ipv4: "10.7.0.254", ipv6: "fd07::fe" };

labTest("a packet counts that comes from the peer and has crossed no router; what it may not be is discarded and said", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  const host = await lab.host("host", { lan: HOST });
  const other = await lab.host("other", { lan: OTHER });
  await other.exec(["ip", "addr", "add", "10.7.0.253/24", "dev", "eth0"]);
  await host.exec(["nft", "table inet watch { chain bfd { meta priority 0:7 counter return; counter; }; chain out { type filter hook output priority 0; udp dport { 3784, 4784 } goto bfd; }; }"]);
  const bfd = await RemoteBfd.start(host);
  bfd.apply({ remote: OTHER.ipv4, zone: "eth0" }, { peer: "six", remote: OTHER.ipv6 }, { peer: "far", remote: OTHER.ipv4, multihop: true, profile: { minimumTtl: 250 } });
  await eventually("it sends", 5000, async () => (await bfd.status()).sessions.every(({ packets }) => packets.sent > 0));

  await forge(other, OTHER.ipv4, HOST.ipv4, FIRST_PACKET, { ttl: 254 });
  await forge(other, OTHER.ipv6, HOST.ipv6, FIRST_PACKET, { ttl: 254 });
  await forge(other, OTHER.ipv4, HOST.ipv4, FIRST_PACKET, { ttl: 249, port: 4784 });
  await forge(other, "10.7.0.253", HOST.ipv4, FIRST_PACKET, { port: 4784 });
  await forge(other, "10.7.0.253", HOST.ipv4, FIRST_PACKET);
  for (const [hex, problem] of [
    [FIRST_PACKET.replace("204", "004"), /another version/],
    ["20440321 0badcafe 00000000 000f4240 000f4240 00000000 01090173 65637265 74", /authenticated.*switch authentication of BFD off at the peer/],
    [FIRST_PACKET.replace("2040", "2080"), /name no session/],
  ] as const) {
    await forge(other, OTHER.ipv4, HOST.ipv4, hex);
    await eventually(`it says ${String(problem)}`, 2000, async () => problem.test((await bfd.session()).problem ?? ""));
  }
  const before = (await bfd.status()).sessions;
  assert.deepEqual(before.map(({ packets }) => packets.received), [0, 0, 0], "nothing of that counts");
  assert.deepEqual(before.map(({ packets }) => packets.discarded), [3, 0, 0]);

  await forge(other, OTHER.ipv4, HOST.ipv4, FIRST_PACKET);
  await forge(other, OTHER.ipv6, HOST.ipv6, FIRST_PACKET);
  await forge(other, OTHER.ipv4, HOST.ipv4, FIRST_PACKET, { ttl: 250, port: 4784 });
  await eventually("these count", 2000, async () => (await bfd.status()).sessions.every(({ state, packets, remoteDiscriminator }) => state === "init" && packets.received === 1 && remoteDiscriminator === 0x0badcafe));
  assert.match(await host.exec(["nft", "list", "table", "inet", "watch"]), /0:7 counter packets [1-9]\d* [^]*counter packets 0 bytes 0/, "all leave ahead of the traffic");
});

labTest("an address that is not there, an interface and a way are waited for", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24" });
  const host = await lab.host("host", { lan: { ipv4: HOST.ipv4 } });
  const bfd = await RemoteBfd.start(host);
  bfd.apply({ remote: OTHER.ipv4, local: "10.7.0.9" }, { peer: "zone", remote: "fe80::9", zone: "eth7" }, { peer: "way", remote: "10.9.0.1", multihop: true }, { peer: "twin", remote: "10.9.0.1", multihop: true }, { peer: "far", remote: "10.9.0.2" });
  const problems = async () => Object.fromEntries((await bfd.status()).sessions.map(({ peer, problem }) => [peer, problem]));
  await bfd.says(/no BFD with peer way: this host knows no way to 10\.9\.0\.1/);
  const first = await problems();
  assert.deepEqual([first["router"], first["zone"]], ["this host has no address 10.7.0.9", "this host has no interface eth7"]);
  await host.exec(["ip", "addr", "add", "10.7.0.9/24", "dev", "eth0"]);
  await host.exec(["ip", "route", "add", "10.9.0.0/16", "via", OTHER.ipv4]);
  await eventually("the one behind a router is said to be there", 4000, async () => /10\.9\.0\.2 is on no segment of this host: .* set multihop/.test((await problems())["far"] ?? ""));
  const now = await eventually("two have what they need", 4000, async () => {
    const found = await problems();
    return [found["router"], found["way"]].every((problem) => /^nothing is heard/.test(problem ?? "")) ? found : undefined;
  });
  assert.match(now["twin"] ?? "", /peer way has a BFD session with 10\.9\.0\.1 already/);
  assert.equal((await bfd.status()).sessions[0]?.local, "10.7.0.9");
  const said = bfd.process.lines.filter(({ text }) => text.startsWith("<4>"));
  assert.equal(new Set(said.map(({ text }) => text)).size, said.length, "each is said once");
});
