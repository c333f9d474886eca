/**
 * The plan for one address: which Service it belongs to, where this host announces it, and for every way in which it does not,
 * why not. Pure: a function of the world.
 */
import type { BgpRoute } from "../bgp/index.ts";
import { type ClusterView, type Endpoint, type Service, type ServiceKey } from "../cluster/index.ts";
import { anyGlobMatches, anySelects, type BgpAdvertisement, type BgpConfig, type BgpPeerConfig, type Config, type Glob, type L2Advertisement, type LabelSelector, matchesGlob, type PoolConfig } from "../config/index.ts";
import type { DueVip, Standing } from "../fleet/index.ts";
import type { L2Intent } from "../l2/index.ts";
import { type Address, bitsOf, familyOf, hostPrefix, isHostPrefix, isSamePrefix, type Prefix, prefixOf, rangeContains, RangeIndex, rangeOfPrefix } from "../net/index.ts";
import type { Reason } from "./reason.ts";
import { attributesOf, weightOf } from "./route-attributes.ts";
import type { World } from "./world.ts";

/** One way of announcing an address, decided. */
export type L2Decision = { readonly advertisement: string; readonly segment: string | undefined } & (
  | { readonly announced: true }
  | { readonly announced: false; readonly why: Reason }
);
export type BgpDecision = { readonly advertisement: string; readonly peer: string | undefined } & (
  | { readonly announced: true; readonly route: BgpRoute }
  | { readonly announced: false; readonly why: Reason }
);

export type VipPlan = {
  readonly address: Address;
  readonly service: ServiceKey | undefined;
  readonly pool: string | undefined;
  /** Why it is announced in no way at all, before any advertisement is looked at. */
  readonly not: Reason | undefined;
  readonly l2: readonly L2Decision[];
  readonly bgp: readonly BgpDecision[];
  readonly intents: readonly L2Intent[];
};

/** A served address with what announcing it needs to know. */
type Vip = { readonly address: Address; readonly service: Service; readonly pool: PoolConfig };

/** Decides one address from all that is known. */
export function planVip(world: World, address: Address): VipPlan {
  const vip = servedVip(world, address);
  if ("reason" in vip) return { address, service: world.cluster.servicesAt(address)[0]?.key, pool: poolOf(world.config, address)?.name, not: vip, l2: [], bgp: [], intents: [] };
  const seats = seatsOf(world, vip);
  const standings = seats.map((seat) => ({ seat, standing: "why" in seat ? undefined : world.fleet.standing(address, seat.segment) }));
  const l2 = standings.map(({ seat, standing }) => decideL2(seat, standing));
  const bgp = routesOf(world, vip);
  const silent = l2.length === 0 && bgp.length === 0;
  return {
    address,
    service: vip.service.key,
    pool: vip.pool.name,
    not: silent ? { reason: "no-advertisement", pool: vip.pool.name } : undefined,
    l2,
    bgp,
    intents: standings.flatMap(({ seat, standing }) => ("why" in seat || standing === undefined ? [] : intentOf(seat.segment, standing))),
  };
}

/**
 * Where this host stands for an address on local segments: what the fleet decides about. An interface that is down is among them:
 * the fleet knows that it is, and what is to be kept through a flap.
 */
export function dueVips(world: World, address: Address): readonly DueVip[] {
  if (world.config.l2.length === 0) return [];
  const vip = servedVip(world, address);
  if ("reason" in vip) return [];
  const fitness = localFitness(world.cluster, vip.service);
  const due = seatsOf(world, vip).flatMap((seat) => {
    const stands = seat.segment !== undefined && (!("why" in seat) || seat.why.reason === "interface-down");
    return stands ? [{ segment: seat.segment, advertisement: seat.advertisement.name, fitness }] : [];
  });
  return due.slice(); // the fleet keeps it: without the room for more in which flatMap leaves it
}

/** The [[l2]] advertisements for which this host stands on a segment, with its prefer class. */
export function standsFor(world: World, segment: string): readonly { readonly name: string; readonly prefer: number }[] {
  return world.config.l2
    .filter((advertisement) => hostSelected(world, advertisement) === undefined && anyGlobMatches(advertisement.interfaces, segment))
    .map((advertisement) => ({ name: advertisement.name, prefer: preferClass(advertisement.prefer, world.config.host.name) }));
}

/** For each [[l2]] that is for this host and has no interface here: that reason. */
export function withoutInterface(world: World): readonly Reason[] {
  return world.config.l2
    .filter((advertisement) => hostSelected(world, advertisement) === undefined && !world.segments.some((segment) => anyGlobMatches(advertisement.interfaces, segment.name)))
    .map((advertisement) => ({ reason: "no-interface", advertisement: advertisement.name, interfaces: advertisement.interfaces }));
}

/** The configured peers that are for this host. */
export function peersOf(world: World): readonly BgpPeerConfig[] {
  return (world.config.bgp?.peers ?? []).filter((peer) => hostSelected(world, peer) === undefined);
}

/** Why a Service is none of ours, whatever its addresses; undefined if it is. */
export function notServed(config: Config, service: Service): Reason | undefined {
  const { loadBalancerClass, unclassed } = config.kubernetes;
  const ours = service.loadBalancerClass === undefined ? unclassed : service.loadBalancerClass === loadBalancerClass;
  if (service.type !== "LoadBalancer") return { reason: "other-type", service: service.key, type: service.type };
  if (!ours) return { reason: "other-class", service: service.key, class: service.loadBalancerClass };
  return service.deleting ? { reason: "deleting", service: service.key } : undefined;
}

/** A VIP is what a Service's status says and a configured pool contains. */
function servedVip(world: World, address: Address): Vip | Reason {
  if (!world.cluster.complete) return { reason: "view-incomplete" };
  const service = world.cluster.servicesAt(address)[0];
  if (service === undefined) return { reason: "no-service", address, pool: poolOf(world.config, address)?.name };
  const not = notServed(world.config, service);
  if (not !== undefined) return not;
  const pool = poolOf(world.config, address);
  return pool === undefined ? { reason: "no-pool", address } : { address, service, pool };
}

const poolIndices = new WeakMap<Config, RangeIndex<PoolConfig>>();

function poolOf(config: Config, address: Address): PoolConfig | undefined {
  let index = poolIndices.get(config);
  if (index === undefined) {
    index = new RangeIndex(config.pools.flatMap((pool) => pool.ranges.map((range) => [range, pool] as const)));
    poolIndices.set(config, index);
  }
  return index.find(address);
}

/** A place where the VIP could be answered for: an advertisement on a segment, or why there is none. */
type Seat =
  | { readonly advertisement: L2Advertisement; readonly segment: string }
  | { readonly advertisement: L2Advertisement; readonly segment: string | undefined; readonly why: Reason };

/** The first advertisement of the file that names a segment has it. */
function seatsOf(world: World, vip: Vip): readonly Seat[] {
  const taken = new Set<string>();
  return world.config.l2
    .filter((advertisement) => advertisement.pools.includes(vip.pool.name))
    .flatMap((advertisement): readonly Seat[] => {
      const name = advertisement.name;
      const unselected = hostSelected(world, advertisement);
      if (unselected !== undefined) return [{ advertisement, segment: undefined, why: unselected }];
      if (!anySelects(advertisement.serviceSelectors, vip.service.labels)) return [{ advertisement, segment: undefined, why: { reason: "service-not-selected", advertisement: name } }];
      const segments = world.segments.filter((segment) => anyGlobMatches(advertisement.interfaces, segment.name) && !taken.has(segment.name));
      if (segments.length === 0) return [{ advertisement, segment: undefined, why: { reason: "no-interface", advertisement: name, interfaces: advertisement.interfaces } }];
      for (const segment of segments) taken.add(segment.name);
      return segments.map((segment) =>
        segment.up ? { advertisement, segment: segment.name } : { advertisement, segment: segment.name, why: { reason: "interface-down", advertisement: name, interface: segment.name } },
      );
    });
}

function decideL2(seat: Seat, standing: Standing | undefined): L2Decision {
  const place = { advertisement: seat.advertisement.name, segment: seat.segment };
  if ("why" in seat) return { ...place, announced: false, why: seat.why };
  switch (standing?.role) {
    case "owner":
      return { ...place, announced: true };
    case "asking":
      return { ...place, announced: false, why: { reason: "asking", interface: seat.segment } };
    case "standby":
      return { ...place, announced: false, why: { reason: "standby", owner: standing.owner, because: standing.reason } };
    case undefined:
      return { ...place, announced: false, why: { reason: "interface-down", advertisement: place.advertisement, interface: seat.segment } };
  }
}

function intentOf(segment: string, standing: Standing): readonly L2Intent[] {
  switch (standing.role) {
    case "owner": {
      const { claim, defence, ask } = standing;
      return [{ segment, action: "answer", claim, ...(defence === undefined ? {} : { defence }) }, ...(ask === undefined ? [] : [{ segment, action: "ask", ask } as const])];
    }
    case "asking":
      return [{ segment, action: "ask", ask: standing.ask }];
    case "standby":
      return [];
  }
}

/** Under externalTrafficPolicy Local: which nodes can serve, and how well. Undefined under Cluster. */
function localFitness(cluster: ClusterView, service: Service): ReadonlyMap<string, 1 | 2> | undefined {
  if (service.externalTrafficPolicy !== "Local") return undefined;
  const fitness = new Map<string, 1 | 2>();
  for (const endpoint of cluster.endpoints(service.key)) {
    if (endpoint.node === undefined) continue;
    if (endpoint.ready) fitness.set(endpoint.node, 2);
    else if (drains(endpoint) && !fitness.has(endpoint.node)) fitness.set(endpoint.node, 1);
  }
  return fitness;
}

function serves(endpoint: Endpoint): boolean {
  return endpoint.ready || drains(endpoint);
}

/** Terminating, but still serving what it has. */
function drains(endpoint: Endpoint): boolean {
  return endpoint.serving && endpoint.terminating;
}

function routesOf(world: World, vip: Vip): readonly BgpDecision[] {
  const bgp = world.config.bgp;
  if (bgp === undefined) return [];
  const peers = peersByName(bgp);
  const announced: BgpRoute[] = [];
  const presence = world.fleet.presence();
  return bgp.advertisements
    .filter((advertisement) => advertisement.pools.includes(vip.pool.name))
    .flatMap((advertisement): readonly BgpDecision[] => {
      const name = advertisement.name;
      const why = whyNoRoute(world, vip, advertisement);
      if (why !== undefined) return [{ advertisement: name, peer: undefined, announced: false, why }];
      const prefix = prefixFor(vip, advertisement);
      // Of an aggregate the VIPs may have as many weights.
      const weight = isHostPrefix(prefix) ? weightHere(world, vip, advertisement) : undefined;
      return advertisement.peers.flatMap((peerName): readonly BgpDecision[] => {
        const peer = peers.get(peerName);
        if (peer === undefined || announced.some((route) => route.peer === peerName && isSamePrefix(route.prefix, prefix))) return [];
        if (hostSelected(world, peer) !== undefined) return [{ advertisement: name, peer: peerName, announced: false, why: { reason: "peer-not-for-this-host", peer: peerName } }];
        const family = familyOf(vip.address);
        if (!peer.families.includes(family)) return [{ advertisement: name, peer: peerName, announced: false, why: { reason: "peer-without-family", peer: peerName, family } }];
        const keeps = keepsRoutes(world, peerName);
        if (!presence.announceBgp && !keeps) return [{ advertisement: name, peer: peerName, announced: false, why: { reason: "host-unfit", because: presence.reason } }];
        const attributes = attributesOf(advertisement, presence.retiring && !keeps ? "leaving" : "staying", weight);
        const route: BgpRoute = { peer: peerName, prefix, attributes };
        announced.push(route);
        return [{ advertisement: name, peer: peerName, announced: true, route }];
      });
    });
}

const peerIndices = new WeakMap<BgpConfig, ReadonlyMap<string, BgpPeerConfig>>();

function peersByName(bgp: BgpConfig): ReadonlyMap<string, BgpPeerConfig> {
  const known = peerIndices.get(bgp) ?? new Map(bgp.peers.map((peer) => [peer.name, peer]));
  peerIndices.set(bgp, known);
  return known;
}

/**
 * The prefix that is announced for a VIP: the aggregate of the advertisement's length, or the largest part of it that contains the VIP
 * and is within its range of the pool. What is outside may be anybody's.
 */
function prefixFor({ address, pool }: Vip, { aggregationLength }: BgpAdvertisement): Prefix {
  const family = familyOf(address);
  const whole = bitsOf(family);
  const least = aggregationLength[family];
  const range = least < whole ? pool.ranges.find((one) => rangeContains(one, address)) : undefined;
  for (let length = least; range !== undefined && length < whole; length++) {
    const prefix = prefixOf(address, length);
    if (rangeContains(range, prefix.address) && rangeContains(range, rangeOfPrefix(prefix).last)) return prefix;
  }
  return hostPrefix(address);
}

/** What keeps an advertisement from announcing the VIP to any peer. */
function whyNoRoute(world: World, vip: Vip, advertisement: BgpAdvertisement): Reason | undefined {
  const name = advertisement.name;
  const unselected = hostSelected(world, advertisement);
  if (unselected !== undefined) return unselected;
  if (!anySelects(advertisement.serviceSelectors, vip.service.labels)) return { reason: "service-not-selected", advertisement: name };
  if (advertisement.peers.length === 0) return { reason: "no-peer", advertisement: name };
  const presence = world.fleet.presence();
  const keeps = advertisement.peers.some((peer) => keepsRoutes(world, peer));
  if (!presence.announceBgp && !keeps) return { reason: "host-unfit", because: presence.reason };
  return whyNoEndpoint(world, vip.service, advertisement.withoutEndpoints);
}

/** Whether the peer has this host's routes though the daemon restarts, or has just restarted, and is to keep them as they are. */
function keepsRoutes({ fleet, keepers }: World, peer: string): boolean {
  switch (fleet.presence().keeps) {
    case "nothing":
      return false;
    case "of the last life":
      return keepers.hasKept(peer);
    case "for the next life":
      return keepers.wouldKeep(peer);
  }
}

function whyNoEndpoint(world: World, service: Service, withoutEndpoints: "withdraw" | "keep"): Reason | undefined {
  const endpoints = world.cluster.endpoints(service.key);
  const local = service.externalTrafficPolicy === "Local";
  const { node } = world.config.host;
  if (local && node !== undefined) return endpoints.some((endpoint) => endpoint.node === node && serves(endpoint)) ? undefined : { reason: "no-local-endpoint", service: service.key, node };
  return endpoints.some(serves) || (!local && withoutEndpoints === "keep") ? undefined : { reason: "no-endpoint", service: service.key };
}

/**
 * How much of the traffic this host is to get, for routers that weigh hosts: only where the endpoints of its own node are all that it
 * serves. Undefined: as much as any other.
 */
function weightHere({ config, cluster }: World, { address, service }: Vip, { linkBandwidth }: BgpAdvertisement): number | undefined {
  const { node } = config.host;
  if (linkBandwidth === "off" || node === undefined || service.externalTrafficPolicy !== "Local") return undefined;
  return weightOf(cluster.endpoints(service.key, familyOf(address)).filter((endpoint) => endpoint.node === node));
}

type HostScope = { readonly name: string; readonly hosts: readonly Glob[]; readonly hostSelectors: readonly LabelSelector[]; readonly nodeSelectors: readonly LabelSelector[] };

/** Undefined if the advertisement or peer is for this host, else why it is not. */
function hostSelected(world: World, scope: HostScope): Reason | undefined {
  const { name, labels, node } = world.config.host;
  const byName = scope.hosts.length > 0 && scope.hosts.some((glob) => matchesGlob(glob, name));
  const byLabel = scope.hostSelectors.length > 0 && anySelects(scope.hostSelectors, labels);
  const open = scope.hosts.length === 0 && scope.hostSelectors.length === 0;
  if (!open && !byName && !byLabel) return { reason: "host-not-selected", advertisement: scope.name };
  if (scope.nodeSelectors.length === 0) return undefined;
  const nodeLabels = node === undefined ? undefined : world.cluster.node(node)?.labels;
  return nodeLabels !== undefined && anySelects(scope.nodeSelectors, nodeLabels) ? undefined : { reason: "node-not-selected", advertisement: scope.name, node };
}

/** Higher for hosts that are named earlier in `prefer`; 0 if not at all. */
function preferClass(prefer: readonly Glob[], host: string): number {
  const place = prefer.findIndex((glob) => matchesGlob(glob, host));
  return place < 0 ? 0 : prefer.length - place;
}
