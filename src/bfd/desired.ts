/** What bfd/ is asked for: one session for each peer that names a profile. */
import type { Address } from "../net/index.ts";

export type BfdDesired = { readonly sessions: readonly BfdSession[] };

export type BfdSession = {
  /** The BGP peer that it watches; unique. */
  readonly peer: string;
  readonly remote: Address;
  /** Interface of a link-local address; of an adjacent peer, the one that it must be reached on, if that is known. */
  readonly zone: string | undefined;
  /** Undefined: the address that the kernel chooses toward the peer. */
  readonly local: Address | undefined;
  /** RFC 5883, UDP 4784; otherwise RFC 5881, UDP 3784. */
  readonly multihop: boolean;
  readonly profile: BfdProfile;
};

/** RFC 5880 6.8.1; all times in ms. */
export type BfdProfile = {
  readonly requiredMinRxMs: number;
  readonly desiredMinTxMs: number;
  /** 2–255. */
  readonly detectMult: number;
  /** Time between two echo packets (RFC 5880 6.4); undefined: none are sent. Single hop over IPv4 only. */
  readonly echoMs: number | undefined;
  /** The peer must speak first (RFC 5880 6.1). */
  readonly passive: boolean;
  /** Least TTL of a packet that came over several hops. Over a single hop it is always 255 (RFC 5881 5). */
  readonly minimumTtl: number;
};
