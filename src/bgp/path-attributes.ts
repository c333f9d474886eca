/** The attributes of a route as one session carries them (RFC 4271 5.1). Pure. */
import { NO_LLGR, type PathAttributes, linkBandwidth, ownPath, routeTarget } from "../wire/index.ts";
import type { RouteAttributes } from "./desired.ts";
import type { Negotiated } from "./negotiated.ts";
import { onlyToCustomer } from "./role.ts";

/** Without the next hop, which is the session's. */
export function pathAttributes(route: RouteAttributes, { internal, localAsn, role, remoteLongLived }: Negotiated): Omit<PathAttributes, "nextHop"> {
  // A VIP that points to a dead host for hours is worse than none: the router, and those that it tells, must not keep it.
  const forced = remoteLongLived ? [NO_LLGR] : [];
  const standard = [...route.communities.flatMap((community) => (community.type === "standard" ? [community.value] : [])), ...forced];
  const large = route.communities.flatMap((community) => (community.type === "large" ? [community] : []));
  const extended = [
    ...route.communities.flatMap((community) => (community.type === "route-target" ? [routeTarget(community.asn, community.value)] : [])),
    ...(route.linkBandwidth === undefined ? [] : [linkBandwidth(localAsn, route.linkBandwidth)]),
  ];
  const otc = onlyToCustomer(role, localAsn);
  return {
    origin: "igp",
    // 5.1.2: an empty path inside our AS, our AS at its border. Prepending inside would look like a loop to every neighbor.
    asPath: internal ? [] : ownPath(localAsn, 1 + route.prepend),
    ...(route.med === undefined ? {} : { med: route.med }),
    ...(internal ? { localPref: route.localPref } : {}), // 5.1.5: never to external peers
    ...(standard.length === 0 ? {} : { communities: standard }),
    ...(extended.length === 0 ? {} : { extendedCommunities: extended }),
    ...(large.length === 0 ? {} : { largeCommunities: large }),
    ...(otc === undefined ? {} : { onlyToCustomer: otc }),
  };
}
