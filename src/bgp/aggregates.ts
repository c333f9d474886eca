/**
 * Aggregates: a prefix that is announced for the VIPs in it draws the traffic for all of its addresses. What is for none of them
 * would go back to the router by the default route, and come again. So an aggregate is announced only while the kernel has an
 * "unreachable" route for it, which catches what nothing else does (RFC 4271 9.1.4 leaves that to us; RFC 4632 5.1 demands it).
 *
 * Level-triggered: looks at what the kernel has, now and then and whenever something else is wanted, and makes it right. What an
 * earlier life of the daemon has left is found, and kept or removed.
 */
import type { RouteTable } from "../linux/index.ts";
import type { Log } from "../log/index.ts";
import { type Address, type Family, type Prefix, familyOf, formatPrefix, isHostPrefix, isSamePrefix } from "../net/index.ts";
import type { Clock, Timer } from "../time/index.ts";
import type { BgpAggregateStatus } from "./status.ts";

export type AggregateParts = { readonly routes: RouteTable; readonly clock: Clock; readonly log: Log };

const LOOK_MS = 5_000; // another program may flush the table
const REMIND_MS = 60_000;
const LINGER_MS = 3_000; // a route outlives its announcement, which takes its time to be withdrawn

type Destination = { readonly prefix: Prefix };

type Aggregate = {
  readonly prefix: Prefix;
  readonly vips: Set<Address>;
  /** Whether the kernel has the route; undefined until that has been looked at. */
  backed: boolean | undefined;
  /** Since when no VIP asks for it, by the clock; undefined while one does. */
  idleSince: number | undefined;
};

export class Aggregates {
  readonly #parts: AggregateParts;
  readonly #changed: (vips: ReadonlySet<Address>) => void;
  /** By prefix. */
  readonly #aggregates = new Map<string, Aggregate>();
  /** False until the first complete view: what is not wanted by then may be wanted soon. */
  #complete = false;
  #state: "running" | "stopped" = "running";
  #next: { readonly timer: Timer; readonly at: number } | undefined;
  /** The pass that runs; the next one waits for it. */
  #pass: Promise<void> | undefined;
  #problem: string | undefined;
  #said: string | undefined;
  #saidGone = -Infinity;

  /** `changed` is called after every look at the kernel, with the VIPs of aggregates that may be announced from now on, or no longer. */
  constructor(parts: AggregateParts, changed: (vips: ReadonlySet<Address>) => void) {
    this.#parts = parts;
    this.#changed = changed;
  }

  /** What one VIP asks for; prefixes of single addresses are none of ours. */
  want(vip: Address, before: readonly Destination[], wanted: readonly Destination[]): void {
    for (const { prefix } of before) if (isAggregate(prefix) && !wanted.some((other) => isSamePrefix(prefix, other.prefix))) this.#retract(vip, prefix);
    for (const { prefix } of wanted) if (isAggregate(prefix)) this.#add(vip, prefix);
  }

  /** The view of the world is complete: what is left of an earlier life and not wanted now is not wanted. */
  complete(): void {
    if (this.#complete) return;
    this.#complete = true;
    this.#passIn(0);
  }

  /** Whether it is known of each aggregate that is wanted whether it may be announced. */
  get settled(): boolean {
    return [...this.#aggregates.values()].every(({ vips, backed }) => vips.size === 0 || backed !== undefined);
  }

  /** Whether it may be announced. */
  allows(prefix: Prefix): boolean {
    return !isAggregate(prefix) || this.#aggregates.get(formatPrefix(prefix))?.backed === true;
  }

  status(): BgpAggregateStatus[] {
    return [...this.#aggregates.values()]
      .filter(({ vips }) => vips.size > 0)
      .map(({ prefix, vips, backed }) => ({ prefix, vips: vips.size, problem: backed === true ? undefined : describe(prefix, this.#problem) }));
  }

  /** "restart": a successor follows, who will find what is in the kernel. Resolves when the routes are gone or are to be kept. */
  async stop(sequel: "nothing" | "restart"): Promise<void> {
    this.#state = "stopped";
    this.#next?.timer.cancel();
    await this.#pass;
    const remove = [...this.#aggregates.values()].filter(({ backed }) => backed === true).map(({ prefix }) => prefix);
    if (sequel === "restart" || remove.length === 0) return;
    await this.#parts.routes.change({ add: [], remove }).catch((error: unknown) => {
      this.#parts.log.warning(`routes of aggregates may be left in the kernel: ${messageOf(error)}`, { aggregates: remove.map(formatPrefix).join(",") });
    });
  }

  #add(vip: Address, prefix: Prefix): void {
    const key = formatPrefix(prefix);
    let aggregate = this.#aggregates.get(key);
    if (aggregate === undefined) {
      aggregate = { prefix, vips: new Set(), backed: undefined, idleSince: undefined };
      this.#aggregates.set(key, aggregate);
    }
    aggregate.vips.add(vip);
    aggregate.idleSince = undefined;
    if (aggregate.backed !== true) this.#passIn(0);
  }

  #retract(vip: Address, prefix: Prefix): void {
    const aggregate = this.#aggregates.get(formatPrefix(prefix));
    if (aggregate?.vips.delete(vip) !== true || aggregate.vips.size > 0) return;
    aggregate.idleSince = this.#parts.clock.now();
    this.#passIn(LINGER_MS);
  }

  #passIn(ms: number): void {
    const { clock } = this.#parts;
    const at = clock.now() + ms;
    if (this.#state === "stopped" || (this.#next !== undefined && this.#next.at <= at)) return;
    this.#next?.timer.cancel();
    const timer = clock.timer("bgp aggregates", ms, () => {
      this.#next = undefined;
      this.#pass = (this.#pass ?? Promise.resolve()).then(() => this.#work());
    });
    this.#next = { timer, at };
  }

  async #work(): Promise<void> {
    if (this.#state === "stopped") return;
    try {
      const present = await this.#look();
      const add = [...this.#aggregates.values()].filter(({ prefix, vips }) => vips.size > 0 && !present.has(formatPrefix(prefix)));
      const remove = [...present.values()].filter((prefix) => this.#isOver(prefix));
      for (const prefix of remove) this.#doubt(prefix);
      this.#sayGone(add.filter(({ backed }) => backed === true));
      await this.#parts.routes.change({ add: add.map(({ prefix }) => prefix), remove });
      this.#take(add.length + remove.length === 0 ? present : await this.#look());
      this.#problem = undefined;
    } catch (error) {
      this.#problem = messageOf(error);
      this.#take(await this.#look().catch(() => this.#believed()));
    }
    this.#say();
    if (this.#aggregates.size > 0) this.#passIn(LOOK_MS);
  }

  /** Every route of ours, by prefix. A family in which nothing is wanted may be one that this kernel does not have. */
  async #look(): Promise<ReadonlyMap<string, Prefix>> {
    const present = new Map<string, Prefix>();
    for (const family of ["ipv4", "ipv6"] as const) {
      const routes = await this.#parts.routes.unreachable(family).catch((error: unknown) => {
        if (this.#wants(family)) throw error;
        return [];
      });
      for (const prefix of routes) present.set(formatPrefix(prefix), prefix);
    }
    return present;
  }

  /** The kernel cannot be asked: what was there is there, for all that is known; what was not is not. */
  #believed(): ReadonlyMap<string, Prefix> {
    return new Map([...this.#aggregates].filter(([, { backed }]) => backed === true).map(([key, { prefix }]) => [key, prefix]));
  }

  /** Its route is about to go: a VIP that asks for it from now on waits until it is there once more. */
  #doubt(prefix: Prefix): void {
    const aggregate = this.#aggregates.get(formatPrefix(prefix));
    if (aggregate !== undefined) aggregate.backed = undefined;
  }

  #wants(family: Family): boolean {
    return [...this.#aggregates.values()].some(({ prefix }) => familyOf(prefix.address) === family);
  }

  #isOver(prefix: Prefix): boolean {
    const aggregate = this.#aggregates.get(formatPrefix(prefix));
    if (aggregate === undefined) return this.#complete;
    return aggregate.idleSince !== undefined && this.#parts.clock.now() - aggregate.idleSince >= LINGER_MS;
  }

  /** That is what the kernel has. */
  #take(present: ReadonlyMap<string, Prefix>): void {
    const vips = new Set<Address>();
    for (const [key, aggregate] of this.#aggregates) {
      const backed = present.has(key);
      if (backed !== (aggregate.backed ?? false)) for (const vip of aggregate.vips) vips.add(vip);
      aggregate.backed = backed;
      if (!backed && aggregate.vips.size === 0) this.#aggregates.delete(key);
    }
    if (this.#state === "running") this.#changed(vips);
  }

  /** Now and then: who fights with another program over the table does so for long. */
  #sayGone(gone: readonly Aggregate[]): void {
    const [first] = gone;
    const now = this.#parts.clock.now();
    if (first === undefined || now - this.#saidGone < REMIND_MS) return;
    this.#saidGone = now;
    this.#parts.log.warning(`another program has removed the unreachable route of aggregate ${formatPrefix(first.prefix)}; it is put back`, { routes: gone.length });
  }

  /** Once for each cause. */
  #say(): void {
    if (this.#problem === this.#said) return;
    this.#said = this.#problem;
    if (this.#problem === undefined) return;
    const [first, ...others] = this.status().flatMap(({ problem }) => problem ?? []);
    if (first !== undefined) this.#parts.log.error(first, others.length === 0 ? {} : { others: others.length });
    else this.#parts.log.warning(`unreachable routes of aggregates that are not wanted any more stay in the kernel: ${this.#problem}`);
  }
}

/** More than one address. */
function isAggregate(prefix: Prefix): boolean {
  return !isHostPrefix(prefix);
}

const DROP_IN = "install -D -m 644 -t /etc/systemd/system/bmlb.service.d /usr/share/doc/bmlb/examples/gateway.conf && systemctl daemon-reload && systemctl restart bmlb";

/** Why it is not announced, and what to do. */
function describe(prefix: Prefix, problem: string | undefined): string {
  const aggregate = `aggregate ${formatPrefix(prefix)}`;
  if (problem === undefined) return `${aggregate} is not announced yet: its unreachable route is being made`;
  if (!/not permitted|permission denied/i.test(problem)) return `${aggregate} is not announced: the unreachable route that it needs cannot be made (${problem})`;
  return `${aggregate} is not announced: the unreachable route that it needs takes CAP_NET_ADMIN, which the drop-in for gateways gives: ${DROP_IN}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
