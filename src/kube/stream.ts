/**
 * The two forms in which the API sends many objects, cut into single ones as the octets arrive, so that neither a page of a list nor
 * a burst of a watch is ever held or parsed as a whole.
 *
 * Pure. UTF-8 is safe: cuts are made at ASCII characters only. What is longer than any object can be is passed over and counted.
 */

/** Octets. etcd keeps at most 1.5 MiB per object; as JSON that is a few times longer. */
const LONGEST_OBJECT = 8 << 20;
/** Octets of a list without its items. */
const LONGEST_ENVELOPE = 64 << 10;

/** Pieces of something that may span chunks; forgets everything once it is longer than `longest`. */
class Pieces {
  readonly #longest: number;
  #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(longest: number) {
    this.#longest = longest;
  }

  get overflown(): boolean {
    return this.#length > this.#longest;
  }

  add(piece: Uint8Array): void {
    this.#length += piece.length;
    if (this.overflown) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  /** All of it as text, and begins anew; undefined if it was too long. */
  take(): string | undefined {
    const text = this.overflown ? undefined : Buffer.concat(this.#pieces).toString("utf8");
    this.#pieces = [];
    this.#length = 0;
    return text;
  }
}

const NEWLINE = 0x0a;

/** Cuts a watch into its lines, one event each. */
export class LineSplitter {
  /** Lines that were too long. */
  skipped = 0;
  readonly #pieces = new Pieces(LONGEST_OBJECT);

  /** The lines that this chunk completes, without empty ones. */
  push(chunk: Uint8Array): readonly string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#pieces.add(chunk.subarray(start, end));
      start = end + 1;
      const line = this.#pieces.take();
      if (line === undefined) this.skipped++;
      else if (line.trim() !== "") lines.push(line);
    }
    this.#pieces.add(chunk.subarray(start));
    return lines;
  }
}

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];
const ITEMS = "items";

/**
 * Cuts `{"kind":"…List","metadata":{…},"items":[{…},{…}]}` into its items and the envelope around them. Only nesting and strings are
 * looked at; what the pieces are worth, JSON.parse says later.
 */
export class ItemSplitter {
  /** Items that were too long, or no objects. */
  skipped = 0;
  readonly #item = new Pieces(LONGEST_OBJECT);
  readonly #envelope = new Pieces(LONGEST_ENVELOPE);
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** The last string directly inside the list: where an array begins, its key. */
  #key: number[] = [];
  #place: "envelope" | "between" | "item" = "envelope";

  /** The items that this chunk completes, as JSON text. */
  push(chunk: Uint8Array): readonly string[] {
    const items: string[] = [];
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const octet = chunk[i] ?? 0;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (octet === BACKSLASH) this.#escaped = true;
        else if (octet === QUOTE) this.#inString = false;
        else if (this.#depth === 1 && this.#key.length <= ITEMS.length) this.#key.push(octet);
        continue;
      }
      switch (octet) {
        case QUOTE:
          this.#inString = true;
          if (this.#depth === 1) this.#key = [];
          break;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          this.#depth++;
          if (this.#place === "envelope" && this.#depth === 2 && octet === OPEN_BRACKET && String.fromCharCode(...this.#key) === ITEMS) {
            this.#envelope.add(chunk.subarray(start, i + 1));
            start = i + 1;
            this.#place = "between";
          } else if (this.#place === "between" && this.#depth === 3) {
            start = i;
            this.#place = "item";
          }
          break;
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          this.#depth--;
          if (this.#place === "item" && this.#depth === 2) {
            this.#item.add(chunk.subarray(start, i + 1));
            start = i + 1;
            const item = this.#item.take();
            if (item === undefined) this.skipped++;
            else items.push(item);
            this.#place = "between";
          } else if (this.#place === "between" && this.#depth === 1) {
            start = i;
            this.#place = "envelope";
          }
          break;
        default:
      }
    }
    // Between two items there is nothing worth keeping.
    if (this.#place === "item") this.#item.add(chunk.subarray(start));
    else if (this.#place === "envelope") this.#envelope.add(chunk.subarray(start));
    return items;
  }

  /** What stood around the items, with an empty `items`; undefined if that was longer than any list's. */
  envelope(): string | undefined {
    return this.#envelope.take();
  }
}
