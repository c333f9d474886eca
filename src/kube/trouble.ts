/**
 * One line in the journal when talking to the API stops working, and one when it works again, however many watches, Leases and
 * writes meet the same trouble, and however often they try.
 */
import type { Log } from "../log/index.ts";
import type { Clock } from "../time/index.ts";
import type { Failure } from "./failure.ts";

type Complaint = { readonly sufferers: Set<string>; readonly since: number; said: boolean };

/** A single failure that the next attempt heals is nobody's business. */
const FAILURES_BEFORE_SAID = 2;

export class Trouble {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #complaints = new Map<string, Complaint>();
  readonly #failures = new Map<string, number>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param what one thing that is tried again and again: "list services" */
  failed(what: string, failure: Failure): void {
    if (failure.kind === "cancelled" || failure.kind === "withheld") return;
    const count = (this.#failures.get(what) ?? 0) + 1;
    this.#failures.set(what, count);
    const kind = kindOf(what, failure);
    const complaint = this.#complaints.get(kind) ?? { sufferers: new Set(), since: this.#clock.now(), said: false };
    this.#complaints.set(kind, complaint);
    complaint.sufferers.add(what);
    if (complaint.said || count < FAILURES_BEFORE_SAID) return;
    complaint.said = true;
    this.#log.warning(failure.sentence);
  }

  worked(what: string): void {
    if (!this.#failures.delete(what)) return;
    let longest: number | undefined;
    for (const [kind, complaint] of this.#complaints) {
      if (!complaint.sufferers.delete(what) || complaint.sufferers.size > 0) continue;
      this.#complaints.delete(kind);
      if (complaint.said) longest = Math.max(longest ?? 0, this.#clock.now() - complaint.since);
    }
    if (longest === undefined) return;
    const rest = this.#failures.size === 0 ? "the Kubernetes API answers again" : `it is possible again to ${what}`;
    this.#log.notice(rest, { seconds: longest / 1000 });
  }
}

/** What makes two failures the same trouble: refusals of one request are its own, the rest concerns the whole server. */
function kindOf(what: string, failure: Failure): string {
  if (failure.kind !== "status") return failure.kind;
  const shared = failure.status === 401 || failure.status === 429 || failure.status >= 500;
  return shared ? String(failure.status) : `${failure.status} ${what}`;
}
