/** The announcer beside real neighbours: Linux as client and as rival, every frame on a veth pair. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Announcer, type L2Event, type L2Intent } from "../../src/l2/index.ts";
import { LinkWatcher, MulticastGroups, ipv6Forwarding, openFrameSocket } from "../../src/linux/index.ts";
import { silentLog } from "../../src/log/index.ts";
import { type Address, BROADCAST_MAC, type Ipv4, type Ipv6, type Mac, ZERO_MAC, address } from "../../src/net/index.ts";
import { systemClock, systemRandom } from "../../src/time/index.ts";
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  type NdpMessage,
  encodeArp,
  encodeEthernet,
  encodeNdp,
  groupMac,
  solicitedNodeGroup,
} from "../../src/wire/index.ts";
import { Neighbour, enterNewNamespace, eventually, ip } from "../linux/namespace.ts";
import { toHex } from "../wire/hex.ts";
import { claimOf } from "./frames.ts";

const STATION = join(import.meta.dirname, "station.py");
const US = "02:00:00:00:00:01" as Mac;
const CLIENT = "02:00:00:00:00:0a" as Mac;
const STRANGER = "02:00:00:00:00:0f" as Mac;
const OUR_V4 = address("192.0.2.1") as Ipv4;
const OUR_V6 = address("2001:db8::1") as Ipv6;
const CLIENT_V4 = address("192.0.2.10") as Ipv4;
const CLIENT_V6 = address("2001:db8::10") as Ipv6;
const VIP = address("192.0.2.100");
const VIP_V6 = address("2001:db8::100") as Ipv6;

const events: L2Event[] = [];
const groups = new MulticastGroups(silentLog);
const announcer = new Announcer({
  log: silentLog,
  clock: systemClock,
  random: systemRandom,
  openFrames: openFrameSocket,
  groups,
  forwards: ipv6Forwarding,
  isVip: (a) => a.startsWith("192.0.2.10") || a.startsWith("2001:db8::10"),
  onEvent: (event) => events.push(event),
  announceRate: 500,
  refreshMs: 0,
});
const watcher = new LinkWatcher({
  log: silentLog,
  clock: systemClock,
  onChange: (links) => {
    announcer.links(links);
  },
});
let client: Neighbour;

before(async () => {
  enterNewNamespace();
  client = new Neighbour();
  announcer.start();
  announcer.segments(["lan0"]);
  await watcher.start();
  plug();
  await open();
});

after(async () => {
  watcher.stop();
  await announcer.stop();
  groups.close();
  client[Symbol.dispose]();
});

/** A veth pair from here to the client, with addresses on both ends. */
function plug(): void {
  ip(`link add lan0 address ${US} type veth peer name c0 address ${CLIENT} netns ${client.pid}`);
  ip("addr add 192.0.2.1/24 dev lan0");
  ip("addr add 2001:db8::1/64 dev lan0 nodad");
  client.run("ip addr add 192.0.2.10/24 dev c0");
  client.run("ip addr add 2001:db8::10/64 dev c0 nodad");
  client.run("ip link set c0 up");
  ip("link set lan0 up");
}

async function open(): Promise<void> {
  await eventually("the segment is open and both have link-local addresses", () => {
    const link = watcher.links.find(({ name }) => name === "lan0");
    return announcer.status().segments[0]?.capture.state.type === "open" && link?.carrier === true && link.linkLocal !== undefined;
  });
  await eventually("the client can use its link-local address", () => !client.run("ip -6 addr show dev c0").includes("tentative"));
}

let numbers = 0;
const answering = (): L2Intent => ({ segment: "lan0", action: "answer", claim: ++numbers });
const asking = (): L2Intent => ({ segment: "lan0", action: "ask", ask: ++numbers });

function desire(vip: Address, ...intents: readonly L2Intent[]): void {
  announcer.apply(new Map([[vip, intents]]), new Set([vip]));
}

/** What the client's kernel holds for an address: "MAC STATE", or nothing. */
function cached(a: Address): string | undefined {
  const line = client.run(`ip neigh show ${a} dev c0`).trim();
  const match = /lladdr (\S+)(?: router)? (\S+)/.exec(line);
  return match === null ? undefined : `${match[1] ?? ""} ${match[2] ?? ""}`;
}

/** The client's kernel resolves the address, as for any packet to it. */
async function resolves(a: Address): Promise<void> {
  client.run(`ip neigh flush to ${a} dev c0`);
  await client.start(`ping -c 1 -W 0.3 -I c0 ${a}`).catch(() => undefined);
}

/** The client finds the address here, which its kernel calls reachable only after an answer to its own question. */
async function found(vip: Address): Promise<void> {
  await eventually(`${vip} is found at our MAC`, async () => {
    await resolves(vip);
    return cached(vip) === `${US} REACHABLE`;
  });
}

/** Sends frames from the client's end and gives back what comes there within a moment, in hexadecimal. */
async function exchange(...frames: readonly Uint8Array[]): Promise<readonly string[]> {
  const output = await client.start(["python3", STATION, "c0", "0.3", ...frames.map(toHex)]);
  return output.split("\n").filter((line) => line !== "");
}

for (const vip of [VIP, VIP_V6]) {
  test(`a client finds ${vip} at our MAC, and does not once it is taken away`, async () => {
    desire(vip, answering());
    await found(vip);
    desire(vip);
    await resolves(vip);
    assert.notEqual(cached(vip)?.split(" ")[0], US);
  });

  test(`a client that holds an old MAC for ${vip} learns ours from the claim`, async () => {
    for (const state of ["stale", "reachable", "delay"]) {
      client.run(`ip neigh replace ${vip} lladdr ${STRANGER} nud ${state} dev c0`);
      desire(vip, answering());
      await eventually(`the client's ${state} entry has our MAC`, () => cached(vip)?.startsWith(US), 1_000);
    }
    desire(vip);
  });

  test(`a client's check whether ${vip} is still there is answered`, async () => {
    desire(vip, answering());
    await found(vip);
    client.run(`ip neigh change ${vip} lladdr ${US} nud probe dev c0`);
    await eventually("the kernel's unicast question was answered", () => cached(vip) === `${US} REACHABLE`);
    desire(vip);
  });

  test(`who has ${vip} is found by asking`, async () => {
    events.length = 0;
    const nobody = asking();
    const began = performance.now();
    desire(vip, nobody);
    const silence = await eventually("nobody answers", () => events.find(({ type }) => type === "asked"), 3_000);
    const took = performance.now() - began;
    assert.ok(silence.type === "asked" && silence.answer === undefined && took >= 199, `after ${took} ms`);

    client.run(`ip addr add ${vip}/${vip.includes(":") ? "128 nodad" : "32"} dev c0`);
    events.length = 0;
    desire(vip, asking());
    const found = await eventually("somebody answers", () => events.find(({ type }) => type === "asked"), 3_000);
    assert.ok(found.type === "asked" && found.answer === CLIENT);
    client.run(`ip addr del ${vip}/${vip.includes(":") ? "128" : "32"} dev c0`);
    desire(vip);
  });

  test(`the claim of a stranger to ${vip} is heard, and does not stop the answers`, async () => {
    desire(vip, answering());
    events.length = 0;
    await exchange(claimOf(vip, STRANGER));
    assert.deepEqual(events, [{ type: "heard", segment: "lan0", address: vip, mac: STRANGER }]);
    await found(vip);
    desire(vip);
  });
}

test("a client that is about to take the IPv4 VIP finds out that it is ours (RFC 5227)", async () => {
  desire(VIP, answering());
  await assert.rejects(client.start(`arping -D -c 2 -w 2 -I c0 ${VIP}`), /02:00:00:00:00:01/);
  desire(VIP);
});

test("a client that is about to take the IPv6 VIP finds out that it is ours (RFC 4862)", async () => {
  desire(VIP_V6, answering());
  client.run(`ip addr add ${VIP_V6}/128 dev c0`);
  await eventually("the kernel says that it is a duplicate", () => client.run("ip -6 addr show dev c0").includes("dadfailed"), 5_000);
  client.run(`ip addr del ${VIP_V6}/128 dev c0`);
  desire(VIP_V6);
});

test("ndisc6 finds the VIP by multicast and by unicast", async () => {
  desire(VIP_V6, answering());
  const output = await client.start(`ndisc6 -1 -w 2000 ${VIP_V6} c0`);
  assert.match(output, /02:00:00:00:00:01/i);
  desire(VIP_V6);
});

function arp(sender: Ipv4, target: Address, destination: Mac = BROADCAST_MAC, vlan?: number): Uint8Array {
  const payload = encodeArp({ operation: "request", sender: { mac: CLIENT, address: sender }, target: { mac: ZERO_MAC, address: target as Ipv4 } });
  return encodeEthernet({ destination, source: CLIENT, vlan, etherType: ETHERTYPE_ARP, payload });
}

function ndp(target: Ipv6, change: Partial<NdpMessage> = {}, destination: Mac = groupMac(solicitedNodeGroup(target))): Uint8Array {
  const message = { type: "solicitation", source: CLIENT_V6, destination: solicitedNodeGroup(target), target, sourceMac: CLIENT, ...change };
  return encodeEthernet({ destination, source: CLIENT, vlan: undefined, etherType: ETHERTYPE_IPV6, payload: encodeNdp(message as NdpMessage) });
}

const detection = { source: "::" as Ipv6, sourceMac: undefined };

for (const [what, ask, own, vip] of [
  ["a broadcast request", (a: Address) => arp(CLIENT_V4, a), OUR_V4, VIP],
  ["a unicast request", (a: Address) => arp(CLIENT_V4, a, US), OUR_V4, VIP],
  ["a probe", (a: Address) => arp("0.0.0.0" as Ipv4, a), OUR_V4, VIP],
  ["a solicitation", (a: Address) => ndp(a as Ipv6), OUR_V6, VIP_V6],
  ["duplicate address detection", (a: Address) => ndp(a as Ipv6, detection), OUR_V6, VIP_V6],
] as const) {
  test(`${what} for a VIP is answered octet for octet as the kernel answers for its own address`, async () => {
    desire(vip, answering());
    await eventually("the burst is over", () => announcer.status().segments[0]?.vips.get(vip)?.announced);
    const one = /^2001:db8::/.test(own) ? "20010db8000000000000000000000001" : "c0000201";
    const hundred = /^2001:db8::/.test(own) ? "20010db8000000000000000000000100" : "c0000264";
    const answerTo = async (target: Address, written: string): Promise<string> => {
      const answer = (await exchange(ask(target))).find((frame) => {
        const unsolicited = frame.startsWith("ffffffffffff") || (what.startsWith("a") && frame.startsWith("3333"));
        return !unsolicited && frame.includes(written) && /^.{24}(0806|86dd6000000000203aff)/.test(frame);
      });
      assert.ok(answer, `no answer for ${target}`);
      // But for the address itself, and the checksum over it, they must be the same.
      const text = answer.replaceAll(written, "ADDRESS");
      return text.replace(/(ADDRESS.{32}8800).{4}/, "$1SUM.");
    };
    const kernels = await answerTo(own, one);
    const ours = await answerTo(vip, hundred);
    assert.equal(ours, kernels);
    desire(vip);
  });
}

test("a reachability check is answered with O = 1 and our MAC, which corrects a client that asks the right host for the wrong reason", async () => {
  desire(VIP_V6, answering());
  const frames = await exchange(ndp(VIP_V6, { destination: VIP_V6, sourceMac: undefined }, US));
  const answer = frames.find((frame) => frame.startsWith(CLIENT.replaceAll(":", "")));
  assert.match(answer ?? "", /8800.{4}60000000 ?20010db80000000000000000000001000201020000000001$/);
  desire(VIP_V6);
});

test("frames that are not for the untagged network, or not what they say, get no answer and do no harm", async () => {
  desire(VIP, answering());
  const good = arp(CLIENT_V4, VIP);
  const frames = await exchange(arp(CLIENT_V4, VIP, BROADCAST_MAC, 7), good.subarray(0, 30), ndp(VIP_V6), arp(CLIENT_V4, VIP, "02:00:00:00:00:0c" as Mac));
  const aboutVips = /^02000000000a.*(c0000264|20010db8000000000000000000000100)/;
  assert.deepEqual(frames.filter((frame) => aboutVips.test(frame)), []);
  const ignored = announcer.status().segments[0]?.counters.ignored;
  assert.ok((ignored?.tagged ?? 0) >= 1, "the VLAN's frame came, and was seen to be tagged");
  await found(VIP);
  desire(VIP);
});

test("a router says so to its clients", async () => {
  writeFileSync("/proc/sys/net/ipv6/conf/lan0/forwarding", "1");
  ip("link set lan0 mtu 1400"); // a change that the announcer hears of
  desire(VIP_V6, answering());
  await eventually("the client knows the VIP as a router", async () => {
    await resolves(VIP_V6);
    return client.run(`ip -6 neigh show ${VIP_V6} dev c0`).includes("router");
  });
  writeFileSync("/proc/sys/net/ipv6/conf/lan0/forwarding", "0");
  desire(VIP_V6);
});

test("what the kernel owns is answered once, by the kernel", async () => {
  desire(OUR_V4, answering());
  const frames = await exchange(arp(CLIENT_V4, OUR_V4));
  assert.equal(frames.filter((frame) => frame.startsWith(CLIENT.replaceAll(":", "")) && frame.slice(24, 28) === "0806").length, 1);
  assert.equal(announcer.status().segments[0]?.vips.get(OUR_V4)?.answeredBy, "kernel");
  desire(OUR_V4);
});

for (const [what, disturb] of [
  [
    "was down and is up again",
    () => {
      ip("link set lan0 down");
      ip("link set lan0 up");
    },
  ],
  [
    "was deleted and made again",
    () => {
      ip("link del lan0");
      plug();
    },
  ],
] as const) {
  test(`when the interface ${what} the client learns and finds the VIPs again`, async () => {
    desire(VIP, answering());
    desire(VIP_V6, answering());
    disturb();
    client.run(`ip neigh replace ${VIP} lladdr ${STRANGER} nud stale dev c0`);
    client.run(`ip neigh replace ${VIP_V6} lladdr ${STRANGER} nud stale dev c0`);
    for (const vip of [VIP, VIP_V6]) {
      await eventually(`${vip} is announced anew`, () => cached(vip)?.startsWith(US));
      await open();
      await found(vip);
      desire(vip);
    }
  });
}
