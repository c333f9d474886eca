/**
 * UDP sockets for hellos: bound to one interface, in the segment's multicast group, and never sending farther than the segment.
 *
 * Opened and bound here, in the main thread, through the C library: Node cannot bind a socket to an interface before it binds it to a
 * port. The descriptor belongs to the process, so that a worker thread can go on with it (`dgram`, `bind({ fd })`), which then owns it.
 */
import { type Family, type Ipv4, type Ipv6, addressToBytes } from "../net/index.ts";
import { check, libc } from "./libc.ts";

export type SegmentSocketOptions = {
  readonly family: Family;
  readonly interface: { readonly name: string; readonly index: number };
  readonly port: number;
  readonly group: Ipv4 | Ipv6;
};

// <sys/socket.h>, <netinet/in.h>, <linux/in6.h>
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_DONTROUTE = 5;
const SO_PRIORITY = 12;
const SO_BINDTODEVICE = 25;
const IPPROTO_IP = 0;
const IP_TTL = 2;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_TTL = 33;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MULTICAST_IF = 17;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_ADD_MEMBERSHIP = 20;
const IPV6_V6ONLY = 26;

const TC_PRIO_CONTROL = 7; // linux/pkt_sched.h: ahead of the traffic

/** Returns the descriptor. Throws SystemError, for example ENODEV if the interface is gone. */
export function openSegmentSocket(options: SegmentSocketOptions): number {
  const fd = check("socket", libc().socket(options.family === "ipv4" ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  try {
    set(fd, "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, int32(1));
    set(fd, "SO_BINDTODEVICE", SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${options.interface.name}\0`));
    // What is not on the segment is not to be reached through a router.
    set(fd, "SO_DONTROUTE", SOL_SOCKET, SO_DONTROUTE, int32(1));
    set(fd, "SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, int32(TC_PRIO_CONTROL));
    if (options.family === "ipv4") prepareIpv4(fd, options);
    else prepareIpv6(fd, options);
    return fd;
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

function prepareIpv4(fd: number, { interface: { index }, group, port }: SegmentSocketOptions): void {
  // struct ip_mreqn: group, own address, interface
  const membership = Buffer.alloc(12);
  membership.set(addressToBytes(group), 0);
  membership.writeInt32LE(index, 8);
  const through = Buffer.from(membership).fill(0, 0, 4);
  set(fd, "IP_TTL", IPPROTO_IP, IP_TTL, int32(1));
  set(fd, "IP_MULTICAST_IF", IPPROTO_IP, IP_MULTICAST_IF, through);
  set(fd, "IP_MULTICAST_TTL", IPPROTO_IP, IP_MULTICAST_TTL, int32(1));
  set(fd, "IP_MULTICAST_LOOP", IPPROTO_IP, IP_MULTICAST_LOOP, int32(0));
  // struct sockaddr_in
  const any = Buffer.alloc(16);
  any.writeUInt16LE(AF_INET, 0);
  any.writeUInt16BE(port, 2);
  check("bind", libc().bind(fd, any, any.length));
  set(fd, "IP_ADD_MEMBERSHIP", IPPROTO_IP, IP_ADD_MEMBERSHIP, membership);
}

function prepareIpv6(fd: number, { interface: { index }, group, port }: SegmentSocketOptions): void {
  set(fd, "IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, int32(1));
  set(fd, "IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, int32(1));
  set(fd, "IPV6_MULTICAST_IF", IPPROTO_IPV6, IPV6_MULTICAST_IF, int32(index));
  set(fd, "IPV6_MULTICAST_HOPS", IPPROTO_IPV6, IPV6_MULTICAST_HOPS, int32(1));
  set(fd, "IPV6_MULTICAST_LOOP", IPPROTO_IPV6, IPV6_MULTICAST_LOOP, int32(0));
  // struct sockaddr_in6
  const any = Buffer.alloc(28);
  any.writeUInt16LE(AF_INET6, 0);
  any.writeUInt16BE(port, 2);
  check("bind", libc().bind(fd, any, any.length));
  // struct ipv6_mreq
  const membership = Buffer.alloc(20);
  membership.set(addressToBytes(group), 0);
  membership.writeInt32LE(index, 16);
  set(fd, "IPV6_ADD_MEMBERSHIP", IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, membership);
}

function set(fd: number, name: string, level: number, option: number, value: Uint8Array): void {
  check(`setsockopt ${name}`, libc().setsockopt(fd, level, option, value, value.length));
}

function int32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** Closes a descriptor that nobody took over. */
export function closeSocket(fd: number): void {
  libc().close(fd);
}
