/** [forwarding]: checked like everything else; all but mode = "none" is to come. Pure. */
import type { Findings } from "./findings.ts";
import { FORWARDING } from "./schema-to-come.ts";
import { readTable } from "./table.ts";
import type { TomlTable } from "./toml.ts";

const KERNEL_TABLES = { first: 253, last: 255 }; // default, main, local: rt_tables

/** Each worker has one value of the mark and one routing table. */
export function checkForwarding(table: TomlTable, findings: Findings): void {
  const { mark_mask: mask, table_base: base } = readTable(FORWARDING, table, findings);
  if (mask.state === "wrong" || base.state !== "given") return;
  const tables = mask.value / ((mask.value & -mask.value) >>> 0); // without the zeros at the end
  const last = base.value + tables - 1;
  if (base.value <= KERNEL_TABLES.last && last >= KERNEL_TABLES.first) {
    findings.report(base.place, `${base.value} takes the routing tables ${base.value} to ${last}, and ${KERNEL_TABLES.first} to ${KERNEL_TABLES.last} are the kernel's own; use a number above ${KERNEL_TABLES.last}`);
  }
}
