import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { BfdSessionReport, DrainReport, ExplainReport, PeerReport, ReloadReport, RouteReport, StatusReport, VipReport } from "../../src/admin/index.ts";
import { runProgram } from "../../src/cli/index.ts";

type Outcome = { readonly status: number; readonly out: string; readonly err: string; readonly ran: readonly string[] };

async function bmlb(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  let [out, err] = ["", ""];
  const ran: string[] = [];
  const status = await runProgram({
    version: "1.2.3",
    words,
    environment,
    out: (text) => (out += text),
    err: (text) => (err += text),
    run: (path) => {
      ran.push(`run ${path}`);
      return Promise.resolve(78);
    },
    check: (path, json) => {
      ran.push(`check ${path}${json ? " as JSON" : ""}`);
      return Promise.resolve(1);
    },
  });
  return { status, out, err, ran };
}

/** A daemon that answers with these, by path. Returns its socket. */
async function daemon(t: TestContext, answers: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "bmlb-cli-"));
  const socket = join(folder, "bmlb.sock");
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    if (typeof answer === "string") response.end(answer);
    else response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? { error: `nothing at ${request.url ?? ""}` }));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  });
  return socket;
}

const VIP: VipReport = { address: "192.0.2.1", service: "shop/web", pool: "lan", answered_on: ["eth0"], announced_to: [], owners: { eth0: "h1", eth1: null } };
const STATUS: StatusReport = {
  version: "1.2.3",
  host: "h1",
  pid: 7,
  state: "ready",
  configuration: "as in the files",
  uptime_seconds: 3661,
  rank: 3,
  rank_reason: "eligible",
  drained_since: null,
  kubernetes: { server: "https://192.0.2.250:6443", view: "cache", current_seconds_ago: null, watches: [
    { kind: "services", state: "waiting", objects: 0, error: "nobody listens there" },
    { kind: "nodes", state: "waiting", objects: 0, error: "nobody listens there" },
  ] },
  allocator: { host: null, here: false },
  vips: { total: 2, answered_here: 1, routes_announced: 0 },
  segments: [{ interface: "eth0", state: "open", vips: 1, hosts_heard: 1, frames_answered: 5 }],
  peers: { configured: 0, established: 0 },
  bfd: { configured: 0, up: 0 },
  warnings: ["something else"],
};
const PEER: PeerReport = {
  name: "tor",
  address: "192.0.2.254",
  asn: "64501",
  state: "Established",
  since_seconds: 60,
  routes: 1,
  routes_wanted: 1,
  families: { ipv4: { sent: 1, wanted: 1, held_back: 0, next_hop: "192.0.2.1" }, ipv6: { sent: 0, wanted: 0, held_back: 0, next_hop: null } },
  notes: [],
  last_error: "it refused connections",
  error: { text: "it refused connections", sent_by: "network", code: null, subcode: null, seconds_ago: 3600 },
  capabilities: { agreed: ["ipv4", "graceful-restart 30s"], ours: ["ipv4", "graceful-restart 30s", "fqdn"], peer: ["ipv4", "afi 1 safi 2", "graceful-restart 120s"] },
  timers: { hold: 90, keepalive: 30, hold_left: 70.2, keepalive_left: 12.3, next_retry: null },
  bfd: null,
  hint: "look at its import policy",
  detail: {},
};
const WATCH: BfdSessionReport = {
  peer: "tor",
  address: "192.0.2.254",
  local_address: "192.0.2.1",
  multihop: false,
  state: "up",
  since_seconds: 60,
  diagnostic: null,
  remote_state: "up",
  remote_diagnostic: null,
  local_discriminator: 0x1234,
  remote_discriminator: 0xdeadbeef,
  transmit_ms: 300,
  detection_ms: 900,
  echo_ms: null,
  packets: { sent: 10, received: 11, discarded: 0 },
  ups: 1,
  downs: 0,
  because: null,
};
const ROUTE: RouteReport = {
  peer: "tor",
  prefix: "192.0.2.9/32",
  family: "ipv4",
  state: "sent",
  because: null,
  attributes: { origin: "igp", as_path: "64500 64500", next_hop: "192.0.2.1", med: 5, communities: ["64500:100", "no-export"] },
  community_names: { "64500:100": "gold" },
  vips: [{ address: "192.0.2.9", service: "shop/web", advertisement: "lan" }, { address: "192.0.2.9", service: "shop/api", advertisement: "lan" }],
  vips_total: 2,
};
const EXPLAINED: readonly ExplainReport[] = [
  { address: "192.0.2.1", service: "shop/web", pool: "lan", answers_here: false, ways: [{ way: "l2 lan on eth0", here: false, because: "h2 answers for it" }], candidates: { eth0: [{ host: "h2", rank: 3, note: "" }, { host: "h1", rank: 2, note: "this host" }] } },
];

for (const words of [[], ["nonsense"], ["--nonsense"], ["status", "--nonsense"], ["status", "surplus"], ["explain"], ["explain", "a", "b"], ["bgp"], ["bgp", "nonsense"], ["bfd", "surplus"], ["bgp", "peers", "a", "b"], ["bgp", "routes", "a", "b"], ["run", "-c"], ["check", "surplus"], ["vips", "--socket"]]) {
  test(`"bmlb ${words.join(" ")}" is wrong usage: status 2, and the way out on standard error`, async () => {
    const { status, out, err, ran } = await bmlb(words);
    assert.deepEqual({ status, out, ran }, { status: 2, out: "", ran: [] });
    assert.notEqual(err, "");
  });
}

test("a misspelt command is answered with the nearest", async () => {
  assert.match((await bmlb(["statsu"])).err, /Did you mean status\?/);
});

test("help and version go to standard output and are no failure", async () => {
  for (const words of [["--help"], ["-h"], ["status", "--help"], ["bgp", "-h"]]) {
    const { status, out, err } = await bmlb(words);
    assert.deepEqual({ status, err }, { status: 0, err: "" });
    assert.match(out, /^Usage: bmlb/);
  }
  assert.deepEqual(await bmlb(["--version"]), { status: 0, out: "1.2.3\n", err: "", ran: [] });
  assert.deepEqual(await bmlb(["version"]), { status: 0, out: "bmlb 1.2.3\n", err: "", ran: [] });
  assert.deepEqual(JSON.parse((await bmlb(["version", "--json"])).out), { version: "1.2.3" });
});

test("run and check take a file, and their status is the program's", async () => {
  assert.deepEqual(await bmlb(["run"]), { status: 78, out: "", err: "", ran: ["run /etc/bmlb/config.toml"] });
  assert.deepEqual((await bmlb(["run", "-c", "x.toml"])).ran, ["run x.toml"]);
  const check = await bmlb(["check", "--config", "x.toml", "--json"]);
  assert.deepEqual([check.status, check.ran], [1, ["check x.toml as JSON"]]);
});

test("without a daemon every question ends with status 1 and what to do", async () => {
  for (const words of [["status"], ["vips"], ["explain", "x"], ["hosts"], ["pools"], ["bgp", "peers"], ["bgp", "routes"], ["bgp", "routes", "tor"], ["bfd"], ["status", "--json"]]) {
    const { status, out, err } = await bmlb(words, { RUNTIME_DIRECTORY: "/nonexistent" });
    assert.deepEqual({ status, out }, { status: 1, out: "" });
    assert.equal(err, "bmlb: bmlb is not running here (nothing listens on /nonexistent/bmlb.sock); start it with: systemctl start bmlb\n");
  }
});

test("tables line up, and JSON is what the daemon said", async (t) => {
  const socket = await daemon(t, { "/v1/vips?": [VIP, { ...VIP, address: "2001:db8::1", service: null, answered_on: [], owners: {} }] });
  assert.equal(
    (await bmlb(["vips", "--socket", socket])).out,
    [
      "ADDRESS      SERVICE   POOL  OWNER           ANSWERED-ON  ANNOUNCED-TO",
      "192.0.2.1    shop/web  lan   eth0:h1,eth1:?  eth0         -",
      "2001:db8::1  -         lan   -               -            -",
      "",
    ].join("\n"),
  );
  assert.deepEqual((JSON.parse((await bmlb(["vips", "--json", "--socket", socket])).out) as VipReport[])[0], VIP);
});

test("nothing is a table of headings, and an empty JSON list", async (t) => {
  const socket = await daemon(t, { "/v1/bgp/peers?": [] });
  assert.equal((await bmlb(["bgp", "peers", "--socket", socket])).out, "PEER  ADDRESS  AS  STATE  SINCE  SENT  WANTED  BFD  REMARKS\n");
  assert.equal((await bmlb(["bgp", "peers", "--json", "--socket", socket])).out, "[]\n");
});

test("of a peer is shown what is wrong now, and why it is not up, but not what is over", async (t) => {
  const peers = [PEER, { ...PEER, notes: ["1 ipv6 prefixes are not announced"] }, { ...PEER, state: "Idle" }, { ...PEER, state: "OpenSent", notes: ["no OPEN arrives"] }];
  const { out } = await bmlb(["bgp", "peers", "--socket", await daemon(t, { "/v1/bgp/peers?": peers })]);
  assert.deepEqual(out.trimEnd().split("\n").slice(1).map((line) => line.split(/ {2,}/).at(-1)), ["-", "1 ipv6 prefixes are not announced", "it refused connections", "no OPEN arrives"]);
});

test("a session that is not established makes the status 1, in text as in JSON", async (t) => {
  const up = await daemon(t, { "/v1/bgp/peers?": [PEER, { ...PEER, notes: ["1 ipv6 prefixes are not announced"] }] });
  const down = await daemon(t, { "/v1/bgp/peers?": [PEER, { ...PEER, state: "Active" }] });
  for (const words of [[], ["--json"]]) {
    assert.equal((await bmlb(["bgp", "peers", "--socket", up, ...words])).status, 0);
    assert.equal((await bmlb(["bgp", "peers", "--socket", down, ...words])).status, 1);
  }
});

test("of one peer everything is shown", async (t) => {
  const waiting: PeerReport = {
    ...PEER,
    state: "Idle",
    families: { ipv4: { sent: 0, wanted: 3, held_back: 2, next_hop: null }, ipv6: { sent: 0, wanted: 0, held_back: 0, next_hop: null } },
    error: { text: "peer tor refused our AS", sent_by: "peer", code: 2, subcode: 2, seconds_ago: 4 },
    capabilities: null,
    timers: { hold: null, keepalive: null, hold_left: null, keepalive_left: null, next_retry: 2.4 },
    notes: ["one", "two"],
    bfd: { ...WATCH, state: "down", detection_ms: 150.5 },
    hint: null,
  };
  const broken: PeerReport = { ...waiting, error: { text: "it is gone", sent_by: "network", code: null, subcode: null, seconds_ago: 0 }, timers: { ...waiting.timers, hold: 0, keepalive: 0, next_retry: null }, notes: [], bfd: { ...WATCH, state: "down", detection_ms: null } };
  const socket = await daemon(t, { "/v1/bgp/peers?target=tor": [PEER, waiting, broken] });
  const { status, out } = await bmlb(["bgp", "peers", "tor", "--socket", socket]);
  assert.equal(status, 1);
  assert.equal(
    out,
    [
      "peer        tor, 192.0.2.254, AS 64501",
      "state       Established for 1m0s",
      "last error  it refused connections; 1h0m ago",
      "ipv4        1 of 1 prefixes sent, next hop 192.0.2.1",
      "ipv6        0 of 0 prefixes sent",
      "agreed      ipv4, graceful-restart 30s",
      "only ours   fqdn",
      "only there  afi 1 safi 2",
      "timers      hold 90s (71s left), keepalive 30s (13s left)",
      "BFD         none: the peer names no profile",
      "hint        look at its import policy",
      "",
      "peer        tor, 192.0.2.254, AS 64501",
      "state       Idle for 1m0s",
      "last error  peer tor refused our AS; sent by the peer, code 2 subcode 2, 4s ago",
      "ipv4        0 of 3 prefixes sent, 2 held back",
      "ipv6        0 of 0 prefixes sent",
      "agreed      -",
      "only ours   -",
      "only there  -",
      "timers      next attempt in 3s",
      "BFD         down for 1m0s, 150.5ms of silence are noticed",
      "note        one",
      "note        two",
      "",
      "peer        tor, 192.0.2.254, AS 64501",
      "state       Idle for 1m0s",
      "last error  it is gone; 0s ago",
      "ipv4        0 of 3 prefixes sent, 2 held back",
      "ipv6        0 of 0 prefixes sent",
      "agreed      -",
      "only ours   -",
      "only there  -",
      "timers      none: the hold time is 0",
      "BFD         down for 1m0s",
      "",
    ].join("\n"),
  );
});

test("routes come by peer and address, each with what the message said, for whom, and what it waits for", async (t) => {
  const routes: RouteReport[] = [
    { ...ROUTE, prefix: "2001:db8::9/128", family: "ipv6", attributes: { next_hop: "2001:db8::1 fe80::1", origin: "igp", as_path: "64500", atomic_aggregate: true }, vips_total: 5 },
    { ...ROUTE, prefix: "192.0.2.10/32", state: "changing", because: "it is about to be sent" },
    { ...ROUTE, prefix: "192.0.2.9/32", state: "waiting", because: "the session is Idle", attributes: null, vips: [{ address: "192.0.2.9", service: null, advertisement: null }], vips_total: 1 },
    { ...ROUTE, peer: "spine" },
    ROUTE,
  ];
  const socket = await daemon(t, { "/v1/bgp/routes?": routes, "/v1/bgp/routes?target=tor": [ROUTE] });
  const { status, out } = await bmlb(["bgp", "routes", "--socket", socket]);
  assert.equal(status, 0);
  assert.equal(
    out,
    [
      "PEER   PREFIX           STATE     NEXT-HOP             AS-PATH      ATTRIBUTES                                   SERVICES               ADVERTISEMENTS  REMARKS",
      "tor    192.0.2.9/32     waiting   -                    -            -                                            -                      -               the session is Idle",
      "tor    192.0.2.9/32     sent      192.0.2.1            64500 64500  med=5 communities=gold(64500:100),no-export  shop/web,shop/api      lan             -",
      "tor    192.0.2.10/32    changing  192.0.2.1            64500 64500  med=5 communities=gold(64500:100),no-export  shop/web,shop/api      lan             it is about to be sent",
      "tor    2001:db8::9/128  sent      2001:db8::1 fe80::1  64500        atomic_aggregate                             shop/web,shop/api,...  lan,...         -",
      "spine  192.0.2.9/32     sent      192.0.2.1            64500 64500  med=5 communities=gold(64500:100),no-export  shop/web,shop/api      lan             -",
      "",
    ].join("\n"),
  );
  assert.deepEqual(JSON.parse((await bmlb(["bgp", "routes", "tor", "--json", "--socket", socket])).out), [ROUTE]);
});

test("paths that are watched line up, with what is wrong; the status says whether all are up", async (t) => {
  const down: BfdSessionReport = { ...WATCH, peer: "far", address: "203.0.113.1", multihop: true, state: "down", remote_state: null, remote_discriminator: 0, transmit_ms: 1000, detection_ms: null, echo_ms: 50, because: "nothing has been heard of the peer" };
  const again: BfdSessionReport = { ...WATCH, peer: "spine", diagnostic: "control detection time expired", downs: 1, detection_ms: 149.96 };
  const mixed = await daemon(t, { "/v1/bfd?": { sessions: [WATCH, again, down], problems: ["a port is taken"] } });
  const { status, out } = await bmlb(["bfd", "--socket", mixed]);
  assert.equal(
    out,
    [
      "PEER   ADDRESS                     STATE  SINCE  THERE  SEND-EVERY  DETECT-IN  ECHO  SENT  RECEIVED  DISCARDED  UPS  DOWNS  DISCRIMINATORS         REMARKS",
      "tor    192.0.2.254                 up     1m0s   up     300ms       900ms      -     10    11        0          1    0      0x00001234,0xdeadbeef  -",
      "spine  192.0.2.254                 up     1m0s   up     300ms       150ms      -     10    11        0          1    1      0x00001234,0xdeadbeef  was down: control detection time expired",
      "far    203.0.113.1 (several hops)  down   1m0s   -      1000ms      -          50ms  10    11        0          1    0      0x00001234,-           nothing has been heard of the peer",
      "warning: a port is taken",
      "",
    ].join("\n"),
  );
  assert.equal(status, 1);
  for (const [report, expected] of [
    [{ sessions: [WATCH, again], problems: [] }, 0],
    [{ sessions: [], problems: [] }, 0],
    [{ sessions: [WATCH], problems: ["a port is taken"] }, 1],
  ] as const) {
    const json = await bmlb(["bfd", "--json", "--socket", await daemon(t, { "/v1/bfd?": report })]);
    assert.deepEqual([json.status, JSON.parse(json.out)], [expected, report]);
  }
});

test("a hundred thousand routes are a table as well", async (t) => {
  const many = Array.from({ length: 100_000 }, (_, i): RouteReport => ({ ...ROUTE, prefix: `10.${(i >> 16) + 1}.${(i >> 8) & 255}.${i & 255}/32` }));
  const { out } = await bmlb(["bgp", "routes", "--socket", await daemon(t, { "/v1/bgp/routes?": many })]);
  assert.equal(out.split("\n").length, 100_002);
});

test("the status names what is wrong once, however many suffer from it", async (t) => {
  const { out } = await bmlb(["status", "--socket", await daemon(t, { "/v1/status?": STATUS })]);
  assert.match(out, /^host {8}h1, ready, up 1h1m, rank 3 \(eligible\)$/m);
  assert.match(out, /^kubernetes {2}https:\/\/192\.0\.2\.250:6443, as the cache on disk has it; nothing has been read from the API since the start$/m);
  assert.match(out, /^eth0 +open +1 +1 +5$/m);
  assert.equal(out.split("nobody listens there").length - 1, 1);
  assert.match(out, /^warning: something else$/m);
});

test("explain says for each way whether and why, and who would come first", async (t) => {
  const { out } = await bmlb(["explain", "shop/web", "--socket", await daemon(t, { "/v1/explain?target=shop%2Fweb": EXPLAINED })]);
  assert.equal(
    out,
    [
      "192.0.2.1 of Service shop/web does not answer here",
      "  no   l2 lan on eth0: h2 answers for it",
      "",
      "candidates on eth0:",
      "   HOST  RANK  NOTE",
      "1  h2    3",
      "2  h1    2     this host",
      "",
    ].join("\n"),
  );
});

test("what the daemon does not know is its sentence, with status 1", async (t) => {
  const { status, out, err } = await bmlb(["explain", "x y", "--socket", await daemon(t, {})]);
  assert.deepEqual({ status, out, err }, { status: 1, out: "", err: "bmlb: nothing at /v1/explain?target=x+y\n" });
});

for (const [what, answer] of [["no JSON", "<html>"], ["half of it", '[{"address":']] as const) {
  test(`a daemon that answers with ${what} is a failure with a sentence`, async (t) => {
    const { status, err } = await bmlb(["vips", "--socket", await daemon(t, { "/v1/vips?": answer })]);
    assert.equal(status, 1);
    assert.match(err, /^bmlb: the daemon gave an answer that is not JSON on /);
  });
}

test("a text of another host cannot steer the terminal", async (t) => {
  const host = { name: "\u001b[31mevil", self: false, interface: null, state: "leased", rank: 3, reason: "a\nb\u009b\u202e", serving: 0, heard_ms_ago: null, node: null, address: null };
  const { out } = await bmlb(["hosts", "--socket", await daemon(t, { "/v1/hosts?": [host] })]);
  assert.doesNotMatch(out.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
  assert.equal(out.split("\n").length, 3, "and not forge a line");
  assert.match(out, /\\x1b\[31mevil/);
});

const APPLIED: ReloadReport = { applied: true, changes: ["[[pool]] lan added"], problems: [], warnings: ["/etc/bmlb/config.toml:3: pool[0]: never announced"] };
const REFUSED: ReloadReport = { applied: false, changes: [], problems: ["/etc/bmlb/config.toml:3: pool[0].name: wrong\u001b[2J"], warnings: [] };

for (const [what, report, outcome] of [
  ["applied", APPLIED, { status: 0, out: "[[pool]] lan added\n", err: "warning: /etc/bmlb/config.toml:3: pool[0]: never announced\n" }],
  ["without a change", { ...APPLIED, changes: [], warnings: [] }, { status: 0, out: "nothing changed\n", err: "" }],
  ["refused", REFUSED, { status: 1, out: "", err: "/etc/bmlb/config.toml:3: pool[0].name: wrong\\x1b[2J\nbmlb: nothing was applied: what was in force before stays in force\n" }],
] as const) {
  test(`a reload that is ${what} says so, and its status does`, async (t) => {
    const socket = await daemon(t, { "/v1/reload": report });
    const { status, out, err } = await bmlb(["reload", "--socket", socket]);
    assert.deepEqual({ status, out, err }, outcome);
    const json = await bmlb(["reload", "--socket", socket, "--json"]);
    assert.deepEqual([json.status, JSON.parse(json.out)], [outcome.status, report]);
  });
}

test("the status of a drained host says since when", async (t) => {
  const { out } = await bmlb(["status", "--socket", await daemon(t, { "/v1/status?": { ...STATUS, rank: 0, rank_reason: "drained", drained_since: "2026-11-28T02:00:00.000Z" } })]);
  assert.match(out, /^host +h1, ready, drained since 2026-11-28T02:00:00\.000Z, up /);
});

for (const [command, answer, drained, outcome] of [
  ["drain", "/v1/drain", true, { status: 0, out: "drained: as was asked\\x1b\n" }],
  ["drain", "/v1/drain", false, { status: 1, out: "not drained: as was asked\\x1b\n" }],
  ["undrain", "/v1/undrain", false, { status: 0, out: "not drained: as was asked\\x1b\n" }],
  ["undrain", "/v1/undrain", true, { status: 1, out: "drained: as was asked\\x1b\n" }],
] as const) {
  test(`${command}, after which the host is ${drained ? "" : "not "}drained, says so, and its status does`, async (t) => {
    const report: DrainReport = { drained, changed: true, note: "as was asked\u001b" };
    const socket = await daemon(t, { [answer]: report });
    const { status, out } = await bmlb([command, "--socket", socket]);
    assert.deepEqual({ status, out }, outcome);
    const json = await bmlb([command, "--socket", socket, "--json"]);
    assert.deepEqual([json.status, JSON.parse(json.out)], [outcome.status, report]);
  });
}

test("a reload without a daemon says so", async () => {
  const { status, err } = await bmlb(["reload"], { RUNTIME_DIRECTORY: "/nonexistent" });
  assert.equal(status, 1);
  assert.match(err, /bmlb is not running here \(nothing listens on \/nonexistent\/control\.sock\)/);
});
