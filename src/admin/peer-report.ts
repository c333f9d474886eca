/** What is reported of one BGP session. Pure. */
import type { BfdSessionStatus } from "../bfd/index.ts";
import type { BgpErrorStatus, BgpFamilyStatus, BgpPeerStatus } from "../bgp/index.ts";
import { bfdNote, bfdSessionReport } from "./bfd-report.ts";
import type { BgpErrorReport, BgpTimersReport, PeerReport } from "./reports.ts";

/** `watch`: what BFD says of the path to it; undefined: it is not watched. */
export function peerReport(peer: BgpPeerStatus, watch: BfdSessionStatus | undefined): PeerReport {
  const { negotiated } = peer;
  const note = watch === undefined ? undefined : bfdNote(watch);
  return {
    name: peer.name,
    address: [peer.address, peer.zone].filter((part) => part !== undefined).join("%"),
    asn: String(negotiated?.remoteAsn ?? peer.asn),
    state: peer.state,
    since_seconds: Math.round(peer.inStateMs / 1000),
    routes: announced(peer),
    routes_wanted: peer.families.ipv4.wanted + peer.families.ipv6.wanted,
    families: { ipv4: familyReport(peer.families.ipv4), ipv6: familyReport(peer.families.ipv6) },
    notes: [...peer.notes, ...(note === undefined ? [] : [note])],
    last_error: peer.lastError?.text ?? null,
    error: peer.lastError === undefined ? null : errorReport(peer.lastError),
    capabilities: negotiated === undefined ? null : { agreed: negotiated.agreedCapabilities, ours: negotiated.localCapabilities, peer: negotiated.remoteCapabilities },
    timers: timersReport(peer),
    bfd: watch === undefined ? null : bfdSessionReport(watch),
    hint: peer.hint ?? null,
    detail: peer,
  };
}

/** Prefixes that the peer has been told. */
export function announced({ families: { ipv4, ipv6 } }: BgpPeerStatus): number {
  return ipv4.announced + ipv6.announced;
}

function familyReport({ announced: sent, wanted, held, nextHop }: BgpFamilyStatus): PeerReport["families"]["ipv4"] {
  return { sent, wanted, held_back: held, next_hop: nextHop ?? null };
}

function errorReport({ text, by, code, subcode, agoMs }: BgpErrorStatus): BgpErrorReport {
  return { text, sent_by: by, code: code ?? null, subcode: subcode ?? null, seconds_ago: Math.round(agoMs / 1000) };
}

function timersReport({ negotiated, nextRetryMs }: BgpPeerStatus): BgpTimersReport {
  return {
    hold: inSeconds(negotiated?.holdMs),
    keepalive: inSeconds(negotiated?.keepaliveMs),
    hold_left: inSeconds(negotiated?.holdLeftMs),
    keepalive_left: inSeconds(negotiated?.keepaliveLeftMs),
    next_retry: inSeconds(nextRetryMs),
  };
}

/** To a tenth. */
function inSeconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms / 100) / 10;
}
