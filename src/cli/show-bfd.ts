/** The sessions of BFD as a table for people. Pure. */
import type { BfdReport } from "../admin/index.ts";
import { formatDuration, formatTable, NOTHING, orNothing } from "./table.ts";

export function showBfd({ sessions, problems }: BfdReport): string {
  const table = formatTable(
    ["PEER", "ADDRESS", "STATE", "SINCE", "THERE", "SEND-EVERY", "DETECT-IN", "ECHO", "SENT", "RECEIVED", "DISCARDED", "UPS", "DOWNS", "DISCRIMINATORS", "REMARKS"],
    sessions.map((session) => [
      session.peer,
      session.multihop ? `${session.address} (several hops)` : session.address,
      session.state,
      formatDuration(session.since_seconds),
      orNothing(session.remote_state),
      milliseconds(session.transmit_ms),
      milliseconds(session.detection_ms),
      milliseconds(session.echo_ms),
      String(session.packets.sent),
      String(session.packets.received),
      String(session.packets.discarded),
      String(session.ups),
      String(session.downs),
      `${hexadecimal(session.local_discriminator)},${hexadecimal(session.remote_discriminator)}`,
      orNothing(session.because ?? lastDown(session)),
    ]),
  );
  return `${table}${problems.map((problem) => `warning: ${problem}\n`).join("")}`;
}

export function allUp({ sessions, problems }: BfdReport): boolean {
  return problems.length === 0 && sessions.every(({ state }) => state === "up");
}

/** Of a path that is up again, why it was not. */
function lastDown({ downs, diagnostic }: BfdReport["sessions"][number]): string {
  return downs > 0 && diagnostic !== null ? `was down: ${diagnostic}` : "";
}

function milliseconds(ms: number | null): string {
  return ms === null ? NOTHING : `${Number(ms.toFixed(1))}ms`;
}

function hexadecimal(discriminator: number): string {
  return discriminator === 0 ? NOTHING : `0x${discriminator.toString(16).padStart(8, "0")}`;
}
