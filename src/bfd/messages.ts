/** What the room and its part in the worker thread say to each other. A session is named by its local discriminator. */
import type { Address, Family } from "../net/index.ts";
import type { BfdFault } from "../wire/index.ts";
import type { Refusal } from "./demultiplex.ts";
import type { BfdProfile } from "./desired.ts";
import type { BfdState } from "./status.ts";

export type ToThread =
  /** A socket on which packets arrive; the descriptor is the thread's from now on. */
  | { readonly type: "listen"; readonly listener: number; readonly family: Family; readonly fd: number }
  | { readonly type: "unlisten"; readonly listener: number }
  /** The descriptor is lent until the session was removed. */
  | { readonly type: "add"; readonly session: number; readonly remote: Address; readonly listener: number; readonly fd: number; readonly profile: BfdProfile; readonly counters: SharedArrayBuffer }
  | { readonly type: "configure"; readonly session: number; readonly profile: BfdProfile }
  /** How echo packets are to be sent. The descriptor is lent until the session was removed. */
  | { readonly type: "echo"; readonly session: number; readonly path: { readonly fd: number; readonly frame: Uint8Array } }
  /** Says AdminDown, and is gone when the peer knows, or has been told a few times. */
  | { readonly type: "remove"; readonly session: number };

export type FromThread =
  | { readonly type: "report"; readonly session: number; readonly report: Report }
  | { readonly type: "up"; readonly session: number }
  | { readonly type: "down"; readonly session: number; readonly diagnostic: number; readonly administrative: boolean }
  | { readonly type: "removed"; readonly session: number };

/** What is so since the last report, if anything is other than it was. */
export type Report = {
  readonly state: BfdState;
  /** Since when it is in this state, by `processMs`. */
  readonly since: number;
  /** Why it was last not up; undefined if it never was up, nor told that it could not be. */
  readonly diagnostic: number | undefined;
  readonly remoteDiscriminator: number;
  /** Undefined before the first packet. */
  readonly remote: { readonly state: BfdState; readonly diagnostic: number } | undefined;
  /** In ms, as in BfdSessionStatus. */
  readonly transmitMs: number | undefined;
  readonly detectionMs: number | undefined;
  readonly echoMs: number | undefined;
  /** The peer says that it returns echo packets. */
  readonly echoWelcome: boolean;
  readonly ups: number;
  readonly downs: number;
  /** Why the last packet was discarded; undefined if it was not. */
  readonly discarding: Discard | undefined;
  /** The errno's name of the last attempt to send; undefined if it worked. */
  readonly sendError: string | undefined;
};

export type Discard = BfdFault | Refusal;

/** What both threads see of a session's packets: 32-bit counters that wrap. */
export class PacketCounters {
  readonly shared: SharedArrayBuffer;
  readonly #counts: Uint32Array;

  constructor(shared = new SharedArrayBuffer(3 * Uint32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#counts = new Uint32Array(shared);
  }

  countSent(): void {
    Atomics.add(this.#counts, 0, 1);
  }

  countReceived(): void {
    Atomics.add(this.#counts, 1, 1);
  }

  countDiscarded(): void {
    Atomics.add(this.#counts, 2, 1);
  }

  read(): { readonly sent: number; readonly received: number; readonly discarded: number } {
    return { sent: Atomics.load(this.#counts, 0), received: Atomics.load(this.#counts, 1), discarded: Atomics.load(this.#counts, 2) };
  }
}
