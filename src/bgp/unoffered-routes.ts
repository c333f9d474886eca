/** For people: routes that are in no Adj-RIB-Out, because their aggregate may not be announced yet. Pure. */
import { type Address, type Prefix, formatPrefix } from "../net/index.ts";
import type { BgpAggregateStatus, BgpRouteStatus } from "./status.ts";

/**
 * Each is worked out when it is asked for.
 * @param asked what VIPs ask for at one peer, beside routes to themselves
 */
export function* unofferedRoutes(asked: Iterable<readonly [Address, Prefix]>, aggregates: readonly BgpAggregateStatus[]): Generator<BgpRouteStatus> {
  const withheld = new Map(aggregates.flatMap(({ prefix, problem, vips }) => (problem === undefined ? [] : [[formatPrefix(prefix), { because: problem, vipCount: vips }]])));
  if (withheld.size === 0) return;
  for (const [vip, prefix] of asked) {
    const key = formatPrefix(prefix);
    const why = withheld.get(key);
    if (why === undefined) continue;
    withheld.delete(key); // once, however many VIPs ask
    yield { prefix, state: "waiting", because: why.because, attributes: undefined, vips: [vip], vipCount: why.vipCount };
  }
}
