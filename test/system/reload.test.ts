/** The whole daemon when its configuration changes while it works, and when it starts with one that is wrong. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import type { ExplainReport, PeerReport, ReloadReport, StatusReport } from "../../src/admin/index.ts";
import { eventually, Fleet, labTest, type Member } from "../lab/index.ts";
import { ROUTER } from "../lab/fleet.ts";

const FAST = { hold_time: "3s", keepalive_time: "1s", connect_time: "1s" };

labTest("a reload without a change sends nothing and says one line; an invalid file changes nothing, and status says so until it is mended", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const member = fleet.member();
  const { daemon, host } = member;
  const capture = await lab.capture(fleet.lan, "(arp or icmp6 or udp port 7473)");
  const vip = await fleet.serve("web");
  const hellos = (): number => capture.frames.filter(({ payload }) => payload.type === "ipv6" && payload.protocol === 17).length;
  const announcements = (): number => capture.frames.filter(({ payload }) => payload.type === "arp" && payload.operation === 1 && payload.senderAddress === vip && payload.targetAddress === vip).length;
  await eventually("four announcements of five have been made", 10_000, () => announcements() === 4);

  let lines = daemon.log().length;
  assert.deepEqual(await reload(member), { applied: true, changes: [], problems: [], warnings: [] });
  const said = hellos();
  await eventually("five more hellos pass", 5000, () => hellos() >= said + 5);
  assert.ok(announcements() <= 5, "another claim would have been announced twice by now");
  assert.deepEqual(daemon.log().slice(lines).map(({ text }) => text), ["<5>read the configuration again: nothing changed"]);

  const good = readFileSync(host.path("config.toml"), "utf8");
  host.write("config.toml", good.replace("[[pool]]", '[[pool]]\nadresses = ["10.7.99.0/24"]'));
  lines = daemon.log().length;
  const refused = await daemon.cli(["reload"]);
  assert.equal(refused.status, 1);
  assert.equal(refused.stdout, "");
  const line = good.split("\n").indexOf("[[pool]]") + 2;
  assert.match(refused.stderr, new RegExp(`^\\S*config\\.toml:${line}: pool\\[0\\]\\.adresses: no such key; did you mean "?addresses"?`));
  await daemon.waitForLog(new RegExp(`^<3>\\S*config\\.toml:${line}: `), 2000, lines);
  assert.match((await status(member)).warnings.join("\n"), new RegExp(`not in force.*config\\.toml:${line}: pool\\[0\\]\\.adresses`));
  assert.equal((await status(member)).configuration, "not as in the files");
  await eventually("systemd shows it", 2000, () => daemon.notifications.findLast(({ key }) => key === "STATUS")?.value.includes("is not what its files say") === true);
  assert.equal((await fleet.owner(vip)).name, member.name);

  for (const [from, to, path] of [
    ['name = "worker-1"', 'name = "worker-9"', "host\\.name"],
    ["[[pool]]", '[[pool]]\n[kubernetes]\nnamespace = "elsewhere"', "file"], // given twice: still a mistake of the file
  ] as const) {
    host.write("config.toml", good.replace(from, to));
    const { status: ended, stderr } = await daemon.cli(["reload"]);
    assert.equal(ended, 1);
    assert.match(stderr, path === "file" ? /^\S*config\.toml:\d+: / : new RegExp(`^\\S*config\\.toml:\\d+: ${path}: was "worker-1" and is "worker-9" now: .*systemctl restart bmlb`));
  }

  host.write("config.toml", good);
  lines = daemon.log().length;
  daemon.signal("SIGHUP");
  await daemon.waitForLog(/^<5>read the configuration again: nothing changed/, 5000, lines);
  assert.doesNotMatch((await status(member)).warnings.join("\n"), /not in force/);
  assert.equal((await fleet.owner(vip)).name, member.name);
  assert.equal(statSync(host.path("run", "control.sock")).mode & 0o777, 0o600);
});

labTest("pools that are added and removed, a class, a port of the metrics and the log level take effect while it runs", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"], { settings: { pool: [{ name: "one", addresses: ["10.7.64.1"] }] } });
  const member = fleet.member();
  const [one, more] = [{ name: "one", addresses: ["10.7.64.1"] }, { name: "more", addresses: ["10.7.65.1"] }];
  const first = await fleet.serve("first");
  assert.equal(first, "10.7.64.1");
  await fleet.owner(first);
  await fleet.api.workloads.createService({ name: "second", ports: [{ port: 80, targetPort: 80 }] });
  await member.daemon.waitForLog(/default\/second gets no address/);

  fleet.configure(member, { pool: [one, more], metrics: { listen: "127.0.0.1:7999" } });
  assert.deepEqual((await reload(member)).changes, ["[[pool]] more added", "[[l2]] lan changed", "[metrics] listen"]);
  await eventually("the second Service has an address of the new pool", 5000, async () => (await fleet.api.workloads.addresses({ name: "second" }))[0] === "10.7.65.1");
  await fleet.owner("10.7.65.1");
  const metrics = async (port: number): Promise<string> => (await member.host.execToEnd(["curl", "--silent", "--noproxy", "*", `http://127.0.0.1:${port}/metrics`])).stdout;
  await eventually("the metrics are at the new port", 5000, async () => (await metrics(7999)).includes("bmlb_configuration_as_in_files 1"));
  assert.equal(await metrics(7472), "");

  fleet.configure(member, { pool: [more] });
  assert.deepEqual((await reload(member)).changes, ["[[pool]] one removed", "[[l2]] lan changed", "[metrics] listen"]);
  await silent(fleet, first);
  assert.equal((await fleet.vip(member, first)), undefined);
  const [report] = (await member.daemon.cli(["explain", "default/first", "--json"])).json() as readonly ExplainReport[];
  assert.match(report?.ways[0]?.because ?? "", /no configured pool contains 10\.7\.64\.1/);
  await fleet.owner("10.7.65.1");
  assert.deepEqual(await fleet.api.workloads.addresses({ name: "first" }), [first], "its address is not taken from it");

  fleet.configure(member, { pool: [{ ...one, name: "renamed" }, more], kubernetes: kubernetesOf(member), host: { node: member.name, log_level: "warning" } });
  await reload(member);
  assert.equal((await fleet.owner(first)).name, member.name, "it is back");

  const lines = member.daemon.log().length;
  fleet.configure(member, { pool: [more], kubernetes: { ...kubernetesOf(member), unclassed: false }, host: { node: member.name, log_level: "warning" } });
  await reload(member);
  await silent(fleet, "10.7.65.1");
  assert.deepEqual(member.daemon.log().slice(lines).map(({ text }) => text), [], "notices are below the level");
});

labTest("a changed peer is reset and no other, a changed community is announced without a reset, and [bgp] can come and go", async (lab) => {
  const peers = [
    { name: "four", address: ROUTER.ipv4, asn: 64501, ...FAST },
    { name: "six", address: ROUTER.ipv6, asn: 64501, ...FAST },
  ] as const;
  const bgp = { asn: 64500, peer: peers, advertisement: [{ name: "lan", communities: ["64500:100"] }] };
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const member = fleet.member();
  const router = await lab.router("router", { lan: ROUTER });
  const protocol = (name: string, ours: string, theirs: string, channel: string): string => `protocol bgp ${name} { local ${ours} as 64501; neighbor ${theirs} as 64500; ${channel} { import all; export none; }; }`;
  const bird = await lab.bird(router, `router id ${ROUTER.ipv4}; protocol device {} ${protocol("four", ROUTER.ipv4, member.ipv4, "ipv4")} ${protocol("six", ROUTER.ipv6, member.ipv6, "ipv6")}`);
  const vip = await fleet.serve("web");
  const sessions = async (): Promise<readonly string[]> =>
    ((await member.daemon.cli(["bgp", "peers", "--json"])).json() as readonly PeerReport[]).map(({ name, state, detail }) => `${name} ${state} ${String(detail["establishments"])}`).sort();
  const become = async (what: string, wanted: readonly string[]): Promise<void> => {
    await eventually(what, 15_000, async () => {
      const now = await sessions();
      if (JSON.stringify(now) !== JSON.stringify(wanted)) throw new Error(now.join(", "));
      return true;
    });
  };
  const route = async (community: string): Promise<void> => {
    await eventually(`BIRD has the route with ${community}`, 10_000, async () => (await bird.route(vip)).includes(`BGP.community: ${community}`));
  };

  fleet.configure(member, { bgp });
  assert.deepEqual((await reload(member)).changes, ["[bgp] added", "[[bgp.peer]] four added", "[[bgp.peer]] six added", "[[bgp.advertisement]] lan added"]);
  await become("both are up", ["four Established 1", "six Established 1"]);
  await route("(64500,100)");

  fleet.configure(member, { bgp: { ...bgp, advertisement: [{ name: "lan", communities: ["64500:200"] }] } });
  assert.deepEqual((await reload(member)).changes, ["[[bgp.advertisement]] lan changed"]);
  await route("(64500,200)");
  fleet.configure(member, { bgp: { ...bgp, peer: [{ ...peers[0], hosts: ["worker-*"], max_prefixes: 1 }, { ...peers[1], hold_time: "6s" }] } });
  assert.deepEqual((await reload(member)).changes, ["[[bgp.peer]] four changed", "[[bgp.peer]] six changed", "[[bgp.advertisement]] lan changed"]);
  await route("(64500,100)");
  const log = member.daemon.log().map(({ text }) => text).join("\n");
  assert.match(log, /leaving peer six: its configuration changed/);
  assert.doesNotMatch(log, /leaving peer four/);
  await become("six is up anew, and four has never been down", ["four Established 1", "six Established 1"]); // a changed peer counts from the start

  const explained = async (address: string): Promise<string> => (await member.daemon.cli(["explain", address])).stdout;
  const second = await fleet.serve("second");
  await eventually("the second VIP is held back and explained", 5000, async () => (await explained(second)).includes("it is held back: the peer has as many routes as max_prefixes allows"));
  assert.equal(await bird.route(second), "");
  fleet.configure(member, { bgp: { ...bgp, peer: [{ ...peers[0], hosts: ["worker-*"], max_prefixes: 2 }, { ...peers[1], hold_time: "6s" }] } });
  assert.deepEqual((await reload(member)).changes, ["[[bgp.peer]] four changed"]);
  await eventually("it follows when there is room", 5000, async () => (await bird.route(second)) !== "");
  await become("without a reset", ["four Established 1", "six Established 1"]);

  const identifier = ((await member.daemon.cli(["reload", "--json"])).json() as ReloadReport);
  assert.deepEqual(identifier.changes, []);
  fleet.configure(member, { bgp, host: { node: member.name, router_id: "192.0.2.77" } });
  const { status: ended, stderr } = await member.daemon.cli(["reload"]);
  assert.equal(ended, 1);
  assert.match(stderr, /host\.router_id: was not set and is "192\.0\.2\.77" now: every BGP session would have to be reset; "systemctl restart bmlb" applies it/);

  fleet.configure(member, {});
  await reload(member);
  await become("there are none", []);
  await eventually("the route is gone", 5000, async () => (await bird.route(vip)) === "");
  assert.equal((await fleet.owner(vip)).name, member.name);
});

labTest("a host that is to announce nothing on an interface any more hands over at once what it served there, and nothing else moves", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1", "worker-2"], { settings: { fleet: { failback_delay: "1s" } } });
  const names = Array.from({ length: 24 }, (_, n) => `web-${n}`);
  for (const name of names) await fleet.api.workloads.createService({ name, ports: [{ port: 80, targetPort: 80 }] });
  const [one, two] = fleet.members as readonly [Member, Member];
  const served = async (member: Member): Promise<readonly string[]> => {
    const reports = (await member.daemon.cli(["vips", "--json"])).json() as readonly { readonly address: string; readonly answered_on: readonly string[] }[];
    return reports.filter(({ answered_on }) => answered_on.length > 0).map(({ address }) => address).sort();
  };
  await eventually("both serve, and all are served", 20_000, async () => {
    const [a, b] = [await served(one), await served(two)];
    return a.length > 0 && b.length > 0 && a.length + b.length === names.length;
  });
  const lines = two.daemon.log().length;
  const kept = await served(two);
  fleet.configure(one, { l2: [{ name: "lan", interfaces: ["none*"] }] });
  assert.deepEqual((await reload(one)).changes, ["[[l2]] lan changed"]);
  await one.daemon.waitForLog(/^<4>this host has no interface for advertisement lan: none matches none\*/);
  await eventually("the other serves all", 5000, async () => (await served(two)).length === names.length);
  assert.deepEqual(await served(one), []);
  for (const vip of kept) assert.equal((await served(two)).includes(vip), true);
  await two.daemon.waitForLog(/^<\d>took .* on eth0/, 5000, lines);
  const said = two.daemon.log().slice(lines).map(({ text }) => text).join("\n");
  assert.doesNotMatch(said, /it is dead/, "the other heard that this one stands for nothing there any more, and did not have to miss it");
  assert.doesNotMatch(said, /^<\d>gave /m, "what it served before it never gave up");

  fleet.configure(one, {});
  await reload(one);
  await eventually("both serve again", 20_000, async () => (await served(one)).length > 0 && (await served(one)).length + (await served(two)).length === names.length);
});

labTest("a start with a file that is wrong goes by the last good copy, loudly, until the file is mended", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const { host, daemon } = fleet.member();
  const vip = await fleet.serve("web");
  await fleet.owner(vip);
  const good = readFileSync(host.path("config.toml"), "utf8");
  const lan2 = good.replaceAll('"lan"', '"lan2"');
  host.write("config.toml", lan2);
  await reload(fleet.member());
  await daemon.kill();
  const wrong = lan2.replace("[[l2]]", "[[l2]]\nhost = 7");
  const again = await lab.daemon(host, { config: wrong });
  await again.ready();
  const log = again.log().map(({ text }) => text).join("\n");
  assert.match(log, /^<3>\S*config\.toml:\d+: l2\[0\]\.host: /m);
  assert.match(log, /^<3>the configuration is wrong: starting with the last good copy of it instead; .* since=20\d\d-/m);
  assert.match(again.notifications.findLast(({ key }) => key === "STATUS")?.value ?? "", /is not what its files say/);
  const report = (await again.cli(["status", "--json"])).json() as StatusReport;
  assert.match(report.warnings.join("\n"), /the last good copy of it, in force since 20\d\d-.*l2\[0\]\.host/);
  await eventually("it serves as the copy says", 10_000, async () => {
    const vips = (await again.cli(["vips", "--json"])).json() as readonly { readonly pool: string; readonly answered_on: readonly string[] }[];
    return vips.some(({ pool, answered_on }) => pool === "lan2" && answered_on.length > 0);
  });
  const check = await again.cli(["check", "-c", host.path("config.toml")]);
  assert.equal(check.status, 1, "the file itself is as wrong as it was");
  assert.equal((await again.cli(["reload"])).status, 1);
  host.write("config.toml", lan2);
  assert.equal((await again.cli(["reload"])).status, 0);
  assert.doesNotMatch(((await again.cli(["status", "--json"])).json() as StatusReport).warnings.join("\n"), /last good|not in force/);
  await again.kill();

  const never = await lab.daemon(host, { config: wrong, env: { STATE_DIRECTORY: host.path("other-state") } });
  const exit = await eventually("it has ended", 10_000, () => never.process.exit);
  assert.equal(exit.status, 78, "there is no copy");
});

async function reload({ daemon }: Member): Promise<ReloadReport> {
  const output = await daemon.cli(["reload", "--json"]);
  assert.equal(output.status, 0, output.stdout + output.stderr);
  return output.json() as ReloadReport;
}

async function status({ daemon }: Member): Promise<StatusReport> {
  return (await daemon.cli(["status", "--json"])).json() as StatusReport;
}

/** Waits until nobody answers for an address. */
async function silent(fleet: Fleet, vip: string): Promise<void> {
  await eventually(`nobody answers for ${vip}`, 5000, async () => {
    await fleet.client.host.execToEnd(["ip", "neigh", "flush", "to", vip]);
    await fleet.client.host.execToEnd(["ping", "-c", "1", "-W", "0.3", vip]);
    return (await fleet.cached(vip)) === undefined;
  });
}

/** The table that a host was given. */
function kubernetesOf({ host }: Member): { readonly kubeconfig: string } {
  return { kubeconfig: /^kubeconfig = "(.*)"$/m.exec(readFileSync(host.path("config.toml"), "utf8"))?.[1] ?? "" };
}
