/**
 * BFD at 50 ms × 3 between the daemon and FRR, while ten thousand Services churn: on the wire nothing is wrong, so every session that goes down was taken down by
 * a process that was late. Who is late, and by how much, is seen on the wire.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Bfdd, eventually, Fleet, Lab, now, type Host, type Member } from "../lab/index.ts";
import { ROUTER } from "../lab/fleet.ts";
import { answersAll, CROWD, NAMESPACE } from "./crowd.ts";
import { atMost, format, plain, quantile, type Options, type Row } from "./figure.ts";
import { readPcap } from "./pcap.ts";
import { cpuMs } from "./process.ts";

const INTERVAL_MS = 50;
const MULTIPLIER = 3;
const DEFAULT_MINUTES = 1;
const BFD_PORT = 3784; // RFC 5881 4
const LOCAL_AT_ONCE = 1000; // each has a health check port, of which a cluster has 2768
/** Of the histogram: lateness below so many ms. */
const BINS = [0.5, 1, 2, 5, 10, 20, 50, 100];

const SETTINGS = {
  bfd: [{ name: "fast", receive_interval: `${INTERVAL_MS}ms`, transmit_interval: `${INTERVAL_MS}ms`, detect_multiplier: MULTIPLIER }],
  bgp: { asn: 64500, peer: [{ name: "tor", address: ROUTER.ipv4, asn: 64501, bfd: "fast" }], advertisement: [{ name: "lan", pools: ["lan"] }] },
};

export async function measureBfd({ minutes = DEFAULT_MINUTES }: Options): Promise<readonly Row[]> {
  await using lab = await Lab.create("bench bfd");
  const fleet = await Fleet.start(lab, ["worker-1"], { settings: SETTINGS });
  const member = fleet.member();
  // BGP is spoken by BIRD, BFD by FRR, on one router: the session of BGP ends with that of BFD, and begins again.
  const router = await lab.router("router", { lan: ROUTER });
  await lab.bird(router, birdConfiguration(member));
  const bfdd = await Bfdd.start(router, [`peer ${member.ipv4} interface eth0`, ` receive-interval ${INTERVAL_MS}`, ` transmit-interval ${INTERVAL_MS}`, ` detect-multiplier ${MULTIPLIER}`]);
  await fleet.api.workloads.createNamespace(NAMESPACE);
  await fleet.api.populate({ namespace: NAMESPACE, services: CROWD, endpointsPerService: 1, nodes: ["elsewhere"] });
  await answersAll(member);
  await eventually("BFD is up on both sides", 30_000, async () => (await bfdd.peer(member.ipv4))?.status === "up" && (await ours(member)).state === "up");

  const before = { ours: (await ours(member)).downs, theirs: await bfdd.downs(member.ipv4), cpu: cpuMs(member.daemon.pid) };
  const record = await recordBfd(router);
  const began = now();
  const changes = await churn(fleet, began + minutes * 60_000);
  const seconds = (now() - began) / 1000;
  await record.stop();
  const [late, theirLate] = [lateness(record.file, member.ipv4), lateness(record.file, ROUTER.ipv4)];
  return [
    none("sessions of BFD that FRR took down", (await bfdd.downs(member.ipv4)) - before.theirs),
    none("sessions of BFD that bmlb took down", (await ours(member)).downs - before.ours),
    plain(`time, with ${CROWD} Services of which some change all the time`, seconds, "s"),
    plain("changed Services a second", changes / seconds, ""),
    plain("the daemon's CPU meanwhile", (cpuMs(member.daemon.pid) - before.cpu) / seconds / 10, "%"),
    { what: "packets of bmlb, and how late", value: `${late.length}`, goal: histogram(late) },
    atMost("latest packet of bmlb, beyond 50 ms after the one before", Math.max(...late), "ms", INTERVAL_MS * (MULTIPLIER - 1)),
    plain("of bmlb's packets 99.9 % are late by at most", quantile(late, 0.999), "ms"),
    { what: "packets of FRR, and how late", value: `${theirLate.length}`, goal: histogram(theirLate) },
    plain("of FRR's packets 99.9 % are late by at most", quantile(theirLate, 0.999), "ms"),
  ];
}

/** One Service after the other becomes Local until a thousand later ones are, round and round until then; returns how many changes that were. */
async function churn(fleet: Fleet, until: number): Promise<number> {
  const change = async (n: number, externalTrafficPolicy: "Cluster" | "Local"): Promise<void> => {
    const name = `web-${String(n % CROWD).padStart(5, "0")}`;
    await fleet.api.workloads.patchService({ namespace: NAMESPACE, name }, { spec: { externalTrafficPolicy } });
  };
  let changes = 0;
  for (let n = 0; now() < until; n++) {
    await change(n, "Local"); // its pod is elsewhere: it is not announced here
    if (n >= LOCAL_AT_ONCE) await change(n - LOCAL_AT_ONCE, "Cluster");
    changes += n >= LOCAL_AT_ONCE ? 2 : 1;
  }
  return changes;
}

type Watched = { readonly state: string; readonly downs: number };

/** What `bmlb bfd` says of the path to the router. */
async function ours(member: Member): Promise<Watched> {
  const { sessions } = (await member.daemon.cli(["bfd", "--json"])).json() as { readonly sessions: readonly Watched[] };
  const [session] = sessions;
  if (session === undefined) throw new Error("bmlb watches no path");
  return session;
}

/** Records the control packets that pass the router's cable. */
async function recordBfd(router: Host): Promise<{ readonly file: string; readonly stop: () => Promise<void> }> {
  const file = router.path("bfd.pcap");
  const recorder = await router.spawn(["tcpdump", "-i", "eth0", "-Z", "root", "-U", "-n", "--immediate-mode", "--time-stamp-precision=nano", "-w", file, `udp dst port ${BFD_PORT}`], { name: "recorder" });
  await recorder.waitForLine(/listening on/, 5000);
  return {
    file,
    stop: async () => {
      await delay(INTERVAL_MS);
      await recorder.stop();
    },
  };
}

/** How long after the longest permitted interval each packet of a sender came, in ms. */
function lateness(file: string, sender: string): readonly number[] {
  const source = Buffer.from(sender.split(".").map(Number));
  const SOURCE = 26; // octets of Ethernet and of IPv4 before the source address
  const times = readPcap(file).filter(({ frame: { bytes } }) => source.equals(bytes.subarray(SOURCE, SOURCE + 4))).map(({ at }) => Number(at / 1000n) / 1000);
  const late = times.slice(1).map((at, i) => Math.max(0, at - (times[i] ?? at) - INTERVAL_MS));
  if (late.length === 0) throw new Error(`no BFD packet of ${sender} on the wire`);
  return late;
}

function histogram(late: readonly number[]): string {
  let below = 0;
  const bins = [...BINS, Infinity].map((bin) => {
    const count = late.filter((ms) => ms < bin).length - below;
    below += count;
    return { bin, count };
  });
  return bins.filter(({ count }) => count > 0).map(({ bin, count }) => `${bin === Infinity ? `≥ ${format(BINS.at(-1) ?? 0, "ms")}` : `< ${bin} ms`}: ${count}`).join(", ");
}

function none(what: string, count: number): Row {
  return { what, value: String(count), goal: "0", met: count === 0 };
}

function birdConfiguration({ ipv4 }: Member): string {
  return `router id ${ROUTER.ipv4};
protocol device {}
protocol bgp worker { local ${ROUTER.ipv4} as 64501; neighbor ${ipv4} as 64500; ipv4 { import all; export none; }; }
`;
}
