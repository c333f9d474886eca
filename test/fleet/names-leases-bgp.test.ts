/** Interfaces on one segment, machines with one name, hosts known by their Leases, and BGP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address } from "../../src/net/index.ts";
import { Rig, vips } from "./rig.ts";
import { mac, statement } from "./statement.ts";

const [MINE] = vips(1, "mine") as readonly [Address];
const [THEIRS] = vips(1, "theirs") as readonly [Address];
const EDGE_2 = mac(2);

// ---- one machine, several interfaces; several machines, one name

test("two interfaces on one segment: the first is used, the other serves nothing and says nothing", () => {
  const rig = new Rig({ segments: ["eth0", "eth1"] });
  rig.due([MINE]);
  rig.pass(1_000);
  assert.deepEqual([rig.serves(MINE, "eth0"), rig.serves(MINE, "eth1")], [true, true]);
  rig.input({ type: "own-hello", segment: "eth0", from: "eth1" });
  rig.pass(100);
  assert.deepEqual([rig.serves(MINE, "eth0"), rig.serves(MINE, "eth1")], [true, false]);
  assert.equal(rig.said.get("eth1")?.rank, 0);
  assert.deepEqual([...rig.hushed], ["eth1"], "else the others would hear two ranks of one host");
  assert.deepEqual(rig.factsOf("same-segment").map(({ segment, as }) => [segment, as]), [["eth1", "eth0"]]);
  rig.pass(4_000);
  assert.notEqual(rig.said.get("eth1")?.rank, 0);
  assert.equal(rig.hushed.size, 0);
});

test("of two machines with one name, the one that has been up for less long serves nothing", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ name: "edge-1", instance: "0000000900000001", machine: "00000009", mac: mac(9), uptimeMs: 1e9 });
  assert.equal(rig.rank, 0);
  assert.deepEqual(rig.factsOf("duplicate-name").map(({ yields }) => yields), ["this host"]);
  rig.silence("0000000900000001");
  rig.pass(3_000);
  assert.equal(rig.rank, 3);
});

test("the other one keeps the name, and says so once", () => {
  const rig = Rig.settled([MINE]);
  rig.says({ name: "edge-1", instance: "0000000900000001", machine: "00000009", mac: mac(9), uptimeMs: -60_000, rank: 0 });
  rig.pass(5_000);
  assert.equal(rig.rank, 3);
  assert.deepEqual(rig.factsOf("duplicate-name").map(({ yields }) => yields), ["the other"]);
});

test("a straggler of this machine's last life is no namesake", () => {
  const rig = new Rig();
  rig.input({ type: "hello", segment: "eth0", statement: statement({ name: "edge-1", instance: "0000000100000000", machine: "00000001", uptimeMs: 1e9 }), sequence: 1 });
  rig.pass(1_000);
  assert.equal(rig.rank, 2);
  assert.equal(rig.factsOf("duplicate-name").length, 0);
});

// ---- Leases

test("a host that is known by its Lease alone is listed, and its claim is a claim", () => {
  const rig = Rig.settled([THEIRS]);
  rig.input({ type: "lease", host: "edge-2", statements: [statement()] });
  assert.deepEqual(rig.fleet.hosts().map(({ name, state }) => [name, state]), [["edge-1", "self"], ["edge-2", "leased"]]);
  assert.equal(rig.serves(THEIRS), true);
  rig.heard(THEIRS, EDGE_2);
  assert.equal(rig.serves(THEIRS), false);
});

test("what a Lease says grows old: while the API is away for both, neither view is the younger one", () => {
  const rig = Rig.settled([MINE]);
  rig.input({ type: "lease", host: "edge-2", statements: [statement({ viewAgeMs: 0 })] });
  rig.loseApi();
  rig.pass(60_000);
  rig.heard(MINE, EDGE_2);
  assert.equal(rig.serves(MINE), true);
});

test("a Lease that is deleted or forged moves nothing", () => {
  const rig = Rig.settled([MINE, THEIRS]);
  rig.says({ serving: 1 });
  rig.heard(THEIRS, EDGE_2);
  rig.answers.set(THEIRS, EDGE_2);
  rig.pass(1_000);
  rig.facts.length = 0;
  rig.input({ type: "lease", host: "edge-2", statements: [statement({ rank: 0, leaving: true })] });
  rig.input({ type: "lease", host: "edge-2", statements: [] });
  rig.input({ type: "lease", host: "edge-1", statements: [statement({ name: "edge-1", mac: mac(1), rank: 0 })] });
  rig.pass(5_000);
  assert.deepEqual([rig.serves(MINE), rig.serves(THEIRS)], [true, false]);
  assert.deepEqual(rig.facts, []);
});

// ---- BGP

test("BGP is announced when it has listened, if nobody better does", () => {
  const rig = new Rig({ bgp: true });
  assert.equal(rig.fleet.presence().announceBgp, false);
  rig.pass(700);
  assert.equal(rig.fleet.presence().announceBgp, true);
  assert.deepEqual(rig.presences, [true]);
});

for (const [what, other, announces] of [
  ["a better host that announces too", { bgp: true, rank: 3 }, false],
  ["an equal one", { bgp: true, rank: 2 }, true],
  ["a better one without BGP", { bgp: false, rank: 3 }, true],
] as const) {
  test(`a host on probation beside ${what} ${announces ? "announces" : "leaves it to that"}`, () => {
    const rig = new Rig({ bgp: true });
    rig.says(other);
    rig.pass(1_000);
    assert.equal(rig.fleet.presence().announceBgp, announces);
  });
}

/** What routers get, in one line: those of the host's rank, those that keep routes, and how. */
const bgpOf = ({ fleet }: Rig): string => {
  const { announceBgp, keeps, retiring } = fleet.presence();
  return `${announceBgp ? "announces" : "silent"}, keeps ${keeps}${retiring ? ", retires" : ""}`;
};

test("a drained host is the last choice of routers for a while, then withdraws; alone it goes on as the last choice", () => {
  const rig = Rig.settled([], { bgp: true });
  rig.says({ bgp: true });
  rig.pass(200);
  assert.equal(bgpOf(rig), "announces, keeps nothing");
  rig.input({ type: "leave", why: "drain" });
  assert.equal(bgpOf(rig), "announces, keeps nothing, retires");
  rig.pass(9_800);
  assert.equal(bgpOf(rig), "announces, keeps nothing, retires");
  rig.pass(300);
  assert.equal(bgpOf(rig), "silent, keeps nothing, retires");
  rig.silence();
  rig.pass(1_000);
  assert.equal(bgpOf(rig), "announces, keeps nothing, retires");
  assert.match(rig.fleet.presence().reason, /no other host announces/);
  rig.input({ type: "undrain" });
  assert.equal(bgpOf(rig), "announces, keeps nothing");
  assert.deepEqual([rig.rank, rig.factsOf("undrained").length], [3, 1]);
  assert.deepEqual(rig.factsOf("bgp").map(({ announces, retiring }) => [announces, retiring]), [[true, true], [false, true], [true, true], [true, false]]);
});

test("a drained host that may not serve at all announces nothing, though it is alone", () => {
  const rig = Rig.settled([], { bgp: true });
  rig.input({ type: "leave", why: "drain" });
  rig.input({ type: "data-plane", refused: "no nftables" });
  rig.pass(200);
  assert.equal(bgpOf(rig), "silent, keeps nothing, retires");
  rig.pass(20_000);
  assert.equal(bgpOf(rig), "silent, keeps nothing, retires");
});

test("a drained host that announced nothing does not begin to", () => {
  const rig = new Rig({ bgp: true });
  rig.says({ bgp: true });
  rig.pass(1_000);
  assert.equal(bgpOf(rig), "silent, keeps of the last life");
  rig.input({ type: "leave", why: "drain" });
  assert.equal(bgpOf(rig), "silent, keeps nothing, retires");
});

for (const [why, bgp] of [
  ["stop", "announces, keeps nothing, retires"],
  ["restart", "announces, keeps for the next life, retires"],
] as const) {
  test(`before a ${why} the host is the last choice of routers until it is gone, whoever else is there`, () => {
    const rig = Rig.settled([], { bgp: true });
    rig.says({ bgp: true });
    rig.input({ type: "leave", why });
    rig.pass(5_000);
    assert.equal(bgpOf(rig), bgp);
    rig.input({ type: "undrain" });
    assert.equal(bgpOf(rig), bgp, "a stop is not taken back");
  });
}

test("after a start, routers that kept its routes have them though it is on probation, and until that is over", () => {
  const rig = new Rig({ bgp: true });
  rig.says({ bgp: true });
  assert.equal(bgpOf(rig), "silent, keeps of the last life", "it listens");
  rig.pass(1_000);
  assert.equal(bgpOf(rig), "silent, keeps of the last life", "it is on probation");
  rig.input({ type: "leave", why: "restart" });
  assert.equal(bgpOf(rig), "silent, keeps of the last life, retires", "it restarts once more");
  const again = new Rig({ bgp: true });
  again.says({ bgp: true });
  again.pass(61_000);
  assert.equal(bgpOf(again), "announces, keeps nothing");
});

test("after a start, a host that is unfit for another reason than that keeps nothing, and does not begin to when it is fit", () => {
  const rig = new Rig({ bgp: true });
  rig.says({ bgp: true });
  rig.pass(1_000);
  rig.input({ type: "data-plane", refused: "no nftables" });
  rig.pass(200);
  assert.equal(bgpOf(rig), "silent, keeps nothing");
  rig.input({ type: "data-plane", refused: undefined });
  rig.pass(200);
  assert.equal(bgpOf(rig), "silent, keeps nothing");
});

test("hosts on a segment that is cut off here are no reason to leave BGP to them", () => {
  const rig = Rig.settled([], { bgp: true });
  rig.says({ bgp: true });
  rig.pass(1_000);
  rig.silence();
  rig.link("down");
  rig.pass(1_000);
  rig.input({ type: "nodes", notReady: new Set(["edge-1"]), excluded: undefined });
  rig.pass(30_000);
  assert.equal(rig.fleet.presence().announceBgp, true, rig.fleet.presence().reason);
  assert.deepEqual(rig.fleet.hosts().map(({ name }) => name), ["edge-1"]);
});

test("a host forgets no namesake for want of room, and says each once", () => {
  const rig = Rig.settled([]);
  for (let life = 1; life <= 70; life++) {
    const instance = `00000009${life.toString(16).padStart(8, "0")}`;
    for (let n = 0; n < 3; n++) {
      rig.input({ type: "hello", segment: "eth0", statement: statement({ name: "edge-1", instance, machine: "00000009", mac: mac(9), uptimeMs: 1_000, rank: 0 }), sequence: life * 10 + n });
      rig.pass(200);
    }
  }
  assert.equal(rig.factsOf("duplicate-name").length, 70);
});
