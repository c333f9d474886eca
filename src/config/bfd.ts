/** [[bfd]]: profiles by which the paths to peers are watched. Pure. */
import type { BfdProfileConfig } from "./config.ts";
import type { Findings } from "./findings.ts";
import { type Named, reportSharedNames } from "./references.ts";
import { BFD } from "./schema-bfd.ts";
import { type Reading, innerTables, readTable } from "./table.ts";
import type { TomlTable } from "./toml.ts";

export type Bfd = Named & { readonly reading: Reading<(typeof BFD)["keys"]> };

/** Every [[bfd]], also one with faults. */
export function readBfd(root: TomlTable, findings: Findings): readonly Bfd[] {
  const profiles = innerTables(root, "bfd", findings).map((table) => {
    const reading = readTable(BFD, table, findings);
    return { name: reading.name, reading };
  });
  reportSharedNames(profiles, findings);
  return profiles;
}

/** `profile` has no faults. */
export function bfdConfig({ reading }: Bfd): BfdProfileConfig {
  return {
    name: reading.name.value ?? "",
    receiveIntervalMs: reading.receive_interval.value,
    transmitIntervalMs: reading.transmit_interval.value,
    detectMultiplier: reading.detect_multiplier.value,
    echoIntervalMs: reading.echo_mode.value ? reading.echo_interval.value : undefined,
    passive: reading.passive_mode.value,
    minimumTtl: reading.minimum_ttl.value,
  };
}
