/**
 * UDP sockets for BFD (RFC 5881 4 and 5, RFC 5883 5): one on which the packets to one of our addresses arrive, and one for each session
 * from which its packets leave.
 *
 * Opened and bound here, in the main thread, through the C library: Node can neither filter by TTL nor bind to an interface. The worker
 * thread reads and writes; the descriptors stay the main thread's, so that a thread that ends leaves nothing open.
 */
import { type Address, familyOf, isIpv4, isLinkLocal } from "../net/index.ts";
import { SystemError, check, libc } from "./libc.ts";
import { AF_INET, AF_INET6, type Endpoint, addressOf, sockaddr } from "./socket-address.ts";
import { NOTHING_PASSES, type TtlRule, ttlFilter } from "./ttl-filter.ts";

export type BfdListenerOptions = {
  readonly local: Address;
  /** Interface of a link-local address. */
  readonly zone: string | undefined;
  readonly port: number;
  readonly rules: readonly TtlRule[];
};

export type BfdTransmitterOptions = {
  readonly local: Address;
  readonly remote: Address;
  /** Nothing leaves by another interface; undefined: as the routes say. */
  readonly zone: string | undefined;
  /** Of the peer. */
  readonly port: number;
  readonly sourcePort: number;
  /** Otherwise nothing is sent through a router (RFC 5881 6). */
  readonly multihop: boolean;
};

// <sys/socket.h>, <netinet/in.h>, <linux/in6.h>
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_DONTROUTE = 5;
const SO_PRIORITY = 12;
const SO_BINDTODEVICE = 25;
const IPPROTO_IP = 0;
const IP_TOS = 1;
const IP_TTL = 2;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const IPV6_TCLASS = 67;
const SOCKADDR_OCTETS = 28; // of the larger one

const TTL = 255; // RFC 5881 5
const CLASS_SELECTOR_6 = 0xc0; // RFC 4594 3.2: network control
const TC_PRIO_CONTROL = 7; // linux/pkt_sched.h: ahead of the traffic

/**
 * Bound to exactly this address, and never shared: beside a socket of another program that has the port on all addresses it would take
 * that one's packets away. Returns the descriptor. Throws SystemError: EADDRINUSE if somebody has the port, EADDRNOTAVAIL if the
 * address is not ours.
 */
export function openBfdListener({ local, zone, port, rules }: BfdListenerOptions): number {
  return open(local, (fd) => {
    filterBfdListener(fd, local, rules); // before anything can arrive
    bind(fd, { address: local, zone, port });
  });
}

/** Other rules for what is taken from now on. Throws SystemError. */
export function filterBfdListener(fd: number, local: Address, rules: readonly TtlRule[]): void {
  check("setsockopt SO_ATTACH_FILTER", libc().attachFilter(fd, ttlFilter(familyOf(local), rules)));
}

/** Connected to the peer; what arrives there is dropped. Returns the descriptor. Throws SystemError. */
export function openBfdTransmitter({ local, remote, zone, port, sourcePort, multihop }: BfdTransmitterOptions): number {
  return open(local, (fd) => {
    check("setsockopt SO_ATTACH_FILTER", libc().attachFilter(fd, NOTHING_PASSES));
    if (zone !== undefined) bindToDevice(fd, zone);
    if (!multihop) set(fd, SOL_SOCKET, SO_DONTROUTE, 1);
    if (isIpv4(local)) {
      set(fd, IPPROTO_IP, IP_TTL, TTL);
      set(fd, IPPROTO_IP, IP_TOS, CLASS_SELECTOR_6);
    } else {
      set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, TTL);
      set(fd, IPPROTO_IPV6, IPV6_TCLASS, CLASS_SELECTOR_6);
    }
    set(fd, SOL_SOCKET, SO_PRIORITY, TC_PRIO_CONTROL); // after IP_TOS, which sets one of its own
    bind(fd, { address: local, zone, port: sourcePort });
    connect(fd, { address: remote, zone, port });
  });
}

/** The address that the kernel would send from. Throws SystemError if it knows no way there. */
export function localAddressToward(remote: Address, zone: string | undefined): Address {
  const address = new Uint8Array(SOCKADDR_OCTETS);
  const fd = open(remote, (opened) => {
    if (zone !== undefined) bindToDevice(opened, zone);
    connect(opened, { address: remote, zone, port: 9 }); // nothing is sent
    check("getsockname", libc().getsockname(opened, address, new Uint8Array(Uint32Array.of(SOCKADDR_OCTETS).buffer)));
  });
  libc().close(fd);
  return addressOf(address);
}

/** Another descriptor of the same socket, which is open until both are closed. Throws SystemError. */
export function duplicate(fd: number): number {
  return check("dup", libc().dup(fd));
}

/** Undefined if there is no such interface. */
export function interfaceIndex(name: string): number | undefined {
  return libc().if_nametoindex(name) || undefined;
}

function open(address: Address, prepare: (fd: number) => void): number {
  const fd = check("socket", libc().socket(isIpv4(address) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  try {
    if (!isIpv4(address)) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    prepare(fd);
    return fd;
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

function set(fd: number, level: number, option: number, value: number): void {
  const octets = new Uint8Array(Int32Array.of(value).buffer);
  check("setsockopt", libc().setsockopt(fd, level, option, octets, octets.length));
}

function bindToDevice(fd: number, name: string): void {
  const octets = new TextEncoder().encode(`${name}\0`);
  check("setsockopt SO_BINDTODEVICE", libc().setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, octets, octets.length));
}

function bind(fd: number, endpoint: Endpoint): void {
  const octets = sockaddr(scoped(endpoint));
  check("bind", libc().bind(fd, octets, octets.length));
}

function connect(fd: number, endpoint: Endpoint): void {
  const octets = sockaddr(scoped(endpoint));
  check("connect", libc().connect(fd, octets, octets.length));
}

/** A zone belongs into the address only of what is link-local. */
function scoped(endpoint: Endpoint): Endpoint {
  return isLinkLocal(endpoint.address) ? endpoint : { ...endpoint, zone: undefined };
}

/** The errno's name, if it is a failed call of the C library. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof SystemError ? error.code : undefined;
}
