/** What the TOML library says of wrong syntax, in words that tell an operator what to do. Pure. */
import type { ParseError } from "toml-eslint-parser";

const ADVICE: ReadonlyMap<string, string> = new Map([
  ["Unterminated string constant", "a text that begins here has no closing quote"],
  ["Unterminated table-key", "the [table] or [[table]] that begins here is not closed"],
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

/** One line, with the column; nothing of the file's contents. */
export function syntaxMessage(fault: ParseError, source: string): string {
  // Where the text ends within a value, the library points behind the last character.
  const end = fault.index >= source.trimEnd().length ? ", at the end of the file" : `, at column ${fault.column + 1}`;
  return `this is not TOML: ${ADVICE.get(fault.message) ?? lowerFirst(fault.message)}${end}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
