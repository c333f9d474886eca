/** [[bgp.advertisement]]: what goes to which peers, and no two that contradict each other over one route. Pure. */
import { type Family, familyOf } from "../net/index.ts";
import { formatRange } from "./address-text.ts";
import { communityKey, nearestCommunity, parseCommunity } from "./community-text.ts";
import type { BgpAdvertisement, Community } from "./config.ts";
import type { Findings } from "./findings.ts";
import { isPattern, matchesGlob } from "./glob.ts";
import type { Nearest } from "./nearest.ts";
import type { Peer } from "./peers.ts";
import type { Pool } from "./pools.ts";
import { type Place, quote } from "./problem.ts";
import { type Directory, type Named, reportSharedNames } from "./references.ts";
import { BGP_ADVERTISEMENT } from "./schema-bgp.ts";
import { type Scope, ScopeIndex, scopeOf, scopesExclude, selectorListsExclude, valuesOf } from "./scope.ts";
import { type Reading, type Setting, innerTables, readTable } from "./table.ts";
import type { TomlTable } from "./toml.ts";
import type { Item } from "./value.ts";

type AdvertisementReading = Reading<(typeof BGP_ADVERTISEMENT)["keys"]>;

export type Advertisement = Named & {
  readonly place: Place;
  readonly reading: AdvertisementReading;
  readonly scope: Scope;
  readonly pools: readonly Pool[];
  readonly peers: readonly Peer[];
  readonly config: BgpAdvertisement;
};

/** What advertisements refer to. */
export type Referents = {
  readonly pools: Directory<Pool>;
  readonly peers: Directory<Peer>;
  /** [bgp.communities] */
  readonly communities: ReadonlyMap<string, Community>;
};

/** Every [[bgp.advertisement]], also one with faults. */
export function readAdvertisements(bgp: TomlTable, referents: Referents, findings: Findings): readonly Advertisement[] {
  const nearest = nearestCommunity(referents.communities.keys());
  const all = innerTables(bgp, "advertisement", findings).map((table) => readOne(table, referents, nearest, findings));
  reportSharedNames(all, findings);
  reportContradictions(all, findings);
  return all;
}

function readOne(table: TomlTable, referents: Referents, nearest: Nearest, findings: Findings): Advertisement {
  const reading = readTable(BGP_ADVERTISEMENT, table, findings);
  const pools = referents.pools.resolve(reading.pools.value, findings);
  const peers = resolvePeers(reading.peers, referents.peers, findings);
  const scope = scopeOf(reading);
  checkAggregation(reading.aggregation_length, "ipv4", reading.service_selectors, pools, findings);
  checkAggregation(reading.aggregation_length_v6, "ipv6", reading.service_selectors, pools, findings);
  return {
    name: reading.name,
    place: table.place,
    reading,
    scope,
    pools,
    peers,
    config: {
      name: reading.name.value,
      pools: pools.map((pool) => pool.config.name),
      peers: peers.map((peer) => peer.name.value ?? ""),
      ...scope,
      serviceSelectors: valuesOf(reading.service_selectors),
      aggregationLength: { ipv4: reading.aggregation_length.value, ipv6: reading.aggregation_length_v6.value },
      localPref: reading.local_pref.value,
      med: reading.med.value,
      prepend: reading.prepend.value,
      communities: resolveCommunities(reading.communities.value, referents.communities, nearest, findings),
      withoutEndpoints: reading.without_endpoints.value,
      linkBandwidth: reading.link_bandwidth.value,
    },
  };
}

/** All peers if none are named. A pattern that fits no peer is a mistake: peers are in this very configuration. */
function resolvePeers(setting: AdvertisementReading["peers"], directory: Directory<Peer>, findings: Findings): readonly Peer[] {
  if (setting.value.length === 0) return directory.all;
  const found = new Set<Peer>();
  for (const { value, place } of setting.value) {
    const exact = directory.find(value);
    const fitting = exact !== undefined ? [exact] : isPattern(value) ? directory.all.filter((peer) => matchesGlob(value, peer.name.value ?? "")) : [];
    for (const peer of fitting) found.add(peer);
    if (fitting.length === 0) directory.reportAbsent(value, place, findings);
  }
  return directory.all.filter((peer) => found.has(peer));
}

function resolveCommunities(items: readonly Item<string>[], own: Referents["communities"], nearest: Nearest, findings: Findings): readonly Community[] {
  const found = new Map<string, Community>();
  for (const { value, place } of items) {
    const parsed = parseCommunity(value, own, nearest);
    if ("error" in parsed) findings.report(place, `${quote(value)} ${parsed.error}`);
    else if (found.has(communityKey(parsed.value))) findings.report(place, `${quote(value)} is in the list twice, as ${communityKey(parsed.value)}; keep one of them`);
    else found.set(communityKey(parsed.value), parsed.value);
  }
  return Array.from(found.values());
}

/** An aggregate must not cover addresses outside the pool, nor carry Services that were not selected. */
function checkAggregation(length: Setting<number>, family: Family, selectors: AdvertisementReading["service_selectors"], pools: readonly Pool[], findings: Findings): void {
  const whole = family === "ipv4" ? 32 : 128;
  if (length.state !== "given" || length.value === whole) return;
  if (selectors.value.length > 0) {
    findings.report(length.place, `${length.value} contradicts service_selectors: an aggregate announces every Service in it; allowed with them is ${whole}`);
    return;
  }
  for (const pool of pools) {
    for (const { value } of pool.entries) {
      if (familyOf(value.range.first) !== family || length.value >= value.coarsest) continue;
      findings.report(length.place, `${length.value} is wider than ${quote(formatRange(value.range))} of pool ${quote(pool.config.name)}; allowed is ${value.coarsest} to ${whole}`);
      return;
    }
  }
}

const ONE_PER_ROUTE = ["local_pref", "med", "prepend", "link_bandwidth"] as const;

/** One route to one peer has one LOCAL_PREF, one MED, one length of AS_PATH and one Link Bandwidth. */
function reportContradictions(all: readonly Advertisement[], findings: Findings): void {
  const byAttributes = new Map<string, ScopeIndex<Advertisement>>();
  for (const advertisement of all) {
    const own = attributesOf(advertisement);
    for (const [attributes, rivals] of byAttributes) {
      const rival = attributes === own ? undefined : rivals.find(advertisement.scope, (other) => announceTheSame(advertisement, other));
      if (rival === undefined) continue;
      reportContradiction(advertisement, rival, findings);
      break;
    }
    const group = byAttributes.get(own) ?? new ScopeIndex<Advertisement>();
    group.add(advertisement);
    byAttributes.set(own, group);
  }
}

function reportContradiction(later: Advertisement, earlier: Advertisement, findings: Findings): void {
  const say = (value: number | string | undefined): string => (value === undefined ? "none" : typeof value === "string" ? quote(value) : String(value));
  for (const name of ONE_PER_ROUTE) {
    const [mine, others] = [later.reading[name], earlier.reading[name]];
    if (mine.value === others.value || mine.state === "wrong" || others.state === "wrong") continue;
    findings.report(
      mine.place,
      `${say(mine.value)} contradicts ${earlier.place.path} at ${earlier.place.file}:${earlier.place.line}, which announces the same routes to the same peers with ${say(others.value)}; make them equal, or the pools, peers, hosts or Services disjoint`,
    );
  }
}

function announceTheSame(a: Advertisement, b: Advertisement): boolean {
  return (
    meet(a.pools, b.pools) &&
    meet(a.peers, b.peers) &&
    sameLengths(a, b) &&
    !scopesExclude(a.scope, b.scope) &&
    !selectorListsExclude(a.config.serviceSelectors, b.config.serviceSelectors)
  );
}

function attributesOf({ reading }: Advertisement): string {
  return ONE_PER_ROUTE.map((name) => reading[name].value ?? "").join(" ");
}

/** Routes of different lengths are different routes. */
function sameLengths(a: Advertisement, b: Advertisement): boolean {
  return a.reading.aggregation_length.value === b.reading.aggregation_length.value || a.reading.aggregation_length_v6.value === b.reading.aggregation_length_v6.value;
}

function meet<T>(a: readonly T[], b: readonly T[]): boolean {
  if (a === b) return a.length > 0;
  const [few, many] = a.length < b.length ? [a, b] : [b, a];
  const set = new Set(many);
  return few.some((one) => set.has(one));
}
