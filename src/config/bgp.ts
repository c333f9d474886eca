/** [bgp] with its peers and advertisements. Pure. */
import { type Advertisement, readAdvertisements } from "./advertisements.ts";
import type { Bfd } from "./bfd.ts";
import type { Findings } from "./findings.ts";
import { type Peer, readPeers } from "./peers.ts";
import type { Pool } from "./pools.ts";
import { Directory } from "./references.ts";
import { BGP } from "./schema-bgp.ts";
import { type Reading, innerTable, readTable } from "./table.ts";
import type { TomlTable } from "./toml.ts";

export type Bgp = {
  readonly reading: Reading<(typeof BGP)["keys"]>;
  readonly peers: readonly Peer[];
  readonly advertisements: readonly Advertisement[];
};

/** Undefined if nothing is said of BGP. */
export function readBgp(root: TomlTable, pools: Directory<Pool>, profiles: Directory<Bfd>, findings: Findings): Bgp | undefined {
  if (!root.entries.has("bgp")) return undefined;
  const table = innerTable(root, "bgp", findings);
  const reading = readTable(BGP, table, findings);
  const peers = readPeers(table, reading, profiles, findings);
  const communities = new Map(reading.communities.value.map(({ value }) => value));
  const advertisements = readAdvertisements(table, { pools, peers: new Directory({ what: "peer", table: "[[bgp.peer]]" }, peers, "by patterns"), communities }, findings);
  if (reading.asn.state === "absent" && table.entries.size > 0) {
    findings.reportMissing(reading.asn.place, "missing; add asn = 64500, our autonomous system, to [bgp]");
  }
  return table.entries.size > 0 ? { reading, peers, advertisements } : undefined;
}
