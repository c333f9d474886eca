/** What bfd/ reports of itself. */
import type { Address } from "../net/index.ts";

export type BfdState = "admin-down" | "down" | "init" | "up";

export type BfdStatus = {
  readonly sessions: readonly BfdSessionStatus[];
  /** Sentences about what keeps sessions from working, such as a port that another BFD daemon has. */
  readonly problems: readonly string[];
};

export type BfdSessionStatus = {
  readonly peer: string;
  readonly remote: Address;
  readonly zone: string | undefined;
  /** Undefined while the kernel knows no way to the peer. */
  readonly local: Address | undefined;
  readonly multihop: boolean;
  readonly state: BfdState;
  /** How long it has been in this state, in ms. */
  readonly inStateMs: number;
  /** Why we were last not up (RFC 5880 4.1), in its words: "control detection time expired"; undefined if never. */
  readonly diagnostic: string | undefined;
  /** What the peer last said; undefined before its first packet. */
  readonly remoteState: BfdState | undefined;
  readonly remoteDiagnostic: string | undefined;
  readonly localDiscriminator: number;
  /** 0: not known. */
  readonly remoteDiscriminator: number;
  /** As negotiated, before jitter, in ms; undefined: nothing is sent. */
  readonly transmitMs: number | undefined;
  /** The longest that the peer may be silent, in ms; undefined before its first packet. */
  readonly detectionMs: number | undefined;
  /** Time between two echo packets, in ms; undefined while none are sent. */
  readonly echoMs: number | undefined;
  readonly packets: { readonly sent: number; readonly received: number; readonly discarded: number };
  /** How often it came up, and went down from up. */
  readonly ups: number;
  readonly downs: number;
  /** A sentence about what keeps it from working; undefined if nothing is known to. */
  readonly problem: string | undefined;
};

/** A session went up, or down from up; in the order in which it happened. */
export type BfdEvent =
  | { readonly type: "up"; readonly peer: string }
  /** `administrative`: the peer says AdminDown, which is no failure of the path (RFC 5882 3.2). */
  | { readonly type: "down"; readonly peer: string; readonly diagnostic: string; readonly administrative: boolean };
