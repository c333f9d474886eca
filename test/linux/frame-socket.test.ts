import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { after, before, test } from "node:test";
import { type FrameSocket, type FrameSocketOptions, type Link, LinkWatcher, openFrameSocket } from "../../src/linux/index.ts";
import { silentLog } from "../../src/log/index.ts";
import { systemClock, systemRandom } from "../../src/time/index.ts";
import { fromHex, toHex } from "../wire/hex.ts";
import { Neighbour, enterNewNamespace, eventually, ip } from "./namespace.ts";

const FILTER = "inbound and (arp or (icmp6 and (ip6[40] = 135 or ip6[40] = 136)))";
const PROBE = fromHex("ffff ffff ffff 0200 0000 000a 0806 0001 0800 0604 0001 0200 0000 000a 0000 0000 0000 0000 0000 c000 0202");

/** Everything that hears of the links. */
const sockets = new Map<string, FrameSocket>();
const watcher = new LinkWatcher({
  log: silentLog,
  clock: systemClock,
  onChange: (links) => {
    for (const [name, socket] of sockets) socket.link(find(links, name));
  },
});
const find = (links: readonly Link[], name: string): Link | undefined => links.find((link) => link.name === name);
let neighbour: Neighbour;

before(async () => {
  enterNewNamespace();
  neighbour = new Neighbour();
  await watcher.start();
  await eventually("links are known", () => watcher.links.length > 0);
});

after(() => {
  watcher.stop();
  neighbour[Symbol.dispose]();
});

class Capture {
  readonly frames: string[] = [];
  readonly ages: number[] = [];
  opened = 0;
  readonly socket: FrameSocket;
  readonly name: string;

  constructor(name: string, options: Partial<FrameSocketOptions> = {}) {
    this.name = name;
    this.socket = openFrameSocket({
      interface: name,
      filter: FILTER,
      onFrame: (frame, ageMs) => {
        this.frames.push(toHex(frame));
        this.ages.push(ageMs);
      },
      onOpen: () => this.opened++,
      log: silentLog,
      clock: systemClock,
      random: systemRandom,
      ...options,
    });
    sockets.set(name, this.socket);
    this.socket.link(find(watcher.links, name));
  }

  async open(): Promise<void> {
    await eventually(`a capture on ${this.name} is open`, () => this.socket.status().state.type === "open");
  }

  [Symbol.dispose](): void {
    sockets.delete(this.name);
    this.socket.close();
  }
}

/** A pair of links for one test, ours named `name`. */
function pair(name: string): Disposable & { readonly name: string } {
  neighbour.connect(name, `${name}n`, ["192.0.2.1/24"], ["192.0.2.2/24"]);
  return { name, [Symbol.dispose]: () => void ip(`link del ${name}`) };
}

/** The neighbour asks for an address that nobody has until the capture has heard it. */
async function heard(capture: Capture): Promise<void> {
  const before = capture.frames.length;
  await eventually("a question is heard", async () => {
    await ask(capture.name);
    return capture.frames.length > before;
  });
}

async function ask(name: string): Promise<void> {
  await neighbour.start(`timeout 0.2 arping -I ${name}n -c 1 -w 1 192.0.2.99`).catch(() => undefined);
}

function packetSockets(): number {
  return readFileSync("/proc/net/packet", "utf8").trim().split("\n").length - 1;
}

async function noneLeft(): Promise<void> {
  await eventually("no packet socket is left", () => packetSockets() === 0);
}

test("a frame of a neighbour comes within a moment, whole, and is the receiver's own", async () => {
  using wire = pair("a0");
  {
    using capture = new Capture(wire.name);
    await capture.open();
    const question = /^ffffffffffff.{12}08060001080006040001.{12}c0000202.{12}c0000263$/;
    await eventually("the question is heard, whole", async () => {
      await ask(capture.name);
      return capture.frames.some((frame) => question.test(frame));
    });
    assert.ok(Math.min(...capture.ages) < 100);
    assert.equal(capture.socket.status().counters.delivered, capture.frames.length);
  }
  await noneLeft();
});

test("what we send goes out and does not come back", async () => {
  using wire = pair("b0");
  {
    using ours = new Capture(wire.name);
    await ours.open();
    const theirs = neighbour.start("timeout 5 tcpdump -i b0n -c 1 -xx -n arp and src host 0.0.0.0 and not ether src 00:00:00:00:00:00");
    await eventually("tcpdump has our frame", async () => {
      ours.socket.send(PROBE);
      return await Promise.race([theirs, new Promise<undefined>((resolve) => setTimeout(resolve, 100, undefined))]);
    });
    assert.match((await theirs).replace(/0x[0-9a-f]+:|\s/g, ""), new RegExp(toHex(PROBE)));
    await heard(ours);
    assert.ok(ours.frames.every((frame) => frame !== toHex(PROBE)));
  }
  await noneLeft();
});

test("a link that goes down and up again is heard again", async () => {
  using wire = pair("c0");
  {
    using capture = new Capture(wire.name);
    await capture.open();
    await heard(capture);
    ip("link set c0 down");
    await eventually("the capture is closed", () => capture.socket.status().state.type === "closed");
    assert.deepEqual(capture.socket.status().state, { type: "closed", reason: "link-down" });
    assert.equal(capture.socket.send(PROBE), false);
    ip("link set c0 up");
    await capture.open();
    assert.equal(capture.opened, 2);
    await heard(capture);
  }
  await noneLeft();
});

test("a flap that nobody saw happening does not leave it deaf", async () => {
  using wire = pair("d0");
  {
    using capture = new Capture(wire.name);
    await capture.open();
    for (let flap = 0; flap < 3; flap++) {
      const opened = capture.opened;
      ip("link set d0 down");
      ip("link set d0 up");
      await eventually("it was opened anew", () => capture.opened > opened);
      await heard(capture);
    }
  }
  await noneLeft();
});

test("it notices by itself that it went deaf", async () => {
  using wire = pair("e0");
  {
    using capture = new Capture(wire.name);
    await capture.open();
    await heard(capture);
    sockets.delete(wire.name); // no news of the link
    ip("link set e0 down");
    ip("link set e0 up");
    // Not by what is heard: a frame of before the flap may still be on its way.
    await eventually("it was opened anew", async () => {
      await ask(wire.name);
      return capture.socket.status().reopened > 0;
    });
    await heard(capture);
    assert.equal(capture.socket.status().reopened, 1);
  }
  await noneLeft();
});

test("an interface that is deleted and made again is heard again", async () => {
  {
    using capture = new Capture("f0");
    {
      using wire = pair("f0");
      assert.equal(wire.name, capture.name);
      await capture.open();
      await heard(capture);
    }
    await eventually("the capture is closed", () => capture.socket.status().state.type === "closed");
    assert.deepEqual(capture.socket.status().state, { type: "closed", reason: "no-interface" });
    {
      using wire = pair("f0");
      assert.equal(wire.name, capture.name);
      await capture.open();
      await heard(capture);
    }
    using again = pair("f0"); // at once
    assert.equal(again.name, capture.name);
    await eventually("it was opened anew", () => capture.opened > 2);
    await heard(capture);
  }
  await noneLeft();
});

test("to send while the link is down fails without a word, also before anybody has said that it is", async () => {
  using wire = pair("g0");
  {
    using capture = new Capture(wire.name);
    await capture.open();
    sockets.delete(wire.name);
    ip("link set g0 down");
    assert.equal(capture.socket.send(PROBE), false);
    ip("link set g0 up");
    await eventually("frames go out again", () => capture.socket.send(PROBE));
  }
  await noneLeft();
});

test("an interface that is missing, or down, is waited for", async () => {
  using capture = new Capture("h0");
  assert.deepEqual(capture.socket.status().state, { type: "closed", reason: "no-interface" });
  ip("link add h0 type veth peer name h1");
  await eventually("it is known to be down", () => JSON.stringify(capture.socket.status().state).includes("link-down"));
  ip("link set h0 up");
  await capture.open();
  ip("link del h0");
});

test("what libpcap refuses again is told, and tried again", async () => {
  const said: string[] = [];
  using capture = new Capture("lo2", { log: { ...silentLog, warning: (sentence) => void said.push(sentence) } });
  ip("link add lo2 type veth peer name lo3");
  ip("link set lo2 up");
  await capture.open();
  // The link watcher has not heard of it yet: the interface that it names is gone.
  const stale = find(watcher.links, "lo2");
  ip("link del lo2");
  assert.ok(stale);
  capture.socket.link({ ...stale, epoch: -1 });
  const state = capture.socket.status().state;
  assert.equal(state.type, "failed");
  assert.equal(said.length, 0, "the interface may have gone down just then");
  capture.socket.link({ ...stale, epoch: -2 });
  capture.socket.link({ ...stale, epoch: -3 });
  assert.equal(said.length, 1, "the same failure is said once");
  ip("link add lo2 type veth peer name lo3");
  ip("link set lo2 up");
  await capture.open();
  ip("link del lo2");
});

test("200 times opened and closed, in the same turn and after, it leaves no descriptor and no memory behind", async () => {
  using wire = pair("i0");
  const stop = new AbortController();
  const noise = (async () => {
    while (!stop.signal.aborted) await ask(wire.name);
  })();
  const link = await eventually("i0 is up", () => watcher.links.find(({ name, carrier }) => name === wire.name && carrier));
  const descriptors = (): number => readdirSync("/proc/self/fd").length;
  const before = descriptors();
  let opened = 0;
  let resident = 0;
  for (let round = 0; round < 200; round++) {
    const socket = openFrameSocket({
      interface: wire.name,
      filter: FILTER,
      onFrame: () => undefined,
      onOpen: () => opened++,
      log: silentLog,
      clock: systemClock,
      random: systemRandom,
    });
    socket.link(link);
    if (round % 2 === 0) await setImmediate();
    socket.close();
    await setImmediate();
    await setImmediate();
    if (round === 20) resident = process.memoryUsage().rss;
  }
  assert.equal(opened, 200);
  stop.abort();
  await noise;
  await noneLeft();
  // The neighbour's processes come and go.
  await eventually("as many descriptors are open as before", () => descriptors() <= before);
  const grown = process.memoryUsage().rss - resident;
  assert.ok(grown < 40e6, `180 rings of 2 MB would be 360 MB; it grew by ${grown} octets`);
});

test("whatever its filter, nothing is left of a capture that was closed", async () => {
  using wire = pair("i1");
  for (const filter of ["inbound and icmp6 and (ip6[40] = 133 or ip6[40] = 134)", "udp port 3785", "less 1"]) {
    const capture = new Capture(wire.name, { filter });
    await capture.open();
    assert.equal(packetSockets(), 1);
    capture[Symbol.dispose]();
    await noneLeft();
  }
});

test("closing while a frame is being received ends with that frame", async () => {
  using wire = pair("j0");
  let frames = 0;
  const capture = new Capture(wire.name, {
    onFrame: () => {
      frames++;
      capture.socket.close();
    },
  });
  await capture.open();
  for (let i = 0; frames === 0 && i < 20; i++) await ask(wire.name);
  assert.equal(frames, 1);
  sockets.delete(wire.name);
  await noneLeft();
});

test("a receiver that throws costs that frame, not the process", async () => {
  using wire = pair("k0");
  const errors: unknown[] = [];
  let frames = 0;
  {
    using capture = new Capture(wire.name, {
      onFrame: () => {
        frames++;
        throw new Error("planted");
      },
      log: { ...silentLog, error: (_, fields) => void errors.push(fields?.["error"]) },
    });
    await capture.open();
    await eventually("two frames came", async () => {
      await ask(wire.name);
      return frames >= 2;
    });
    assert.deepEqual(errors.slice(0, 2), ["Error: planted", "Error: planted"]);
  }
  await noneLeft();
});

const FLOOD = `
import socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
frame = bytes.fromhex(sys.argv[2])
end = time.time() + float(sys.argv[3])
count = 0
while time.time() < end:
    for _ in range(200):
        s.send(frame)
    count += 200
print(count)
`;

test("a flood of frames does not stop the event loop, and what comes after it is heard", async () => {
  using wire = pair("l0");
  {
    const said: string[] = [];
    using capture = new Capture(wire.name, { log: { ...silentLog, warning: (sentence) => void said.push(sentence) } });
    await capture.open();
    capture.frames.length = 0;
    let longest = 0;
    let last = performance.now();
    const ticker = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }, 1);
    const flood = PROBE.with(41, 77);
    const sent = Number(await neighbour.start(["python3", "-c", FLOOD, "l0n", toHex(flood), "1.5"]));
    clearInterval(ticker);
    const { counters } = capture.socket.status();
    assert.ok(sent > 10_000, `only ${sent} frames were sent`);
    assert.ok(counters.delivered > 1_000);
    assert.ok(longest < 500, `the loop stood still for ${longest} ms`);
    await heard(capture);
    if (counters.shed + counters.dropped > 0) await eventually("it is said", () => said.length > 0);
    assert.ok(said.length <= 2, "once a flood, not once a frame");
  }
  await noneLeft();
});

test("to close one capture leaves another alone", async () => {
  using wire = pair("m0");
  using other = new Capture(wire.name);
  await other.open();
  {
    using second = pair("n0");
    using capture = new Capture(second.name);
    await capture.open();
  }
  await eventually("one is left", () => packetSockets() === 1);
  await heard(other);
});
