/**
 * One direction of a proxied connection: what is read from one socket is written to the other, at once, late, or not now.
 * Order is kept whatever changes meanwhile, and what waits is bounded by not reading on.
 */
import type { Socket } from "node:net";

const MOST_HELD_OCTETS = 1 << 20;

type Piece = { readonly dueAt: number; readonly octets: Buffer | "end" };

export class Line {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #held: Piece[] = [];
  #heldOctets = 0;
  #frozen = false;
  #delayMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Reads nothing before the first {@link set}. */
  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    from.pause();
    from.on("data", (octets: Buffer) => { this.#take(octets); });
    from.on("end", () => { this.#take("end"); });
    from.on("close", () => { this.#pass(); });
    to.on("drain", () => { this.#pass(); });
    to.on("close", () => { this.#drop(); });
  }

  /** True while something read has not been written yet. */
  get holds(): boolean {
    return this.#held.length > 0;
  }

  /** @param delayMs how late each piece is from now on; pieces already held come at once when it is 0 */
  set(frozen: boolean, delayMs: number): void {
    this.#frozen = frozen;
    this.#delayMs = delayMs;
    if (frozen) this.#from.pause();
    this.#pass();
  }

  #take(octets: Buffer | "end"): void {
    this.#held.push({ dueAt: performance.now() + this.#delayMs, octets });
    if (octets !== "end") this.#heldOctets += octets.length;
    this.#pass();
  }

  #pass(): void {
    clearTimeout(this.#timer);
    if (this.#frozen || this.#to.destroyed) return;
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      const early = this.#delayMs === 0 ? 0 : next.dueAt - performance.now();
      if (early > 0) {
        this.#timer = setTimeout(() => { this.#pass(); }, Math.ceil(early));
        break;
      }
      if (this.#to.writableNeedDrain) break;
      this.#held.shift();
      if (next.octets === "end") this.#to.end();
      else {
        this.#heldOctets -= next.octets.length;
        this.#to.write(next.octets);
      }
    }
    if (this.#heldOctets > MOST_HELD_OCTETS) this.#from.pause();
    else this.#from.resume();
    if (this.#from.destroyed && this.#held.length === 0) this.#to.end();
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
    this.#heldOctets = 0;
  }
}
