/**
 * Packet sockets for BFD's Echo function: frames to the peer's MAC, and what its forwarding returns. That comes from our own address, which
 * the kernel's IP takes for a forgery and drops; here it is seen before.
 */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { type Address, type Ipv4, type Mac, addressToBytes, parseMac } from "../net/index.ts";
import { check, libc } from "./libc.ts";

// <sys/socket.h>, linux/if_ether.h, linux/if_packet.h, linux/filter.h
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const ETH_P_IP = 0x0800;
const SOCKADDR_LL_OCTETS = 20;
const SKF_NET_OFF = -0x100000;
const SKF_AD_PKTTYPE = -0x1000 + 4;
const [LOAD_WORD, LOAD_HALF, LOAD_BYTE, JUMP_EQUAL, RETURN] = [0x20, 0x28, 0x30, 0x15, 0x06];
const PACKET_HOST = 0; // to us
const UDP = 17;

export type EchoSocketOptions = { readonly interface: number; readonly address: Ipv4; readonly port: number };

/** What is written is sent as it is, and what is read are frames from and to this address and port. Returns the descriptor. Throws SystemError. */
export function openEchoSocket({ interface: index, address, port }: EchoSocketOptions): number {
  // With protocol 0 nothing is taken before it is bound.
  const fd = check("socket", libc().socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  try {
    check("setsockopt SO_ATTACH_FILTER", libc().attachFilter(fd, echoFilter(address, port)));
    const local = new Uint8Array(SOCKADDR_LL_OCTETS);
    const view = new DataView(local.buffer);
    new Uint16Array(local.buffer, 0, 1)[0] = AF_PACKET;
    view.setUint16(2, ETH_P_IP);
    new Int32Array(local.buffer, 4, 1)[0] = index;
    check("bind", libc().bind(fd, local, local.length));
    return fd;
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/** Every test that fails goes to the last instruction. */
function echoFilter(address: Ipv4, port: number): Uint8Array {
  const word = new DataView(addressToBytes(address).buffer).getUint32(0);
  const tests = [
    [LOAD_WORD, SKF_AD_PKTTYPE, PACKET_HOST],
    [LOAD_BYTE, SKF_NET_OFF, 0x45], // version 4, no options
    [LOAD_BYTE, SKF_NET_OFF + 9, UDP],
    [LOAD_WORD, SKF_NET_OFF + 12, word],
    [LOAD_WORD, SKF_NET_OFF + 16, word],
    [LOAD_HALF, SKF_NET_OFF + 22, port],
  ] as const;
  const octets = new Uint8Array(8 * (2 * tests.length + 2));
  const [halves, words] = [new Uint16Array(octets.buffer), new Uint32Array(octets.buffer)];
  const put = (at: number, code: number, value: number): void => {
    halves[4 * at] = code;
    words[2 * at + 1] = value;
  };
  const end = 2 * tests.length;
  for (const [i, [load, offset, value]] of tests.entries()) {
    put(2 * i, load, offset);
    put(2 * i + 1, JUMP_EQUAL, value);
    octets[8 * (2 * i + 1) + 3] = end - 2 * i - 1; // where to if it is not equal, from the next instruction on
  }
  put(end, RETURN, 0xffff_ffff);
  put(end + 1, RETURN, 0);
  return octets;
}

/** The interface that has this address; undefined if none has it, or it is no Ethernet. */
export function interfaceWith(address: Address): { readonly name: string; readonly mac: Mac } | undefined {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    const own = addresses?.find((one) => one.address === address);
    const mac = own === undefined ? undefined : parseMac(own.mac);
    if (mac !== undefined && mac !== "00:00:00:00:00:00") return { name, mac };
  }
  return undefined;
}

/** The MAC of a neighbour, as the kernel knows it; undefined if it does not. */
export function neighbourMac(address: Ipv4, device: string): Mac | undefined {
  // IP address, HW type, Flags, HW address, Mask, Device; flag 2: complete
  const rows = readFileSync("/proc/net/arp", "utf8").split("\n").map((line) => line.split(/\s+/));
  const row = rows.find(([ip, , flags, , , name]) => ip === address && name === device && (Number(flags) & 2) !== 0);
  return parseMac(row?.[3] ?? "");
}
