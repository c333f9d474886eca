/** What every router must see and do: one row per behaviour, played with each router over each family. */
import assert from "node:assert/strict";
import type { BgpPeer, RouteCommunity } from "../../../src/bgp/index.ts";
import { eventually } from "../../lab/index.ts";
import type { Neighbor, SeenRoute } from "./router.ts";
import type { Scene } from "./scene.ts";

export type RowName =
  | "routes"
  | "internal"
  | "password"
  | "ttlSecurity"
  | "both"
  | "fourOctetAs"
  | "twoOctetAs"
  | "noCapabilities"
  | "multihop"
  | "refresh"
  | "manyRoutes"
  | "shortHold"
  | "gracefulRestart"
  | "dials"
  | "collision"
  | "theirText"
  | "otherAsForUs"
  | "otherAsThanExpected"
  | "otherPassword"
  | "noPassword"
  | "noTtlSecurity"
  | "holdTimeRefusedByThem"
  | "holdTimeRefusedByUs"
  | "stranger";

export type Row = {
  readonly key: RowName;
  /** Completes "FRR over IPv4: ". */
  readonly name: string;
  /** How the router is configured for it. */
  readonly neighbor: Partial<Omit<Neighbor, "name" | "address">>;
  /** How we are. */
  readonly peer?: Partial<BgpPeer>;
  /** The router does not know us. */
  readonly stranger?: true;
  /** What the operator is told; such a session is not to come up. */
  readonly refused?: RegExp;
  /** Default: the session comes up and carries a route of each family. */
  readonly play?: (scene: Scene, row: Row) => Promise<void>;
};

export const OTHER_AS = 64500; // ours, unless a row has another
const FOUR_OCTET_AS = 4_200_000_001;

const COMMUNITIES: readonly RouteCommunity[] = [
  { type: "standard", value: 0xffff_ff04 }, // NOPEER
  { type: "standard", value: OTHER_AS * 65536 + 100 },
  { type: "standard", value: 0xffff_ff01 }, // NO_EXPORT
  { type: "large", global: FOUR_OCTET_AS, local1: 1, local2: 2 },
  { type: "large", global: OTHER_AS, local1: 1, local2: 2 },
  { type: "route-target", asn: OTHER_AS, value: 7 },
];
const SEEN_COMMUNITIES = { standard: ["64500:100", "65535:65281", "65535:65284"], large: ["64500:1:2", "4200000001:1:2"], extended: ["rt:64500:7"] };

export const ROWS: readonly Row[] = [
  {
    key: "shortHold", // the longest first
    name: "a hold time of six seconds is kept",
    neighbor: {},
    peer: { holdTimeMs: 6000, keepaliveTimeMs: 2000 },
    play: async (scene, row) => {
      scene.apply(row.key, row.peer ?? {}, vips(row));
      const { negotiated } = await scene.established(row.key);
      assert.deepEqual([negotiated?.holdMs, negotiated?.keepaliveMs], [6000, 2000]);
      const later = await eventually("more than a hold time has passed", 12_000, async () => {
        const peer = await scene.peer(row.key);
        return peer.inStateMs > 6500 ? peer : undefined;
      });
      assert.deepEqual([later.state, later.establishments], ["Established", 1]);
    },
  },
  { key: "routes", name: "routes come with the attributes that were chosen, change, and go", neighbor: {}, play: routesComeAndGo },
  {
    key: "internal",
    name: "inside one AS routes have a local preference and an empty path",
    neighbor: { asn: 64501 },
    peer: { localAsn: 64501, asn: "internal" },
    play: async (scene, row) => {
      scene.apply(row.key, row.peer ?? {}, vips(row), { localPref: 150, med: 5, prepend: 2, communities: COMMUNITIES });
      for (const prefix of vips(row)) await sees(scene, row, prefix, { asPath: "", localPref: 150, med: 5, ...SEEN_COMMUNITIES });
    },
  },
  { key: "password", name: "with a TCP MD5 password", neighbor: { password: "s3cret" }, peer: { password: "s3cret" } },
  { key: "ttlSecurity", name: "with TTL security", neighbor: { ttlSecurity: true }, peer: { ttlSecurity: true } },
  { key: "both", name: "with a password and TTL security", neighbor: { password: "s3cret", ttlSecurity: true }, peer: { password: "s3cret", ttlSecurity: true } },
  { key: "fourOctetAs", name: "with a four-octet AS of ours", neighbor: { asn: FOUR_OCTET_AS }, peer: { localAsn: FOUR_OCTET_AS } },
  { key: "twoOctetAs", name: "with a four-octet AS of ours toward a speaker of two-octet ones", neighbor: { asn: FOUR_OCTET_AS, capabilities: "no-four-octet-as" }, peer: { localAsn: FOUR_OCTET_AS } },
  { key: "noCapabilities", name: "with a speaker that has no capabilities, for IPv4", neighbor: { capabilities: "none", families: ["ipv4"] } },
  {
    key: "multihop",
    name: "through a third host with multihop, and not without",
    neighbor: { multihop: 2 },
    play: async (scene, row) => {
      scene.apply(row.key, { connectTimeMs: 1000 }, vips(row));
      await scene.says(row.key, /^<4>(no answer from|no way to) peer \S+ at .*check the (way|route)/);
      scene.apply(row.key, { multihop: 2 }, vips(row));
      await carriesRoutes(scene, row);
    },
  },
  { key: "refresh", name: "a route refresh that it asks for is answered with everything", neighbor: {}, play: answersRefresh },
  { key: "manyRoutes", name: "two thousand routes arrive whole, and are withdrawn", neighbor: {}, play: carriesMany },
  { key: "gracefulRestart", name: "with graceful restart", neighbor: { helpsRestart: true }, peer: { gracefulRestartMs: 60_000 } },
  {
    key: "dials",
    name: "it opens the session to us, with a password",
    neighbor: { opening: "dials", password: "s3cret" },
    peer: { passive: true, password: "s3cret" },
    play: async (scene, row) => {
      scene.apply(row.key, row.peer ?? {}, vips(row));
      await carriesRoutes(scene, row);
      assert.equal((await scene.peer(row.key)).openedBy, "peer");
    },
  },
  { key: "collision", name: "both sides connect at once, and one session is left", neighbor: { opening: "dials", multihop: 2 }, peer: { multihop: 2 }, play: endsWithOneSession },
  {
    key: "theirText",
    name: "the text with which it is shut down is in our log and status",
    neighbor: {},
    play: async (scene, row) => {
      scene.apply(row.key, {}, vips(row));
      await carriesRoutes(scene, row);
      await scene.router.shutDown(scene.neighbor(row.key), "new line card, back at 14:00");
      await scene.says(row.key, /^<4>peer \S+ closed the session \(cease, administrative shutdown: "new line card, back at 14:00"\)/);
      assert.match((await scene.peer(row.key)).lastError?.text ?? "", /"new line card, back at 14:00"/);
    },
  },
  { key: "otherAsForUs", name: "it expects another AS of us", neighbor: { asn: 64999 }, refused: /^<4>peer \S+ refused our AS 64500: enter 64500 as the AS of this neighbor there, or set asn or local_asn here to what it expects \(OPEN error, bad peer AS\) .*sent_by=peer code=2 subcode=2/ },
  { key: "otherAsThanExpected", name: "we expect another AS of it", neighbor: {}, peer: { asn: 64777 }, refused: /^<4>refused peer \S+: it says that it is AS 64501, not 64777; correct asn of the peer, or its configuration \(OPEN error, bad peer AS\) .*sent_by=us code=2 subcode=2/ },
  { key: "otherPassword", name: "its password is another", neighbor: { password: "one" }, peer: { password: "two" }, refused: /^<4>no answer from peer \S+ at .*: check the way there, that BGP runs there and has the password of password_file/ },
  { key: "noPassword", name: "it has a password and we have none", neighbor: { password: "one" }, refused: /^<4>no answer from peer \S+ at .*: check the way there, that the peer wants no password/ },
  {
    key: "noTtlSecurity",
    name: "we have TTL security and it has not",
    neighbor: {},
    peer: { ttlSecurity: true },
    play: async (scene, row) => {
      scene.apply(row.key, row.peer ?? {}, vips(row));
      const notes = await eventually("the status has a note", 10_000, async () => (await scene.peer(row.key)).notes[0]);
      assert.match(notes, /no OPEN arrives: .* that ttl_security is on at both ends/);
      assert.equal((await scene.peer(row.key)).state, "OpenSent");
    },
  },
  { key: "holdTimeRefusedByThem", name: "it refuses our hold time", neighbor: {}, peer: { holdTimeMs: 3000, keepaliveTimeMs: 1000 }, refused: /^<4>peer \S+ refused our hold time of 3 s: set a hold_time that it accepts \(OPEN error, unacceptable hold time\) .*sent_by=peer code=2 subcode=6/ },
  { key: "holdTimeRefusedByUs", name: "we refuse its hold time", neighbor: { holdSeconds: 2 }, refused: /^<4>refused peer \S+: a hold time of 2 s is not allowed; set its hold time to 0 or to 3 s and more \(OPEN error, unacceptable hold time\) .*sent_by=us code=2 subcode=6/ },
  { key: "stranger", name: "it does not know us", neighbor: {}, stranger: true, refused: /^<4>peer \S+ (closed the connection without a word: enter this host as a neighbor there|does not accept sessions from this host: enter it as a neighbor there), with the address that it sees/ },
];

/** Two VIPs of each family that no other row has. */
export function vips(row: Row): readonly string[] {
  const number = 1 + ROWS.indexOf(row);
  return [`10.9.${number}.1/32`, `10.9.${number}.2/32`, `fd09::${number}:1/128`, `fd09::${number}:2/128`];
}

/** Plays a row. */
export async function play(scene: Scene, row: Row): Promise<void> {
  if (row.play !== undefined) {
    await row.play(scene, row);
    return;
  }
  scene.apply(row.key, row.peer ?? {}, vips(row));
  if (row.refused === undefined) await carriesRoutes(scene, row);
  else await isRefused(scene, row, row.refused);
}

/** The session is up, and the routes that the families allow are there, unharmed. */
export async function carriesRoutes(scene: Scene, row: Row): Promise<void> {
  await scene.established(row.key);
  const { asn, families } = scene.neighbor(row.key);
  for (const prefix of vips(row)) {
    if (!families.includes(familyOf(prefix))) continue;
    await sees(scene, row, prefix, { asPath: String(asn), standard: [], large: [], extended: [] });
  }
}

async function isRefused(scene: Scene, row: Row, sentence: RegExp): Promise<void> {
  await scene.says(row.key, sentence);
  const { lastError, state } = await scene.peer(row.key);
  assert.match(lastError?.text ?? "", new RegExp(`peer ${scene.neighbor(row.key).name}`));
  assert.notEqual(state, "Established");
}

const NO_LLGR = "65535:7";

/**
 * The router comes to show the route so, and with the address of ours as its next hop; not to be kept for hours, where it could
 * (RFC 9494), and IPv4 by IPv6, where it takes that (RFC 8950).
 */
async function sees(scene: Scene, row: Row, prefix: string, wanted: Partial<SeenRoute>): Promise<void> {
  const neighbor = scene.neighbor(row.key);
  await eventually(`the router shows ${prefix} of ${row.key}`, 8000, async () => {
    const seen = await scene.router.route(neighbor, prefix);
    if (seen === undefined) throw new Error("it has no such route");
    const { remoteCapabilities = [], agreedCapabilities = [] } = (await scene.established(row.key)).negotiated ?? {};
    const marked = wanted.standard !== undefined && remoteCapabilities.some((text) => text.startsWith("long-lived-graceful-restart"));
    const expected = marked ? { ...wanted, ...sorted({ standard: [...(wanted.standard ?? []), NO_LLGR] }) } : wanted;
    const sameHop = familyOf(prefix) === scene.family || (scene.family === "ipv6" && agreedCapabilities.some((text) => text.startsWith("extended-next-hop")));
    const { standard, large, extended } = seen;
    assert.deepEqual({ ...seen, ...sorted({ standard, large, extended }), nextHop: "" }, { ...seen, ...expected, origin: "igp", nextHop: "" });
    if (sameHop) assert.equal(seen.nextHop, neighbor.address);
    else assert.match(seen.nextHop, familyOf(prefix) === "ipv4" ? /^10\.[78]\.0\.1$/ : /^fd0[78]::1$/);
    return true;
  });
}

/** It is killed and comes back: the router keeps its routes all the time, and loses those that the new life does not announce. */
export async function survivesDeath(scene: Scene, row: Row): Promise<void> {
  const neighbor = scene.neighbor(row.key);
  const [kept = "", lost = "", keptToo = "", lostToo = ""] = vips(row);
  const over = new AbortController();
  const misses: string[] = [];
  const watching = (async (): Promise<void> => {
    while (!over.signal.aborted) for (const prefix of [kept, keptToo]) if ((await scene.router.route(neighbor, prefix)) === undefined) misses.push(prefix);
  })();
  await scene.reviveSpeaker(async () => {
    await eventually("the router has noticed", 8000, async () => (await scene.router.count(scene.neighbor("routes"))) === 0);
    for (const prefix of vips(row)) assert.notEqual(await scene.router.route(neighbor, prefix), undefined, `${prefix} while nobody is here`);
    scene.apply(row.key, row.peer ?? {}, [kept, keptToo]);
  });
  await scene.established(row.key);
  for (const prefix of [lost, lostToo]) await goes(scene, row, prefix);
  for (const prefix of [kept, keptToo]) await sees(scene, row, prefix, { asPath: "64500" });
  over.abort();
  await watching;
  assert.deepEqual(misses, []);
}

async function goes(scene: Scene, row: Row, prefix: string): Promise<void> {
  await eventually(`the router has lost ${prefix}`, 8000, async () => (await scene.router.route(scene.neighbor(row.key), prefix)) === undefined);
}

async function routesComeAndGo(scene: Scene, row: Row): Promise<void> {
  const [first = "", second = "", third = "", fourth = ""] = vips(row);
  scene.apply(row.key, {}, vips(row), { med: 50, prepend: 2, communities: COMMUNITIES });
  for (const prefix of vips(row)) await sees(scene, row, prefix, { asPath: "64500 64500 64500", med: 50, ...SEEN_COMMUNITIES });
  scene.apply(row.key, {}, [first, third], { med: 60 });
  for (const prefix of [first, third]) await sees(scene, row, prefix, { asPath: "64500", med: 60, standard: [], large: [], extended: [] });
  for (const prefix of [second, fourth]) await goes(scene, row, prefix);
  const { establishments, families, received } = await scene.peer(row.key);
  assert.deepEqual([establishments, families.ipv4.announced, families.ipv6.announced, received.malformed], [1, 1, 1, 0]);
  scene.apply(row.key, {}, []);
  for (const prefix of [first, third]) await goes(scene, row, prefix);
  scene.apply(row.key, {}, vips(row));
  await carriesRoutes(scene, row);
  assert.equal((await scene.peer(row.key)).establishments, 1, "nothing was reset");
}

async function answersRefresh(scene: Scene, row: Row): Promise<void> {
  scene.apply(row.key, {}, vips(row));
  await carriesRoutes(scene, row);
  const before = (await scene.peer(row.key)).messages;
  await scene.router.refresh(scene.neighbor(row.key));
  const { negotiated } = await scene.peer(row.key);
  const markers = negotiated?.remoteCapabilities.includes("enhanced-route-refresh") === true ? 4 : 0;
  await eventually("both families are sent again", 8000, async () => {
    const { sent, received } = (await scene.peer(row.key)).messages;
    assert.equal(received["ROUTE-REFRESH"] - before.received["ROUTE-REFRESH"], 2);
    assert.equal(sent.UPDATE - before.sent.UPDATE, 2);
    assert.equal(sent["ROUTE-REFRESH"] - before.sent["ROUTE-REFRESH"], markers);
    return true;
  });
  await carriesRoutes(scene, row);
  const { state, establishments } = await scene.peer(row.key);
  assert.deepEqual([state, establishments], ["Established", 1]);
}

async function carriesMany(scene: Scene, row: Row): Promise<void> {
  const ipv4 = Array.from({ length: 1000 }, (_, i) => `10.10.${i >> 8}.${i & 255}/32`);
  const ipv6 = Array.from({ length: 1000 }, (_, i) => `fd10::${(i + 1).toString(16)}/128`);
  scene.apply(row.key, {}, [...ipv4, ...ipv6], { communities: COMMUNITIES });
  await scene.established(row.key);
  await eventually("all are there", 10_000, async () => (await scene.router.count(scene.neighbor(row.key))) === 2000);
  for (const prefix of ["10.10.0.0/32", "10.10.3.231/32", "fd10::1/128", "fd10::3e8/128"]) await sees(scene, row, prefix, SEEN_COMMUNITIES);
  scene.apply(row.key, {}, vips(row));
  await eventually("they are gone", 10_000, async () => (await scene.router.count(scene.neighbor(row.key))) === 4);
}

const holdOf = (address: string): string => `table inet hold {
  chain forward {
    type filter hook forward priority filter
    ${address.includes(":") ? "ip6" : "ip"} saddr ${address} tcp flags & psh == psh drop
    ${address.includes(":") ? "ip6" : "ip"} daddr ${address} tcp flags & psh == psh drop
  }
}
`;

/** Nothing with data passes until both connections stand: then both sides find out at the same time that there are two. */
async function endsWithOneSession(scene: Scene, row: Row): Promise<void> {
  const { address } = scene.neighbor(row.key);
  await scene.between.exec(["nft", "-f", scene.between.write("hold.nft", holdOf(address))]);
  const connections = async (): Promise<number> => (await scene.host.exec(["ss", "-Htn", "state", "established", "src", address.includes(":") ? `[${address}]` : address])).split("\n").filter(Boolean).length;
  scene.apply(row.key, row.peer ?? {}, vips(row));
  await eventually("both have connected", 15_000, async () => (await connections()) === 2);
  await scene.between.exec(["nft", "delete", "table", "inet", "hold"]);
  await carriesRoutes(scene, row);
  await eventually("one connection is left", 5000, async () => (await connections()) === 1);
  // Which of the two is left depends on whose OPEN comes through first. FRR 8.4 falls over its own decision once ("No AFI/SAFI activated for peer").
  const { state, establishments } = await scene.peer(row.key);
  assert.ok(state === "Established" && establishments <= 2, `${state} after ${establishments}`);
}

function sorted<T extends Readonly<Record<string, readonly string[]>>>(lists: T): T {
  const order = (a: string, b: string): number => {
    const [left = [], right = []] = [a, b].map((text) => text.split(":").map(Number));
    return left.reduce((found, part, index) => found || part - (right[index] ?? 0), 0);
  };
  return Object.fromEntries(Object.entries(lists).map(([key, list]) => [key, list.toSorted(order)])) as unknown as T;
}

function familyOf(prefix: string): "ipv4" | "ipv6" {
  return prefix.includes(":") ? "ipv6" : "ipv4";
}
