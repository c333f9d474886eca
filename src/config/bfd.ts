/** [[bfd]]: checked like everything else, and then refused: sessions of BFD are to come. Pure. */
import type { Findings } from "./findings.ts";
import { type Named, reportSharedNames } from "./references.ts";
import { BFD } from "./schema-to-come.ts";
import { innerTables, readTable } from "./table.ts";
import type { TomlTable } from "./toml.ts";

export type Bfd = Named & { readonly echoMode: boolean };

/** Every [[bfd]], also one with faults. */
export function readBfd(root: TomlTable, findings: Findings): readonly Bfd[] {
  const profiles = innerTables(root, "bfd", findings).map((table) => {
    const bfd = readTable(BFD, table, findings);
    findings.reportNotYet(table.place, `not supported yet: ${BFD.notYet ?? ""}`);
    return { name: bfd.name, echoMode: bfd.echo_mode.value };
  });
  reportSharedNames(profiles, findings);
  return profiles;
}
