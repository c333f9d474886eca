/** For people: routes that no session has been offered, because they may not be announced yet, or it is not known where the peer is. Pure. */
import { type Address, type Family, familyOf, formatPrefix } from "../net/index.ts";
import type { BgpRoute } from "./desired.ts";
import type { BgpAggregateStatus, BgpRouteStatus } from "./status.ts";

/** How many there are of each family. */
export function countRoutes(routes: Iterable<BgpRouteStatus>): Record<Family, number> {
  const count = { ipv4: 0, ipv6: 0 };
  for (const { prefix } of routes) count[familyOf(prefix.address)]++;
  return count;
}

/**
 * Each is worked out when it is asked for.
 * @param routes all that are wanted, by VIP
 * @param nowhere why there is no session at all, as a sentence; undefined if there is one, or could be
 */
export function* unofferedRoutes(
  peer: string,
  routes: ReadonlyMap<Address, readonly BgpRoute[]>,
  aggregates: readonly BgpAggregateStatus[],
  nowhere: string | undefined,
): Generator<BgpRouteStatus> {
  const withheld = new Map(aggregates.flatMap(({ prefix, problem, vips }) => (problem === undefined ? [] : [[formatPrefix(prefix), { because: problem, vipCount: vips }]])));
  if (withheld.size === 0 && nowhere === undefined) return;
  const seen = new Set<string>();
  for (const [vip, wanted] of routes) {
    for (const route of wanted) {
      const prefix = formatPrefix(route.prefix);
      const why = withheld.get(prefix) ?? (nowhere === undefined ? undefined : { because: nowhere, vipCount: 1 });
      if (route.peer !== peer || why === undefined || seen.has(prefix)) continue;
      seen.add(prefix);
      yield { prefix: route.prefix, state: "waiting", because: why.because, attributes: undefined, vips: [vip], vipCount: why.vipCount };
    }
  }
}
