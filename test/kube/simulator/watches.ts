/**
 * Watches: the changes after a resourceVersion, one JSON line each, with bookmarks, until timeoutSeconds are over.
 */
import type { Json } from "./json.ts";
import { type Scope, selection, versionOf, wholeNumber } from "./lists.ts";
import { Refusal, wrong, invalid } from "./refusal.ts";
import { view } from "./registry.ts";
import { apiVersionOf } from "./resources.ts";
import { readFields } from "./shape.ts";
import { type Change, type Store, Stored } from "./store.ts";

/** Where a watch writes: an HTTP response. */
export interface Stream {
  write(line: string): void;
  end(): void;
}

export type WatchSettings = {
  readonly bookmarkIntervalMs: number;
  /** True while watches are to deliver nothing and never end. */
  readonly silent: () => boolean;
};

const LAST_BOOKMARK_MS = 2_000; // one more bookmark this long before timeoutSeconds
const SHORTEST_DEFAULT_TIMEOUT_S = 1_800; // --min-request-timeout: without timeoutSeconds, a random time from here to twice as long

export class Watch {
  readonly #scope: Scope;
  readonly #store: Store;
  readonly #query: URLSearchParams;
  readonly #settings: WatchSettings;
  readonly #selected: (stored: Stored) => boolean;
  readonly #timers: NodeJS.Timeout[] = [];
  #from = 0;
  #stream: Stream | undefined;
  #unwatch: (() => void) | undefined;

  /** Throws 400 or 422 for a query that makes no sense, before anything is answered. */
  constructor(store: Store, scope: Scope, query: URLSearchParams, settings: WatchSettings) {
    this.#store = store;
    this.#scope = scope;
    this.#query = query;
    this.#settings = settings;
    this.#selected = selection(scope, query);
    const given = query.get("resourceVersion") ?? "";
    if (!/^\d*$/.test(given)) throw new Refusal("Unexplained", `resourceVersion: Invalid value: ${JSON.stringify(given)}: strconv.ParseUint: parsing ${JSON.stringify(given)}: invalid syntax`);
    wholeNumber(query, "timeoutSeconds");
    if (query.get("sendInitialEvents") === "true" && query.get("resourceVersionMatch") !== "NotOlderThan") {
      throw invalid("ListOptions", "meta.k8s.io", "", [wrong.forbidden("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")]);
    }
  }

  /** Begins to deliver. */
  open(stream: Stream): void {
    this.#stream = stream;
    const version = versionOf(this.#query);
    const initial = this.#query.get("sendInitialEvents") === "true";
    this.#from = version ?? 0;
    const missed = version === undefined || version === 0 || initial ? [] : this.#store.since(version);
    if (missed === undefined) {
      this.#line("ERROR", new Refusal("Expired", `too old resource version: ${version ?? 0} (${this.#store.compacted})`).status());
      this.#timeOut();
      return;
    }
    if (version === undefined || version === 0 || initial) {
      for (const stored of this.#store.all(this.#scope.resource.storage)) if (this.#selected(stored)) this.#deliver("ADDED", stored);
      this.#from = this.#store.revision;
      if (initial) this.#bookmark({ "k8s.io/initial-events-end": "true" });
    }
    for (const change of missed) this.#pass(change);
    this.#unwatch = this.#store.watch((change) => { this.#pass(change); });
    this.#setTimers();
  }

  /** Ends the watch from the server's side, as its timeout does. */
  end(): void {
    this.close();
    this.#stream?.end();
  }

  /** The client has gone. */
  close(): void {
    this.#unwatch?.();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #setTimers(): void {
    const seconds = wholeNumber(this.#query, "timeoutSeconds") || SHORTEST_DEFAULT_TIMEOUT_S * (1 + Math.random());
    this.#timers.push(setTimeout(() => { this.#timeOut(); }, seconds * 1_000));
    if (this.#query.get("allowWatchBookmarks") !== "true") return;
    this.#timers.push(setInterval(() => { this.#bookmark(); }, this.#settings.bookmarkIntervalMs));
    if (seconds * 1_000 > LAST_BOOKMARK_MS) this.#timers.push(setTimeout(() => { this.#bookmark(); }, seconds * 1_000 - LAST_BOOKMARK_MS));
  }

  /** A silent watch is not ended by its timeout either. */
  #timeOut(): void {
    if (!this.#settings.silent()) this.end();
  }

  /** An object that begins or ceases to be selected is added or deleted, for this watch. */
  #pass({ type, storage, revision, now, before }: Change): void {
    // After a restore the revision can be behind the one that the client knows: it hears nothing until that is passed.
    if (storage !== this.#scope.resource.storage || revision <= this.#from) return;
    this.#from = revision;
    const was = before !== undefined && type !== "ADDED" && this.#selected(before);
    const is = type !== "DELETED" && this.#selected(now);
    if (is) this.#deliver(was ? "MODIFIED" : "ADDED", now);
    else if (was) this.#deliver("DELETED", new Stored(before.object, revision));
  }

  #deliver(type: "ADDED" | "MODIFIED" | "DELETED", stored: Stored): void {
    const { resource } = this.#scope;
    if (resource.rules.fromStored !== undefined) this.#line(type, view(resource, stored.object));
    else if (!this.#settings.silent()) {
      this.#stream?.write(`{"type":"${type}","object":{"kind":"${resource.kind}","apiVersion":"${apiVersionOf(resource)}",${stored.text.slice(1)}}\n`);
    }
  }

  #bookmark(annotations?: Readonly<Record<string, string>>): void {
    const { resource } = this.#scope;
    if (this.#store.revision < this.#from) return;
    this.#from = this.#store.revision;
    const metadata = { resourceVersion: String(this.#from), ...(annotations === undefined ? {} : { annotations }) };
    this.#line("BOOKMARK", { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata, ...readFields({}, resource.rules.shape, "") });
  }

  #line(type: string, object: Json): void {
    if (!this.#settings.silent()) this.#stream?.write(`${JSON.stringify({ type, object })}\n`);
  }
}
