/**
 * What must hold in every run. It sees everything at once, which no host can.
 *
 * 1 One owner: 10 s after the last change, each VIP with a candidate has exactly one host answering; and two never for long.
 * 2 No silence without cause: a VIP is unanswered only within 1 s of its owner's death, pause or link loss, or 4 s of becoming due.
 * 3 No move without cause: never there and back, and for each fault each VIP moves at most there and back home.
 * 4 Nothing is taken that answers: no host claims a VIP that another one within reach serves, but by pre-emption.
 * 5 No storm: when nothing happens, nobody repeats claims but at the refresh.
 */
import type { Address } from "../../../src/net/index.ts";
import type { Host } from "./host.ts";
import type { Simulation } from "./simulation.ts";

export type Violation = { readonly invariant: 1 | 2 | 3 | 4 | 5; readonly at: number; readonly what: string };

// A death is noticed after 600 ms; a host that restarts within that time and comes first listens for as long again.
/** How long a VIP may be unanswered, by what its last owner suffered; the same again for each host that is struck meanwhile. */
const LIMITS_MS = { death: 1_200, due: 4_000, none: 60 } as const;

type Cause = keyof typeof LIMITS_MS;

type Watch = {
  owner: Host | undefined;
  darkSince: number | undefined;
  cause: Cause;
  reported: boolean;
  moves: { readonly at: number; readonly from: Host; readonly to: Host }[];
  sharedSince: number | undefined;
};

/** Two hosts that reach each other both answer for no longer than this. */
const LIMIT_SHARED_MS = 1_500;
/** Where views differed, the next repeat of a disputed claim decides it. */
const LONGEST_DUEL_MS = 9_000;
const SAMPLE_MS = 20;
const THERE_AND_BACK_MS = 5_000;

export class Oracle {
  readonly violations: Violation[] = [];
  readonly #simulation: Simulation;
  readonly #watches = new Map<number, Watch>();
  #differedAt = -Infinity;
  /** How long VIPs were unanswered, or answered by two, in ms. */
  readonly silences: { readonly cause: Cause | "shared"; readonly ms: number }[] = [];

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  start(): void {
    const sample = (): void => {
      this.#sample();
      this.#simulation.world.after(SAMPLE_MS, sample);
    };
    this.#simulation.world.after(SAMPLE_MS / 2, sample);
  }

  /** A host claims a VIP: nobody within reach may serve it, unless it leaves or this host may pre-empt. */
  claimed(host: Host, address: Address, segment: string, asked: boolean): void {
    const now = this.#simulation.world.time;
    const port = host.ports.find((each) => each.lan.name === segment);
    for (const other of this.#simulation.hosts) {
      const theirs = other.ports.find((each) => each.lan.name === segment);
      if (other === host || port === undefined || theirs === undefined || !port.lan.reaches(theirs, port)) continue;
      const settled = now - (other.process?.claimedAt(address, segment) ?? now) > 250 && now - this.#simulation.lastChangeAt > 300 && port.lan.loss === 0;
      if (!settled || !other.serves(address, segment)) continue;
      if (asked) this.#violate(4, `${host.name} took ${address} while ${other.name} answered for it`);
      const ranks = [host, other].map((each) => each.process?.fleet.statements().get(segment)?.rank ?? 0);
      const calm = !this.#simulation.disturbed() && now - this.#simulation.lastChangeAt > 1_500;
      if (calm && (ranks[0] ?? 0) < 3 && (ranks[1] ?? 0) > 1) this.#violate(4, `${host.name} took ${address} from ${other.name} while on probation`);
    }
  }

  /** Everything has been quiet for 10 s. */
  checkOwners(): void {
    this.#simulation.view.vips.forEach((vip, index) => {
      if (!vip.exists) return;
      for (const group of this.#groups(vip.segment)) {
        const serving = group.filter((host) => host.serves(vip.address, vip.segment));
        const candidates = group.filter((host) => this.#simulation.isCandidate(host, index));
        if (candidates.length > 0 && serving.length !== 1) this.#violate(1, `${vip.address} is answered by [${serving.map((host) => host.name).join(" ")}], candidates are [${candidates.map((host) => host.name).join(" ")}]`);
      }
    });
  }

  /** The run is over. */
  checkEnd(): void {
    this.checkOwners();
    for (const [index, watch] of this.#watches) {
      const moves = watch.moves.length;
      const address = this.#simulation.view.vips[index]?.address ?? "";
      if (moves > this.#simulation.movesAllowed) this.#violate(3, `${address} moved ${moves} times: ${watch.moves.map(({ at, from, to }) => `${from.name}→${to.name} at ${Math.round(at)}`).join(", ")}`);
    }
  }

  #sample(): void {
    const { world, view } = this.#simulation;
    if (this.#simulation.viewsDiffer()) this.#differedAt = world.time;
    // The side of a split that is watched is the first.
    const watched = this.#simulation.lans.map((lan, i) => ({ name: lan.name, hosts: this.#simulation.hosts.filter(({ ports }) => ports[i]?.connected === true && ports[i].side === 0) }));
    view.vips.forEach((vip, index) => {
      const watch = this.#watch(index);
      if (!vip.exists) {
        watch.owner = watch.darkSince = watch.sharedSince = undefined;
        return;
      }
      const group = watched.find(({ name }) => name === vip.segment)?.hosts ?? [];
      let owner: Host | undefined;
      let serving = 0;
      for (const host of group) {
        if (!host.serves(vip.address, vip.segment)) continue;
        serving++;
        if (owner === undefined || host === watch.owner) owner = host;
      }
      this.#shared(watch, serving, vip.address);
      if (owner !== undefined) this.#lit(watch, owner, vip.address);
      else this.#dark(watch, index, group, vip.address, world.time);
    });
  }

  #shared(watch: Watch, serving: number, address: Address): void {
    const now = this.#simulation.world.time;
    if (serving > 1) {
      watch.sharedSince ??= now;
      if (now - watch.sharedSince > LIMIT_SHARED_MS + SAMPLE_MS || now - watch.sharedSince <= LIMIT_SHARED_MS) return;
      if (this.#simulation.disturbed() || now - this.#differedAt < LONGEST_DUEL_MS) return;
      this.#violate(1, `${address} is answered by ${serving} hosts for more than ${LIMIT_SHARED_MS} ms`);
      return;
    }
    if (watch.sharedSince !== undefined) this.silences.push({ cause: "shared", ms: now - watch.sharedSince });
    watch.sharedSince = undefined;
  }

  #lit(watch: Watch, owner: Host, address: Address): void {
    const now = this.#simulation.world.time;
    if (watch.darkSince !== undefined) this.silences.push({ cause: watch.cause, ms: now - watch.darkSince });
    watch.darkSince = undefined;
    watch.reported = false;
    const before = watch.owner;
    watch.owner = owner;
    if (before === undefined || before === owner || now < this.#simulation.settledAt) return;
    const last = watch.moves.at(-1);
    const calm = [before, owner].every((host) => now - (host.process?.rankAt ?? now) > THERE_AND_BACK_MS) && this.#simulation.lastChangeAt < now - THERE_AND_BACK_MS - 1_000;
    const thereAndBack = last?.to === before && last.from === owner && now - last.at < THERE_AND_BACK_MS && calm;
    if (thereAndBack) this.#violate(3, `${address} moved from ${owner.name} to ${before.name} and back`);
    watch.moves.push({ at: now, from: before, to: owner });
    this.#simulation.tell(() => `  ${address} moved from ${before.name} to ${owner.name}`);
  }

  #dark(watch: Watch, index: number, group: readonly Host[], address: Address, now: number): void {
    const able = group.some((host) => this.#simulation.isCandidate(host, index));
    if (watch.darkSince === undefined) {
      watch.darkSince = now;
      const { owner } = watch;
      watch.cause = owner === undefined ? "due" : this.#simulation.isHurt(owner, this.#simulation.view.vips[index]?.segment ?? "") || this.#simulation.justHurt() ? "death" : "none";
    }
    if (!able) {
      watch.darkSince = now;
      watch.cause = "due";
    }
    const struck = watch.cause === "death" ? Math.max(1, this.#simulation.struckSince(watch.darkSince - 1_000)) : 1;
    const limit = Math.max(struck * LIMITS_MS[watch.cause], this.#simulation.disturbed() ? LIMITS_MS.due : 0);
    if (now - watch.darkSince <= limit || watch.reported) return;
    watch.reported = true;
    this.#violate(2, `${address} is unanswered for more than ${limit} ms (${watch.cause})`);
  }

  /** The hosts of a segment by the side of a split on which they are. */
  #groups(segment: string): readonly (readonly Host[])[] {
    const sides = new Map<number, Host[]>();
    for (const host of this.#simulation.hosts) {
      const port = host.ports.find((each) => each.lan.name === segment);
      if (port?.connected !== true) continue;
      const side = sides.get(port.side);
      if (side === undefined) sides.set(port.side, [host]);
      else side.push(host);
    }
    return Array.from(sides.values());
  }

  #watch(index: number): Watch {
    let watch = this.#watches.get(index);
    if (watch === undefined) {
      watch = { owner: undefined, darkSince: undefined, cause: "due", reported: false, moves: [], sharedSince: undefined };
      this.#watches.set(index, watch);
    }
    return watch;
  }

  #violate(invariant: Violation["invariant"], what: string): void {
    const at = this.#simulation.world.time;
    this.violations.push({ invariant, at, what });
    this.#simulation.tell(() => `*** invariant ${invariant}: ${what}`);
  }
}
