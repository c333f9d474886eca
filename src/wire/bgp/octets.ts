/** Reading and writing octets in network byte order: the only places of the BGP codec that count offsets. Pure. */

/** Reads from the front. The caller asks `left` first: reading beyond the end is a mistake of ours and throws RangeError. */
export class Reader {
  readonly #octets: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
    this.#view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  }

  /** Octets that are still to be read. */
  get left(): number {
    return this.#octets.length - this.#at;
  }

  /** The next octet, which stays to be read; undefined at the end. */
  peek(): number | undefined {
    return this.#octets[this.#at];
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#skip(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#skip(8));
  }

  /** The next `length` octets, not copied. */
  take(length: number): Uint8Array {
    const from = this.#skip(length);
    return this.#octets.subarray(from, from + length);
  }

  /** All that is left, not copied. */
  rest(): Uint8Array {
    return this.take(this.left);
  }

  /** Everything that was read since the reader stood at `start`, not copied. */
  since(start: number): Uint8Array {
    return this.#octets.subarray(start, this.#at);
  }

  get position(): number {
    return this.#at;
  }

  #skip(length: number): number {
    if (length > this.left) throw new RangeError(`${length} octets asked for, ${this.left} left`);
    const at = this.#at;
    this.#at += length;
    return at;
  }
}

/** Numbers of a fixed width, one behind the other. */
export function u16s(...values: readonly number[]): Uint8Array {
  const octets = new Uint8Array(values.length * 2);
  const view = new DataView(octets.buffer);
  values.forEach((value, i) => {
    view.setUint16(i * 2, value);
  });
  return octets;
}

export function u32s(...values: readonly number[]): Uint8Array {
  const octets = new Uint8Array(values.length * 4);
  const view = new DataView(octets.buffer);
  values.forEach((value, i) => {
    view.setUint32(i * 4, value);
  });
  return octets;
}

export function u64s(...values: readonly bigint[]): Uint8Array {
  const octets = new Uint8Array(values.length * 8);
  const view = new DataView(octets.buffer);
  values.forEach((value, i) => {
    view.setBigUint64(i * 8, value);
  });
  return octets;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const octets = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    octets.set(part, at);
    at += part.length;
  }
  return octets;
}

/** For logs: two digits per octet. */
export function hex(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}
