/** What the fleet is told, and what it needs of its surroundings. */
import type { FleetConfig } from "../config/index.ts";
import type { Address, Mac } from "../net/index.ts";
import type { Clock, Random } from "../time/index.ts";
import type { FleetFact } from "./fact.ts";
import type { Leaving } from "./rank.ts";
import type { DueVip, Rank, Statement } from "./statement.ts";

/** An interface of this host on which hellos pass. */
export type SegmentState = {
  /** The interface's name. */
  readonly name: string;
  /** It is up, has carrier, and an address to say hello from. */
  readonly up: boolean;
  readonly mac: Mac;
  /** Its own addresses, for hosts that must reach it by unicast. */
  readonly addresses: readonly Address[];
  /** The [[l2]] advertisements for which this host stands here. */
  readonly advertisements: Statement["advertisements"];
};

/** Who this host is. Never changes while it lives. */
export type FleetSelf = {
  readonly name: string;
  /** As in Statement. */
  readonly instance: string;
  /** How often the daemon started within the last ten minutes before this: each doubles the probation. */
  readonly recentStarts: number;
};

/** What may change when the configuration is read anew. */
export type FleetSettings = {
  readonly fleet: FleetConfig;
  /** The Kubernetes node on this host; undefined on a gateway. */
  readonly node: string | undefined;
  readonly weight: number;
  /** It has BGP peers. */
  readonly bgp: boolean;
  readonly digests: Statement["digests"];
};

export type FleetInput =
  /** All interfaces, in the order of preference in which two of them on one segment are used. */
  | { readonly type: "segments"; readonly segments: readonly SegmentState[] }
  | { readonly type: "settings"; readonly settings: FleetSettings }
  /** For each address that changed, where this host stands for it; an empty list: nowhere any more. */
  | { readonly type: "vips"; readonly due: ReadonlyMap<Address, readonly DueVip[]> }
  /** A hello of another host, authenticated and newer than the one before of the same instance. */
  | { readonly type: "hello"; readonly segment: string; readonly statement: Statement; readonly sequence: number }
  /** This host's own hello of interface `from` came in on `segment`: the two are one segment. */
  | { readonly type: "own-hello"; readonly segment: string; readonly from: string }
  /** Somebody said that it has the address: on a segment, that is a claim. */
  | { readonly type: "heard"; readonly segment: string; readonly address: Address; readonly mac: Mac }
  /** Somebody asks the network in the name of the address: no claim, and of a host of the fleet nothing but its kernel's doing. */
  | { readonly type: "used"; readonly segment: string; readonly address: Address; readonly mac: Mac }
  /** Somebody asked who has the address, as one who has not: an ARP probe, or DAD. */
  | { readonly type: "question"; readonly segment: string; readonly address: Address; readonly mac: Mac }
  /** The result of the question that a Standing carried: who answered, or undefined for nobody. */
  | { readonly type: "asked"; readonly segment: string; readonly address: Address; readonly ask: number; readonly answer: Mac | undefined }
  /** What a host's Lease says of it, on each of its segments; an empty list: the Lease is gone. */
  | { readonly type: "lease"; readonly host: string; readonly statements: readonly Statement[] }
  /** The view of Kubernetes was current `ageMs` ago: 0 for anything the API just said, the age of the cache when that was read. */
  | { readonly type: "view-current"; readonly ageMs: number }
  /** What Kubernetes thinks of the nodes; `excluded` says why this host's node must not carry traffic at all. */
  | { readonly type: "nodes"; readonly notReady: ReadonlySet<string>; readonly excluded: string | undefined }
  /** Why the kernel refused what this host needs to serve; undefined: it did not. */
  | { readonly type: "data-plane"; readonly refused: string | undefined }
  | { readonly type: "leave"; readonly why: Leaving }
  /** It is drained no more. */
  | { readonly type: "undrain" };

/** When a hello says it: at once, when the next is due, or not at all, because another interface speaks on the same segment. */
export type Urgency = "now" | "next" | "never";

export interface FleetEffects {
  /** What the hellos on a segment say from now on. */
  say(segment: string, statement: Statement, urgency: Urgency): void;
  /** The standing of these addresses changed on some segment. */
  changed(addresses: ReadonlySet<Address>): void;
  /** What this host announces by BGP changed: any of the flags. */
  presence(presence: Presence): void;
  fact(fact: FleetFact): void;
}

export type FleetOptions = {
  readonly self: FleetSelf;
  readonly settings: FleetSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly effects: FleetEffects;
};

/** This host as a whole, for BGP, where nobody owns a VIP: every host of the highest rank present announces. */
export type Presence = {
  readonly rank: Rank;
  readonly announceBgp: boolean;
  /**
   * Routers that keep its routes over a restart of the daemon (RFC 4724) are to have them unchanged, whatever the others get: those that
   * kept them since its last life, or those that would keep them for its next.
   */
  readonly keeps: "nothing" | "of the last life" | "for the next life";
  /** What it announces to other routers is to be their last choice: it leaves. */
  readonly retiring: boolean;
  readonly reason: string;
};
