/** The name that was probably meant. Pure. */

const MOST_HINTS = 500; // per list of names: after so many wrong names nobody reads them
const MOST_NAMES = 2000; // that are compared for one hint
const MOST_LENGTH = 64;

const LEAST_STEM = 3; // letters of a name that was cut short: "password" for "password_file"

/** Finds the nearest of `names`, for a hint; undefined if none is near. */
export type Nearest = (wrong: string) => string | undefined;

/** By edit distance, without regard to case, dashes and underscores. */
export function nearestOf(names: Iterable<string>): Nearest {
  const candidates = Array.from(names).slice(0, MOST_NAMES);
  let hints = 0;
  return (wrong) => {
    if (hints >= MOST_HINTS || wrong.length > MOST_LENGTH) return undefined;
    hints++;
    const given = plain(wrong);
    let best: string | undefined;
    let bestDistance = Math.min(Math.floor(given.length / 3) + 2, given.length); // a name of which nothing is left is no hint
    for (const name of candidates) {
      if (Math.abs(name.length - wrong.length) > MOST_LENGTH / 3 || name.length > MOST_LENGTH) continue;
      const distance = editDistance(given, plain(name));
      if (distance < bestDistance) [best, bestDistance] = [name, distance];
    }
    return best ?? candidates.find((name) => given.length >= LEAST_STEM && plain(name).startsWith(given));
  };
}

/** `; did you mean "x"?`, or nothing. */
export function didYouMean(nearest: string | undefined): string {
  return nearest === undefined ? "" : `; did you mean "${nearest}"?`;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1);
      row.push(least);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[-_ ]/g, "");
}
