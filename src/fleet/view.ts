/** The fleet as people and scripts see it. Reads; changes nothing. */
import type { Address, Mac } from "../net/index.ts";
import type { Here } from "./here.ts";
import { type Candidate, compareCandidates, fitnessOf, isCandidate } from "./order.ts";
import { type Vip, whyUnfit } from "./seat.ts";
import type { Segment } from "./segment.ts";
import type { Rank, Standing, Statement } from "./statement.ts";

export type HostView = {
  readonly name: string;
  readonly self: boolean;
  /** Undefined for a host that is known by its Lease only. */
  readonly segment: string | undefined;
  /** `leased`: no hello of it was ever heard here. `superseded`: a life of it before the present one. */
  readonly state: "self" | "alive" | "suspect" | "dead" | "superseded" | "leased";
  readonly rank: Rank;
  readonly reason: string;
  readonly serving: number;
  readonly heardMsAgo: number | undefined;
  readonly uptimeMs: number;
  readonly viewAgeMs: number;
  readonly weight: number;
  readonly node: string | undefined;
  readonly instance: string;
  readonly mac: Mac;
  readonly addresses: readonly Address[];
};

export type Explanation = {
  readonly standing: Standing;
  /** The last host but this one that claimed it; undefined if none did. */
  readonly claimant: string | undefined;
  /** In the order in which they would own it; those that cannot come last, with the reason. */
  readonly candidates: readonly { readonly host: string; readonly self: boolean; readonly rank: Rank; readonly prefer: number; readonly unfit: string | undefined }[];
};

export function viewHosts(here: Here, segments: Iterable<Segment>, now: number): readonly HostView[] {
  const views: HostView[] = [];
  const heard = new Set<string>();
  for (const segment of segments) {
    views.push(viewOf(segment.said, { self: true, segment: segment.segment, state: "self", heardMsAgo: undefined }));
    for (const peer of segment.roster.peers()) {
      heard.add(peer.statement.name);
      views.push(viewOf(peer.statement, { self: false, segment: segment.segment, state: peer.state, heardMsAgo: now - peer.heardAt }));
    }
  }
  for (const [host, { statements }] of here.leases) {
    const [statement] = statements;
    if (statement !== undefined && !heard.has(host)) views.push(viewOf(statement, { self: false, segment: undefined, state: "leased", heardMsAgo: undefined }));
  }
  return views;
}

function viewOf(statement: Statement, seen: Pick<HostView, "self" | "segment" | "state" | "heardMsAgo">): HostView {
  const { name, rank, reason, serving, uptimeMs, viewAgeMs, weight, node, instance, mac, addresses } = statement;
  return { name, ...seen, rank, reason, serving, uptimeMs, viewAgeMs, weight, node, instance, mac, addresses };
}

export function explainVip(segment: Segment, vip: Vip, now: number): Explanation {
  const { contest } = vip;
  const { candidates, digest } = segment.roster.field(now);
  const prefer = digest === undefined || digest === segment.mine.digest ? "counts" : "ignored";
  const hosts = [segment.mine, ...candidates.values()].sort(
    (a, b) => Number(isCandidate(contest, b)) - Number(isCandidate(contest, a)) || compareCandidates(contest, a, b, prefer),
  );
  return {
    standing: vip.standing,
    claimant: vip.claimant?.name,
    candidates: hosts.map((host) => ({
      host: host.name,
      self: host === segment.mine,
      rank: host.rank,
      prefer: host.stands.get(contest.advertisement) ?? 0,
      unfit: isCandidate(contest, host) ? undefined : host === segment.mine ? whyUnfit(segment, contest) : whyOtherUnfit(vip, host),
    })),
  };
}

function whyOtherUnfit(vip: Vip, host: Candidate): string {
  if (host.rank === 0) return "it says that it must serve nothing";
  if (!host.stands.has(vip.contest.advertisement)) return `it does not stand for advertisement ${vip.contest.advertisement}`;
  return fitnessOf(vip.contest, host) === 0 ? `no endpoint that could serve is on node ${host.node ?? ""}` : "";
}
