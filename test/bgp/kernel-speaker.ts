/** The speaker on the kernel of the network namespace that it is in, for programs of tests and benchmarks. */
import { BgpSpeaker, type Keeper, RouteKeepers } from "../../src/bgp/index.ts";
import { addressesBeside, MulticastGroups, openFrameSocket, systemRoutes, systemTcp } from "../../src/linux/index.ts";
import type { Log } from "../../src/log/index.ts";
import type { Ipv4 } from "../../src/net/index.ts";
import { systemClock, systemRandom } from "../../src/time/index.ts";

/** @param lastLife the peers that keep the routes of the life before this one */
export function kernelSpeaker(routerId: string, log: Log, lastLife: readonly Keeper[] = []): BgpSpeaker {
  return new BgpSpeaker({
    routerId: routerId as Ipv4,
    hostname: "edge-1",
    tcp: systemTcp,
    clock: systemClock,
    random: systemRandom,
    log,
    addressesBeside,
    openFrames: openFrameSocket,
    groups: new MulticastGroups(log),
    routes: systemRoutes,
    keepers: new RouteKeepers(lastLife, () => undefined),
  });
}
