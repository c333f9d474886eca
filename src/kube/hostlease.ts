/**
 * This host's Lease: renewed every five seconds, with what the host says of itself as an annotation, and given back at the end.
 *
 * It introduces the host to the others; nothing depends on its being renewed in time. Whoever wrote it before, it is ours: its name is
 * this host's. A second host of the same name is told so in the journal.
 */
import type { Log } from "../log/index.ts";
import { Backoff, type Clock, type Random, type Timer } from "../time/index.ts";
import type { Contact } from "./contact.ts";
import type { Failure } from "./failure.ts";
import { type Lease, type LeaseRecord, microTime } from "./lease.ts";
import type { LeaseAnswer, LeaseClient } from "./leaseclient.ts";
import type { Trouble } from "./trouble.ts";

/** With a host's name after it, the name of its Lease. */
export const HOST_LEASE_PREFIX = "bmlb-host-";
/** On a host's Lease: what the host says of itself, as JSON. */
export const STATEMENT_ANNOTATION = "bmlb.io/statement";

const RENEW_MS = 5_000;
const DURATION_S = 20;
/** An annotation map may have 256 KiB in all. */
const LONGEST_STATEMENT = 200_000;

export type HostLeaseOptions = {
  readonly leases: LeaseClient;
  /** The host's name, a DNS label. */
  readonly host: string;
  /** One life of the daemon: holderIdentity. */
  readonly instance: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly trouble: Trouble;
  readonly contact: Contact;
};

export type HostLeaseStatus = {
  readonly name: string;
  /** Unix ms of the last successful write. */
  readonly renewedAt: number | undefined;
  readonly renewals: number;
  readonly failures: number;
  readonly problem: string | undefined;
};

export class HostLease {
  readonly #options: HostLeaseOptions;
  readonly #name: string;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  #statement = "";
  #known: Lease | undefined;
  #acquired: string | undefined;
  #timer: Timer | undefined;
  #beating: Promise<void> | undefined;
  #rivals = new Set<string>();
  #renewedAt: number | undefined;
  #renewals = 0;
  #failures = 0;
  #problem: string | undefined;

  constructor(options: HostLeaseOptions) {
    this.#options = options;
    this.#name = leaseNameOf(options.host);
    this.#backoff = new Backoff({ first: 1_000, longest: RENEW_MS }, options.random);
  }

  start(): void {
    if (this.#timer === undefined && this.#beating === undefined) this.#beat();
  }

  /** What the next renewal carries. */
  publish(statement: string): void {
    if (statement.length <= LONGEST_STATEMENT) this.#statement = statement;
  }

  status(): HostLeaseStatus {
    return { name: this.#name, renewedAt: this.#renewedAt, renewals: this.#renewals, failures: this.#failures, problem: this.#problem };
  }

  /** Gives the Lease back: held by nobody, over in a second. Two or three requests, each with its deadline. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#timer?.cancel();
    await this.#beating;
    if ((await this.#giveBack(this.#known)) !== "conflict") return;
    // A renewal that we gave up was carried out nevertheless.
    const found = await this.#options.leases.get(this.#name);
    if (found.type === "lease") await this.#giveBack(found.lease);
  }

  /** Nothing to do if it was never written, or is somebody else's by now. */
  async #giveBack(lease: Lease | undefined): Promise<LeaseAnswer["type"] | undefined> {
    if (lease?.record.holder !== this.#options.instance) return undefined;
    const answer = await this.#options.leases.update(lease, { ...this.#record(), holder: "", duration: 1 }, this.#annotations());
    return answer.type;
  }

  #beat(): void {
    this.#beating = this.#renew().then((failure) => {
      this.#beating = undefined;
      if (this.#stop.signal.aborted) return;
      const ms = failure === undefined ? RENEW_MS * (0.95 + 0.1 * this.#options.random()) : this.#backoff.next();
      this.#timer = this.#options.clock.timer("renew the host's Lease", ms, () => {
        this.#beat();
      });
    });
  }

  async #renew(): Promise<Failure | undefined> {
    const { trouble, contact, clock } = this.#options;
    const what = `renew the Lease ${this.#name}`;
    let answer = await this.#write();
    // Somebody wrote it meanwhile, or it was deleted: look, and write again, once.
    if (answer.type === "conflict" || answer.type === "absent") answer = await this.#write();
    if (answer.type === "lease") {
      this.#backoff.reset();
      this.#renewals++;
      this.#renewedAt = clock.wall();
      this.#problem = undefined;
      contact.made();
      trouble.worked(what);
      return undefined;
    }
    const failure: Failure = answer.type === "failed" ? answer.failure : { kind: "reset", sentence: `the Lease ${this.#name} is written by somebody else all the time` };
    if (failure.kind === "cancelled") return failure;
    this.#failures++;
    this.#problem = failure.sentence;
    trouble.failed(what, failure);
    return failure;
  }

  /** One write over the version that we know, or that we look up first. */
  async #write(): Promise<LeaseAnswer> {
    const { leases, instance } = this.#options;
    const { signal } = this.#stop;
    if (this.#known === undefined) {
      const found = await leases.get(this.#name, signal);
      if (found.type === "lease") {
        this.#lookAt(found.lease.record.holder);
        this.#known = found.lease;
      } else if (found.type !== "absent") return found;
    }
    if (this.#known?.record.holder !== instance) this.#acquired = microTime(this.#options.clock.wall());
    const record = this.#record();
    const answer =
      this.#known === undefined
        ? await leases.create(this.#name, record, this.#annotations(), signal)
        : await leases.update(this.#known, record, this.#annotations(), signal);
    if (answer.type === "lease") this.#known = answer.lease;
    else if (answer.type !== "failed") this.#known = undefined;
    return answer;
  }

  #record(): LeaseRecord {
    return {
      holder: this.#options.instance,
      duration: DURATION_S,
      acquireTime: this.#acquired,
      renewTime: microTime(this.#options.clock.wall()),
      transitions: this.#known === undefined ? 0 : this.#known.record.transitions + (this.#known.record.holder === this.#options.instance ? 0 : 1),
    };
  }

  #annotations(): Readonly<Record<string, string>> {
    return this.#statement === "" ? {} : { [STATEMENT_ANNOTATION]: this.#statement };
  }

  /** A Lease that we wrote and that names another now has two writers: two hosts with one name. */
  #lookAt(holder: string): void {
    if (holder === "" || holder === this.#options.instance || this.#renewals === 0 || this.#rivals.has(holder)) return;
    if (this.#rivals.size < 100) this.#rivals.add(holder);
    this.#options.log.warning(`another host writes the Lease ${this.#name}: two hosts of this fleet have the name ${this.#options.host}; give one of them another in [host] name`, {
      holder,
      ours: this.#options.instance,
    });
  }
}

/** A host's name as the name of an object (RFC 1123: capitals and underscores are refused there). */
export function leaseNameOf(host: string): string {
  return `${HOST_LEASE_PREFIX}${host.toLowerCase().replace(/[^a-z0-9.-]/g, "-")}`.slice(0, 253).replace(/[^a-z0-9]+$/, "");
}
