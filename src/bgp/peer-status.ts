/** A peer's state in the words of status.ts, with the sentences that tell an operator what to look at. Pure. */
import type { Family } from "../net/index.ts";
import { type NextHop, describeCapability } from "../wire/index.ts";
import type { AdjRibOut } from "./adj-rib-out.ts";
import type { BgpPeer } from "./desired.ts";
import { type Failure, noOpen } from "./failure.ts";
import type { State } from "./fsm.ts";
import type { Traffic } from "./message-counts.ts";
import type { Negotiated } from "./negotiated.ts";
import type { Session } from "./session.ts";
import type { BgpErrorStatus, BgpFamilyStatus, BgpNegotiatedStatus, BgpPeerStatus } from "./status.ts";
import type { Transmitter } from "./transmitter.ts";

export type PeerFacts = {
  readonly config: BgpPeer;
  readonly state: State;
  readonly inStateMs: number;
  /** The connection that is nearest to an established session. */
  readonly current: Session | undefined;
  readonly openedBy: "us" | "peer" | undefined;
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
  const { name, address, zone, port, localAsn, asn } = config;
  const families = { ipv4: familyStatus("ipv4", facts), ipv6: familyStatus("ipv6", facts) };
  const established = facts.state === "Established" ? current?.agreed : undefined;
  return {
    name,
    address,
    zone,
    port,
    localAsn,
    asn,
    state: facts.state,
    inStateMs: facts.inStateMs,
    openedBy: facts.openedBy,
    localAddress: current?.local,
    lastError: errorStatus(facts.failure),
    nextRetryMs: facts.nextRetryMs,
    failedAttempts: facts.failedAttempts,
    establishments: facts.establishments,
    negotiated: current?.agreed === undefined ? undefined : negotiatedStatus(current.agreed, current.timeLeft("Hold")),
    families,
    received: facts.received,
    messages: facts.traffic,
    queued: current?.queued ?? 0,
    notes: established === undefined ? waiting(facts) : notes(config, established, families, facts.transmitter.tooLong),
    hint: established?.internal === false ? "if routes do not show there, the router's import policy may drop them (RFC 8212)" : undefined,
  };
}

function familyStatus(family: Family, { rib, transmitter }: PeerFacts): BgpFamilyStatus {
  const { sent, wanted } = rib.count(family);
  const nextHop = transmitter.nextHop(family);
  return { announced: sent, wanted, nextHop: nextHop === undefined ? undefined : formatNextHop(nextHop) };
}

function errorStatus(last: PeerFacts["failure"]): BgpErrorStatus | undefined {
  if (last === undefined) return undefined;
  const { failure, text, agoMs } = last;
  const { code, subcode } = failure.by === "network" ? {} : failure.notification;
  return { text, by: failure.by, code, subcode, agoMs };
}

function negotiatedStatus(agreed: Negotiated, holdLeftMs: number | undefined): BgpNegotiatedStatus {
  const { remoteAsn, remoteIdentifier, remoteHostname, internal, holdMs, keepaliveMs, fourOctetAs, families, restart } = agreed;
  return {
    remoteAsn,
    remoteIdentifier,
    remoteHostname,
    internal,
    holdMs,
    keepaliveMs,
    holdLeftMs,
    fourOctetAs,
    families,
    restart,
    remoteCapabilities: agreed.remoteCapabilities.map(describeCapability),
  };
}

function notes(config: BgpPeer, agreed: Negotiated, families: BgpPeerStatus["families"], tooLong: number): string[] {
  const lines = config.families.flatMap((family) => {
    const { wanted, nextHop } = families[family];
    if (wanted === 0) return [];
    if (!agreed.families.includes(family)) return [`${wanted} ${family} prefixes are not announced: the peer does not speak ${family} unicast`];
    if (nextHop !== undefined) return [];
    return [`${wanted} ${family} prefixes are not announced: the interface of this session has no ${family} address to be their next hop`];
  });
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
