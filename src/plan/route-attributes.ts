/** The attributes that an advertisement gives its routes here, and how much traffic this host asks for. Pure. */
import type { LinkBandwidth, RouteAttributes } from "../bgp/index.ts";
import type { Endpoint } from "../cluster/index.ts";
import type { BgpAdvertisement } from "../config/index.ts";

/** Whether the host stays, or leaves and is to be the last choice of routers (RFC 8326 4). */
export type Presence = "staying" | "leaving";

const GRACEFUL_SHUTDOWN = { type: "standard", value: 0xffff0000 } as const; // RFC 8326 5

/**
 * One endpoint is worth 1 Mbit/s, in octets. Routers compare the values of several hosts, so only their ratio counts; FRR takes none
 * above 25 Gbit/s, which is 25 000 endpoints on one node.
 */
const OCTETS_PER_SECOND_PER_ENDPOINT = 125_000;

/**
 * How many endpoints traffic for a Service finds on its node under externalTrafficPolicy Local: those that are ready, or where none
 * is, those that only finish what they have, for then they are all that answers.
 */
export function weightOf(onNode: readonly Endpoint[]): number {
  const ready = onNode.filter((endpoint) => endpoint.ready).length;
  return ready > 0 ? ready : onNode.filter((endpoint) => endpoint.serving && endpoint.terminating).length;
}

const values = new WeakMap<BgpAdvertisement, Map<string, RouteAttributes>>();

/**
 * `weight`: of this host among those that announce the route; undefined: routers are to weigh them alike. One value for the same
 * question, so that 10 000 routes share it.
 */
export function attributesOf(advertisement: BgpAdvertisement, presence: Presence, weight: number | undefined): RouteAttributes {
  const known = values.get(advertisement) ?? new Map<string, RouteAttributes>();
  values.set(advertisement, known);
  const question = `${presence} ${weight ?? ""}`;
  const attributes = known.get(question) ?? compose(advertisement, presence, weight);
  known.set(question, attributes);
  return attributes;
}

function compose(advertisement: BgpAdvertisement, presence: Presence, weight: number | undefined): RouteAttributes {
  const { localPref, med, prepend, communities } = advertisement;
  const usual = { localPref, med, prepend, communities, linkBandwidth: linkBandwidthOf(advertisement, weight) };
  if (presence === "staying") return usual;
  const others = communities.filter((community) => community.type !== "standard" || community.value !== GRACEFUL_SHUTDOWN.value);
  return { ...usual, localPref: 0, communities: [...others, GRACEFUL_SHUTDOWN] };
}

function linkBandwidthOf({ linkBandwidth }: BgpAdvertisement, weight: number | undefined): LinkBandwidth | undefined {
  if (linkBandwidth === "off" || weight === undefined || weight === 0) return undefined;
  return { octetsPerSecond: weight * OCTETS_PER_SECOND_PER_ENDPOINT, transitive: linkBandwidth === "transitive" };
}
