/**
 * Router Solicitations and Advertisements (RFC 4861 4.1, 4.2), as far as routers find each other by them: BGP over unnumbered links
 * learns the link-local address of the other side. Prefixes and the like are skipped.
 *
 * Pure: octets in, values out. Opens no socket, reads no clock, writes no log.
 */
import { type Ipv6, type Mac, isLinkLocal } from "../net/index.ts";
import { WireError } from "./error.ts";
import { ALL_NODES, ALL_ROUTERS, UNSPECIFIED_IPV6 } from "./ipv6.ts";
import { ADDRESS_OPTION_OCTETS, SOURCE_LINK_LAYER_ADDRESS, checkCode, decodeAddressOption, openNdPacket, putAddressOption, sealNdPacket } from "./nd-packet.ts";
import { putUint16, uint16 } from "./octets.ts";

//  0      1      2          4          8
//  | type | code | checksum | reserved | options …                                                            solicitation
//
//  0      1      2          4           5           6                 8                12              16
//  | type | code | checksum | hop limit | M O …     | router lifetime | reachable time | retrans timer | options …  advertisement

const SOLICITATION = 133;
const ADVERTISEMENT = 134;
const SOLICITATION_OCTETS = 8;
const ADVERTISEMENT_OCTETS = 16;
const LIFETIME_AT = 6;

export type RouterSolicitation = {
  readonly type: "router-solicitation";
  readonly source: Ipv6;
  readonly destination: Ipv6;
  /** The source link-layer address option. */
  readonly sourceMac: Mac | undefined;
};

/** Of those that are sent, everything that is not here is zero: "unspecified by this router". */
export type RouterAdvertisement = {
  readonly type: "router-advertisement";
  /** Link-local. */
  readonly source: Ipv6;
  readonly destination: Ipv6;
  /** For how long it may be a default router, in seconds; 0 = it is none. 0–65535. */
  readonly lifetimeSeconds: number;
  readonly sourceMac: Mac | undefined;
};

export type RouterDiscovery = RouterSolicitation | RouterAdvertisement;

/** Decodes the IPv6 packet of a frame. Throws WireError for anything that is not a valid message by RFC 4861 6.1.1 and 6.1.2. */
export function decodeRouterDiscovery(bytes: Uint8Array): RouterDiscovery {
  const { source, destination, type, message } = openNdPacket(bytes, SOLICITATION_OCTETS);
  switch (type) {
    case SOLICITATION: {
      checkCode(message);
      const sourceMac = decodeAddressOption(message.subarray(SOLICITATION_OCTETS), SOURCE_LINK_LAYER_ADDRESS);
      if (source === UNSPECIFIED_IPV6 && sourceMac !== undefined) throw new WireError("NDP", "a router solicitation from :: has a source link-layer address");
      return { type: "router-solicitation", source, destination, sourceMac };
    }
    case ADVERTISEMENT: {
      checkCode(message);
      if (message.length < ADVERTISEMENT_OCTETS) throw new WireError("NDP", `the router advertisement ends after ${message.length} octets`);
      if (!isLinkLocal(source)) throw new WireError("NDP", "a router advertisement is not from a link-local address");
      const sourceMac = decodeAddressOption(message.subarray(ADVERTISEMENT_OCTETS), SOURCE_LINK_LAYER_ADDRESS);
      return { type: "router-advertisement", source, destination, lifetimeSeconds: uint16(message, LIFETIME_AT), sourceMac };
    }
    default:
      throw new WireError("NDP", `type ${type} is neither router solicitation nor router advertisement`);
  }
}

/** Encodes a message as the IPv6 packet of a frame. */
export function encodeRouterDiscovery(message: RouterDiscovery): Uint8Array {
  const octets = message.type === "router-solicitation" ? SOLICITATION_OCTETS : ADVERTISEMENT_OCTETS;
  const payload = new Uint8Array(octets + (message.sourceMac === undefined ? 0 : ADDRESS_OPTION_OCTETS));
  if (message.type === "router-solicitation") {
    payload[0] = SOLICITATION;
  } else {
    payload[0] = ADVERTISEMENT;
    putUint16(payload, LIFETIME_AT, message.lifetimeSeconds);
  }
  if (message.sourceMac !== undefined) putAddressOption(payload, octets, SOURCE_LINK_LAYER_ADDRESS, message.sourceMac);
  return sealNdPacket(message.source, message.destination, payload);
}

/** Asks all routers of the link to advertise themselves. */
export function routerSolicitation(linkLocal: Ipv6, mac: Mac): RouterSolicitation {
  return { type: "router-solicitation", source: linkLocal, destination: ALL_ROUTERS, sourceMac: mac };
}

/** Says that a router is here that nobody shall take for a default router: its lifetime is 0 (RFC 4861 6.2.3). */
export function routerPresence(linkLocal: Ipv6, mac: Mac): RouterAdvertisement {
  return { type: "router-advertisement", source: linkLocal, destination: ALL_NODES, lifetimeSeconds: 0, sourceMac: mac };
}
