/** BGP and BFD put together: which paths are watched, and what becomes of a session whose path goes down. On the virtual clock. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { BfdDesired, BfdEvent } from "../../src/bfd/index.ts";
import type { BfdProfileConfig, BgpPeerConfig } from "../../src/config/index.ts";
import { Keepsakes, type Link } from "../../src/linux/index.ts";
import { Journal } from "../../src/log/index.ts";
import { address, type Ipv4 } from "../../src/net/index.ts";
import { type PathWatch, Routing } from "../../src/routing.ts";
import { seededRandom, VirtualClock, VirtualWorld } from "../../src/time/index.ts";
import { MemoryNetwork } from "../bgp/memory-tcp.ts";
import { Router } from "../bgp/router.ts";
import { ATTRIBUTES } from "../bgp/world.ts";
import { config, peer } from "../config/values.ts";
import { link } from "../linux/link.ts";

const FAST: BfdProfileConfig = { name: "fast", receiveIntervalMs: 50, transmitIntervalMs: 60, detectMultiplier: 4, echoIntervalMs: 20, passive: true, minimumTtl: 250 };
const VIP = address("10.9.9.9");
const TOR = peer("tor", "10.7.0.254", { bfd: "fast" });

/** The daemon's BGP side, one router, and a watch that only remembers. */
class Bench {
  readonly world = new VirtualWorld();
  readonly network = new MemoryNetwork(this.world);
  readonly router = new Router(this.world, this.network);
  readonly did: string[] = [];
  readonly routing: Routing;
  desired: BfdDesired = { sessions: [] };
  log = "";
  #tell: (event: BfdEvent) => void = () => undefined;

  constructor(t: TestContext) {
    const directory = mkdtempSync(join(tmpdir(), "bmlb-routing-"));
    t.after(() => { rmSync(directory, { recursive: true }); });
    const watch: PathWatch = {
      start: () => { this.did.push("start"); },
      apply: (desired) => { this.desired = desired; },
      status: () => ({ sessions: [], problems: [] }),
      stop: () => {
        this.did.push(`AdminDown, the connection is ${this.router.last.closed ? "closed" : "open"}`);
        return Promise.resolve();
      },
    };
    this.routing = new Routing({
      keepsakes: new Keepsakes(directory),
      log: new Journal({ writableLength: 0, write: (text) => (this.log += text) }, "debug"),
      clock: new VirtualClock(this.world),
      random: seededRandom(1),
      tcp: this.network.tcpOf("10.7.0.1" as Ipv4),
      watch: (onEvent) => {
        this.#tell = onEvent;
        return watch;
      },
    });
    this.router.listen();
  }

  apply(peers: readonly BgpPeerConfig[], bfd: readonly BfdProfileConfig[] = [FAST]): void {
    const settings = config({ host: { routerId: "10.7.0.1" as Ipv4 }, peers, bfd });
    this.routing.start(settings, []);
    const routes = new Map([[VIP, peers.map(({ name }) => ({ peer: name, prefix: { address: VIP, length: 32 }, attributes: ATTRIBUTES }))]]);
    this.routing.apply({ config: settings, peers, passwords: new Map(), routes, complete: true }, new Set([VIP]));
    this.world.advance(200);
  }

  links(links: readonly Link[]): void {
    this.routing.start(config(), links);
    this.world.advance(10);
  }

  tell(event: BfdEvent): void {
    this.#tell(event);
    this.world.advance(10);
  }

  get state(): string | undefined {
    return this.routing.speaker?.status().peers[0]?.state;
  }

  get last(): string | undefined {
    return this.router.last.log.at(-1);
  }
}

const LINK = link("dum0", { mac: undefined, broadcast: false, linkLocal: undefined });
const DOWN: BfdEvent = { type: "down", peer: "tor", diagnostic: "control detection time expired", administrative: false };

test("each peer that names a profile is watched, from the configuration on, as it is reached", (t) => {
  const bench = new Bench(t);
  const far = peer("far", "203.0.113.1", { bfd: "slow", multihop: 5, sourceAddress: address("10.7.0.9") });
  const near = peer("near", "fe80::1", { bfd: "slow", zone: "eth1" });
  const slow: BfdProfileConfig = { ...FAST, name: "slow", receiveIntervalMs: 300, transmitIntervalMs: 300, detectMultiplier: 3, echoIntervalMs: undefined, passive: false, minimumTtl: 254 };
  bench.apply([TOR, far, near, peer("plain", "10.7.0.253")], [FAST, slow, { ...slow, name: "unused" }]);
  const profile = { requiredMinRxMs: 300, desiredMinTxMs: 300, detectMult: 3, echoMs: undefined, passive: false, minimumTtl: 254 };
  assert.deepEqual(bench.desired.sessions, [
    { peer: "tor", remote: "10.7.0.254", zone: undefined, local: undefined, multihop: false, profile: { requiredMinRxMs: 50, desiredMinTxMs: 60, detectMult: 4, echoMs: 20, passive: true, minimumTtl: 250 } },
    { peer: "far", remote: "203.0.113.1", zone: undefined, local: "10.7.0.9", multihop: true, profile },
    { peer: "near", remote: "fe80::1", zone: "eth1", local: undefined, multihop: false, profile },
  ]);
  assert.deepEqual(bench.did, ["start"]);
});

test("another profile, and BFD that comes or goes, change what is watched and leave the session of BGP as it is", (t) => {
  const bench = new Bench(t);
  bench.apply([TOR]);
  assert.equal(bench.state, "Established");
  bench.apply([TOR], [{ ...FAST, detectMultiplier: 9 }]);
  assert.equal(bench.desired.sessions[0]?.profile.detectMult, 9);
  bench.apply([{ ...TOR, bfd: undefined }]);
  assert.deepEqual(bench.desired.sessions, []);
  bench.apply([TOR]);
  assert.equal(bench.desired.sessions.length, 1);
  assert.deepEqual([bench.state, bench.router.connections.length], ["Established", 1]);
  bench.apply([]);
  assert.deepEqual(bench.desired.sessions, []);
});

test("a path is watched as soon as it is known between which addresses it is, and anew when they are others", (t) => {
  const bench = new Bench(t);
  const elsewhere = { ...TOR, sourceInterface: "dum0" };
  bench.apply([elsewhere]);
  assert.equal(bench.desired.sessions.length, 0);
  for (const local of ["10.7.0.1", "10.7.0.2"]) {
    bench.router.behave = () => undefined; // no session, for which the address would be kept
    bench.links([{ ...LINK, addresses: [address(local)] }]);
    assert.deepEqual(bench.desired.sessions.map((session) => [session.peer, session.local]), [["tor", local]]);
  }
  bench.links([]);
  assert.equal(bench.desired.sessions.length, 0);
});

test("a path that goes down ends the session of BGP with Cease 6/10, which comes up again without BFD", (t) => {
  const bench = new Bench(t);
  bench.apply([TOR]);
  bench.tell({ type: "up", peer: "tor" });
  assert.equal(bench.state, "Established");
  bench.tell(DOWN);
  assert.deepEqual([bench.last, bench.state], ["NOTIFICATION 6/10", "Idle"]);
  assert.match(bench.log, /<4>closed the session with peer tor: BFD says that the path to it is down: control detection time expired \(cease, BFD down\) .*code=6 subcode=10/);
  bench.world.advance(3000);
  assert.deepEqual([bench.state, bench.router.connections.length], ["Established", 2]);
});

test("a peer that switches BFD off leaves the session of BGP alone (RFC 5882 3.2)", (t) => {
  const bench = new Bench(t);
  bench.apply([TOR]);
  bench.tell({ type: "up", peer: "tor" });
  bench.tell({ ...DOWN, administrative: true });
  assert.deepEqual([bench.state, bench.router.connections.length], ["Established", 1]);
});

test("a stop says AdminDown with the farewell", async (t) => {
  const bench = new Bench(t);
  bench.apply([TOR]);
  const stopped = bench.routing.stop("nothing");
  assert.deepEqual(bench.did, ["start", "AdminDown, the connection is open"]);
  bench.world.advance(2000);
  await stopped;
  assert.equal(bench.last, "NOTIFICATION 6/2");
});

test("a restart closes the connection first, which a router that keeps the routes takes for the beginning of it", async (t) => {
  const bench = new Bench(t);
  const capabilities = [{ name: "multiprotocol", afi: 1, safi: 1 }, { name: "four-octet-as", asn: 64501 }, { name: "graceful-restart", restarting: false, notification: true, restartSeconds: 120, families: [] }] as const;
  bench.router.behave = (connection) => { bench.router.establish(connection, { capabilities }); };
  bench.apply([{ ...TOR, gracefulRestartMs: 30_000 }]);
  const stopped = bench.routing.stop("restart");
  bench.world.advance(2000);
  await stopped;
  assert.deepEqual(bench.did, ["start", "AdminDown, the connection is closed"]);
  assert.doesNotMatch(bench.router.last.log.join(), /NOTIFICATION/);
});

test("without BGP nothing is watched, and a stop is a stop", async (t) => {
  const bench = new Bench(t);
  bench.routing.apply({ config: config(), peers: [], passwords: new Map(), routes: new Map(), complete: true }, new Set());
  assert.deepEqual([bench.desired.sessions, bench.did], [[], []]);
  bench.router.dial("10.7.0.1" as Ipv4);
  await bench.routing.stop("nothing");
  assert.equal(bench.did.length, 1);
});
