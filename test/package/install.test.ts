/** From a bare Debian to an address that answers: apt, an editor, systemctl, and what the operator reads meanwhile. */
import assert from "node:assert/strict";
import { eventually } from "../lab/index.ts";
import { logOfThisStart, property, siteTest, status } from "./site.ts";

siteTest("from a bare Debian to an address that answers", async (site, step) => {
  await step("apt installs the package with what it depends on, enables the service, and does not start it", async () => {
    await site.both(async (system) => {
      assert.doesNotMatch(await site.install(system), /warning|error|fail/i);
      assert.equal((await system.shToEnd("systemctl is-enabled bmlb")).stdout, "enabled\n");
      assert.equal((await system.shToEnd("systemctl is-active bmlb")).stdout, "inactive\n");
      assert.match(await system.sh("getent passwd bmlb"), /:\/usr\/sbin\/nologin$|:\/bin\/false$/m);
      assert.equal(await system.sh("stat --format '%A %U %G' /etc/bmlb"), "drwxr-s--- root bmlb\n");
      assert.match(await system.sh("bmlb version"), /\d+\.\d+/);
      assert.equal(await system.sh("dpkg --verify bmlb"), "");
    });
  });

  await step("started before it is configured, it fails once and says what to fill in", async () => {
    await site.both(async (system) => {
      assert.notEqual((await system.shToEnd("systemctl start bmlb")).status, 0);
      assert.equal(await property(system, "ActiveState"), "failed");
      assert.equal(await property(system, "ExecMainStatus"), "78");
      assert.equal(await property(system, "NRestarts"), "0");
      const { stdout } = await status(system);
      assert.match(stdout, /\/etc\/bmlb\/config\.toml:1: pool: .*add a table \[\[pool\]\] with name = "lan" and addresses = /);
      assert.match(stdout, /config\.toml:\d+: kubernetes\.kubeconfig: "\/etc\/bmlb\/kubeconfig" does not exist; put it there/);
      assert.match(await logOfThisStart(system, "--priority=err"), /config\.toml/, "a reason for an end is an error");
    });
  });

  await step("a configuration is checked by hand before the start", async () => {
    await site.both(async (system) => {
      assert.equal((await system.shToEnd("bmlb check")).status, 1);
      site.configure(system);
      assert.equal((await system.shToEnd("bmlb check")).status, 0);
    });
  });

  await step("started, it is active, and `systemctl status` says in a line how it is", async () => {
    await site.both(async (system) => {
      await system.sh("systemctl start bmlb");
      assert.equal(await property(system, "ActiveState"), "active");
      assert.equal(await property(system, "User"), "bmlb");
    });
    // The other host appears to each, and the API knows both.
    await site.both(async (system) => {
      await eventually(`${system.name} hears the other`, 10_000, async () => (await system.sh("bmlb hosts")).includes(site.other(system).name));
      const { status: code, stdout } = await status(system);
      assert.equal(code, 0);
      assert.match(stdout, /Status: "\S[^"]*"/);
    });
  });

  const vip = await site.serve("web");

  await step("the address of a Service answers by ARP from one host, is in the router by both, and carries a page", async () => {
    await site.owner(vip);
    await site.waitForNextHops(vip, site.systems.map(({ name }) => name));
    assert.equal((await site.client.get(`http://${vip}/`)).body, "from a pod");
    const owner = await site.owner(vip);
    assert.match(await owner.sh(`bmlb explain ${vip}`), new RegExp(owner.name));
  });

  await step("a good start and a served address are no warning, and each is a line of the journal", async () => {
    const owner = await site.owner(vip);
    assert.match(await logOfThisStart(owner), new RegExp(`took ${vip.replaceAll(".", "\\.")} on eth0`));
    await site.both(async (system) => {
      assert.deepEqual((await logOfThisStart(system, "--priority=warning")).replaceAll(/^-- No entries --\n/gm, ""), "");
      const story = await logOfThisStart(system);
      for (const fact of [/starting as host/, /ready/, /session with peer router is up/]) assert.match(story, fact);
      assert.doesNotMatch(story, /<\d>/, "systemd has understood the priorities");
      assert.ok(story.split("\n").length < 25, `${story.split("\n").length} lines for a start:\n${story}`);
    });
  });

  await step("the state is private, and the socket is for root and the group bmlb", async () => {
    await site.both(async (system) => {
      assert.equal(await system.sh("stat --format '%a %U %G' /var/lib/bmlb /run/bmlb"), "750 bmlb bmlb\n750 bmlb bmlb\n");
      assert.equal(await system.sh("find /var/lib/bmlb -type f -perm /077"), "");
      assert.equal((await system.shToEnd("setpriv --reuid nobody --regid nogroup --clear-groups bmlb status")).status, 1);
      assert.equal((await system.shToEnd("setpriv --reuid nobody --regid bmlb --clear-groups bmlb status")).status, 0);
    });
  });

  await step("enabled, it serves after a reboot without anybody's hand, and nothing in the system has failed", async () => {
    const owner = await site.owner(vip);
    await owner.reboot();
    await site.restoreProxies();
    await eventually(`bmlb is active on ${owner.name}`, 15_000, async () => (await property(owner, "ActiveState")) === "active");
    await site.waitForNextHops(vip, site.systems.map(({ name }) => name));
    assert.equal((await site.client.get(`http://${vip}/`)).body, "from a pod");
    assert.equal(await owner.sh("systemctl --failed --no-legend --plain"), "");
  });
});
