/**
 * Shell patterns over names: `*`, `?`, `[a-z]`, `[!a-z]`. Pure.
 *
 * No regular expression is made of them: matching takes at most length × length steps whatever the pattern, and nothing that
 * a pattern holds can throw. An unclosed `[` is a bracket; a range that ends before it begins matches nothing.
 */
import type { Glob } from "./config.ts";

export type GlobToken =
  | { readonly type: "any" } // *
  | { readonly type: "one" } // ?
  | { readonly type: "literal"; readonly char: string }
  | { readonly type: "set"; readonly negated: "yes" | "no"; readonly ranges: readonly (readonly [first: string, last: string])[] };

/** Matches the whole name. */
export function matchesGlob(glob: Glob, name: string): boolean {
  if (!isPattern(glob)) return glob === name;
  const tokens = splitGlob(glob);
  let at = 0;
  let next = 0;
  let star = -1; // the last * passed, and how far it has eaten: the only place to come back to
  let eaten = 0;
  while (at < name.length) {
    const token = tokens[next];
    if (token?.type === "any") {
      star = next++;
      eaten = at;
    } else if (token !== undefined && matchesOne(token, name[at] ?? "")) {
      next++;
      at++;
    } else if (star !== -1) {
      next = star + 1;
      at = ++eaten;
    } else {
      return false;
    }
  }
  while (tokens[next]?.type === "any") next++;
  return next === tokens.length;
}

/** True if any glob matches; also if there is none. */
export function anyGlobMatches(globs: readonly Glob[], name: string): boolean {
  return globs.length === 0 || globs.some((glob) => matchesGlob(glob, name));
}

/** False for a plain name. */
export function isPattern(glob: Glob): boolean {
  return /[*?[]/.test(glob);
}

const MOST_REMEMBERED = 1000;
const remembered = new Map<Glob, readonly GlobToken[]>();

/** The pattern in its parts. Total. Remembers: every VIP is planned with the same few patterns. */
export function splitGlob(glob: Glob): readonly GlobToken[] {
  let tokens = remembered.get(glob);
  if (tokens === undefined) {
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    tokens = split(glob);
    remembered.set(glob, tokens);
  }
  return tokens;
}

function split(glob: Glob): readonly GlobToken[] {
  const tokens: GlobToken[] = [];
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at] ?? "";
    const end = char === "[" ? glob.indexOf("]", at + 1) : -1;
    if (char === "*") tokens.push({ type: "any" });
    else if (char === "?") tokens.push({ type: "one" });
    else if (end === -1) tokens.push({ type: "literal", char });
    else {
      tokens.push(setOf(glob.slice(at + 1, end)));
      at = end;
    }
  }
  return tokens;
}

/** True if some name is matched by both. Exact. */
export function globsMeet(a: Glob, b: Glob): boolean {
  if (a === b) return true;
  if (beginDifferently(a, b)) return false;
  const [left, right] = [splitGlob(a), splitGlob(b)];
  // reachable[j]: the first i tokens of `left` and the first j of `right` can have matched the same text.
  let reachable = new Set<number>([0]);
  for (let i = 0; i <= left.length; i++) {
    const after = new Set<number>();
    for (let j = 0; j <= right.length; j++) {
      if (!reachable.has(j)) continue;
      const [x, y] = [left[i], right[j]];
      if (x?.type === "any") after.add(j);
      if (y?.type === "any") reachable.add(j + 1);
      if (x?.type === "any" && y !== undefined) reachable.add(j + 1);
      if (y?.type === "any" && x !== undefined) after.add(j);
      if (x !== undefined && y !== undefined && x.type !== "any" && y.type !== "any" && tokensMeet(x, y)) after.add(j + 1);
    }
    if (i === left.length) return reachable.has(right.length);
    reachable = after;
  }
  return false;
}

function matchesOne(token: GlobToken, char: string): boolean {
  switch (token.type) {
    case "any":
    case "one":
      return true;
    case "literal":
      return token.char === char;
    case "set":
      return token.ranges.some(([first, last]) => first <= char && char <= last) !== (token.negated === "yes");
  }
}

function tokensMeet(a: GlobToken, b: GlobToken): boolean {
  if (a.type === "literal") return matchesOne(b, a.char);
  if (b.type === "literal") return matchesOne(a, b.char);
  if (a.type !== "set" || b.type !== "set") return true;
  for (let code = 0x21; code < 0x7f; code++) {
    const char = String.fromCharCode(code);
    if (matchesOne(a, char) && matchesOne(b, char)) return true;
  }
  return false;
}

/** True for most pairs in practice, and without taking them apart. */
function beginDifferently(a: Glob, b: Glob): boolean {
  for (let at = 0; at < a.length || at < b.length; at++) {
    const [x, y] = [a[at], b[at]];
    if (x === "*" || x === "?" || x === "[" || y === "*" || y === "?" || y === "[") return false;
    if (x !== y) return true;
  }
  return false;
}

function setOf(inside: string): GlobToken {
  const negated = inside.startsWith("!") ? "yes" : "no";
  const chars = negated === "yes" ? inside.slice(1) : inside;
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < chars.length; at++) {
    const first = chars[at] ?? "";
    const last = chars[at + 1] === "-" ? chars[at + 2] : undefined;
    ranges.push([first, last ?? first]);
    if (last !== undefined) at += 2;
  }
  return { type: "set", negated, ranges };
}
