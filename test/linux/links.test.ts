import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { type Link, LinkWatcher, defaultRouteAddress, defaultRouteInterface, ipv6Forwarding, isDisruption } from "../../src/linux/index.ts";
import { silentLog } from "../../src/log/index.ts";
import { systemClock } from "../../src/time/index.ts";
import { enterNewNamespace, eventually, ip } from "./namespace.ts";

const snapshots: (readonly Link[])[] = [];
const watcher = new LinkWatcher({ log: silentLog, clock: systemClock, onChange: (links) => snapshots.push(links) });
const named = (name: string): Link | undefined => snapshots.at(-1)?.find((link) => link.name === name);

before(async () => {
  enterNewNamespace();
  await watcher.start();
  await eventually("the first snapshot is there", () => named("lo"));
});

after(() => {
  watcher.stop();
});

test("the first snapshot has the loopback interface, which cannot carry a VIP", () => {
  const lo = named("lo");
  assert.ok(lo);
  assert.equal(lo.index, 1);
  assert.equal(lo.broadcast, false);
  assert.deepEqual(lo.addresses, ["127.0.0.1", "::1"]);
  assert.deepEqual(watcher.links, snapshots.at(-1));
});

test("a new interface is seen within a moment, with its MAC, addresses and state", async () => {
  ip("link add v0 address 02:00:00:00:00:01 mtu 1400 type veth peer name v1");
  ip("addr add 192.0.2.1/24 dev v0");
  ip("addr add 2001:db8::1/64 dev v0");
  const made = await eventually("v0 has its addresses", () => (named("v0")?.addresses.length === 1 ? named("v0") : undefined), 1_000);
  assert.equal(made.up, false);
  assert.equal(made.carrier, false);
  assert.equal(made.broadcast, true);
  assert.equal(made.mac, "02:00:00:00:00:01");
  assert.equal(made.mtu, 1400);
  assert.deepEqual(made.addresses, ["192.0.2.1"]); // an IPv6 address is tentative while the link is down

  ip("link set v0 up");
  ip("link set v1 up");
  const up = await eventually("v0 has passed duplicate address detection", () => (named("v0")?.addresses.length === 3 ? named("v0") : undefined));
  assert.equal(up.up, true);
  assert.equal(up.carrier, true);
  assert.equal(up.linkLocal, "fe80::ff:fe00:1");
  assert.deepEqual([...up.addresses].sort(), ["192.0.2.1", "2001:db8::1", "fe80::ff:fe00:1"]);
});

test("carrier lost is seen within a moment, and is a disruption", async () => {
  const epoch = named("v0")?.epoch ?? 0;
  ip("link set v1 down");
  const lost = await eventually("v0 has lost its carrier", () => (named("v0")?.carrier === false ? named("v0") : undefined), 1_000);
  assert.equal(lost.up, true);
  assert.ok(lost.epoch > epoch);
  ip("link set v1 up");
  await eventually("v0 has its carrier again", () => named("v0")?.carrier);
});

test("a flap that is over before anybody looks still shows in the epoch", async () => {
  const before = named("v0");
  ip("link set v0 down");
  ip("link set v0 up");
  const flapped = await eventually("the epoch has changed", () => {
    const now = named("v0");
    return now?.up === true && now.carrier && now.epoch !== before?.epoch ? now : undefined;
  });
  assert.equal(flapped.index, before?.index);
});

test("a new MAC is seen", async () => {
  ip("link set v0 address 02:00:00:00:00:02");
  await eventually("v0 has the new MAC", () => named("v0")?.mac === "02:00:00:00:00:02", 1_000);
});

test("a port of a bridge leaves the frames to the bridge", async () => {
  ip("link add br0 type bridge");
  ip("link set v0 master br0");
  await eventually("v0 carries no VIP", () => named("v0")?.broadcast === false);
  assert.equal(named("br0")?.broadcast, true);
  ip("link set v0 nomaster");
  await eventually("v0 can carry VIPs again", () => named("v0")?.broadcast);
  ip("link del br0");
});

test("a macvlan names what it is made on", async (t) => {
  try {
    ip("link add mv0 link v0 type macvlan mode bridge");
  } catch {
    t.skip("this kernel has no macvlan");
    return;
  }
  await eventually("it is seen", () => named("mv0")?.over !== undefined);
  assert.equal(named("mv0")?.over, named("v0")?.index);
  assert.equal(named("v0")?.over, undefined, "the other end of a veth pair is something else");
  ip("link del mv0");
});

test("an interface that is deleted and made again has another index", async () => {
  const index = named("v0")?.index;
  ip("link del v0");
  await eventually("v0 is gone", () => named("v0") === undefined);
  ip("link add v0 type veth peer name v1");
  const again = await eventually("v0 is back", () => named("v0"));
  assert.notEqual(again.index, index);
});

test("when nothing changes nothing is said, and what changes is said once", async () => {
  const said = snapshots.length;
  ip("link set v0 mtu 1300");
  await eventually("the MTU is seen", () => named("v0")?.mtu === 1300);
  ip("link set v0 mtu 1300"); // a message of the kernel without a change
  ip("link set v0 mtu 1301");
  await eventually("the MTU is seen", () => named("v0")?.mtu === 1301);
  assert.equal(snapshots.length, said + 2);
});

test("a hundred interfaces at once are all seen", async () => {
  for (let i = 0; i < 50; i++) ip(`link add many${i} type veth peer name more${i}`);
  await eventually("all are there", () => snapshots.at(-1)?.filter((link) => /^(many|more)/.test(link.name)).length === 100);
});

test("whether the host forwards IPv6 is read per interface", () => {
  writeFileSync("/proc/sys/net/ipv6/conf/v0/forwarding", "1");
  assert.equal(ipv6Forwarding("v0"), true);
  assert.equal(ipv6Forwarding("v1"), false);
  assert.equal(ipv6Forwarding("nonesuch"), false);
});

test("the address of the default route's interface comes from the kernel's table", async () => {
  assert.equal(defaultRouteAddress(watcher.links), undefined);
  ip("addr add 198.51.100.7/24 dev v0");
  ip("link set v0 up");
  ip("link set v1 up");
  ip("route add default via 198.51.100.1");
  await eventually("v0 has its address", () => named("v0")?.addresses.some((address) => address === "198.51.100.7"));
  assert.equal(defaultRouteAddress(watcher.links), "198.51.100.7");
});

const RUNNING = { up: true, running: true, lowerUp: true } as const;
for (const [what, flags, event, disruption] of [
  ["is as it was", RUNNING, undefined, false],
  ["is set down", { broadcast: true }, undefined, true],
  ["has lost its carrier", { up: true }, undefined, true],
  ["has new features", RUNNING, 2, false],
  ["is a bond whose active port has changed", RUNNING, 3, true],
  ["wants its neighbours told", RUNNING, 4, true],
] as const) {
  test(`a link that ${what} is ${disruption ? "" : "not "}disrupted`, () => {
    const attrs = event === undefined ? {} : { event: Buffer.from(Uint32Array.of(event).buffer) };
    assert.equal(isDisruption({ kind: "link", data: { index: 2, flags }, attrs }), disruption);
  });
}

const HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
for (const [what, routes, name] of [
  ["no route", "", undefined],
  ["a head alone", HEAD, undefined],
  ["a default route", `${HEAD}eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n`, "eth0"],
  ["a network", `${HEAD}eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`, undefined],
  ["half of all addresses", `${HEAD}tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0\n`, undefined],
  ["an unreachable default", `${HEAD}*\t00000000\t00000000\t0200\t0\t0\t0\t00000000\t0\t0\t0\n`, undefined],
  [
    "two default routes",
    `${HEAD}wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\neth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n`,
    "eth0",
  ],
  ["noise", "\0\0\n1 2 3\n", undefined],
] as const) {
  test(`with ${what} the default route's interface is ${name ?? "unknown"}`, () => {
    assert.equal(defaultRouteInterface(routes), name);
  });
}
