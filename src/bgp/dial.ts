/** How TCP reaches a peer: source, time to live, GTSM (RFC 5082), MD5 (RFC 2385). Pure. */
import type { TcpDial } from "../linux/index.ts";
import type { BgpPeer } from "./desired.ts";

const MAXIMUM_TTL = 255;
export const ADJACENT_TTL = 1; // an external peer is one hop away unless multihop says otherwise
const LEAST_SEND_HOLD_MS = 90_000;

export function dialOf(peer: BgpPeer): TcpDial {
  return {
    remote: { address: peer.address, zone: peer.zone, port: peer.port },
    source: peer.sourceAddress,
    ttl: ttlOf(peer),
    minimumTtl: peer.ttlSecurity ? MAXIMUM_TTL : 0, // RFC 5082 3
    userTimeoutMs: peer.holdTimeMs === 0 ? 0 : sendHoldMs(peer.holdTimeMs),
    password: peer.password,
  };
}

/** How long a peer may take nothing of what we send before it is as good as dead: RFC 9687 leaves the value to us. */
export function sendHoldMs(holdMs: number): number {
  return Math.max(LEAST_SEND_HOLD_MS, 2 * holdMs);
}

/** Of the packets that we send to it. */
export function ttlOf(peer: BgpPeer): number {
  if (peer.ttlSecurity) return MAXIMUM_TTL;
  if (peer.multihop > 0) return peer.multihop;
  const internal = peer.asn === "internal" || peer.asn === peer.localAsn;
  return internal ? MAXIMUM_TTL : ADJACENT_TTL;
}
