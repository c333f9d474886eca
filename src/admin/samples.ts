/** The daemon's metrics, read from its reports and parts. */
import type { BfdStatus } from "../bfd/index.ts";
import type { BgpStatus } from "../bgp/index.ts";
import type { L2Status } from "../l2/index.ts";
import type { Sample } from "./exposition.ts";
import type { PoolReport, StatusReport } from "./reports.ts";

export type SampleSources = {
  readonly status: StatusReport;
  readonly pools: readonly PoolReport[];
  readonly l2: L2Status;
  readonly bgp: BgpStatus | undefined;
  readonly bfd: BfdStatus;
  readonly linesLost: number;
};

export function samplesOf({ status, pools, l2, bgp, bfd, linesLost }: SampleSources): readonly Sample[] {
  const gauge = (name: string, help: string, value: number, labels?: Readonly<Record<string, string>>): Sample => ({ name: `bmlb_${name}`, help, type: "gauge", value, ...(labels && { labels }) });
  const counter = (name: string, help: string, value: number, labels?: Readonly<Record<string, string>>): Sample => ({ ...gauge(name, help, value, labels), type: "counter" });
  return [
    gauge("info", "Always 1; the labels say what runs.", 1, { version: status.version, host: status.host }),
    gauge("ready", "1 when the daemon serves what it knows.", Number(status.state === "ready")),
    gauge("configuration_as_in_files", "0 after a reload that failed, and after a start with the last good copy of the configuration.", Number(status.configuration === "as in the files")),
    gauge("rank", "How fit this host says it is: 3 eligible, 2 probation, 1 doubtful, 0 never.", status.rank),
    gauge("vips", "Addresses of Services that are in a configured pool.", status.vips.total),
    gauge("vips_answered", "Addresses for which this host answers ARP or NDP.", status.vips.answered_here),
    gauge("drained", "1 while this host is drained.", Number(status.drained_since !== null)),
    gauge("allocator", "1 while this host is the allocator.", Number(status.allocator.here)),
    ...(status.kubernetes.current_seconds_ago === null ? [] : [gauge("kubernetes_view_age_seconds", "Since the view of the cluster was known to be current.", status.kubernetes.current_seconds_ago)]),
    ...status.kubernetes.watches.map((watch) => gauge("kubernetes_objects", "Objects known, by kind.", watch.objects, { kind: watch.kind })),
    ...status.kubernetes.watches.map((watch) => gauge("kubernetes_watch_failing", "1 while a watch cannot be had.", Number(watch.error !== null), { kind: watch.kind })),
    ...status.segments.map((segment) => gauge("hosts_heard", "Other hosts whose hellos are heard, by interface.", segment.hosts_heard, { interface: segment.interface })),
    ...l2.segments.flatMap(({ segment, counters }) => [
      counter("l2_answers_total", "Requests and solicitations answered, by interface.", counters.answered.arp, { interface: segment, protocol: "arp" }),
      counter("l2_answers_total", "Requests and solicitations answered, by interface.", counters.answered.ndp, { interface: segment, protocol: "ndp" }),
      counter("l2_announcements_total", "Frames by which VIPs were announced, by interface.", counters.announcements, { interface: segment }),
      counter("l2_unsent_total", "Frames that the kernel did not take, by interface.", counters.unsent, { interface: segment }),
    ]),
    ...pools.map((pool) => gauge("pool_used", "Addresses in use, by pool.", pool.used, { pool: pool.name })),
    ...pools.map((pool) => gauge("pool_size", "Addresses in all, by pool.", Number(pool.size), { pool: pool.name })),
    ...(bgp?.peers ?? []).flatMap((peer) => [
      gauge("bgp_established", "1 while the session is established, by peer.", Number(peer.state === "Established"), { peer: peer.name }),
      gauge("bgp_prefixes_announced", "Prefixes that the peer has been told.", peer.families.ipv4.announced, { peer: peer.name, family: "ipv4" }),
      gauge("bgp_prefixes_announced", "Prefixes that the peer has been told.", peer.families.ipv6.announced, { peer: peer.name, family: "ipv6" }),
      gauge("bgp_prefixes_wanted", "Prefixes that the peer should have.", peer.families.ipv4.wanted, { peer: peer.name, family: "ipv4" }),
      gauge("bgp_prefixes_wanted", "Prefixes that the peer should have.", peer.families.ipv6.wanted, { peer: peer.name, family: "ipv6" }),
      gauge("bgp_state_seconds", "How long the session has been in its state.", peer.inStateMs / 1000, { peer: peer.name, state: peer.state }),
      gauge("bgp_unsent_octets", "Octets that the peer has not taken.", peer.queued, { peer: peer.name }),
      ...(["sent", "received"] as const).flatMap((direction) =>
        Object.entries(peer.messages[direction]).map(([type, count]) => counter("bgp_messages_total", "Messages of BGP, by peer, direction and type.", count, { peer: peer.name, direction, type })),
      ),
      counter("bgp_malformed_updates_total", "UPDATEs received in which something was malformed, in the present session.", peer.received.malformed, { peer: peer.name }),
      counter("bgp_failures_total", "Attempts and sessions that failed.", peer.failedAttempts, { peer: peer.name }),
      gauge("bgp_prefixes_held_back", "Prefixes that max_prefixes keeps from the peer.", peer.families.ipv4.held, { peer: peer.name, family: "ipv4" }),
      gauge("bgp_prefixes_held_back", "Prefixes that max_prefixes keeps from the peer.", peer.families.ipv6.held, { peer: peer.name, family: "ipv6" }),
      counter("bgp_establishments_total", "How often the session was established.", peer.establishments, { peer: peer.name }),
    ]),
    ...bfd.sessions.flatMap((session) => [
      gauge("bfd_up", "1 while BFD says that the path to the peer is up.", Number(session.state === "up"), { peer: session.peer }),
      ...(session.detectionMs === undefined ? [] : [gauge("bfd_detection_seconds", "How long the peer may be silent before the path is down.", session.detectionMs / 1000, { peer: session.peer })]),
      counter("bfd_ups_total", "How often the path came up.", session.ups, { peer: session.peer }),
      counter("bfd_downs_total", "How often the path went down from up.", session.downs, { peer: session.peer }),
      ...(["sent", "received", "discarded"] as const).map((what) => counter("bfd_packets_total", "Control packets of BFD; those discarded were malformed or of nobody that was expected.", session.packets[what], { peer: session.peer, packets: what })),
    ]),
    gauge("bfd_problems", "What keeps all sessions of BFD from working, such as another BFD daemon; bmlb bfd says what.", bfd.problems.length),
    counter("log_lines_lost_total", "Log lines lost because their reader stalled.", linesLost),
  ];
}
