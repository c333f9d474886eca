/** Hostile routers over real sockets, all at once: the session with a good router, whose hold time is 3 s, does not notice. */
import assert from "node:assert/strict";
import { type Socket, connect, createServer } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { BgpSpeaker, type BgpPeer } from "../../src/bgp/index.ts";
import { openFrameSocket, systemTcp } from "../../src/linux/index.ts";
import { silentLog } from "../../src/log/index.ts";
import type { Address, Ipv4 } from "../../src/net/index.ts";
import { systemClock, systemRandom } from "../../src/time/index.ts";
import { encodeMessage, encodeOpen, encodeRouteRefresh } from "../../src/wire/index.ts";
import { eventually } from "../lab/index.ts";
import { ATTRIBUTES, MemoryRoutes, NO_GROUPS, PEER } from "./world.ts";

const US = "127.0.0.1" as Ipv4;
const OUR_PORT = 20_000 + (process.pid % 20_000);
const HOLD_S = 3;
const LASTS_MS = 6000; // two hold times
const MOST_STALL_MS = 500; // of the loop, in which the hostile routers live too
const ROUTES = 20_000;

const KEEPALIVE = encodeMessage("KEEPALIVE");
const REFRESH = encodeMessage("ROUTE-REFRESH", encodeRouteRefresh({ afi: 1, safi: 1, subtype: "request" }));

function open(holdSeconds: number): Uint8Array {
  return encodeMessage("OPEN", encodeOpen({ asn: 64501, holdSeconds, identifier: "10.7.0.254" as Ipv4, capabilities: [{ name: "multiprotocol", afi: 1, safi: 1 }, { name: "four-octet-as", asn: 64501 }] }));
}

/** What a router does with a connection that it took; `again` calls something every so often until the test is over. */
type Behaviour = (socket: Socket, again: (ms: number, deed: () => void) => void) => void;

const establish = (socket: Socket): void => {
  socket.write(open(90));
  socket.write(KEEPALIVE);
};

const HOSTILE: Readonly<Record<string, Behaviour>> = {
  "never reads, and talks": (socket, again) => {
    socket.pause();
    establish(socket);
    again(200, () => socket.write(KEEPALIVE));
  },
  "sends one octet at a time": (socket, again) => {
    socket.setNoDelay(true);
    const octets = Buffer.concat([open(90), ...Array<Uint8Array>(100).fill(KEEPALIVE)]);
    let at = 0;
    again(2, () => {
      if (at < octets.length) socket.write(octets.subarray(at, ++at));
    });
  },
  "flaps": (socket, again) => {
    establish(socket);
    again(50, () => { socket.destroy(); });
  },
  "floods with routes": (socket) => {
    establish(socket);
    const attributes = Buffer.from("400101004002060201" + "0000fbf5" + "4003040a0700fe", "hex");
    const nlri = Buffer.concat(Array.from({ length: 5 }, (_, i) => Buffer.from([32, 203, 0, 113, i])));
    const update = encodeMessage("UPDATE", Buffer.concat([Buffer.from([0, 0, 0, attributes.length]), attributes, nlri]));
    socket.write(Buffer.concat(Array<Uint8Array>(100_000).fill(update)));
  },
  "floods with route refreshes": (socket, again) => {
    socket.resume();
    establish(socket);
    again(100, () => socket.write(Buffer.concat(Array<Uint8Array>(500).fill(REFRESH))));
  },
  "takes connections and says nothing": () => undefined,
  "sends what is no BGP": (socket) => {
    socket.write(Buffer.alloc(1_000_000, 0x55));
  },
};

/** A router on an address of its own; returns its port. */
async function listen(t: TestContext, address: string, behave: Behaviour): Promise<number> {
  const over = new AbortController();
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    const timers: NodeJS.Timeout[] = [];
    socket.on("close", () => { timers.forEach(clearInterval); });
    behave(socket, (ms, deed) => timers.push(setInterval(deed, ms)));
    over.signal.addEventListener("abort", () => { socket.destroy(); });
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  t.after(() => {
    over.abort();
    server.close();
  });
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === "object");
  return bound.port;
}

test("beside seven hostile routers and a thousand connections a session with a hold time of three seconds stays, with its routes", async (t) => {
  const speaker = new BgpSpeaker({ routerId: "10.7.0.1" as Ipv4, hostname: "", tcp: systemTcp, clock: systemClock, random: systemRandom, log: silentLog, addressesBeside: () => ({}), openFrames: openFrameSocket, groups: NO_GROUPS, routes: new MemoryRoutes() });
  speaker.start();
  t.after(() => speaker.stop("the test is over"));

  let heard = 0;
  let longestSilenceMs = 0;
  const calmPort = await listen(t, "127.0.0.3", (socket, again) => {
    heard = performance.now();
    socket.on("data", () => {
      longestSilenceMs = Math.max(longestSilenceMs, performance.now() - heard);
      heard = performance.now();
    });
    socket.write(open(HOLD_S));
    socket.write(KEEPALIVE);
    again(900, () => socket.write(KEEPALIVE));
  });
  const peers: BgpPeer[] = [{ ...PEER, name: "calm", address: "127.0.0.3" as Ipv4, port: calmPort, sourceAddress: US, families: ["ipv4"] }];
  for (const [i, [name, behave]] of Object.entries(HOSTILE).entries()) {
    const address = `127.0.0.${11 + i}` as Ipv4;
    peers.push({ ...PEER, name, address, port: await listen(t, address, behave), sourceAddress: US, connectTimeMs: 1000, families: ["ipv4"] });
  }
  const vips = Array.from({ length: ROUTES }, (_, i) => `10.9.${i >> 8}.${i & 255}` as Address);
  const routes = new Map(vips.map((vip) => [vip, peers.map(({ name }) => ({ peer: name, prefix: { address: vip, length: 32 }, attributes: ATTRIBUTES }))]));
  speaker.apply({ peers, routes, complete: true, listen: [{ address: US, port: OUR_PORT }] }, new Set(vips));
  const status = (name: string) => speaker.status().peers.find((peer) => peer.name === name);
  await eventually("the calm router has its routes", 10_000, () => status("calm")?.families.ipv4.announced === ROUTES);
  await eventually("the one that never reads is established", 10_000, () => status("never reads, and talks")?.state === "Established");

  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  longestSilenceMs = 0;
  const flapper = peers.findIndex(({ name }) => name === "flaps");
  const visitors = Array.from({ length: 1000 }, (_, i) => connect({ host: US, port: OUR_PORT, localAddress: `127.0.0.${i % 2 === 0 ? 3 : 200}` }).on("error", () => undefined).resume());
  for (let passed = 0; passed < LASTS_MS; passed += 100) {
    visitors.push(connect({ host: US, port: OUR_PORT, localAddress: `127.0.0.${10 + flapper}` }).on("error", () => undefined).resume());
    await pause(100);
  }
  delay.disable();
  t.after(() => { visitors.forEach((socket) => socket.destroy()); });

  const calm = status("calm");
  t.diagnostic(`longest silence toward the calm router ${longestSilenceMs.toFixed(0)} ms, longest stall of the loop ${(delay.max / 1e6).toFixed(0)} ms`);
  assert.deepEqual([calm?.state, calm?.establishments, calm?.families.ipv4.announced], ["Established", 1, ROUTES]);
  assert.ok(longestSilenceMs < (HOLD_S * 1000) / 2, `${longestSilenceMs.toFixed(0)} ms of silence toward the calm router`);
  assert.ok(delay.max / 1e6 < MOST_STALL_MS, `the loop stood still for ${(delay.max / 1e6).toFixed(0)} ms`);
  const flaps = status("flaps")?.establishments ?? 0;
  assert.ok(flaps <= 6, `${flaps} sessions with the one that flaps`);
  const flood = status("floods with routes");
  assert.deepEqual([flood?.state, flood?.received.announcements], ["Established", 500_000]);
  assert.ok((status("never reads, and talks")?.queued ?? Infinity) < 300_000, "what it does not read waits in memory");
});
