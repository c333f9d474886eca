/** Names that tables give themselves, and names by which others refer to them. Pure. */
import type { Findings } from "./findings.ts";
import { isPattern } from "./glob.ts";
import { type Nearest, didYouMean, nearestOf } from "./nearest.ts";
import { type Place, enumerate, quote } from "./problem.ts";
import type { Setting } from "./table.ts";
import type { Item } from "./value.ts";

const MOST_LISTED = 10; // names in a message

/** Something with a name of its own: a pool, a peer. */
export type Named = { readonly name: Setting<string | undefined> };

/** Names are unique without regard to case: they end up in file names, metrics and people's mouths. */
export function reportSharedNames(named: readonly Named[], findings: Findings): void {
  const taken = new Map<string, Setting<string | undefined>>();
  for (const { name } of named) {
    if (name.value === undefined || name.state === "wrong") continue;
    const first = taken.get(name.value.toLowerCase());
    if (first === undefined) {
      taken.set(name.value.toLowerCase(), name);
      continue;
    }
    const where = `${first.place.path} at ${first.place.file}:${first.place.line}`;
    const message =
      name.state === "absent"
        ? `missing, so that the name is ${quote(name.value)}, and that is taken by ${where}; add a name`
        : `${quote(name.value)} is taken by ${where}${first.value === name.value ? "" : ` (${quote(first.value ?? "")})`}; names must differ in more than case`;
    findings.report(name.place, message);
  }
}

/** Finds what a name refers to, and the nearest name where it refers to nothing. */
export class Directory<T extends Named> {
  readonly all: readonly T[];
  readonly #what: string;
  readonly #table: string;
  readonly #named: "exactly" | "by patterns";
  readonly #byName: ReadonlyMap<string, T>;
  readonly #nearest: Nearest;
  readonly #namesAreKnown: boolean;

  /** `what` is the word for one of them, "pool", and `table` where it is made, "[[pool]]". */
  constructor({ what, table }: { readonly what: string; readonly table: string }, all: readonly T[], named: "exactly" | "by patterns" = "exactly") {
    this.all = all;
    this.#what = what;
    this.#table = table;
    this.#named = named;
    this.#byName = new Map(all.map((one) => [one.name.value ?? "", one]));
    this.#nearest = nearestOf(this.#byName.keys());
    this.#namesAreKnown = all.every((one) => one.name.state !== "wrong");
  }

  get names(): Iterable<string> {
    return this.#byName.keys();
  }

  find(name: string): T | undefined {
    return this.#byName.get(name);
  }

  /** All of them if the list is empty; what does not exist is reported and left out. */
  resolve(items: readonly Item<string>[], findings: Findings): readonly T[] {
    if (items.length === 0) return this.all;
    const found: T[] = [];
    for (const { value, place } of items) {
      const one = this.find(value);
      if (one !== undefined) found.push(one);
      else this.reportAbsent(value, place, findings);
    }
    return found;
  }

  /** Says that a name refers to nothing, unless it may be meant for one whose own name is wrong. */
  reportAbsent(name: string, place: Place, findings: Findings): void {
    if (this.#namesAreKnown) findings.reportMissing(place, this.#absence(name));
  }

  #absence(name: string): string {
    const described = isPattern(name);
    const hint = didYouMean(this.#nearest(name));
    const rule = described && this.#named === "exactly" ? `; a ${this.#what} is named exactly, not by a pattern` : "";
    const subject = described && this.#named === "by patterns" ? `no ${this.#what} fits` : `there is no ${this.#what}`;
    return `${subject} ${quote(name)}${rule}${hint === "" ? this.#others() : hint}`;
  }

  #others(): string {
    const known = Array.from(this.#byName.keys()).slice(0, MOST_LISTED).map((name) => quote(name));
    if (known.length === 0) return `; there is no ${this.#what} at all: add a ${this.#table}`;
    return `; there ${known.length === 1 ? "is" : "are"} ${enumerate(known, "and")}${this.all.length > MOST_LISTED ? " and others" : ""}`;
  }
}
