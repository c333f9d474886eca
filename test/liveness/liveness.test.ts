/** Hellos between real hosts: threads, sockets and a wire. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { eventually, type Host, type Lab, type LabProcess, labTest, type Line, now, type Segment } from "../lab/index.ts";

const SPEAKER = join(import.meta.dirname, "speaker.ts");

async function twoHosts(lab: Lab): Promise<{ readonly lan: Segment; readonly one: Host; readonly two: Host }> {
  const lan = await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  return { lan, one: await lab.host("one", { lan: { ipv4: "10.7.0.1" } }), two: await lab.host("two", { lan: { ipv4: "10.7.0.2" } }) };
}

async function speak(host: Host, name = host.name, wanted = "eth0"): Promise<LabProcess> {
  return host.spawn([process.execPath, SPEAKER, name, wanted], { name: "speaker" });
}

function heard(process: LabProcess, from: number): readonly Line[] {
  return process.lines.slice(from).filter((line) => line.text.startsWith("heard "));
}

labTest("two hosts hear each other five times a second, with increasing sequence", async (lab) => {
  const { one, two } = await twoHosts(lab);
  const [a, b] = [await speak(one), await speak(two)];
  await a.waitForLine(/^heard two on eth0/, 3000);
  await b.waitForLine(/^heard one on eth0/, 3000);
  const began = now();
  const from = a.lines.length;
  await eventually("ten more hellos are heard", 5000, () => heard(a, from).length >= 10);
  const hellos = heard(a, from);
  const perSecond = hellos.length / ((now() - began) / 1000);
  assert.ok(perSecond > 4 && perSecond < 8, `${perSecond.toFixed(1)} a second`);
  const sequences = hellos.map((line) => Number(/sequence=(\d+)/.exec(line.text)?.[1]));
  assert.ok(sequences.every((sequence, i) => i === 0 || sequence > (sequences[i - 1] ?? 0)));
});

labTest("what is urgent is said at once", async (lab) => {
  const { one, two } = await twoHosts(lab);
  const [a, b] = [await speak(one), await speak(two)];
  await a.waitForLine(/^heard two/, 3000);
  const began = now();
  b.tell("say leaving");
  const line = await a.waitForLine(/^heard two .*reason=leaving/, 2000);
  assert.ok(line.at - began < 100, `${(line.at - began).toFixed(0)} ms`);
});

labTest("who is to say hello less often does so a few times more at the old pace, so that a lost frame is no death", async (lab) => {
  const { one, two } = await twoHosts(lab);
  const [a, b] = [await speak(one), await speak(two)];
  await a.waitForLine(/^heard two/, 3000);
  const from = a.lines.length;
  b.tell("pace 3000");
  const began = now();
  await eventually("four more hellos are heard", 2000, () => heard(a, from).length >= 4);
  assert.ok(now() - began < 1000);
  await eventually("a second has passed", 2000, () => now() - began > 1500);
  assert.ok(heard(a, from).length <= 5, `${heard(a, from).length} hellos`);
});

labTest("hosts without an IPv6 link-local address hear each other by IPv4", async (lab) => {
  const { one, two } = await twoHosts(lab);
  for (const host of [one, two]) await host.exec(["sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=1"]);
  const [a, b] = [await speak(one), await speak(two)];
  await a.waitForLine(/^heard two on eth0/, 3000);
  await b.waitForLine(/^heard one on eth0/, 3000);
});

labTest("a host without IPv6 is spoken to by IPv4 by those that have both, who use IPv6 alone otherwise", async (lab) => {
  const { lan, one, two } = await twoHosts(lab);
  const [a, b] = [await speak(one), await speak(two)];
  await a.waitForLine(/^heard two on eth0/, 3000);
  const capture = await lab.capture(lan, "ip and udp port 7473");
  await b.waitForLine(/^heard one on eth0/, 3000, b.lines.length);
  await a.waitForLine(/^heard two on eth0/, 3000, a.lines.length);
  assert.equal(capture.frames.length, 0);
  const three = await lab.host("three", { lan: { ipv4: "10.7.0.3" } });
  await three.exec(["sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=1"]);
  const c = await speak(three);
  for (const other of ["one", "two"]) await c.waitForLine(new RegExp(`^heard ${other} on eth0`), 3000);
  for (const hearer of [a, b]) await hearer.waitForLine(/^heard three on eth0/, 3000);
});

labTest("a host whose main loop stands says so, and falls silent after two seconds", async (lab) => {
  const { one, two } = await twoHosts(lab);
  const [a, b] = [await speak(one), await speak(two)];
  await a.waitForLine(/^heard two/, 3000);
  const from = a.lines.length;
  b.tell("block 3500");
  await b.waitForLine(/^unblocked/, 6000);
  const unblockedAt = now();
  const during = heard(a, from).filter((line) => line.at < unblockedAt - 100);
  assert.ok(
    during.some((line) => Number(/lag=(\d+)/.exec(line.text)?.[1]) > 400),
    "no hello said that its main loop lags",
  );
  const last = during.at(-1)?.at ?? 0;
  assert.ok(unblockedAt - last > 1000, `the last hello came ${(unblockedAt - last).toFixed(0)} ms before the loop turned again`);
  await a.waitForLine(/^heard two .*lag=\d{1,2} /, 3000, a.lines.length);
});

labTest("a link that goes down and up, and an interface that is made again, are spoken on again", async (lab) => {
  const { one, two } = await twoHosts(lab);
  const [a, b] = [await speak(one), await speak(two)];
  await a.waitForLine(/^heard two/, 3000);
  await two.link("lan").down();
  await two.link("lan").up();
  await a.waitForLine(/^heard two/, 5000, a.lines.length);
  await two.link("lan").remove();
  await two.link("lan").create();
  const from = a.lines.length;
  await a.waitForLine(/^heard two/, 8000, from);
  await b.waitForLine(/^heard one/, 8000, b.lines.length);
});

labTest("with a key, what is unsigned or signed otherwise is not believed, and said once", async (lab) => {
  const { one, two } = await twoHosts(lab);
  const [a, b] = [await speak(one), await speak(two)];
  await a.waitForLine(/^heard two/, 3000);
  a.tell("key a-secret-of-the-fleet");
  await a.waitForLine(/is not signed/, 3000);
  b.tell("key another-secret");
  await a.waitForLine(/is signed with another key/, 3000);
  const from = a.lines.length;
  b.tell("key a-secret-of-the-fleet");
  await a.waitForLine(/^heard two/, 3000, from);
  await b.waitForLine(/^heard one/, 3000, b.lines.length);
  assert.equal(a.lines.filter((line) => line.text.includes("is not signed")).length, 1);
});

labTest("while a fleet gets its first key, or another, nobody is deaf to anybody", async (lab) => {
  const { one, two } = await twoHosts(lab);
  const [a, b] = [await speak(one), await speak(two)];
  await a.waitForLine(/^heard two/, 3000);
  for (const key of ["a-secret-of-the-fleet", "another-secret"]) {
    for (const process of [a, b]) {
      process.tell(`new-key ${key}`);
      const from = [a.lines.length, b.lines.length] as const;
      await eventually("each hears five more hellos of the other", 5000, () => heard(a, from[0]).length >= 5 && heard(b, from[1]).length >= 5);
    }
  }
  // Who has had the new key all along is believed, too, and shows the others that it is in use.
  b.tell("key another-secret");
  const from = [a.lines.length, b.lines.length] as const;
  await eventually("each hears five more hellos of the other", 5000, () => heard(a, from[0]).length >= 5 && heard(b, from[1]).length >= 5);
  b.tell("key quite-another-secret");
  await a.waitForLine(/is signed with another key/, 3000);
});

labTest("two interfaces on one segment are found to be one by the host's own hellos", async (lab) => {
  const lan = await lab.segment("lan", { ipv4: "10.7.0.0/24" });
  const host = await lab.host("both", { lan: { interface: "eth0", ipv4: "10.7.0.1" } });
  const second = await lab.segment("second", { ipv4: "10.8.0.0/24" });
  const twin = await lab.host("twin", { lan: { interface: "eth0", ipv4: "10.7.0.9" }, second: { interface: "eth1", ipv4: "10.8.0.9" } });
  assert.notEqual(lan, second);
  // A bridge on the second host makes the two segments one.
  await twin.exec(["ip", "link", "add", "br0", "type", "bridge"]);
  for (const port of ["eth0", "eth1"]) await twin.exec(["ip", "link", "set", port, "master", "br0"]);
  await twin.exec(["ip", "link", "set", "br0", "up"]);
  const other = await lab.host("other", { lan: { interface: "eth0", ipv4: "10.7.0.2" }, second: { interface: "eth1", ipv4: "10.8.0.2" } });
  assert.equal(host.name, "both");
  const process = await speak(other, "other", "eth");
  await process.waitForLine(/^own hello of eth[01] on eth[01]/, 5000);
});
