/**
 * A host crashes: how long does the address not answer, as a client sees it that asks every 5 ms? bmlb, and keepalived at its
 * defaults, in the same network, with the same server behind.
 */
import { eventually, Fleet, Lab, now, standIn, type Client, type Host, type Segment } from "../lab/index.ts";
import { atMost, median, plain, type Row } from "./figure.ts";

const ROUNDS = 10;
const PORT = 80;
const POD = { address: "10.7.0.50", port: 8080 };
const VIP_OF_KEEPALIVED = "10.7.0.239";

export async function measureFailover(): Promise<readonly Row[]> {
  const ours = await ofBmlb();
  const theirs = await ofKeepalived();
  return [
    atMost("crash → silence, bmlb, median of 10", median(ours), "ms", 1000),
    atMost("crash → silence, bmlb, worst of 10", Math.max(...ours), "ms", 1000),
    plain("crash → silence, keepalived, median of 10", median(theirs), "ms"),
    plain("crash → silence, keepalived, worst of 10", Math.max(...theirs), "ms"),
    atMost("bmlb / keepalived, medians", median(ours) / median(theirs), "", 0.3),
  ];
}

async function ofBmlb(): Promise<readonly number[]> {
  await using lab = await Lab.create("bench failover");
  const fleet = await Fleet.start(lab, ["worker-1", "worker-2"]);
  const vip = await fleet.serve("failover");
  const hosts = fleet.members.map(({ host }) => host);
  return await crashes(fleet.lan, hosts, fleet.client, vip, async (host) => {
    await (await fleet.restart(host.name)).daemon.ready();
  });
}

async function ofKeepalived(): Promise<readonly number[]> {
  await using lab = await Lab.create("bench keepalived");
  const lan = await lab.segment("lan", { ipv4: "10.7.0.0/24" });
  const hosts = [
    await lab.host("worker-1", { lan: { ipv4: "10.7.0.11" } }, { forwarding: true }),
    await lab.host("worker-2", { lan: { ipv4: "10.7.0.12" } }, { forwarding: true }),
  ];
  const client = lab.client(await lab.host("client", { lan: { ipv4: "10.7.0.100" } }));
  await lab.webserver(await lab.host("pods", { lan: { ipv4: POD.address } }), { port: POD.port, body: "ok" });
  const boot = async (host: Host): Promise<void> => {
    const keepalived = await lab.keepalived(
      host,
      `vrrp_instance bench {
        interface eth0
        virtual_router_id 7
        priority 100
        state BACKUP
        virtual_ipaddress { ${VIP_OF_KEEPALIVED}/24 }
      }`,
    );
    await keepalived.waitForLine(/Entering BACKUP STATE|Entering MASTER STATE/, 15_000);
  };
  for (const host of hosts) {
    await standIn(host, [{ vip: VIP_OF_KEEPALIVED, port: PORT, endpoints: [POD] }]);
    await boot(host);
  }
  return await crashes(lan, hosts, client, VIP_OF_KEEPALIVED, async (host) => {
    await host.execToEnd(["ip", "addr", "del", `${VIP_OF_KEEPALIVED}/24`, "dev", "eth0"]); // a reboot forgets it
    await boot(host);
  });
}

/** Crashes whichever host answers, again and again, and returns the silences. `boot` brings the crashed one back. */
async function crashes(lan: Segment, hosts: readonly Host[], client: Client, vip: string, boot: (host: Host) => Promise<void>): Promise<readonly number[]> {
  const prober = await client.probe({ address: vip, port: PORT });
  await prober.answering(15_000);
  const silences: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const owner = await eventually("a host answers ARP", 15_000, async () => {
      const mac = (await client.host.neighbours()).find(({ address }) => address === vip)?.mac;
      return hosts.find((host) => host.link(lan).mac === mac);
    });
    const crashedAt = now();
    await owner.crash();
    silences.push(await prober.recovered(crashedAt, 30_000));
    await owner.link(lan).restore();
    await boot(owner);
    await prober.answering(15_000);
  }
  await prober.stop();
  return silences;
}
