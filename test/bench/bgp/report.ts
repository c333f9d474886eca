/** The figures of all announcers beside each other, as text: each with how many times it is ours. */
import { format, median } from "../figure.ts";
import type { Load } from "./announcer.ts";
import type { Measured } from "./round.ts";

export type Results = ReadonlyMap<string, readonly Measured[]>;

type Line = { readonly what: string; readonly unit: string; readonly of: (measured: Measured) => number | undefined; readonly goal: Goal };

/** "race": ahead of GoBGP and ExaBGP, and within 1.5 times BIRD, by the speaker. A number: less than that, by each of these. */
type Goal = "race" | { readonly below: number; readonly by: readonly string[] } | undefined;

const OURS = "bmlb";
/** The daemon of which ours is the speaker: it has more to do than to announce, so it runs no race. */
const WHOLE = "bmlbd";
const BIRD = "BIRD";
const BIRD_TIMES = 1.5;

const LINES: readonly Line[] = [
  { what: "session up → last prefix", unit: "ms", of: ({ announce }) => announce.time, goal: "race" },
  { what: "one community changed on all", unit: "ms", of: ({ change }) => change.time, goal: "race" },
  { what: "one prefix gone or back", unit: "ms", of: ({ changeOne }) => changeOne?.time, goal: undefined },
  { what: "all withdrawn", unit: "ms", of: ({ withdraw }) => withdraw.time, goal: "race" },
  { what: "CPU of announcing", unit: "ms", of: ({ announce }) => announce.cpu, goal: undefined },
  { what: "CPU of changing", unit: "ms", of: ({ change }) => change.cpu, goal: undefined },
  { what: "CPU of withdrawing", unit: "ms", of: ({ withdraw }) => withdraw.cpu, goal: undefined },
  { what: "resident memory, most", unit: "MB", of: ({ peakMb }) => peakMb, goal: { below: 120, by: [OURS] } },
  { what: "its share of memory (PSS)", unit: "MB", of: ({ shareMb }) => shareMb, goal: undefined },
  { what: "longest stall of the main loop", unit: "ms", of: ({ stall }) => stall, goal: { below: 20, by: [OURS, WHOLE] } },
];

/** One block: a heading, a line for each figure, a column for each announcer. Medians, of stalls the worst. */
export function block(load: Load, results: Results): string {
  const names = [...results.keys()];
  const rounds = Math.max(...[...results.values()].map(({ length }) => length));
  const heading = `${load.prefixes} prefixes, ${load.sets === 1 ? "one attribute set" : `${load.sets} attribute sets`}, ${rounds} rounds`;
  const rows = LINES.flatMap((line) => {
    const values = names.map((name) => valueOf(line, results.get(name) ?? []));
    if (values.every((value) => value === undefined)) return [];
    const ours = values[names.indexOf(OURS)];
    const cells = values.map((value, i) => (value === undefined ? "" : `${format(value, line.unit)}${names[i] === OURS || ours === undefined ? "" : ` (${ratio(value / ours)})`}`));
    return [[line.what, ...cells, verdict(line.goal, new Map(names.map((name, i) => [name, values[i]])))]];
  });
  return aligned([[heading, ...names, ""], ...rows]);
}

function valueOf({ of, what }: Line, measured: readonly Measured[]): number | undefined {
  const values = measured.map(of).filter((value) => value !== undefined);
  if (values.length === 0) return undefined;
  return what.includes("longest") ? Math.max(...values) : median(values);
}

function verdict(goal: Goal, values: ReadonlyMap<string, number | undefined>): string {
  if (goal === undefined) return "";
  if (goal !== "race") {
    const held = goal.by.filter((name) => values.get(name) !== undefined);
    if (held.length === 0) return "";
    const missed = held.filter((name) => (values.get(name) ?? 0) >= goal.below);
    return `goal < ${goal.below}${missed.length === 0 ? "" : `  MISSED by ${missed.join(", ")}`}`;
  }
  const ours = values.get(OURS);
  if (ours === undefined) return "";
  const missed = [...values].filter(([name, value]) => value !== undefined && name !== OURS && name !== WHOLE && ours > value * (name === BIRD ? BIRD_TIMES : 1)).map(([name]) => name);
  return missed.length === 0 ? "goal met" : `MISSED beside ${missed.join(", ")}`;
}

function ratio(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)}×`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) => `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ")}`.trimEnd()).join("\n");
}
