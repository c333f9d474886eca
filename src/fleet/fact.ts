/** What happened in the fleet, as values, and as the sentences that the log prints of them. One fact is one line, however many VIPs it moved. */
import type { Address, Mac } from "../net/index.ts";
import type { Leaving } from "./rank.ts";
import type { Rank } from "./statement.ts";
import type { ClaimReason } from "./vip.ts";

/** VIPs that moved together; `address` is given if it is only one. */
export type Moved = { readonly segment: string; readonly count: number; readonly address: Address | undefined };

export type FleetFact =
  | { readonly fact: "host-alive"; readonly segment: string; readonly host: string; readonly rank: Rank; readonly silenceMs: number | undefined }
  | { readonly fact: "host-suspect"; readonly segment: string; readonly host: string; readonly silenceMs: number }
  | { readonly fact: "host-dead"; readonly segment: string; readonly host: string; readonly silenceMs: number; readonly serving: number; readonly leaving: boolean }
  | { readonly fact: "host-restarted"; readonly segment: string; readonly host: string }
  | ({ readonly fact: "took"; readonly from: string | undefined; readonly why: ClaimReason } & Moved)
  | ({ readonly fact: "gave-up"; readonly to: string | undefined; readonly why: string } & Moved)
  | ({ readonly fact: "disputed"; readonly with: string } & Moved)
  | { readonly fact: "rank"; readonly segment: string; readonly rank: Rank; readonly before: Rank | undefined; readonly reason: string; readonly leaving: boolean }
  | { readonly fact: "returning"; readonly segment: string | undefined; readonly why: string; readonly probationMs: number }
  | { readonly fact: "duplicate-name"; readonly segment: string; readonly mac: Mac; readonly yields: "this host" | "the other" }
  | { readonly fact: "stranger"; readonly segment: string; readonly address: Address; readonly mac: Mac; readonly serving: boolean }
  | { readonly fact: "same-segment"; readonly segment: string; readonly as: string }
  | { readonly fact: "leaving"; readonly why: Leaving; readonly serving: number }
  | { readonly fact: "undrained" }
  /** What BGP peers get; those that keep its routes over a restart of the daemon apart. */
  | { readonly fact: "bgp"; readonly announces: boolean; readonly retiring: boolean; readonly reason: string }
  | { readonly fact: "handed-over"; readonly ms: number };

export type FactLine = {
  readonly level: "warning" | "notice" | "info" | "debug";
  readonly sentence: string;
  readonly fields: Readonly<Record<string, string | number | undefined>>;
};

/** The line for the journal. */
export function sayFact(fact: FleetFact): FactLine {
  switch (fact.fact) {
    case "host-alive": {
      const again = fact.silenceMs === undefined ? "hears" : "hears again";
      return line("notice", `${again} ${fact.host} on ${fact.segment}`, { host: fact.host, segment: fact.segment, rank: fact.rank, silence_ms: round(fact.silenceMs) });
    }
    case "host-suspect":
      return line("debug", `${fact.host} is silent on ${fact.segment}`, { host: fact.host, segment: fact.segment, silence_ms: round(fact.silenceMs) });
    case "host-dead":
      if (fact.leaving) return line("notice", `${fact.host} has stopped`, { host: fact.host, segment: fact.segment, serving: fact.serving });
      return line("warning", `${fact.host} is dead on ${fact.segment}: silent for ${round(fact.silenceMs)} ms while it served ${vips(fact.serving)}`, {
        host: fact.host,
        segment: fact.segment,
        silence_ms: round(fact.silenceMs),
        serving: fact.serving,
      });
    case "host-restarted":
      return line("notice", `${fact.host} has restarted`, { host: fact.host, segment: fact.segment });
    case "took":
      return line("notice", `took ${what(fact)} on ${fact.segment}${fact.from === undefined ? "" : ` from ${fact.from}`}: ${TOOK[fact.why]}`, moved(fact, { from: fact.from }));
    case "gave-up":
      return line("notice", `gave up ${what(fact)} on ${fact.segment}${fact.to === undefined ? "" : ` to ${fact.to}`}: ${fact.why}`, moved(fact, { to: fact.to }));
    case "disputed":
      return line("notice", `${fact.with} claimed ${what(fact)} on ${fact.segment}, which this host keeps because it comes first`, moved(fact, { host: fact.with }));
    case "rank":
      return line(fact.rank >= 2 || fact.leaving ? "notice" : "warning", `rank ${fact.rank} on ${fact.segment}: ${fact.reason}`, { segment: fact.segment, rank: fact.rank, before: fact.before });
    case "returning":
      return line("notice", `stands back${fact.segment === undefined ? "" : ` on ${fact.segment}`}: ${fact.why}`, { segment: fact.segment, probation_ms: round(fact.probationMs) });
    case "duplicate-name":
      return line("warning", `another machine on ${fact.segment} has this host's name; ${fact.yields === "this host" ? "this host serves nothing until one of them is renamed" : "it serves nothing until one of them is renamed"}`, { segment: fact.segment, mac: fact.mac });
    case "stranger":
      return line("warning", `${fact.address} is used on ${fact.segment} by ${fact.mac}, which is no host of the fleet${fact.serving ? "" : "; it is not taken from it"}`, { vip: fact.address, segment: fact.segment, mac: fact.mac });
    case "same-segment":
      return line("warning", `${fact.segment} and ${fact.as} are one segment; only ${fact.as} is used`, { segment: fact.segment, as: fact.as });
    case "leaving":
      return line("notice", `${LEAVES[fact.why]} ${vips(fact.serving)}`, { serving: fact.serving });
    case "undrained":
      return line("notice", "drained no more", {});
    case "bgp":
      if (!fact.announces) return line("notice", `has no routes for BGP peers: ${fact.reason}`, {});
      return line("notice", fact.retiring ? `tells BGP peers that it is their last choice: ${fact.reason}` : `has routes for BGP peers: ${fact.reason}`, {});
    case "handed-over":
      return line("notice", "serves nothing any more", { ms: round(fact.ms) });
  }
}

const LEAVES: Readonly<Record<Leaving, string>> = {
  stop: "about to stop, hands over",
  restart: "about to restart, hands over",
  drain: "drained: hands over",
};

const TOOK: Readonly<Record<ClaimReason, string>> = {
  unclaimed: "nobody answered",
  "owner-died": "it is dead",
  "owner-left": "it is leaving",
  "owner-unfit": "it may not serve there any more",
  "pre-empted": "this host comes first",
  orphaned: "nobody who comes first had taken it",
};

function line(level: FactLine["level"], sentence: string, fields: FactLine["fields"]): FactLine {
  return { level, sentence, fields };
}

function what(fact: Moved): string {
  return fact.address ?? vips(fact.count);
}

function vips(count: number): string {
  return count === 1 ? "1 VIP" : `${count} VIPs`;
}

function moved(fact: Moved, fields: FactLine["fields"]): FactLine["fields"] {
  return { vip: fact.address, vips: fact.count === 1 ? undefined : fact.count, segment: fact.segment, ...fields };
}

function round(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms);
}

/** Adds up moves of the same kind until they are told. */
export class Tally {
  readonly #moves = new Map<string, { readonly fact: Extract<FleetFact, Moved>; count: number }>();
  #since = Infinity;

  add(fact: Extract<FleetFact, Moved>, now: number): void {
    const other = fact.fact === "took" ? fact.from : fact.fact === "gave-up" ? fact.to : fact.with;
    const key = `${fact.fact} ${fact.segment} ${other ?? ""} ${fact.fact === "disputed" ? "" : fact.why}`;
    const move = this.#moves.get(key);
    if (move === undefined) this.#moves.set(key, { fact, count: fact.count });
    else move.count += fact.count;
    if (this.#moves.size === 1 && this.#since === Infinity) this.#since = now;
  }

  /** Since when the oldest of them waits; Infinity if there is none. */
  get since(): number {
    return this.#since;
  }

  /** All of them, each kind as one fact. */
  take(): readonly FleetFact[] {
    const facts = Array.from(this.#moves.values(), ({ fact, count }) => (count === fact.count ? fact : { ...fact, count, address: undefined }));
    this.#moves.clear();
    this.#since = Infinity;
    return facts;
  }
}
