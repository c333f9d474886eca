/**
 * This host as a whole, for BGP: nobody owns a VIP there, every host of the highest rank present announces. Pure.
 *
 * Those who announce nothing by BGP are no reason to leave it to them.
 */
import type { Presence } from "./input.ts";
import type { Peer } from "./peers.ts";
import type { RankReason } from "./rank.ts";

export function presenceOf({ rank, reason }: RankReason, situation: { readonly listening: boolean; readonly leaving: boolean }, peers: readonly Peer[]): Presence {
  if (situation.listening) return { rank, announceBgp: false, reason: "listening for the other hosts first" };
  let best: Peer | undefined;
  for (const peer of peers) if (peer.statement.bgp && peer.statement.rank > (best?.statement.rank ?? 0)) best = peer;
  if (rank > 0 && (best === undefined || best.statement.rank <= rank)) return { rank, announceBgp: true, reason };
  if (best !== undefined) return { rank, announceBgp: false, reason: `${reason} (rank ${rank}), and ${best.statement.name} announces (rank ${best.statement.rank})` };
  // Nobody would take over: it goes on until it stops.
  return situation.leaving ? { rank, announceBgp: true, reason: `${reason}, but there is no other host` } : { rank, announceBgp: false, reason };
}
