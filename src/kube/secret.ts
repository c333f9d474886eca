/**
 * The fleet's key: `key` of the Secret `bmlb-fleet`, looked at every minute and kept on disk, readable by its owner only, so that a
 * host that starts while the API is away can talk to the others.
 *
 * That there is no such Secret is normal. A key that was there and is deleted stays in force, because hosts that stop using it
 * one after the other would be deaf to each other meanwhile. Never prints the key.
 */
import { chmod, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../log/index.ts";
import type { Clock, Timer } from "../time/index.ts";
import type { Api } from "./client.ts";
import { recordOf, textOf } from "./raw.ts";
import type { Trouble } from "./trouble.ts";

/** The Secret that holds it. */
export const FLEET_SECRET = "bmlb-fleet";

export type FleetKeyOptions = {
  readonly api: Api;
  readonly namespace: string;
  /** Where it is kept; must exist. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly trouble: Trouble;
  /** The key, whenever it is another. */
  readonly onKey: (key: Buffer) => void;
  /** The API says that there is no such Secret, and no key was there before. */
  readonly onNone: () => void;
};

export type FleetKeyStatus = {
  readonly source: "none" | "disk" | "api";
  readonly problem: string | undefined;
};

const LOOK_MS = 60_000;
const LOOK_AGAIN_MS = 15_000;
const DEADLINE_MS = 10_000;
const LARGEST = 4096; // octets

export class FleetKey {
  readonly #options: FleetKeyOptions;
  readonly #path: string;
  readonly #stop = new AbortController();
  #key: Buffer | undefined;
  #source: FleetKeyStatus["source"] = "none";
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #problem: string | undefined;
  #missed = false;

  constructor(options: FleetKeyOptions) {
    this.#options = options;
    this.#path = join(options.directory, "fleet.key");
  }

  /** Reports the key on disk, if there is one. To be awaited before `start`. */
  async loadCache(): Promise<void> {
    try {
      const key = await readFile(this.#path);
      if (key.length > 0 && key.length <= LARGEST) this.#use(key, "disk");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#options.log.warning(`cannot read the fleet's key from disk: ${(error as Error).message}`);
    }
  }

  start(): void {
    this.#look();
  }

  status(): FleetKeyStatus {
    return { source: this.#source, problem: this.#problem };
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#timer?.cancel();
    await this.#looking;
  }

  #look(): void {
    this.#looking = this.#read().then((answered) => {
      if (this.#stop.signal.aborted) return;
      this.#timer = this.#options.clock.timer("look at the fleet's key", answered ? LOOK_MS : LOOK_AGAIN_MS, () => {
        this.#look();
      });
    });
  }

  /** False if the API did not say what is. */
  async #read(): Promise<boolean> {
    const { api, namespace, log, trouble } = this.#options;
    const what = `read the Secret ${FLEET_SECRET}`;
    const answer = await api.request({
      method: "GET",
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${FLEET_SECRET}`,
      what,
      timeoutMs: DEADLINE_MS,
      signal: this.#stop.signal,
    });
    if (!answer.ok) {
      const { failure } = answer;
      if (failure.kind === "status" && failure.status === 404) {
        trouble.worked(what);
        this.#problem = undefined;
        if (this.#key !== undefined && !this.#missed) log.warning(`the Secret ${FLEET_SECRET} is gone; its key stays in force. To go without one, remove ${this.#path} on every host and restart them`);
        this.#missed = this.#key !== undefined;
        if (this.#key === undefined) this.#options.onNone();
        return true;
      }
      if (failure.kind !== "cancelled") this.#problem = failure.sentence;
      trouble.failed(what, failure);
      return false;
    }
    trouble.worked(what);
    this.#missed = false;
    const key = Buffer.from(textOf(recordOf(recordOf(answer.body)?.["data"])?.["key"]) ?? "", "base64");
    if (key.length === 0 || key.length > LARGEST) {
      const problem = `the Secret ${FLEET_SECRET} has no usable \`key\`: \`kubectl create secret generic ${FLEET_SECRET} -n ${namespace} --from-literal=key=$(openssl rand -hex 32)\``;
      if (problem !== this.#problem) log.warning(problem);
      this.#problem = problem;
      return true;
    }
    this.#problem = undefined;
    const changed = this.#key === undefined || !this.#key.equals(key);
    this.#use(key, "api");
    if (changed) await this.#keep(key);
    return true;
  }

  #use(key: Buffer, source: "disk" | "api"): void {
    if (this.#stop.signal.aborted) return;
    this.#source = source;
    if (this.#key?.equals(key) === true) return;
    this.#key = key;
    this.#options.onKey(key);
  }

  async #keep(key: Buffer): Promise<void> {
    const temporary = `${this.#path}.new`;
    try {
      await rm(temporary, { force: true });
      const file = await open(temporary, "wx", 0o600);
      try {
        await file.writeFile(key);
        await file.sync();
      } finally {
        await file.close();
      }
      await chmod(temporary, 0o600);
      await rename(temporary, this.#path);
    } catch (error) {
      this.#options.log.warning(`cannot keep the fleet's key on disk: ${(error as Error).message}; a restart without the API would go without it`);
    }
  }
}
