/** The election of the allocator, run: timers and requests around the machine of elector.ts. */
import type { Clock, Random, Timer } from "../time/index.ts";
import type { Contact } from "./contact.ts";
import { type Election, type ElectionAnswer, type ElectionEffect, type ElectionEvent, leadsSafely, newElection, stepElection } from "./elector.ts";
import type { LeaseAnswer, LeaseClient } from "./leaseclient.ts";
import type { Trouble } from "./trouble.ts";

/** Whoever holds it is the allocator. */
export const ALLOCATOR_LEASE = "bmlb-allocator";

export type AllocatorElectionOptions = {
  readonly leases: LeaseClient;
  /** Unique among all hosts and all lives of one. */
  readonly identity: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly trouble: Trouble;
  readonly contact: Contact;
  readonly onLeading: () => void;
  readonly onStopped: (reason: string) => void;
};

export type ElectionStatus = {
  readonly leading: boolean;
  /** Who holds the Lease, as far as this host saw; "" for nobody. */
  readonly holder: string | undefined;
  /** ms since the last renewal by this host was sent; undefined if it does not lead. */
  readonly renewedAgo: number | undefined;
  readonly problem: string | undefined;
};

export class AllocatorElection {
  readonly #options: AllocatorElectionOptions;
  #state: Election;
  #retry: Timer | undefined;
  #deadline: Timer | undefined;
  #underWay: AbortController | undefined;
  #released: (() => void) | undefined;
  #problem: string | undefined;

  constructor(options: AllocatorElectionOptions) {
    this.#options = options;
    this.#state = newElection(options.identity);
  }

  start(): void {
    this.#step({ type: "start" });
  }

  /** True if this host leads and renewed less than ten seconds ago. Ask it in the turn of every write. */
  leadingSafely(): boolean {
    return leadsSafely(this.#state, this.#options.clock.now());
  }

  status(): ElectionStatus {
    const { leading, observed } = this.#state;
    return {
      leading: leading !== undefined,
      holder: observed?.lease.record.holder,
      renewedAgo: leading === undefined ? undefined : this.#options.clock.now() - leading.renewedAt,
      problem: this.#problem,
    };
  }

  /** Stops leading at once, then gives the Lease back: two requests, each with its deadline. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#state.phase === "released") {
        resolve();
        return;
      }
      this.#released = resolve;
      this.#step({ type: "release" });
    });
  }

  #step(event: ElectionEvent): void {
    const { clock, random } = this.#options;
    const { state, effects } = stepElection(this.#state, event, { now: clock.now(), wall: clock.wall(), chance: random() });
    this.#state = state;
    for (const effect of effects) this.#run(effect);
  }

  #run(effect: ElectionEffect): void {
    const { leases, clock, onLeading, onStopped } = this.#options;
    switch (effect.type) {
      case "get":
        this.#ask(effect.request, (signal) => leases.get(ALLOCATOR_LEASE, signal));
        return;
      case "create":
        this.#ask(effect.request, (signal) => leases.create(ALLOCATOR_LEASE, effect.record, {}, signal));
        return;
      case "update":
        this.#ask(effect.request, (signal) => leases.update(effect.over, effect.record, effect.over.annotations, signal));
        return;
      case "retry":
        this.#retry?.cancel();
        this.#retry = clock.timer("look at the allocator's Lease", effect.ms, () => {
          this.#step({ type: "retry" });
        });
        return;
      case "deadline":
        this.#deadline?.cancel();
        this.#deadline = clock.timer("deadline of the allocator's Lease", effect.ms, () => {
          this.#step({ type: "deadline" });
        });
        return;
      case "leading":
        onLeading();
        return;
      case "stopped":
        onStopped(effect.reason);
        return;
      case "released":
        this.#retry?.cancel();
        this.#deadline?.cancel();
        this.#underWay?.abort();
        this.#released?.();
        return;
    }
  }

  /** One request; the one before, if it still runs, is given up: its answer would be dropped. */
  #ask(request: number, send: (signal: AbortSignal) => Promise<LeaseAnswer>): void {
    this.#underWay?.abort();
    const underWay = new AbortController();
    this.#underWay = underWay;
    void send(underWay.signal).then((answer) => {
      if (!underWay.signal.aborted) this.#note(answer);
      this.#step({ type: "answer", request, answer: plain(answer) });
    });
  }

  #note(answer: LeaseAnswer): void {
    const { contact, trouble } = this.#options;
    const what = "take part in the election of the allocator";
    if (answer.type === "failed") {
      this.#problem = answer.failure.sentence;
      trouble.failed(what, answer.failure);
      return;
    }
    this.#problem = undefined;
    contact.made();
    trouble.worked(what);
  }
}

function plain(answer: LeaseAnswer): ElectionAnswer {
  return answer.type === "failed" ? { type: "failed" } : answer;
}
