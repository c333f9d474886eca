/** Which hosts a peer or an advertisement is for, and when two of them are for no host in common. Pure. */
import type { Glob } from "./config.ts";
import { globsMeet, isPattern } from "./glob.ts";
import { type LabelSelector, selectorsExclude } from "./selector.ts";
import type { Setting } from "./table.ts";
import type { Item } from "./value.ts";

/** A host is meant by its name or by its labels, by any of either list; if both are empty, every host is. Its node must fit too. */
export type Scope = {
  readonly hosts: readonly Glob[];
  readonly hostSelectors: readonly LabelSelector[];
  readonly nodeSelectors: readonly LabelSelector[];
};

type ScopeSettings = {
  readonly hosts: Setting<readonly Item<Glob>[]>;
  readonly host_selectors: Setting<readonly Item<LabelSelector>[]>;
  readonly node_selectors: Setting<readonly Item<LabelSelector>[]>;
};

export function scopeOf(settings: ScopeSettings): Scope {
  return {
    hosts: valuesOf(settings.hosts),
    hostSelectors: valuesOf(settings.host_selectors),
    nodeSelectors: valuesOf(settings.node_selectors),
  };
}

/** The values of a list without their places. */
export function valuesOf<T>(setting: Setting<readonly Item<T>[]>): readonly T[] {
  return setting.value.map((item) => item.value);
}

/** True if it is certain that no host is in both. */
export function scopesExclude(a: Scope, b: Scope): boolean {
  return hostsExclude(a, b) || selectorListsExclude(a.nodeSelectors, b.nodeSelectors);
}

/** A name against a label proves nothing: any host may have any label. */
function hostsExclude(a: Scope, b: Scope): boolean {
  if (isForAll(a) || isForAll(b)) return false;
  if ((a.hosts.length > 0 && b.hostSelectors.length > 0) || (a.hostSelectors.length > 0 && b.hosts.length > 0)) return false;
  return !someGlobsMeet(a.hosts, b.hosts) && a.hostSelectors.every((x) => b.hostSelectors.every((y) => selectorsExclude(x, y)));
}

/** Pairs of patterns; lists that are longer than any fleet are taken to meet. */
export const MOST_COMPARED = 100_000;

/** True if a name may be matched by one of each. */
export function someGlobsMeet(a: readonly Glob[], b: readonly Glob[]): boolean {
  return a.length * b.length > MOST_COMPARED || a.some((x) => b.some((y) => globsMeet(x, y)));
}

function isForAll(scope: Scope): boolean {
  return scope.hosts.length === 0 && scope.hostSelectors.length === 0;
}

/** True if it is certain that nothing is selected by both lists; an empty list selects everything. */
export function selectorListsExclude(a: readonly LabelSelector[], b: readonly LabelSelector[]): boolean {
  return a.length > 0 && b.length > 0 && a.every((x) => b.every((y) => selectorsExclude(x, y)));
}

/** Finds what may share a host with a scope without comparing every pair: most hosts are named, not described. */
export class ScopeIndex<T extends { readonly scope: Scope }> {
  readonly #all: T[] = [];
  readonly #byHost = new Map<string, T[]>();
  readonly #described: T[] = [];

  add(one: T): void {
    this.#all.push(one);
    const hosts = namedHosts(one.scope);
    if (hosts === undefined) this.#described.push(one);
    for (const host of hosts ?? []) {
      const there = this.#byHost.get(host);
      if (there === undefined) this.#byHost.set(host, [one]);
      else there.push(one);
    }
  }

  /** The first that `fits` among those whose scope may meet `scope`. */
  find(scope: Scope, fits: (one: T) => boolean): T | undefined {
    const hosts = namedHosts(scope);
    if (hosts === undefined) return this.#all.find(fits);
    for (const host of hosts) {
      const found = this.#byHost.get(host)?.find(fits);
      if (found !== undefined) return found;
    }
    return this.#described.find(fits);
  }
}

/** Undefined if hosts are described by patterns or labels, or not at all. */
function namedHosts(scope: Scope): readonly string[] | undefined {
  return scope.hosts.length === 0 || scope.hostSelectors.length > 0 || scope.hosts.some(isPattern) ? undefined : scope.hosts;
}
