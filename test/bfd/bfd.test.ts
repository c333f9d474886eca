/** The main loop's side of BFD, with a kernel and a thread that are doubles: what it opens, says to the thread and closes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bfd, type BfdEvent, type BfdSession } from "../../src/bfd/index.ts";
import type { FromThread, Report, ToThread } from "../../src/bfd/messages.ts";
import type { BfdSockets } from "../../src/bfd/sockets.ts";
import { silentLog } from "../../src/log/index.ts";
import { type Address, address } from "../../src/net/index.ts";
import type { Channel, ChannelEvents } from "../../src/thread/index.ts";
import { VirtualClock, VirtualWorld, seededRandom } from "../../src/time/index.ts";

const PROFILE = { requiredMinRxMs: 300, desiredMinTxMs: 300, detectMult: 3, echoMs: undefined, passive: false, minimumTtl: 254 } as const;
const TOR: BfdSession = { peer: "tor-1", remote: address("10.7.0.254"), zone: undefined, local: undefined, multihop: false, profile: PROFILE };
const FAR: BfdSession = { ...TOR, peer: "far", remote: address("10.8.0.254"), multihop: true };
const REPORT: Report = {
  state: "up",
  since: 0,
  diagnostic: undefined,
  remoteDiscriminator: 7,
  remote: { state: "up", diagnostic: 0 },
  transmitMs: 300,
  detectionMs: 900,
  echoMs: undefined,
  echoWelcome: false,
  ups: 1,
  downs: 0,
  discarding: undefined,
  sendError: undefined,
};

/** Descriptors that are open, and why none can be opened. */
class Kernel {
  readonly open = new Map<number, string>();
  readonly usedPorts = new Set<number>();
  failure: string | undefined;
  local: Address = address("10.7.0.1");
  filters = 0;
  #last = 10;

  readonly sockets: BfdSockets = {
    openListener: ({ local, port }) => {
      if (this.failure !== undefined) throw new Error(this.failure);
      return this.#opened(`listener ${local} ${port}`);
    },
    filterListener: () => { this.filters++; },
    openTransmitter: ({ local, remote, port, sourcePort }) => {
      if (this.usedPorts.has(sourcePort)) throw new Error("EADDRINUSE");
      assert.ok(sourcePort >= 49_152 && sourcePort <= 65_535);
      this.usedPorts.add(sourcePort);
      return this.#opened(`transmitter ${local} to ${remote} ${port}`);
    },
    localAddressToward: () => this.local,
    interfaceIndex: () => 2,
    interfaceWith: () => undefined,
    neighbourMac: () => undefined,
    openEcho: () => this.#opened("echo"),
    duplicate: () => this.#opened("the thread's"),
    close: (fd) => { assert.ok(this.open.delete(fd), `descriptor ${fd} is closed twice`); },
    errorCode: (error) => (error instanceof Error ? error.message : undefined),
  };

  /** Those of the main thread. */
  get ours(): string[] {
    return [...this.open.values()].filter((what) => what !== "the thread's").sort();
  }

  #opened(what: string): number {
    this.open.set(++this.#last, what);
    return this.#last;
  }
}

class Thread implements Channel<ToThread, FromThread> {
  open = false;
  posted: ToThread[] = [];
  #events: ChannelEvents<FromThread> | undefined;

  post(message: ToThread): void {
    if (this.open) this.posted.push(message);
  }

  serve(events: ChannelEvents<FromThread>): void {
    this.#events = events;
  }

  begin(): void {
    this.open = true;
    this.#events?.began();
  }

  end(): void {
    this.open = false;
    this.#events?.ended();
  }

  say(message: FromThread): void {
    this.#events?.message(message);
  }

  /** What was posted since the last time, by type. */
  said(): string[] {
    return this.posted.splice(0).map(({ type }) => type);
  }
}

function make(): { readonly world: VirtualWorld; readonly kernel: Kernel; readonly thread: Thread; readonly events: BfdEvent[]; readonly bfd: Bfd } {
  const [world, kernel, thread, events] = [new VirtualWorld(), new Kernel(), new Thread(), [] as BfdEvent[]];
  const bfd = new Bfd({ log: silentLog, clock: new VirtualClock(world), random: seededRandom(1), channel: thread, sockets: kernel.sockets, onEvent: (event) => events.push(event) });
  bfd.start();
  thread.begin();
  return { world, kernel, thread, events, bfd };
}

const discriminatorOf = (bfd: Bfd, peer = "tor-1"): number => bfd.status().sessions.find((session) => session.peer === peer)?.localDiscriminator ?? 0;

test("the same twice says nothing, another profile is told, and only what concerns another address is made anew", () => {
  const { thread, kernel, bfd } = make();
  bfd.apply({ sessions: [TOR, FAR] });
  assert.deepEqual(thread.said(), ["listen", "add", "listen", "add"]);
  assert.deepEqual(kernel.ours, ["listener 10.7.0.1 3784", "listener 10.7.0.1 4784", "transmitter 10.7.0.1 to 10.7.0.254 3784", "transmitter 10.7.0.1 to 10.8.0.254 4784"]);
  const [tor, far] = [discriminatorOf(bfd), discriminatorOf(bfd, "far")];
  bfd.apply({ sessions: [{ ...TOR, profile: { ...PROFILE } }, FAR] });
  assert.deepEqual(thread.said(), []);
  bfd.apply({ sessions: [{ ...TOR, profile: { ...PROFILE, detectMult: 5 } }, { ...FAR, profile: { ...PROFILE, minimumTtl: 100 } }] });
  assert.deepEqual(thread.said(), ["configure", "configure"]);
  assert.equal(kernel.filters, 1, "the kernel takes packets from farther away");
  assert.deepEqual([discriminatorOf(bfd), discriminatorOf(bfd, "far")], [tor, far]);
  bfd.apply({ sessions: [{ ...TOR, local: address("10.7.0.9") }, { ...FAR, profile: { ...PROFILE, minimumTtl: 100 } }] });
  assert.deepEqual(thread.said(), ["remove", "listen", "add"]);
  assert.notEqual(discriminatorOf(bfd), tor);
});

test("a descriptor that is lent is closed when the thread has given it back, and the last session takes the listener along", () => {
  const { thread, kernel, bfd } = make();
  bfd.apply({ sessions: [TOR] });
  const session = discriminatorOf(bfd);
  thread.said();
  bfd.apply({ sessions: [] });
  assert.deepEqual([thread.said(), kernel.ours.length], [["remove"], 2]);
  thread.say({ type: "removed", session });
  assert.deepEqual([thread.said(), kernel.ours], [["unlisten"], []]);
});

test("what a leaving session still says is nobody's news", () => {
  const { thread, events, bfd } = make();
  bfd.apply({ sessions: [TOR] });
  const session = discriminatorOf(bfd);
  bfd.apply({ sessions: [] });
  thread.say({ type: "up", session });
  thread.say({ type: "removed", session });
  thread.say({ type: "down", session, diagnostic: 1, administrative: false });
  assert.deepEqual(events, []);
});

test("events have the diagnostic in words, and the status what was reported last", () => {
  const { thread, events, bfd } = make();
  bfd.apply({ sessions: [TOR] });
  const session = discriminatorOf(bfd);
  thread.say({ type: "report", session, report: REPORT });
  thread.say({ type: "up", session });
  thread.say({ type: "down", session, diagnostic: 1, administrative: false });
  assert.deepEqual(events, [
    { type: "up", peer: "tor-1" },
    { type: "down", peer: "tor-1", diagnostic: "control detection time expired", administrative: false },
  ]);
  const [status] = bfd.status().sessions;
  assert.deepEqual([status?.state, status?.remoteDiscriminator, status?.detectionMs, status?.problem], ["up", 7, 900, undefined]);
});

test("of a peer that is silent it is said what to look at, and something else of one that was not always", () => {
  const { thread, bfd } = make();
  bfd.apply({ sessions: [TOR, FAR] });
  const silent = { ...REPORT, state: "down", remoteDiscriminator: 0, remote: undefined } as const;
  const problem = (peer: string, ups: number): string => {
    thread.say({ type: "report", session: discriminatorOf(bfd, peer), report: { ...silent, ups } });
    return bfd.status().sessions.find((one) => one.peer === peer)?.problem ?? "";
  };
  assert.match(problem(TOR.peer, 0), /^nothing is heard from \S+: check that BFD toward \S+ is configured there, and that UDP port 3784 passes both ways$/);
  assert.match(problem("far", 0), /UDP port 4784 passes both ways, and that its packets arrive with a TTL of \d+ or more/);
  assert.match(problem(TOR.peer, 1), /^nothing is heard from \S+ any more: check the path/);
});

test("a thread that ends is no failure of the path: its sockets are closed, its sessions begin anew with the next, and what they counted stays", () => {
  const { thread, kernel, events, bfd } = make();
  bfd.apply({ sessions: [TOR, FAR] });
  const session = discriminatorOf(bfd);
  thread.say({ type: "report", session, report: REPORT });
  thread.end();
  assert.deepEqual(kernel.ours, []);
  assert.deepEqual(events.map((event) => [event.type, event.type === "down" && event.administrative]), [["down", true]]);
  bfd.apply({ sessions: [TOR] });
  assert.deepEqual(kernel.ours, [], "there is nobody to lend anything to");
  thread.said();
  thread.begin();
  assert.deepEqual(thread.said(), ["listen", "add"]);
  const [status] = bfd.status().sessions;
  assert.deepEqual([status?.localDiscriminator, status?.state, status?.ups, status?.downs], [session, "down", 1, 1]);
});

test("a port that another program has is one problem of the host, and tried again each second", () => {
  const { world, thread, kernel, bfd } = make();
  kernel.failure = "EADDRINUSE";
  bfd.apply({ sessions: [TOR, { ...TOR, peer: "tor-2", remote: address("10.7.0.253") }] });
  assert.equal(bfd.status().problems.length, 1);
  assert.match(bfd.status().problems[0] ?? "", /has UDP port 3784/);
  world.advance(3000);
  assert.deepEqual([thread.said(), kernel.ours], [[], []]);
  bfd.apply({ sessions: [] });
  assert.deepEqual(bfd.status().problems, [], "nobody wants the port any more");
  bfd.apply({ sessions: [TOR, { ...TOR, peer: "tor-2", remote: address("10.7.0.253") }] });
  kernel.failure = undefined;
  world.advance(1001);
  assert.deepEqual(thread.said(), ["listen", "add", "add"]);
  assert.deepEqual(bfd.status().problems, []);
});

test("a source port that somebody has is passed over", () => {
  const { kernel, bfd } = make();
  for (let port = 49_152; port < 65_536; port += 1) if (port % 8 !== 0) kernel.usedPorts.add(port);
  bfd.apply({ sessions: [TOR, FAR] });
  assert.equal(kernel.ours.length, 4);
});

test("a session that is not up gets other sockets when the kernel would send from another address; one that is up does not", () => {
  const { world, thread, kernel, bfd } = make();
  bfd.apply({ sessions: [TOR] });
  thread.said();
  const session = discriminatorOf(bfd);
  thread.say({ type: "report", session, report: REPORT });
  kernel.local = address("10.7.0.2");
  world.advance(5000);
  assert.deepEqual(thread.said(), []);
  thread.say({ type: "report", session, report: { ...REPORT, state: "down" } });
  world.advance(1001);
  assert.deepEqual(thread.said(), ["remove", "listen", "add"]);
  assert.equal(bfd.status().sessions[0]?.local, "10.7.0.2");
});

test("a stop is over when all peers know, and after a second at the latest", async () => {
  for (const answers of [true, false]) {
    const { world, thread, kernel, bfd } = make();
    bfd.apply({ sessions: [TOR, FAR] });
    const sessions = [discriminatorOf(bfd), discriminatorOf(bfd, "far")];
    const stopped = bfd.stop();
    if (answers) for (const session of sessions) thread.say({ type: "removed", session });
    else world.advance(1000);
    await stopped;
    assert.equal(kernel.ours.length, answers ? 0 : 4, "what the thread may still use stays open");
    bfd.apply({ sessions: [TOR] });
    assert.deepEqual(bfd.status().sessions, [], "what comes after the stop is not begun");
  }
});
