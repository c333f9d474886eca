/**
 * Who allocates: the leader election of Kubernetes' own components (client-go, tools/leaderelection), as a machine.
 *
 * The state is what we last saw of the Lease and when we saw it change by our own monotonic clock. Nobody's timestamps are compared
 * with anybody's clock, so clocks may be wrong; they may even run up to leaseDuration / (renewDeadline + retryPeriod) apart in speed. The
 * resourceVersion in each write makes one challenger win.
 *
 * Stricter than the original in two points: the deadline counts from the moment at which the last good renewal was *sent*, and who
 * sees another holder stops leading at once. It is no fence: who is paused may act once more when it wakes, which is why every
 * write asks `leadingSafely` in its own turn.
 *
 * Pure: no promise, no socket, no clock.
 */
import type { Lease, LeaseRecord } from "./lease.ts";
import { microTime } from "./lease.ts";

export type ElectionTimes = {
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
};

/** Those of Kubernetes' own components. */
const ELECTION_TIMES: ElectionTimes = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
/** Who does not lead waits retryPeriod × 1 … 2.2 between two looks. */
const JITTER_FACTOR = 1.2;
const RELEASE_ATTEMPTS = 3;

/** The moment at which something happens. */
export type Moment = {
  /** Monotonic ms. */
  readonly now: number;
  /** Unix ms, for people. */
  readonly wall: number;
  /** One draw from [0, 1). */
  readonly chance: number;
};

export type ElectionPhase =
  | "idle"
  /** Until the retry timer. */
  | "waiting"
  /** The leader renews over the version it knows, without looking. */
  | "renewing"
  | "getting"
  | "creating"
  | "updating"
  | "looking-to-release"
  | "releasing"
  | "released";

export type Election = {
  readonly identity: string;
  readonly times: ElectionTimes;
  readonly phase: ElectionPhase;
  /** Number of the request under way; answers to others are dropped. */
  readonly request: number;
  /** When the request under way was sent, and the try of which it is part began. */
  readonly sentAt: number;
  readonly triedAt: number;
  readonly observed: { readonly lease: Lease; readonly at: number } | undefined;
  /** Between `leading` and `stopped`. */
  readonly leading: { readonly since: number; readonly renewedAt: number } | undefined;
  readonly releases: number;
};

export type ElectionEvent =
  | { readonly type: "start" }
  /** The time of the last `retry` effect has come. */
  | { readonly type: "retry" }
  /** The time of the last `deadline` effect has come. */
  | { readonly type: "deadline" }
  | { readonly type: "answer"; readonly request: number; readonly answer: ElectionAnswer }
  /** Stop for good, and give back what is ours. */
  | { readonly type: "release" };

export type ElectionAnswer = { readonly type: "lease"; readonly lease: Lease } | { readonly type: "absent" } | { readonly type: "conflict" } | { readonly type: "failed" };

export type ElectionEffect =
  | { readonly type: "get"; readonly request: number }
  | { readonly type: "create"; readonly request: number; readonly record: LeaseRecord }
  | { readonly type: "update"; readonly request: number; readonly record: LeaseRecord; readonly over: Lease }
  /** Each replaces the one before. */
  | { readonly type: "retry"; readonly ms: number }
  | { readonly type: "deadline"; readonly ms: number }
  | { readonly type: "leading" }
  | { readonly type: "stopped"; readonly reason: string }
  | { readonly type: "released" };

export type ElectionStep = { readonly state: Election; readonly effects: readonly ElectionEffect[] };

export function newElection(identity: string, times: ElectionTimes = ELECTION_TIMES): Election {
  return { identity, times, phase: "idle", request: 0, sentAt: 0, triedAt: 0, observed: undefined, leading: undefined, releases: 0 };
}

/** Total: every phase answers every event. */
export function stepElection(state: Election, event: ElectionEvent, at: Moment): ElectionStep {
  switch (event.type) {
    case "start":
      return state.phase === "idle" ? attempt(state, at) : { state, effects: [] };
    case "retry":
      return state.phase === "waiting" ? attempt(state, at) : { state, effects: [] };
    case "deadline":
      return missedDeadline(state, at);
    case "release":
      return release(state, at);
    case "answer":
      return event.request === state.request ? answered(state, event.answer, at) : { state, effects: [] };
  }
}

/** True while no challenger that plays by the rules can hold the Lease: to be asked in the turn of every write. */
export function leadsSafely(state: Election, now: number): boolean {
  return state.leading !== undefined && holds(state) && now - state.leading.renewedAt < state.times.renewDeadlineMs;
}

/** client-go: IsLeader. */
function holds(state: Election): boolean {
  return state.observed?.lease.record.holder === state.identity;
}

/** client-go: isLeaseValid. The duration is what the holder wrote. */
function isValid(state: Election, now: number): boolean {
  return state.observed !== undefined && state.observed.at + state.observed.lease.record.duration * 1000 > now;
}

/** client-go: tryAcquireOrRenew. */
function attempt(state: Election, at: Moment): ElectionStep {
  const begun: Election = { ...state, triedAt: at.now };
  const { observed } = state;
  if (observed !== undefined && holds(state) && isValid(state, at.now)) {
    return send(begun, "renewing", at, (request) => ({ type: "update", request, record: renewed(begun, observed.lease, at), over: observed.lease }));
  }
  return send(begun, "getting", at, (request) => ({ type: "get", request }));
}

function send(state: Election, phase: ElectionPhase, at: Moment, effect: (request: number) => ElectionEffect): ElectionStep {
  const request = state.request + 1;
  return { state: { ...state, phase, request, sentAt: at.now }, effects: [effect(request)] };
}

function answered(state: Election, answer: ElectionAnswer, at: Moment): ElectionStep {
  switch (state.phase) {
    case "renewing":
      // Whatever went wrong, a look tells more.
      return answer.type === "lease" ? won(state, answer.lease, at) : send(state, "getting", at, (request) => ({ type: "get", request }));
    case "creating":
    case "updating":
      return answer.type === "lease" ? won(state, answer.lease, at) : lost(state, at);
    case "getting":
      switch (answer.type) {
        case "lease":
          return looked(state, answer.lease, at);
        case "absent":
          return send(state, "creating", at, (request) => ({ type: "create", request, record: acquired(state, at, 0) }));
        case "conflict":
        case "failed":
          return lost(state, at);
      }
      break;
    case "looking-to-release":
      if (answer.type !== "lease" || answer.lease.record.holder !== state.identity) return released(state);
      return giveBack(state, answer.lease, at);
    case "releasing":
      // Written by a renewal of ours that came late: look again.
      if (answer.type === "conflict" && state.releases < RELEASE_ATTEMPTS) return lookToRelease(state, at);
      return released(state);
    case "idle":
    case "waiting":
    case "released":
      return { state, effects: [] };
  }
}

/** The Lease as it is: ours, free, over, or somebody else's. */
function looked(before: Election, lease: Lease, at: Moment): ElectionStep {
  const known = before.observed;
  const unchanged = known !== undefined && JSON.stringify(known.lease.record) === JSON.stringify(lease.record);
  const state: Election = { ...before, observed: { lease, at: unchanged ? known.at : at.now } };
  const { holder, transitions } = lease.record;
  if (holder !== "" && !holds(state) && isValid(state, at.now)) return lost(state, at);
  const record = holds(state) ? renewed(state, lease, at) : acquired(state, at, transitions + 1);
  return send(state, "updating", at, (request) => ({ type: "update", request, record, over: lease }));
}

function acquired(state: Election, at: Moment, transitions: number): LeaseRecord {
  const time = microTime(at.wall);
  return { holder: state.identity, duration: Math.ceil(state.times.leaseDurationMs / 1000), acquireTime: time, renewTime: time, transitions };
}

function renewed(state: Election, lease: Lease, at: Moment): LeaseRecord {
  return { ...acquired(state, at, lease.record.transitions), acquireTime: lease.record.acquireTime ?? microTime(at.wall) };
}

function won(state: Election, lease: Lease, at: Moment): ElectionStep {
  const { retryPeriodMs, renewDeadlineMs } = state.times;
  const renewedAt = state.sentAt;
  const effects: ElectionEffect[] = [
    { type: "deadline", ms: Math.max(0, renewedAt + retryPeriodMs + renewDeadlineMs - at.now) },
    { type: "retry", ms: retryPeriodMs },
  ];
  if (state.leading === undefined) effects.push({ type: "leading" });
  return { state: { ...state, phase: "waiting", observed: { lease, at: at.now }, leading: { since: state.leading?.since ?? at.now, renewedAt } }, effects };
}

function lost(state: Election, at: Moment): ElectionStep {
  const { retryPeriodMs } = state.times;
  if (state.leading === undefined) {
    return { state: { ...state, phase: "waiting" }, effects: [{ type: "retry", ms: retryPeriodMs * (1 + JITTER_FACTOR * at.chance) }] };
  }
  if (!holds(state) && state.observed !== undefined) {
    const stopped: ElectionEffect = { type: "stopped", reason: `${state.observed.lease.record.holder || "nobody"} holds the Lease now` };
    return { state: { ...state, phase: "waiting", leading: undefined }, effects: [stopped, { type: "retry", ms: retryPeriodMs * (1 + JITTER_FACTOR * at.chance) }] };
  }
  return { state: { ...state, phase: "waiting" }, effects: [{ type: "retry", ms: Math.max(0, state.triedAt + retryPeriodMs - at.now) }] };
}

function missedDeadline(state: Election, at: Moment): ElectionStep {
  if (state.leading === undefined) return { state, effects: [] };
  const { retryPeriodMs, renewDeadlineMs } = state.times;
  // A timer of an earlier renewal, overtaken by a later one.
  const left = state.leading.renewedAt + retryPeriodMs + renewDeadlineMs - at.now;
  if (left > 0) return { state, effects: [{ type: "deadline", ms: left }] };
  const stopped: ElectionEffect = { type: "stopped", reason: `the Lease could not be renewed for ${((at.now - state.leading.renewedAt) / 1000).toFixed(1)} s` };
  const again = attempt({ ...state, leading: undefined }, at);
  return { state: again.state, effects: [stopped, ...again.effects] };
}

/** client-go: ReleaseOnCancel, but what we do as leader ends first. */
function release(state: Election, at: Moment): ElectionStep {
  if (state.phase === "released" || state.phase === "releasing" || state.phase === "looking-to-release") return { state, effects: [] };
  const stopped: readonly ElectionEffect[] = state.leading === undefined ? [] : [{ type: "stopped", reason: "this host is stopping" }];
  const free: Election = { ...state, leading: undefined };
  // A request under way may still make us holder; only who never asked for more than a look has surely nothing to give back.
  const mayHold = holds(state) || state.phase === "creating" || state.phase === "updating";
  const next = mayHold ? lookToRelease(free, at) : released(free);
  return { state: next.state, effects: [...stopped, ...next.effects] };
}

function lookToRelease(state: Election, at: Moment): ElectionStep {
  return send({ ...state, releases: state.releases + 1 }, "looking-to-release", at, (request) => ({ type: "get", request }));
}

function giveBack(state: Election, lease: Lease, at: Moment): ElectionStep {
  const record: LeaseRecord = { ...acquired(state, at, lease.record.transitions), holder: "", duration: 1 };
  return send(state, "releasing", at, (request) => ({ type: "update", request, record, over: lease }));
}

function released(state: Election): ElectionStep {
  return { state: { ...state, phase: "released", request: state.request + 1 }, effects: [{ type: "released" }] };
}
