/** A service that runs: reloaded, killed, hung, without power, without an API server. */
import assert from "node:assert/strict";
import { eventually, now, type BootedSystem } from "../lab/index.ts";
import { logOfThisStart, property, siteTest, status, type Site } from "./site.ts";

/** A host that falls silent is replaced in 0.6 s; the rest is for a busy machine. */
const FAIL_OVER_MS = 1500;
const WATCHDOG_MS = 10_000;

siteTest("a service that runs", async (site, step) => {
  await site.serveFromBoth();
  const vip = await site.serve("web");
  const names = site.systems.map(({ name }) => name);

  await step("a good file is taken over by `systemctl reload`: a new pool is served, and no session or address is touched", async () => {
    await site.waitForNextHops(vip, names);
    const sessions = await Promise.all(site.systems.map((system) => sessionsSoFar(site, system)));
    const before = await Promise.all(site.systems.map((system) => property(system, "MainPID")));
    const prober = await site.client.probe({ address: vip, port: 80 });
    await prober.answering(5000);
    const more = { pool: [{ name: "lan", addresses: ["10.7.64.0-10.7.64.99"] }, { name: "second", addresses: ["10.7.65.0/28"], auto_assign: false }] };
    for (const system of site.systems) {
      site.configure(system, more);
      await system.sh("systemctl reload bmlb");
    }
    await site.api.workloads.createService({ name: "second", annotations: { "bmlb.io/pool-request": "second" } });
    const second = await eventually("the new pool gives an address", 15_000, async () => (await site.api.workloads.addresses({ name: "second" }))[0]);
    assert.match(second, /^10\.7\.65\./);
    await site.owner(second);
    assert.deepEqual((await prober.stop()).silences.filter(({ lost, ms, stalledMs }) => lost > 0 && ms - stalledMs > 100), []);
    assert.deepEqual(await Promise.all(site.systems.map((system) => property(system, "MainPID"))), before);
    assert.deepEqual(await Promise.all(site.systems.map((system) => sessionsSoFar(site, system))), sessions, "the session went on");
    await site.api.workloads.deleteService({ name: "second" });
  });

  await step("a bad file makes the reload fail where it can be seen, and the old one stays in force", async () => {
    await site.both(async (system) => {
      const good = system.read("/etc/bmlb/config.toml");
      try {
        site.writeConfig(system, good.replace("10.7.64.0-10.7.64.99", "10.7.64.99-10.7.64.0"));
        assert.notEqual((await system.shToEnd("systemctl reload bmlb")).status, 0);
        assert.equal(await property(system, "ActiveState"), "active");
        assert.match((await status(system)).stdout, /config\.toml:\d+: pool\[0\]\.addresses\[0\]/, "the reason is on the operator's screen");
        assert.match(await logOfThisStart(system, "--priority=warning"), /config\.toml:\d+: pool\[0\]/);
        assert.match(await system.sh("bmlb pools"), /lan/);
      } finally {
        site.writeConfig(system, good);
      }
      await system.sh("systemctl reload bmlb");
      assert.doesNotMatch(/Status: "(?<line>.*)"/.exec((await status(system)).stdout)?.groups?.["line"] ?? "", /config\.toml/, "healed is healed");
    });
    await site.waitForNextHops(vip, names);
  });

  for (const system of site.systems) {
    await step(`killed on Debian ${system.release}, it is started again by systemd, and the address answers within the fail-over time`, async () => {
      await ownedBy(site, vip, system);
      const pid = await property(system, "MainPID");
      const killedAt = now();
      await system.sh(`kill -9 ${pid}`);
      const other = await site.owner(vip);
      assert.ok(now() - killedAt < FAIL_OVER_MS, `${(now() - killedAt).toFixed(0)} ms`);
      assert.equal(other.name, site.other(system).name);
      await active(system, pid, 5000);
      await site.waitForNextHops(vip, names);
    });

    await step(`hung on Debian ${system.release}, it is ended by the watchdog and comes back`, async () => {
      await ownedBy(site, vip, system);
      const pid = await property(system, "MainPID");
      const hungAt = now();
      await system.sh(`kill -STOP ${pid}`);
      assert.equal((await site.owner(vip)).name, site.other(system).name);
      assert.ok(now() - hungAt < FAIL_OVER_MS, `${(now() - hungAt).toFixed(0)} ms`);
      await active(system, pid, WATCHDOG_MS + 8000);
      assert.match(await system.journal("--unit=bmlb", "--output=cat", "--lines=200"), /Watchdog timeout/);
      await site.waitForNextHops(vip, names);
    });
  }

  await step("a host without power is replaced, and comes back without being noticed", async () => {
    const owner = await site.owner(vip);
    const prober = await site.client.probe({ address: vip, port: 80 });
    await prober.answering(5000);
    const cutAt = now();
    await owner.powerCut();
    const silence = await prober.recovered(cutAt, 15_000);
    assert.ok(silence < FAIL_OVER_MS, `${silence.toFixed(0)} ms of silence`);
    const bootedAt = now();
    await owner.boot();
    await eventually(`bmlb is active on ${owner.name}`, 15_000, async () => (await property(owner, "ActiveState")) === "active");
    await site.restoreProxies();
    await site.waitForNextHops(vip, names);
    assert.equal((await site.owner(vip)).name, site.other(owner).name, "no failback before probation is over");
    const again = (await prober.stop()).silences.filter(({ from, lost, ms, stalledMs }) => from > bootedAt && lost > 0 && ms - stalledMs > 150);
    assert.deepEqual(again, []);
  });

  await step("without an API server a host that boots serves from its cache, and one without a cache waits and is not killed", async () => {
    const [cached, fresh] = site.systems;
    await eventually("the address is in the cache", 30_000, async () => (await cached.shToEnd(`grep -qF '"${vip}"' /var/lib/bmlb/cluster.cache`)).status === 0);
    await fresh.sh("systemctl stop bmlb");
    await fresh.sh("find /var/lib/bmlb -name 'cluster*' -delete");
    await site.api.fault("freeze");
    try {
      await cached.reboot();
      await site.restoreProxies();
      await eventually(`bmlb is active on ${cached.name}`, 15_000, async () => (await property(cached, "ActiveState")) === "active");
      assert.equal((await site.owner(vip)).name, cached.name);
      await site.waitForNextHops(vip, [cached.name]);
      assert.equal((await site.client.get(`http://${vip}/`)).body, "from a pod");
      const startedAt = now();
      await fresh.sh("systemctl start bmlb", { timeoutMs: 30_000 });
      assert.ok(now() - startedAt < 10_000, "ready long before systemd loses patience");
      assert.equal(await property(fresh, "NRestarts"), "0");
      assert.match(await logOfThisStart(fresh, "--priority=warning"), /API|cluster is not known/);
      assert.doesNotMatch(await fresh.sh("bmlb vips"), new RegExp(vip.replaceAll(".", "\\.")));
    } finally {
      await site.api.fault("none");
    }
    await eventually(`${fresh.name} knows the address`, 45_000, async () => (await fresh.sh("bmlb vips")).includes(vip));
    await site.waitForNextHops(vip, names);
  });
});

/** Makes the system the one that answers: the other one's service is restarted if need be, which hands over. */
async function ownedBy(site: Site, vip: string, system: BootedSystem): Promise<void> {
  await site.owner(vip);
  await eventually(`${system.name} answers for ${vip}`, 20_000, async () => {
    const owner = await site.owner(vip);
    if (owner === system) return true;
    await owner.sh("systemctl restart bmlb");
    return undefined;
  });
}

/** Waits until the service runs with another process than `pid`. */
async function active(system: BootedSystem, pid: string, withinMs: number): Promise<void> {
  await eventually(`bmlb runs again on ${system.name}`, withinMs, async () => (await property(system, "ActiveState")) === "active" && (await property(system, "MainPID")) !== pid);
}

/** How long FRR's session with a host has stood, in ms. */
/** How many sessions the router has had with the host, that which is up included, and how many of them it has lost. */
async function sessionsSoFar(site: Site, system: BootedSystem): Promise<readonly number[]> {
  const neighbors = (await site.frr.json("show bgp neighbors json")) as Readonly<Record<string, { readonly connectionsEstablished: number; readonly connectionsDropped: number } | undefined>>;
  const neighbor = neighbors[system.host.link(site.lan).ipv4 ?? ""];
  assert.ok(neighbor !== undefined && neighbor.connectionsEstablished > 0);
  return [neighbor.connectionsEstablished, neighbor.connectionsDropped];
}
