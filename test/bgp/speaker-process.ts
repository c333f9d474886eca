/**
 * The speaker as a program of its own, for the interop tests: it runs in a network namespace and takes JSON lines.
 *
 *   {"do":"apply", "peers":[…], "routes":{VIP:[{peer, prefix, attributes}]}, "complete":true, "listen":[…]}
 *   {"do":"status"}    writes "STATUS {…}"
 *   {"do":"stop", "reason":"…"}
 */
import { createInterface } from "node:readline";
import type { BgpDesired, BgpRoute, Keeper, WantedPeer } from "../../src/bgp/index.ts";
import { LinkWatcher } from "../../src/linux/index.ts";
import { Journal } from "../../src/log/index.ts";
import { type Address, address, parsePrefix } from "../../src/net/index.ts";
import { systemClock } from "../../src/time/index.ts";
import { kernelSpeaker } from "./kernel-speaker.ts";
import { ATTRIBUTES, PEER } from "./world.ts";

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
const speaker = kernelSpeaker(routerId, log, JSON.parse(lastLife) as readonly Keeper[]);
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
  const to = given.address === null ? undefined : (given.address ?? address("192.0.2.254"));
  return { ...PEER, name: "router", connectTimeMs: 2_000, ...given, address: to };
}

function routeOf({ peer, prefix: text, attributes }: Route): BgpRoute {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`not a prefix: ${text}`);
  return { peer, prefix, attributes: { ...ATTRIBUTES, ...attributes } };
}
