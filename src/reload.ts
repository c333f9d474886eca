/**
 * Reading the configuration again while the daemon runs: whole or not at all, and one after the other. What is wrong with the files, or
 * with taking them now, is said to who asked, in the log, and in the status until it is mended.
 */
import type { ReloadReport } from "./admin/index.ts";
import { describeChanges, fixedChanges, formatProblem, type Loaded, type LoadedConfig, type Problem } from "./config/index.ts";
import type { Log } from "./log/index.ts";

export type ReloadsOptions = {
  /** Reads the files. */
  readonly load: () => LoadedConfig;
  readonly inForce: () => Loaded;
  /** The BGP identifier that sessions use; undefined: there are none. */
  readonly identifier: () => string | undefined;
  /** Resolves when the daemon has come up, or is to stop before that. */
  readonly up: () => Promise<void>;
  readonly stopping: () => boolean;
  /** Runs the function in a later turn of the loop. */
  readonly soon: (fn: () => void) => void;
  /** Puts it in force, in this turn. */
  readonly apply: (next: Loaded) => void;
  /** What is in force is what the files say: they are worth a copy. */
  readonly keep: (loaded: Loaded) => void;
  /** The status is another now. */
  readonly told: () => void;
  readonly log: Log;
  /** Why the files are not in force from the start on, as a sentence. */
  readonly problem: string | undefined;
};

export class Reloads {
  readonly #options: ReloadsOptions;
  #turn: Promise<unknown> = Promise.resolve();
  #problem: string | undefined;

  constructor(options: ReloadsOptions) {
    this.#options = options;
    this.#problem = options.problem;
  }

  /** Why what is in force is not what the files say, as a sentence; undefined if it is, as far as is known. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Waits for its turn, and for the daemon to have come up. */
  reload(): Promise<ReloadReport> {
    const outcome = this.#turn.then(() => this.#options.up()).then(() => this.#reload());
    this.#turn = outcome;
    return outcome;
  }

  /** To read and to apply each take a good part of what the loop may do at once: each has a turn of its own, and sockets have theirs in between. */
  async #reload(): Promise<ReloadReport> {
    const { load, inForce, stopping } = this.#options;
    await this.#nextTurn();
    if (stopping()) return STOPPING;
    const loaded = load();
    await this.#nextTurn();
    return stopping() ? STOPPING : this.#take(inForce(), loaded);
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => { this.#options.soon(resolve); });
  }

  #take(before: Loaded, loaded: LoadedConfig): ReloadReport {
    const { identifier, apply, keep, told, log } = this.#options;
    const warnings = loaded.warnings.map(formatProblem);
    const [problem, ...more] = loaded.ok ? fixedChanges(before, loaded, identifier()) : loaded.problems;
    if (!loaded.ok || problem !== undefined) {
      const problems = problem === undefined ? [] : [problem, ...more];
      this.#refuse(problems);
      return { applied: false, changes: [], problems: problems.map(formatProblem), warnings };
    }
    const changes = describeChanges(before, loaded);
    this.#problem = undefined;
    if (changes.length === 0) log.notice("read the configuration again: nothing changed");
    else {
      log.notice(`read the configuration again: ${changes.join(", ")}`);
      for (const warning of warnings) log.warning(warning);
      apply(loaded);
    }
    keep(loaded);
    told();
    return { applied: true, changes, problems: [], warnings };
  }

  #refuse(problems: readonly Problem[]): void {
    const { log, told } = this.#options;
    this.#problem = `what the configuration says now is not in force, but what it said before: ${sayFirst(problems)}`;
    log.error("the configuration was read again and is not applied: the one before stays in force", { problems: problems.length });
    for (const problem of problems) log.error(formatProblem(problem));
    told();
  }
}

const STOPPING: ReloadReport = { applied: false, changes: [], problems: ["bmlb is stopping: the configuration is not read again"], warnings: [] };

/** For a status, which has no room for all. */
export function sayFirst([first, ...others]: readonly Problem[]): string {
  const more = others.length === 0 ? "" : ` (and ${others.length} more: see \`bmlb check\`)`;
  return `${first === undefined ? "" : formatProblem(first)}${more}`;
}
