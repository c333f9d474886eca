/** What is known of one kind of object, and what a list that has just been read leaves out. */

export class Shelf<V> {
  readonly values = new Map<string, V>();
  #missing: Set<string> | undefined;

  /** From here until `listed`, what is not put or seen is missing. */
  listing(): void {
    this.#missing = new Set(this.values.keys());
  }

  /** It exists, whether or not its value could be read. */
  seen(key: string): void {
    this.#missing?.delete(key);
  }

  put(key: string, value: V): void {
    this.seen(key);
    this.values.set(key, value);
  }

  /** True if it was known. */
  remove(key: string): boolean {
    this.seen(key);
    return this.values.delete(key);
  }

  /** Removes and returns what the list did not have. */
  listed(): readonly string[] {
    const missing = Array.from(this.#missing ?? []);
    this.#missing = undefined;
    for (const key of missing) this.values.delete(key);
    return missing;
  }
}
