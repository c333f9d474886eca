/**
 * The part of the worker thread that sends this host's hellos and hears the others'. Beside the main loop, because a garbage collection
 * there is longer than the time after which silence means death.
 *
 * It falls silent when the main loop stands: a host that cannot answer ARP must not look alive.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { isIPv4 } from "node:net";
import type { MessagePort } from "node:worker_threads";
import { type Pulse, processMs } from "../thread/index.ts";
import { decodeHello, encodeHello, type Hello, HELLO_SIGNATURE_OCTETS, WireError } from "../wire/index.ts";
import { HELLO_GROUP_IPV4, HELLO_GROUP_IPV6, HELLO_PORT } from "./groups.ts";
import type { Keys } from "./keys.ts";
import type { FromThread, Rejection, Saying, ToThread } from "./messages.ts";

/** A host heard by multicast this lately needs no hello of its own. */
const MULTICAST_WORKS_MS = 10_000;
/** Of so many hosts on a segment it is remembered by which family they speak. */
const MOST_VOICES = 1000;
/** How much earlier than its interval a hello may go out. */
const JITTER = 0.25;
/** Who says hello less often from now on does so this many times at the old pace: the others may miss the first that says so. */
const FAREWELLS_TO_A_PACE = 3;
/** The same complaint about a segment is made this often. */
const COMPLAIN_MS = 60_000;

type Segment = {
  readonly sockets: { readonly ipv4?: Socket; readonly ipv6?: Socket };
  said: { readonly saying: Saying; readonly at: number } | undefined;
  timer: NodeJS.Timeout | undefined;
  /** For how many more hellos the pace is still this. */
  oldPace: { readonly intervalMs: number; left: number } | undefined;
  readonly multicastFrom: Map<string, number>;
  /** When each instance was last heard to multicast, by family. */
  readonly voices: Map<string, { ipv4: number; ipv6: number }>;
};

/** Serves the room liveness/ in the main loop until it closes the port. */
export function serveHellos(port: MessagePort, pulse: Pulse): void {
  const hellos = new Hellos(pulse, (message) => { port.postMessage(message); });
  port.on("message", (message: ToThread) => { hellos.take(message); });
  port.on("close", () => { hellos.stop(); });
}

class Hellos {
  readonly #pulse: Pulse;
  readonly #tell: (message: FromThread) => void;
  readonly #segments = new Map<string, Segment>();
  readonly #complained = new Map<string, number>();
  #introduced: ReadonlyMap<string, readonly string[]> = new Map();
  #keys: Keys = { current: undefined, next: undefined, previous: undefined };
  /** Grows over a restart of the thread, too: what was heard of it before must stay older. */
  #sequence = processMs() * 1000;

  constructor(pulse: Pulse, tell: (message: FromThread) => void) {
    this.#pulse = pulse;
    this.#tell = tell;
  }

  take(message: ToThread): void {
    switch (message.type) {
      case "open":
        this.#close(message.segment);
        this.#open(message);
        return;
      case "close":
        this.#close(message.segment);
        return;
      case "say": {
        const segment = this.#segments.get(message.segment);
        if (segment === undefined) return;
        const wasSilent = segment.timer === undefined;
        const before = segment.oldPace?.intervalMs ?? segment.said?.saying.intervalMs ?? Infinity;
        if (message.saying.intervalMs > before) segment.oldPace ??= { intervalMs: before, left: FAREWELLS_TO_A_PACE };
        else segment.oldPace = undefined;
        segment.said = { saying: message.saying, at: message.at };
        if (message.urgency === "never") hush(segment);
        else if (wasSilent || message.urgency === "now") this.#send(segment);
        return;
      }
      case "keys":
        this.#keys = message.keys;
        return;
      case "introduced":
        this.#introduced = message.hosts;
        return;
      case "stop":
        this.stop();
    }
  }

  /** Nothing more is said or heard. */
  stop(): void {
    for (const name of this.#segments.keys()) this.#close(name);
  }

  #open({ segment: name, ipv4, ipv6 }: Extract<ToThread, { readonly type: "open" }>): void {
    const segment: Segment = {
      sockets: { ...(ipv4 !== undefined && { ipv4: this.#adopt(name, "udp4", ipv4) }), ...(ipv6 !== undefined && { ipv6: this.#adopt(name, "udp6", ipv6) }) },
      said: undefined,
      timer: undefined,
      oldPace: undefined,
      multicastFrom: new Map(),
      voices: new Map(),
    };
    this.#segments.set(name, segment);
  }

  #adopt(name: string, type: "udp4" | "udp6", fd: number): Socket {
    const socket = createSocket(type);
    socket.on("message", (datagram, { address }) => {
      this.#hear(name, datagram, address);
    });
    socket.on("error", (error) => {
      this.#tell({ type: "failed", segment: name, error: error.message });
    });
    socket.bind({ fd });
    return socket;
  }

  #close(name: string): void {
    const segment = this.#segments.get(name);
    if (segment === undefined) return;
    this.#segments.delete(name);
    clearTimeout(segment.timer);
    segment.sockets.ipv4?.close();
    segment.sockets.ipv6?.close();
  }

  #send(segment: Segment): void {
    clearTimeout(segment.timer);
    if (segment.said === undefined) return;
    const { saying, at } = segment.said;
    segment.timer = setTimeout(() => {
      this.#send(segment);
    }, paceOf(segment, saying) * (1 - JITTER * Math.random()));
    const now = processMs();
    if (this.#pulse.isDead) return;
    const elapsed = Math.max(0, now - at);
    const hello: Hello = { ...saying, sequence: ++this.#sequence, cast: "multicast", uptimeMs: saying.uptimeMs + elapsed, viewAgeMs: saying.viewAgeMs + elapsed, loopLagMs: this.#pulse.lagMs };
    const { ipv4, ipv6 } = segment.sockets;
    const octets = this.#seal(hello);
    if (ipv6 !== undefined) transmit(ipv6, octets, HELLO_GROUP_IPV6);
    if (ipv4 !== undefined && (ipv6 === undefined || isIpv4Needed(segment, now))) transmit(ipv4, octets, HELLO_GROUP_IPV4);
    for (const [host, addresses] of this.#introduced) {
      if (host === saying.name || now - (segment.multicastFrom.get(host) ?? -Infinity) < MULTICAST_WORKS_MS) continue;
      const toOne = this.#seal({ ...hello, cast: "unicast" });
      for (const address of addresses) {
        const socket = isIPv4(address) ? ipv4 : ipv6;
        if (socket !== undefined) transmit(socket, toOne, address);
      }
    }
  }

  #seal(hello: Hello): Uint8Array {
    if (this.#keys.current === undefined) return encodeHello(hello, "plain");
    const part = encodeHello(hello, "signed");
    return Buffer.concat([part, sign(part, this.#keys.current)]);
  }

  #hear(name: string, datagram: Buffer, source: string): void {
    const segment = this.#segments.get(name);
    if (segment === undefined) return;
    const hello = this.#unseal(datagram);
    if (typeof hello === "string") {
      this.#complain(name, hello, source);
      return;
    }
    if (hello.instance === segment.said?.saying.instance) {
      const from = this.#nameOfMac(hello.mac);
      if (from !== undefined && from !== name) this.#tell({ type: "own", segment: name, from });
      return;
    }
    if (hello.cast === "multicast") noteVoice(segment, hello.instance, isIPv4(source) ? "ipv4" : "ipv6");
    if (hello.cast === "multicast" && this.#introduced.has(hello.name)) segment.multicastFrom.set(hello.name, processMs());
    this.#tell({ type: "heard", segment: name, hello });
  }

  #unseal(datagram: Buffer): Hello | Rejection {
    try {
      const { hello, signedPart, signature } = decodeHello(datagram);
      const { current, next, previous } = this.#keys;
      if (current === undefined) return hello;
      if (signature === undefined) return previous === "unsigned" ? hello : "unsigned";
      const isBy = (key: Uint8Array): boolean => timingSafeEqual(sign(signedPart, key), signature);
      if (isBy(current) || (previous !== undefined && previous !== "unsigned" && isBy(previous))) return hello;
      if (next === undefined || !isBy(next)) return "wrong-signature";
      this.#tell({ type: "next-key" });
      return hello;
    } catch (error) {
      if (error instanceof WireError) return "malformed";
      throw error;
    }
  }

  #nameOfMac(mac: string): string | undefined {
    for (const [name, segment] of this.#segments) if (segment.said?.saying.mac === mac) return name;
    return undefined;
  }

  #complain(segment: string, cause: Rejection, source: string): void {
    const now = processMs();
    const what = `${segment} ${cause}`;
    if (now - (this.#complained.get(what) ?? -Infinity) < COMPLAIN_MS) return;
    this.#complained.set(what, now);
    this.#tell({ type: "rejected", segment, cause, source });
  }
}

/** What is said is still known, so that an own hello is not taken for another host's. */
function hush(segment: Segment): void {
  clearTimeout(segment.timer);
  segment.timer = undefined;
}

function paceOf(segment: Segment, { intervalMs }: Saying): number {
  const { oldPace } = segment;
  if (oldPace === undefined) return intervalMs;
  if (oldPace.left-- === 0) segment.oldPace = undefined;
  return segment.oldPace?.intervalMs ?? intervalMs;
}

/** Whether there is a host on the segment that has no IPv6: it is heard, and would hear nothing. */
function isIpv4Needed({ voices }: Segment, now: number): boolean {
  let needed = false;
  for (const [instance, { ipv4, ipv6 }] of voices) {
    if (now - Math.max(ipv4, ipv6) >= MULTICAST_WORKS_MS) voices.delete(instance);
    else needed ||= now - ipv6 >= MULTICAST_WORKS_MS;
  }
  return needed;
}

function noteVoice({ voices }: Segment, instance: string, family: "ipv4" | "ipv6"): void {
  const known = voices.get(instance);
  if (known !== undefined) known[family] = processMs();
  else if (voices.size < MOST_VOICES) voices.set(instance, { ipv4: -Infinity, ipv6: -Infinity, [family]: processMs() });
}

/** What cannot be sent now is said anew in a moment: that a host or a network cannot be reached is no news here. */
function transmit(socket: Socket, octets: Uint8Array, to: string): void {
  socket.send(octets, HELLO_PORT, to, () => undefined);
}

function sign(part: Uint8Array, secret: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(part).digest().subarray(0, HELLO_SIGNATURE_OCTETS);
}
