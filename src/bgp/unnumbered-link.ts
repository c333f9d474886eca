/**
 * One interface with an unnumbered peer: says that a router is here, as RFC 4861 6.2 wants it said, and hears which routers are there.
 *
 * Asks first: who hears us connects at once, and is a stranger as long as we have not heard it.
 */
import type { FrameSocket, Link, OpenFrames } from "../linux/index.ts";
import type { Log } from "../log/index.ts";
import type { Ipv6, Mac } from "../net/index.ts";
import { Backoff, type Clock, type Random, type Timer } from "../time/index.ts";
import {
  ALL_ROUTERS,
  ETHERTYPE_IPV6,
  type RouterDiscovery,
  WireError,
  decodeEthernet,
  decodeRouterDiscovery,
  encodeEthernet,
  encodeRouterDiscovery,
  groupMac,
  routerPresence,
  routerSolicitation,
} from "../wire/index.ts";
import { type RoutersHeard, alive, answered, hear, nextChange, present } from "./routers-heard.ts";

/** Multicast groups of the host, counted: `MulticastGroups` of linux/ in the daemon. */
export interface Groups {
  join(interfaceName: string, group: Ipv6): void;
  leave(interfaceName: string, group: Ipv6): void;
  renew(interfaceName: string): void;
}

export type UnnumberedParts = {
  readonly openFrames: OpenFrames;
  readonly groups: Groups;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

// What this host sends does not come back: "inbound". A VLAN's frames have lost their tag before the filter sees them.
const FILTER = "inbound and icmp6 and (ip6[40] = 133 or ip6[40] = 134)";

const FIRST_ADVERTISEMENT_MS = 700; // time for the answer to our question, which may be delayed by MAX_RA_DELAY_TIME
const INITIAL_ADVERTISEMENTS = 3; // RFC 4861 10
const ADVERTISEMENT_INTERVAL = { least: 7_500, most: 10_000 }; // as FRR does on interfaces with unnumbered neighbors: every 10 s
const MIN_DELAY_BETWEEN_RAS_MS = 3_000; // RFC 4861 10
const MAX_RA_DELAY_TIME_MS = 500;
const SOLICITATION_INTERVAL = { first: 4_000, longest: 60_000 }; // RFC 4861 10, and that it grows: RFC 7559 2
const ANSWERED_AFTER_MS = 4_000;

export class UnnumberedLink {
  readonly #name: string;
  readonly #parts: UnnumberedParts;
  readonly #changed: () => void;
  readonly #socket: FrameSocket;
  readonly #solicitations: Backoff;
  #link: Link | undefined;
  /** Our addresses as they were when we last began. */
  #self: { readonly linkLocal: Ipv6; readonly mac: Mac } | undefined;
  #routers: RoutersHeard = [];
  #told: readonly Ipv6[] = [];
  #searching = true;
  #sent = 0;
  #lastSent = -Infinity;
  #advertisement: { readonly handle: Timer; readonly at: number } | undefined;
  #solicitation: Timer | undefined;
  #judgement: Timer | undefined;
  #expiry: Timer | undefined;

  /** `changed` is called when other routers are there than before. */
  constructor(name: string, parts: UnnumberedParts, changed: () => void) {
    const { openFrames, groups, log, clock, random } = parts;
    this.#name = name;
    this.#parts = parts;
    this.#changed = changed;
    this.#solicitations = new Backoff(SOLICITATION_INTERVAL, random);
    groups.join(name, ALL_ROUTERS);
    this.#socket = openFrames({
      interface: name,
      filter: FILTER,
      onFrame: (frame) => {
        this.#receive(frame);
      },
      onOpen: () => {
        this.#begin();
      },
      log,
      clock,
      random,
    });
  }

  /** The interface as it is now; undefined = there is none of that name. */
  link(link: Link | undefined): void {
    const before = this.#link;
    this.#link = link;
    if (link !== undefined && (before?.index !== link.index || before.epoch !== link.epoch)) this.#parts.groups.renew(this.#name);
    this.#socket.link(link);
    const self = this.#own();
    if (self?.linkLocal !== this.#self?.linkLocal || self?.mac !== this.#self?.mac) this.#begin();
  }

  /** Whether the router is looked for, which takes questions, or has been found. */
  search(searching: boolean): void {
    if (searching === this.#searching) return;
    this.#searching = searching;
    this.#solicitations.reset();
    if (searching) this.#solicit();
    else this.#solicitation?.cancel();
  }

  /** The routers that are there, in the order in which they were first heard. */
  routers(): readonly Ipv6[] {
    return present(alive(this.#routers, this.#parts.clock.now()));
  }

  /** Why none can be heard, as a sentence; undefined if they can. */
  get problem(): string | undefined {
    const link = this.#link;
    if (link === undefined) return `there is no interface ${this.#name}`;
    if (!link.up || !link.carrier) return `interface ${this.#name} is down`;
    if (link.mac === undefined) return `interface ${this.#name} is not Ethernet: give the peer's address`;
    if (link.linkLocal === undefined) return `interface ${this.#name} has no IPv6 link-local address: see the sysctls net.ipv6.conf.${this.#name}.disable_ipv6 and addr_gen_mode`;
    const { state } = this.#socket.status();
    return state.type === "failed" ? `nothing can be heard on interface ${this.#name}: ${state.error}` : undefined;
  }

  stop(): void {
    for (const timer of [this.#advertisement?.handle, this.#solicitation, this.#judgement, this.#expiry]) timer?.cancel();
    this.#socket.close();
    this.#parts.groups.leave(this.#name, ALL_ROUTERS);
  }

  #own(): { readonly linkLocal: Ipv6; readonly mac: Mac } | undefined {
    const { mac, linkLocal, up, carrier } = this.#link ?? {};
    return mac === undefined || linkLocal === undefined || up !== true || carrier !== true ? undefined : { linkLocal, mac };
  }

  /** The link has come up, or is another one, or we are another one on it. */
  #begin(): void {
    this.#self = this.#own();
    this.#sent = 0;
    if (this.#self === undefined) return;
    this.#advertiseIn(FIRST_ADVERTISEMENT_MS);
    this.#solicitations.reset();
    if (this.#searching) this.#solicit();
  }

  #receive(bytes: Uint8Array): void {
    const message = read(bytes, this.#self);
    switch (message?.type) {
      case undefined:
        return;
      case "router-solicitation": // RFC 4861 6.2.6
        this.#advertiseIn(this.#parts.random() * MAX_RA_DELAY_TIME_MS);
        return;
      case "router-advertisement": {
        const known = this.#routers.some(({ address }) => address === message.source);
        this.#take(hear(this.#routers, message, this.#parts.clock.now()));
        if (!known) this.#advertiseIn(0); // it may be new and not know us
      }
    }
  }

  #take(routers: RoutersHeard): void {
    const { clock } = this.#parts;
    this.#routers = routers;
    this.#expiry?.cancel();
    const next = nextChange(routers);
    if (next !== Infinity) {
      this.#expiry = clock.timer("bgp routers", next - clock.now(), () => {
        this.#take(alive(this.#routers, clock.now()));
      });
    }
    const now = this.routers();
    if (now.length === this.#told.length && now.every((address, i) => address === this.#told[i])) return;
    this.#told = now;
    this.#changed();
  }

  /** Within so many ms, unless it is due sooner, and never too soon after the last one. */
  #advertiseIn(ms: number): void {
    const { clock } = this.#parts;
    const at = Math.max(clock.now() + ms, this.#lastSent + MIN_DELAY_BETWEEN_RAS_MS);
    if (this.#advertisement !== undefined && this.#advertisement.at <= at) return;
    this.#advertisement?.handle.cancel();
    const handle = clock.timer("bgp advertise router", at - clock.now(), () => {
      this.#advertisement = undefined;
      this.#advertise();
    });
    this.#advertisement = { handle, at };
  }

  #advertise(): void {
    const { clock, random } = this.#parts;
    if (this.#self === undefined) return; // #begin goes on
    const { least, most } = ADVERTISEMENT_INTERVAL;
    this.#send(routerPresence(this.#self.linkLocal, this.#self.mac));
    this.#lastSent = clock.now();
    this.#advertiseIn(++this.#sent < INITIAL_ADVERTISEMENTS ? MIN_DELAY_BETWEEN_RAS_MS : least + random() * (most - least));
  }

  #solicit(): void {
    const { clock } = this.#parts;
    this.#solicitation?.cancel();
    if (this.#self === undefined || !this.#searching) return;
    const asked = clock.now();
    this.#send(routerSolicitation(this.#self.linkLocal, this.#self.mac));
    this.#solicitation = clock.timer("bgp solicit routers", this.#solicitations.next(), () => {
      this.#solicit();
    });
    this.#judgement?.cancel();
    this.#judgement = clock.timer("bgp judge routers", ANSWERED_AFTER_MS, () => {
      this.#take(answered(alive(this.#routers, clock.now()), asked));
    });
  }

  #send(message: RouterDiscovery): void {
    const self = this.#self;
    if (self === undefined) return;
    const payload = encodeRouterDiscovery(message);
    this.#socket.send(encodeEthernet({ destination: groupMac(message.destination), source: self.mac, vlan: undefined, etherType: ETHERTYPE_IPV6, payload }));
  }
}

/** What another station says; undefined if it is none of that, or malformed. */
function read(bytes: Uint8Array, self: { readonly linkLocal: Ipv6; readonly mac: Mac } | undefined): RouterDiscovery | undefined {
  try {
    const frame = decodeEthernet(bytes);
    // VLAN 0 is a priority tag: the frame is the untagged network's.
    if (self === undefined || (frame.vlan ?? 0) !== 0 || frame.source === self.mac || frame.etherType !== ETHERTYPE_IPV6) return undefined;
    const message = decodeRouterDiscovery(frame.payload);
    return message.source === self.linkLocal ? undefined : message;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
