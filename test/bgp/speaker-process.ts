/**
 * The speaker as a program of its own, for the interop tests: it runs in a network namespace and takes JSON lines.
 *
 *   {"do":"apply", "peers":[…], "routes":{VIP:[{peer, prefix, attributes}]}, "complete":true, "listen":[…]}
 *   {"do":"status"}    writes "STATUS {…}"
 *   {"do":"stop", "reason":"…"}
 */
import { createInterface } from "node:readline";
import { BgpSpeaker, type BgpDesired, type BgpRoute, type Keeper, RouteKeepers, type WantedPeer } from "../../src/bgp/index.ts";
import { addressesBeside, LinkWatcher, MulticastGroups, openFrameSocket, systemRoutes, systemTcp } from "../../src/linux/index.ts";
import { Journal } from "../../src/log/index.ts";
import { type Address, type Ipv4, address, parsePrefix } from "../../src/net/index.ts";
import { systemClock, systemRandom } from "../../src/time/index.ts";

type Command =
  | { readonly do: "apply"; readonly peers: readonly GivenPeer[]; readonly routes: Readonly<Record<string, readonly Route[]>>; readonly complete: boolean; readonly listen?: BgpDesired["listen"] }
  | { readonly do: "status" }
  | { readonly do: "stop"; readonly reason: string };

/** Unnumbered with an address that is null. */
type GivenPeer = Partial<Omit<WantedPeer, "address">> & { readonly address?: Address | null };

type Route = { readonly peer: string; readonly prefix: string; readonly attributes?: Partial<BgpRoute["attributes"]> };

/** And the peers that keep the routes of the life before this one, as JSON. */
const [routerId = "192.0.2.1", lastLife = "[]"] = process.argv.slice(2);
const log = new Journal(process.stdout, "debug");
const speaker = new BgpSpeaker({
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
  keepers: new RouteKeepers(JSON.parse(lastLife) as readonly Keeper[], () => undefined),
});
speaker.start();
void new LinkWatcher({ log, clock: systemClock, onChange: (links) => { speaker.links(links); } }).start();

let routes = new Map<Address, readonly BgpRoute[]>();

createInterface({ input: process.stdin }).on("line", (line) => {
  const command = JSON.parse(line) as Command;
  switch (command.do) {
    case "apply":
      apply(command);
      return;
    case "status":
      process.stdout.write(`STATUS ${JSON.stringify(speaker.status())}\n`);
      return;
    case "stop":
      void speaker.stop(command.reason).then(() => {
        process.stdout.write("STOPPED\n", () => process.exit(0));
      });
  }
});

function apply({ peers, routes: wanted, complete, listen = [] }: Extract<Command, { do: "apply" }>): void {
  const before = routes;
  routes = new Map(Object.entries(wanted).map(([vip, list]) => [address(vip), list.map(routeOf)]));
  speaker.apply({ peers: peers.map(peerOf), routes, complete, listen }, new Set([...before.keys(), ...routes.keys()]));
}

function peerOf(given: GivenPeer): WantedPeer {
  return {
    name: "router",
    zone: undefined,
    asn: 64501,
    localAsn: 64500,
    port: 179,
    sourceAddress: undefined,
    holdTimeMs: 90_000,
    keepaliveTimeMs: 30_000,
    connectTimeMs: 2_000,
    password: undefined,
    multihop: 0,
    ttlSecurity: false,
    families: ["ipv4", "ipv6"],
    passive: false,
    maxPrefixes: 0,
    role: undefined,
    gracefulRestartMs: 0,
    ...given,
    address: given.address === null ? undefined : (given.address ?? address("192.0.2.254")),
  };
}

function routeOf({ peer, prefix: text, attributes }: Route): BgpRoute {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`not a prefix: ${text}`);
  return { peer, prefix, attributes: { localPref: 100, med: undefined, prepend: 0, communities: [], linkBandwidth: undefined, ...attributes } };
}
