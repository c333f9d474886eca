/** What a benchmark hands in: rows with a value, the goal and what it is to be compared with. */

export type Row = {
  readonly what: string;
  /** For people, with its unit. */
  readonly value: string;
  /** For people; left out where none was set. */
  readonly goal?: string;
  readonly met?: boolean;
};

export type Figure = {
  /** The word by which it is asked for on the command line. */
  readonly name: string;
  /** Rows, or text of its own. */
  readonly measure: (options: Options) => Promise<readonly Row[] | string>;
};

/** What the command line says beyond which figures; each figure takes what concerns it. */
export type Options = {
  readonly prefixes: readonly number[] | undefined;
  /** In lower case. */
  readonly announcers: readonly string[] | undefined;
  readonly rounds: number | undefined;
  readonly minutes: number | undefined;
};

/** A row with a number and the most that it may be. */
export function atMost(what: string, value: number, unit: string, goal: number): Row {
  return { what, value: format(value, unit), goal: `< ${goal} ${unit}`, met: value < goal };
}

/** A row without a goal. */
export function plain(what: string, value: number, unit: string): Row {
  return { what, value: format(value, unit) };
}

export function format(value: number, unit: string): string {
  return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the part `q` (0–1) of all values lies; the nearest rank, so always one that was measured. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN;
}

/** Rows as a table. */
export function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ what }) => what.length));
  return rows
    .map(({ what, value, goal, met }) => `  ${what.padEnd(width)}  ${value.padStart(12)}${goal === undefined ? "" : `   goal ${goal}${met === false ? "  MISSED" : ""}`}`)
    .join("\n");
}
