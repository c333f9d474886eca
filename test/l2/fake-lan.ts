/** A host whose interfaces are not real: what it sends is kept, what it hears is said by the test. */
import { Announcer, type AnnouncerOptions, type L2Desired, type L2Event, type L2Intent, type SegmentStatus } from "../../src/l2/index.ts";
import type { FrameSocket, FrameSocketOptions, Link } from "../../src/linux/index.ts";
import { type LogFields, silentLog } from "../../src/log/index.ts";
import { type Address, type Ipv6, address } from "../../src/net/index.ts";
import { VirtualClock, VirtualWorld, seededRandom } from "../../src/time/index.ts";
import { link as plainLink } from "../linux/link.ts";
import { US, VIP, VIP_V6 } from "./frames.ts";

export class FakeSocket implements FrameSocket {
  readonly options: FrameSocketOptions;
  readonly sent: Uint8Array[] = [];
  closed = false;
  #link: Link | undefined;

  constructor(options: FrameSocketOptions) {
    this.options = options;
  }

  link(link: Link | undefined): void {
    const before = this.#link;
    this.#link = link;
    if (link?.up === true && (before?.up !== true || before.index !== link.index || before.epoch !== link.epoch)) this.options.onOpen();
  }

  send(frame: Uint8Array): boolean {
    if (this.#link?.up !== true || this.closed) return false;
    this.sent.push(frame);
    return true;
  }

  status(): ReturnType<FrameSocket["status"]> {
    const state = this.#link?.up === true ? ({ type: "open" } as const) : ({ type: "closed", reason: "link-down" } as const);
    return { state, counters: { received: 0, dropped: 0, delivered: 0, shed: 0 }, reopened: 0 };
  }

  close(): void {
    this.closed = true;
  }
}

export class FakeLan {
  readonly world = new VirtualWorld();
  readonly clock = new VirtualClock(this.world);
  readonly events: L2Event[] = [];
  readonly notices: LogFields[] = [];
  /** Every socket that was ever opened. */
  readonly sockets: FakeSocket[] = [];
  /** "INTERFACE GROUP" by how often it is joined. */
  readonly joined = new Map<string, number>();
  readonly renewed: string[] = [];
  forwards = false;
  readonly announcer: Announcer;
  #desired = new Map<Address, readonly L2Intent[]>();

  constructor(options: Partial<AnnouncerOptions> = {}) {
    this.announcer = new Announcer({
      log: { ...silentLog, notice: (_, fields = {}) => void this.notices.push(fields) },
      clock: this.clock,
      random: seededRandom(1),
      openFrames: (socketOptions) => {
        const socket = new FakeSocket(socketOptions);
        this.sockets.push(socket);
        return socket;
      },
      groups: {
        join: (name, group) => {
          this.#count(name, group, 1);
        },
        leave: (name, group) => {
          this.#count(name, group, -1);
        },
        renew: (name) => this.renewed.push(name),
      },
      forwards: () => this.forwards,
      isVip: (a) => a === VIP || a === VIP_V6,
      onEvent: (event) => {
        this.events.push(event);
      },
      announceRate: 500,
      refreshMs: 0,
      ...options,
    });
  }

  /** Changes what is desired for one VIP. */
  desire(vip: Address, ...intents: readonly L2Intent[]): void {
    if (intents.length === 0) this.#desired.delete(vip);
    else this.#desired.set(vip, intents);
    const desired: L2Desired = new Map(this.#desired);
    this.announcer.apply(desired, new Set([vip]));
  }

  /** The open socket on an interface. */
  on(name: string): FakeSocket {
    const socket = this.sockets.findLast(({ options, closed }) => options.interface === name && !closed);
    if (socket === undefined) throw new Error(`no socket is open on ${name}`);
    return socket;
  }

  /** A frame arrives; what is sent within the same turn. */
  receive(name: string, frame: Uint8Array, ageMs = 0): readonly Uint8Array[] {
    const socket = this.on(name);
    const before = socket.sent.length;
    socket.options.onFrame(frame, ageMs);
    return socket.sent.slice(before);
  }

  status(name: string): SegmentStatus {
    const status = this.announcer.status().segments.find(({ segment }) => segment === name);
    if (status === undefined) throw new Error(`there is no segment ${name}`);
    return status;
  }

  #count(name: string, group: Ipv6, by: number): void {
    const key = `${name} ${group}`;
    const count = (this.joined.get(key) ?? 0) + by;
    if (count === 0) this.joined.delete(key);
    else this.joined.set(key, count);
  }
}

/** An interface of ours that is up. */
export function link(name: string, parts: Partial<Link> = {}): Link {
  return plainLink(name, { mac: US, addresses: [address("192.0.2.7"), address("fe80::1")], ...parts });
}

export const answer = (segment: string, claim = 1): L2Intent => ({ segment, action: "answer", claim });
export const ask = (segment: string, number = 1): L2Intent => ({ segment, action: "ask", ask: number });
