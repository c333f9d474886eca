/**
 * What the sockets answer: the JSON that `--json` prints and from which the tables for people are made. Scripts rely on
 * these names; fields are added, never renamed.
 */

export type StatusReport = {
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  readonly state: "starting" | "ready" | "stopping";
  /** The second after a reload that failed, and after a start with the last good copy; `warnings` say why. */
  readonly configuration: "as in the files" | "not as in the files";
  readonly uptime_seconds: number;
  readonly rank: number;
  readonly rank_reason: string;
  /** Since when it is drained (RFC 3339); null if it is not. */
  readonly drained_since: string | null;
  readonly kubernetes: {
    readonly server: string;
    /** Where the view of the cluster comes from. */
    readonly view: "none" | "cache" | "api";
    /** Since the view was last known to be current; null before that ever was. */
    readonly current_seconds_ago: number | null;
    readonly watches: readonly WatchReport[];
  };
  readonly allocator: { readonly host: string | null; readonly here: boolean };
  readonly vips: { readonly total: number; readonly answered_here: number; readonly routes_announced: number };
  readonly segments: readonly SegmentReport[];
  readonly peers: { readonly configured: number; readonly established: number };
  readonly bfd: { readonly configured: number; readonly up: number };
  /** Sentences about what is not as it should be. */
  readonly warnings: readonly string[];
};

export type WatchReport = {
  readonly kind: string;
  readonly state: string;
  readonly objects: number;
  readonly error: string | null;
};

export type SegmentReport = {
  readonly interface: string;
  readonly state: string;
  readonly vips: number;
  readonly hosts_heard: number;
  readonly frames_answered: number;
};

export type VipReport = {
  readonly address: string;
  readonly service: string | null;
  readonly pool: string | null;
  /** Interfaces on which this host answers for it. */
  readonly answered_on: readonly string[];
  /** Peers to which this host announces it. */
  readonly announced_to: readonly string[];
  /** By interface, the host that answers there, if known. */
  readonly owners: Readonly<Record<string, string | null>>;
};

export type ExplainReport = {
  readonly address: string;
  readonly service: string | null;
  readonly pool: string | null;
  readonly answers_here: boolean;
  /** One sentence for each way of announcing it, and why it is or is not used here. */
  readonly ways: readonly { readonly way: string; readonly here: boolean; readonly because: string }[];
  /** By interface, the candidates in the order of the fleet. */
  readonly candidates: Readonly<Record<string, readonly { readonly host: string; readonly rank: number; readonly note: string }[]>>;
};

export type HostReport = {
  readonly name: string;
  readonly self: boolean;
  readonly interface: string | null;
  readonly state: string;
  readonly rank: number;
  readonly reason: string;
  readonly serving: number;
  readonly heard_ms_ago: number | null;
  readonly node: string | null;
  readonly address: string | null;
};

export type PoolReport = {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly size: string;
  readonly used: number;
  readonly announced_by: readonly string[];
};

export type PeerReport = {
  readonly name: string;
  readonly address: string;
  readonly asn: string;
  readonly state: string;
  readonly since_seconds: number;
  /** Prefixes that it has been told. */
  readonly routes: number;
  /** Prefixes that it should have. */
  readonly routes_wanted: number;
  readonly families: Readonly<Record<"ipv4" | "ipv6", { readonly sent: number; readonly wanted: number; readonly held_back: number; readonly next_hop: string | null }>>;
  /** What is not as it should be now. */
  readonly notes: readonly string[];
  /** Why there is no session, or what ended the one before this. */
  readonly last_error: string | null;
  readonly error: BgpErrorReport | null;
  /** What the two OPENs offered, and what both did; null before the peer's. */
  readonly capabilities: { readonly agreed: readonly string[]; readonly ours: readonly string[]; readonly peer: readonly string[] } | null;
  readonly timers: BgpTimersReport;
  /** Null: the path to it is not watched. */
  readonly bfd: BfdSessionReport | null;
  /** Where to look if the routes do not show at the peer, though nothing is known to be wrong. */
  readonly hint: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
};

/** The sentence of `last_error`, and what it was made of. */
export type BgpErrorReport = {
  readonly text: string;
  readonly sent_by: "us" | "peer" | "network";
  /** Of the NOTIFICATION (RFC 4271 4.5); null: there was none. */
  readonly code: number | null;
  readonly subcode: number | null;
  readonly seconds_ago: number;
};

/** In seconds; what does not run is null. The first two are as agreed: 0 and 0 for a session without timers, null without a session. */
export type BgpTimersReport = {
  readonly hold: number | null;
  readonly keepalive: number | null;
  /** Until the session is given up, if nothing is heard. */
  readonly hold_left: number | null;
  readonly keepalive_left: number | null;
  readonly next_retry: number | null;
};

/** One session of BFD. */
export type BfdSessionReport = {
  readonly peer: string;
  readonly address: string;
  /** Null while no way to the peer is known. */
  readonly local_address: string | null;
  readonly multihop: boolean;
  readonly state: BfdStateReport;
  readonly since_seconds: number;
  /** Why it was last not up; null if it never was up. */
  readonly diagnostic: string | null;
  /** What the peer last said; null before its first packet. */
  readonly remote_state: BfdStateReport | null;
  readonly remote_diagnostic: string | null;
  readonly local_discriminator: number;
  /** 0: not known. */
  readonly remote_discriminator: number;
  /** As agreed: time between two packets of ours, how long the peer may be silent, time between two echo packets; null: none. */
  readonly transmit_ms: number | null;
  readonly detection_ms: number | null;
  readonly echo_ms: number | null;
  readonly packets: { readonly sent: number; readonly received: number; readonly discarded: number };
  readonly ups: number;
  readonly downs: number;
  /** What keeps it from being up, as a sentence; null if it is. */
  readonly because: string | null;
};

export type BfdStateReport = "admin-down" | "down" | "init" | "up";

/** `problems`: sentences about what concerns all sessions. */
export type BfdReport = { readonly sessions: readonly BfdSessionReport[]; readonly problems: readonly string[] };

export type RouteReport = {
  readonly peer: string;
  readonly prefix: string;
  readonly family: "ipv4" | "ipv6";
  /** "changing": the peer has it with other attributes; "withdrawing": it has it and should not; "waiting": it should have it and does not. */
  readonly state: "sent" | "changing" | "withdrawing" | "waiting";
  /** Why the peer does not have what it should; null if it does. */
  readonly because: string | null;
  /**
   * As they stand in the message that the peer was sent, in the order of the wire: `origin`, `as_path`, `next_hop`, `med`, `local_pref`,
   * `communities` and so on; null if it was sent none, or another one since.
   */
  readonly attributes: Readonly<Record<string, string | number | true | readonly string[]>> | null;
  /** Of the communities in `attributes`, those that [bgp.communities] has a name for: "64500:100" is "gold". */
  readonly community_names: Readonly<Record<string, string>>;
  /** Who asks for it: the first of `vips_total`. */
  readonly vips: readonly { readonly address: string; readonly service: string | null; readonly advertisement: string | null }[];
  readonly vips_total: number;
};

/** A question that was not understood or concerns nothing that is known; `error` is for people. */
export type ErrorReport = { readonly error: string };

/** What became of an order to read the configuration again. */
export type ReloadReport = {
  /** What the files say is in force. False: nothing changed. */
  readonly applied: boolean;
  /** "[[pool]] lan added" */
  readonly changes: readonly string[];
  /** "FILE:LINE: key.path: message"; empty if it was applied. */
  readonly problems: readonly string[];
  /** Likewise. */
  readonly warnings: readonly string[];
};

/** What became of an order to drain this host, or to end that. */
export type DrainReport = {
  /** It is drained now. */
  readonly drained: boolean;
  /** It was otherwise before. */
  readonly changed: boolean;
  /** For people: what follows, or why nothing does. */
  readonly note: string;
};

/** What is asked, and what is answered. */
export type Reports = {
  readonly "/v1/status": StatusReport;
  readonly "/v1/vips": readonly VipReport[];
  /** With ?target=NAMESPACE/NAME or an address; one report for each address. */
  readonly "/v1/explain": readonly ExplainReport[];
  readonly "/v1/hosts": readonly HostReport[];
  readonly "/v1/pools": readonly PoolReport[];
  /** With ?target=PEER: of that peer only. */
  readonly "/v1/bgp/peers": readonly PeerReport[];
  readonly "/v1/bfd": BfdReport;
  /** With ?target=PEER: of that peer only. In no order. */
  readonly "/v1/bgp/routes": readonly RouteReport[];
};

/** What is ordered on the control socket, and what came of it. */
export type Orders = { readonly "/v1/reload": ReloadReport; readonly "/v1/drain": DrainReport; readonly "/v1/undrain": DrainReport };
