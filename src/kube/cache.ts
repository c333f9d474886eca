/**
 * The cluster on disk, so that a host that starts while the API is away announces what it knew.
 *
 * One file: a line that says what it is, one JSON line for each thing, and a line with the SHA-256 of all before it. Written beside and
 * renamed, so that there is always a whole one; readable by its owner only. A file that is damaged, truncated, of another version or
 * of another cluster is passed over with one warning. A disk that is full or gone costs a warning, never more.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ClusterChange } from "../cluster/index.ts";
import type { Log } from "../log/index.ts";
import type { Clock, Timer } from "../time/index.ts";
import { Slices, nextTurn } from "./breathe.ts";
import { endpoint } from "./objects.ts";
import { listOf, parseJson, recordOf, textOf } from "./raw.ts";

export type CacheStatus = {
  readonly path: string;
  /** Unix ms; undefined if nothing was written since the start. */
  readonly writtenAt: number | undefined;
  readonly bytes: number;
  readonly problem: string | undefined;
};

type Snapshot = () => Iterable<ClusterChange>;

/** Of the form of the values: another one is passed over. */
const VERSION = 1;
const WRITE_EVERY_MS = 5_000;
const BATCH = 500;
const CHUNK = 256 << 10; // characters
const HASH_SLICE = 1 << 20; // octets
const LARGEST = 512 << 20; // octets

export class Cache {
  readonly #path: string;
  readonly #identity: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #again: Snapshot | undefined;
  #tookMs = 0;
  #writtenAt: number | undefined;
  #bytes = 0;
  #problem: string | undefined;
  #stopped = false;

  /**
   * @param directory must exist
   * @param identity what tells this cluster from another: a cache with another identity is passed over
   */
  constructor(directory: string, identity: string, clock: Clock, log: Log) {
    this.#path = join(directory, "cluster.cache");
    this.#identity = identity;
    this.#clock = clock;
    this.#log = log;
  }

  status(): CacheStatus {
    return { path: this.#path, writtenAt: this.#writtenAt, bytes: this.#bytes, problem: this.#problem };
  }

  /** Hands what is on disk to `say`, in batches. False, and nothing said, if there is nothing usable. */
  async load(say: (changes: readonly ClusterChange[]) => void): Promise<boolean> {
    let bytes: Buffer;
    try {
      bytes = await readWhole(this.#path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#log.warning(`cannot read the cached cluster; starting without it: ${(error as Error).message}`, { path: this.#path });
      return false;
    }
    const slices = new Slices(this.#clock);
    const problem = await this.#damage(bytes, slices);
    if (problem !== undefined) {
      this.#log.warning(`the cached cluster cannot be used: ${problem}; starting without it`, { path: this.#path });
      return false;
    }
    // Everything is read before anything is said: half a cluster would be worse than none.
    const all: ClusterChange[] = [];
    let start = bytes.indexOf(10) + 1;
    for (let end = bytes.indexOf(10, start); end >= 0; end = bytes.indexOf(10, start)) {
      const change = changeOf(parseJson(bytes.toString("utf8", start, end)));
      if (change === undefined) {
        this.#log.warning("the cached cluster cannot be used: it holds something that is no part of a cluster; starting without it", { path: this.#path });
        return false;
      }
      all.push(change);
      start = end + 1;
      if (slices.spent) await slices.breathe();
    }
    for (let i = 0; i < all.length; i += BATCH) {
      say(all.slice(i, i + BATCH));
      await nextTurn();
    }
    return true;
  }

  /** What is wrong with the file as a whole; undefined if nothing. */
  async #damage(bytes: Buffer, slices: Slices): Promise<string | undefined> {
    const header = recordOf(parseJson(bytes.toString("utf8", 0, Math.max(0, bytes.indexOf(10)))));
    if (header?.["bmlb"] !== "cluster") return "it is not one";
    if (header["version"] !== VERSION) return `it is of version ${String(header["version"]).slice(0, 20)}, this bmlb reads ${VERSION}`;
    if (header["identity"] !== this.#identity) return `it is of another cluster (${String(header["identity"]).slice(0, 200)})`;
    // The last line has no newline after it: "sha256 HEX".
    const end = bytes.lastIndexOf(10) + 1;
    const hash = createHash("sha256");
    for (let at = 0; at < end; at += HASH_SLICE) {
      hash.update(bytes.subarray(at, Math.min(end, at + HASH_SLICE)));
      if (slices.spent) await slices.breathe();
    }
    return bytes.toString("latin1", end) === `sha256 ${hash.digest("hex")}` ? undefined : "its checksum is wrong (cut off, or changed by somebody)";
  }

  /** Something changed: it will be written within a few seconds. Cheap to call often. */
  changed(snapshot: Snapshot): void {
    this.#again = snapshot;
    if (this.#timer !== undefined || this.#writing !== undefined || this.#stopped) return;
    // Large clusters are written less often: never more than a twentieth of the time.
    this.#timer = this.#clock.timer("write the cluster to disk", Math.max(WRITE_EVERY_MS, this.#tookMs * 20), () => {
      this.#timer = undefined;
      void this.#write();
    });
  }

  /** Writes a last time. */
  async stop(snapshot: Snapshot): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#writing;
    this.#again = snapshot;
    await this.#write();
  }

  #write(): Promise<void> {
    const snapshot = this.#again;
    this.#again = undefined;
    if (snapshot === undefined) return Promise.resolve();
    const began = this.#clock.now();
    this.#writing = this.#writeFile(snapshot).then(
      () => {
        if (this.#problem !== undefined) this.#log.notice("the cluster can be written to disk again", { path: this.#path });
        this.#problem = undefined;
        this.#writtenAt = this.#clock.wall();
      },
      (error: unknown) => {
        const problem = (error as Error).message;
        if (this.#problem === undefined) this.#log.warning(`cannot write the cluster to disk: ${problem}; a restart without the API would know only what was written before`, { path: this.#path });
        this.#problem = problem;
      },
    ).finally(() => {
      this.#writing = undefined;
      this.#tookMs = this.#clock.now() - began;
      if (this.#again !== undefined) this.changed(this.#again);
    });
    return this.#writing;
  }

  async #writeFile(snapshot: Snapshot): Promise<void> {
    const temporary = `${this.#path}.new`;
    await rm(temporary, { force: true });
    const file = await open(temporary, "wx", 0o600);
    try {
      const hash = createHash("sha256");
      let length = 0;
      const put = async (text: string): Promise<void> => {
        hash.update(text);
        length += Buffer.byteLength(text);
        await file.writeFile(text);
      };
      let text = `${JSON.stringify({ bmlb: "cluster", version: VERSION, identity: this.#identity })}\n`;
      const slices = new Slices(this.#clock);
      for (const change of snapshot()) {
        text += `${JSON.stringify(change)}\n`;
        if (text.length >= CHUNK) {
          await put(text);
          text = "";
        }
        if (slices.spent) await slices.breathe();
      }
      await put(text);
      await file.writeFile(`sha256 ${hash.digest("hex")}`);
      await file.sync();
      this.#bytes = length;
    } catch (error) {
      await file.close();
      await rm(temporary, { force: true });
      throw error;
    }
    await file.close();
    await rename(temporary, this.#path);
    await syncDirectory(dirname(this.#path));
  }
}

async function readWhole(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size > LARGEST) throw new Error(`it has ${size} octets`);
    return await readFile(file);
  } finally {
    await file.close();
  }
}

/** Makes the rename itself survive a power failure. */
async function syncDirectory(path: string): Promise<void> {
  let directory: FileHandle | undefined;
  try {
    directory = await open(path, "r");
    await directory.sync();
  } finally {
    await directory?.close();
  }
}

/**
 * A line of the file. The checksum says that we wrote it; this says that it is one of the four things that we write. Fields that are
 * undefined are absent in JSON: they come back, so that a value equals the one that the API sends next.
 */
function changeOf(value: unknown): ClusterChange | undefined {
  const raw = recordOf(value);
  const inside = recordOf(raw?.[String(raw["type"])]);
  if (inside === undefined) return undefined;
  const change = raw as ClusterChange;
  switch (change.type) {
    case "service": {
      if (typeof inside["key"] !== "string" || !Array.isArray(inside["ingress"]) || !Array.isArray(inside["ports"])) return undefined;
      const { loadBalancerClass, loadBalancerIP } = change.service;
      return { type: "service", service: { ...change.service, loadBalancerClass, loadBalancerIP, hasHostname: inside["hasHostname"] === true } };
    }
    case "slice": {
      if (typeof inside["key"] !== "string" || typeof inside["service"] !== "string") return undefined;
      const endpoints = listOf(inside["endpoints"])
        .map(recordOf)
        .map((e) => endpoint(textOf(e?.["node"]), e?.["ready"] === true, e?.["serving"] === true, e?.["terminating"] === true));
      const family = inside["family"] === "ipv4" || inside["family"] === "ipv6" ? inside["family"] : undefined;
      return { type: "slice", slice: { ...change.slice, family, endpoints } };
    }
    case "node":
      return typeof inside["name"] === "string" && Array.isArray(inside["addresses"]) ? change : undefined;
    case "namespace":
      return typeof inside["name"] === "string" ? change : undefined;
    case "service-gone":
    case "slice-gone":
    case "node-gone":
    case "namespace-gone":
    case "synced":
      return undefined;
  }
}
