/** Plain columns for people: no boxes, so that grep and awk work on them too. Pure. */

/** Rows under their headings, columns two blanks apart; nothing but the headings if there are no rows. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) => rows.reduce((widest, row) => Math.max(widest, row[i]?.length ?? 0), heading.length));
  const line = (cells: readonly string[]): string => cells.map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join("  ").trimEnd();
  return [headings, ...rows].map((cells) => `${line(cells)}\n`).join("");
}

/** 75 → "1m15s"; two units at most. */
export function formatDuration(seconds: number): string {
  const s = Math.floor(seconds);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${s % 60}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h${Math.floor((s % 3600) / 60)}m`;
  return `${Math.floor(s / 86_400)}d${Math.floor((s % 86_400) / 3600)}h`;
}

/** What stands where there is nothing. */
export const NOTHING = "-";

export function orNothing(text: string | null | undefined): string {
  return text === undefined || text === null || text === "" ? NOTHING : text;
}
