/** What the reporter may look at: the parts of the daemon, as they are when it looks. */
import type { ReportSources } from "./admin/index.ts";
import type { Pipeline } from "./pipeline.ts";
import { notServed, planVip, sayReason } from "./plan/index.ts";

/** What the daemon alone knows of itself. */
export type OfItself = Pick<ReportSources, "version" | "state" | "uptimeMs" | "asInFiles" | "warnings" | "drainedSince">;

/** Asks the parts anew at each look; keeps nothing. */
export function reportSources(pipeline: Pipeline, ofItself: OfItself): ReportSources {
  const { view, fleet, segments, routing, kubernetes, allocator } = pipeline;
  return {
    ...ofItself,
    pid: process.pid,
    get config() {
      return pipeline.loaded.config;
    },
    cluster: view.cluster,
    view: () => view.source,
    viewAgeMs: () => view.ageMs(),
    kube: () => ({ source: kubernetes.source.status(), client: kubernetes.client.status(), election: kubernetes.election.status() }),
    plan: () => pipeline.plan,
    l2: () => segments.announcer.status(),
    bgp: () => routing.speaker?.status(),
    bfd: () => routing.bfd(),
    announcedTo: (address) => routing.speaker?.announcedTo(address) ?? [],
    routes: (peer) => routing.speaker?.routes(peer),
    route: (address, route) => routing.speaker?.route(address, route),
    hosts: () => fleet.hosts(),
    presence: () => fleet.presence(),
    standing: (address, segment) => fleet.standing(address, segment),
    explainOwnership: (address, segment) => fleet.explain(address, segment),
    planVip: (address) => planVip(pipeline.world(), address),
    sayReason,
    notServed: (service) => notServed(pipeline.loaded.config, service),
    pools: () => allocator.pools(),
    refusal: (service) => allocator.refusals().get(service.key),
  };
}
