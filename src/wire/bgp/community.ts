/**
 * Communities: standard (RFC 1997), extended (RFC 4360) and large (RFC 8092). Pure.
 *
 * A standard community is its 32-bit number, an extended one its 64-bit number, so that sorting them is sorting numbers.
 */
import { AS_TRANS } from "./as-path.ts";

/** Routes with it are not kept past the restart time of who announced them (RFC 9494 4.3). */
export const NO_LLGR = 0xffff0007;

export type LargeCommunity = { readonly global: number; readonly local1: number; readonly local2: number };

//  0      1          2                    8
//  | Type | Sub-type | Value (six octets) |

const TWO_OCTET_AS = 0x00n; // RFC 4360 3.1: AS(2) number(4)
const FOUR_OCTET_AS = 0x02n; // RFC 5668 2: AS(4) number(2)
const NON_TRANSITIVE = 0x40n; // RFC 4360 2
const ROUTE_TARGET = 0x02n; // RFC 4360 4
const LINK_BANDWIDTH = 0x04n; // draft-ietf-idr-link-bandwidth 2: AS(2) octets per second as IEEE 754 float(4)

/** A Route Target; with an AS above 65535 the number is at most 65535. Throws RangeError for what does not fit. */
export function routeTarget(asn: number, value: number): bigint {
  const wide = asn > 0xffff;
  if (asn > 0xffffffff || value > (wide ? 0xffff : 0xffffffff)) throw new RangeError(`the route target ${asn}:${value} does not exist`);
  const fields = wide ? (BigInt(asn) << 16n) | BigInt(value) : (BigInt(asn) << 32n) | BigInt(value);
  return ((wide ? FOUR_OCTET_AS : TWO_OCTET_AS) << 56n) | (ROUTE_TARGET << 48n) | fields;
}

/** A Link Bandwidth; an AS above 65535 is AS_TRANS in it, for there is no form with four octets. */
export function linkBandwidth(asn: number, { octetsPerSecond, transitive }: { readonly octetsPerSecond: number; readonly transitive: boolean }): bigint {
  const type = transitive ? TWO_OCTET_AS : NON_TRANSITIVE | TWO_OCTET_AS;
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, octetsPerSecond);
  return (type << 56n) | (LINK_BANDWIDTH << 48n) | (BigInt(asn > 0xffff ? AS_TRANS : asn) << 32n) | BigInt(view.getUint32(0));
}
