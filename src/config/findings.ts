/** Collects all that is wrong, so that an operator mends a file once and not twenty times. Pure. */
import type { Place, Problem } from "./problem.ts";

export class Findings {
  readonly #problems: Problem[] = [];
  readonly #notYet: Problem[] = [];
  readonly #warnings: Problem[] = [];
  #view: "complete" | "partial" = "complete";

  /** Something is wrong. Bound, so that it can be handed on as a Report. */
  readonly report = (place: Place, message: string): void => {
    this.#problems.push({ ...place, message });
  };

  /** Something is not there: said only if every file could be read, for it may stand in one that could not. */
  readonly reportMissing = (place: Place, message: string): void => {
    if (this.#view === "complete") this.report(place, message);
  };

  /** The value is right, but its effect is not built; said only if nothing else is wrong with that key. */
  readonly reportNotYet = (place: Place, message: string): void => {
    this.#notYet.push({ ...place, message });
  };

  /** Allowed, and hardly meant. */
  readonly warn = (place: Place, message: string): void => {
    this.#warnings.push({ ...place, message });
  };

  /** From now on, what is missing may stand in a file that could not be read. */
  someFileIsUnread(): void {
    this.#view = "partial";
  }

  /** False once a file could not be read. */
  get sawEverything(): boolean {
    return this.#view === "complete";
  }

  /** True while nothing is wrong. */
  get areNone(): boolean {
    return this.#problems.length === 0 && this.#notYet.length === 0;
  }

  /** In the order of `files`, then of lines. */
  problems(files: readonly string[]): readonly Problem[] {
    const spots = new Set(this.#problems.map(spot));
    return inOrder([...this.#problems, ...this.#notYet.filter((problem) => !spots.has(spot(problem)))], files);
  }

  warnings(files: readonly string[]): readonly Problem[] {
    return inOrder(this.#warnings, files);
  }
}

function spot(problem: Problem): string {
  return `${problem.file}\0${problem.line}\0${problem.path}`;
}

function inOrder(problems: readonly Problem[], files: readonly string[]): readonly Problem[] {
  const order = new Map(files.map((file, index) => [file, index]));
  return problems.toSorted((a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.line - b.line);
}
