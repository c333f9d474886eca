/** What the OPENs of an external IPv4 session with the plainest of routers agree on. */
import type { Negotiated } from "../../src/bgp/negotiated.ts";
import type { Ipv4 } from "../../src/net/index.ts";

export const AGREED: Negotiated = {
  localAsn: 64500,
  remoteAsn: 64501,
  internal: false,
  remoteIdentifier: "192.0.2.254" as Ipv4,
  holdMs: 90_000,
  keepaliveMs: 30_000,
  fourOctetAs: true,
  withoutCapabilities: false,
  families: ["ipv4"],
  extendedNextHop: false,
  enhancedRouteRefresh: false,
  remoteLongLived: false,
  role: undefined,
  remoteRole: undefined,
  restart: { keepsRoutesMs: 0, hardReset: false, peerRestarts: false },
  remoteHostname: undefined,
  remoteCapabilities: [],
};
