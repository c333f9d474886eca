/**
 * Short digests of the sections that should be the same on all hosts of a fleet, so that hosts can tell that they differ. Pure.
 *
 * Not for secrets and not against malice: FNV-1a over a canonical text. Order counts only where it has a meaning.
 */
import { communityKey } from "./community-text.ts";
import type { BgpAdvertisement, Config, L2Advertisement, PoolConfig } from "./config.ts";
import { formatRange } from "./address-text.ts";
import type { LabelSelector, Requirement } from "./selector.ts";

/** 16 hexadecimal digits each. */
export type ConfigDigests = { readonly pools: string; readonly l2: string; readonly bgp: string };

/** Of [[pool]], [[l2]] and [[bgp.advertisement]]. */
export function configDigests(config: Config): ConfigDigests {
  return {
    pools: digestOf(config.pools.map(canonicalPool)),
    l2: digestOf(config.l2.map(canonicalL2)),
    bgp: digestOf((config.bgp?.advertisements ?? []).map(canonicalAdvertisement)),
  };
}

/** The ranges keep their order: addresses are given out in it. */
function canonicalPool(pool: PoolConfig): string {
  return canonical({
    ...pool,
    ranges: pool.ranges.map(formatRange),
    namespaces: pool.namespaces.toSorted(),
    namespaceSelectors: selectors(pool.namespaceSelectors),
    serviceSelectors: selectors(pool.serviceSelectors),
  });
}

/** The interfaces keep their order: of two on one segment the first counts. So do the preferred hosts. */
function canonicalL2(l2: L2Advertisement): string {
  return canonical({ ...l2, ...canonicalScope(l2) });
}

function canonicalAdvertisement(advertisement: BgpAdvertisement): string {
  return canonical({
    ...advertisement,
    ...canonicalScope(advertisement),
    peers: advertisement.peers.toSorted(),
    communities: advertisement.communities.map(communityKey).toSorted(),
  });
}

function canonicalScope(scope: L2Advertisement | BgpAdvertisement): Record<string, unknown> {
  return {
    pools: scope.pools.toSorted(),
    hosts: scope.hosts.toSorted(),
    hostSelectors: selectors(scope.hostSelectors),
    nodeSelectors: selectors(scope.nodeSelectors),
    serviceSelectors: selectors(scope.serviceSelectors),
  };
}

function selectors(all: readonly LabelSelector[]): readonly string[] {
  return all.map((selector) => selector.map(canonicalRequirement).toSorted().join(",")).toSorted();
}

function canonicalRequirement(requirement: Requirement): string {
  switch (requirement.operator) {
    case "In":
    case "NotIn":
      return `${requirement.key} ${requirement.operator} (${requirement.values.toSorted().join(",")})`;
    case "Exists":
    case "DoesNotExist":
      return `${requirement.key} ${requirement.operator}`;
  }
}

/** Keys in order; a key without a value is left out by JSON. */
function canonical(value: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

function digestOf(parts: readonly string[]): string {
  const text = new TextEncoder().encode(parts.toSorted().join("\n"));
  return hash(text, 0x811c9dc5) + hash(text, 0x01000193);
}

/** FNV-1a, 32 bits, from a starting value; the last steps spread the bits (murmur3's finaliser). */
function hash(bytes: Uint8Array, start: number): string {
  let h = start;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0).toString(16).padStart(8, "0");
}
