/**
 * Things that are due at a time: a binary heap, so that 10 000 of them cost nothing while none is due. Pure.
 *
 * An entry is only a reminder to look again: who is looked at decides whether there is anything to do, so entries are never
 * taken out before their time.
 */

type Entry<T> = { readonly at: number; readonly item: T };

export class DueQueue<T> {
  readonly #heap: Entry<T>[] = [];

  /** When the first is due; Infinity if there is none. */
  get next(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  push(at: number, item: T): void {
    const heap = this.#heap;
    const entry = { at, item };
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= at) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = entry;
  }

  /** Takes one that is due; undefined if there is none. */
  take(now: number): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.at > now) return undefined;
    const last = heap.pop();
    if (last !== undefined && last !== first) this.#sink(last);
    return first.item;
  }

  #sink(entry: Entry<T>): void {
    const heap = this.#heap;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      const right = heap[child + 1];
      if (right !== undefined && right.at < (heap[child]?.at ?? Infinity)) child++;
      const below = heap[child];
      if (below === undefined || below.at >= entry.at) break;
      heap[i] = below;
      i = child;
    }
    heap[i] = entry;
  }
}
