/** The speaker over real sockets on the loopback interface: what the kernel does to it, and what a hostile peer can. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { type Socket, connect, createServer } from "node:net";
import { test, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { BgpSpeaker, type BgpDesired, type BgpPeer } from "../../src/bgp/index.ts";
import { openFrameSocket, systemTcp } from "../../src/linux/index.ts";
import { silentLog } from "../../src/log/index.ts";
import type { Address, Ipv4 } from "../../src/net/index.ts";
import { systemClock, systemRandom } from "../../src/time/index.ts";
import { encodeMessage, encodeOpen } from "../../src/wire/index.ts";
import { eventually } from "../lab/index.ts";
import { MemoryRoutes, NO_GROUPS, PEER } from "./world.ts";

const US = "127.0.0.1" as Ipv4;
const THEM = "127.0.0.2" as Ipv4;
const OPEN = encodeMessage(
  "OPEN",
  encodeOpen({ asn: 64501, holdSeconds: 90, identifier: "10.7.0.254" as Ipv4, capabilities: [{ name: "multiprotocol", afi: 1, safi: 1 }, { name: "four-octet-as", asn: 64501 }] }),
);
const KEEPALIVE = encodeMessage("KEEPALIVE");

/** A speaker that is stopped after the test. */
function speakerFor(t: TestContext): BgpSpeaker {
  const speaker = new BgpSpeaker({ routerId: "10.7.0.1" as Ipv4, hostname: "", tcp: systemTcp, clock: systemClock, random: systemRandom, log: silentLog, addressesBeside: () => ({}), openFrames: openFrameSocket, groups: NO_GROUPS, routes: new MemoryRoutes() });
  speaker.start();
  t.after(() => speaker.stop("the test is over"));
  return speaker;
}

function want(speaker: BgpSpeaker, peer: Partial<BgpPeer>, vips: readonly string[] = [], listen: BgpDesired["listen"] = []): void {
  const routes = new Map(vips.map((vip) => [vip as Address, [{ peer: "tor-1", prefix: { address: vip as Address, length: 32 }, attributes: { localPref: 100, med: undefined, prepend: 0, communities: [], linkBandwidth: undefined } }]]));
  speaker.apply({ peers: [{ ...PEER, address: THEM, sourceAddress: US, connectTimeMs: 1000, asn: 64501, families: ["ipv4"], ...peer }], routes, complete: true, listen }, new Set(routes.keys()));
}

/** A router that does what `behave` says with each connection; returns its port. */
async function router(t: TestContext, behave: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, THEM, resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === "object");
  return bound.port;
}

const establish = (socket: Socket): void => {
  socket.write(OPEN);
  socket.write(KEEPALIVE);
};

function stateOf(speaker: BgpSpeaker): string | undefined {
  return speaker.status().peers[0]?.state;
}

async function established(speaker: BgpSpeaker): Promise<void> {
  await eventually("the session is up", 5000, () => stateOf(speaker) === "Established");
}

/** Octets that a socket has received. */
function collect(socket: Socket): { readonly octets: Buffer } {
  const received: { octets: Buffer } = { octets: Buffer.alloc(0) };
  socket.on("data", (octets: Buffer) => { received.octets = Buffer.concat([received.octets, octets]); });
  return received;
}

test("our last words arrive although the peer floods us: the connection ends with FIN, not with a reset", async (t) => {
  const speaker = speakerFor(t);
  let received: { readonly octets: Buffer } = { octets: Buffer.alloc(0) };
  let reset: unknown;
  const port = await router(t, (socket) => {
    received = collect(socket);
    socket.on("error", (error) => { reset = error; });
    establish(socket);
    socket.write(Buffer.concat([KEEPALIVE, Buffer.alloc(3_000_000, 0x55)])); // no marker
  });
  want(speaker, { port });
  await eventually("it heard 1/1", 5000, () => received.octets.includes(Buffer.from("ffff0015030101", "hex")));
  assert.equal(reset, undefined);
});

test("a million routes in small and large UPDATEs keep the session, the loop and the memory", async (t) => {
  const speaker = speakerFor(t);
  const attributes = Buffer.from("400101004002060201" + "0000fbf5" + "4003040a0700fe", "hex");
  const update = (nlri: Buffer): Uint8Array => encodeMessage("UPDATE", Buffer.concat([Buffer.from([0, 0, 0, attributes.length]), attributes, nlri]));
  const large = update(Buffer.concat(Array.from({ length: 800 }, (_, i) => Buffer.from([32, 203, 0, i >> 8, i & 255]))));
  const small = update(Buffer.from([24, 203, 0, 113]));
  const load = Buffer.concat([...Array<Uint8Array>(1250).fill(large), ...Array<Uint8Array>(50_000).fill(small)]);
  const port = await router(t, (socket) => {
    establish(socket);
    socket.write(load);
  });
  let longest = 0;
  let last = performance.now();
  const watching = new AbortController();
  void (async () => {
    while (!watching.signal.aborted) {
      await turn();
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }
  })();
  t.after(() => { watching.abort(); });
  want(speaker, { port });
  await eventually("all are counted", 20_000, () => speaker.status().peers[0]?.received.announcements === 1_050_000);
  watching.abort();
  assert.equal(stateOf(speaker), "Established");
  assert.ok(longest < 250, `the loop stood still for ${longest.toFixed(0)} ms`);
});

test("a peer that was switched off while its OPEN was awaited is found out by TCP's own probes", async (t) => {
  const speaker = speakerFor(t);
  const port = await router(t, () => undefined);
  want(speaker, { port });
  await eventually("the OPEN is sent", 5000, () => stateOf(speaker) === "OpenSent");
  assert.match(execFileSync("ss", ["-tnoH", "src", US, "dst", `${THEM}:${port}`], { encoding: "utf8" }), /timer:\(keepalive,\d+sec/);
});

test("a peer that sends single octets is understood", async (t) => {
  const speaker = speakerFor(t);
  const port = await router(t, (socket) => {
    socket.setNoDelay(true);
    const octets = Buffer.concat([OPEN, KEEPALIVE]);
    const next = (at: number): void => {
      if (at < octets.length) socket.write(octets.subarray(at, at + 1), () => { next(at + 1); });
    };
    next(0);
  });
  want(speaker, { port });
  await established(speaker);
});

for (const [what, end] of [
  ["closed", (socket: Socket) => { socket.end(); }],
  ["reset", (socket: Socket) => { socket.resetAndDestroy(); }],
] as const) {
  test(`a connection that is ${what} at any moment is a failure with a sentence, never an exception`, async (t) => {
    const speaker = speakerFor(t);
    let connections = 0;
    const port = await router(t, (socket) => {
      switch (connections++) {
        case 0:
          end(socket);
          return;
        case 1:
          socket.write(OPEN.subarray(0, 10), () => { end(socket); });
          return;
        default:
          establish(socket);
      }
    });
    want(speaker, { port });
    await eventually("the session is up", 10_000, () => stateOf(speaker) === "Established");
    const { lastError } = speaker.status().peers[0] ?? {};
    assert.equal(lastError?.by, "network");
    assert.match(lastError.text, /peer tor-1 closed the connection without a word/);
  });
}

test("the last words of a peer that resets the connection while we write are heard, and come before its end", async (t) => {
  const word = Buffer.from("the last word");
  const happened: string[] = [];
  let write = (): void => undefined;
  const port = await router(t, (socket) => {
    socket.once("data", () => {
      socket.write(word);
      socket.destroy();
      // Nobody has read it yet; the first of these meets a closed socket, and the next ones the reset that it answers with.
      for (let i = 0; i < 5; i++) write();
    });
  });
  await new Promise<void>((resolve) => {
    const socket = systemTcp.dial(
      { remote: { address: THEM, zone: undefined, port }, source: US, ttl: 64, minimumTtl: 0, userTimeoutMs: 0, password: undefined },
      {
        connected: () => { socket.write(KEEPALIVE); },
        received: (octets) => { happened.push(Buffer.from(octets).toString()); },
        written: () => undefined,
        closed: (error) => {
          happened.push(error ?? "closed");
          resolve();
        },
      },
    );
    write = () => { socket.write(KEEPALIVE); };
  });
  assert.deepEqual(happened, ["the last word", "EPIPE"]);
});

test("a refused connection, an impossible source and an occupied port are told by their errno", async (t) => {
  const speaker = speakerFor(t);
  const port = await router(t, () => undefined);
  want(speaker, { port: 1 }, [], [{ address: THEM, port }]);
  await eventually("both failed", 5000, () => speaker.status().peers[0]?.lastError !== undefined && speaker.status().listeners[0]?.error !== undefined);
  assert.match(speaker.status().peers[0]?.lastError?.text ?? "", /refuses connections at 127\.0\.0\.2 port 1/);
  assert.equal(speaker.status().listeners[0]?.error, "EADDRINUSE");
  want(speaker, { port: 1, sourceAddress: "192.0.2.77" as Ipv4 });
  await eventually("it failed", 5000, () => /192\.0\.2\.77 is not an address of this host/.test(speaker.status().peers[0]?.lastError?.text ?? ""));
});

test("a thousand connections from strangers and from the peer leave the session alone", async (t) => {
  const speaker = speakerFor(t);
  const port = await router(t, establish);
  const listen = [{ address: US, port: 20_000 + (process.pid % 20_000) }];
  want(speaker, { port }, ["10.9.9.9"], listen);
  await established(speaker);
  const sockets = Array.from({ length: 1000 }, (_, i) =>
    connect({ host: US, port: listen[0]?.port ?? 0, localAddress: i % 2 === 0 ? THEM : "127.0.0.3" }).on("error", () => undefined).resume(),
  );
  t.after(() => { sockets.forEach((socket) => socket.destroy()); });
  await eventually("all but one were sent away", 15_000, () => sockets.filter((socket) => !socket.closed).length <= 1);
  assert.equal(stateOf(speaker), "Established");
  assert.equal(speaker.status().peers[0]?.establishments, 1);
});

test("an interface of a link-local peer that is absent is a sentence", async (t) => {
  const speaker = speakerFor(t);
  want(speaker, { address: "fe80::1" as Address, sourceAddress: undefined, zone: "absent0", port: 179 });
  await eventually("it failed", 5000, () => /interface absent0 of peer tor-1 is absent/.test(speaker.status().peers[0]?.lastError?.text ?? ""));
});

test("last words reach a peer that reads slowly, whole; one that reads nothing is not waited for", async (t) => {
  const words = new Uint8Array(64 * 1024);
  for (const reads of ["slowly", "nothing"] as const) {
    let heard = 0;
    let ended = false;
    const port = await router(t, (peer) => {
      peer.pause();
      if (reads === "nothing") return;
      peer.on("end", () => { ended = true; });
      // What the kernel does not hold waits in this process, for longer than a second.
      const timer = setInterval(() => { heard += (peer.read() as Buffer | null)?.length ?? 0; }, 10);
      t.after(() => { clearInterval(timer); });
    });
    const events = { connected: () => undefined, received: () => undefined, written: () => undefined, closed: () => undefined };
    const socket = systemTcp.dial({ remote: { address: THEM, zone: undefined, port }, source: US, ttl: 1, minimumTtl: 0, userTimeoutMs: 0, password: undefined }, events);
    let written = 0;
    for (; written < 14 * 1024 * 1024; written += words.length) socket.write(words);
    const began = performance.now();
    socket.close();
    await socket.gone;
    const tookMs = performance.now() - began;
    if (reads === "nothing") assert.ok(tookMs < 2500, `${tookMs} ms`);
    else await eventually("all has been read", 5000, () => ended && heard === written);
  }
});

test("stop is over within a second and a half even if the peer reads nothing", async (t) => {
  const speaker = speakerFor(t);
  const port = await router(t, (socket) => {
    socket.pause();
    establish(socket);
  });
  want(speaker, { port }, Array.from({ length: 30_000 }, (_, i) => `10.9.${i >> 8}.${i & 255}`));
  await established(speaker);
  const began = performance.now();
  await speaker.stop("bye");
  assert.ok(performance.now() - began < 1500);
});
