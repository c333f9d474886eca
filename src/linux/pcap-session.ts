/**
 * One capture on one interface by the npm package `pcap` (libpcap), from opening to closing, with that package's faults kept in here:
 *
 * - `close()` waits for one more matching frame before it frees anything: `close` moves the socket to the loopback interface and
 *   gives it one there;
 * - after closing, libuv still links to memory of the native object: it is never given to the garbage collector;
 * - frames come in one shared buffer: each is copied;
 * - it reads without returning to the event loop for as long as frames come: after a few milliseconds they are put aside for the next
 *   turn, which ends the reading if each of them waits for an answer; if too many come all the same, the kernel drops all of them for a
 *   moment;
 * - a read that it queues when it opens would crash after a close in the same turn: it finds an object that does nothing;
 * - what a frame's receiver throws would end the process: it is caught.
 *
 * Loads in the first thread of a process only. It does not heal a session that went deaf: frame-socket.ts opens another.
 */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import type Pcap from "pcap";
import { check, libc } from "./libc.ts";

export type PcapSessionOptions = {
  readonly interface: string;
  /** pcap-filter(7). */
  readonly filter: string;
  /** The frame is the receiver's to keep. `ageMs`: how long ago it arrived, by the wall clock. */
  readonly onFrame: (frame: Uint8Array, ageMs: number) => void;
  /** `onFrame` threw. */
  readonly onError: (error: unknown) => void;
};

export type PcapCounters = {
  /** Frames that passed the filter in the kernel, those that it then dropped included. */
  readonly received: number;
  /** Frames that were not read in time. */
  readonly dropped: number;
  /** Frames that were given to `onFrame`. */
  readonly delivered: number;
  /** Frames that were thrown away because more came than can be read. */
  readonly shed: number;
};

/** What package `pcap` does not declare. */
type NativeSession = {
  read_callback: (() => void) | undefined;
  dispatch(buffer: Buffer, header: Buffer): number;
  inject(frame: Buffer): void;
  stats(): Pcap.CaptureStats;
  close(): void;
};
type Internals = { session: Pick<NativeSession, "dispatch">; buf: Buffer; header: Buffer };

const SNAPLEN = 512; // octets; a solicitation has 86, with every option known less than 300
const RING_OCTETS = 2 << 20; // some 2 900 frames
const CLOSED = -2; // what `dispatch` returns when it has freed everything

const CLOSE_ATTEMPTS = 10;
const CLOSE_RETRY_MS = 10;

const TURN_MS = 5; // one turn of the event loop handles frames no longer than this
const CHECK_EVERY = 32; // frames between two looks at the clock
const MOST_PUT_ASIDE = 256; // frames

const SOL_SOCKET = 1;
const SO_GET_FILTER = 26;
const SO_DOMAIN = 39;
const AF_PACKET = 17;
const ETH_P_ALL = 0x0003;
const LOOPBACK_INDEX = 1; // in every network namespace
const DROP_EVERYTHING = Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 0); // BPF: ret #0
const PASS_EVERYTHING = Uint8Array.of(6, 0, 0, 0, 0xff, 0xff, 0xff, 0xff); // BPF: ret #-1

/** ARP, which the loopback interface does not speak and forgets. */
const MARKER = Buffer.alloc(42);
MARKER.writeUInt16BE(0x0806, 12);

/** Every native session that there ever was, a few hundred octets each: their uv_poll_t are never closed, only stopped. */
const kept: unknown[] = [];

let loaded: typeof Pcap | undefined;

function load(): typeof Pcap {
  if (loaded !== undefined) return loaded;
  const pcap = createRequire(import.meta.url)("pcap") as { -readonly [K in keyof typeof Pcap]: (typeof Pcap)[K] };
  pcap.warningHandler = () => undefined; // it says that an interface has no IPv4 address, on the console
  loaded = pcap;
  return pcap;
}

export class PcapSession {
  readonly #options: PcapSessionOptions;
  readonly #session: Pcap.PcapSession & Internals;
  readonly #native: NativeSession;
  /** The frame that was read last. */
  readonly #octets: Uint8Array;
  readonly #fd: number;
  /** The BPF program that libpcap has made of the filter. */
  readonly #program: Uint8Array;
  /** "deferring": frames are put aside until this turn has ended; "shedding": they are thrown away for longer than that. */
  #state: "open" | "deferring" | "shedding" | "closed" = "open";
  #kernel: Pick<Pcap.CaptureStats, "ps_recv" | "ps_drop"> = { ps_recv: 0, ps_drop: 0 };
  #delivered = 0;
  #shed = 0;
  #reading = false;
  #turnBegan = 0;
  #turnFrames = 0;
  readonly #aside: { readonly frame: Uint8Array; readonly arrived: number }[] = [];
  #resume: NodeJS.Timeout | undefined;

  /** Throws if the interface is missing, down, not Ethernet, or capturing is not permitted. */
  constructor(options: PcapSessionOptions) {
    this.#options = options;
    const others = packetSockets();
    this.#session = load().createSession(options.interface, {
      filter: options.filter,
      buffer_timeout: 0, // immediate mode
      promiscuous: false,
      snap_length: SNAPLEN,
      buffer_size: RING_OCTETS,
    }) as Pcap.PcapSession & Internals;
    this.#native = this.#session.session as NativeSession;
    kept.push(this.#native);
    const { buf } = this.#session;
    this.#octets = new Uint8Array(buf.buffer, buf.byteOffset, buf.length);
    this.#native.read_callback = () => {
      this.#read();
    };
    this.#session.session = { dispatch: () => 0 };
    this.#session.on("packet", () => {
      this.#receive();
    });
    const fd = packetSockets().find((candidate) => !others.includes(candidate));
    if (fd === undefined) {
      this.#state = "closed";
      this.#native.close();
      throw new Error("libpcap does not capture by an AF_PACKET socket here");
    }
    this.#fd = fd;
    this.#program = filterOf(fd);
    if (this.#session.link_type !== "LINKTYPE_ETHERNET") {
      this.close();
      throw new Error(`${options.interface} is not Ethernet`);
    }
  }

  /** Whether the kernel took it: not if the link is down or its queue is full. */
  send(frame: Uint8Array): boolean {
    if (this.#state === "closed") return false;
    try {
      this.#native.inject(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength));
      return true;
    } catch {
      return false;
    }
  }

  counters(): PcapCounters {
    if (this.#state !== "closed") {
      try {
        this.#kernel = this.#native.stats();
      } catch {
        // The kernel does not say: what it said last is good enough.
      }
    }
    const { ps_recv, ps_drop } = this.#kernel;
    return { received: ps_recv >>> 0, dropped: ps_drop >>> 0, delivered: this.#delivered, shed: this.#shed };
  }

  /** Frees everything; takes some 20 ms, in which the kernel waits for its readers. No frame is delivered any more. */
  close(): void {
    if (this.#state === "closed") return;
    libc().attachFilter(this.#fd, PASS_EVERYTHING); // the marker must pass, whatever the filter was
    clearTimeout(this.#resume);
    this.#state = "closed";
    this.#native.close();
    if (!this.#reading) this.#end(CLOSE_ATTEMPTS); // else this very read ends it
  }

  /** The marker may be on its way for a moment: it is delivered by a soft interrupt. */
  #end(attempts: number): void {
    if (attempts === 0 || this.#native.read_callback === undefined) return;
    try {
      moveToLoopback(this.#fd);
      this.#native.inject(MARKER);
    } catch {
      // The loopback interface is down.
    }
    this.#read();
    setTimeout(() => {
      this.#end(attempts - 1);
    }, CLOSE_RETRY_MS);
  }

  /** One turn of the event loop: everything that is in the ring. */
  #read(): void {
    this.#turnBegan = performance.now();
    this.#turnFrames = 0;
    this.#reading = true;
    const result = this.#native.dispatch(this.#session.buf, this.#session.header);
    this.#reading = false;
    if (result === CLOSED) this.#native.read_callback = undefined;
    if (this.#state === "deferring") {
      setImmediate(() => {
        this.#handleAside();
      });
    }
  }

  #receive(): void {
    if (this.#state === "shedding" || this.#state === "closed") {
      this.#shed++;
      return;
    }
    const { header } = this.#session;
    const frame = this.#octets.slice(0, header.readUInt32LE(8));
    const arrived = header.readUInt32LE(0) * 1000 + header.readUInt32LE(4) / 1000; // struct timeval, cut to 32 bits each
    if (this.#state === "deferring") {
      this.#aside.push({ frame, arrived });
      if (this.#aside.length === MOST_PUT_ASIDE) this.#takeNone();
      return;
    }
    if (++this.#turnFrames % CHECK_EVERY === 0 && performance.now() - this.#turnBegan > TURN_MS) this.#state = "deferring";
    this.#handle(frame, arrived);
  }

  #handleAside(): void {
    if (this.#state === "deferring") this.#state = "open";
    for (const { frame, arrived } of this.#aside.splice(0)) if (this.#state !== "closed") this.#handle(frame, arrived);
  }

  /** `arrived`: in Unix milliseconds. */
  #handle(frame: Uint8Array, arrived: number): void {
    this.#delivered++;
    try {
      this.#options.onFrame(frame, Date.now() - arrived);
    } catch (error) {
      this.#options.onError(error);
    }
  }

  /** No frame enters the ring until this turn has ended and everybody else has had one as long. */
  #takeNone(): void {
    this.#state = "shedding";
    libc().attachFilter(this.#fd, DROP_EVERYTHING);
    this.#resume = setTimeout(() => {
      this.#takeAll();
    }, TURN_MS);
  }

  #takeAll(): void {
    clearTimeout(this.#resume);
    this.#state = "open";
    libc().attachFilter(this.#fd, this.#program);
    this.#handleAside();
  }
}

/** The descriptors of this process that are AF_PACKET sockets. */
function packetSockets(): readonly number[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => {
      const domain = new Int32Array(1);
      return libc().getsockopt(fd, SOL_SOCKET, SO_DOMAIN, new Uint8Array(domain.buffer), lengthOf(4)) === 0 && domain[0] === AF_PACKET;
    });
}

/** The BPF program of a socket, as the kernel holds it. Throws SystemError. */
function filterOf(fd: number): Uint8Array {
  const count = lengthOf(0); // in instructions; asked for none, the kernel says how many there are
  check("getsockopt", libc().getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, new Uint8Array(0), count));
  const program = new Uint8Array(8 * (new Uint32Array(count.buffer)[0] ?? 0));
  check("getsockopt", libc().getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, program, count));
  return program;
}

/** Throws SystemError. */
function moveToLoopback(fd: number): void {
  const address = new Uint8Array(20); // struct sockaddr_ll
  const view = new DataView(address.buffer);
  new Uint16Array(address.buffer, 0, 1)[0] = AF_PACKET;
  view.setUint16(2, ETH_P_ALL);
  new Int32Array(address.buffer, 4, 1)[0] = LOOPBACK_INDEX;
  check("bind", libc().bind(fd, address, address.length));
}

function lengthOf(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
