/**
 * Keeps the plan true to the world, address by address, and remembers of it only what the actuators are asked for: everything
 * else is worked out anew when somebody wants it explained.
 */
import type { BgpRoute } from "../bgp/index.ts";
import type { L2Intent } from "../l2/index.ts";
import { type Address, isSamePrefix } from "../net/index.ts";
import { planVip } from "./vip.ts";
import type { World } from "./world.ts";

export type Plan = {
  /** Every address that is a VIP of ours, announced here or not. */
  readonly vips: ReadonlySet<Address>;
  readonly l2: ReadonlyMap<Address, readonly L2Intent[]>;
  readonly routes: ReadonlyMap<Address, readonly BgpRoute[]>;
};

export type PlanChanges = { readonly l2: ReadonlySet<Address>; readonly bgp: ReadonlySet<Address> };

export class Planner {
  readonly #vips = new Set<Address>();
  readonly #l2 = new Map<Address, readonly L2Intent[]>();
  readonly #routes = new Map<Address, readonly BgpRoute[]>();

  get plan(): Plan {
    return { vips: this.#vips, l2: this.#l2, routes: this.#routes };
  }

  /** Decides the given addresses anew and returns those for which something else is wanted now. */
  update(world: World, dirty: Iterable<Address>): PlanChanges {
    const l2 = new Set<Address>();
    const bgp = new Set<Address>();
    for (const address of dirty) {
      const vip = planVip(world, address);
      if (vip.not === undefined || vip.not.reason === "no-advertisement") this.#vips.add(address);
      else this.#vips.delete(address);
      const routes = vip.bgp.flatMap((decision) => (decision.announced ? [decision.route] : []));
      if (replace(this.#l2, address, vip.intents, sameIntent)) l2.add(address);
      if (replace(this.#routes, address, routes, sameRoute)) bgp.add(address);
    }
    return { l2, bgp };
  }
}

/** Puts a list in a map, or removes it if empty; true if that made a difference. */
function replace<T>(map: Map<Address, readonly T[]>, address: Address, list: readonly T[], same: (a: T, b: T) => boolean): boolean {
  const before = map.get(address) ?? [];
  const equal = before.length === list.length && before.every((item, i) => same(item, list[i] as T));
  if (equal) return false;
  if (list.length === 0) map.delete(address);
  else map.set(address, list.slice()); // without the room for more in which flatMap leaves it, ten thousand times
  return true;
}

function sameIntent(a: L2Intent, b: L2Intent): boolean {
  if (a.segment !== b.segment) return false;
  if (a.action === "answer") return b.action === "answer" && a.claim === b.claim && a.defence === b.defence;
  return b.action === "ask" && a.ask === b.ask;
}

/** Attributes are shared values: a reload makes new ones, and then every route is compared by bgp/ itself. */
function sameRoute(a: BgpRoute, b: BgpRoute): boolean {
  return a.peer === b.peer && a.attributes === b.attributes && isSamePrefix(a.prefix, b.prefix);
}
