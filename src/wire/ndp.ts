/**
 * Neighbor Solicitations and Advertisements (RFC 4861 4.3, 4.4) with the IPv6 header around them: many of their rules are about both.
 *
 * Pure: octets in, values out. Opens no socket, reads no clock, writes no log.
 */
import { type Ipv6, type Mac, addressFromBytes, addressToBytes } from "../net/index.ts";
import { WireError } from "./error.ts";
import { ALL_NODES, UNSPECIFIED_IPV6, isMulticast, isSolicitedNodeGroup, solicitedNodeGroup } from "./ipv6.ts";
import {
  ADDRESS_OPTION_OCTETS,
  SOURCE_LINK_LAYER_ADDRESS,
  TARGET_LINK_LAYER_ADDRESS,
  checkCode,
  decodeAddressOption,
  openNdPacket,
  putAddressOption,
  sealNdPacket,
} from "./nd-packet.ts";

//  0      1      2          4                     8                 24
//  | type | code | checksum | R S O | reserved    | target address  | options …      R, S and O in an advertisement only

const SOLICITATION = 135;
const ADVERTISEMENT = 136;

const MESSAGE_OCTETS = 24;

const ROUTER = 0x80;
const SOLICITED = 0x40;
const OVERRIDE = 0x20;

export type NeighborSolicitation = {
  readonly type: "solicitation";
  /** "::" if the sender is checking whether the address is free (RFC 4862 5.4.2). */
  readonly source: Ipv6;
  readonly destination: Ipv6;
  readonly target: Ipv6;
  /** The source link-layer address option. */
  readonly sourceMac: Mac | undefined;
};

export type NeighborAdvertisement = {
  readonly type: "advertisement";
  readonly source: Ipv6;
  readonly destination: Ipv6;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
  readonly target: Ipv6;
  /** The target link-layer address option. */
  readonly targetMac: Mac | undefined;
};

export type NdpMessage = NeighborSolicitation | NeighborAdvertisement;

/**
 * Decodes the IPv6 packet of a frame. Throws WireError for anything that is not a valid solicitation or advertisement by RFC 4861
 * 7.1.1 and 7.1.2. Options that it does not know are skipped, as 4.6 wants.
 */
export function decodeNdp(bytes: Uint8Array): NdpMessage {
  const { source, destination, type, message } = openNdPacket(bytes, MESSAGE_OCTETS);
  if (type !== SOLICITATION && type !== ADVERTISEMENT) throw new WireError("NDP", `type ${type} is neither solicitation nor advertisement`);
  checkCode(message);
  const target = addressFromBytes(message.subarray(8, 24)) as Ipv6;
  if (isMulticast(target)) throw new WireError("NDP", "the target is a multicast address");
  const options = message.subarray(MESSAGE_OCTETS);

  if (type === SOLICITATION) {
    const sourceMac = decodeAddressOption(options, SOURCE_LINK_LAYER_ADDRESS);
    if (source === UNSPECIFIED_IPV6) {
      if (!isSolicitedNodeGroup(destination)) throw new WireError("NDP", "a solicitation from :: is not for a solicited-node group");
      if (sourceMac !== undefined) throw new WireError("NDP", "a solicitation from :: has a source link-layer address");
    }
    return { type: "solicitation", source, destination, target, sourceMac };
  }
  const flags = message[4] ?? 0;
  const solicited = (flags & SOLICITED) !== 0;
  if (solicited && isMulticast(destination)) throw new WireError("NDP", "an advertisement to a group says that it is solicited");
  return {
    type: "advertisement",
    source,
    destination,
    router: (flags & ROUTER) !== 0,
    solicited,
    override: (flags & OVERRIDE) !== 0,
    target,
    targetMac: decodeAddressOption(options, TARGET_LINK_LAYER_ADDRESS),
  };
}

/** Encodes a message as the IPv6 packet of a frame. */
export function encodeNdp(message: NdpMessage): Uint8Array {
  const mac = message.type === "solicitation" ? message.sourceMac : message.targetMac;
  const payload = new Uint8Array(MESSAGE_OCTETS + (mac === undefined ? 0 : ADDRESS_OPTION_OCTETS));
  if (message.type === "solicitation") {
    payload[0] = SOLICITATION;
  } else {
    payload[0] = ADVERTISEMENT;
    payload[4] = (message.router ? ROUTER : 0) | (message.solicited ? SOLICITED : 0) | (message.override ? OVERRIDE : 0);
  }
  payload.set(addressToBytes(message.target), 8);
  if (mac !== undefined) putAddressOption(payload, MESSAGE_OCTETS, message.type === "solicitation" ? SOURCE_LINK_LAYER_ADDRESS : TARGET_LINK_LAYER_ADDRESS, mac);
  return sealNdPacket(message.source, message.destination, payload);
}

/**
 * The answer to a solicitation for one of our addresses (RFC 4861 7.2.4): to who asked, or to all nodes with S = 0 if it asked from
 * ::, so that its duplicate address detection fails (RFC 4862 5.4.3). The address option is there and O = 1 in every answer: who asks
 * by unicast may hold the MAC of the previous owner.
 * @param router whether the host forwards IPv6
 */
export function neighborReply(solicitation: NeighborSolicitation, mac: Mac, router: boolean): NeighborAdvertisement {
  const detection = solicitation.source === UNSPECIFIED_IPV6;
  return {
    type: "advertisement",
    source: solicitation.target,
    destination: detection ? ALL_NODES : solicitation.source,
    router,
    solicited: !detection,
    override: true,
    target: solicitation.target,
    targetMac: mac,
  };
}

/** The unsolicited advertisement by which an address gets a new MAC (RFC 4861 7.2.6). */
export function neighborAnnouncement(address: Ipv6, mac: Mac, router: boolean): NeighborAdvertisement {
  return { type: "advertisement", source: address, destination: ALL_NODES, router, solicited: false, override: true, target: address, targetMac: mac };
}

/**
 * A question who has the address. From a link-local address the answer comes to us alone; without one it has the form of
 * duplicate address detection, and everybody hears the answer.
 */
export function neighborProbe(target: Ipv6, mac: Mac, linkLocal: Ipv6 | undefined): NeighborSolicitation {
  const destination = solicitedNodeGroup(target);
  return linkLocal === undefined
    ? { type: "solicitation", source: UNSPECIFIED_IPV6, destination, target, sourceMac: undefined }
    : { type: "solicitation", source: linkLocal, destination, target, sourceMac: mac };
}
