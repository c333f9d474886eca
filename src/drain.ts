/**
 * Draining: this host serves nothing that another host can, until it is undrained. A restart and a reboot do not end it.
 *
 * After a start it begins like any other host, and is drained again a little later: the VIPs that nobody else has are then
 * served here, as they were before; who is drained from the first moment would take none of them.
 */
import type { DrainReport } from "./admin/index.ts";
import type { Fleet } from "./fleet/index.ts";
import type { Keepsakes } from "./linux/index.ts";
import type { Log } from "./log/index.ts";
import type { Clock, Timer } from "./time/index.ts";

const NAME = "drained";
/** By then a host that started has asked for what nobody serves, and taken it. */
const RESUMES_AFTER_MS = 5_000;
/** Who would take over has done so by then (FLEET.md: 3 s). */
const TAKEN_BY_MS = 5_000;

export type DrainOptions = {
  readonly keepsakes: Pick<Keepsakes, "read" | "keep">;
  readonly fleet: Pick<Fleet, "input" | "statements">;
  readonly clock: Clock;
  readonly log: Log;
  readonly stopping: () => boolean;
};

export class Drain {
  readonly #options: DrainOptions;
  /** Since when, as people write it. */
  #since: string | undefined;
  /** The fleet knows. */
  #inForce = false;
  #kept = true;
  #timer: Timer | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
    this.#since = options.keepsakes.read(NAME);
  }

  get since(): string | undefined {
    return this.#since;
  }

  drain(): DrainReport {
    if (this.#options.stopping()) return this.#report("nothing", "bmlb is stopping here");
    if (this.#since !== undefined) return this.#report("nothing", `it has been drained since ${this.#since}`);
    const { keepsakes, clock } = this.#options;
    this.#since = new Date(clock.wall()).toISOString();
    this.#kept = keepsakes.keep(NAME, this.#since);
    this.#begin();
    return this.#report("done", `it hands over what another host can serve; \`bmlb status\` shows what is left, \`bmlb undrain\` ends it`);
  }

  undrain(): DrainReport {
    if (this.#options.stopping()) return this.#report("nothing", "bmlb is stopping here");
    if (this.#since === undefined) return this.#report("nothing", "it was not drained");
    this.#since = undefined;
    this.#kept = this.#options.keepsakes.keep(NAME, "");
    this.#inForce = false;
    this.#timer?.cancel();
    this.#options.fleet.input({ type: "undrain" });
    return this.#report("done", "it takes its share again");
  }

  /** The daemon is ready: what was so before its start is so again soon. */
  resume(): void {
    if (this.#since === undefined || this.#inForce) return;
    this.#options.log.warning("this host was drained before its start and will be again in a moment; `bmlb undrain` ends that", { since: this.#since });
    this.#timer = this.#options.clock.timer("drain", RESUMES_AFTER_MS, () => {
      this.#begin();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Sentences about what is not as the operator wanted it. */
  problems(): readonly string[] {
    const serving = this.#serving();
    return [...(this.#inForce && serving > 0 ? [`drained, but this host still answers for ${vips(serving)} that no other host has taken`] : []), ...this.#unkept()];
  }

  #unkept(): readonly string[] {
    const state = this.#since === undefined ? "is drained no more" : "is drained";
    return this.#kept ? [] : [`that this host ${state} could not be written to disk: its next start will not know`];
  }

  #begin(): void {
    this.#inForce = true;
    this.#options.fleet.input({ type: "leave", why: "drain" });
    this.#timer?.cancel();
    this.#timer = this.#options.clock.timer("drain", TAKEN_BY_MS, () => {
      if (this.#serving() > 0) this.#options.log.warning(`drained, but no other host takes over: this one goes on answering for ${vips(this.#serving())}`);
    });
  }

  #serving(): number {
    let serving = 0;
    for (const statement of this.#options.fleet.statements().values()) serving += statement.serving;
    return serving;
  }

  #report(what: "done" | "nothing", note: string): DrainReport {
    const sentences = [note, ...(what === "done" ? this.#unkept() : [])];
    return { drained: this.#since !== undefined, changed: what === "done", note: sentences.join("; ") };
  }
}

function vips(count: number): string {
  return count === 1 ? "1 VIP" : `${count} VIPs`;
}
