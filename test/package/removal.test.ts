/** What is left of bmlb when it is removed, and when it is purged. */
import assert from "node:assert/strict";
import { siteTest } from "./site.ts";

siteTest("a package that goes", async (site, step) => {
  const files = "find / /run -xdev -name '*bmlb*' -not -path '/proc/*' -not -path '/sys/*' -not -path '/root/*' -not -path '/srv/*' -not -path '/var/log/journal/*' | sort";
  // What was written since, beside the books of those who keep books. Dependencies are there before, so that what they bring does not count.
  const strays = `find / /run -xdev '(' -type f -o -type l ')' -cnewer /root/before | grep -vE '^/(root|srv|proc|sys|run/(systemd|udev|log|utmp)|var/(log|cache|lib/(dpkg|apt|systemd)))/|^/etc/((passwd|group|shadow|gshadow|subuid|subgid)-?|.pwd.lock|ld.so.cache)$'`;
  await site.both(async (system) => {
    await system.sh("DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends nftables libpcap0.8 2>&1 && touch /root/before", { timeoutMs: 60_000 });
  });
  const before = new Map(await Promise.all(site.systems.map(async (system) => [system, await system.sh(files)] as const)));
  await site.serveFromBoth();
  const vip = await site.serve("web");

  await step("apt remove ends the service in good order and keeps configuration and state", async () => {
    const first = await site.owner(vip);
    for (const system of [first, site.other(first)]) {
      const configuration = system.read("/etc/bmlb/config.toml");
      await system.sh("DEBIAN_FRONTEND=noninteractive apt-get remove --yes bmlb 2>&1", { timeoutMs: 60_000 });
      assert.equal((await system.shToEnd("pidof bmlb")).status, 1);
      assert.equal((await system.shToEnd("test -e /usr/bin/bmlb -o -e /usr/lib/bmlb -o -e /run/bmlb")).status, 1);
      assert.equal(system.read("/etc/bmlb/config.toml"), configuration);
      assert.equal((await system.shToEnd("test -e /etc/bmlb/kubeconfig -a -d /var/lib/bmlb")).status, 0);
      assert.match(await system.journal("--unit=bmlb", "--output=cat"), /^stopped/m);
    }
    assert.deepEqual(await site.nextHops(vip), []);
  });

  await step("installed again, and where nothing can be compiled ahead, it goes on where it was", async () => {
    const [system] = site.systems;
    await system.sh("NODE_DISABLE_COMPILE_CACHE=1 DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends /root/bmlb.deb 2>&1", { timeoutMs: 60_000 });
    assert.equal((await system.shToEnd("test -e /usr/lib/bmlb/compiled")).status, 1);
    await system.sh("systemctl start bmlb");
    assert.equal((await site.owner(vip)).name, system.name);
    await system.sh("DEBIAN_FRONTEND=noninteractive apt-get remove --yes bmlb 2>&1", { timeoutMs: 60_000 });
  });

  await step("apt purge leaves no file, no user, no group, no socket, no unit and nothing in the kernel", async () => {
    await site.both(async (system) => {
      assert.match((await system.shToEnd(strays)).stdout, /^\/etc\/bmlb\/kubeconfig$/m, "what is left is seen");
      await system.sh("useradd alice && gpasswd --add alice bmlb"); // who may ask without being root
      await system.sh("DEBIAN_FRONTEND=noninteractive apt-get purge --yes bmlb 2>&1", { timeoutMs: 60_000 });
      assert.equal(await system.sh(files), before.get(system));
      assert.equal((await system.shToEnd(strays)).stdout, "");
      assert.doesNotMatch(await system.sh("nft list tables; ip rule show protocol 251; ip route show table all proto 251"), /bmlb|\b251\b/);
      for (const database of ["passwd", "group"]) assert.equal((await system.shToEnd(`getent ${database} bmlb`)).status, 2);
      assert.equal((await system.shToEnd("systemctl cat bmlb")).status, 1);
      assert.doesNotMatch(await system.sh("cat /proc/net/unix"), /bmlb/);
      assert.equal(await system.sh("systemctl --failed --no-legend --plain"), "");
      assert.equal((await system.shToEnd("dpkg-query --show bmlb")).status, 1);
    });
  });
});
