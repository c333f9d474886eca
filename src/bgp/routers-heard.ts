/**
 * Which routers are on a link, by the Router Advertisements that were heard there (RFC 4861 6.3.4). Pure: no clock and no I/O.
 *
 * Other hosts that speak BGP unnumbered advertise themselves too, as we do, with a lifetime of 0; but so may a router that wants to be
 * nobody's default. So those that offer a default route are the routers of a link, and only where there are none, the others.
 */
import type { Ipv6 } from "../net/index.ts";
import type { RouterAdvertisement } from "../wire/index.ts";

type Heard = { readonly address: Ipv6; readonly lifetimeSeconds: number; /** By the clock, in ms. */ readonly lastAt: number; readonly until: number };

/** In the order in which they were first heard. */
export type RoutersHeard = readonly Heard[];

const LONGEST_INTERVAL_MS = 1_800_000; // between two advertisements (MaxRtrAdvInterval, RFC 4861 6.2.1)
const MOST = 16; // whoever sends more on a link is no router

/** With one more advertisement. */
export function hear(routers: RoutersHeard, { source, lifetimeSeconds }: RouterAdvertisement, now: number): RoutersHeard {
  const until = now + (lifetimeSeconds === 0 ? LONGEST_INTERVAL_MS : lifetimeSeconds * 1000);
  const heard: Heard = { address: source, lifetimeSeconds, lastAt: now, until };
  const others = alive(routers, now);
  if (others.some(({ address }) => address === source)) return others.map((one) => (one.address === source ? heard : one));
  return others.length >= MOST ? others : [...others, heard];
}

/** Without those whose time has passed. */
export function alive(routers: RoutersHeard, now: number): RoutersHeard {
  return routers.filter(({ until }) => until > now);
}

/** Who did not answer a solicitation of that time, which another one has answered, is gone. */
export function answered(routers: RoutersHeard, since: number): RoutersHeard {
  const those = routers.filter(({ lastAt }) => lastAt >= since);
  return those.length === 0 ? routers : those;
}

/** Those that may be peers. */
export function present(routers: RoutersHeard): readonly Ipv6[] {
  const defaults = routers.filter(({ lifetimeSeconds }) => lifetimeSeconds > 0);
  return (defaults.length > 0 ? defaults : routers).map(({ address }) => address);
}

/** When the first of them will be forgotten; Infinity if there are none. */
export function nextChange(routers: RoutersHeard): number {
  return routers.reduce((least, { until }) => Math.min(least, until), Infinity);
}
