/** [[pool]]: the addresses, and that no two pools claim the same one. Pure. */
import { type Family, addressToBigInt, familyOf } from "../net/index.ts";
import { type PoolEntry, formatRange } from "./address-text.ts";
import type { PoolConfig } from "./config.ts";
import type { Findings } from "./findings.ts";
import { type Place, quote } from "./problem.ts";
import { type Named, reportSharedNames } from "./references.ts";
import { POOL } from "./schema.ts";
import { valuesOf } from "./scope.ts";
import { innerTables, readTable } from "./table.ts";
import type { TomlTable } from "./toml.ts";
import type { Item } from "./value.ts";

export type Pool = Named & {
  readonly place: Place;
  readonly entries: readonly Item<PoolEntry>[];
  readonly families: ReadonlySet<Family>;
  readonly config: PoolConfig;
};

/** Every [[pool]], also one with faults. */
export function readPools(root: TomlTable, findings: Findings): readonly Pool[] {
  const pools = innerTables(root, "pool", findings).map((table) => readPool(table, findings));
  if (!root.entries.has("pool")) {
    findings.reportMissing({ ...root.place, path: "pool" }, 'missing: there is no pool; add a table [[pool]] with name = "lan" and addresses = ["192.168.1.240-192.168.1.250"]');
  }
  const written = root.entries.get("pool");
  if (written?.type === "array" && written.items.length === 0) {
    findings.reportMissing(written.place, 'is empty; add a table [[pool]] with name = "lan" and addresses = ["192.168.1.240-192.168.1.250"]');
  }
  reportSharedNames(pools, findings);
  reportOverlaps(pools, findings);
  return pools;
}

function readPool(table: TomlTable, findings: Findings): Pool {
  const pool = readTable(POOL, table, findings);
  const entries = pool.addresses.value ?? [];
  return {
    name: pool.name,
    place: table.place,
    entries,
    families: new Set(entries.map(({ value }) => familyOf(value.range.first))),
    config: {
      name: pool.name.value ?? "",
      ranges: entries.map(({ value }) => value.range),
      autoAssign: pool.auto_assign.value,
      avoidBuggyIps: pool.avoid_buggy_ips.value,
      priority: pool.priority.value,
      reuseDelayMs: pool.reuse_delay.value,
      namespaces: valuesOf(pool.namespaces),
      namespaceSelectors: valuesOf(pool.namespace_selectors),
      serviceSelectors: valuesOf(pool.service_selectors),
    },
  };
}

type Claim = {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
  /** In the order of the files. */
  readonly order: number;
  readonly pool: Pool;
  readonly entry: Item<PoolEntry>;
};

/** Sorted by address, an entry overlaps one before it exactly if it begins before the farthest of them ends. */
function reportOverlaps(pools: readonly Pool[], findings: Findings): void {
  const claims: Claim[] = [];
  for (const pool of pools) for (const entry of pool.entries) claims.push(claimOf(pool, entry, claims.length));
  claims.sort((a, b) => compareText(a.family, b.family) || compareNumber(a.first, b.first) || a.order - b.order);
  let farthest: Claim | undefined;
  for (const claim of claims) {
    if (farthest?.family === claim.family && claim.first <= farthest.last) reportOverlap(farthest, claim, findings);
    if (farthest?.family !== claim.family || claim.last > farthest.last) farthest = claim;
  }
}

function reportOverlap(a: Claim, b: Claim, findings: Findings): void {
  const [earlier, later] = a.order < b.order ? [a, b] : [b, a];
  const where = earlier.entry.place;
  const of = earlier.pool === later.pool ? "of the same pool" : `of pool ${quote(earlier.pool.config.name)}`;
  findings.report(
    later.entry.place,
    `${quote(formatRange(later.entry.value.range))} overlaps ${quote(formatRange(earlier.entry.value.range))} ${of}, ${where.path} at ${where.file}:${where.line}; an address can be in one place only`,
  );
}

function claimOf(pool: Pool, entry: Item<PoolEntry>, order: number): Claim {
  const { first, last } = entry.value.range;
  return { family: familyOf(first), first: addressToBigInt(first), last: addressToBigInt(last), order, pool, entry };
}

function compareNumber(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
