/**
 * BFD Control packets (RFC 5880 4.1), the payload of UDP datagrams to port 3784 (RFC 5881) or 4784 (RFC 5883).
 *
 * Pure: octets in, values out. Opens no socket, reads no clock, writes no log.
 */
import { WireError } from "./error.ts";

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//  |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
//  |                       My Discriminator                        |
//  |                      Your Discriminator                       |
//  |                    Desired Min TX Interval                    |
//  |                   Required Min RX Interval                    |
//  |                 Required Min Echo RX Interval                 |
//  |   Auth Type   |   Auth Len    |    Authentication Data...     |   with the A bit

const VERSION = 1;
const POLL = 0x20;
const FINAL = 0x10;
const CONTROL_PLANE_INDEPENDENT = 0x08;
const AUTHENTICATION_PRESENT = 0x04;
const DEMAND = 0x02;
const MULTIPOINT = 0x01;

export const BFD_CONTROL_OCTETS = 24;
const AUTHENTICATED_OCTETS = 26;

const STATES = ["admin-down", "down", "init", "up"] as const;

/** Intervals are in microseconds, discriminators and intervals 0–4294967295. */
export type BfdControl = {
  /** 0–31; `bfdDiagnostic` says it in words. */
  readonly diagnostic: number;
  readonly state: (typeof STATES)[number];
  readonly poll: boolean;
  readonly final: boolean;
  readonly controlPlaneIndependent: boolean;
  readonly demand: boolean;
  /** 1–255. */
  readonly detectMult: number;
  /** Not 0. */
  readonly myDiscriminator: number;
  readonly yourDiscriminator: number;
  readonly desiredMinTxUs: number;
  readonly requiredMinRxUs: number;
  readonly requiredMinEchoRxUs: number;
};

/** A packet that came; its authentication section is not read. */
export type ReceivedBfdControl = BfdControl & { readonly authenticationPresent: boolean };

/** What of RFC 5880 6.8.6 a packet breaks that can be seen from its octets alone. */
export type BfdFault = "version" | "length" | "detect-mult" | "multipoint" | "my-discriminator";

const FAULTS: Readonly<Record<BfdFault, string>> = {
  version: "the version is not 1",
  length: "its length is less than it must be, or more than there is",
  "detect-mult": "Detect Mult is 0",
  multipoint: "the Multipoint bit is set",
  "my-discriminator": "My Discriminator is 0",
};

export class BfdError extends WireError {
  readonly fault: BfdFault;
  constructor(fault: BfdFault) {
    super("BFD", FAULTS[fault]);
    this.name = "BfdError";
    this.fault = fault;
  }
}

/** RFC 5880 4.1, in its words. */
const DIAGNOSTICS = [
  "no diagnostic",
  "control detection time expired",
  "echo function failed",
  "neighbor signaled session down",
  "forwarding plane reset",
  "path down",
  "concatenated path down",
  "administratively down",
  "reverse concatenated path down",
] as const;

export const BFD_DIAGNOSTIC = { NONE: 0, DETECTION_TIME_EXPIRED: 1, ECHO_FAILED: 2, NEIGHBOR_DOWN: 3, ADMIN_DOWN: 7 } as const;

/** A diagnostic code in the words of RFC 5880. */
export function bfdDiagnostic(code: number): string {
  return DIAGNOSTICS[code] ?? `diagnostic ${code}`;
}

/** Decodes the payload of a datagram by the first rules of RFC 5880 6.8.6, in their order. Throws BfdError. */
export function decodeBfd(octets: Uint8Array): ReceivedBfdControl {
  const [versionAndDiagnostic = 0, flags = 0, detectMult = 0, length = 0] = octets;
  if (versionAndDiagnostic >> 5 !== VERSION) throw new BfdError("version");
  const authenticationPresent = (flags & AUTHENTICATION_PRESENT) !== 0;
  if (length < (authenticationPresent ? AUTHENTICATED_OCTETS : BFD_CONTROL_OCTETS) || length > octets.length) throw new BfdError("length");
  if (detectMult === 0) throw new BfdError("detect-mult");
  if ((flags & MULTIPOINT) !== 0) throw new BfdError("multipoint");
  const myDiscriminator = uint32(octets, 4);
  if (myDiscriminator === 0) throw new BfdError("my-discriminator");
  return {
    diagnostic: versionAndDiagnostic & 0x1f,
    state: STATES[flags >> 6] ?? "admin-down",
    poll: (flags & POLL) !== 0,
    final: (flags & FINAL) !== 0,
    controlPlaneIndependent: (flags & CONTROL_PLANE_INDEPENDENT) !== 0,
    authenticationPresent,
    demand: (flags & DEMAND) !== 0,
    detectMult,
    myDiscriminator,
    yourDiscriminator: uint32(octets, 8),
    desiredMinTxUs: uint32(octets, 12),
    requiredMinRxUs: uint32(octets, 16),
    requiredMinEchoRxUs: uint32(octets, 20),
  };
}

/** Encodes a packet without authentication: 24 octets, into `octets` if they are given. */
export function encodeBfd(packet: BfdControl, octets: Uint8Array = new Uint8Array(BFD_CONTROL_OCTETS)): Uint8Array {
  octets[0] = (VERSION << 5) | packet.diagnostic;
  octets[1] =
    (STATES.indexOf(packet.state) << 6) |
    (packet.poll ? POLL : 0) |
    (packet.final ? FINAL : 0) |
    (packet.controlPlaneIndependent ? CONTROL_PLANE_INDEPENDENT : 0) |
    (packet.demand ? DEMAND : 0);
  octets[2] = packet.detectMult;
  octets[3] = BFD_CONTROL_OCTETS;
  putUint32(octets, 4, packet.myDiscriminator);
  putUint32(octets, 8, packet.yourDiscriminator);
  putUint32(octets, 12, packet.desiredMinTxUs);
  putUint32(octets, 16, packet.requiredMinRxUs);
  putUint32(octets, 20, packet.requiredMinEchoRxUs);
  return octets;
}

function uint32(octets: Uint8Array, at: number): number {
  return (((octets[at] ?? 0) << 24) | ((octets[at + 1] ?? 0) << 16) | ((octets[at + 2] ?? 0) << 8) | (octets[at + 3] ?? 0)) >>> 0;
}

function putUint32(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 24;
  octets[at + 1] = value >>> 16;
  octets[at + 2] = value >>> 8;
  octets[at + 3] = value;
}
