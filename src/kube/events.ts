/**
 * Events on Services (events.k8s.io/v1), for the one who asks `kubectl describe service`.
 *
 * Said and forgotten: nobody waits for an Event, and one that the API does not take is counted and dropped. The same note about the
 * same Service is written once an hour at most, which is how long Kubernetes keeps an Event.
 */
import type { Service } from "../cluster/index.ts";
import type { Log } from "../log/index.ts";
import type { Clock, Random } from "../time/index.ts";
import type { Api } from "./client.ts";
import { microTime } from "./lease.ts";

export type EventNote = {
  readonly service: Service;
  readonly type: "Normal" | "Warning";
  /** CamelCase, why: "PoolExhausted". */
  readonly reason: string;
  /** CamelCase, what was being done: "Allocate". */
  readonly action: string;
  /** For people; longer than 1024 octets is cut. */
  readonly note: string;
};

export type EventsStatus = { readonly written: number; readonly dropped: number; readonly waiting: number };

const LONGEST_NOTE = 1024;
const MOST_WAITING = 1_000;
const MOST_REMEMBERED = 5_000;
const KEPT_MS = 3_600_000;
const DEADLINE_MS = 5_000;
const CONTROLLER = "bmlb.io/bmlb";

export class Events {
  readonly #api: Api;
  readonly #host: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #queue: EventNote[] = [];
  /** When a note was said; oldest first. */
  readonly #said = new Map<string, number>();
  #running: Promise<void> | undefined;
  #stopped = false;
  #written = 0;
  #dropped = 0;

  constructor(api: Api, host: string, clock: Clock, random: Random, log: Log) {
    this.#api = api;
    this.#host = host;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
  }

  status(): EventsStatus {
    return { written: this.#written, dropped: this.#dropped, waiting: this.#queue.length };
  }

  /** Says it, unless it was said within the hour. Returns at once. */
  say(event: EventNote): void {
    const key = keyOf(event);
    const before = this.#said.get(key);
    const now = this.#clock.now();
    if (this.#stopped || (before !== undefined && now - before < KEPT_MS)) return;
    this.#said.delete(key);
    this.#said.set(key, now);
    for (const oldest of this.#said.keys()) {
      if (this.#said.size <= MOST_REMEMBERED) break;
      this.#said.delete(oldest);
    }
    if (this.#queue.length >= MOST_WAITING) {
      this.#dropped++;
      return;
    }
    this.#queue.push(event);
    this.#running ??= this.#run();
  }

  /** Gives up what waits. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#dropped += this.#queue.length;
    this.#queue.length = 0;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      const answer = await this.#api.request({
        method: "POST",
        path: `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(event.service.namespace)}/events`,
        what: `create an Event for the Service ${event.service.namespace}/${event.service.name}`,
        body: this.#object(event),
        timeoutMs: DEADLINE_MS,
      });
      if (answer.ok) this.#written++;
      else {
        this.#dropped++;
        this.#log.debug(`an Event was not written: ${answer.failure.sentence}`);
      }
    }
    this.#running = undefined;
  }

  #object({ service, type, reason, action, note }: EventNote): unknown {
    const { namespace, name, uid, resourceVersion } = service;
    const unique = Math.floor(this.#random() * 2 ** 32).toString(16).padStart(8, "0");
    return {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { namespace, name: `${name.slice(0, 200)}.${this.#clock.wall().toString(16)}${unique}` },
      eventTime: microTime(this.#clock.wall()),
      reportingController: CONTROLLER,
      reportingInstance: this.#host.slice(0, 128),
      type,
      reason,
      action,
      note: cut(note, LONGEST_NOTE),
      regarding: { apiVersion: "v1", kind: "Service", namespace, name, uid, resourceVersion },
    };
  }
}

function keyOf(event: EventNote): string {
  return `${event.service.uid} ${event.reason} ${event.note}`;
}

/** The server counts octets. */
function cut(text: string, octets: number): string {
  if (Buffer.byteLength(text) <= octets) return text;
  const bytes = Buffer.from(text).subarray(0, octets - 3);
  return `${bytes.toString("utf8").replace(/\ufffd+$/, "")}…`;
}
