/**
 * What to do about one VIP on one segment: the machine of claims. Pure: a situation in, a verdict with its reason out.
 *
 * Whoever serves a VIP never stops by its own reckoning while it may serve: it stops because another host claimed it. Whoever does
 * not serve it claims it when it is best placed and nobody serves it, or when it may take it from who does; and when nobody best
 * placed does, whoever is next asks the network and takes it.
 */

/** The host that last claimed the VIP, and lives. */
export type Claimant = {
  readonly name: string;
  readonly rank: number;
  readonly leaving: boolean;
  /** It may own the VIP, as far as this host knows. */
  readonly candidate: boolean;
  /** This host would prevail over it in a dispute, as things are, and if both had the same rank. */
  readonly yields: boolean;
  readonly yieldsAtEqualRank: boolean;
};

export type Situation = {
  readonly now: number;
  readonly serving: boolean;
  /** Why this host is no candidate; undefined if it is one. */
  readonly unfit: string | undefined;
  /** A host that serves and is no candidate any more goes on until then, so that its successor can claim first. */
  readonly holdUntil: number;
  readonly rank: number;
  /** How many candidates come before this host. */
  readonly place: number;
  /** The name of the first candidate. */
  readonly best: string | undefined;
  readonly claimant: Claimant | undefined;
  /** A host of lower rank that will come before this one when it is eligible again. */
  readonly upstagedBy: string | undefined;
  /** Why this host is sure that nobody serves it: a question went unanswered, or who served it is believed dead. */
  readonly vacant: "unanswered" | "owner-died" | undefined;
  /** Since when nobody has claimed it. */
  readonly orphanSince: number;
  /** Somebody whom nobody knows answers for it: not before then. */
  readonly heldOffUntil: number;
  /** The interface was just opened: other hosts have until then to be heard. */
  readonly listeningUntil: number;
  /** What this host says of itself has reached the others by then. */
  readonly settledAt: number;
  /** This host may soon be doubtful itself. */
  readonly doubting: boolean;
  readonly failback: "auto" | "never";
};

export type ClaimReason = "unclaimed" | "owner-died" | "owner-left" | "owner-unfit" | "pre-empted" | "orphaned";

export type Verdict =
  /** It goes on serving; looks again at `until`. */
  | { readonly do: "serve"; readonly until: number }
  | { readonly do: "stop"; readonly reason: string }
  | { readonly do: "claim"; readonly why: ClaimReason }
  | { readonly do: "ask"; readonly why: "best" | "sweep"; readonly reason: string }
  /** Does nothing, and looks again at `until`. */
  | { readonly do: "wait"; readonly reason: string; readonly until: number };

/** Nobody has claimed a VIP for this long, and it is swept up. */
const ORPHAN_MS = 2_000;
/** The sooner by this, the earlier the place among the candidates. */
const ORPHAN_PLACE_MS = 500;
const LAST_PLACE = 3;

export function decide(at: Situation): Verdict {
  return at.serving ? whileServing(at) : whileNotServing(at);
}

function whileServing(at: Situation): Verdict {
  if (at.unfit === undefined) return { do: "serve", until: Infinity };
  return at.now < at.holdUntil ? { do: "serve", until: at.holdUntil } : { do: "stop", reason: at.unfit };
}

function whileNotServing(at: Situation): Verdict {
  if (at.unfit !== undefined) return { do: "wait", reason: at.unfit, until: Infinity };
  if (at.now < at.heldOffUntil) return { do: "wait", reason: "it is answered for by somebody who is no host of the fleet", until: at.heldOffUntil };
  if (at.place > 0) return at.claimant === undefined ? sweep(at) : { do: "wait", reason: `${at.best ?? "another host"} is better placed`, until: Infinity };
  if (at.claimant === undefined) return take(at);
  if (at.now < at.listeningUntil) return listen(at);
  return preempt(at, at.claimant);
}

function listen(at: Situation): Verdict {
  return { do: "wait", reason: "listening for the other hosts first", until: at.listeningUntil };
}

/** This host is best placed and nobody is known to serve. The question goes out while it still listens: that saves its time. */
function take(at: Situation): Verdict {
  if (at.vacant === undefined) return { do: "ask", why: "best", reason: "asking whether anybody answers for it" };
  return at.now < at.listeningUntil ? listen(at) : { do: "claim", why: at.vacant === "owner-died" ? "owner-died" : "unclaimed" };
}

/** Somebody serves it who comes after this host. Who may not serve it is relieved at once: make before break. */
function preempt(at: Situation, claimant: Claimant): Verdict {
  if (claimant.leaving) return { do: "claim", why: "owner-left" };
  if (!claimant.candidate && claimant.yields) return { do: "claim", why: "owner-unfit" };
  const keeps = (reason: string, until = Infinity): Verdict => ({ do: "wait", reason: `${claimant.name} keeps it: ${reason}`, until });
  if (at.rank < 3) return keeps("this host is not eligible to take it back");
  if (!claimant.yields) return keeps("its view of Kubernetes is younger, or its file differs");
  if (at.failback === "never" && claimant.rank >= at.rank) return keeps('failback = "never"');
  if (claimant.rank > 1 && !claimant.yieldsAtEqualRank) return keeps("it is on probation, and comes first after that");
  // Else a VIP would wander from host to host while they become eligible again, or doubtful, one after another.
  if (claimant.rank > 1 && at.upstagedBy !== undefined) return keeps(`${at.upstagedBy} will come first when it is eligible again`);
  if (at.doubting) return keeps("this host may soon be doubtful itself");
  if (at.now < at.settledAt) return keeps("it has yet to hear that this host is eligible", at.settledAt);
  return { do: "claim", why: "pre-empted" };
}

/** Another host should claim it. If nobody does, differing views or files are the reason, and the next in line takes it. */
function sweep(at: Situation): Verdict {
  const due = Math.max(at.listeningUntil, at.orphanSince + ORPHAN_MS + Math.min(at.place, LAST_PLACE) * ORPHAN_PLACE_MS);
  const reason = `${at.best ?? "another host"} is better placed and should claim it`;
  if (at.now < due) return { do: "wait", reason, until: due };
  // A death is no evidence here: whoever came first had the time to take it.
  return at.vacant === "unanswered" ? { do: "claim", why: "orphaned" } : { do: "ask", why: "sweep", reason };
}
