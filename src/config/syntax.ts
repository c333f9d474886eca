/** What the TOML library says of wrong syntax, in words that tell an operator what to do. Pure. */
import type { ParseError } from "toml-eslint-parser";
import { openAt } from "./scan.ts";

const ADVICE: ReadonlyMap<string, string> = new Map([
  ["Unterminated string constant", "a text has no closing quote"],
  ["Unterminated table-key", "the name of a [table] or [[table]] is not closed"],
  ["Unterminated array", "a list is not closed with ]"],
  ["Unterminated inline table", "an inline table is not closed with }"],
  ["Empty bare keys are not allowed", "a name is missing between the brackets"],
  ["Must be a newline", "something follows that belongs on a line of its own"],
  ["Expected equal (=) token", "a key must be followed by = and a value"],
  ["Unspecified values are invalid", "the value is missing after ="],
  ["Expected comma (,) token", "a comma is missing"],
  ["Defining a key multiple times is invalid", "a key is given twice"],
  ["Unexpected character", "a character that cannot stand here; text needs quotes, true and false are lower case"],
  ["Unexpected token", "a word or sign that cannot stand here"],
  ["The key, equals sign, and value must be on the same line", "key, = and value must be on one line"],
  ["No newlines are allowed between the curly braces unless they are valid within a value", "an inline table { } must be on one line"],
  ["Unexpected invalid date", "no such date"],
  ["Unexpected invalid time", "no such time"],
  ["Leading zeros are not allowed", "a number must not begin with 0"],
  ["Invalid character in escape sequence", 'no such escape after \\; write \\\\ for a backslash, or use \'single quotes\''],
]);

/** What is found missing only where the next thing stands, often lines later. */
const MISSING_BEFORE: ReadonlySet<string> = new Set([
  "Unterminated table-key",
  "Expected equal (=) token",
  "Unspecified values are invalid",
  "The key, equals sign, and value must be on the same line",
]);

/** Where to look and what to do, in one line with nothing of the file's contents. */
export function explainSyntax(fault: ParseError, source: string): { readonly line: number; readonly message: string } {
  const advice = `this is not TOML: ${ADVICE.get(fault.message) ?? lowerFirst(fault.message)}`;
  const open = openAt(source, fault.index);
  const atEnd = fault.index >= source.trimEnd().length;
  if (atEnd && open !== undefined) return { line: open, message: `${advice}; it begins on this line, and the file ends` };
  const before = source.slice(0, fault.index).trimEnd();
  if (before.endsWith("=") && source.slice(before.length, fault.index).includes("\n")) {
    return { line: lineBefore(source, fault.index), message: `this is not TOML: ${ADVICE.get("Unspecified values are invalid") ?? ""}` };
  }
  if (MISSING_BEFORE.has(fault.message)) return { line: lineBefore(source, fault.index), message: advice };
  const unclosed = open === undefined || open >= fault.lineNumber ? "" : `; what begins on line ${open} is not closed before it`;
  return { line: fault.lineNumber, message: `${advice}, at column ${fault.column + 1}${unclosed}` };
}

/** The line of the last character before `index` that is not blank. */
function lineBefore(source: string, index: number): number {
  return source.slice(0, index).trimEnd().split("\n").length;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
