/**
 * Label selectors as kubectl takes them: `team=web,tier in (edge,core),!beta` (k8s.io/apimachinery/pkg/labels, Parse), without
 * its comparisons by number. Pure. Never throws.
 */
import { isLabelKey, isLabelValue } from "./label.ts";
import { quote } from "./problem.ts";
import type { LabelSelector, Requirement } from "./selector.ts";
import type { Parsed } from "./value.ts";

const MOST_LENGTH = 4096;

/** At least one requirement; an empty selector would select everything, which nobody writes on purpose. */
export function parseLabelSelector(text: string): Parsed<LabelSelector> {
  if (text.length > MOST_LENGTH) return { error: `is longer than ${MOST_LENGTH} characters` };
  const parts = splitAtCommas(text);
  if (parts === undefined) return { error: "is no label selector: a parenthesis has no counterpart" };
  if (text.trim() === "") return { error: "is an empty label selector" };
  const requirements: Requirement[] = [];
  for (const part of parts) {
    const parsed = parseRequirement(part.trim());
    if ("error" in parsed) return { error: `is no label selector: ${parsed.error}` };
    requirements.push(parsed.value);
  }
  return { value: requirements };
}

/** Commas within parentheses belong to a list of values. */
function splitAtCommas(text: string): readonly string[] | undefined {
  const parts: string[] = [];
  let start = 0;
  let inside = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "(" || char === ")") {
      if (inside === (char === "(")) return undefined;
      inside = char === "(";
    } else if (char === "," && !inside) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return inside ? undefined : parts;
}

function parseRequirement(text: string): Parsed<Requirement> {
  if (text === "") return { error: "nothing stands before or after a comma" };
  const set = /^([^\s!=<>(),]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set !== null) return setRequirement(set[1] ?? "", set[2] === "in" ? "In" : "NotIn", (set[3] ?? "").split(",").map((value) => value.trim()));
  const equality = /^([^\s!=<>(),]+)\s*(==?|!=)\s*([^\s!=<>(),]*)$/.exec(text);
  if (equality !== null) return setRequirement(equality[1] ?? "", equality[2] === "!=" ? "NotIn" : "In", [equality[3] ?? ""]);
  const existence = /^(!?)\s*([^\s!=<>(),]+)$/.exec(text);
  if (existence !== null) {
    const key = existence[2] ?? "";
    return keyError(key) ?? { value: { key, operator: existence[1] === "!" ? "DoesNotExist" : "Exists" } };
  }
  if (/[<>]/.test(text)) return { error: "< and > are not supported; use =, !=, in, notin, KEY and !KEY" };
  return { error: `${quote(text)} is none of KEY=VALUE, KEY!=VALUE, KEY in (A,B), KEY notin (A,B), KEY, !KEY` };
}

function setRequirement(key: string, operator: "In" | "NotIn", values: readonly string[]): Parsed<Requirement> {
  const seen = new Set<string>();
  for (const value of values) {
    if (!isLabelValue(value)) return { error: `${quote(value)} is no label value` };
    if (seen.has(value)) return { error: `the value ${quote(value)} is in it twice` };
    seen.add(value);
  }
  return keyError(key) ?? { value: { key, operator, values } };
}

function keyError(key: string): { readonly error: string } | undefined {
  return isLabelKey(key) ? undefined : { error: `${quote(key)} is no label key` };
}
