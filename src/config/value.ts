/**
 * The kinds of value that a key can take: text, numbers, durations, lists. Each knows what is allowed, for messages and
 * documents, and reads a TOML node without coercing anything: "64500" and 64500.0 are no integers. Pure.
 */
import { type Place, type Report, enumerate, quote } from "./problem.ts";
import { didYouMean, nearestOf } from "./nearest.ts";
import { type TomlNode, describe, kindOf } from "./toml.ts";

export type ValueType<T> = {
  /** A noun phrase that follows "must be": `an integer from 1 to 10000`. */
  readonly allowed: string;
  /** Every value there is, where they can be listed: for shell completion. */
  readonly choices?: readonly string[];
  /** The value; WRONG once it was reported what is wrong with it. */
  read(node: TomlNode, report: Report): T | Wrong;
};

export const WRONG = Symbol("wrong, and reported");
export type Wrong = typeof WRONG;

/** A value of a list, with where it stands. */
export type Item<T> = { readonly value: T; readonly place: Place };

/** What a parser of a text yields; `error` continues the sentence that begins with the text: `"1.2.3" has 3 parts`. */
export type Parsed<T> = { readonly value: T } | { readonly error: string };

/** What reads any text of `read`'s language. */
export function parsedText<T>(allowed: string, parse: (text: string) => Parsed<T>): ValueType<T> {
  return {
    allowed,
    read(node, report) {
      if (node.type !== "string") return mismatch(allowed, node, report);
      const parsed = parse(node.value);
      if ("value" in parsed) return parsed.value;
      report(node.place, node.value === "" ? `must be ${allowed}, not empty` : `${quote(node.value)} ${parsed.error}`);
      return WRONG;
    },
  };
}

/** Any text, also an empty one. */
export const text: ValueType<string> = {
  allowed: "a text in quotes",
  read: (node, report) => (node.type === "string" ? node.value : mismatch(text.allowed, node, report)),
};

export const boolean: ValueType<boolean> = {
  allowed: "true or false",
  choices: ["true", "false"],
  read: (node, report) => (node.type === "boolean" ? node.value : mismatch(boolean.allowed, node, report)),
};

/** Both ends included; within what a double holds exactly. */
export function integer(least: number, most: number, but: Readonly<Record<number, string>> = {}): ValueType<number> {
  const exceptions = Object.keys(but);
  const allowed = `an integer from ${least} to ${most}${exceptions.length === 0 ? "" : ` other than ${enumerate(exceptions)}`}`;
  return {
    allowed,
    read(node, report) {
      if (node.type !== "integer") return mismatch(allowed, node, report);
      if (node.value < BigInt(least) || node.value > BigInt(most)) return mismatch(allowed, node, report);
      const value = Number(node.value);
      if (but[value] !== undefined) report(node.place, `must be ${allowed}: ${value} is ${but[value]}`);
      return but[value] === undefined ? value : WRONG;
    },
  };
}

export function oneOf<const C extends string>(...choices: readonly C[]): ValueType<C> {
  const allowed = enumerate(choices.map((choice) => `"${choice}"`));
  const nearest = nearestOf(choices);
  return {
    allowed,
    choices,
    read(node, report) {
      if (node.type !== "string") return mismatch(allowed, node, report);
      const choice = choices.find((candidate) => candidate === node.value);
      if (choice !== undefined) return choice;
      report(node.place, `must be ${allowed}, not ${quote(node.value)}${didYouMean(nearest(node.value))}`);
      return WRONG;
    },
  };
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

export type DurationLimits = {
  readonly least: string;
  readonly most: string;
  /** What "0s" means, if it is allowed below `least`. */
  readonly zero?: string;
  /** BGP counts in seconds. */
  readonly whole?: "seconds";
};

/** Milliseconds. One unit, as in "300ms", "90s", "5m", "1h". */
export function duration(limits: DurationLimits): ValueType<number> {
  const [least, most] = [milliseconds(limits.least) ?? 0, milliseconds(limits.most) ?? 0];
  const allowed =
    `a duration from "${limits.least}" to "${limits.most}"` +
    (limits.whole === undefined ? "" : " in whole seconds") +
    (limits.zero === undefined ? "" : `, or "0s" for ${limits.zero}`);
  const syntax = 'write a number and one unit, as in "300ms", "90s", "5m", "1h"';
  return {
    allowed,
    read(node, report) {
      if (node.type === "integer") report(node.place, `must be ${allowed}, not ${describe(node)}; ${syntax}`);
      else if (node.type !== "string") return mismatch(allowed, node, report);
      else {
        const value = milliseconds(node.value);
        if (value === undefined) report(node.place, `must be ${allowed}, not ${quote(node.value)}; ${syntax}`);
        else if (value === 0 && limits.zero !== undefined) return value;
        else if (value < least || value > most) report(node.place, `must be ${allowed}, not ${quote(node.value)}`);
        else if (limits.whole !== undefined && value % 1000 !== 0) report(node.place, `must be ${allowed}, not ${quote(node.value)}`);
        else return value;
      }
      return WRONG;
    },
  };
}

function milliseconds(text: string): number | undefined {
  const match = /^([0-9]+)(ms|s|m|h)$/.exec(text);
  const unit = match?.[2] as keyof typeof UNIT_MS | undefined;
  return unit === undefined ? undefined : Number(match?.[1]) * UNIT_MS[unit];
}

/** A list without repetitions; what is wrong with one item does not hide the others. */
export function list<T>(of: ValueType<T>, most = Infinity): ValueType<readonly Item<T>[]> {
  const allowed = `a list, each item ${of.allowed}`;
  return {
    allowed,
    ...(of.choices === undefined ? {} : { choices: of.choices }),
    read(node, report) {
      if (node.type !== "array") return mismatch(allowed, node, report, node.type === "string" ? "; put it in [ ]" : "");
      if (node.items.length > most) report(node.place, `has ${node.items.length} items; at most ${most} are allowed`);
      const seen = new Map<string, Place>();
      const items: Item<T>[] = [];
      for (const item of node.items) {
        const value = of.read(item, report);
        if (value === WRONG) continue;
        const spelling = JSON.stringify(value);
        const first = seen.get(spelling);
        if (first !== undefined) report(item.place, `${describe(item)} is in the list twice, first as ${first.path}; keep one of them`);
        else items.push({ value, place: item.place });
        seen.set(spelling, first ?? item.place);
      }
      return items;
    },
  };
}

/** As `list`, with at least one item. */
export function nonEmptyList<T>(of: ValueType<T>): ValueType<readonly Item<T>[]> {
  const inner = list(of);
  return {
    ...inner,
    allowed: `a list of at least one item, each ${of.allowed}`,
    read(node, report) {
      if (node.type !== "array" || node.items.length > 0) return inner.read(node, report);
      report(node.place, `must not be empty: each item is ${of.allowed}`);
      return WRONG;
    },
  };
}

/** A path; neither it nor anything else that may be a secret put in the wrong place is ever part of a message. */
export const secretPath: ValueType<string> = {
  allowed: "the path of a file, or the name of a systemd credential",
  read(node, report) {
    if (node.type !== "string") report(node.place, `must be ${secretPath.allowed}, not ${kindOf(node)}`);
    else if (/[\p{Cc}]/u.test(node.value) || node.value.length > 4096) report(node.place, `must be ${secretPath.allowed}, not the contents of a file`);
    else return node.value;
    return WRONG;
  },
};

/** Reports that the node is of another kind or out of range; returns WRONG, for its caller to return. */
export function mismatch(allowed: string, node: TomlNode, report: Report, remedy = remedyFor(allowed, node)): Wrong {
  report(node.place, `must be ${allowed}, not ${describe(node)}${remedy}`);
  return WRONG;
}

function remedyFor(allowed: string, node: TomlNode): string {
  if (node.type === "string" && allowed.startsWith("an integer") && /^[0-9]+$/.test(node.value)) return "; write it without quotes";
  if (node.type === "string" && allowed.startsWith("true") && /^(true|false)$/i.test(node.value)) return "; write it without quotes";
  if (node.type === "float" && allowed.startsWith("an integer") && /^[0-9]+\.0*$/.test(node.text)) return "; write it without the point";
  if (node.type !== "string" && allowed.startsWith("a text")) return "; put it in quotes";
  return "";
}
