/** Which of two connections to one peer is kept (RFC 4271 6.8; equal identifiers: RFC 6286 2.3). Pure. */
import { type Ipv4, compareAddresses } from "../net/index.ts";

/** Who opened a connection. */
export type Initiator = "local" | "remote";

export type Speaker = { readonly identifier: Ipv4; readonly asn: number };

/** The side whose connection is retained: the one with the higher BGP Identifier, read as an unsigned integer. */
export function retainedInitiator(local: Speaker, remote: Speaker): Initiator {
  const order = compareAddresses(local.identifier, remote.identifier) || local.asn - remote.asn;
  return order < 0 ? "remote" : "local";
}
