/** Addresses of sockets as the kernel takes and gives them. */
import { networkInterfaces } from "node:os";
import { type Address, addressFromBytes, addressToBytes, isIpv4 } from "../net/index.ts";
import { SystemError } from "./libc.ts";

// <sys/socket.h>
export const AF_INET = 2;
export const AF_INET6 = 10;

export type Endpoint = {
  readonly address: Address;
  /** Interface of a link-local address. */
  readonly zone: string | undefined;
  readonly port: number;
};

/** struct sockaddr_in and sockaddr_in6; numbers in the machine's byte order but for the port. */
export function sockaddr({ address, zone, port }: Endpoint): Uint8Array {
  const octets = new Uint8Array(isIpv4(address) ? 16 : 28);
  new Uint16Array(octets.buffer)[0] = isIpv4(address) ? AF_INET : AF_INET6;
  new DataView(octets.buffer).setUint16(2, port);
  octets.set(addressToBytes(address), isIpv4(address) ? 4 : 8);
  if (!isIpv4(address) && zone !== undefined) new Uint32Array(octets.buffer)[6] = scopeOf(zone);
  return octets;
}

/** The index of an interface that has a link-local address. Throws SystemError (ENODEV) if there is none. */
function scopeOf(zone: string): number {
  const scope = networkInterfaces()[zone]?.find((one) => one.family === "IPv6" && one.scopeid !== 0)?.scopeid;
  if (scope === undefined) throw new SystemError(`link-local addresses of ${zone}`, 19);
  return scope;
}

/** The address in a sockaddr. */
export function addressOf(octets: Uint8Array): Address {
  const isInet = new DataView(octets.buffer, octets.byteOffset).getUint16(0, true) === AF_INET;
  return addressFromBytes(isInet ? octets.subarray(4, 8) : octets.subarray(8, 24));
}
