/** What the interop suite asks of a router, whatever its make. */
import { type Host, eventually } from "../../lab/index.ts";

export type Family = "ipv4" | "ipv6";

/** Us, as the router is configured for us. */
export type Neighbor = {
  /** Lower-case letters; no other neighbor has it. */
  readonly name: string;
  readonly address: string;
  /** Of its own addresses, the one that this session has. */
  readonly local: string;
  /** The AS that it expects. */
  readonly asn: number;
  readonly families: readonly Family[];
  /** "waits": passive. "dials": it connects to us, once a second if it can. */
  readonly opening: "waits" | "dials";
  readonly capabilities: "all" | "no-four-octet-as" | "none";
  readonly password?: string;
  readonly ttlSecurity?: boolean;
  /** Hops away; absent = adjacent. */
  readonly multihop?: number;
  /** It keeps our routes while we restart (RFC 4724). */
  readonly helpsRestart?: boolean;
  /** That it offers; absent = its default. */
  readonly holdSeconds?: number;
};

export type RouterSetup = {
  readonly asn: number;
  readonly routerId: string;
  readonly neighbors: readonly Neighbor[];
  /** It refuses a shorter hold time, if it can. */
  readonly leastHoldSeconds: number;
};

/** A route as the router shows it: communities as numbers joined by colons, sorted as they came. */
export type SeenRoute = {
  readonly origin: string;
  /** "64500 64500"; "" inside one AS. */
  readonly asPath: string;
  /** Its global one. */
  readonly nextHop: string;
  readonly med: number | undefined;
  readonly localPref: number | undefined;
  readonly standard: readonly string[];
  readonly large: readonly string[];
  /** "rt:64500:7". */
  readonly extended: readonly string[];
};

export interface Router {
  readonly host: Host;
  /** The route to the prefix that the neighbor gave it; undefined if it has none. */
  route(neighbor: Neighbor, prefix: string): Promise<SeenRoute | undefined>;
  /** How many routes of both families it has from the neighbor. */
  count(neighbor: Neighbor): Promise<number>;
  /** Has it ask for everything once more (RFC 2918). */
  refresh(neighbor: Neighbor): Promise<void>;
  /** Closes the session and keeps it closed, with a text (RFC 9003). */
  shutDown(neighbor: Neighbor, text: string): Promise<void>;
  stop(): Promise<void>;
  /** Starts it anew, with the same configuration. */
  start(): Promise<void>;
}

/** What the suite may find in a make of router; the reason is for the report. */
export type RouterKind<Row extends string> = {
  readonly name: string;
  /** As it says itself: "10.3". "" where it cannot be run. */
  readonly version: string;
  /** Rows that it has no means for. */
  readonly cannot: Readonly<Partial<Record<Row, string>>>;
  /** Rows that it has no means for over IPv6 only. */
  readonly cannotOverIpv6?: Readonly<Partial<Record<Row, string>>>;
  /** A line of its log that says that something we sent was wrong. */
  readonly complaint: RegExp;
  readonly start: (host: Host, setup: RouterSetup) => Promise<Router>;
};

/** Waits until a log line of the router contains the text. */
export async function heard(router: Router, text: string): Promise<string> {
  return await eventually(`the router says "${text}"`, 5000, () => lines(router).find((line) => line.includes(text)));
}

/** What the kernel of a speaker that is killed sends for it, if there was something that it had not read. */
const RESET = /connection reset by peer/i;

/** Lines of its log that complain, of those that are not about the neighbors whose sessions are meant to fail. */
export function complaints(router: Router, pattern: RegExp, meantToFail: readonly Neighbor[]): readonly string[] {
  const about = meantToFail.map(({ name, address }) => new RegExp(`(?<![\\w.:])(${name}|${address.replaceAll(".", "\\.")})(?![\\w.:]*\\w)`));
  return lines(router).filter((line) => pattern.test(line) && !RESET.test(line) && !about.some((one) => one.test(line)));
}

function lines(router: Router): readonly string[] {
  return router.host.processes.flatMap((process) => process.lines.map(({ text }) => text));
}

const WELL_KNOWN: Readonly<Record<string, string>> = {
  "graceful-shutdown": "65535:0",
  "blackhole": "65535:666",
  "no-export": "65535:65281",
  "no-advertise": "65535:65282",
  "no-export-subconfed": "65535:65283",
  "local-as": "65535:65283",
  "no-peer": "65535:65284",
  "no-llgr": "65535:7",
};

/** A standard community by whatever name the router has for it. */
export function communityNumber(text: string): string {
  return WELL_KNOWN[text.toLowerCase().replaceAll("_", "-")] ?? text;
}
