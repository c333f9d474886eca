/** This host, as all its segments share it: who it is, what is wrong with it, and what it knows from elsewhere. */
import type { Mac } from "../net/index.ts";
import { Slots } from "./order.ts";
import { STRAGGLER_MS } from "./peers.ts";
import { candidateOf } from "./roster.ts";
import { Doubts, type Fitness, type Leaving, Probation, type RankReason, rankOf } from "./rank.ts";
import type { FleetOptions, FleetSelf, FleetSettings } from "./input.ts";
import type { LeasedContender } from "./seat.ts";
import type { Rank, Statement } from "./statement.ts";

/** A namesake counts for so long after its last hello. */
const NAMESAKE_MS = 2_000;
const MOST_NAMESAKES = 64;
/** The age of a view that was never current. */
const NEVER_MS = 1_000_000_000;

export class Here {
  readonly self: FleetSelf;
  readonly startedAt: number;
  readonly slots = new Slots();
  readonly doubts = new Doubts();
  readonly probation: Probation;
  settings: FleetSettings;
  viewCurrentAt: number;
  leaving: Leaving | undefined;
  excluded: string | undefined;
  refused: string | undefined;
  notReady: ReadonlySet<string> = new Set<string>();
  doubt: string | undefined;
  /** Why it is on probation; the last reason. */
  probationReason = "on probation after its start";
  /** By host, what its Lease says of it, and when that came. */
  readonly leases = new Map<string, { readonly statements: readonly Statement[]; readonly at: number }>();
  /** By instance, when others of this host's name were first heard; the one that was heard last is the last. */
  readonly #namesakes = new Map<string, number>();
  #namesake: { readonly mac: Mac; readonly until: number } | undefined;

  constructor(options: FleetOptions) {
    this.self = options.self;
    this.settings = options.settings;
    this.startedAt = options.clock.now();
    this.viewCurrentAt = this.startedAt - NEVER_MS;
    this.probation = new Probation(options.self.recentStarts, this.startedAt);
    this.probation.begin(options.settings.fleet.failbackDelayMs, this.startedAt);
  }

  get machine(): string {
    return this.self.instance.slice(0, 8);
  }

  /** Its rank where `segment` and `probation` (undefined: none of its own) are what counts on one segment. */
  rank(segment: string | undefined, probation: string | undefined, now: number): RankReason {
    return rankOf({ ...this.#defects(now), leaving: this.leaving, segment, probation: this.probation.lasts(now) ? this.probationReason : probation });
  }

  /** Its rank if it had not just come, and did not leave. */
  soundRank(now: number): Rank {
    return rankOf({ ...this.#defects(now), leaving: undefined, segment: undefined, probation: undefined }).rank;
  }

  #defects(now: number): Pick<Fitness, "duplicate" | "excluded" | "refused" | "doubt"> {
    const duplicate = this.#namesake !== undefined && now < this.#namesake.until ? this.#namesake.mac : undefined;
    return { duplicate, excluded: this.excluded, refused: this.refused, doubt: this.doubt };
  }

  /**
   * Another instance has this host's name. Two machines must not: the one that has been up for longer keeps it, the other serves
   * nothing. Returns who of the two that is, when it is news.
   */
  meetNamesake(statement: Statement, now: number): "this host" | "the other" | undefined {
    const firstAt = this.#namesakes.get(statement.instance);
    this.#namesakes.delete(statement.instance);
    this.#namesakes.set(statement.instance, firstAt ?? now);
    for (const instance of this.#namesakes.keys()) {
      if (this.#namesakes.size <= MOST_NAMESAKES) break;
      this.#namesakes.delete(instance);
    }
    // A straggler of this machine's own last life is no namesake; a clone that has its machine-id too goes on.
    if (statement.machine === this.machine && now - (firstAt ?? now) <= STRAGGLER_MS) return undefined;
    const uptimeMs = now - this.startedAt;
    const yields = statement.uptimeMs !== uptimeMs ? statement.uptimeMs > uptimeMs : statement.instance < this.self.instance;
    if (!yields) return firstAt === undefined ? "the other" : undefined;
    const already = this.#namesake !== undefined && now < this.#namesake.until;
    this.#namesake = { mac: statement.mac, until: now + NAMESAKE_MS };
    return already ? undefined : "this host";
  }

  /** The host with that MAC, according to the Leases. */
  leased(mac: Mac, now: number): LeasedContender | undefined {
    for (const { statements, at } of this.leases.values()) {
      const statement = statements.find((each) => each.mac === mac);
      if (statement === undefined) continue;
      const candidate = candidateOf(statement, this.slots, { highest: 3, listensUntil: -Infinity });
      return { candidate, viewAgeMs: statement.viewAgeMs + now - at, leaving: statement.leaving };
    }
    return undefined;
  }
}
