/**
 * Asks a segment who has a VIP: three questions 50 ms apart, as after RFC 5227 2.1.1 but faster, since a failover waits for the answer.
 *
 * Silence is an answer only if the questions went out: what could not be sent is sent later, and after `restart` all of them again.
 */
import type { Address, Mac } from "../net/index.ts";
import type { Clock } from "../time/index.ts";
import { Pacer } from "./pacer.ts";

export type QuestionsOptions = {
  readonly segment: string;
  readonly clock: Clock;
  /** Sends one question; false if it could not be sent. */
  readonly send: (address: Address) => boolean;
  /** Who answered question `ask`, or undefined if nobody did. Called once per question. */
  readonly onAnswer: (address: Address, ask: number, answer: Mac | undefined) => void;
};

type Question = {
  readonly address: Address;
  readonly ask: number;
  /** When the first went out, by the clock. */
  began: number;
  sent: number;
  settled: boolean;
};

const RATE = 5_000; // frames per second
const QUESTIONS = 3;
const INTERVAL_MS = 50;
const VERDICT_MS = 200; // after the first
const RETRY_MS = 500; // after one that could not be sent
const LAST_WAIT_MS = 100; // after the last, should they have been late

export class Questions {
  readonly #options: QuestionsOptions;
  readonly #questions = new Map<Address, Question>();
  readonly #pacer: Pacer<Question>;

  constructor(options: QuestionsOptions) {
    this.#options = options;
    this.#pacer = new Pacer({
      clock: options.clock,
      name: `ask on ${options.segment}`,
      rate: RATE,
      send: (question) => this.#next(question),
    });
  }

  /** Question `ask` about the address, to go out with the next `flush`. Nothing, if that is the one that was asked last. */
  ask(address: Address, ask: number): void {
    if (this.#questions.get(address)?.ask === ask) return;
    this.#begin({ address, ask, began: 0, sent: 0, settled: false });
  }

  /** Sends what is due, without waiting for a timer. */
  flush(): void {
    this.#pacer.run();
  }

  /** The answer is of no interest any more. */
  forget(address: Address): void {
    this.#questions.delete(address);
  }

  /** Somebody says that it has the address. */
  heard(address: Address, mac: Mac): void {
    const question = this.#questions.get(address);
    if (question !== undefined) this.#settle(question, mac);
  }

  /** Answers may have been lost: what is not settled is asked from the beginning. */
  restart(): void {
    for (const { address, ask, settled } of this.#questions.values()) {
      if (!settled) this.#begin({ address, ask, began: 0, sent: 0, settled: false });
    }
    this.flush();
  }

  stop(): void {
    this.#questions.clear();
    this.#pacer.clear();
  }

  #begin(question: Question): void {
    this.#questions.set(question.address, question);
    this.#pacer.add(question, this.#options.clock.now());
  }

  #next(question: Question): number {
    if (question.settled || this.#questions.get(question.address) !== question) return 0;
    if (question.sent === QUESTIONS) {
      this.#settle(question, undefined);
      return 0;
    }
    const now = this.#options.clock.now();
    if (!this.#options.send(question.address)) {
      this.#pacer.add(question, now + RETRY_MS);
      return 1;
    }
    if (question.sent === 0) question.began = now;
    question.sent++;
    const done = question.sent === QUESTIONS;
    this.#pacer.add(question, done ? Math.max(question.began + VERDICT_MS, now + LAST_WAIT_MS) : now + INTERVAL_MS);
    return 1;
  }

  #settle(question: Question, answer: Mac | undefined): void {
    if (question.settled) return;
    question.settled = true;
    this.#options.onAnswer(question.address, question.ask, answer);
  }
}
