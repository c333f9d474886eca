/**
 * The Adj-RIBs-Out (RFC 4271 3.2), by the peer's name. They are kept whether there is a session or not, and over changes of a peer's
 * configuration, so that nobody else need remember what was asked for.
 */
import { type Address, type Prefix, hostPrefix, isSamePrefix } from "../net/index.ts";
import { AdjRibOut } from "./adj-rib-out.ts";
import type { Aggregates } from "./aggregates.ts";
import type { BgpRoute } from "./desired.ts";

type Others = {
  /** All that the VIP asks for. */
  readonly asked: readonly BgpRoute[];
  /** What it asks for beside itself, and what it no longer asks for, but has until that which replaces it may be announced. */
  readonly kept: readonly BgpRoute[];
};

export class AdjRibsOut {
  readonly #aggregates: Pick<Aggregates, "allows" | "want">;
  readonly #ribs = new Map<string, AdjRibOut>();
  /** Of VIPs that ask for another prefix than themselves, or did. A route to a VIP itself is found by its address. */
  readonly #others = new Map<Address, Others>();

  constructor(aggregates: Pick<Aggregates, "allows" | "want">) {
    this.#aggregates = aggregates;
  }

  /** A peer's; one that is asked for before the peer is known waits for it. */
  of(peer: string): AdjRibOut {
    let rib = this.#ribs.get(peer);
    if (rib === undefined) {
      rib = new AdjRibOut();
      this.#ribs.set(peer, rib);
    }
    return rib;
  }

  /** Exactly these peers are wanted; of others is kept only what VIPs still ask for. */
  keep(peers: ReadonlySet<string>): void {
    for (const [peer, rib] of this.#ribs) if (!peers.has(peer) && rib.isEmpty) this.#ribs.delete(peer);
  }

  /**
   * Exactly these are the routes that the VIP asks for, each to another peer or prefix. A peer to which one of them may not be announced
   * yet keeps the others that it has: traffic that arrives by those need not be lost.
   */
  ask(vip: Address, asked: readonly BgpRoute[]): void {
    const alone = hostPrefix(vip);
    for (const [peer, rib] of this.#ribs) if (!asks(asked, peer, alone) && !this.#waits(asked, peer)) rib.retract(vip, alone);
    const before = this.#others.get(vip)?.kept ?? NONE;
    const kept = asked.every(({ prefix }) => isSamePrefix(prefix, alone)) ? [] : asked.filter(({ prefix }) => !isSamePrefix(prefix, alone));
    for (const route of before) {
      if (asks(asked, route.peer, route.prefix)) continue;
      if (this.#aggregates.allows(route.prefix) && this.#waits(asked, route.peer)) kept.push(route);
      else this.#ribs.get(route.peer)?.retract(vip, route.prefix);
    }
    if (kept.length > 0) this.#others.set(vip, { asked, kept });
    else if (before.length > 0) this.#others.delete(vip);
    this.#aggregates.want(vip, before, kept);
    for (const { peer, prefix, attributes } of asked) {
      if (this.#aggregates.allows(prefix)) this.of(peer).offer(vip, prefix, attributes);
      else this.#ribs.get(peer)?.retract(vip, prefix);
    }
  }

  /** Aggregates of these VIPs may be announced now, or no longer. */
  allowed(vips: ReadonlySet<Address>): void {
    for (const vip of vips) {
      const others = this.#others.get(vip);
      if (others !== undefined) this.ask(vip, others.asked);
    }
  }

  /** The prefixes that a VIP may have asked for at this peer. */
  prefixes(vip: Address, peer: string): readonly Prefix[] {
    const others = (this.#others.get(vip)?.kept ?? NONE).filter((route) => route.peer === peer).map(({ prefix }) => prefix);
    return [hostPrefix(vip), ...others];
  }

  /** Routes of a peer to another prefix than the VIP alone, with the VIP; whether they may be announced or not. */
  *others(peer: string): Generator<readonly [Address, Prefix]> {
    for (const [vip, { kept }] of this.#others) for (const route of kept) if (route.peer === peer) yield [vip, route.prefix];
  }

  /** Whether a route that is asked for at this peer may not be announced yet. */
  #waits(asked: readonly BgpRoute[], peer: string): boolean {
    for (const route of asked) if (route.peer === peer && !this.#aggregates.allows(route.prefix)) return true;
    return false;
  }
}

const NONE: readonly BgpRoute[] = [];

function asks(wanted: readonly BgpRoute[], peer: string, prefix: Prefix): boolean {
  for (const route of wanted) if (route.peer === peer && isSamePrefix(route.prefix, prefix)) return true;
  return false;
}
