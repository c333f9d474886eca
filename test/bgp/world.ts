/** A speaker and its routers on one virtual clock. */
import { setImmediate as turn } from "node:timers/promises";
import { BgpSpeaker, type AddressesBeside, type BgpDesired, type BgpListen, type BgpPeer, type BgpPeerStatus, type Keeper, RouteKeepers, type RouteAttributes, type WantedPeer } from "../../src/bgp/index.ts";
import type { FrameSocket, FrameSocketOptions, RouteTable } from "../../src/linux/index.ts";
import { type Log, type LogFields, formatLine } from "../../src/log/index.ts";
import { type Address, type Family, type Ipv4, type Ipv6, type Prefix, address, formatPrefix, isIpv4, parsePrefix } from "../../src/net/index.ts";
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
  maxPrefixes: 0,
  role: undefined,
  gracefulRestartMs: 0,
};

export const ATTRIBUTES: RouteAttributes = { localPref: 100, med: undefined, prepend: 0, communities: [], linkBandwidth: undefined };

/** Interfaces that hear what they are told to, and remember what was sent. */
export class MemoryFrames {
  readonly sent: { readonly interface: string; readonly frame: Uint8Array }[] = [];
  readonly #sockets = new Map<string, { readonly options: FrameSocketOptions; open: boolean }>();

  open(options: FrameSocketOptions): FrameSocket {
    const socket = { options, open: false };
    this.#sockets.set(options.interface, socket);
    return {
      link: (link) => {
        const opens = link?.up === true && !socket.open;
        socket.open = link?.up === true;
        if (opens) options.onOpen();
      },
      send: (frame) => {
        if (socket.open) this.sent.push({ interface: options.interface, frame });
        return socket.open;
      },
      status: () => ({ state: { type: "open" }, counters: { received: 0, dropped: 0, delivered: 0, shed: 0 }, reopened: 0 }),
      close: () => this.#sockets.delete(options.interface),
    };
  }

  /** Whether anybody listens there. */
  has(name: string): boolean {
    return this.#sockets.has(name);
  }

  /** The interface hears a frame. */
  hear(name: string, frame: Uint8Array): void {
    const socket = this.#sockets.get(name);
    if (socket?.open === true) socket.options.onFrame(frame, 0);
  }
}

export const NO_GROUPS = { join: () => undefined, leave: () => undefined, renew: () => undefined };

/** A kernel's table that does what it is told, unless it is told to refuse. */
export class MemoryRoutes implements RouteTable {
  readonly prefixes = new Set<string>();
  /** How often it was changed. */
  changes = 0;
  /** Why it refuses. */
  refuses: string | undefined;

  unreachable(family: Family): Promise<readonly Prefix[]> {
    return Promise.resolve([...this.prefixes].flatMap((text) => parsePrefix(text) ?? []).filter(({ address: at }) => isIpv4(at) === (family === "ipv4")));
  }

  change({ add, remove }: Parameters<RouteTable["change"]>[0]): Promise<void> {
    if (add.length + remove.length === 0) return Promise.resolve();
    if (this.refuses !== undefined) return Promise.reject(new Error(this.refuses));
    this.changes++;
    for (const prefix of add) this.prefixes.add(formatPrefix(prefix));
    for (const prefix of remove) this.prefixes.delete(formatPrefix(prefix));
    return Promise.resolve();
  }
}

export type Wish = {
  readonly peers?: readonly WantedPeer[];
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
  readonly frames = new MemoryFrames();
  readonly routes = new MemoryRoutes();
  beside: ReturnType<AddressesBeside> = { ipv4: US, ipv6: "fd07::1" as Ipv6 };
  readonly speaker: BgpSpeaker;
  #vips = new Set<Address>();
  #listen: readonly BgpListen[] = [];

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
      openFrames: (options) => this.frames.open(options),
      groups: NO_GROUPS,
      routes: this.routes,
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
    this.#listen = wish.listen ?? [];
    this.speaker.apply({ peers, routes, complete: wish.complete ?? true, listen: this.#listen }, changed);
  }

  /** Other peers are wanted, and no VIP has been looked at again since. */
  peers(peers: readonly WantedPeer[]): void {
    this.speaker.apply({ peers, routes: new Map(), complete: true, listen: this.#listen }, new Set());
  }

  advance(ms: number): void {
    this.world.advance(ms);
  }

  /** Lets so much time pass, and whatever waits for the kernel's table go on before and after. */
  async pass(ms: number): Promise<void> {
    this.advance(0);
    await turn();
    this.advance(ms);
    await turn();
    this.advance(100);
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
