/** A speaker and its routers on one virtual clock. */
import { BgpSpeaker, type AddressesBeside, type BgpDesired, type BgpListen, type BgpPeer, type BgpPeerStatus, type Keeper, RouteKeepers, type RouteAttributes } from "../../src/bgp/index.ts";
import { type Log, type LogFields, formatLine } from "../../src/log/index.ts";
import { type Address, type Ipv4, type Ipv6, address, isIpv4 } from "../../src/net/index.ts";
import { VirtualClock, VirtualWorld, seededRandom } from "../../src/time/index.ts";
import { MemoryNetwork } from "./memory-tcp.ts";
import { Router } from "./router.ts";

export const US = "10.7.0.1" as Ipv4;

export const PEER: BgpPeer = {
  name: "tor-1",
  address: "10.7.0.254" as Ipv4,
  zone: undefined,
  asn: 64501,
  localAsn: 64500,
  port: 179,
  sourceAddress: undefined,
  holdTimeMs: 90_000,
  keepaliveTimeMs: 30_000,
  connectTimeMs: 10_000,
  password: undefined,
  multihop: 0,
  ttlSecurity: false,
  families: ["ipv4", "ipv6"],
  passive: false,
  gracefulRestartMs: 0,
};

export const ATTRIBUTES: RouteAttributes = { localPref: 100, med: undefined, prepend: 0, communities: [] };

export type Wish = {
  readonly peers?: readonly BgpPeer[];
  /** "10.9.9.9", or "10.9.9.9>10.9.9.0/24" for a VIP under an aggregate. */
  readonly vips?: readonly string[];
  readonly attributes?: RouteAttributes;
  readonly complete?: boolean;
  readonly listen?: readonly BgpListen[];
};

export class World {
  readonly world = new VirtualWorld();
  readonly network = new MemoryNetwork(this.world);
  readonly router = new Router(this.world, this.network);
  readonly lines: string[] = [];
  beside: ReturnType<AddressesBeside> = { ipv4: US, ipv6: "fd07::1" as Ipv6 };
  readonly speaker: BgpSpeaker;
  #vips = new Set<Address>();

  /** What the next life of the daemon would be told. */
  kept: readonly Keeper[];

  /** `lastLife`: the peers that keep the routes of the life before this one. */
  constructor({ routerId = "10.7.0.1", seed = 1, lastLife = [] }: { readonly routerId?: string; readonly seed?: number; readonly lastLife?: readonly Keeper[] } = {}) {
    this.kept = lastLife;
    this.speaker = new BgpSpeaker({
      routerId: routerId as Ipv4,
      hostname: "edge-1",
      tcp: this.network.tcpOf(US),
      clock: new VirtualClock(this.world),
      random: seededRandom(seed),
      log: this.#log(),
      addressesBeside: () => this.beside,
      keepers: new RouteKeepers(lastLife, (keepers) => { this.kept = keepers; }),
    });
    this.speaker.start();
  }

  apply(wish: Wish): void {
    const peers = wish.peers ?? [PEER];
    const attributes = wish.attributes ?? ATTRIBUTES;
    const wanted = (wish.vips ?? []).map((text) => {
      const [vip = "", aggregate] = text.split(">");
      const [prefix = "", length] = (aggregate ?? vip).split("/");
      const parsed = address(prefix);
      return [address(vip), { address: parsed, length: length === undefined ? (isIpv4(parsed) ? 32 : 128) : Number(length) }] as const;
    });
    const routes: BgpDesired["routes"] = new Map(wanted.map(([vip, prefix]) => [vip, peers.map((peer) => ({ peer: peer.name, prefix, attributes }))]));
    const changed = new Set([...this.#vips, ...routes.keys()]);
    this.#vips = new Set(routes.keys());
    this.speaker.apply({ peers, routes, complete: wish.complete ?? true, ...(wish.listen === undefined ? {} : { listen: wish.listen }) }, changed);
  }

  advance(ms: number): void {
    this.world.advance(ms);
  }

  /** Brings a session with the default router up. */
  establish(wish: Wish = {}): void {
    this.router.listen();
    this.apply(wish);
    this.advance(100);
  }

  peer(name = "tor-1"): BgpPeerStatus {
    const found = this.speaker.status().peers.find((peer) => peer.name === name);
    if (found === undefined) throw new Error(`no peer ${name}`);
    return found;
  }

  /** Log lines of at least this importance that say this. */
  said(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }

  #log(): Log {
    const at = (level: string) => (sentence: string, fields: LogFields = {}): void => {
      this.lines.push(`${level} ${formatLine(sentence, fields)}`);
    };
    return { error: at("error"), warning: at("warning"), notice: at("notice"), info: at("info"), debug: at("debug") };
  }
}
