/** The reports of the daemon as tables and sentences for people. Pure. */
import type { ExplainReport, HostReport, PoolReport, StatusReport, VipReport } from "../admin/index.ts";
import { formatDuration, formatTable, NOTHING, orNothing } from "./table.ts";

export function showStatus(report: StatusReport): string {
  const { kubernetes, vips, allocator, peers, bfd } = report;
  const age = kubernetes.current_seconds_ago;
  const view = {
    none: "nothing read yet",
    cache: "as the cache on disk has it; nothing has been read from the API since the start",
    api: age === null ? "read from the API" : `current ${formatDuration(age)} ago`,
  }[kubernetes.view];
  const lines = [
    ["host", `${report.host}, ${report.state}${report.drained_since === null ? "" : `, drained since ${report.drained_since}`}, up ${formatDuration(report.uptime_seconds)}, rank ${report.rank} (${report.rank_reason})`],
    ["kubernetes", `${kubernetes.server}, ${view}`],
    ["allocator", allocator.here ? "this host" : orNothing(allocator.host)],
    ["VIPs", `${vips.total} in all, ${vips.answered_here} answered here, ${vips.routes_announced} routes announced`],
    ["BGP", `${peers.established} of ${peers.configured} peers established${bfd.configured === 0 ? "" : `, ${bfd.up} of ${bfd.configured} paths up by BFD`}`],
  ] as const;
  const head = lines.map(([key, text]) => `${key.padEnd(11)} ${text}\n`).join("");
  const segments = formatTable(
    ["INTERFACE", "STATE", "VIPS", "HOSTS", "ANSWERED"],
    report.segments.map((s) => [s.interface, s.state, String(s.vips), String(s.hosts_heard), String(s.frames_answered)]),
  );
  const troubles = new Set([...kubernetes.watches.flatMap((watch) => watch.error ?? []), ...report.warnings]);
  const warnings = Array.from(troubles, (trouble) => `warning: ${trouble}\n`);
  return `${head}\n${segments}${warnings.length > 0 ? `\n${warnings.join("")}` : ""}`;
}

export function showVips(reports: readonly VipReport[]): string {
  return formatTable(
    ["ADDRESS", "SERVICE", "POOL", "OWNER", "ANSWERED-ON", "ANNOUNCED-TO"],
    reports.map((vip) => [
      vip.address,
      orNothing(vip.service),
      orNothing(vip.pool),
      orNothing(
        Object.entries(vip.owners)
          .map(([segment, owner]) => `${segment}:${owner ?? "?"}`)
          .join(","),
      ),
      orNothing(vip.answered_on.join(",")),
      orNothing(vip.announced_to.join(",")),
    ]),
  );
}

export function showExplanations(reports: readonly ExplainReport[]): string {
  return reports.map(showExplanation).join("\n");
}

function showExplanation(report: ExplainReport): string {
  const head = `${report.address} ${report.service === null ? "" : `of Service ${report.service} `}${report.answers_here ? "answers here" : "does not answer here"}\n`;
  const ways = report.ways.map((way) => `  ${way.here ? "yes" : "no "}  ${way.way}: ${way.because}\n`).join("");
  const candidates = Object.entries(report.candidates).map(([segment, hosts]) => {
    const rows = hosts.map((host, i) => [String(i + 1), host.host, String(host.rank), host.note]);
    return `\ncandidates on ${segment}:\n${formatTable(["", "HOST", "RANK", "NOTE"], rows)}`;
  });
  return head + ways + candidates.join("");
}

export function showHosts(reports: readonly HostReport[]): string {
  return formatTable(
    ["HOST", "INTERFACE", "STATE", "RANK", "SERVING", "HEARD", "NODE", "REASON"],
    reports.map((host) => [
      host.self ? `${host.name} (this)` : host.name,
      orNothing(host.interface),
      host.state,
      String(host.rank),
      String(host.serving),
      host.heard_ms_ago === null ? NOTHING : `${Math.round(host.heard_ms_ago)}ms`,
      orNothing(host.node),
      host.reason,
    ]),
  );
}

export function showPools(reports: readonly PoolReport[]): string {
  return formatTable(
    ["POOL", "USED", "SIZE", "ANNOUNCED-BY", "ADDRESSES"],
    reports.map((pool) => [pool.name, String(pool.used), pool.size, orNothing(pool.announced_by.join(",")), pool.addresses.join(",")]),
  );
}
