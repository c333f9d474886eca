/**
 * The segments' side of the daemon, put together: the interfaces as the kernel has them, which of them are segments that can carry VIPs, and
 * what answers ARP and NDP there.
 */
import type { Config } from "./config/index.ts";
import type { Hosts } from "./hosts.ts";
import { Announcer } from "./l2/index.ts";
import { ipv6Forwarding, type Link, LinkWatcher, MulticastGroups, openFrameSocket } from "./linux/index.ts";
import type { Log } from "./log/index.ts";
import type { Address } from "./net/index.ts";
import { type Segment, standsFor, type World } from "./plan/index.ts";
import type { Clock, Random } from "./time/index.ts";

/** What is known beside the segments. */
export type Surroundings = Omit<World, "segments">;

export type SegmentsOptions = {
  readonly config: Config;
  readonly surroundings: () => Surroundings;
  readonly hosts: Pick<Hosts, "fleet" | "segments">;
  readonly isVip: (address: Address) => boolean;
  /** The interfaces are other than they were; before hosts and announcer are told. */
  readonly onLinks: (links: readonly Link[]) => void;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
};

export class Segments {
  readonly announcer: Announcer;
  readonly #options: SegmentsOptions;
  readonly #watcher: LinkWatcher;
  /** It is being stopped: whatever still happens must not open anything again. */
  #quiet = false;

  constructor(options: SegmentsOptions) {
    const { config, hosts, isVip, log, clock, random } = options;
    this.#options = options;
    this.#watcher = new LinkWatcher({ log, clock, onChange: (links) => { this.#take(links); } });
    this.announcer = new Announcer({
      log,
      clock,
      random,
      openFrames: openFrameSocket,
      groups: new MulticastGroups(log),
      forwards: ipv6Forwarding,
      isVip,
      refreshMs: config.fleet.refreshMs,
      announceRate: config.fleet.announceRate,
      onEvent: (event) => { hosts.fleet.input(event); },
    });
  }

  /** Every interface of the host; none before they have been read. */
  get links(): readonly Link[] {
    return this.#watcher.links;
  }

  /** As planning sees them. */
  get segments(): readonly Segment[] {
    return this.#able().map(segmentOf);
  }

  /** Resolves when the interfaces have been read for the first time. */
  find(): Promise<void> {
    return this.#watcher.start();
  }

  /** Tells hosts and announcer where to speak and to listen: other segments may concern this host than did. */
  tell(): void {
    if (this.#quiet) return;
    const { hosts, surroundings } = this.#options;
    const seen = surroundings();
    const able = this.#able();
    const segments = hosts.segments({ ...seen, segments: able.map(segmentOf) }, able);
    // Who announces by BGP alone says hello, and has no use for frames.
    this.announcer.segments(seen.config.l2.length === 0 ? [] : segments);
  }

  /** Looks at interfaces no more; what is announced still is. */
  hush(): void {
    this.#quiet = true;
    this.#watcher.stop();
  }

  #take(links: readonly Link[]): void {
    this.#options.onLinks(links);
    this.announcer.links(links);
    this.tell();
  }

  #able(): readonly Link[] {
    return segmentLinks(this.links, this.#options.surroundings());
  }
}

function segmentOf({ name, up, carrier }: Link): Segment {
  return { name, up: up && carrier };
}

/**
 * The interfaces that can carry VIPs. Of a macvlan and the one that it is made on only the latter, if both are meant: they are one
 * segment, on which this host would answer with two MACs, and no hello passes between them that would show it.
 */
export function segmentLinks(links: readonly Link[], seen: Surroundings): readonly Link[] {
  const able = links.filter((link) => link.broadcast);
  if (able.every(({ over }) => over === undefined)) return able;
  const world = { ...seen, segments: [] };
  const isMeant = ({ name }: Link): boolean => world.config.l2.length === 0 || standsFor(world, name).length > 0;
  return able.filter(({ over }) => over === undefined || !able.some((link) => link.index === over && isMeant(link)));
}
