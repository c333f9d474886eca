/**
 * What an UPDATE costs, read from RFC 7606 a second time: 4271 6.3, 4760 7, 6793 6, 7607, 8092 6, 8950 3, 9234 5 with it.
 *
 * Deliberately apart from src/wire, so that a mistake there cannot hide itself. Counts routes and says no more. Pure.
 */
import type { UpdateContext } from "../../src/wire/index.ts";

export type Verdict = "session reset" | { readonly announced: number; readonly withdrawn: number; readonly spoilt: boolean };

type Rule = {
  readonly flags: number;
  readonly valid: (value: Uint8Array, session: UpdateContext) => boolean;
  readonly discard?: true;
  /** Only from such a session; from another it is discarded unseen. */
  readonly where?: (session: UpdateContext) => boolean;
};

const OPTIONAL = 0x80;
const TRANSITIVE = 0x40;
const EXTENDED = 0x10;

const octets = (...wanted: readonly number[]) => (value: Uint8Array) => wanted.includes(value.length);
const multiples = (unit: number) => (value: Uint8Array) => value.length > 0 && value.length % unit === 0;
const internal = ({ internal: same }: UpdateContext) => same;
const old = ({ fourOctetAs }: UpdateContext) => !fourOctetAs;

const RULES: Readonly<Record<number, Rule>> = {
  1: { flags: TRANSITIVE, valid: (value) => value.length === 1 && (value[0] ?? 3) < 3 },
  2: { flags: TRANSITIVE, valid: (value, { fourOctetAs, internal: same }) => isPath(value, fourOctetAs ? 4 : 2, same ? 4 : 2) },
  3: { flags: TRANSITIVE, valid: (value) => value.length === 4 && value[0] !== 0 && value[0] !== 127 && (value[0] ?? 0) < 224 },
  4: { flags: OPTIONAL, valid: octets(4) },
  5: { flags: TRANSITIVE, valid: octets(4), where: internal },
  6: { flags: TRANSITIVE, valid: octets(0), discard: true },
  7: { flags: OPTIONAL | TRANSITIVE, valid: (value, { fourOctetAs }) => isAggregator(value, fourOctetAs ? 4 : 2), discard: true },
  8: { flags: OPTIONAL | TRANSITIVE, valid: multiples(4) },
  9: { flags: OPTIONAL, valid: octets(4), where: internal },
  10: { flags: OPTIONAL, valid: multiples(4), where: internal },
  16: { flags: OPTIONAL | TRANSITIVE, valid: multiples(8) },
  17: { flags: OPTIONAL | TRANSITIVE, valid: (value) => value.length >= 6 && isPath(value, 4, 4), discard: true, where: old },
  18: { flags: OPTIONAL | TRANSITIVE, valid: (value) => isAggregator(value, 4), discard: true, where: old },
  25: { flags: OPTIONAL | TRANSITIVE, valid: multiples(20) },
  32: { flags: OPTIONAL | TRANSITIVE, valid: multiples(12) },
  35: { flags: OPTIONAL | TRANSITIVE, valid: octets(4) },
  128: { flags: OPTIONAL | TRANSITIVE, valid: (value) => value.length >= 4 && attributesIn(value.subarray(4)).whole },
};

/** Beside routes that are all in MP_REACH_NLRI its value is ignored (RFC 4760 3); one of another length is malformed all the same (RFC 7606 7.3). */
const ANY_NEXT_HOP: Rule = { flags: TRANSITIVE, valid: octets(4) };

const REACH = 14;
const UNREACH = 15;

/** Of the body of an UPDATE of four octets or more. */
export function verdictOn(body: Uint8Array, session: UpdateContext): Verdict {
  const withdrawnOctets = u16(body, 0);
  if (4 + withdrawnOctets > body.length) return "session reset"; // 3 (b)
  const begin = 4 + withdrawnOctets;
  const end = begin + u16(body, begin - 2);
  if (end > body.length) return "session reset"; // 3 (b)
  const nlri = prefixes(body.subarray(end), 32);
  let withdrawn = prefixes(body.subarray(2, begin - 2), 32);
  if (nlri === undefined || withdrawn === undefined) return "session reset"; // 3 (i), 3 (j)

  const { list, whole } = attributesIn(body.subarray(begin, end));
  const seen = new Set<number>();
  let announced = nlri;
  let announces = nlri > 0;
  let spoilt = !whole;
  let lost = !whole; // 4: treat-as-withdraw
  for (const { flags, code, value } of list) {
    const isRoutes = code === REACH || code === UNREACH;
    if (seen.has(code) && isRoutes) return "session reset"; // 3 (g)
    if (seen.has(code)) continue; // 3 (g)
    seen.add(code);
    const rule = code === 3 && nlri === 0 && list.some((one) => one.code === REACH) ? ANY_NEXT_HOP : RULES[code];
    if (isRoutes) {
      const count = routesIn(code, value, session);
      if (count === undefined) return "session reset"; // 5.3, 7.11
      if (code === REACH) announced += count === "unspoken" ? 0 : count;
      else withdrawn += count === "unspoken" ? 0 : count;
      if (code === REACH && count !== 0) announces = true;
      if ((flags & (OPTIONAL | TRANSITIVE)) !== OPTIONAL) lost = spoilt = true; // 3 (c)
    } else if (rule === undefined) {
      if ((flags & OPTIONAL) === 0) return "session reset"; // RFC 4271 6.3: unrecognized well-known
    } else if (rule.where?.(session) === false) {
      spoilt = true;
    } else if ((flags & (OPTIONAL | TRANSITIVE)) !== rule.flags) {
      lost = spoilt = true; // 3 (c)
    } else if (!rule.valid(value, session)) {
      spoilt = true;
      if (rule.discard === undefined) lost = true;
    }
  }
  const mandatory = [1, 2, ...(nlri > 0 ? [3] : []), ...(session.internal ? [5] : [])];
  if (announces && mandatory.some((code) => !seen.has(code))) lost = spoilt = true; // 3 (d)
  const onlyWithdraws = whole && list.every(({ code }) => code === UNREACH);
  if (lost && !announces && !onlyWithdraws) return "session reset"; // 5.2
  return lost ? { announced: 0, withdrawn: withdrawn + announced, spoilt } : { announced, withdrawn, spoilt };
}

type Attribute = { readonly flags: number; readonly code: number; readonly value: Uint8Array };

function attributesIn(field: Uint8Array): { readonly list: readonly Attribute[]; readonly whole: boolean } {
  const list: Attribute[] = [];
  for (let at = 0; at < field.length; ) {
    const [flags = 0, code = 0, length = 0] = field.subarray(at);
    const head = (flags & EXTENDED) === 0 ? 3 : 4;
    const end = at + head + (head === 3 ? length : u16(field, at + 2));
    if (at + head > field.length || end > field.length) return { list, whole: false };
    list.push({ flags, code, value: field.subarray(at + head, end) });
    at = end;
  }
  return { list, whole: true };
}

/** How many; undefined if that cannot be told. */
function routesIn(code: number, value: Uint8Array, { families, extendedNextHop }: UpdateContext): number | "unspoken" | undefined {
  const nextHop = value[3] ?? 0;
  const from = code === REACH ? 5 + nextHop : 3;
  if (value.length < from) return undefined;
  const family = value[2] !== 1 ? undefined : ([undefined, "ipv4", "ipv6"] as const)[u16(value, 0)];
  if (family === undefined || !families.includes(family)) return "unspoken";
  const lengths = family === "ipv6" ? [16, 32] : extendedNextHop ? [4, 16, 32] : [4];
  if (code === REACH && !lengths.includes(nextHop)) return undefined;
  return prefixes(value.subarray(from), family === "ipv6" ? 128 : 32);
}

function prefixes(field: Uint8Array, longest: number): number | undefined {
  let count = 0;
  let at = 0;
  for (; at < field.length; count++) {
    const bits = field[at] ?? 0;
    if (bits > longest) return undefined;
    at += 1 + Math.ceil(bits / 8);
  }
  return at === field.length ? count : undefined;
}

/** Segments of types 1 to `types`, none empty, none cut off, without AS 0. */
function isPath(value: Uint8Array, width: 2 | 4, types: 2 | 4): boolean {
  let at = 0;
  while (at < value.length) {
    const [type = 0, count = 0] = value.subarray(at);
    const end = at + 2 + count * width;
    if (type < 1 || type > types || count === 0 || end > value.length) return false;
    for (at += 2; at < end; at += width) if (isZero(value.subarray(at, at + width))) return false;
  }
  return true;
}

function isAggregator(value: Uint8Array, width: 2 | 4): boolean {
  return value.length === width + 4 && !isZero(value.subarray(0, width));
}

function isZero(value: Uint8Array): boolean {
  return value.every((octet) => octet === 0);
}

function u16(from: Uint8Array, at: number): number {
  return ((from[at] ?? 0) << 8) | (from[at + 1] ?? 0);
}
