/** BFD against a real BIRD. */
import assert from "node:assert/strict";
import { eventually, labTest, type Bird } from "../lab/index.ts";
import { bfdIn } from "./packets.ts";
import { RemoteBfd } from "./remote-bfd.ts";

const HOST = { ipv4: "10.7.0.1", ipv6: "fd07::1" };
const ROUTER = { ipv4: "10.7.0.254", ipv6: "fd07::fe" };
const TIMERS = "min rx interval 200 ms; min tx interval 200 ms; idle tx interval 300 ms; multiplier 3;";

const configuration = (...lines: readonly string[]): string => ["router id 10.7.0.254;", "protocol device {}", "protocol bfd bfd1 {", ...lines, "}", ""].join("\n");

/** "Up", "Down" …; undefined if BIRD has no such session. */
async function stateIn(bird: Bird, address: string): Promise<string | undefined> {
  const line = (await bird.birdc("show bfd sessions")).split("\n").find((one) => one.startsWith(`${address} `));
  return line?.split(/\s+/)[2];
}

labTest("BIRD on the segment, over IPv4 and IPv6: up, another profile, the link cut, and our stop", async (lab) => {
  const lan = await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  const host = await lab.host("host", { lan: HOST });
  const router = await lab.router("router", { lan: ROUTER });
  const [capture, bird, bfd] = await Promise.all([
    lab.capture(lan, "udp port 3784"),
    lab.bird(router, configuration(`interface "eth0" { ${TIMERS} };`, `neighbor ${HOST.ipv4} dev "eth0";`, `neighbor ${HOST.ipv6} dev "eth0";`)),
    RemoteBfd.start(host),
  ]);
  const six = { peer: "six", remote: ROUTER.ipv6 };
  bfd.apply({ remote: ROUTER.ipv4 }, six);
  const session = await bfd.up();
  await bfd.up("six");
  assert.deepEqual([session.transmitMs, session.detectionMs], [200, 600]);
  for (const address of [HOST.ipv4, HOST.ipv6]) await eventually(`BIRD has ${address} up`, 3000, async () => (await stateIn(bird, address)) === "Up");

  bfd.apply({ remote: ROUTER.ipv4, profile: { desiredMinTxMs: 350, requiredMinRxMs: 250 } }, six);
  await eventually("both sides have the new intervals", 5000, async () => {
    const { transmitMs, detectionMs } = await bfd.session();
    return transmitMs === 350 && detectionMs === 750;
  });
  assert.ok(bfdIn(capture.frames).some(({ source, final }) => source === ROUTER.ipv4 && final));
  assert.equal((await bfd.session()).downs, 0);

  let from = bfd.process.lines.length;
  await router.link("lan").cutSilently();
  await bfd.event("down", from);
  await router.link("lan").restore();
  await bfd.up("six");
  await eventually("both are up", 5000, async () => (await bfd.status()).sessions.every(({ state }) => state === "up"));

  from = bfd.process.lines.length;
  await bird.birdc("restart bfd1");
  await bfd.event("down", from);
  await eventually("both are up", 10_000, async () => (await bfd.status()).sessions.every(({ state }) => state === "up"));
  await eventually("in BIRD as well", 3000, async () => (await stateIn(bird, HOST.ipv4)) === "Up" && (await stateIn(bird, HOST.ipv6)) === "Up");

  await bfd.stop();
  for (const address of [HOST.ipv4, HOST.ipv6]) {
    assert.equal(bfdIn(capture.frames).filter(({ source }) => source === address).at(-1)?.state, "admin-down");
    assert.equal(await stateIn(bird, address), "Down");
  }
});

labTest("BIRD two hops away, over IPv4 and IPv6: it sends with TTL 64", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  await lab.segment("far", { ipv4: "10.8.0.0/24", ipv6: "fd08::/64" });
  const host = await lab.host("host", { lan: { ...HOST, routes: ["10.8.0.0/24 via 10.7.0.2", "fd08::/64 via fd07::2"] } });
  await lab.router("between", { lan: { ipv4: "10.7.0.2", ipv6: "fd07::2" }, far: { ipv4: "10.8.0.2", ipv6: "fd08::2" } });
  const router = await lab.router("router", { far: { ipv4: "10.8.0.254", ipv6: "fd08::fe", routes: ["10.7.0.0/24 via 10.8.0.2", "fd07::/64 via fd08::2"] } });
  const bird = await lab.bird(router, configuration(`multihop { ${TIMERS} };`, `neighbor ${HOST.ipv4} local 10.8.0.254 multihop on;`, `neighbor ${HOST.ipv6} local fd08::fe multihop on;`));
  const bfd = await RemoteBfd.start(host);
  const far = (minimumTtl: number) => [{ remote: "10.8.0.254", multihop: true, profile: { minimumTtl } }, { peer: "six", remote: "fd08::fe", multihop: true, profile: { minimumTtl } }];
  bfd.apply(...far(254));
  await eventually("BIRD hears us", 5000, async () => (await stateIn(bird, HOST.ipv4)) === "Init" && (await stateIn(bird, HOST.ipv6)) === "Init");
  assert.match((await bfd.session()).problem ?? "", /nothing is heard from 10\.8\.0\.254: .*TTL.*minimum_ttl/);
  bfd.apply(...far(63));
  await bfd.up();
  await bfd.up("six");
  assert.equal(await stateIn(bird, HOST.ipv4), "Up");
  const from = bfd.process.lines.length;
  await bird.process.kill();
  assert.match((await bfd.event("down", from)).event.type, /down/);
});
