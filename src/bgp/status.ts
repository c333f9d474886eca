/** What bgp/ reports of itself. */
import type { Address, Family, Ipv4, Prefix } from "../net/index.ts";
import type { WrittenAttributes } from "../wire/index.ts";
import type { RestartAgreement } from "./graceful-restart.ts";
import type { Traffic } from "./message-counts.ts";
import type { State } from "./transition.ts";

export type BgpStatus = {
  readonly routerId: Ipv4;
  readonly peers: readonly BgpPeerStatus[];
  readonly listeners: readonly BgpListenerStatus[];
  readonly aggregates: readonly BgpAggregateStatus[];
};

/** A prefix of more than one address that is wanted. */
export type BgpAggregateStatus = {
  readonly prefix: Prefix;
  /** How many VIPs ask for it. */
  readonly vips: number;
  /** Why it is not announced to anybody, as a sentence; undefined if it may be. */
  readonly problem: string | undefined;
};

export type BgpPeerStatus = {
  readonly name: string;
  /** Undefined as long as the router of an unnumbered peer has not been heard. */
  readonly address: Address | undefined;
  /** Interface of a link-local address. */
  readonly zone: string | undefined;
  readonly port: number;
  readonly localAsn: number;
  /** As configured; `negotiated.remoteAsn` is what it is. */
  readonly asn: number | "internal" | "external";
  readonly state: State;
  /** How long it has been in this state, in ms. */
  readonly inStateMs: number;
  /** Who opened the connection; undefined without one. */
  readonly openedBy: "us" | "peer" | undefined;
  readonly localAddress: Address | undefined;
  readonly lastError: BgpErrorStatus | undefined;
  /** Until the next attempt, in ms; undefined if none waits. */
  readonly nextRetryMs: number | undefined;
  /** Attempts and sessions of ours that failed since the peer was configured (ConnectRetryCounter, RFC 4271 8). */
  readonly failedAttempts: number;
  /** How often it was established. */
  readonly establishments: number;
  readonly negotiated: BgpNegotiatedStatus | undefined;
  readonly families: Readonly<Record<Family, BgpFamilyStatus>>;
  /**
   * Since the session was established. Nothing received is kept, so these are events, not routes. `leaked`: announcements of routes
   * that must not come from here (RFC 9234 5).
   */
  readonly received: { readonly announcements: number; readonly withdrawals: number; readonly malformed: number; readonly leaked: number };
  /** Since the peer was configured. */
  readonly messages: Traffic;
  /** Octets that the peer has not taken. */
  readonly queued: number;
  /** Sentences about what is not as it should be now. */
  readonly notes: readonly string[];
  /** Where to look if the routes do not show at the peer, though nothing is known to be wrong. */
  readonly hint: string | undefined;
};

export type BgpErrorStatus = {
  readonly text: string;
  readonly by: "us" | "peer" | "network";
  readonly code: number | undefined;
  readonly subcode: number | undefined;
  /** How long ago, in ms. */
  readonly agoMs: number;
};

export type BgpNegotiatedStatus = {
  readonly remoteAsn: number;
  readonly remoteIdentifier: Ipv4;
  readonly remoteHostname: string | undefined;
  readonly internal: boolean;
  readonly holdMs: number;
  readonly keepaliveMs: number;
  /** Until the session is given up, in ms; undefined: never. */
  readonly holdLeftMs: number | undefined;
  /** Until our next KEEPALIVE, in ms; undefined: there is none. */
  readonly keepaliveLeftMs: number | undefined;
  readonly fourOctetAs: boolean;
  readonly families: readonly Family[];
  /** Ours, and what the peer says to be (RFC 9234); undefined: none is configured, or said. */
  readonly role: string | undefined;
  readonly remoteRole: string | undefined;
  readonly restart: RestartAgreement;
  /** All that the peer offered, in words. */
  readonly remoteCapabilities: readonly string[];
  /** All that we offered. */
  readonly localCapabilities: readonly string[];
  /** What both did, in our words: what is in force. */
  readonly agreedCapabilities: readonly string[];
};

export type BgpFamilyStatus = {
  /** Prefixes that the peer has been told. */
  readonly announced: number;
  /** Prefixes that it should have. */
  readonly wanted: number;
  /** Of these, how many max_prefixes holds back. */
  readonly held: number;
  readonly nextHop: string | undefined;
};

/** A route that a peer is to have, or still has. */
export type BgpRouteStatus = {
  readonly prefix: Prefix;
  /** "changing": the peer has it with other attributes; "withdrawing": it has it and should not. */
  readonly state: "sent" | "changing" | "withdrawing" | "waiting";
  /** Why the peer does not have what it should; undefined if it does. */
  readonly because: string | undefined;
  /** As the message has them that the peer was sent; undefined if it was sent none, or another one since. */
  readonly attributes: WrittenAttributes | undefined;
  /** VIPs that ask for it, the first of `vipCount`. */
  readonly vips: readonly Address[];
  readonly vipCount: number;
};

export type BgpListenerStatus = {
  readonly address: Address;
  readonly port: number;
  /** The code of the error for which nobody can connect there ("EADDRINUSE"); undefined: it listens. */
  readonly error: string | undefined;
  /** The same as a sentence for people. */
  readonly problem: string | undefined;
};
