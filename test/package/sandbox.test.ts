/** What the unit allows the service and what not: enough for all that bmlb does, and no more than that. */
import assert from "node:assert/strict";
import { eventually } from "../lab/index.ts";
import { ROUTER } from "../lab/fleet.ts";
import { logOfThisStart, property, siteTest } from "./site.ts";

const PASSWORD = "the-password-of-the-session";
const MOST_EXPOSED = 2.0;

siteTest("the sandbox of the unit", async (site, step) => {
  await site.serveFromBoth();
  const vip = await site.serve("web");
  await site.waitForNextHops(vip, site.systems.map(({ name }) => name));

  for (const system of site.systems) {
    await step(`systemd ${system.release === 12 ? "252" : "257"} finds little exposed`, async () => {
      const said = await system.sh("systemd-analyze security --no-pager bmlb.service");
      const exposure = Number(/Overall exposure level for bmlb\.service: (?<level>[\d.]+)/.exec(said)?.groups?.["level"]);
      assert.ok(exposure <= MOST_EXPOSED, `${exposure}`);
      assert.equal(await system.sh("systemd-analyze verify --man=no bmlb.service 2>&1"), "");
    });

    await step(`on Debian ${system.release} it runs as user bmlb with three capabilities at most and no way to more, and its thread works`, async () => {
      const pid = await property(system, "MainPID");
      const facts = await system.sh(`cat /proc/${pid}/status; ls /proc/${pid}/task | wc -l`);
      const uid = (await system.sh("id --user bmlb")).trim();
      assert.match(facts, new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, "m"));
      const capabilities = BigInt(`0x${/^CapEff:\t(?<mask>[0-9a-f]+)$/m.exec(facts)?.groups?.["mask"] ?? "ffffffff"}`);
      assert.equal(capabilities & ~((1n << 10n) | (1n << 12n) | (1n << 13n)), 0n, `${capabilities.toString(16)}: NET_BIND_SERVICE, NET_ADMIN, NET_RAW`);
      assert.match(facts, /^NoNewPrivs:\t1$/m);
      assert.match(facts, /^Seccomp:\t2$/m);
      // Hellos are sent by the worker thread: the other host hears them.
      assert.match(await site.other(system).sh("bmlb hosts"), new RegExp(system.name));
      assert.equal((await system.shToEnd(`nsenter --target ${pid} --mount touch /usr/bin/x /etc/x`)).status, 1, "what it does not own is read-only to it");
    });

    await step(`on Debian ${system.release} a session with a password comes up, dialled by bmlb and dialled by the router`, async () => {
      const address = system.host.link(site.lan).ipv4 ?? "";
      await site.frr.vtysh("configure terminal", "router bgp 64501", `neighbor ${address} password ${PASSWORD}`);
      system.write("/etc/bmlb/router.password", `${PASSWORD}\n`, 0o640);
      for (const passive of [false, true]) {
        const { bgp } = site.settings(system);
        const peer = { name: "router", address: ROUTER.ipv4, asn: 64501, hold_time: "3s", keepalive_time: "1s", connect_time: "1s", password_file: "/etc/bmlb/router.password", passive };
        site.configure(system, { bgp: { ...(bgp as object), peer: [peer], ...(passive ? { listen: [`${address}:179`] } : {}) } });
        await system.sh("systemctl restart bmlb");
        await eventually(`the session is up (${passive ? "accepted on port 179" : "dialled"})`, 15_000, async () => (await site.frr.session(address)) === "Established");
        await eventually("the router has the route", 10_000, async () => (await site.nextHops(vip)).includes(system.name));
        const peers = await system.sh("bmlb bgp peers");
        assert.match(peers, /router.*established/i);
        assert.equal((await logOfThisStart(system, "--priority=err")).replaceAll(/^-- No entries --\n/gm, ""), "");
      }
      await site.frr.vtysh("configure terminal", "router bgp 64501", `no neighbor ${address} password`);
      site.configure(system);
      await system.sh("systemctl restart bmlb");
    });
  }
});
