/**
 * Makes the reports: gathers what the parts say of themselves and puts it in the words of the operator. Reads, never changes, and keeps
 * nothing: what is asked twice is worked out twice.
 */
import type { BfdStatus } from "../bfd/index.ts";
import type { BgpRoute, BgpRouteStatus, BgpStatus } from "../bgp/index.ts";
import type { ClusterView, Service } from "../cluster/index.ts";
import type { Config } from "../config/index.ts";
import type { Explanation, HostView, Standing } from "../fleet/index.ts";
import type { PoolUse } from "../ipam/index.ts";
import type { ClientStatus, ElectionStatus, SourceStatus } from "../kube/index.ts";
import type { L2Status } from "../l2/index.ts";
import { type Address, type Prefix, compareAddresses, familyOf, formatPrefix, isSamePrefix, parseAddress } from "../net/index.ts";
import type { Plan, Reason, VipPlan } from "../plan/index.ts";
import { bfdNote, bfdReport } from "./bfd-report.ts";
import { announced, peerReport } from "./peer-report.ts";
import type { BfdReport, ExplainReport, HostReport, PeerReport, PoolReport, RouteReport, SegmentReport, StatusReport, VipReport } from "./reports.ts";

export type DaemonState = "starting" | "ready" | "stopping";

/** What the daemon lets its reporter look at. */
export interface ReportSources {
  readonly version: string;
  readonly pid: number;
  readonly config: Config;
  readonly cluster: ClusterView;
  state(): DaemonState;
  uptimeMs(): number;
  /** Where the view of the cluster comes from. */
  view(): StatusReport["kubernetes"]["view"];
  /** Since that view was known to be current. */
  viewAgeMs(): number | undefined;
  plan(): Plan;
  /** What is in force is what the files of the configuration say, as far as is known. */
  asInFiles(): boolean;
  warnings(): readonly string[];
  kube(): { readonly source: SourceStatus; readonly client: ClientStatus; readonly election: ElectionStatus };
  l2(): L2Status;
  bgp(): BgpStatus | undefined;
  bfd(): BfdStatus;
  announcedTo(address: Address): readonly string[];
  /** Of one peer; undefined if there is no session with it. */
  routes(peer: string): Iterable<BgpRouteStatus> | undefined;
  /** That which a VIP asks for; undefined if there is none. */
  route(address: Address, route: BgpRoute): BgpRouteStatus | undefined;
  hosts(): readonly HostView[];
  /** RFC 3339. */
  drainedSince(): string | undefined;
  presence(): { readonly rank: number; readonly reason: string };
  standing(address: Address, segment: string): Standing;
  explainOwnership(address: Address, segment: string): Explanation | undefined;
  planVip(address: Address): VipPlan;
  sayReason(reason: Reason): string;
  /** Why a Service is none of ours; undefined: it is. */
  notServed(service: Service): Reason | undefined;
  pools(): readonly PoolUse[];
  /** Why a Service has no address, if the allocator here refused it one. */
  refusal(service: Service): string | undefined;
}

export class Reporter {
  readonly #sources: ReportSources;

  constructor(sources: ReportSources) {
    this.#sources = sources;
  }

  status(): StatusReport {
    const from = this.#sources;
    const { source, client, election } = from.kube();
    const { peers = [], listeners = [], aggregates = [] } = from.bgp() ?? {};
    const bfd = from.bfd();
    const presence = from.presence();
    const viewAgeMs = from.viewAgeMs();
    return {
      version: from.version,
      host: from.config.host.name,
      pid: from.pid,
      state: from.state(),
      configuration: from.asInFiles() ? "as in the files" : "not as in the files",
      uptime_seconds: Math.round(from.uptimeMs() / 1000),
      rank: presence.rank,
      rank_reason: presence.reason,
      drained_since: from.drainedSince() ?? null,
      kubernetes: {
        server: client.server,
        view: from.view(),
        current_seconds_ago: viewAgeMs === undefined ? null : Math.round(viewAgeMs / 1000),
        watches: source.watches.map((watch) => ({ kind: watch.resource, state: watch.state, objects: watch.objects, error: watch.problem ?? null })),
      },
      allocator: { host: election.holder === undefined || election.holder === "" ? null : hostOf(election.holder), here: election.leading },
      vips: { total: this.#sources.plan().vips.size, answered_here: this.#answeredHere(), routes_announced: peers.reduce((sum, peer) => sum + announced(peer), 0) },
      segments: this.#segments(),
      peers: { configured: peers.length, established: peers.filter((peer) => peer.state === "Established").length },
      bfd: { configured: bfd.sessions.length, up: bfd.sessions.filter((session) => session.state === "up").length },
      warnings: [
        ...from.warnings(),
        ...listeners.flatMap(({ problem }) => problem ?? []),
        ...withoutBackstop(aggregates),
        ...peers.flatMap((peer) => peer.notes.map((note) => `peer ${peer.name}: ${note}`)),
        ...bfd.problems,
        ...bfd.sessions.filter(({ problem = "" }) => !bfd.problems.includes(problem)).flatMap((session) => bfdNote(session) ?? []),
      ],
    };
  }

  /** The status in one line. */
  line(): string {
    const { vips, peers, kubernetes, configuration } = this.status();
    const view = { none: "the cluster is not known yet", cache: "cluster as the cache on disk has it", api: "cluster as the API has it" }[kubernetes.view];
    const wrong = configuration === "as in the files" ? "" : "the configuration in force is not what its files say, see bmlb status; ";
    return `${wrong}${vips.total} VIPs, ${vips.answered_here} answered here; ${peers.established} of ${peers.configured} BGP peers; ${view}`;
  }

  /** In the order of the addresses; each is worked out when it is asked for, because there may be ten thousand. */
  *vips(): Iterable<VipReport> {
    for (const address of Array.from(this.#sources.plan().vips).sort(compareAddresses)) yield this.#vip(address);
  }

  /** For an address, or for each address of a Service "namespace/name". A sentence if there is no such thing. */
  explain(target: string): readonly ExplainReport[] | string {
    const address = parseAddress(target);
    if (address !== undefined) return [this.#explain(address)];
    const { cluster } = this.#sources;
    let service: Service | undefined;
    for (const one of cluster.services()) if (`${one.namespace}/${one.name}` === target) service = one;
    if (service !== undefined) return service.ingress.length === 0 ? this.#whyNoAddress(service) : service.ingress.map((entry) => this.#explain(entry.ip));
    const unknown = `"${target}" is neither an IP address nor the NAMESPACE/NAME of a Service of type LoadBalancer that this host knows`;
    return cluster.complete ? unknown : `${unknown}; but ${this.#sources.sayReason({ reason: "view-incomplete" })}: see \`bmlb status\``;
  }

  hosts(): readonly HostReport[] {
    return this.#sources.hosts().map((host) => ({
      name: host.name,
      self: host.self,
      interface: host.segment ?? null,
      state: host.state,
      rank: host.rank,
      reason: host.reason,
      serving: host.serving,
      heard_ms_ago: host.heardMsAgo === undefined ? null : Math.round(host.heardMsAgo),
      node: host.node ?? null,
      address: host.addresses[0] ?? null,
    }));
  }

  pools(): readonly PoolReport[] {
    const { config } = this.#sources;
    const use = new Map(this.#sources.pools().map((pool) => [pool.name, pool]));
    return config.pools.map((pool) => ({
      name: pool.name,
      addresses: pool.ranges.map(({ first, last }) => (first === last ? first : `${first}-${last}`)),
      size: String(use.get(pool.name)?.size ?? 0n),
      used: use.get(pool.name)?.used ?? 0,
      announced_by: [
        ...config.l2.filter((one) => one.pools.includes(pool.name)).map((one) => `l2:${one.name}`),
        ...(config.bgp?.advertisements ?? []).filter((one) => one.pools.includes(pool.name)).map((one) => `bgp:${one.name}`),
      ],
    }));
  }

  /** One, or all. A sentence if there is no such peer. */
  peers(name: string | undefined): readonly PeerReport[] | string {
    const peers = this.#sources.bgp()?.peers ?? [];
    if (name !== undefined && !peers.some((peer) => peer.name === name)) return this.#unknownPeer(name, peers.map((peer) => peer.name));
    const watches = new Map(this.#sources.bfd().sessions.map((session) => [session.peer, session]));
    return peers.filter((peer) => name === undefined || peer.name === name).map((peer) => peerReport(peer, watches.get(peer.name)));
  }

  bfd(): BfdReport {
    return bfdReport(this.#sources.bfd());
  }

  /** Of one peer, or of all; each is worked out when it is asked for. A sentence if there is no such peer. */
  routes(name: string | undefined): Iterable<RouteReport> | string {
    const names = (this.#sources.bgp()?.peers ?? []).map((peer) => peer.name);
    return name === undefined || names.includes(name) ? this.#routes(name === undefined ? names : [name]) : this.#unknownPeer(name, names);
  }

  *#routes(peers: readonly string[]): Iterable<RouteReport> {
    for (const peer of peers) {
      for (const { prefix, state, because, attributes, vips, vipCount } of this.#sources.routes(peer) ?? []) {
        yield {
          peer,
          prefix: formatPrefix(prefix),
          family: familyOf(prefix.address),
          state,
          because: because ?? null,
          attributes: attributes ?? null,
          community_names: this.#communityNames(attributes ?? {}),
          vips: vips.map((address) => this.#whoAsks(address, peer, prefix)),
          vips_total: vipCount,
        };
      }
    }
  }

  #communityNames(attributes: NonNullable<BgpRouteStatus["attributes"]>): RouteReport["community_names"] {
    const names = this.#sources.config.bgp?.communityNames;
    const communities = ["communities", "extended_communities", "large_communities"].flatMap((attribute) => attributes[attribute] ?? []);
    return Object.fromEntries(communities.flatMap((community) => (typeof community === "string" && names?.has(community) === true ? [[community, names.get(community) ?? ""]] : [])));
  }

  /** For whom an address is announced to a peer. */
  #whoAsks(address: Address, peer: string, prefix: Prefix): RouteReport["vips"][number] {
    const plan = this.#sources.planVip(address);
    const decision = plan.bgp.find((one) => one.announced && one.route.peer === peer && isSamePrefix(one.route.prefix, prefix));
    return { address, service: serviceOf(plan), advertisement: decision?.advertisement ?? null };
  }

  #unknownPeer(name: string, names: readonly string[]): string {
    const isElsewhere = this.#sources.config.bgp?.peers.some((peer) => peer.name === name) === true;
    const what = isElsewhere ? `peer "${name}" is not for this host, by its hosts, host_selectors or node_selectors` : `there is no peer "${name}"`;
    return `${what}; ${names.length === 0 ? "this host has no BGP peer at all" : `the peers of this host are ${names.join(", ")}`}`;
  }

  #vip(address: Address): VipReport {
    const plan = this.#sources.planVip(address);
    return {
      address,
      service: serviceOf(plan),
      pool: plan.pool ?? null,
      answered_on: plan.l2.flatMap((decision) => (decision.announced && decision.segment !== undefined ? [decision.segment] : [])),
      announced_to: this.#sources.announcedTo(address),
      owners: Object.fromEntries(segmentsOf(plan).map((segment) => [segment, this.#ownerOf(address, segment)])),
    };
  }

  #whyNoAddress(service: Service): string {
    const from = this.#sources;
    const name = `${service.namespace}/${service.name}`;
    const not = from.notServed(service);
    if (not !== undefined) return from.sayReason(not);
    const refusal = from.refusal(service);
    if (refusal !== undefined) return `Service ${name} gets no address: ${refusal}`;
    const { leading, holder = "" } = from.kube().election;
    if (leading) return `Service ${name} has no address yet: this host is the allocator and gives it one within seconds, unless the API refuses; see \`bmlb status\` and the log`;
    if (holder === "") return `Service ${name} has no address yet, and no host is the allocator: see \`bmlb status\` for what is wrong with the API`;
    return `Service ${name} has no address yet: ${hostOf(holder)} is the allocator; \`bmlb explain ${name}\` there says more, and so do the Service's Events`;
  }

  #explain(address: Address): ExplainReport {
    const from = this.#sources;
    const plan = from.planVip(address);
    const ways = plan.not === undefined ? [] : [{ way: "in any way", here: false, because: from.sayReason(plan.not) }];
    for (const decision of plan.l2) {
      const way = `l2 ${decision.advertisement}${decision.segment === undefined ? "" : ` on ${decision.segment}`}`;
      ways.push({ way, here: decision.announced, because: decision.announced ? "this host owns it and answers" : from.sayReason(decision.why) });
    }
    for (const decision of plan.bgp) {
      const way = `bgp ${decision.advertisement}${decision.peer === undefined ? "" : ` to ${decision.peer}`}`;
      if (!decision.announced) ways.push({ way, here: false, because: from.sayReason(decision.why) });
      else ways.push({ way, ...told(decision.route, from.route(address, decision.route)) });
    }
    return {
      address,
      service: serviceOf(plan),
      pool: plan.pool ?? null,
      answers_here: ways.some((way) => way.here),
      ways,
      candidates: Object.fromEntries(segmentsOf(plan).map((segment) => [segment, this.#candidates(address, segment)])),
    };
  }

  #candidates(address: Address, segment: string): ExplainReport["candidates"][string] {
    const explanation = this.#sources.explainOwnership(address, segment);
    return (explanation?.candidates ?? []).map((candidate) => ({
      host: candidate.host,
      rank: candidate.rank,
      note: [candidate.self ? "this host" : "", candidate.prefer > 0 ? "preferred" : "", candidate.unfit ?? ""].filter((word) => word !== "").join(", "),
    }));
  }

  #ownerOf(address: Address, segment: string): string | null {
    const standing = this.#sources.standing(address, segment);
    if (standing.role === "owner") return this.#sources.config.host.name;
    return standing.role === "standby" ? (standing.owner ?? null) : null;
  }

  #segments(): readonly SegmentReport[] {
    const hosts = this.#sources.hosts();
    return this.#sources.l2().segments.map(({ segment, capture, counters, vips }) => ({
      interface: segment,
      state: stateOf(capture.state),
      vips: vips.size,
      hosts_heard: hosts.filter((host) => host.segment === segment && host.state === "alive").length,
      frames_answered: counters.answered.arp + counters.answered.ndp,
    }));
  }

  #answeredHere(): number {
    let answered = 0;
    for (const intents of this.#sources.plan().l2.values()) if (intents.some((intent) => intent.action === "answer")) answered++;
    return answered;
  }
}

/** Whether the peer has the route, be it with attributes that are about to change. */
function told({ prefix }: BgpRoute, status: BgpRouteStatus | undefined): { readonly here: boolean; readonly because: string } {
  if (status !== undefined && status.state !== "waiting") return { here: true, because: `announced as ${formatPrefix(prefix)}` };
  return { here: false, because: status?.because ?? "there is no session to this peer on this host" };
}

/** The first sentence, and how many others there are: what keeps one aggregate back keeps them all. */
function withoutBackstop(aggregates: BgpStatus["aggregates"]): string[] {
  const [first, ...others] = aggregates.flatMap(({ problem }) => problem ?? []);
  if (first === undefined) return [];
  return [others.length === 0 ? first : `${first} (and so ${others.length === 1 ? "is another one" : `are ${others.length} others`})`];
}

function segmentsOf(plan: VipPlan): readonly string[] {
  return plan.l2.flatMap((decision) => (decision.segment === undefined ? [] : [decision.segment]));
}

function stateOf(capture: L2Status["segments"][number]["capture"]["state"]): string {
  switch (capture.type) {
    case "open":
      return "open";
    case "closed":
      return capture.reason;
    case "failed":
      return `failed: ${capture.error}`;
  }
}

/** "namespace/name" without the cluster. */
function serviceOf(plan: VipPlan): string | null {
  return plan.service === undefined ? null : plan.service.slice(plan.service.indexOf("/") + 1);
}

/** The host's name in the allocator's identity, "name_instance". */
function hostOf(identity: string): string {
  return identity.split("_")[0] ?? identity;
}
