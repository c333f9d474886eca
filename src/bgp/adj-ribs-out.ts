/**
 * The Adj-RIBs-Out (RFC 4271 3.2), by the peer's name. They are kept whether there is a session or not, and over changes of a peer's
 * configuration, so that nobody else need remember what was asked for.
 */
import { type Address, type Prefix, bitsOf, familyOf, isSamePrefix } from "../net/index.ts";
import { AdjRibOut } from "./adj-rib-out.ts";
import type { Aggregates } from "./aggregates.ts";
import type { BgpRoute } from "./desired.ts";

export class AdjRibsOut {
  readonly #aggregates: Pick<Aggregates, "allows" | "want">;
  readonly #ribs = new Map<string, AdjRibOut>();
  /** Routes to another prefix than the VIP alone, by VIP. Those to itself are found by the VIP. */
  readonly #others = new Map<Address, readonly BgpRoute[]>();

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

  /** Exactly these are the routes that the VIP asks for, each to another peer or prefix. */
  ask(vip: Address, wanted: readonly BgpRoute[]): void {
    const alone = { address: vip, length: bitsOf(familyOf(vip)) };
    for (const [peer, rib] of this.#ribs) if (!asks(wanted, peer, alone)) rib.retract(vip, alone);
    const before = this.#others.get(vip) ?? NONE;
    for (const { peer, prefix } of before) if (!asks(wanted, peer, prefix)) this.#ribs.get(peer)?.retract(vip, prefix);
    const others = wanted.every(({ prefix }) => isSamePrefix(prefix, alone)) ? NONE : wanted.filter(({ prefix }) => !isSamePrefix(prefix, alone));
    if (others.length > 0) this.#others.set(vip, others);
    else if (before.length > 0) this.#others.delete(vip);
    this.#aggregates.want(vip, before, others);
    for (const route of wanted) this.#offer(vip, route);
  }

  /** Aggregates of these VIPs may be announced now, or no longer. */
  allowed(vips: ReadonlySet<Address>): void {
    for (const vip of vips) {
      for (const route of this.#others.get(vip) ?? NONE) {
        if (this.#aggregates.allows(route.prefix)) this.#offer(vip, route);
        else this.of(route.peer).retract(vip, route.prefix);
      }
    }
  }

  /** The prefixes that a VIP may have asked for at this peer. */
  prefixes(vip: Address, peer: string): readonly Prefix[] {
    const others = (this.#others.get(vip) ?? NONE).filter((route) => route.peer === peer).map(({ prefix }) => prefix);
    return [{ address: vip, length: bitsOf(familyOf(vip)) }, ...others];
  }

  /** Routes of a peer to another prefix than the VIP alone, with the VIP; whether they may be announced or not. */
  *others(peer: string): Generator<readonly [Address, Prefix]> {
    for (const [vip, routes] of this.#others) for (const route of routes) if (route.peer === peer) yield [vip, route.prefix];
  }

  #offer(vip: Address, { peer, prefix, attributes }: BgpRoute): void {
    if (this.#aggregates.allows(prefix)) this.of(peer).offer(vip, prefix, attributes);
  }
}

const NONE: readonly BgpRoute[] = [];

function asks(wanted: readonly BgpRoute[], peer: string, prefix: Prefix): boolean {
  for (const route of wanted) if (route.peer === peer && isSamePrefix(route.prefix, prefix)) return true;
  return false;
}
