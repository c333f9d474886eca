/** The sessions of BGP: all in a table, or all about one. Pure. */
import type { PeerReport } from "../admin/index.ts";
import { formatDuration, formatTable, orNothing } from "./table.ts";

export function showPeers(reports: readonly PeerReport[], target: string | undefined): string {
  return target === undefined ? table(reports) : reports.map(inFull).join("\n");
}

export function allEstablished(reports: readonly PeerReport[]): boolean {
  return reports.every(({ state }) => state === "Established");
}

function table(reports: readonly PeerReport[]): string {
  return formatTable(
    ["PEER", "ADDRESS", "AS", "STATE", "SINCE", "SENT", "WANTED", "BFD", "REMARKS"],
    reports.map((peer) => [
      peer.name,
      peer.address,
      peer.asn,
      peer.state,
      formatDuration(peer.since_seconds),
      String(peer.routes),
      String(peer.routes_wanted),
      orNothing(peer.bfd?.state),
      orNothing(remarks(peer)),
    ]),
  );
}

/** What is wrong now; without that, why there is no session. What once ended a session that is up again is said of one peer only. */
function remarks({ state, notes, last_error }: PeerReport): string {
  if (notes.length > 0) return notes.join("; ");
  return state === "Established" ? "" : (last_error ?? "");
}

function inFull(peer: PeerReport): string {
  const lines: readonly (readonly [string, string])[] = [
    ["peer", `${peer.name}, ${peer.address}, AS ${peer.asn}`],
    ["state", `${peer.state} for ${formatDuration(peer.since_seconds)}`],
    ["last error", lastError(peer)],
    ...(["ipv4", "ipv6"] as const).map((family) => [family, familyInWords(peer.families[family])] as const),
    ["agreed", orNothing(peer.capabilities?.agreed.join(", "))],
    ["only ours", orNothing(beyond(peer, "ours"))],
    ["only there", orNothing(beyond(peer, "peer"))],
    ["timers", timers(peer)],
    ["BFD", bfd(peer)],
    ...peer.notes.map((note) => ["note", note] as const),
    ...(peer.hint === null ? [] : [["hint", peer.hint] as const]),
  ];
  return lines.map(([key, text]) => `${key.padEnd(11)} ${text}\n`).join("");
}

const SENDERS = { us: "sent by this host", peer: "sent by the peer", network: "" } as const;

function lastError({ error }: PeerReport): string {
  if (error === null) return "none";
  const numbers = error.code === null ? "" : `code ${error.code} subcode ${error.subcode ?? 0}`;
  const facts = [SENDERS[error.sent_by], numbers, `${formatDuration(error.seconds_ago)} ago`].filter((fact) => fact !== "");
  return `${error.text}; ${facts.join(", ")}`;
}

function familyInWords({ sent, wanted, held_back: held, next_hop: nextHop }: PeerReport["families"]["ipv4"]): string {
  return `${sent} of ${wanted} prefixes sent${held === 0 ? "" : `, ${held} held back`}${nextHop === null ? "" : `, next hop ${nextHop}`}`;
}

function bfd({ bfd: session }: PeerReport): string {
  if (session === null) return "none: the peer names no profile";
  const detection = session.detection_ms === null ? "" : `, ${Number(session.detection_ms.toFixed(1))}ms of silence are noticed`;
  return `${session.state} for ${formatDuration(session.since_seconds)}${detection}`;
}

/** What one side offered and the other did not, whatever its values: "graceful-restart 120s" is agreed beside one of 30 s. */
function beyond({ capabilities }: PeerReport, side: "ours" | "peer"): string {
  const agreed = new Set(capabilities?.agreed.map(nameOf));
  return (capabilities?.[side] ?? []).filter((one) => !agreed.has(nameOf(one))).join(", ");
}

function nameOf(capability: string): string {
  return capability.split(" ", 1)[0] ?? "";
}

function timers({ timers: { hold, keepalive, hold_left: holdLeft, keepalive_left: keepaliveLeft, next_retry: nextRetry } }: PeerReport): string {
  const left = (seconds: number | null): string => (seconds === null ? "" : ` (${Math.ceil(seconds)}s left)`);
  const session = hold === null ? [] : hold === 0 ? ["none: the hold time is 0"] : [`hold ${hold}s${left(holdLeft)}`, `keepalive ${keepalive ?? 0}s${left(keepaliveLeft)}`];
  return orNothing([...session, ...(nextRetry === null ? [] : [`next attempt in ${Math.ceil(nextRetry)}s`])].join(", "));
}
