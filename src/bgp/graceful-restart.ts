/**
 * Graceful restart (RFC 4724, 8538): what we offer a peer, and what two OPENs agree on. Pure.
 *
 * A router that knows it keeps our routes when the connection ends without a word, and forwards to this host meanwhile. That is
 * right as long as this host forwards. The daemon carries no packet: VIPs are served by the kernel, with what kube-proxy or an
 * administrator put there, and that outlives it, whether it is restarted or dies. It does not outlive the kernel. So the
 * Forwarding State bit is set unless this may be the first life of the daemon after a boot: then it is clear, and a router that
 * still has routes of the life before drops them at once.
 *
 * We keep no routes of the peer's: of what it is to do for us we are never the Receiving Speaker but in one regard, RFC 4724 4.2: a
 * peer that restarts opens a new connection while the old one still seems to stand (connections.ts).
 */
import { type Family } from "../net/index.ts";
import { type Capability, type Open, afiSafiOf, familyOfAfiSafi } from "../wire/index.ts";
import type { BgpPeer } from "./desired.ts";

/** What may remain at a peer of the time before this OPEN. */
export type Before =
  /** Nothing that is still forwarded to, as far as is known. */
  | "nothing"
  /** Routes of an earlier session of this life of the daemon. */
  | "session"
  /** Routes of an earlier life of the daemon, in the same boot: it restarted, and has not yet sent its End-of-RIB. */
  | "life";

export type RestartAgreement = {
  /** How long the peer keeps our routes when the connection ends without a word, in ms; 0: not at all. */
  readonly keepsRoutesMs: number;
  /** The N bit was exchanged: the peer keeps our routes after a NOTIFICATION too, unless that is a Hard Reset (RFC 8538 3). */
  readonly hardReset: boolean;
  /** The peer may restart likewise: a new connection of its own means that this one is dead (RFC 4724 4.2). */
  readonly peerRestarts: boolean;
};

type GracefulRestart = Extract<Capability, { readonly name: "graceful-restart" }>;

/** The capability that we send; none where the configuration does not want it. */
export function gracefulRestart({ gracefulRestartMs, families }: BgpPeer, before: Before): readonly GracefulRestart[] {
  if (gracefulRestartMs === 0) return [];
  return [
    {
      name: "graceful-restart",
      restarting: before === "life",
      notification: true,
      restartSeconds: Math.floor(gracefulRestartMs / 1000),
      families: families.map((family) => ({ ...afiSafiOf(family), forwarding: before !== "nothing" })),
    },
  ];
}

/** `families`: those that the session carries. */
export function agreeOnRestart(ours: Open, theirs: Open, families: readonly Family[]): RestartAgreement {
  const [mine, remote] = [capabilityOf(ours), capabilityOf(theirs)];
  const offered = mine?.families.some((one) => isOneOf(one, families)) === true;
  return {
    keepsRoutesMs: offered && remote !== undefined ? mine.restartSeconds * 1000 : 0,
    hardReset: mine?.notification === true && remote?.notification === true,
    peerRestarts: (remote?.families.length ?? 0) > 0,
  };
}

/** "The receiver MUST ignore all but the last instance" (RFC 4724 3). */
function capabilityOf({ capabilities }: Open): GracefulRestart | undefined {
  return capabilities.findLast((capability) => capability.name === "graceful-restart");
}

function isOneOf(afiSafi: GracefulRestart["families"][number], families: readonly Family[]): boolean {
  const family = familyOfAfiSafi(afiSafi);
  return family !== undefined && families.includes(family);
}
