/** Makes an input of other inputs: what a broken, or a clever, sender would send. The same for the same random numbers. */
import type { Random } from "../../src/time/index.ts";

const MOST_STEPS = 5;
const TELLING = [0x00, 0x01, 0x02, 0x03, 0x04, 0x06, 0x08, 0x0e, 0x0f, 0x10, 0x13, 0x18, 0x20, 0x21, 0x40, 0x41, 0x80, 0x81, 0xc0, 0xf0, 0xfe, 0xff];

/** A child of `parent`, of at most `most` octets; the pool lends pieces. */
export function mutate(parent: Uint8Array, pool: readonly Uint8Array[], most: number, random: Random): Uint8Array {
  let octets: Uint8Array = Uint8Array.from(parent);
  const steps = 1 + below(MOST_STEPS, random);
  for (let i = 0; i < steps; i++) octets = STEPS[below(STEPS.length, random)]?.(octets, pool, random) ?? octets;
  return octets.subarray(0, most);
}

type Step = (octets: Uint8Array, pool: readonly Uint8Array[], random: Random) => Uint8Array;

const STEPS: readonly Step[] = [
  function flipBit(octets, _pool, random) {
    return withOctet(octets, random, (octet) => octet ^ (1 << below(8, random)));
  },
  function setOctet(octets, _pool, random) {
    return withOctet(octets, random, () => TELLING[below(TELLING.length, random)] ?? 0);
  },
  function randomOctet(octets, _pool, random) {
    return withOctet(octets, random, () => below(256, random));
  },
  function stepOctet(octets, _pool, random) {
    return withOctet(octets, random, (octet) => octet + below(9, random) - 4);
  },
  /** A length that is as long as what follows, or one off. */
  function setLength(octets, _pool, random) {
    const at = below(octets.length, random);
    const wide = random() < 0.5;
    const left = octets.length - at - (wide ? 2 : 1) + below(3, random) - 1;
    return wide ? replaced(octets, at, 2, [(left >> 8) & 0xff, left & 0xff]) : replaced(octets, at, 1, [left & 0xff]);
  },
  function remove(octets, _pool, random) {
    return replaced(octets, below(octets.length, random), 1 + below(8, random), []);
  },
  function truncate(octets, _pool, random) {
    return octets.subarray(0, below(octets.length + 1, random));
  },
  function insert(octets, _pool, random) {
    return replaced(octets, below(octets.length + 1, random), 0, Array.from({ length: 1 + below(8, random) }, () => below(256, random)));
  },
  function repeat(octets, _pool, random) {
    const [at, length] = range(octets, random);
    const piece = octets.subarray(at, at + length);
    return replaced(octets, at, 0, Array.from({ length: 1 + below(8, random) }, () => [...piece]).flat());
  },
  function overwrite(octets, pool, random) {
    const piece = pieceOf(pool, random);
    return replaced(octets, below(octets.length + 1, random), piece.length, piece);
  },
  function splice(octets, pool, random) {
    return replaced(octets, below(octets.length + 1, random), 0, pieceOf(pool, random));
  },
  /** Something longer or shorter, with the length before it, and the length of what is around it, kept true. */
  function grow(octets, pool, random) {
    const at = below(octets.length + 1, random);
    const piece = pieceOf(pool, random);
    const grown = Uint8Array.from(replaced(octets, at, 0, piece));
    for (const place of [at - 1 - below(4, random), below(Math.max(1, Math.min(at, 32)), random)]) {
      if (place >= 0 && place < grown.length) grown[place] = (grown[place] ?? 0) + piece.length;
    }
    return grown;
  },
];

function below(limit: number, random: Random): number {
  return Math.floor(random() * limit);
}

function withOctet(octets: Uint8Array, random: Random, change: (octet: number) => number): Uint8Array {
  const at = below(octets.length, random);
  return octets.length === 0 ? octets : replaced(octets, at, 1, [change(octets[at] ?? 0) & 0xff]);
}

function range(octets: Uint8Array, random: Random): [at: number, length: number] {
  const at = below(octets.length, random);
  return [at, 1 + below(Math.min(32, octets.length - at), random)];
}

function pieceOf(pool: readonly Uint8Array[], random: Random): number[] {
  const lender = pool[below(pool.length, random)] ?? new Uint8Array(0);
  const [at, length] = range(lender, random);
  return [...lender.subarray(at, at + length)];
}

function replaced(octets: Uint8Array, at: number, gone: number, piece: readonly number[]): Uint8Array {
  return Uint8Array.of(...octets.subarray(0, at), ...piece, ...octets.subarray(at + gone));
}
