/**
 * Where the rows of the suite are played: one router, one host with our speaker, and a second way between them, with a host on it.
 *
 *            lan 10.7.0.0/24, fd07::/64
 *   host ─────────────────────────────── router (also 10.99.0.0/24, fd99::/64)
 *     └──────── near ──── between ──────────┘
 *          10.8.0.0/24, fd08::/64
 *
 * Each row has a neighbor of its own, by its address on the host: many rows are played at once, and none waits for what a router
 * has against the neighbor of another.
 */
import type { BgpPeer, BgpPeerStatus, BgpRoute } from "../../../src/bgp/index.ts";
import { address } from "../../../src/net/index.ts";
import { type Capture, type Host, type Lab, eventually } from "../../lab/index.ts";
import { RemoteSpeaker } from "../remote-speaker.ts";
import { connectionsIn } from "../strict/connections.ts";
import { type Verdict, judge } from "../strict/judge.ts";
import type { Family, Neighbor, Router, RouterKind } from "./router.ts";
import { OTHER_AS, type Row, type RowName } from "./rows.ts";

export const ROUTER_AS = 64501;
const LEAST_HOLD_S = 6;

const ADDRESSES = {
  ipv4: { lan: "10.7.0.", near: "10.8.0.", router: "10.7.0.254", dialling: "10.7.0.253", far: "10.99.0.254", farDialling: "10.99.0.253" },
  ipv6: { lan: "fd07::", near: "fd08::", router: "fd07::fe", dialling: "fd07::fd", far: "fd99::fe", farDialling: "fd99::fd" },
} as const;
const FIRST_ROW = 10; // last part of the address that the first row's neighbor has

/** Lower than the router's, and higher: of collisions the other end decides. */
const IDENTIFIERS = { ipv4: "10.7.0.1", ipv6: "172.16.0.1" } as const;

type Wanted = { readonly peer: Partial<BgpPeer>; readonly prefixes: readonly string[]; readonly attributes: Partial<BgpRoute["attributes"]> };

export class Scene {
  readonly lab: Lab;
  readonly family: Family;
  readonly host: Host;
  readonly between: Host;
  readonly router: Router;
  readonly captures: readonly Capture[];
  readonly neighbors: ReadonlyMap<RowName, Neighbor>;
  #speaker: RemoteSpeaker;
  readonly #wanted = new Map<string, Wanted>();

  private constructor(parts: Pick<Scene, "lab" | "family" | "host" | "between" | "router" | "captures" | "neighbors">, speaker: RemoteSpeaker) {
    ({ lab: this.lab, family: this.family, host: this.host, between: this.between, router: this.router, captures: this.captures, neighbors: this.neighbors } = parts);
    this.#speaker = speaker;
  }

  static async set(lab: Lab, kind: RouterKind<RowName>, family: Family, rows: readonly Row[]): Promise<Scene> {
    const lan = await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
    const near = await lab.segment("near", { ipv4: "10.8.0.0/24", ipv6: "fd08::/64" });
    const host = await lab.host("host", {
      lan: { ipv4: "10.7.0.1", ipv6: "fd07::1" },
      near: { ipv4: "10.8.0.1", ipv6: "fd08::1", routes: ["10.99.0.0/24 via 10.8.0.2", "fd99::/64 via fd08::2"] },
    });
    const between = await lab.router("between", { lan: { ipv4: "10.7.0.2", ipv6: "fd07::2", routes: ["10.99.0.0/24 via 10.7.0.254", "fd99::/64 via fd07::fe"] }, near: { ipv4: "10.8.0.2", ipv6: "fd08::2" } });
    const machine = await lab.router("router", { lan: { ipv4: "10.7.0.254", ipv6: "fd07::fe", routes: ["10.8.0.0/24 via 10.7.0.2", "fd08::/64 via fd07::2"] } });
    await machine.exec(["ip", "-batch", "-"], { input: ["10.7.0.253/24 dev eth0", "fd07::fd/64 dev eth0 nodad", "10.99.0.254/32 dev lo", "10.99.0.253/32 dev lo", "fd99::fe/128 dev lo", "fd99::fd/128 dev lo"].map((one) => `addr add ${one}\n`).join("") });
    const neighbors = new Map(rows.map((row, index) => [row.key, neighborOf(row, family, index)]));
    const length = family === "ipv4" ? "/24" : "/64";
    const own = [...neighbors.values()].map((neighbor) => `addr add ${neighbor.address}${length} dev ${neighbor.multihop === undefined ? "eth0" : "eth1"}${family === "ipv6" ? " nodad" : ""}\n`);
    await host.exec(["ip", "-batch", "-"], { input: own.join("") });
    const captures = await Promise.all([lan, near].map(async (segment) => await lab.capture(segment, "tcp port 179")));
    const [router, speaker] = await Promise.all([
      kind.start(machine, { asn: ROUTER_AS, routerId: "10.7.0.254", neighbors: rows.flatMap((row) => (row.stranger === true ? [] : (neighbors.get(row.key) ?? []))), leastHoldSeconds: LEAST_HOLD_S }),
      RemoteSpeaker.start(host, IDENTIFIERS[family]),
    ]);
    return new Scene({ lab, family, host, between, router, captures, neighbors }, speaker);
  }

  get speaker(): RemoteSpeaker {
    return this.#speaker;
  }

  /** The speaker dies, and is back when `meanwhile` is done; peers with graceful restart keep the routes of its first life. */
  async reviveSpeaker(meanwhile: () => Promise<void>): Promise<void> {
    const { peers } = await this.#speaker.status();
    await this.#speaker.process.kill();
    await meanwhile();
    const keepers = [...this.#wanted].flatMap(([peer, { peer: { gracefulRestartMs = 0 } }]) => (gracefulRestartMs > 0 && peers.some(({ name, state }) => name === peer && state === "Established") ? [{ peer, restartMs: gracefulRestartMs }] : []));
    this.#speaker = await RemoteSpeaker.start(this.host, IDENTIFIERS[this.family], keepers);
    this.#send();
  }

  neighbor(row: RowName): Neighbor {
    const neighbor = this.neighbors.get(row);
    if (neighbor === undefined) throw new Error(`no row ${row} in this scene`);
    return neighbor;
  }

  /** What a row wants from now on; the others keep what they have. */
  apply(row: RowName, peer: Partial<BgpPeer>, prefixes: readonly string[], attributes: Partial<BgpRoute["attributes"]> = {}): void {
    const neighbor = this.neighbor(row);
    const all: Partial<BgpPeer> = { name: neighbor.name, address: address(neighbor.local), sourceAddress: address(neighbor.address), asn: ROUTER_AS, ...peer };
    this.#wanted.set(neighbor.name, { peer: all, prefixes, attributes });
    this.#send();
  }

  /** The row has no peer any more. */
  forget(row: RowName): void {
    this.#wanted.delete(this.neighbor(row).name);
    this.#send();
  }

  async peer(row: RowName): Promise<BgpPeerStatus> {
    return await this.#speaker.peer(this.neighbor(row).name);
  }

  async established(row: RowName): Promise<BgpPeerStatus> {
    return await this.#speaker.established(this.neighbor(row).name);
  }

  /** Waits for a line about the row's peer. */
  async says(row: RowName, sentence: RegExp): Promise<string> {
    const { name } = this.neighbor(row);
    return await eventually(`the speaker says ${String(sentence)}`, 15_000, () => this.#speaker.process.lines.map(({ text }) => text).find((line) => new RegExp(` peer=${name}( |$)`).test(line) && sentence.test(line)));
  }

  /** Every connection of ours so far, judged. */
  verdicts(): readonly Verdict[] {
    const own = new Set([...this.neighbors.values()].map(({ address: ours }) => ours));
    return this.captures.flatMap(({ frames }) => connectionsIn(frames, (one) => own.has(one)).map((connection) => judge(connection, frames.at(-1)?.at ?? 0)));
  }

  #send(): void {
    const routes: Record<string, object[]> = {};
    for (const [name, { prefixes, attributes }] of this.#wanted) {
      for (const prefix of prefixes) (routes[prefix.split("/")[0] ?? ""] ??= []).push({ peer: name, prefix, attributes });
    }
    const listening = [...this.neighbors.values()].filter(({ name, opening }) => opening === "dials" && this.#wanted.has(name));
    const listen = listening.map((neighbor) => ({ address: neighbor.address, port: 179 }));
    this.#speaker.process.tell(JSON.stringify({ do: "apply", peers: [...this.#wanted.values()].map(({ peer }) => peer), routes, complete: true, listen }));
  }
}

function neighborOf(row: Row, family: Family, index: number): Neighbor {
  const { multihop, opening = "waits" } = row.neighbor;
  const ours = ADDRESSES[family];
  const local = multihop === undefined ? (opening === "dials" ? ours.dialling : ours.router) : opening === "dials" ? ours.farDialling : ours.far;
  return {
    name: `edge_${row.key.toLowerCase()}`,
    address: `${multihop === undefined ? ours.lan : ours.near}${FIRST_ROW + index}`,
    local,
    asn: OTHER_AS,
    families: ["ipv4", "ipv6"],
    capabilities: "all",
    ...row.neighbor,
    opening,
  };
}
