/** Graceful restart (RFC 4724, 8538) as a router sees it: what it is offered, what it is left with, and what it is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type Capability, communicationOf, insideHardReset } from "../../src/wire/index.ts";
import { ROUTER, type RouterConnection } from "./router.ts";
import { PEER, US, World } from "./world.ts";

type GracefulRestart = Extract<Capability, { readonly name: "graceful-restart" }>;

const KEEPING = { ...PEER, gracefulRestartMs: 30_000 };
const TOR_1 = { peer: "tor-1", restartMs: 30_000 };
/** As a router that only helps others says it: FRR by default. */
const HELPER: GracefulRestart = { name: "graceful-restart", restarting: false, notification: true, restartSeconds: 120, families: [] };
const OLD_HELPER = { ...HELPER, notification: false };
const RESTARTER = { ...HELPER, families: [{ afi: 1, safi: 1, forwarding: true }] };

/** A world with a router that has this capability. */
function worldWith(capability: GracefulRestart | undefined, options: ConstructorParameters<typeof World>[0] = {}): World {
  const w = new World(options);
  const capabilities = [...ROUTER.capabilities, ...(capability === undefined ? [] : [capability])];
  w.router.behave = (connection) => { w.router.establish(connection, { capabilities }); };
  return w;
}

function offered(connection: RouterConnection): string {
  const capability = connection.open?.capabilities.find((one) => one.name === "graceful-restart");
  if (capability === undefined) return "nothing";
  const { restarting, notification, restartSeconds, families } = capability;
  const flags = `${restarting ? "R" : ""}${notification ? "N" : ""}`;
  return `${flags} ${restartSeconds} ${families.map(({ afi, safi, forwarding }) => `${afi}/${safi}${forwarding ? "F" : ""}`).join(" ")}`;
}

test("it is offered where it is wanted, and forwarding is not said to have survived what may have been a boot", () => {
  const off = worldWith(HELPER);
  off.establish();
  assert.equal(offered(off.router.last), "nothing");
  const deaf = worldWith(undefined);
  deaf.establish({ peers: [KEEPING] });
  assert.match(deaf.peer().notes.join(), /will drop the routes when the daemon restarts/);
  const w = worldWith(HELPER);
  w.establish({ peers: [KEEPING], vips: ["10.9.9.9"] });
  assert.deepEqual(w.peer().notes, []);
  assert.equal(offered(w.router.last), "N 30 1/1 2/1");
  assert.deepEqual(w.kept, [TOR_1]);
  assert.equal(w.said(/session with peer tor-1 is up.* graceful_restart_s=30/).length, 1);
  w.router.last.drop();
  w.advance(3000);
  assert.equal(offered(w.router.last), "N 30 1/1F 2/1F", "the same life has forwarded all the time");
});

test("only the families of the peer are offered", () => {
  const w = worldWith(HELPER);
  w.establish({ peers: [{ ...KEEPING, families: ["ipv6"] }] });
  assert.equal(offered(w.router.last), "N 30 2/1");
});

test("after a restart it is said so until End-of-RIB has been sent, and nothing is announced before the view is complete", () => {
  const w = worldWith(HELPER, { lastLife: [TOR_1] });
  w.establish({ peers: [KEEPING], vips: ["10.9.9.9"], complete: false });
  assert.equal(offered(w.router.last), "RN 30 1/1F 2/1F");
  w.advance(5000);
  assert.deepEqual(w.router.last.log, ["OPEN", "KEEPALIVE"]);
  w.router.last.drop();
  w.advance(3000);
  assert.equal(offered(w.router.last), "RN 30 1/1F 2/1F", "the router still waits for it");
  w.apply({ peers: [KEEPING], vips: ["10.9.9.9"] });
  w.advance(1000);
  assert.deepEqual(w.router.last.log, ["OPEN", "KEEPALIVE", "UPDATE +10.9.9.9/32", "UPDATE end ipv4", "UPDATE end ipv6"]);
  w.router.last.drop();
  w.advance(5000);
  assert.equal(offered(w.router.last), "N 30 1/1F 2/1F");
});

test("the OPEN that is shown is the one that was sent, though the next one would be another", () => {
  const w = worldWith(HELPER, { lastLife: [TOR_1] });
  w.establish({ peers: [KEEPING], vips: ["10.9.9.9"] });
  w.advance(1000);
  const shown = (): string | undefined => w.peer().negotiated?.localCapabilities.find((one) => one.startsWith("graceful-restart"));
  const first = shown();
  assert.equal(offered(w.router.last), "RN 30 1/1F 2/1F");
  assert.match(first ?? "", /restarting/);
  w.router.last.drop();
  w.advance(5000);
  assert.equal(offered(w.router.last), "N 30 1/1F 2/1F");
  assert.notEqual(shown(), first);
});

test("before a restart a router that keeps the routes is left with them and without a word", async () => {
  for (const capability of [HELPER, OLD_HELPER]) {
    const w = worldWith(capability);
    w.establish({ peers: [KEEPING], vips: ["10.9.9.9", "fd09::9"] });
    assert.equal(w.speaker.wouldTakeBack("restart"), false);
    assert.equal(w.speaker.wouldTakeBack("nothing"), true);
    w.router.last.log.length = 0;
    const stopped = w.speaker.stop("bmlb is restarting", "restart");
    w.advance(10);
    await stopped;
    assert.deepEqual(w.router.last.log, []);
    assert.equal(w.router.last.closed, true);
    assert.deepEqual(w.kept, [TOR_1]);
  }
});

for (const [what, peer, capability] of [
  ["that is not to keep them", PEER, HELPER],
  ["that knows nothing of it", KEEPING, undefined],
] as const) {
  test(`before a restart a router ${what} hears the ordinary goodbye`, async () => {
    const w = worldWith(capability);
    w.establish({ peers: [peer], vips: ["10.9.9.9"] });
    assert.equal(w.speaker.wouldTakeBack("restart"), true);
    w.router.last.log.length = 0;
    const stopped = w.speaker.stop("bmlb is restarting", "restart");
    w.advance(10);
    await stopped;
    assert.deepEqual(w.router.last.log, ["UPDATE -10.9.9.9/32", "NOTIFICATION 6/4"]);
    assert.deepEqual(w.kept, []);
  });
}

test("before a restart a router that has no routes, as of a drained host, is not counted on to keep any", async () => {
  const w = worldWith(HELPER);
  w.establish({ peers: [KEEPING], vips: ["10.9.9.9"] });
  w.apply({ peers: [KEEPING], vips: [] });
  w.advance(100);
  const stopped = w.speaker.stop("bmlb is restarting", "restart");
  w.advance(10);
  await stopped;
  assert.deepEqual([w.router.last.log.slice(-2), w.kept], [["UPDATE -10.9.9.9/32", "NOTIFICATION 6/4"], []]);
});

test("a router that is away when the daemon restarts keeps what it was left with: the next life is told", async () => {
  const w = worldWith(HELPER);
  w.establish({ peers: [KEEPING], vips: ["10.9.9.9"] });
  w.router.last.drop();
  w.advance(100);
  await w.speaker.stop("bmlb is restarting", "restart");
  assert.deepEqual(w.kept, [TOR_1]);
});

test("a session to such a router that is only just coming up when the daemon restarts ends without a word, too", async () => {
  const w = worldWith(HELPER, { lastLife: [TOR_1] });
  w.router.behave = (connection) => { w.router.sendOpen(connection, { capabilities: [...ROUTER.capabilities, HELPER] }); };
  w.establish({ peers: [KEEPING], vips: ["10.9.9.9"] });
  assert.equal(w.peer().state, "OpenConfirm");
  const stopped = w.speaker.stop("bmlb is restarting", "restart");
  w.advance(10);
  await stopped;
  assert.deepEqual([w.router.last.log, w.router.last.closed, w.kept], [["OPEN", "KEEPALIVE"], true, [TOR_1]]);
});

test("a change of a peer's configuration before its End-of-RIB does not hide that the daemon restarted", async () => {
  const w = worldWith(HELPER, { lastLife: [TOR_1] });
  w.establish({ peers: [KEEPING], complete: false });
  w.apply({ peers: [{ ...KEEPING, holdTimeMs: 30_000 }], complete: false });
  w.advance(10);
  await turn();
  w.advance(2000);
  assert.equal(offered(w.router.last), "RN 30 1/1F 2/1F");
});

for (const [what, capability, log] of [
  ["knows the N bit, in a Hard Reset, for it would keep the routes else", HELPER, "NOTIFICATION 6/9"],
  ["does not know it, as ever", OLD_HELPER, "NOTIFICATION 6/2"],
] as const) {
  test(`a stop for good withdraws and tells a router that ${what}`, async () => {
    const w = worldWith(capability);
    w.establish({ peers: [KEEPING], vips: ["10.9.9.9"] });
    w.router.last.log.length = 0;
    const stopped = w.speaker.stop("bmlb is stopping");
    w.advance(10);
    await stopped;
    assert.deepEqual(w.router.last.log, ["UPDATE -10.9.9.9/32", log]);
    const last = w.router.last.notification;
    assert.ok(last !== undefined);
    assert.deepEqual([insideHardReset(last).code, insideHardReset(last).subcode, communicationOf(insideHardReset(last))], [6, 2, "bmlb is stopping"]);
    assert.deepEqual(w.kept, []);
  });
}

for (const [what, capability, log] of [
  ["knows the N bit", HELPER, "NOTIFICATION 6/9"],
  ["does not know it", OLD_HELPER, "NOTIFICATION 6/2"],
] as const) {
  test(`a stop for good before the End-of-RIB ends what a router that ${what} keeps of the life before, and says goodbye`, async () => {
    const w = worldWith(capability, { lastLife: [TOR_1] });
    w.establish({ peers: [KEEPING], vips: ["10.9.9.9"], complete: false });
    w.router.last.log.length = 0;
    const stopped = w.speaker.stop("bmlb is stopping");
    w.advance(10);
    await stopped;
    assert.deepEqual([w.router.last.log, w.kept], [["UPDATE end ipv4", "UPDATE end ipv6", log], []]);
    assert.equal(w.said(/^warning peers without a session/).length, 0);
  });
}

test("a stop for good while such a router is away says that it may keep the routes for a while", async () => {
  const w = worldWith(HELPER, { lastLife: [TOR_1] });
  w.router.behave = () => undefined; // it takes the connection and sends no OPEN
  w.apply({ peers: [KEEPING], vips: ["10.9.9.9"], complete: false });
  w.advance(100);
  const stopped = w.speaker.stop("bmlb is stopping");
  w.advance(10);
  await stopped;
  assert.equal(w.said(/^warning peers without a session may keep the routes .* peers=tor-1/).length, 1);
});

test("a peer that is no longer configured loses its routes for good", () => {
  const w = worldWith(HELPER);
  w.establish({ peers: [KEEPING], vips: ["10.9.9.9"] });
  w.router.last.log.length = 0;
  w.apply({ peers: [] });
  w.advance(100);
  assert.deepEqual(w.router.last.log, ["UPDATE -10.9.9.9/32", "NOTIFICATION 6/9"]);
  const last = w.router.last.notification;
  assert.deepEqual(last?.data, Uint8Array.of(6, 3));
  assert.deepEqual(w.kept, []);
});

for (const [what, capability, change, log] of [
  ["keeps the routes over a Cease, which is then no Hard Reset", HELPER, { holdTimeMs: 30_000 }, ["NOTIFICATION 6/6"]],
  ["does not know the N bit loses them first", OLD_HELPER, { holdTimeMs: 30_000 }, ["UPDATE -10.9.9.9/32", "NOTIFICATION 6/6"]],
  ["will see another neighbor loses them first", HELPER, { localAsn: 64999 }, ["UPDATE -10.9.9.9/32", "NOTIFICATION 6/6"]],
  ["is not to keep them any more loses them first", HELPER, { gracefulRestartMs: 0 }, ["UPDATE -10.9.9.9/32", "NOTIFICATION 6/6"]],
] as const) {
  test(`a peer whose configuration changes and that ${what}`, async () => {
    const w = worldWith(capability);
    w.establish({ peers: [KEEPING], vips: ["10.9.9.9"] });
    const first = w.router.last;
    first.log.length = 0;
    w.apply({ peers: [{ ...KEEPING, ...change }], vips: ["10.9.9.9"] });
    w.advance(10);
    await turn();
    w.advance(2000);
    assert.deepEqual(first.log, log);
    assert.ok(w.router.last !== first && w.router.last.table.has("10.9.9.9/32"), "and it has them again");
    if (log.length === 1) assert.equal(offered(w.router.last), "N 30 1/1F 2/1F");
  });
}

test("a peer that restarts gracefully opens a new connection, which replaces the one that still seems to stand, without a word", () => {
  const w = worldWith(RESTARTER);
  w.establish({ vips: ["10.9.9.9"], listen: [{ address: US, port: 179 }] });
  const first = w.router.last;
  const said = first.log.length;
  const second = w.router.dial(US);
  w.advance(100);
  assert.deepEqual([first.closed, first.log.length], [true, said]);
  assert.deepEqual([second.closed, second.table.has("10.9.9.9/32")], [false, true]);
  assert.deepEqual([w.peer().state, w.peer().openedBy, w.peer().establishments], ["Established", "peer", 2]);
  assert.equal(w.said(/notice peer tor-1 has restarted and opened a new connection/).length, 1);
  assert.deepEqual(w.said(/^(warning|error)/), []);
  const third = w.router.dial(US);
  w.advance(100);
  assert.deepEqual([second.closed, third.closed, w.peer().state], [true, false, "Established"], "and once more, when it was the peer that had opened it");
});

test("a new connection on which no OPEN of the peer comes replaces nothing, nor does one of another AS", () => {
  const w = worldWith(RESTARTER);
  w.establish({ vips: ["10.9.9.9"], listen: [{ address: US, port: 179 }] });
  const first = w.router.last;
  w.router.behave = () => undefined;
  w.router.dial(US);
  w.advance(1000);
  assert.equal(first.closed, false);
  w.router.behave = (connection) => { w.router.sendOpen(connection, { asn: 64777, capabilities: [] }); };
  const strange = w.router.dial(US);
  w.advance(1000);
  assert.deepEqual([first.closed, strange.log.at(-1), w.peer().state], [false, "NOTIFICATION 2/2", "Established"]);
});

for (const [what, capability] of [
  ["only helps others to restart", HELPER],
  ["knows nothing of it", undefined],
] as const) {
  test(`beside the session of a peer that ${what} a second connection is closed, as ever`, () => {
    const w = worldWith(capability);
    w.establish({ listen: [{ address: US, port: 179 }] });
    const first = w.router.last;
    const second = w.router.dial(US);
    w.advance(100);
    assert.deepEqual([first.closed, second.log], [false, ["OPEN", "NOTIFICATION 6/7"]]);
  });
}

test("of several capabilities the last one counts", () => {
  const w = new World();
  w.router.behave = (connection) => { w.router.establish(connection, { capabilities: [...ROUTER.capabilities, HELPER, OLD_HELPER] }); };
  w.establish({ peers: [KEEPING] });
  w.apply({ peers: [] });
  w.advance(100);
  assert.equal(w.router.last.log.at(-1), "NOTIFICATION 6/3");
});

test("what a Hard Reset of the router wraps says what to do, and the line has both codes", () => {
  const w = worldWith(HELPER);
  w.establish({ peers: [KEEPING] });
  w.router.last.notify(6, 9, Uint8Array.of(6, 3));
  w.advance(100);
  assert.equal(w.peer().lastError?.text, "peer tor-1 no longer has this host as a neighbor (cease, hard reset (cease, peer de-configured))");
  assert.equal(w.said(/warning .* sent_by=peer code=6 subcode=9 inner_code=6 inner_subcode=3/).length, 1);
});

test("a path that BFD finds down is a Hard Reset where a Cease alone would leave routes that lead nowhere (RFC 9384)", () => {
  const w = worldWith(HELPER);
  w.establish({ peers: [KEEPING], vips: ["10.9.9.9"] });
  w.speaker.pathDown("tor-1", "control detection time expired");
  w.advance(10);
  const { notification } = w.router.last;
  assert.deepEqual([w.router.last.log.at(-1), notification?.data], ["NOTIFICATION 6/9", Uint8Array.of(6, 10)]);
  assert.equal(w.said(/warning closed the session with peer tor-1: BFD says that the path to it is down: control detection time expired \(cease, hard reset \(cease, BFD down\)\)/).length, 1);
});
