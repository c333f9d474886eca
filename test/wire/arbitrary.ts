/** Values of the wire, for properties. */
import fc from "fast-check";
import { type Ipv4, type Ipv6, addressFromBytes, macFromBytes } from "../../src/net/index.ts";

const octets = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

export const anyMac = octets(6).map(macFromBytes);
export const anyIpv4 = octets(4).map((bytes) => addressFromBytes(bytes) as Ipv4);
export const anyIpv6 = octets(16).map((bytes) => addressFromBytes(bytes) as Ipv6);
export const unicastIpv6 = octets(16).map((bytes) => addressFromBytes(Uint8Array.of(0x20, ...bytes.subarray(1))) as Ipv6);

/** fc.record of plain objects, as decoders make them. */
export function record<T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
}
