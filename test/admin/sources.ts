/** A daemon as its reporter sees it, for tests: the cluster and the plan are real, the rest is as the test says. */
import type { ReportSources } from "../../src/admin/index.ts";
import type { BfdSessionStatus } from "../../src/bfd/index.ts";
import type { BgpPeerStatus, BgpRouteStatus } from "../../src/bgp/index.ts";
import { Cluster, KINDS } from "../../src/cluster/index.ts";
import type { Config } from "../../src/config/index.ts";
import type { Standing } from "../../src/fleet/index.ts";
import { type Prefix, address } from "../../src/net/index.ts";
import { notServed, type Ownership, Planner, planVip, sayReason, type World } from "../../src/plan/index.ts";
import { config } from "../config/values.ts";

export type Parts = Partial<Omit<ReportSources, "cluster" | "config">> & { readonly config?: Config; readonly owner?: string; readonly allocator?: string };

export class Sources {
  readonly cluster = new Cluster();
  readonly #planner = new Planner();
  readonly #parts: Parts;

  constructor(parts: Parts = {}) {
    this.#parts = parts;
  }

  /** Everything has been read. */
  complete(): this {
    for (const kind of KINDS) this.cluster.apply({ type: "synced", kind });
    return this;
  }

  get sources(): ReportSources {
    const { config: given = config(), owner, allocator, ...parts } = this.#parts;
    const standing = (): Standing => (owner === undefined || owner === given.host.name ? { role: "owner", claim: 1 } : { role: "standby", owner, reason: `${owner} is better placed` });
    const fleet: Ownership = { standing, presence: () => ({ announceBgp: true, keeps: "nothing", retiring: false, reason: "eligible" }) };
    const world: World = { config: given, cluster: this.cluster, segments: [{ name: "eth0", up: true }], fleet, keepers: { hasKept: () => false, wouldKeep: () => false } };
    this.#planner.update(world, this.cluster.addresses());
    return {
      version: "1.2.3",
      pid: 77,
      config: given,
      cluster: this.cluster,
      state: () => "ready",
      uptimeMs: () => 61_000,
      view: () => "api",
      viewAgeMs: () => 1400,
      plan: () => this.#planner.plan,
      asInFiles: () => true,
      warnings: () => [],
      drainedSince: () => undefined,
      kube: () => ({
        source: { watches: [], lastContact: undefined, malformed: 0, cache: undefined },
        client: { server: "https://192.0.2.250:6443", kind: "token", certificateEnds: undefined, problem: undefined, requests: 1, failures: 0 },
        election: { leading: allocator === given.host.name, holder: allocator === undefined ? "" : `${allocator}_0123456789abcdef`, renewedAgo: undefined, problem: undefined },
      }),
      l2: () => ({ segments: [] }),
      bgp: () => undefined,
      bfd: () => ({ sessions: [], problems: [] }),
      announcedTo: () => [],
      routes: () => undefined,
      route: () => undefined,
      hosts: () => [],
      presence: () => ({ rank: 3, reason: "eligible" }),
      standing,
      explainOwnership: () => undefined,
      planVip: (one) => planVip(world, one),
      sayReason,
      notServed: (service) => notServed(given, service),
      pools: () => [],
      refusal: () => undefined,
      ...parts,
    };
  }
}

/** A peer that is up and has been told one IPv4 route, unless it is said otherwise. */
export function peerStatus(name: string, parts: Partial<BgpPeerStatus> = {}): BgpPeerStatus {
  const none = { OPEN: 0, UPDATE: 0, NOTIFICATION: 0, KEEPALIVE: 0, "ROUTE-REFRESH": 0 };
  return {
    name,
    address: address("198.51.100.1"),
    zone: undefined,
    port: 179,
    localAsn: 64500,
    asn: 64501,
    state: "Established",
    inStateMs: 5000,
    openedBy: "us",
    localAddress: undefined,
    lastError: undefined,
    nextRetryMs: undefined,
    failedAttempts: 0,
    establishments: 1,
    negotiated: undefined,
    families: { ipv4: { announced: 1, wanted: 1, held: 0, nextHop: undefined }, ipv6: { announced: 0, wanted: 0, held: 0, nextHop: undefined } },
    received: { announcements: 0, withdrawals: 0, malformed: 0, leaked: 0 },
    messages: { sent: none, received: none },
    queued: 0,
    notes: [],
    hint: undefined,
    ...parts,
  };
}

/** For nobody in particular. */
export function routeStatus(prefix: Prefix, state: BgpRouteStatus["state"], because: string | undefined): BgpRouteStatus {
  return { prefix, state, because, attributes: undefined, vips: [], vipCount: 0 };
}

/** A path that is up and was down twice, unless it is said otherwise. */
export function bfdStatus(peer: string, parts: Partial<BfdSessionStatus> = {}): BfdSessionStatus {
  return {
    peer,
    remote: address("198.51.100.1"),
    zone: undefined,
    local: address("198.51.100.9"),
    multihop: false,
    state: "up",
    inStateMs: 7000,
    diagnostic: "control detection time expired",
    remoteState: "up",
    remoteDiagnostic: "no diagnostic",
    localDiscriminator: 0x1234,
    remoteDiscriminator: 0xdeadbeef,
    transmitMs: 300,
    detectionMs: 900,
    echoMs: undefined,
    packets: { sent: 10, received: 11, discarded: 1 },
    ups: 3,
    downs: 2,
    problem: undefined,
    ...parts,
  };
}
