/**
 * What is wrong with the configuration, and where: one line each, that an operator can act on.
 *
 * Whatever a file holds, a line stays one line and drives no terminal: what is not printable is escaped, what is long is cut.
 * Pure.
 */

/** A spot in a file: what an error points at. */
export type Place = {
  /** As the operator named it, or the name in conf.d/. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** "bgp.peer[0].asn"; tables of a list are counted from 0 within their file. */
  readonly path: string;
};

export type Problem = Place & {
  /** What was given, what is allowed, what to do. Printable, one line. */
  readonly message: string;
};

/** Takes what is wrong while a value is read. */
export type Report = (place: Place, message: string) => void;

const MOST_SHOWN = 80; // characters of a name or value

/** "FILE:LINE: key.path: message". */
export function formatProblem(problem: Problem): string {
  return `${escapeUnprintable(problem.file)}:${problem.line}: ${problem.path}: ${problem.message}`;
}

/** For a message: in double quotes, escaped, cut when long. */
export function quote(text: string): string {
  const shown = cut(text);
  const inside = escapeUnprintable(shown.replace(/["\\]/g, "\\$&"));
  return shown.length === text.length ? `"${inside}"` : `"${inside}…" (${text.length} characters)`;
}

/** `path` with one more key, quoted where TOML would need it. */
export function pathOf(path: string, key: string): string {
  const written = /^[A-Za-z0-9_-]{1,80}$/.test(key) ? key : `"${escapeUnprintable(cut(key).replace(/["\\]/g, "\\$&"))}"`;
  return path === "" ? written : `${path}.${written}`;
}

/** "pools, l2 or bgp"; the joining word is "or" unless another is given. */
export function enumerate(words: readonly string[], conjunction = "or"): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} ${conjunction} ${last}`;
}

/** For a command that the operator can paste into a shell. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${escapeUnprintable(text).replaceAll("'", "'\\''")}'`;
}

/** Control and format characters, line separators and halves of surrogate pairs as \u{..}. */
export function escapeUnprintable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

function cut(text: string): string {
  return text.length <= MOST_SHOWN ? text : text.slice(0, MOST_SHOWN);
}
