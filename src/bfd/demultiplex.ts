/**
 * Which session a packet is for: the rules of RFC 5880 6.8.6 between those that its octets alone decide (wire/bfd.ts) and those that change
 * the session (machine.ts), in their order. Pure.
 *
 * A packet that knows our discriminator is for that session, wherever it comes from. One that knows none is for the session with its sender,
 * and believed only while that is not Up, or if it has the discriminator that the peer last had: anybody on the segment could have sent it.
 */
import type { ReceivedBfdControl } from "../wire/index.ts";
import type { Session } from "./session.ts";

/** Why a packet is discarded. */
export type Refusal = "no-session" | "your-discriminator" | "authentication" | "intruder";

/** A session, and what it is chosen by. */
export type Candidate = { readonly session: Session };

export type Sessions<C extends Candidate> = {
  byDiscriminator(local: number): C | undefined;
  /** Of the sessions on the socket by which the packet came, the one with its sender. */
  bySource(): C | undefined;
};

/** `candidate`: whose packet it is, if that is known. */
export type Choice<C extends Candidate> = { readonly candidate: C; readonly refusal: undefined } | { readonly candidate: C | undefined; readonly refusal: Refusal };

export function choose<C extends Candidate>(packet: ReceivedBfdControl, sessions: Sessions<C>): Choice<C> {
  if (packet.yourDiscriminator !== 0) {
    const candidate = sessions.byDiscriminator(packet.yourDiscriminator);
    return candidate === undefined ? { candidate: undefined, refusal: "no-session" } : authenticate(candidate, packet);
  }
  const candidate = sessions.bySource();
  if (packet.state !== "down" && packet.state !== "admin-down") return { candidate, refusal: "your-discriminator" };
  if (candidate === undefined) return { candidate, refusal: "no-session" };
  const { state, remote } = candidate.session;
  if (state === "up" && packet.myDiscriminator !== remote.discr) return { candidate, refusal: "intruder" };
  return authenticate(candidate, packet);
}

/** "If the A bit is set and no authentication is in use (bfd.AuthType is zero), the packet MUST be discarded." */
function authenticate<C extends Candidate>(candidate: C, { authenticationPresent }: ReceivedBfdControl): Choice<C> {
  return authenticationPresent ? { candidate, refusal: "authentication" } : { candidate, refusal: undefined };
}
