/** What the reporter may look at: the parts of the daemon, as they are when it looks. */
import type { ReportSources } from "./admin/index.ts";
import type { Allocator } from "./allocator.ts";
import type { BfdStatus } from "./bfd/index.ts";
import type { BgpSpeaker } from "./bgp/index.ts";
import type { Cluster } from "./cluster/index.ts";
import type { Fleet } from "./fleet/index.ts";
import type { Kubernetes } from "./kubernetes.ts";
import type { Announcer } from "./l2/index.ts";
import { notServed, type Planner, planVip, sayReason, type World } from "./plan/index.ts";

/** The parts of the daemon, and what it alone knows of itself. */
export interface Insides extends Pick<ReportSources, "version" | "state" | "uptimeMs" | "view" | "viewAgeMs" | "asInFiles" | "warnings" | "drainedSince"> {
  readonly cluster: Cluster;
  readonly planner: Planner;
  readonly fleet: Fleet;
  readonly l2: Announcer;
  readonly kubernetes: Kubernetes;
  readonly allocator: Allocator;
  readonly world: () => World;
  /** Undefined while there is none. */
  readonly speaker: () => BgpSpeaker | undefined;
  readonly bfd: () => BfdStatus;
}

/** Asks the parts anew at each look; keeps nothing. */
export function reportSources(insides: Insides): ReportSources {
  const { cluster, planner, fleet, l2, kubernetes, allocator, world, speaker, ...own } = insides;
  return {
    ...own,
    pid: process.pid,
    get config() {
      return world().config;
    },
    cluster,
    plan: () => planner.plan,
    kube: () => ({ source: kubernetes.source.status(), client: kubernetes.client.status(), election: kubernetes.election.status() }),
    l2: () => l2.status(),
    bgp: () => speaker()?.status(),
    announcedTo: (address) => speaker()?.announcedTo(address) ?? [],
    routes: (peer) => speaker()?.routes(peer),
    route: (address, route) => speaker()?.route(address, route),
    hosts: () => fleet.hosts(),
    presence: () => fleet.presence(),
    standing: (address, segment) => fleet.standing(address, segment),
    explainOwnership: (address, segment) => fleet.explain(address, segment),
    planVip: (address) => planVip(world(), address),
    sayReason,
    notServed: (service) => notServed(world().config, service),
    pools: () => allocator.pools(),
    refusal: (service) => allocator.refusals().get(service.key),
  };
}
