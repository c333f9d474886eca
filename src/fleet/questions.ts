/**
 * Who is asked about on one segment, and when: questions cost three frames each, so they are paced. Pure.
 *
 * A host that starts alone with 10 000 VIPs must not ask for each of them before it serves: where no host says that it serves
 * anything, silence on a sample stands for silence on all.
 */

export type QuestionKind =
  /** This host is best placed and wants to know whether anybody serves already. */
  | "best"
  /** It gave the VIP up to a host that should serve now. */
  | "recheck"
  /** It stopped, and with its question tells the others so. */
  | "release"
  /** It serves, and wants to know whether anybody else does too. */
  | "own"
  /** Nobody who comes first has claimed it. */
  | "sweep";

/** Questions open at once, in all; each is open for a fifth of a second. */
const MOST_OPEN = 256;
/** Of them for orphans: where the hosts say that they serve fewer VIPs than there are, and where they seem to serve all. */
const MOST_SWEEPS = 16;
const MOST_SWEEPS_IF_COVERED = 1;
/** So many unanswered questions, where nobody says that he serves anything, stand for all. */
const SAMPLE = 16;
/** And for so long. */
const SAMPLE_HOLDS_MS = 2_000;
/** A question whose result did not come: l2/ was not asked, or its interface went away. */
const LOST_MS = 3_000;

export type Surroundings = {
  /** No host here says that it serves anything. */
  readonly unserved: boolean;
  /** The hosts here say that they serve as many VIPs as there are. */
  readonly covered: boolean;
};

type Open<V> = { readonly item: V; readonly kind: QuestionKind; readonly at: number };

export class Questions<V> {
  readonly #waiting: readonly [urgent: Fifo<V>, own: Fifo<V>, sweep: Fifo<V>] = [new Fifo(), new Fifo(), new Fifo()];
  readonly #open = new Map<number, Open<V>>();
  #sweeps = 0;
  #asked = 0;
  #silent = 0;
  #quietUntil = -Infinity;

  /** Puts a question in its queue. */
  request(item: V, kind: QuestionKind): void {
    this.#waiting[queueOf(kind)].push({ item, kind });
  }

  /** The next question that may be put now. */
  next(around: Surroundings): { readonly item: V; readonly kind: QuestionKind } | undefined {
    const [urgent, own, sweep] = this.#waiting;
    const open = this.#open.size;
    if (urgent.size > 0 && open < (around.unserved ? SAMPLE : MOST_OPEN)) return urgent.shift();
    if (own.size > 0 && open < MOST_OPEN) return own.shift();
    if (sweep.size > 0 && this.#sweeps < (around.covered ? MOST_SWEEPS_IF_COVERED : MOST_SWEEPS)) return sweep.shift();
    return undefined;
  }

  /** The question is put: returns its number, by which its result will be known. */
  begin(item: V, kind: QuestionKind, now: number): number {
    const ask = ++this.#asked;
    this.#open.set(ask, { item, kind, at: now });
    if (kind === "sweep") this.#sweeps++;
    return ask;
  }

  /** The question is over; undefined if it was before. */
  end(ask: number): V | undefined {
    const question = this.#open.get(ask);
    if (question === undefined) return undefined;
    this.#open.delete(ask);
    if (question.kind === "sweep") this.#sweeps--;
    return question.item;
  }

  /** Takes in what a question by the best placed host showed. */
  learn(answered: boolean, around: Surroundings, now: number): void {
    if (answered || !around.unserved) this.#silent = 0;
    else this.#silent++;
    if (this.#silent >= SAMPLE) this.#quietUntil = now + SAMPLE_HOLDS_MS;
    else if (answered) this.#quietUntil = -Infinity;
  }

  /** Until then a sample of questions that went unanswered stands for all, while nobody says that he serves anything. */
  get quietUntil(): number {
    return this.#quietUntil;
  }

  /** Ends the questions whose result never came. */
  lost(now: number): readonly number[] {
    const lost: number[] = [];
    for (const [ask, question] of this.#open) {
      if (now - question.at < LOST_MS) break;
      lost.push(ask);
    }
    return lost;
  }

  /** When the oldest open question will be lost. */
  get nextAt(): number {
    for (const question of this.#open.values()) return question.at + LOST_MS;
    return Infinity;
  }
}

function queueOf(kind: QuestionKind): 0 | 1 | 2 {
  switch (kind) {
    case "best":
    case "recheck":
    case "release":
      return 0;
    case "own":
      return 1;
    case "sweep":
      return 2;
  }
}

type Waiting<V> = { readonly item: V; readonly kind: QuestionKind };

class Fifo<V> {
  #items: Waiting<V>[] = [];
  #first = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  push(item: Waiting<V>): void {
    this.#items.push(item);
  }

  shift(): Waiting<V> | undefined {
    const item = this.#items[this.#first++];
    if (this.#first >= this.#items.length) {
      this.#items = [];
      this.#first = 0;
    }
    return item;
  }
}
