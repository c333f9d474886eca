/**
 * The worker thread: sends this host's hellos and hears the others'. Beside the main loop, because a garbage collection there is longer
 * than the time after which silence means death.
 *
 * It falls silent when the main loop has not turned for two seconds: a host that cannot answer ARP must not look alive.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { isIPv4 } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { decodeHello, encodeHello, type Hello, HELLO_SIGNATURE_OCTETS, WireError } from "../wire/index.ts";
import { HELLO_GROUP_IPV4, HELLO_GROUP_IPV6 } from "./groups.ts";
import type { Keys } from "./keys.ts";
import { type FromWorker, processMs, type Rejection, type Saying, type ToWorker, type WorkerStart } from "./messages.ts";

/** After so long without a turn of the main loop nothing is sent. */
const MAIN_LOOP_DEAD_MS = 2000;
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

const { pulse, port } = workerData as WorkerStart;
const lastTurn = new BigInt64Array(pulse);
const segments = new Map<string, Segment>();
const complained = new Map<string, number>();
let introduced: ReadonlyMap<string, readonly string[]> = new Map();
let keys: Keys = { current: undefined, next: undefined, previous: undefined };
/** Grows over a restart of the thread, too: what was heard of it before must stay older. */
let sequence = processMs() * 1000;

parentPort?.on("message", (message: ToWorker) => {
  switch (message.type) {
    case "open":
      close(message.segment);
      open(message);
      return;
    case "close":
      close(message.segment);
      return;
    case "say": {
      const segment = segments.get(message.segment);
      if (segment === undefined) return;
      const wasSilent = segment.timer === undefined;
      const before = segment.oldPace?.intervalMs ?? segment.said?.saying.intervalMs ?? Infinity;
      if (message.saying.intervalMs > before) segment.oldPace ??= { intervalMs: before, left: FAREWELLS_TO_A_PACE };
      else segment.oldPace = undefined;
      segment.said = { saying: message.saying, at: message.at };
      if (message.urgency === "never") hush(segment);
      else if (wasSilent || message.urgency === "now") send(segment);
      return;
    }
    case "keys":
      keys = message.keys;
      return;
    case "introduced":
      introduced = message.hosts;
      return;
    case "stop":
      for (const name of segments.keys()) close(name);
      parentPort?.close();
  }
});

function tell(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function open({ segment: name, ipv4, ipv6 }: Extract<ToWorker, { readonly type: "open" }>): void {
  const segment: Segment = {
    sockets: { ...(ipv4 !== undefined && { ipv4: adopt(name, "udp4", ipv4) }), ...(ipv6 !== undefined && { ipv6: adopt(name, "udp6", ipv6) }) },
    said: undefined,
    timer: undefined,
    oldPace: undefined,
    multicastFrom: new Map(),
    voices: new Map(),
  };
  segments.set(name, segment);
}

function adopt(name: string, type: "udp4" | "udp6", fd: number): Socket {
  const socket = createSocket(type);
  socket.on("message", (datagram, { address }) => {
    hear(name, datagram, address);
  });
  socket.on("error", (error) => {
    tell({ type: "failed", segment: name, error: error.message });
  });
  socket.bind({ fd });
  return socket;
}

function close(name: string): void {
  const segment = segments.get(name);
  if (segment === undefined) return;
  segments.delete(name);
  clearTimeout(segment.timer);
  segment.sockets.ipv4?.close();
  segment.sockets.ipv6?.close();
}

/** What is said is still known, so that an own hello is not taken for another host's. */
function hush(segment: Segment): void {
  clearTimeout(segment.timer);
  segment.timer = undefined;
}

function send(segment: Segment): void {
  clearTimeout(segment.timer);
  if (segment.said === undefined) return;
  const { saying, at } = segment.said;
  segment.timer = setTimeout(() => {
    send(segment);
  }, paceOf(segment, saying) * (1 - JITTER * Math.random()));
  const now = processMs();
  const loopLagMs = now - Number(Atomics.load(lastTurn, 0));
  if (loopLagMs > MAIN_LOOP_DEAD_MS) return;
  const elapsed = Math.max(0, now - at);
  const hello: Hello = { ...saying, sequence: ++sequence, cast: "multicast", uptimeMs: saying.uptimeMs + elapsed, viewAgeMs: saying.viewAgeMs + elapsed, loopLagMs };
  const { ipv4, ipv6 } = segment.sockets;
  const octets = seal(hello);
  if (ipv6 !== undefined) transmit(ipv6, octets, HELLO_GROUP_IPV6);
  if (ipv4 !== undefined && (ipv6 === undefined || isIpv4Needed(segment, now))) transmit(ipv4, octets, HELLO_GROUP_IPV4);
  for (const [host, addresses] of introduced) {
    if (host === saying.name || now - (segment.multicastFrom.get(host) ?? -Infinity) < MULTICAST_WORKS_MS) continue;
    const toOne = seal({ ...hello, cast: "unicast" });
    for (const address of addresses) {
      const socket = isIPv4(address) ? ipv4 : ipv6;
      if (socket !== undefined) transmit(socket, toOne, address);
    }
  }
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
  socket.send(octets, port, to, () => undefined);
}

function seal(hello: Hello): Uint8Array {
  if (keys.current === undefined) return encodeHello(hello, "plain");
  const part = encodeHello(hello, "signed");
  return Buffer.concat([part, sign(part, keys.current)]);
}

function sign(part: Uint8Array, secret: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(part).digest().subarray(0, HELLO_SIGNATURE_OCTETS);
}

function hear(name: string, datagram: Buffer, source: string): void {
  const segment = segments.get(name);
  if (segment === undefined) return;
  const hello = unseal(datagram);
  if (typeof hello === "string") {
    complain(name, hello, source);
    return;
  }
  if (hello.instance === segment.said?.saying.instance) {
    const from = nameOfMac(hello.mac);
    if (from !== undefined && from !== name) tell({ type: "own", segment: name, from });
    return;
  }
  if (hello.cast === "multicast") noteVoice(segment, hello.instance, isIPv4(source) ? "ipv4" : "ipv6");
  if (hello.cast === "multicast" && introduced.has(hello.name)) segment.multicastFrom.set(hello.name, processMs());
  tell({ type: "heard", segment: name, hello });
}

function unseal(datagram: Buffer): Hello | Rejection {
  try {
    const { hello, signedPart, signature } = decodeHello(datagram);
    const { current, next, previous } = keys;
    if (current === undefined) return hello;
    if (signature === undefined) return previous === "unsigned" ? hello : "unsigned";
    const isBy = (key: Uint8Array): boolean => timingSafeEqual(sign(signedPart, key), signature);
    if (isBy(current) || (previous !== undefined && previous !== "unsigned" && isBy(previous))) return hello;
    if (next === undefined || !isBy(next)) return "wrong-signature";
    tell({ type: "next-key" });
    return hello;
  } catch (error) {
    if (error instanceof WireError) return "malformed";
    throw error;
  }
}

function nameOfMac(mac: string): string | undefined {
  for (const [name, segment] of segments) if (segment.said?.saying.mac === mac) return name;
  return undefined;
}

function complain(segment: string, cause: Rejection, source: string): void {
  const now = processMs();
  const what = `${segment} ${cause}`;
  if (now - (complained.get(what) ?? -Infinity) < COMPLAIN_MS) return;
  complained.set(what, now);
  tell({ type: "rejected", segment, cause, source });
}
