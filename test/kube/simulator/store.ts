/**
 * The versioned store behind the API server, as etcd and the watch cache together appear from outside: one revision that every write
 * increments, the state at any revision that is not compacted yet, and the events since.
 *
 * Synchronous: knows nothing of HTTP, of kinds, or of time.
 */
import type { Json } from "./json.ts";
import { keyOf, type KubeObject, type ObjectKey } from "./objects.ts";
import { Refusal } from "./refusal.ts";

/** One version of one object. It carries neither kind nor apiVersion: lists leave them out, as the real server does. */
export class Stored {
  readonly object: KubeObject;
  readonly key: ObjectKey;
  readonly revision: number;
  #text: string | undefined;

  constructor(object: KubeObject, revision: number) {
    this.object = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
    this.key = keyOf(object);
    this.revision = revision;
  }

  /** As JSON. Made once: a list of thousands is mostly this. */
  get text(): string {
    return (this.#text ??= JSON.stringify(this.object satisfies Json));
  }
}

export type Change = {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** The name under which objects of one kind are stored. */
  readonly storage: string;
  readonly revision: number;
  /** After the change; for DELETED the last state, with the revision of the deletion. */
  readonly now: Stored;
  readonly before: Stored | undefined;
};

/** Everything that a backup of etcd holds. */
export type Backup = { readonly revision: number; readonly objects: ReadonlyMap<string, ReadonlyMap<ObjectKey, Stored>> };

export class Store {
  readonly #objects = new Map<string, Map<ObjectKey, Stored>>();
  readonly #sorted = new Map<string, readonly Stored[]>();
  readonly #watchers = new Set<(change: Change) => void>();
  readonly #window: number;
  #changes: Change[] = [];
  #revision = 1;
  #compacted = 0;

  /** @param window how many changes are kept for watches to resume from and for lists to go on with */
  constructor(window: number) {
    this.#window = window;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Nothing at or before this revision can be read any more, except what is current. */
  get compacted(): number {
    return this.#compacted;
  }

  get(storage: string, key: ObjectKey): Stored | undefined {
    return this.#objects.get(storage)?.get(key);
  }

  /** In the order of keys. */
  all(storage: string): readonly Stored[] {
    const known = this.#sorted.get(storage);
    if (known !== undefined) return known;
    const sorted = sort(this.#objects.get(storage)?.values() ?? []);
    this.#sorted.set(storage, sorted);
    return sorted;
  }

  /** The objects as they were at an earlier revision. Throws 410 if that is compacted. */
  allAt(storage: string, revision: number): readonly Stored[] {
    if (revision < this.#compacted) throw new Refusal("Expired", `The resourceVersion for the provided list is too old.`);
    const later = this.#changes.slice(this.#firstAfter(revision)).filter((change) => change.storage === storage);
    if (later.length === 0) return this.all(storage);
    const objects = new Map(this.#objects.get(storage));
    for (const change of later.reverse()) {
      if (change.before === undefined) objects.delete(change.now.key);
      else objects.set(change.before.key, change.before);
    }
    return sort(objects.values());
  }

  /** Writes an object: the same as before leaves everything as it was. Returns what is stored now. */
  put(storage: string, object: KubeObject): Stored {
    const before = this.get(storage, keyOf(object));
    this.#revision += 1;
    const now = new Stored(object, this.#revision);
    this.#of(storage).set(now.key, now);
    this.#publish({ type: before === undefined ? "ADDED" : "MODIFIED", storage, revision: this.#revision, now, before });
    return now;
  }

  /** Removes an object and returns its last state. */
  remove(storage: string, object: KubeObject): Stored {
    const before = this.get(storage, keyOf(object));
    this.#revision += 1;
    const now = new Stored(object, this.#revision);
    this.#of(storage).delete(now.key);
    this.#publish({ type: "DELETED", storage, revision: this.#revision, now, before });
    return now;
  }

  /** The changes after `revision`, oldest first; undefined if some of them are compacted. */
  since(revision: number): readonly Change[] | undefined {
    return revision < this.#compacted ? undefined : this.#changes.slice(this.#firstAfter(revision));
  }

  /** Calls back for each change from now on, until the function that is returned is called. */
  watch(onChange: (change: Change) => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  /** Forgets the history up to now. */
  compact(): void {
    this.#changes = [];
    this.#compacted = this.#revision;
  }

  backup(): Backup {
    return { revision: this.#revision, objects: new Map(Array.from(this.#objects, ([storage, objects]) => [storage, new Map(objects)])) };
  }

  /** Puts back an older state *and its revision*; history that leads up to it is gone. Watchers are not told, as etcd does not tell them. */
  restore(backup: Backup): void {
    this.#objects.clear();
    for (const [storage, objects] of backup.objects) this.#objects.set(storage, new Map(objects));
    this.#sorted.clear();
    this.#changes = [];
    this.#revision = backup.revision;
    this.#compacted = backup.revision;
  }

  #of(storage: string): Map<ObjectKey, Stored> {
    const objects = this.#objects.get(storage) ?? new Map<ObjectKey, Stored>();
    this.#objects.set(storage, objects);
    return objects;
  }

  #publish(change: Change): void {
    this.#sorted.delete(change.storage);
    this.#changes.push(change);
    if (this.#changes.length > 2 * this.#window) {
      this.#changes = this.#changes.slice(-this.#window);
      this.#compacted = (this.#changes[0]?.revision ?? this.#revision + 1) - 1;
    }
    for (const watcher of this.#watchers) watcher(change);
  }

  #firstAfter(revision: number): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function sort(objects: Iterable<Stored>): readonly Stored[] {
  return Array.from(objects).sort((a, b) => (a.key < b.key ? -1 : 1));
}
