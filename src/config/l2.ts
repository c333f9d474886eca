/** [[l2]]: what is announced on local segments. Pure. */
import type { Glob, L2Advertisement } from "./config.ts";
import type { Findings } from "./findings.ts";
import type { Pool } from "./pools.ts";
import { quote } from "./problem.ts";
import { type Directory, type Named, reportSharedNames } from "./references.ts";
import { L2 } from "./schema.ts";
import { MOST_COMPARED, type Scope, scopeOf, someGlobsMeet, valuesOf } from "./scope.ts";
import { innerTables, readTable } from "./table.ts";
import type { TomlTable } from "./toml.ts";
import type { Item } from "./value.ts";

export type L2 = Named & { readonly pools: readonly Pool[]; readonly config: L2Advertisement };

/** Every [[l2]], also one with faults. */
export function readL2(root: TomlTable, pools: Directory<Pool>, findings: Findings): readonly L2[] {
  const all = innerTables(root, "l2", findings).map((table) => readOne(table, pools, findings));
  reportSharedNames(all, findings);
  return all;
}

function readOne(table: TomlTable, directory: Directory<Pool>, findings: Findings): L2 {
  const l2 = readTable(L2, table, findings);
  const pools = directory.resolve(l2.pools.value, findings);
  const scope = scopeOf(l2);
  warnOfPreferred(l2.prefer.value, scope, findings);
  return {
    name: l2.name,
    pools,
    config: {
      name: l2.name.value,
      pools: pools.map((pool) => pool.config.name),
      interfaces: valuesOf(l2.interfaces),
      ...scope,
      serviceSelectors: valuesOf(l2.service_selectors),
      prefer: valuesOf(l2.prefer),
    },
  };
}

/** A host that is preferred must be one of those that announce; with host_selectors any host may be. */
function warnOfPreferred(prefer: readonly Item<Glob>[], scope: Scope, findings: Findings): void {
  if (scope.hosts.length === 0 || scope.hostSelectors.length > 0 || scope.hosts.length * prefer.length > MOST_COMPARED) return;
  for (const { value, place } of prefer) {
    if (!someGlobsMeet(scope.hosts, [value])) findings.warn(place, `${quote(value)} is not among hosts: no such host announces this`);
  }
}
