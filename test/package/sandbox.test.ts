/** What the unit allows the service and what not: enough for all that bmlb does, and no more than that. */
import assert from "node:assert/strict";
import { eventually, type BootedSystem } from "../lab/index.ts";
import { ROUTER } from "../lab/fleet.ts";
import { logOfThisStart, property, siteTest, status } from "./site.ts";

const PASSWORD = "the-password-of-the-session";
const MOST_EXPOSED = 2.0;

siteTest("the sandbox of the unit", async (site, step) => {
  await site.serveFromBoth();
  const vip = await site.serve("web");
  await site.waitForNextHops(vip, site.systems.map(({ name }) => name));

  for (const system of site.systems) {
    await step(`systemd ${system.release === 12 ? "252" : "257"} finds little exposed`, async () => {
      const exposure = await exposureOf(system);
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

    await step(`on Debian ${system.release} kubeconfig and password may be credentials of systemd, in a folder that the service cannot see`, async () => {
      const address = system.host.link(site.lan).ipv4 ?? "";
      await site.frr.vtysh("configure terminal", "router bgp 64501", `neighbor ${address} password ${PASSWORD}`);
      await system.sh("systemctl stop bmlb; rm /var/lib/bmlb/cluster.cache; install -m 600 /etc/bmlb/kubeconfig /root/kubeconfig");
      system.write("/root/router.password", `${PASSWORD}\n`, 0o600);
      const peer = { name: "router", address: ROUTER.ipv4, asn: 64501, hold_time: "3s", keepalive_time: "1s", connect_time: "1s", password_file: "router.password" };
      site.configure(system, { kubernetes: { kubeconfig: "kubeconfig" }, bgp: { ...(site.settings(system)["bgp"] as object), peer: [peer] } });
      await system.sh("rm /etc/bmlb/kubeconfig");
      await dropIn(system, "credentials.conf", "LoadCredential=kubeconfig:/root/kubeconfig\nLoadCredential=router.password:/root/router.password");
      await system.sh("systemctl start bmlb");
      await eventually("the session is up", 15_000, async () => (await site.frr.session(address)) === "Established");
      await eventually("the Service is known, for which the token is needed", 15_000, async () => (await system.sh("bmlb vips")).includes(vip));
      assert.equal((await logOfThisStart(system, "--priority=err")).replaceAll(/^-- No entries --\n/gm, ""), "");
      await system.sh("systemctl reload bmlb");
      // As the message of `bmlb check` says.
      assert.match((await system.shToEnd("bmlb check")).stderr, /CREDENTIALS_DIRECTORY=FOLDER bmlb check/);
      await system.sh("CREDENTIALS_DIRECTORY=/run/credentials/bmlb.service bmlb check");

      await system.sh("systemctl stop bmlb; rm /root/kubeconfig");
      assert.notEqual((await system.shToEnd("systemctl start bmlb")).status, 0);
      assert.match((await status(system)).stdout, /Active: failed[^]*243\/CREDENTIALS/, "a credential that is not there is no loop of restarts");
      assert.equal(await property(system, "NRestarts"), "0");

      await site.frr.vtysh("configure terminal", "router bgp 64501", `no neighbor ${address} password`);
      await system.sh("rm /etc/systemd/system/bmlb.service.d/credentials.conf; systemctl daemon-reload");
      site.configure(system);
      await system.sh("systemctl start bmlb");
    });

    await step(`on Debian ${system.release} the drop-in for gateways, put in place as the unit says, lets it change the kernel's forwarding, and nothing more`, async () => {
      const write = async (): Promise<number | undefined> => {
        const inside = `nsenter --target ${await property(system, "MainPID")} --mount`;
        const asService = `${inside} setpriv --reuid bmlb --regid bmlb --clear-groups --bounding-set=-all,+net_admin --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin`;
        return (await system.shToEnd(`${asService} sh -c 'cd /proc/sys/net/ipv4/conf/eth0 && value=$(cat rp_filter) && echo $value >rp_filter'`)).status;
      };
      assert.notEqual(await write(), 0, "without it sysctls are read-only");
      const [peer] = (site.settings(system)["bgp"] as { readonly peer: readonly object[] }).peer;
      const aggregate = { asn: 64500, peer: [{ ...peer, bfd: "echo" }], advertisement: [{ name: "lan", aggregation_length: 28 }] };
      site.configure(system, { bgp: aggregate, bfd: [{ name: "echo", echo_mode: true }] });
      await system.sh("systemctl reload bmlb");
      await eventually("an aggregate says that it takes it", 10_000, async () => (await system.sh("bmlb status")).includes("takes CAP_NET_ADMIN, which the drop-in for gateways gives"));
      const [, command = "false"] = /^# {3}(?<command>install .*gateway\.conf.*)$/m.exec(await system.sh("systemctl cat bmlb")) ?? [];
      await system.sh(command);
      const mask = /^CapEff:\t(?<mask>[0-9a-f]+)$/m.exec(await system.sh(`cat /proc/${await property(system, "MainPID")}/status`))?.groups?.["mask"];
      assert.equal(BigInt(`0x${mask ?? "0"}`), (1n << 10n) | (1n << 12n) | (1n << 13n));
      assert.equal(await write(), 0);
      assert.ok((await exposureOf(system)) <= MOST_EXPOSED);
      await eventually("the backstop of the aggregate is in the kernel", 10_000, async () => (await system.sh("ip route show type unreachable")).includes("10.7.64.0/28"));
      await eventually("the router has the aggregate", 10_000, async () => (await site.frr.paths("10.7.64.0/28")).length > 0);
      await eventually("BFD listens", 10_000, async () => (await system.sh("ss -Hlun sport = :3784")).includes(":3784"));
      assert.equal((await logOfThisStart(system, "--priority=err")).replaceAll(/^-- No entries --\n/gm, ""), "");
      site.configure(system);
      await system.sh("rm -r /etc/systemd/system/bmlb.service.d; systemctl daemon-reload; systemctl restart bmlb");
    });
  }
});

/** 0 to 10, the lower the better; NaN if systemd does not say. */
async function exposureOf(system: BootedSystem): Promise<number> {
  const said = await system.sh("systemd-analyze security --no-pager bmlb.service");
  return Number(/Overall exposure level for bmlb\.service: (?<level>[\d.]+)/.exec(said)?.groups?.["level"]);
}

/** As `systemctl edit bmlb` does. */
async function dropIn(system: BootedSystem, name: string, settings: string): Promise<void> {
  await system.sh("install -d /etc/systemd/system/bmlb.service.d");
  system.write(`/etc/systemd/system/bmlb.service.d/${name}`, `[Service]\n${settings}\n`, 0o644);
  await system.sh("systemctl daemon-reload");
}
