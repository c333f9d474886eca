/**
 * Items that wait for the same thing, in the order in which they came. The list goes through the items themselves: a hundred thousand
 * can wait at no further cost, and each leaves it from wherever it stands.
 */

/** What an item keeps of the bucket that it is in; nobody else writes it. `Why` is what buckets differ by. */
export interface Waiting<Item extends Waiting<Item, Why>, Why> {
  bucket: Bucket<Item, Why> | undefined;
  previous: Item | undefined;
  next: Item | undefined;
}

export class Bucket<Item extends Waiting<Item, Why>, Why> {
  /** What its items wait for. */
  readonly why: Why;
  #first: Item | undefined;
  #last: Item | undefined;

  constructor(why: Why) {
    this.why = why;
  }

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** The item is in no bucket. */
  add(item: Item): void {
    item.bucket = this;
    item.previous = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
  }

  /** The item is in this bucket. */
  remove(item: Item): void {
    const { previous, next } = item;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    item.bucket = item.previous = item.next = undefined;
  }

  /** Removes the one that has waited the longest; undefined if none is left. */
  shift(): Item | undefined {
    const item = this.#first;
    if (item !== undefined) this.remove(item);
    return item;
  }
}
