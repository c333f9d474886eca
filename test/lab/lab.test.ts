/** The lab's own tests: what it builds is a network, what it breaks is broken, and what it made is gone. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CommandError, Lab, eventually, labTest, now, standIn, whyNoLab } from "./index.ts";
import { directoryOf, processesIn, sweep } from "./namespace.ts";

const SKIP = whyNoLab() ?? false;

async function twoHosts(lab: Lab) {
  const lan = await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  const one = await lab.host("one", { lan: { ipv4: "10.7.0.1", ipv6: "fd07::1" } });
  const two = await lab.host("two", { lan: { ipv4: "10.7.0.2", ipv6: "fd07::2" } });
  return { lan, one, two };
}

test("a lab of two hosts is there in less than two seconds, and gone without a trace", { skip: SKIP }, async () => {
  const began = now();
  const lab = await Lab.create("trace");
  const { one } = await twoHosts(lab);
  const ready = now();
  await one.spawn(["sleep", "1000"], { name: "sleeper" });
  assert.equal(labNamespaces(lab.id).length, 3);
  await lab[Symbol.asyncDispose]();
  assert.ok(ready - began < 2000, `it took ${(ready - began).toFixed(0)} ms`);
  assert.deepEqual(labNamespaces(lab.id), []);
  assert.ok(!existsSync(directoryOf(lab.id)));
});

labTest("hosts on one segment reach each other by IPv4 and IPv6 at once", async (lab) => {
  const { one, two, lan } = await twoHosts(lab);
  await one.exec(["ping", "-c", "1", "-W", "1", "10.7.0.2"]);
  await one.exec(["ping", "-c", "1", "-W", "1", "fd07::2"]);
  const [neighbour] = (await one.neighbours()).filter(({ address }) => address === "10.7.0.2");
  assert.equal(neighbour?.mac, two.link(lan).mac);
});

for (const damage of [
  { what: "a cable that is pulled takes the carrier", carrier: "0", cut: "cut" },
  { what: "a cable that is silently cut keeps the carrier", carrier: "1", cut: "cutSilently" },
] as const) {
  labTest(`${damage.what}, and no frame passes until it is restored`, async (lab) => {
    const { one, two, lan } = await twoHosts(lab);
    await two.link(lan)[damage.cut]();
    assert.notEqual((await one.execToEnd(["ping", "-c", "1", "-W", "0.2", "10.7.0.2"])).status, 0);
    assert.equal((await two.exec(["cat", "/sys/class/net/eth0/carrier"])).trim(), damage.carrier);
    await two.link(lan).restore();
    await eventually("one reaches two again", 3000, () => one.exec(["ping", "-c", "1", "-W", "0.2", "10.7.0.2"]));
  });
}

labTest("an interface that goes down, or is deleted and made again, comes back with its addresses, routes and MAC", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  const one = await lab.host("one", { lan: { ipv4: "10.7.0.1", ipv6: "fd07::1", routes: ["default via 10.7.0.254"] } });
  const link = one.link("lan");
  const look = async () => [await one.exec(["ip", "-br", "addr", "show", "eth0"]), await one.exec(["ip", "route"])].join("").replaceAll(/if[0-9]+/g, "if");
  const before = await look();
  await link.down();
  assert.notEqual(await look(), before);
  await link.up();
  await eventually("all is as before", 2000, async () => (await look()) === before);
  await link.remove();
  await assert.rejects(one.exec(["ip", "link", "show", "eth0"]));
  await link.create();
  await eventually("all is as before", 2000, async () => (await look()) === before);
});

labTest("a program on a host sees the host's own name and machine id", async (lab) => {
  const { one, two } = await twoHosts(lab);
  const seen = await Promise.all(
    [one, two].map(async (host) => {
      const program = await host.spawn(["sh", "-c", "hostname; cat /etc/machine-id; echo $$"], { name: "who" });
      assert.equal((await program.exited).status, 0);
      return { pid: program.pid, lines: program.lines.map((line) => line.text) };
    }),
  );
  assert.deepEqual(seen.map(({ lines }) => lines[0]), ["one", "two"]);
  assert.notEqual(seen[0]?.lines[1], seen[1]?.lines[1]);
  for (const { pid, lines } of seen) assert.equal(Number(lines[2]), pid, "signals to the process id reach the program itself");
});

labTest("a client fetches a page through a router, and the stand-in for kube-proxy spreads a VIP over endpoints", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  await lab.segment("far", { ipv4: "10.8.0.0/24", ipv6: "fd08::/64" });
  const home = ["default via 10.7.0.254", "default via fd07::fe"];
  const [first, second] = [
    await lab.host("worker-1", { lan: { ipv4: "10.7.0.11", ipv6: "fd07::11", routes: home } }, { forwarding: true }),
    await lab.host("worker-2", { lan: { ipv4: "10.7.0.12", ipv6: "fd07::12", routes: home } }, { forwarding: true }),
  ];
  const router = await lab.router("router", { lan: { ipv4: "10.7.0.254", ipv6: "fd07::fe" }, far: { ipv4: "10.8.0.254", ipv6: "fd08::fe" } });
  const client = lab.client(await lab.host("client", { far: { ipv4: "10.8.0.1", ipv6: "fd08::1", routes: ["default via 10.8.0.254", "default via fd08::fe"] } }));
  for (const worker of [first, second]) await lab.webserver(worker, { port: 8080, body: `from ${worker.name}` });
  await router.exec(["ip", "route", "add", "10.9.9.9/32", "via", "10.7.0.11"]);
  await router.exec(["ip", "route", "add", "fd09::9/128", "via", "fd07::11"]);

  assert.deepEqual((await router.routes("10.9.9.9")).map(({ nextHops }) => nextHops), [[{ via: "10.7.0.11", interface: "eth0" }]]);
  await assert.rejects(client.get("http://10.9.9.9/", { timeoutMs: 300 }), CommandError);

  const endpoints = ["10.7.0.11", "10.7.0.12"].map((address) => ({ address, port: 8080 }));
  const served = { port: 80, endpoints };
  await standIn(first, [{ vip: "10.9.9.9", ...served }, { vip: "fd09::9", port: 80, endpoints: [{ address: "fd07::11", port: 8080 }] }]);
  const bodies = new Set<string>();
  await eventually("both endpoints have answered", 5000, async () => {
    bodies.add((await client.get("http://10.9.9.9/")).body);
    return bodies.size === 2;
  });
  assert.deepEqual([...bodies].sort(), ["from worker-1", "from worker-2"]);
  assert.equal((await client.get("http://[fd09::9]/")).body, "from worker-1");
  await standIn(first, [{ vip: "10.9.9.9", port: 80, endpoints: [] }]);
  await assert.rejects(client.get("http://10.9.9.9/"), CommandError);
});

for (const kind of ["tcp", "udp"] as const) {
  labTest(`a ${kind} prober measures a silence of known length`, async (lab) => {
    const { one, two, lan } = await twoHosts(lab);
    await lab.webserver(two, { port: 8080, body: "" });
    const prober = await lab.client(one).probe({ kind, address: "10.7.0.2", port: 8080 });
    await prober.answering(5000);
    const cutAt = now();
    await two.link(lan).cutSilently();
    await prober.silent(2000);
    await two.link(lan).restore();
    const restoredAt = now();
    const noticed = await prober.recovered(cutAt, 5000);
    const report = await prober.stop();

    const [silence] = report.silences.filter(({ lost }) => lost > 0);
    assert.ok(silence !== undefined, JSON.stringify(report));
    assert.ok(Math.abs(silence.ms - noticed) < 1, "what it says at once is what it reports");
    // The cut and the restoration are commands that take a few milliseconds each: the truth lies between.
    assert.ok(silence.from >= cutAt - 50 && silence.to <= restoredAt + 150, `${JSON.stringify(silence)}, cut at ${cutAt}, restored at ${restoredAt}`);
    assert.ok(report.answers > 0 && report.lost > 0);
  });
}

labTest("a capture on the segment hears ARP and Neighbor Discovery of both hosts", async (lab) => {
  const { one, two, lan } = await twoHosts(lab);
  const capture = await lab.capture(lan, "arp or icmp6");
  await one.exec(["ping", "-c", "1", "-W", "1", "10.7.0.2"]);
  await one.exec(["ping", "-c", "1", "-W", "1", "fd07::2"]);
  const reply = await capture.waitFor("two answers by ARP", 2000, ({ payload }) => payload.type === "arp" && payload.operation === 2);
  assert.deepEqual(reply.payload, {
    type: "arp",
    operation: 2,
    senderMac: two.link(lan).mac,
    senderAddress: "10.7.0.2",
    targetMac: one.link(lan).mac,
    targetAddress: "10.7.0.1",
  });
  const advertisement = await capture.waitFor("two answers by NDP", 2000, ({ payload }) => payload.type === "advertisement" && payload.target === "fd07::2");
  assert.ok(advertisement.payload.type === "advertisement");
  assert.equal(advertisement.payload.linkLayerAddress, two.link(lan).mac);
  assert.deepEqual(advertisement.payload.flags, { r: false, s: true, o: true });
  const folder = await lab.keep();
  assert.ok(readdirSync(join(folder, "logs")).includes("lan.pcap"));
  assert.match(await one.exec(["tcpdump", "-n", "-r", join(folder, "logs", "capture-1.pcap"), "arp"]), /Request who-has 10\.7\.0\.2/);
});

labTest("FRR and BIRD exchange routes, and FRR puts equal-cost ones into the kernel", async (lab) => {
  await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  const router = await lab.router("router", { lan: { ipv4: "10.7.0.254", ipv6: "fd07::fe" } });
  const speakers = [1, 2];
  const hosts = await Promise.all(speakers.map((n) => lab.host(`speaker-${n}`, { lan: { ipv4: `10.7.0.${n}`, ipv6: `fd07::${n}` } })));
  const frr = await lab.frr(router, {
    asn: 64501,
    routerId: "10.7.0.254",
    neighbors: speakers.map((n) => ({ address: `10.7.0.${n}`, asn: 64500, families: ["ipv4", "ipv6"] })),
    networks: ["10.7.0.0/24"],
  });
  const birds = await Promise.all(
    hosts.map((host, index) =>
      lab.bird(
        host,
        `router id 10.7.0.${index + 1};
         protocol device {}
         protocol static s4 { ipv4; route 10.9.9.9/32 blackhole; }
         protocol static s6 { ipv6; route fd09::9/128 blackhole; }
         protocol bgp frr {
           local 10.7.0.${index + 1} as 64500; neighbor 10.7.0.254 as 64501; connect retry time 1; error wait time 1, 2;
           ipv4 { import all; export all; next hop self; };
           ipv6 { import all; export all; next hop address fd07::${index + 1}; };
         }`,
      ),
    ),
  );
  for (const [index, bird] of birds.entries()) {
    await eventually(`the session with speaker ${index + 1} is up`, 15_000, () => bird.established("frr"));
    assert.equal(await frr.session(`10.7.0.${index + 1}`), "Established");
    await eventually("FRR's network arrives", 5000, async () => (await bird.route("10.7.0.0/24")).includes("BGP.as_path: 64501"));
  }
  for (const [prefix, hops] of [
    ["10.9.9.9/32", ["10.7.0.1", "10.7.0.2"]],
    ["fd09::9/128", ["fd07::1", "fd07::2"]],
  ] as const) {
    await eventually(`both next hops of ${prefix} are in the kernel`, 5000, async () => {
      const [route] = await router.routes(prefix); // of IPv6 by their link-local addresses
      return route?.protocol === "bgp" && new Set(route.nextHops.map(({ via }) => via)).size === 2;
    });
    const paths = await frr.paths(prefix);
    assert.deepEqual(paths.flatMap(({ nextHops }) => nextHops).sort(), hops);
    assert.ok(paths.every(({ used, asPath }) => used && asPath === "64500"));
  }
  await birds[0]?.stop();
  await eventually("one next hop is left", 5000, async () => (await router.routes("10.9.9.9/32"))[0]?.nextHops.length === 1);
});

labTest("keepalived answers for its address, and its backup after it crashed", async (lab) => {
  const { one, two } = await twoHosts(lab);
  const client = await lab.host("client", { lan: { ipv4: "10.7.0.3" } });
  for (const [host, priority] of [[one, 150], [two, 100]] as const) {
    await lab.keepalived(
      host,
      `vrrp_instance lab { interface eth0
        virtual_router_id 7
        priority ${priority}
        advert_int 0.1
        virtual_ipaddress { 10.7.0.240/24 } }`,
    );
  }
  const owner = async () => {
    await client.execToEnd(["ping", "-c", "1", "-W", "0.2", "10.7.0.240"]);
    return (await client.neighbours()).find(({ address }) => address === "10.7.0.240")?.mac;
  };
  await eventually("one answers", 10_000, async () => (await owner()) === one.link("lan").mac);
  await one.crash();
  assert.deepEqual(await processesIn(one.namespace), []);
  await eventually("two answers", 10_000, async () => (await owner()) === two.link("lan").mac);
});

for (const how of ["at once by its guardian", "by the next lab when the guardian died too"] as const) {
  test(`a lab whose process was killed is removed ${how}`, { skip: SKIP }, async () => {
    const program = `
      import { Lab } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
      const lab = await Lab.create("crash");
      await lab.segment("lan", { ipv4: "10.7.0.0/24" });
      const host = await lab.host("one", { lan: { ipv4: "10.7.0.1" } });
      const sleeper = await host.spawn(["sleep", "1000"], { name: "sleeper" });
      console.log(JSON.stringify({ id: lab.id, sleeper: sleeper.pid }));
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    const said = await new Promise<string>((resolve) => child.stdout.once("data", (data: Buffer) => { resolve(String(data)); }));
    const { id, sleeper } = JSON.parse(said) as { id: string; sleeper: number };
    assert.equal(labNamespaces(id).length, 2);
    assert.ok(!(await sweep()).includes(id), "a living process's lab is left alone");
    if (how.includes("died too")) process.kill(guardianOf(child.pid ?? 0), "SIGKILL");
    child.kill("SIGKILL");
    if (how.includes("died too")) {
      await eventually("the process is gone", 2000, () => !existsSync(`/proc/${child.pid ?? 0}`));
      assert.ok((await sweep()).includes(id));
    }
    await eventually("nothing is left", 10_000, () => labNamespaces(id).length === 0 && !existsSync(`/proc/${sleeper}`) && !existsSync(directoryOf(id)));
  });
}

function labNamespaces(id: string): readonly string[] {
  return readdirSync("/run/netns").filter((name) => name.startsWith(`${id}-`));
}

/** The one shell that a process has as its child. */
function guardianOf(pid: number): number {
  for (const name of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const stat = readStat(name);
    if (stat?.parent === pid && stat.command === "sh") return Number(name);
  }
  throw new Error(`process ${pid} has no guardian`);
}

function readStat(pid: string): { readonly parent: number; readonly command: string } | undefined {
  try {
    const fields = /^\S+ \((?<command>.*)\) \S (?<parent>[0-9]+) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.groups;
    return fields?.["parent"] === undefined ? undefined : { parent: Number(fields["parent"]), command: fields["command"] ?? "" };
  } catch {
    return undefined;
  }
}
