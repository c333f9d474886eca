/**
 * One segment: the raw socket on its interface, the VIPs that this host answers for there, and the questions that it asks.
 */
import type { FrameSocket, Link, OpenFrames } from "../linux/index.ts";
import type { Log } from "../log/index.ts";
import { type Address, type Ipv6, type Mac, isIpv4 } from "../net/index.ts";
import type { Clock, Random } from "../time/index.ts";
import { solicitedNodeGroup } from "../wire/index.ts";
import { firstForm, question, secondForm } from "./announcement.ts";
import { type AnnouncementForm, type AnnouncePace, Claims } from "./claims.ts";
import type { L2Event } from "./desired.ts";
import { Questions } from "./questions.ts";
import { type Self, react } from "./responder.ts";
import type { SegmentCounters, SegmentStatus, SegmentVipStatus } from "./status.ts";

/** Multicast groups of the host, counted: `MulticastGroups` of linux/ in the daemon. */
export interface Groups {
  join(interfaceName: string, group: Ipv6): void;
  leave(interfaceName: string, group: Ipv6): void;
  renew(interfaceName: string): void;
}

export type SegmentOptions = AnnouncePace & {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly openFrames: OpenFrames;
  readonly groups: Groups;
  /** Whether the host forwards IPv6 on an interface. */
  readonly forwards: (interfaceName: string) => boolean;
  /** Whether an address is one of the fleet's. */
  readonly isVip: (address: Address) => boolean;
  readonly onEvent: (event: L2Event) => void;
};

type Vip = { claim: number; defence: number | undefined; readonly since: number };

/** What is to be done about one VIP here; undefined = nothing. */
export type SegmentIntent = { readonly claim: number | undefined; readonly defence: number | undefined; readonly ask: number | undefined };

// Claims and questions of this host do not come back: "inbound". A VLAN's frames have lost their tag before the filter sees them.
const FILTER = "inbound and (arp or (icmp6 and (ip6[40] = 135 or ip6[40] = 136)))";

/** A question that has waited longer than this may be for a VIP that another host has taken meanwhile. */
const STALE_MS = 400;

export class Segment {
  readonly #name: string;
  readonly #options: SegmentOptions;
  readonly #socket: FrameSocket;
  readonly #claims: Claims;
  readonly #questions: Questions;
  readonly #vips = new Map<Address, Vip>();
  readonly #counters = newCounters();
  #link: Link | undefined;
  /** The interface's own addresses. */
  #kernel: ReadonlySet<Address> = new Set();
  #self: Self | undefined;
  #opened = 0;

  constructor(name: string, options: SegmentOptions) {
    this.#name = name;
    this.#options = options;
    const { clock, random, log, announceRate, refreshMs } = options;
    this.#claims = new Claims({
      segment: name,
      clock,
      random,
      announceRate,
      refreshMs,
      announce: (address, form) => this.#announce(address, form),
    });
    this.#questions = new Questions({
      segment: name,
      clock,
      send: (address) => this.#ask(address),
      onAnswer: (address, ask, answer) => {
        options.onEvent({ type: "asked", segment: name, address, ask, answer });
      },
    });
    this.#socket = options.openFrames({
      interface: name,
      filter: FILTER,
      onFrame: (frame, ageMs) => {
        this.#receive(frame, ageMs);
      },
      onOpen: () => {
        this.#opened++;
        this.#beginAnew();
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
    this.#kernel = new Set(link?.addresses);
    this.look();
    for (const address of this.#vips.keys()) if (!before?.addresses.includes(address)) this.#tellIfKernelAnswers(address);
    if (link !== undefined && (before?.index !== link.index || before.epoch !== link.epoch)) this.#options.groups.renew(this.#name);
    const opened = this.#opened;
    this.#socket.link(link);
    const another = before !== undefined && (before.mac !== link?.mac || !before.carrier);
    if (another && opened === this.#opened) this.#beginAnew();
  }

  /** How often and how fast claims are announced from now on. */
  pace(pace: AnnouncePace): void {
    this.#claims.pace(pace);
  }

  /** Reads what the kernel does not tell by itself: whether the host is a router here. */
  look(): void {
    const mac = this.#link?.mac;
    this.#self = mac === undefined ? undefined : this.#selfWith(mac);
  }

  /** Makes it so for one VIP; what is to be sent goes with `flush`. The same twice does nothing. */
  intend(address: Address, intent: SegmentIntent | undefined): void {
    const { claim, defence, ask } = intent ?? {};
    if (claim === undefined) this.#silence(address);
    else this.#answer(address, claim, defence);
    if (ask === undefined) this.#questions.forget(address);
    else this.#questions.ask(address, ask);
  }

  /** Sends what is due, without waiting for a timer. */
  flush(): void {
    this.#claims.flush();
    this.#questions.flush();
  }

  status(): SegmentStatus {
    return {
      segment: this.#name,
      mac: this.#link?.mac,
      capture: this.#socket.status(),
      counters: structuredClone(this.#counters),
      vips: { size: this.#vips.size, keys: () => this.#vips.keys(), get: (address) => this.#vipStatus(address) },
    };
  }

  #vipStatus(address: Address): SegmentVipStatus | undefined {
    const vip = this.#vips.get(address);
    return vip && { since: vip.since, announced: this.#claims.announcedAt(address), answeredBy: this.#kernel.has(address) ? "kernel" : "bmlb" };
  }

  /** For ever. */
  stop(): void {
    for (const address of [...this.#vips.keys()]) this.#silence(address);
    this.#claims.stop();
    this.#questions.stop();
    this.#socket.close();
  }

  #answer(address: Address, claim: number, defence: number | undefined): void {
    const vip = this.#vips.get(address);
    if (vip?.claim === claim) {
      if (defence !== undefined && defence !== vip.defence) this.#claims.defend(address);
      vip.defence = defence;
      return;
    }
    if (vip === undefined) {
      this.#vips.set(address, { claim, defence, since: this.#options.clock.now() });
      if (!isIpv4(address)) this.#options.groups.join(this.#name, solicitedNodeGroup(address));
      this.#tellIfKernelAnswers(address);
    } else {
      vip.claim = claim;
      vip.defence = defence;
    }
    this.#claims.claim(address);
  }

  #silence(address: Address): void {
    if (!this.#vips.delete(address)) return;
    this.#claims.release(address);
    if (!isIpv4(address)) this.#options.groups.leave(this.#name, solicitedNodeGroup(address));
  }

  #receive(bytes: Uint8Array, ageMs: number): void {
    const self = this.#self;
    if (self === undefined) return;
    const counters = this.#counters;
    const reaction = react(bytes, self);
    switch (reaction.type) {
      case "answer":
        if (ageMs > STALE_MS) counters.ignored.stale++;
        else if (this.#send(reaction.frame)) counters.answered[reaction.protocol]++;
        break;
      case "heard":
        counters.heard++;
        this.#options.onEvent({ type: "heard", segment: this.#name, address: reaction.address, mac: reaction.mac });
        this.#questions.heard(reaction.address, reaction.mac);
        break;
      case "used":
        counters.heard++;
        this.#options.onEvent({ type: "used", segment: this.#name, address: reaction.address, mac: reaction.mac });
        break;
      case "question":
        this.#options.onEvent({ type: "question", segment: this.#name, address: reaction.address, mac: reaction.mac });
        break;
      case "ignored":
        counters.ignored[reaction.cause]++;
        break;
    }
  }

  /** What was said and asked before may not have been heard, or is not true any more. */
  #beginAnew(): void {
    if (this.#link?.carrier !== true) return;
    this.#claims.repeatAll();
    this.#questions.restart();
  }

  #announce(address: Address, form: AnnouncementForm): boolean {
    const self = this.#self;
    if (self === undefined) return false;
    const frame = form === "first" ? firstForm(address, self.mac, self.router) : secondForm(address, self.mac);
    if (frame === undefined || !this.#send(frame)) return false;
    this.#counters.announcements++;
    return true;
  }

  #ask(address: Address): boolean {
    const link = this.#link;
    if (link?.mac === undefined || !link.carrier || !this.#send(question(address, link.mac, link.linkLocal))) return false;
    this.#counters.questions++;
    return true;
  }

  #send(frame: Uint8Array): boolean {
    const sent = this.#socket.send(frame);
    if (!sent) this.#counters.unsent++;
    return sent;
  }

  #selfWith(mac: Mac): Self {
    return {
      mac,
      router: this.#options.forwards(this.#name),
      answers: (address) => this.#vips.has(address) && !this.#kernel.has(address),
      isOwn: (address) => this.#vips.has(address) || this.#kernel.has(address),
      isVip: this.#options.isVip,
    };
  }

  #tellIfKernelAnswers(vip: Address): void {
    if (!this.#kernel.has(vip)) return;
    this.#options.log.notice("the interface has this VIP as an address of its own: the kernel answers for it, it is only announced here", {
      vip,
      interface: this.#name,
    });
  }
}

type Counters = {
  -readonly [K in keyof SegmentCounters]: SegmentCounters[K] extends number ? number : { -readonly [L in keyof SegmentCounters[K]]: number };
};

function newCounters(): Counters {
  return {
    answered: { arp: 0, ndp: 0 },
    heard: 0,
    ignored: { malformed: 0, tagged: 0, own: 0, "not-to-us": 0, "other-address": 0, "bad-sender": 0, stale: 0 },
    announcements: 0,
    questions: 0,
    unsent: 0,
  };
}
