/** A peer's state in the words of status.ts, with the sentences that tell an operator what to look at. Pure. */
import { type Family, isIpv4 } from "../net/index.ts";
import { type Capability, type NextHop, type Open, describeCapability } from "../wire/index.ts";
import type { AdjRibOut } from "./adj-rib-out.ts";
import type { BgpPeer, WantedPeer } from "./desired.ts";
import { type Failure, noOpen } from "./failure.ts";
import { type Traffic, noTraffic } from "./message-counts.ts";
import type { Negotiated } from "./negotiated.ts";
import type { Session } from "./session.ts";
import type { BgpErrorStatus, BgpFamilyStatus, BgpNegotiatedStatus, BgpPeerStatus } from "./status.ts";
import type { State } from "./transition.ts";
import type { Transmitter } from "./transmitter.ts";

export type PeerFacts = {
  readonly config: BgpPeer;
  readonly state: State;
  readonly inStateMs: number;
  /** The connection that is nearest to an established session. */
  readonly current: Session | undefined;
  readonly openedBy: "us" | "peer" | undefined;
  /** Our OPEN: as it was sent, or as it would be. */
  readonly open: Open;
  readonly failure: { readonly failure: Failure; readonly text: string; readonly agoMs: number } | undefined;
  readonly nextRetryMs: number | undefined;
  readonly failedAttempts: number;
  readonly establishments: number;
  readonly rib: AdjRibOut;
  readonly transmitter: Transmitter;
  readonly received: BgpPeerStatus["received"];
  readonly traffic: Traffic;
};

export function peerStatus(facts: PeerFacts): BgpPeerStatus {
  const { config, current } = facts;
  const families = { ipv4: familyStatus("ipv4", facts), ipv6: familyStatus("ipv6", facts) };
  const established = facts.state === "Established" ? current?.agreed : undefined;
  return {
    ...configured(config),
    state: facts.state,
    inStateMs: facts.inStateMs,
    openedBy: facts.openedBy,
    localAddress: current?.local,
    lastError: errorStatus(facts.failure),
    nextRetryMs: facts.nextRetryMs,
    failedAttempts: facts.failedAttempts,
    establishments: facts.establishments,
    negotiated: current?.agreed === undefined ? undefined : negotiatedStatus(current.agreed, current, facts.open.capabilities),
    families,
    received: facts.received,
    messages: facts.traffic,
    queued: current?.queued ?? 0,
    notes: established === undefined ? waiting(facts) : notes(config, established, families, facts.transmitter.tooLong),
    hint: established?.internal === false ? "if routes do not show there, the router's import policy may drop them (RFC 8212)" : undefined,
  };
}

/** Of a peer with which there is no session because its address, or ours, is not known; `why` is a sentence. */
export function waitingStatus(peer: WantedPeer, why: string, inStateMs: number, rib: AdjRibOut): BgpPeerStatus {
  const waiting = (family: Family): BgpFamilyStatus => ({ announced: 0, wanted: rib.count(family).wanted, held: 0, nextHop: undefined });
  return {
    ...configured(peer),
    state: "Idle",
    inStateMs,
    openedBy: undefined,
    localAddress: undefined,
    lastError: undefined,
    nextRetryMs: undefined,
    failedAttempts: 0,
    establishments: 0,
    negotiated: undefined,
    families: { ipv4: waiting("ipv4"), ipv6: waiting("ipv6") },
    received: { announcements: 0, withdrawals: 0, malformed: 0, leaked: 0 },
    messages: noTraffic(),
    queued: 0,
    notes: [why],
    hint: undefined,
  };
}

/** What is so whether there is a session or not. */
function configured({ name, address, zone, port, localAsn, asn }: WantedPeer): Pick<BgpPeerStatus, "name" | "address" | "zone" | "port" | "localAsn" | "asn"> {
  return { name, address, zone, port, localAsn, asn };
}

function familyStatus(family: Family, { rib, transmitter }: PeerFacts): BgpFamilyStatus {
  const { sent, wanted, held } = rib.count(family);
  const nextHop = transmitter.nextHop(family);
  return { announced: sent, wanted, held, nextHop: nextHop === undefined ? undefined : formatNextHop(nextHop) };
}

function errorStatus(last: PeerFacts["failure"]): BgpErrorStatus | undefined {
  if (last === undefined) return undefined;
  const { failure, text, agoMs } = last;
  const { code, subcode } = failure.by === "network" ? {} : failure.notification;
  return { text, by: failure.by, code, subcode, agoMs };
}

function negotiatedStatus(agreed: Negotiated, session: Session, ours: readonly Capability[]): BgpNegotiatedStatus {
  const { remoteAsn, remoteIdentifier, remoteHostname, internal, holdMs, keepaliveMs, fourOctetAs, families, role, remoteRole, restart } = agreed;
  return {
    remoteAsn,
    remoteIdentifier,
    remoteHostname,
    internal,
    holdMs,
    keepaliveMs,
    holdLeftMs: session.timeLeft("Hold"),
    keepaliveLeftMs: session.timeLeft("Keepalive"),
    fourOctetAs,
    families,
    role,
    remoteRole,
    restart,
    remoteCapabilities: agreed.remoteCapabilities.map(describeCapability),
    localCapabilities: ours.map(describeCapability),
    agreedCapabilities: ours.filter((one) => agreed.remoteCapabilities.some((other) => isSameCapability(one, other))).map(describeCapability),
  };
}

/** Whatever their values, but for the family, each of which is a capability of its own. */
function isSameCapability(a: Capability, b: Capability): boolean {
  if (a.name === "multiprotocol") return b.name === "multiprotocol" && a.afi === b.afi && a.safi === b.safi;
  return a.name === b.name;
}

function notes(config: BgpPeer, agreed: Negotiated, families: BgpPeerStatus["families"], tooLong: number): string[] {
  const lines = config.families.flatMap((family) => {
    const { wanted, nextHop } = families[family];
    if (wanted === 0) return [];
    if (!agreed.families.includes(family)) return [`${wanted} ${family} prefixes are not announced: the peer does not speak ${family} unicast`];
    if (nextHop !== undefined) return [];
    const orExtended = family === "ipv4" && !isIpv4(config.address) ? ", and the peer does not take an IPv6 one (extended next hop, RFC 8950)" : "";
    return [`${wanted} ${family} prefixes are not announced: the interface of this session has no ${family} address to be their next hop${orExtended}`];
  });
  for (const family of agreed.families) {
    const { held } = families[family];
    if (held > 0) lines.push(`${held} ${family} prefixes are held back: the peer gets no more than ${config.maxPrefixes} (max_prefixes); raise it, after the limit of the router`);
  }
  if (agreed.withoutCapabilities) lines.push("the session runs without capabilities, which the peer refused: IPv4 alone and no route refresh; the next session is tried with them again");
  if (config.gracefulRestartMs > 0 && agreed.restart.keepsRoutesMs === 0) {
    lines.push("it will drop the routes when the daemon restarts, although graceful_restart is set: the router does not offer to help with a graceful restart");
  }
  if (tooLong > 0) lines.push(`${tooLong} routes have so many communities that they do not fit a message`);
  return lines;
}

/** In OpenSent a peer has four minutes; what to look at is known long before. */
function waiting({ config, state, inStateMs }: PeerFacts): string[] {
  return state === "OpenSent" && inStateMs > config.connectTimeMs ? [noOpen(config)] : [];
}

function formatNextHop(nextHop: NextHop): string {
  if (nextHop.family === "ipv4") return nextHop.address;
  return nextHop.linkLocal === undefined ? nextHop.global : `${nextHop.global} ${nextHop.linkLocal}`;
}
