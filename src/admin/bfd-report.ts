/** What is reported of BFD. Pure. */
import type { BfdSessionStatus, BfdStatus } from "../bfd/index.ts";
import type { BfdReport, BfdSessionReport } from "./reports.ts";

export function bfdReport({ sessions, problems }: BfdStatus): BfdReport {
  return { sessions: sessions.map(bfdSessionReport), problems };
}

export function bfdSessionReport(session: BfdSessionStatus): BfdSessionReport {
  return {
    peer: session.peer,
    address: session.zone === undefined ? session.remote : `${session.remote}%${session.zone}`,
    local_address: session.local ?? null,
    multihop: session.multihop,
    state: session.state,
    since_seconds: Math.round(session.inStateMs / 1000),
    diagnostic: session.diagnostic ?? null,
    remote_state: session.remoteState ?? null,
    remote_diagnostic: session.remoteDiagnostic ?? null,
    local_discriminator: session.localDiscriminator,
    remote_discriminator: session.remoteDiscriminator,
    transmit_ms: session.transmitMs ?? null,
    detection_ms: session.detectionMs ?? null,
    echo_ms: session.echoMs ?? null,
    packets: session.packets,
    ups: session.ups,
    downs: session.downs,
    because: session.state === "up" ? null : whyNotUp(session),
  };
}

/** For the notes about a peer; undefined if there is nothing to note. */
export function bfdNote(session: BfdSessionStatus): string | undefined {
  return session.state === "up" ? undefined : `BFD with ${session.peer} is down: ${whyNotUp(session)}`;
}

function whyNotUp({ problem, remoteDiagnostic, diagnostic }: BfdSessionStatus): string {
  return problem ?? diagnostic ?? remoteDiagnostic ?? "the peer has not answered yet";
}
