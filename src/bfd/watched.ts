/** One session as the main loop sees it: what it is to be, the sockets that it has, and what its part in the thread reported last. */
import { type Address, isIpv4 } from "../net/index.ts";
import { bfdDiagnostic } from "../wire/index.ts";
import type { BfdProfile, BfdSession } from "./desired.ts";
import type { EchoPaths } from "./echo-path.ts";
import { portOf } from "./listeners.ts";
import { type Discard, PacketCounters, type Report } from "./messages.ts";
import type { BfdSessionStatus } from "./status.ts";

/** What a session has while it can send and hear. */
export type Open = {
  readonly local: Address;
  readonly listener: number;
  readonly fd: number;
  readonly sourcePort: number;
  readonly echo: EchoPaths;
  /** Index of its interface when its sockets were opened. */
  readonly interface: number | undefined;
};

/** A sentence; `whose`: whether it keeps other sessions from working as well. */
export type Trouble = { readonly whose: "host" | "session"; readonly sentence: string };

export class Watched {
  readonly discriminator: number;
  readonly counters = new PacketCounters();
  wanted: BfdSession;
  open: Open | undefined;
  /** Why it is not open. */
  trouble: Trouble | undefined;
  report: Report | undefined;
  /** Of parts in threads that ended. */
  #before = { ups: 0, downs: 0 };
  readonly #made: number;

  /** @param now by `processMs` */
  constructor(wanted: BfdSession, discriminator: number, now: number) {
    this.wanted = wanted;
    this.discriminator = discriminator;
    this.#made = now;
  }

  /** Its part in the thread is gone: what it was no longer counts. */
  lose(): void {
    const { ups, downs, state } = this.report ?? { ups: 0, downs: 0, state: "down" };
    this.#before = { ups: this.#before.ups + ups, downs: this.#before.downs + downs + (state === "up" ? 1 : 0) };
    this.open = undefined;
    this.report = undefined;
  }

  /** @param now by `processMs` */
  status(now: number): BfdSessionStatus {
    const { wanted, report, open } = this;
    return {
      peer: wanted.peer,
      remote: wanted.remote,
      zone: wanted.zone,
      local: open?.local ?? wanted.local,
      multihop: wanted.multihop,
      state: report?.state ?? "down",
      inStateMs: Math.max(0, now - (report?.since ?? this.#made)),
      diagnostic: report?.diagnostic === undefined ? undefined : bfdDiagnostic(report.diagnostic),
      remoteState: report?.remote?.state,
      remoteDiagnostic: report?.remote === undefined ? undefined : bfdDiagnostic(report.remote.diagnostic),
      localDiscriminator: this.discriminator,
      remoteDiscriminator: report?.remoteDiscriminator ?? 0,
      transmitMs: report?.transmitMs,
      detectionMs: report?.detectionMs,
      echoMs: report?.echoMs,
      packets: this.counters.read(),
      ups: this.#before.ups + (report?.ups ?? 0),
      downs: this.#before.downs + (report?.downs ?? 0),
      problem: this.#problem(),
    };
  }

  /** What to look at when the peer says nothing. */
  #silence(): string {
    const { remote, multihop, profile } = this.wanted;
    const port = `UDP port ${portOf(this.wanted)} passes both ways`;
    if (this.#before.ups + (this.report?.ups ?? 0) > 0) return `nothing is heard from ${remote} any more: check the path to it, that BFD still runs there, and that ${port}`;
    const ttl = multihop ? `, and that its packets arrive with a TTL of ${profile.minimumTtl} or more (routers that begin with 64, as BIRD does, need a lower minimum_ttl)` : "";
    return `nothing is heard from ${remote}: check that BFD toward ${this.open?.local ?? "this host"} is configured there, and that ${port}${ttl}`;
  }

  /** Why echo packets do not watch the path, which control packets do all the same. */
  #echoProblem({ echoMs, echoWelcome }: Report): string | undefined {
    const { profile, remote, multihop } = this.wanted;
    if (profile.echoMs === undefined || echoMs !== undefined) return undefined;
    if (multihop || !isIpv4(remote)) return "no echo packets are sent: bmlb has the echo mode for adjacent peers over IPv4 only";
    if (!echoWelcome) return "no echo packets are sent: the peer does not return any";
    return `echo packets have not come back yet: ${remote} has to route packets back onto the segment that they came from`;
  }

  #problem(): string | undefined {
    const { report, wanted } = this;
    if (this.trouble !== undefined) return this.trouble.sentence;
    if (report?.state === "up") return this.#echoProblem(report);
    if (report === undefined) return undefined;
    if (report.sendError !== undefined) return `nothing can be sent to ${wanted.remote}: ${report.sendError}`;
    if (report.discarding !== undefined) return `its packets are discarded: ${DISCARDED[report.discarding]}`;
    if (report.remote?.state === "admin-down") return "the peer has its side switched off (AdminDown)";
    return report.remoteDiscriminator === 0 ? this.#silence() : undefined;
  }
}

const DISCARDED: Readonly<Record<Discard, string>> = {
  version: "they are of another version than 1",
  length: "their length is wrong",
  "detect-mult": "their detection multiplier is 0",
  multipoint: "they are multipoint",
  "my-discriminator": "they have no discriminator",
  "no-session": "they name a session that is not there, perhaps one from before a restart",
  "your-discriminator": "they name no session, and a state in which they must",
  authentication: "they are authenticated, which bmlb does not support: switch authentication of BFD off at the peer",
  intruder: "while the session is up another one pretends to be the peer",
};

/** Whether one session can become the other without beginning anew. */
export function isSameSession(a: BfdSession, b: BfdSession): boolean {
  return a.remote === b.remote && a.zone === b.zone && a.local === b.local && a.multihop === b.multihop;
}

export function isSameProfile(a: BfdProfile, b: BfdProfile): boolean {
  return (
    a.requiredMinRxMs === b.requiredMinRxMs &&
    a.desiredMinTxMs === b.desiredMinTxMs &&
    a.detectMult === b.detectMult &&
    a.echoMs === b.echoMs &&
    a.passive === b.passive &&
    a.minimumTtl === b.minimumTtl
  );
}
