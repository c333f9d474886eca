/** All that planning looks at, as one immutable value. */
import type { ClusterView } from "../cluster/index.ts";
import type { Config } from "../config/index.ts";
import type { Presence, Standing } from "../fleet/index.ts";
import type { Address } from "../net/index.ts";

/** An interface of this host that can broadcast. */
export type Segment = { readonly name: string; readonly up: boolean };

/** What the plan asks of the fleet. */
export interface Ownership {
  standing(address: Address, segment: string): Standing;
  /** Whether this host may announce by BGP: it is of the highest rank present, or routers kept its routes; and whether it is about to leave. */
  presence(): Omit<Presence, "rank">;
}

/** Peers, by name, that keep this host's routes over a restart of the daemon. */
export interface Keepers {
  /** Over the last one: they may still have them, or have them again. */
  hasKept(peer: string): boolean;
  /** Over one that came now. */
  wouldKeep(peer: string): boolean;
}

export type World = {
  readonly config: Config;
  readonly cluster: ClusterView;
  readonly segments: readonly Segment[];
  readonly fleet: Ownership;
  readonly keepers: Keepers;
};
