/** An upgrade of the package under a client that asks every millisecond, host after host, as a fleet is upgraded. */
import assert from "node:assert/strict";
import { eventually } from "../lab/index.ts";
import { LATER_LINE, laterPackage, packageFile } from "./deb.ts";
import { logOfThisStart, property, siteTest } from "./site.ts";

siteTest("an upgrade", async (site, step) => {
  await site.serveFromBoth();
  const vip = await site.serve("web");
  const names = site.systems.map(({ name }) => name);
  const later = await laterPackage(packageFile());
  try {
    const first = await site.owner(vip);
    for (const system of [first, site.other(first)]) {
      await step(`of the host that answers (Debian ${system.release}): the other one takes over first, and the client loses nothing`, async () => {
        await site.waitForNextHops(vip, names);
        await eventually(`${system.name} answers`, 10_000, async () => (await site.owner(vip)) === system);
        const pid = await property(system, "MainPID");
        const configuration = system.read("/etc/bmlb/config.toml");
        const prober = await site.client.probe({ kind: "udp", address: vip, port: 80, intervalMs: 1, timeoutMs: 500 });
        await prober.answering(5000);
        await site.install(system, later.file);
        assert.equal(await system.sh("dpkg-query --show --showformat '${Version}' bmlb"), later.version);
        assert.equal(system.read("/etc/bmlb/config.toml"), configuration, "what the operator wrote is kept");
        assert.ok(system.read("/etc/bmlb/config.toml.dpkg-dist").endsWith(LATER_LINE), "and the new one is beside it");
        assert.equal(await system.sh("stat --format '%A %U %G' /etc/bmlb"), "drwxr-s--- root bmlb\n");
        assert.equal(await property(system, "ActiveState"), "active");
        assert.notEqual(await property(system, "MainPID"), pid, "the new version runs");
        assert.equal((await site.owner(vip)).name, site.other(system).name);
        await site.waitForNextHops(vip, names);
        const report = await prober.stop();
        assert.equal(report.lost, 0, JSON.stringify(report));
        assert.ok(report.probes > 500);
        assert.equal((await logOfThisStart(system, "--priority=warning")).replaceAll(/^-- No entries --\n/gm, ""), "");
      });
    }

    await step("and the way back to the version before, of a service that its operator has stopped, leaves it stopped", async () => {
      const [system] = site.systems;
      await system.sh("systemctl stop bmlb");
      await site.install(system);
      assert.notEqual(await system.sh("dpkg-query --show --showformat '${Version}' bmlb"), later.version);
      assert.equal((await system.shToEnd("systemctl is-active bmlb")).stdout, "inactive\n");
    });
  } finally {
    later.remove();
  }
});
