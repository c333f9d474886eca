/**
 * The hello: what a host says of itself on a segment, five times a second, in one datagram below 1200 octets.
 *
 *    0        4         5       6      7          13         21       27        31        35        39        41       43    49
 *    | "bmlb" | version | flags | rank | sequence | instance | uptime | viewAge | loopLag | serving | interval | weight | mac |
 *    49      57   65    73          75
 *    | pools | l2 | bgp | algorithm | name | node | reason | advertisements | dead | heard | addresses | 32 octets of HMAC if signed |
 *
 * All numbers are big-endian. Lists and texts carry their length before them. What does not fit is left out from the end of the lists:
 * a reader can do without the last of twenty addresses.
 *
 * Pure: the signature is computed elsewhere, over `signedPart`.
 */
import { type Address, type Mac, addressFromBytes, addressToBytes, macFromBytes, macToBytes } from "../net/index.ts";
import { WireError } from "./error.ts";

export type Hello = {
  readonly sequence: number;
  /** Sent to this host alone, not to the segment. */
  readonly cast: "multicast" | "unicast";
  readonly name: string;
  /** 16 hexadecimal digits. */
  readonly instance: string;
  readonly uptimeMs: number;
  readonly rank: 0 | 1 | 2 | 3;
  readonly reason: string;
  readonly leaving: boolean;
  readonly node: string | undefined;
  readonly advertisements: readonly { readonly name: string; readonly prefer: number }[];
  readonly weight: number;
  /** It has BGP peers. */
  readonly bgp: boolean;
  /** Infinity: it never had a view. */
  readonly viewAgeMs: number;
  readonly loopLagMs: number;
  /** Instances. */
  readonly heard: readonly string[];
  readonly dead: readonly string[];
  readonly serving: number;
  readonly intervalMs: number;
  readonly mac: Mac;
  readonly addresses: readonly Address[];
  /** 16 hexadecimal digits each. */
  readonly digests: { readonly pools: string; readonly l2: string; readonly bgp: string; readonly algorithm: number };
};

export type SignedHello = {
  readonly hello: Hello;
  /** Undefined: not signed. */
  readonly signature: Uint8Array | undefined;
  readonly signedPart: Uint8Array;
};

export const HELLO_SIGNATURE_OCTETS = 32;
export const HELLO_MOST_OCTETS = 1199;

const PROTOCOL = "hello";
const MAGIC = Uint8Array.of(0x62, 0x6d, 0x6c, 0x62);
const VERSION = 1;
const SIGNED = 0x01;
const LEAVING = 0x02;
const UNICAST = 0x04;
const BGP = 0x08;
const FLAGS = SIGNED | LEAVING | UNICAST | BGP;
const NEVER = 0xffffffff;
const LONGEST_REASON = 120; // octets
const MOST = { advertisements: 16, heard: 64, dead: 32, addresses: 16 };
const INSTANCE_OCTETS = 8;

/** Encodes a hello. For "signed" the signature over all that is returned is to be appended. Throws RangeError if a name does not fit. */
export function encodeHello(hello: Hello, as: "signed" | "plain"): Uint8Array {
  const w = new Writer(HELLO_MOST_OCTETS - (as === "signed" ? HELLO_SIGNATURE_OCTETS : 0));
  w.octets(MAGIC);
  w.u8(VERSION);
  w.u8((as === "signed" ? SIGNED : 0) | (hello.leaving ? LEAVING : 0) | (hello.cast === "unicast" ? UNICAST : 0) | (hello.bgp ? BGP : 0));
  w.u8(hello.rank);
  w.u48(hello.sequence);
  w.hex(hello.instance, INSTANCE_OCTETS);
  w.u48(hello.uptimeMs);
  w.u32(hello.viewAgeMs);
  w.u32(hello.loopLagMs);
  w.u32(hello.serving);
  w.u16(hello.intervalMs);
  w.u16(hello.weight);
  w.octets(macToBytes(hello.mac));
  w.hex(hello.digests.pools, 8);
  w.hex(hello.digests.l2, 8);
  w.hex(hello.digests.bgp, 8);
  w.u16(hello.digests.algorithm);
  w.text(hello.name);
  w.text(hello.node ?? "");
  w.text(clip(hello.reason, LONGEST_REASON));
  w.list(hello.advertisements.slice(0, MOST.advertisements), ({ name, prefer }) => {
    w.text(name);
    w.u8(prefer);
  });
  w.list(hello.dead.slice(0, MOST.dead), (instance) => {
    w.hex(instance, INSTANCE_OCTETS);
  });
  w.list(hello.heard.slice(0, MOST.heard), (instance) => {
    w.hex(instance, INSTANCE_OCTETS);
  });
  w.list(hello.addresses.slice(0, MOST.addresses), (address) => {
    const octets = addressToBytes(address);
    w.u8(octets.length);
    w.octets(octets);
  });
  return w.written();
}

/** Decodes a datagram. Throws WireError for anything that `encodeHello` does not make. */
export function decodeHello(datagram: Uint8Array): SignedHello {
  if (datagram.length > HELLO_MOST_OCTETS) throw new WireError(PROTOCOL, `${datagram.length} octets are too many`);
  const r = new Reader(datagram);
  if (!r.octets(4).every((octet, i) => octet === MAGIC[i])) throw new WireError(PROTOCOL, "it does not begin with bmlb");
  const version = r.u8();
  if (version !== VERSION) throw new WireError(PROTOCOL, `version ${version} is not known`);
  const flags = r.u8();
  if ((flags & ~FLAGS) !== 0) throw new WireError(PROTOCOL, `unknown flags ${flags}`);
  const signedOctets = (flags & SIGNED) === 0 ? 0 : HELLO_SIGNATURE_OCTETS;
  r.endBefore(signedOctets);
  const hello: Hello = {
    rank: rank(r.u8()),
    sequence: r.u48(),
    instance: r.hex(INSTANCE_OCTETS),
    uptimeMs: r.u48(),
    viewAgeMs: never(r.u32()),
    loopLagMs: r.u32(),
    serving: r.u32(),
    intervalMs: atLeastOne(r.u16(), "interval"),
    weight: atLeastOne(r.u16(), "weight"),
    mac: macFromBytes(r.octets(6)),
    digests: { pools: r.hex(8), l2: r.hex(8), bgp: r.hex(8), algorithm: r.u16() },
    name: hostName(r.text()),
    node: r.text() || undefined,
    reason: r.text(),
    advertisements: r.list(MOST.advertisements, () => ({ name: r.text(), prefer: r.u8() })),
    dead: r.list(MOST.dead, () => r.hex(INSTANCE_OCTETS)),
    heard: r.list(MOST.heard, () => r.hex(INSTANCE_OCTETS)),
    addresses: r.list(MOST.addresses, () => address(r.octets(r.u8()))),
    leaving: (flags & LEAVING) !== 0,
    bgp: (flags & BGP) !== 0,
    cast: (flags & UNICAST) === 0 ? "multicast" : "unicast",
  };
  r.end();
  const signedPart = datagram.subarray(0, datagram.length - signedOctets);
  return { hello, signedPart, signature: signedOctets === 0 ? undefined : datagram.subarray(signedPart.length) };
}

function rank(value: number): Hello["rank"] {
  if (value === 0 || value === 1 || value === 2 || value === 3) return value;
  throw new WireError(PROTOCOL, `${value} is no rank`);
}

function never(value: number): number {
  return value === NEVER ? Number.POSITIVE_INFINITY : value;
}

function atLeastOne(value: number, what: string): number {
  if (value === 0) throw new WireError(PROTOCOL, `the ${what} is 0`);
  return value;
}

function hostName(text: string): string {
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text)) return text;
  throw new WireError(PROTOCOL, "the name is no host's name");
}

function address(octets: Uint8Array): Address {
  if (octets.length === 4 || octets.length === 16) return addressFromBytes(octets);
  throw new WireError(PROTOCOL, `an address of ${octets.length} octets`);
}

/** At most so many octets of UTF-8, whole characters. */
function clip(text: string, octets: number): string {
  const encoded = new TextEncoder().encode(text);
  if (encoded.length <= octets) return text;
  return new TextDecoder().decode(encoded.subarray(0, octets)).replace(/\ufffd+$/, "");
}

/** Texts of others end up in logs and on terminals. */
function printable(text: string): string {
  if (/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u.test(text)) throw new WireError(PROTOCOL, "a text has characters that cannot be printed");
  return text;
}

class Writer {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(most: number) {
    this.#bytes = new Uint8Array(most);
    this.#view = new DataView(this.#bytes.buffer);
  }
  u8(value: number): void {
    this.#view.setUint8(this.#at, clamp(value, 0xff));
    this.#at++;
  }
  u16(value: number): void {
    this.#view.setUint16(this.#at, clamp(value, 0xffff));
    this.#at += 2;
  }
  u32(value: number): void {
    this.#view.setUint32(this.#at, clamp(value, NEVER));
    this.#at += 4;
  }
  u48(value: number): void {
    const whole = clamp(value, 2 ** 48 - 1);
    this.u16(Math.floor(whole / 2 ** 32));
    this.u32(whole % 2 ** 32);
  }
  octets(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }
  hex(digits: string, octets: number): void {
    if (digits.length !== octets * 2 || !/^[0-9a-f]*$/.test(digits)) throw new RangeError(`${digits} is not ${octets * 2} hexadecimal digits`);
    for (let i = 0; i < digits.length; i += 2) this.u8(Number.parseInt(digits.slice(i, i + 2), 16));
  }
  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > 0xff) throw new RangeError(`a text of ${bytes.length} octets does not fit`);
    this.u8(bytes.length);
    this.octets(bytes);
  }
  /** As many items as there is room for, with one octet kept for the length of each list to come. */
  list<T>(items: readonly T[], write: (item: T) => void): void {
    const countAt = this.#at;
    this.u8(0);
    let count = 0;
    for (const item of items) {
      const before = this.#at;
      try {
        write(item);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        this.#at = before;
        break;
      }
      if (this.#at > this.#bytes.length - LISTS) {
        this.#at = before;
        break;
      }
      count++;
    }
    this.#view.setUint8(countAt, count);
  }
  written(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }
}

/** How many lists a hello has. */
const LISTS = 4;

function clamp(value: number, most: number): number {
  return Number.isNaN(value) ? 0 : Math.max(0, Math.min(most, Math.floor(value)));
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #until: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#until = bytes.length;
  }
  /** What is read ends so many octets before the end. */
  endBefore(octets: number): void {
    this.#until -= octets;
  }
  end(): void {
    if (this.#at !== this.#until) throw new WireError(PROTOCOL, `${this.#until - this.#at} octets too many`);
  }
  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }
  u48(): number {
    return this.u16() * 2 ** 32 + this.u32();
  }
  octets(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }
  hex(octets: number): string {
    return Array.from(this.octets(octets), (octet) => octet.toString(16).padStart(2, "0")).join("");
  }
  text(): string {
    const bytes = this.octets(this.u8());
    try {
      return printable(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    } catch {
      throw new WireError(PROTOCOL, "a text cannot be read or printed");
    }
  }
  list<T>(most: number, read: () => T): readonly T[] {
    const count = this.u8();
    if (count > most) throw new WireError(PROTOCOL, `a list of ${count}, where at most ${most} may be`);
    return Array.from({ length: count }, read);
  }
  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#until) throw new WireError(PROTOCOL, `it ends after ${this.#until} octets`);
    this.#at += count;
    return at;
  }
}
