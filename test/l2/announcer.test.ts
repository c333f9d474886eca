import assert from "node:assert/strict";
import { test } from "node:test";
import type { L2Intent } from "../../src/l2/index.ts";
import type { Mac } from "../../src/net/index.ts";
import { address } from "../../src/net/index.ts";
import { decodeArp, decodeEthernet, decodeNdp } from "../../src/wire/index.ts";
import { FakeLan, answer, ask, link } from "./fake-lan.ts";
import { THEIRS, THEM, US, VIP, VIP_V6, arpFrame, claimOf, ndpFrame, solicitation } from "./frames.ts";

const GROUP = "ff02::1:ff00:100";

/** A frame that was sent, in a word. */
function name(frame: Uint8Array): string {
  const { etherType, payload, source } = decodeEthernet(frame);
  if (etherType === 0x0806) {
    const { operation, sender, target } = decodeArp(payload);
    if (sender.address === target.address) return `announce ${sender.address} by ${operation} from ${source}`;
    return `${operation} for ${target.address}`;
  }
  const message = decodeNdp(payload);
  if (message.type === "solicitation") return `solicit ${message.target} from ${message.source}`;
  return `${message.solicited ? "advertise" : "announce"} ${message.target}${message.router ? " as router" : ""} from ${source}`;
}

function lan(options: ConstructorParameters<typeof FakeLan>[0] = {}): FakeLan {
  const made = new FakeLan(options);
  made.announcer.start();
  made.announcer.links([link("eth0")]);
  made.announcer.segments(["eth0"]);
  return made;
}

test("a VIP is announced and answered for from the moment it is desired, and silent from the moment it is not", () => {
  const host = lan();
  assert.deepEqual(host.receive("eth0", arpFrame({})), []);
  host.desire(VIP, answer("eth0"));
  assert.deepEqual(host.on("eth0").sent.map(name), [`announce ${VIP} by request from ${US}`]);
  assert.deepEqual(host.receive("eth0", arpFrame({})).map(name), [`reply for ${THEIRS}`]);
  host.desire(VIP);
  assert.deepEqual(host.receive("eth0", arpFrame({})), []);
  host.on("eth0").sent.length = 0;
  host.world.advance(60_000);
  assert.deepEqual(host.on("eth0").sent, []);
});

test("the same plan twice sends nothing; another claim is announced anew", () => {
  const host = lan();
  host.desire(VIP_V6, answer("eth0", 5));
  host.world.advance(60_000);
  const { sent } = host.on("eth0");
  assert.equal(sent.length, 5);
  host.desire(VIP_V6, answer("eth0", 5));
  host.world.advance(60_000);
  assert.equal(sent.length, 5);
  host.desire(VIP_V6, answer("eth0", 6));
  host.world.advance(60_000);
  assert.equal(sent.length, 10);
});

test("a defence is one frame, and does not begin the claim's burst anew", () => {
  const host = lan();
  host.desire(VIP, answer("eth0", 5));
  host.world.advance(60_000);
  const { sent } = host.on("eth0");
  sent.length = 0;
  const defended = (claim: number): L2Intent => ({ segment: "eth0", action: "answer", claim, defence: 6 });
  host.desire(VIP, defended(5));
  host.desire(VIP, defended(5), ask("eth0", 1));
  host.world.advance(1_000);
  assert.deepEqual(sent.map(name).filter((frame) => frame.startsWith("announce")), [`announce ${VIP} by request from ${US}`]);
  host.desire(VIP, defended(7));
  host.world.advance(60_000);
  assert.equal(sent.map(name).filter((frame) => frame.startsWith("announce")).length, 1 + 10);
});

test("only what has changed is looked at", () => {
  const host = lan();
  host.announcer.apply(new Map([[VIP, [answer("eth0")]]]), new Set());
  assert.deepEqual(host.receive("eth0", arpFrame({})), []);
});

test("an IPv6 VIP is listened for in its group, and only as long as it is answered for", () => {
  const host = lan();
  host.desire(VIP_V6, answer("eth0"));
  assert.deepEqual([...host.joined], [[`eth0 ${GROUP}`, 1]]);
  host.desire(VIP_V6, answer("eth0", 2));
  assert.deepEqual([...host.joined], [[`eth0 ${GROUP}`, 1]]);
  host.desire(VIP_V6, ask("eth0"));
  assert.deepEqual([...host.joined], []);
});

test("what others claim is heard on every segment that is listened to, and there alone", () => {
  const host = new FakeLan();
  host.announcer.links([link("eth0"), link("eth1", { index: 3 })]);
  host.announcer.segments(["eth0", "eth1"]);
  host.receive("eth1", claimOf(VIP));
  host.receive("eth0", claimOf(VIP_V6));
  assert.deepEqual(host.events, [
    { type: "heard", segment: "eth1", address: VIP, mac: THEM },
    { type: "heard", segment: "eth0", address: VIP_V6, mac: THEM },
  ]);
  host.announcer.segments(["eth1"]);
  assert.throws(() => host.on("eth0"));
  host.receive("eth1", claimOf(VIP));
  assert.equal(host.events.length, 3);
});

test("a segment is open while there is something to do on it, listened to or not", () => {
  const host = new FakeLan();
  host.announcer.links([link("eth0"), link("eth1", { index: 3 })]);
  host.desire(VIP, answer("eth0"), answer("eth1"));
  host.desire(VIP_V6, answer("eth0"));
  host.desire(VIP, answer("eth1"));
  assert.deepEqual(host.announcer.status().segments.map(({ segment, vips }) => [segment, [...vips.keys()]]), [
    ["eth0", [VIP_V6]],
    ["eth1", [VIP]],
  ]);
  host.desire(VIP_V6);
  assert.throws(() => host.on("eth0"));
  host.announcer.segments(["eth1"]);
  host.desire(VIP);
  assert.equal(host.on("eth1").closed, false);
});

test("a question ends with the first answer, which is heard as a claim as well", () => {
  const host = lan();
  host.desire(VIP, ask("eth0", 4));
  host.world.advance(60);
  assert.deepEqual(host.on("eth0").sent.map(name), [`request for ${VIP}`, `request for ${VIP}`]);
  host.receive("eth0", arpFrame({ operation: "reply", sender: { mac: THEM, address: VIP }, target: { mac: US, address: THEIRS } }, { destination: US }));
  assert.deepEqual(host.events, [
    { type: "heard", segment: "eth0", address: VIP, mac: THEM },
    { type: "asked", segment: "eth0", address: VIP, ask: 4, answer: THEM },
  ]);
  host.world.advance(1_000);
  assert.equal(host.events.length, 2);
});

test("who nobody answers learns that nobody does", () => {
  const host = lan();
  host.desire(VIP_V6, ask("eth0", 4));
  host.world.advance(1_000);
  assert.deepEqual(host.on("eth0").sent.map(name), Array(3).fill(`solicit ${VIP_V6} from fe80::1`));
  assert.deepEqual(host.events, [{ type: "asked", segment: "eth0", address: VIP_V6, ask: 4, answer: undefined }]);
});

test("what we answer ourselves is no answer to our own question, even if the network sends it back", () => {
  const host = lan();
  host.desire(VIP, answer("eth0"), ask("eth0", 4));
  for (const frame of [...host.on("eth0").sent]) host.receive("eth0", frame);
  host.receive("eth0", claimOf(VIP, US));
  host.world.advance(1_000);
  assert.deepEqual(host.events, [{ type: "asked", segment: "eth0", address: VIP, ask: 4, answer: undefined }]);
});

test("a question that has waited too long is not answered, for another may have taken the VIP", () => {
  const host = lan();
  host.desire(VIP, answer("eth0"));
  assert.deepEqual(host.receive("eth0", arpFrame({}), 401), []);
  assert.equal(host.receive("eth0", arpFrame({}), 399).length, 1);
  host.receive("eth0", claimOf(VIP), 10_000);
  assert.equal(host.events.length, 1, "an old claim is still a claim");
  assert.deepEqual(host.status("eth0").counters.ignored.stale, 1);
});

for (const [what, change] of [
  ["was down", { epoch: 1 }],
  ["is another of the same name", { index: 9 }],
  ["has another MAC", { mac: "02:00:00:00:00:02" as Mac }],
] as const) {
  test(`when the interface ${what}, everything is announced anew, once`, () => {
    const host = lan();
    host.desire(VIP, answer("eth0"));
    host.desire(VIP_V6, answer("eth0"));
    host.world.advance(10_000);
    const { sent } = host.on("eth0");
    sent.length = 0;
    host.announcer.links([link("eth0", change)]);
    const mac = "mac" in change ? change.mac : US;
    assert.deepEqual(sent.map(name), [`announce ${VIP} by request from ${mac}`, `announce ${VIP_V6} from ${mac}`]);
    assert.equal(host.receive("eth0", arpFrame({})).length, 1);
    const { source, payload } = decodeEthernet(sent.at(-1) ?? new Uint8Array());
    assert.deepEqual([source, decodeArp(payload).sender.mac], [mac, mac]);
  });
}

test("when the carrier is lost nothing is announced; when it is back, everything", () => {
  const host = lan();
  host.desire(VIP_V6, answer("eth0"));
  host.world.advance(10_000);
  const { sent } = host.on("eth0");
  sent.length = 0;
  host.announcer.links([link("eth0", { carrier: false, epoch: 1 })]);
  host.world.advance(10_000);
  assert.deepEqual(sent, []);
  host.announcer.links([link("eth0", { epoch: 1 })]);
  assert.deepEqual(sent.map(name), [`announce ${VIP_V6} from ${US}`]);
});

test("news of a link that change nothing here announce nothing", () => {
  const host = lan();
  host.desire(VIP, answer("eth0"));
  host.world.advance(10_000);
  const { sent } = host.on("eth0");
  sent.length = 0;
  host.announcer.links([link("eth0", { mtu: 9000, addresses: [address("192.0.2.8")] }), link("eth1", { index: 3 })]);
  host.world.advance(10_000);
  assert.deepEqual(sent, []);
});

test("an interface that comes later is served when it is there, its groups joined", () => {
  const host = new FakeLan();
  host.announcer.segments(["eth0"]);
  host.desire(VIP, answer("eth0"));
  host.desire(VIP_V6, ask("eth0"));
  host.world.advance(10_000);
  assert.deepEqual(host.events, [], "silence without a link is no answer");
  host.announcer.links([link("eth0")]);
  assert.deepEqual(host.on("eth0").sent.map(name), [`announce ${VIP} by request from ${US}`, `solicit ${VIP_V6} from fe80::1`]);
  assert.deepEqual(host.renewed, ["eth0"]);
  host.announcer.links([]);
  host.announcer.links([link("eth0", { index: 9 })]);
  assert.deepEqual(host.renewed, ["eth0", "eth0"]);
});

test("an address of the interface is the kernel's to answer for: it is announced only, and that is said", () => {
  const host = lan();
  host.desire(VIP, answer("eth0"));
  host.announcer.links([link("eth0", { addresses: [VIP] })]);
  assert.deepEqual(host.notices, [{ vip: VIP, interface: "eth0" }]);
  assert.deepEqual(host.receive("eth0", arpFrame({})), []);
  assert.equal(host.status("eth0").vips.get(VIP)?.answeredBy, "kernel");
  host.desire(VIP, answer("eth0", 2));
  assert.equal(name(host.on("eth0").sent.at(-1) ?? new Uint8Array()), `announce ${VIP} by request from ${US}`);

  host.announcer.links([link("eth0")]);
  assert.equal(host.receive("eth0", arpFrame({})).length, 1);
  assert.equal(host.notices.length, 1);
});

test("a host that begins to forward IPv6 says that it is a router within five seconds", () => {
  const host = lan();
  host.desire(VIP_V6, answer("eth0"));
  assert.deepEqual(host.receive("eth0", ndpFrame(solicitation())).map(name), [`advertise ${VIP_V6} from ${US}`]);
  host.forwards = true;
  host.world.advance(5_000);
  assert.deepEqual(host.receive("eth0", ndpFrame(solicitation())).map(name), [`advertise ${VIP_V6} as router from ${US}`]);
});

test("the status tells what is answered since when, and what was counted", () => {
  const host = lan();
  const start = host.clock.now();
  host.world.advance(1_000);
  host.desire(VIP, answer("eth0"));
  host.world.advance(500);
  host.receive("eth0", arpFrame({}));
  host.receive("eth0", ndpFrame(solicitation()));
  host.receive("eth0", new Uint8Array(3));
  host.receive("eth0", claimOf(VIP));
  const status = host.status("eth0");
  assert.equal(status.capture.state.type, "open");
  assert.equal(status.mac, US);
  assert.deepEqual(status.vips.get(VIP), { since: start + 1_000, announced: start + 1_100, answeredBy: "bmlb" });
  assert.deepEqual(status.counters.answered, { arp: 1, ndp: 0 });
  assert.deepEqual([status.counters.ignored.malformed, status.counters.ignored["other-address"], status.counters.heard], [1, 1, 1]);
  assert.deepEqual([status.counters.announcements, status.counters.questions, status.counters.unsent], [4, 0, 0]);
  assert.equal(JSON.stringify(host.status("eth0")), JSON.stringify(status), "it is a copy, and asking changes nothing");
});

test("what the receiver of an event desires in it is done at once", () => {
  const host: FakeLan = lan({
    onEvent: (event) => {
      if (event.type === "heard") host.desire(VIP);
    },
  });
  host.desire(VIP, answer("eth0"));
  host.receive("eth0", claimOf(VIP));
  assert.deepEqual(host.receive("eth0", arpFrame({})), []);
});

test("after the end nothing is answered, announced or joined", async () => {
  const host = lan({ refreshMs: 1_000 });
  host.desire(VIP, answer("eth0"));
  host.desire(VIP_V6, answer("eth0"));
  const socket = host.on("eth0");
  await host.announcer.stop();
  const before = socket.sent.length;
  socket.options.onFrame(arpFrame({}), 0);
  host.world.advance(60_000);
  assert.equal(socket.sent.length, before);
  assert.equal(socket.closed, true);
  assert.deepEqual([...host.joined], []);
});
