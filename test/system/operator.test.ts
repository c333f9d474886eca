/** The whole daemon as its operator meets it: systemd, the command line, the metrics, a configuration that is wrong. */
import assert from "node:assert/strict";
import type { ExplainReport, HostReport, PoolReport, StatusReport } from "../../src/admin/index.ts";
import { BMLB, ensureBundle, eventually, Fleet, labTest } from "../lab/index.ts";

labTest("systemd hears READY once, a STATUS line, the watchdog, and STOPPING", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"], { env: { WATCHDOG_USEC: "2000000" } });
  const { daemon } = fleet.member();
  await eventually("the watchdog is fed three times", 10_000, () => daemon.notifications.filter(({ key, value }) => key === "WATCHDOG" && value === "1").length >= 3);
  const fed = daemon.notifications.filter(({ key }) => key === "WATCHDOG").map(({ at }) => at);
  for (const [index, at] of fed.entries()) assert.ok(at - (fed[index - 1] ?? at) < 2000, "never later than the limit");
  assert.ok(daemon.notifications.some(({ key, value }) => key === "STATUS" && value.length > 0));
  const exit = await daemon.stop();
  assert.equal(exit.status, 0);
  assert.deepEqual(daemon.notifications.filter(({ key }) => key === "READY").map(({ value }) => value), ["1"]);
  assert.ok(daemon.notifications.some(({ key, value }) => key === "STOPPING" && value === "1"));
});

labTest("every command answers with a table for people and with JSON, and its status says whether all is well", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1", "worker-2"]);
  const vip = await fleet.serve("web");
  const owner = await fleet.owner(vip);
  const [other] = fleet.others(owner);
  assert.ok(other !== undefined);
  const json = async (...words: readonly string[]): Promise<unknown> => {
    const output = await owner.daemon.cli([...words, "--json"]);
    assert.equal(output.status, 0, output.stderr);
    return output.json();
  };
  for (const words of [["status"], ["vips"], ["explain", vip], ["explain", "default/web"], ["hosts"], ["pools"], ["bgp", "peers"]]) {
    const { status, stdout, stderr } = await owner.daemon.cli(words);
    assert.deepEqual({ words, status, stderr }, { words, status: 0, stderr: "" });
    assert.ok(stdout.endsWith("\n"));
    await json(...words);
  }

  const status = (await json("status")) as StatusReport;
  assert.deepEqual({ host: status.host, state: status.state, view: status.kubernetes.view, total: status.vips.total }, { host: owner.name, state: "ready", view: "api", total: 1 });
  const hosts = (await json("hosts")) as readonly HostReport[];
  assert.deepEqual(hosts.map(({ name, self }) => ({ name, self })).sort((a, b) => a.name.localeCompare(b.name)), fleet.members.map(({ name }) => ({ name, self: name === owner.name })));
  const [pool] = (await json("pools")) as readonly PoolReport[];
  assert.deepEqual({ name: pool?.name, used: pool?.used }, { name: "lan", used: 1 });

  for (const member of [owner, other]) {
    const [report] = (await member.daemon.cli(["explain", "default/web", "--json"])).json() as readonly ExplainReport[];
    assert.deepEqual({ address: report?.address, here: report?.answers_here }, { address: vip, here: member === owner });
    assert.ok(report?.ways.every(({ because }) => because.length > 0));
  }
  const [report] = (await other.daemon.cli(["explain", vip, "--json"])).json() as readonly ExplainReport[];
  assert.ok(report?.ways.some(({ because }) => because.includes(owner.name)), `the reason names who answers: ${JSON.stringify(report)}`);

  assert.equal((await owner.daemon.cli(["explain", "default/none"])).status, 1);
  assert.equal((await owner.daemon.cli(["nonsense"])).status, 2);
  assert.equal((await owner.daemon.cli(["status", "--nonsense"])).status, 2);
  await owner.daemon.kill();
  const down = await owner.daemon.cli(["status"]);
  assert.equal(down.status, 1);
  assert.notEqual(down.stderr, "");
});

labTest("metrics and the health check are served over HTTP", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const { host } = fleet.member();
  await fleet.owner(await fleet.serve("web"));
  const ask = async (path: string) => await host.exec(["curl", "--silent", "--fail", "--noproxy", "*", `http://127.0.0.1:7472${path}`]);
  assert.equal(await ask("/healthz"), "ok\n");
  const metrics = await ask("/metrics");
  assert.match(metrics, /^bmlb_\S+ \d/m);
  assert.match(metrics, /^# HELP bmlb_/m);
});

labTest("the log is one line per fact, with systemd's priority, and a steady daemon says nothing", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const { daemon } = fleet.member();
  const vip = await fleet.serve("web");
  await daemon.waitForLog(new RegExp(`took ${vip.replaceAll(".", "\\.")} on eth0`));
  for (const { text } of daemon.log()) assert.match(text, /^<[3-7]>\S/);
  let [lines, since] = [daemon.log().length, performance.now()];
  await eventually("it has said nothing for five seconds", 30_000, () => {
    if (daemon.log().length !== lines) [lines, since] = [daemon.log().length, performance.now()];
    return performance.now() - since > 5000;
  });
});

labTest("a configuration that is wrong is refused by check and by run, with every error at once and no stack", async (lab) => {
  await ensureBundle();
  const host = await lab.host("alone", {});
  const file = host.write("config.toml", '[host]\nname = "UPPER"\n\n[[pool]]\nname = "lan"\naddresses = ["10.7.0.9-10.7.0.1"]\nadresses = []\n');
  for (const command of ["check", "run"]) {
    const { status, stdout, stderr } = await host.execToEnd([BMLB, command, "-c", file], { env: { NOTIFY_SOCKET: undefined } });
    const said = stdout + stderr;
    assert.ok(status === 1 || (command === "run" && status === 78), `${command} ended with ${status}`);
    for (const line of [2, 6, 7]) assert.match(said, new RegExp(`config\\.toml:${line}: `));
    assert.match(said, /addresses/);
    assert.doesNotMatch(said, /^\s+at /m);
  }
});
