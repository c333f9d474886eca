/** `bmlb run` as a process: beside another one, interrupted, without the folders that it wants, with nobody who reads its log. */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import type { StatusReport } from "../../src/admin/index.ts";
import { BMLB, eventually, Fleet, labTest } from "../lab/index.ts";

labTest("a second daemon on a host ends at once and touches nothing", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const { host, daemon } = fleet.member();
  const vip = await fleet.serve("web");
  await fleet.owner(vip);
  const { status, stdout } = await host.execToEnd([BMLB, "run", "-c", host.path("config.toml")], { env: { STATE_DIRECTORY: host.path("state"), RUNTIME_DIRECTORY: host.path("run"), NOTIFY_SOCKET: undefined } });
  assert.equal(status, 1);
  assert.match(stdout, /^<3>another bmlb runs on this host/);
  assert.equal((await daemon.cli(["status"])).status, 0, "the first one still answers");
  assert.equal((await fleet.owner(vip)).name, "worker-1");
});

labTest("a daemon that is told to stop while it starts never says that it is ready", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  await fleet.member().daemon.stop();
  // Without an API and a cache it waits for a while before it is ready all the same.
  await fleet.api.fault("freeze");
  rmSync(fleet.member().host.path("state"), { recursive: true });
  const { daemon } = await fleet.restart("worker-1");
  await eventually("it is starting", 5000, async () => {
    const output = await daemon.cli(["status", "--json"]);
    return output.status === 0 && (output.json() as StatusReport).state === "starting";
  });
  daemon.signal("SIGHUP");
  const exit = await daemon.stop();
  assert.equal(exit.status, 0);
  assert.ok(!daemon.notifications.some(({ key }) => key === "READY"));
  assert.ok(daemon.notifications.some(({ key }) => key === "STOPPING"));
});

labTest("a host that cannot have its folders says which, and serves without a control socket but not without a state", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const { host, daemon } = fleet.member();
  await daemon.stop();
  const config = readFileSync(host.path("config.toml"), "utf8");
  const deaf = await lab.daemon(host, { config, env: { RUNTIME_DIRECTORY: host.path("config.toml", "run") } });
  await deaf.ready();
  await deaf.waitForLog(/^<3>cannot make .*config\.toml\/run, so that `bmlb status` and its kin get no answer: ENOTDIR/);
  assert.equal((await deaf.stop()).status, 0);
  const stateless = await lab.daemon(host, { config, env: { STATE_DIRECTORY: host.path("config.toml", "state") } });
  const exit = await eventually("it has ended", 10_000, () => stateless.process.exit);
  assert.equal(exit.status, 1);
  assert.match(stateless.log().map(({ text }) => text).join("\n"), /^<3>cannot make the state directory .*: ENOTDIR[^\n]*$/);
});

labTest("a daemon whose log nobody reads any more goes on", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const { host, daemon } = fleet.member();
  await daemon.stop();
  const env = { STATE_DIRECTORY: host.path("state"), RUNTIME_DIRECTORY: host.path("run"), NOTIFY_SOCKET: undefined };
  const shell = await host.spawn(["sh", "-c", `"$0" run -c "$1" | head -n 1`, BMLB, host.path("config.toml")], { name: "unread", env });
  const status = async (): Promise<StatusReport | undefined> => {
    const output = await host.execToEnd([BMLB, "status", "--json"], { env });
    return output.status === 0 ? (JSON.parse(output.stdout) as StatusReport) : undefined;
  };
  const { pid } = await eventually("it is ready", 10_000, async () => {
    const report = await status();
    return report?.state === "ready" ? report : undefined;
  });
  assert.equal((await fleet.owner(await fleet.serve("web"))).name, "worker-1", "after many more lines");
  assert.equal((await status())?.pid, pid);
  process.kill(pid, "SIGTERM");
  await shell.exited;
});
