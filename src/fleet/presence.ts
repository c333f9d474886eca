/**
 * This host as a whole, for BGP: nobody owns a VIP there, every host of the highest rank present announces. Pure.
 *
 * Those who announce nothing by BGP are no reason to leave it to them. Who leaves says so first and withdraws later: its routes carry
 * GRACEFUL_SHUTDOWN (RFC 8326) meanwhile, so that routers find another way while this one still works. Who restarted and whose routes
 * a router kept (RFC 4724) leaves them there: that the daemon was away for a moment is no reason to move traffic that flowed on.
 */
import type { Presence } from "./input.ts";
import type { Peer } from "./peers.ts";
import type { Leaving, RankReason } from "./rank.ts";
import type { Rank } from "./statement.ts";

/** How long a drained host announces with GRACEFUL_SHUTDOWN before it withdraws; a stop is as long as the daemon makes it. */
const DRAIN_MS = 10_000;

export type Situation = {
  /** This host has BGP peers. */
  readonly speaks: boolean;
  readonly listening: boolean;
  /** The rank that it would have if it had not just come, and did not leave. */
  readonly sound: Rank;
  /** Since its start it has not been unfit for what routers kept of its routes, and is still on probation after that. */
  readonly resuming: boolean;
  readonly leaving: { readonly why: Leaving; readonly ms: number; readonly before: Presence } | undefined;
};

export function presenceOf({ rank, reason }: RankReason, situation: Situation, peers: readonly Peer[]): Presence {
  const { speaks, listening, sound, resuming, leaving } = situation;
  let best: Peer | undefined;
  for (const peer of peers) if (peer.statement.bgp && peer.statement.rank > (best?.statement.rank ?? 0)) best = peer;
  const isSecondAs = (mine: Rank): boolean => mine === 0 || (best !== undefined && best.statement.rank > mine);
  const beside = best === undefined ? reason : `${reason} (rank ${rank}), and ${best.statement.name} announces (rank ${best.statement.rank})`;
  const announced = leaving?.before.announceBgp === true && sound > 0;
  switch (leaving?.why) {
    case "stop":
      return { rank, announceBgp: announced, keeps: "nothing", retiring: true, reason };
    case "restart":
      return { rank, announceBgp: announced, keeps: keptByRestart(leaving.before), retiring: true, reason };
    case "drain":
      if (leaving.ms < DRAIN_MS) return { rank, announceBgp: announced, keeps: "nothing", retiring: true, reason };
      if (best !== undefined || sound === 0) return { rank, announceBgp: false, keeps: "nothing", retiring: true, reason: beside };
      // Nobody would take over: it goes on, as the last choice of routers that have another.
      return { rank, announceBgp: true, keeps: "nothing", retiring: true, reason: speaks ? `${reason}, but no other host announces by BGP` : reason };
    case undefined: {
      const keeps = resuming && !isSecondAs(sound) ? "of the last life" : "nothing";
      if (listening) return { rank, announceBgp: false, keeps, retiring: false, reason: "listening for the other hosts first" };
      return { rank, announceBgp: !isSecondAs(rank), keeps, retiring: false, reason: isSecondAs(rank) ? beside : reason };
    }
  }
}

/** What routers keep as it is. Of a drained host's routes they do not keep the better ones that it had before. */
function keptByRestart({ announceBgp, keeps, retiring }: Presence): Presence["keeps"] {
  if (retiring) return "nothing";
  return announceBgp ? "for the next life" : keeps;
}
