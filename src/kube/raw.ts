/**
 * Reading JSON that somebody else wrote: every reader takes whatever is there and answers undefined, or empty, for what has another
 * type. Pure, total: nothing here throws.
 */

export type Json = Readonly<Record<string, unknown>>;

/** An object that is neither null nor an array. */
export function recordOf(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** A string that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** An array; empty for null, absent and anything else, as Kubernetes writes empty lists in all of these ways. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** The entries of a map of strings; others are left out. */
export function stringsOf(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(recordOf(value) ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return entries.length === 0 ? NO_STRINGS : Object.fromEntries(entries);
}

const NO_STRINGS: Readonly<Record<string, string>> = Object.freeze({});

/** An integer from `least` to `most`. */
export function integerOf(value: unknown, least: number, most: number): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most ? value : undefined;
}

/** JSON text as a value; undefined if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
