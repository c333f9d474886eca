/** What is allowed and yet hardly meant: things that have no effect because nothing refers to them. Pure. */
import type { Advertisement } from "./advertisements.ts";
import type { Bfd } from "./bfd.ts";
import type { Bgp } from "./bgp.ts";
import type { Findings } from "./findings.ts";
import type { L2 } from "./l2.ts";
import type { Peer } from "./peers.ts";
import type { Pool } from "./pools.ts";
import { quote } from "./problem.ts";
import { scopesExclude } from "./scope.ts";

/** Of a configuration without errors. */
export function warn(pools: readonly Pool[], l2: readonly L2[], bgp: Bgp | undefined, profiles: readonly Bfd[], findings: Findings): void {
  const effective = new Map((bgp?.advertisements ?? []).map((advertisement) => [advertisement, effectivePeers(advertisement)]));
  const announced = new Set(l2.flatMap((one) => one.pools));
  const reached = new Set<Peer>();
  for (const [advertisement, peers] of effective) {
    if (peers.length === 0) findings.warn(advertisement.place, `no peer gets ${quote(advertisement.config.name)}: ${whyNone(advertisement)}`);
    else for (const pool of advertisement.pools) announced.add(pool);
    for (const peer of peers) reached.add(peer);
  }
  for (const pool of pools) {
    if (!announced.has(pool)) findings.warn(pool.place, `pool ${quote(pool.config.name)} is never announced; add it to an [[l2]] or a [[bgp.advertisement]]`);
  }
  for (const peer of bgp?.peers ?? []) {
    if (!reached.has(peer)) findings.warn(peer.place, `peer ${quote(peer.name.value ?? "")} gets no advertisement; add a [[bgp.advertisement]] for it`);
    warnOfFamilies(peer, pools, findings);
  }
  for (const profile of profiles) warnOfHaste(profile, findings);
}

const LEAST_KEPT_MS = 50; // what a host keeps while it collects garbage or is robbed of its CPU, as measured

function warnOfHaste({ reading }: Bfd, findings: Findings): void {
  const intervals = [reading.receive_interval, reading.transmit_interval, ...(reading.echo_mode.value ? [reading.echo_interval] : [])];
  for (const { value, place } of intervals) {
    if (value < LEAST_KEPT_MS) findings.warn(place, `"${value}ms" is faster than a host under load keeps, so that a path may be declared down that is not; "${LEAST_KEPT_MS}ms" is the least that is kept`);
  }
}

/** Those that some host can announce an address of some pool to. */
function effectivePeers(advertisement: Advertisement): readonly Peer[] {
  return advertisement.peers.filter(
    (peer) => !scopesExclude(peer.scope, advertisement.scope) && advertisement.pools.some((pool) => Array.from(pool.families).some((family) => peer.families.has(family))),
  );
}

function whyNone(advertisement: Advertisement): string {
  if (advertisement.peers.length === 0) return "there is no [[bgp.peer]]";
  if (advertisement.peers.every((peer) => scopesExclude(peer.scope, advertisement.scope))) return "its hosts and those of the peers have none in common";
  return "its pools and the peers have no address family in common";
}

/** Both families are the default, so only one that was asked for is worth a word. */
function warnOfFamilies(peer: Peer, pools: readonly Pool[], findings: Findings): void {
  const { families } = peer.reading;
  if (families.state !== "given") return;
  for (const { value, place } of families.value) {
    if (!pools.some((pool) => pool.families.has(value))) findings.warn(place, `${quote(value)} has no use: no pool has ${value === "ipv4" ? "IPv4" : "IPv6"} addresses`);
  }
}
