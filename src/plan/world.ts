/** All that planning looks at, as one immutable value. */
import type { ClusterView } from "../cluster/index.ts";
import type { Config } from "../config/index.ts";
import type { Standing } from "../fleet/index.ts";
import type { Address } from "../net/index.ts";

/** An interface of this host that can broadcast. */
export type Segment = { readonly name: string; readonly up: boolean };

/** What the plan asks of the fleet. */
export interface Ownership {
  standing(address: Address, segment: string): Standing;
  /** Whether this host may announce by BGP: it is of the highest rank present. */
  presence(): { readonly announceBgp: boolean; readonly reason: string };
}

export type World = {
  readonly config: Config;
  readonly cluster: ClusterView;
  readonly segments: readonly Segment[];
  readonly fleet: Ownership;
};
