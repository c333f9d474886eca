/**
 * Values as YAML 1.2 that people read: blocks for maps and lists, one line for a list of words, and texts of several lines as they are.
 * Pure.
 */

export type YamlValue = string | readonly YamlValue[] | { readonly [key: string]: YamlValue };

/** With an end to its last line. */
export function formatYaml(value: { readonly [key: string]: YamlValue }): string {
  return `${linesOf(value).join("\n")}\n`;
}

function linesOf(value: YamlValue): readonly string[] {
  const short = onOneLine(value);
  if (short !== undefined) return [short];
  if (isList(value)) return value.flatMap((item) => indent(linesOf(item), "- ", "  "));
  return Object.entries(value).flatMap(([key, inner]) => entry(word(key), inner));
}

function entry(key: string, value: YamlValue): readonly string[] {
  if (typeof value === "string" && isBlock(value)) return [`${key}: |-`, ...indent(value.split("\n"), "  ", "  ")];
  const short = onOneLine(value);
  return short === undefined ? [`${key}:`, ...indent(linesOf(value), "  ", "  ")] : [`${key}: ${short}`];
}

function onOneLine(value: YamlValue): string | undefined {
  if (typeof value === "string") return word(value);
  if (isList(value)) return value.every((item) => typeof item === "string") ? `[${value.map(word).join(", ")}]` : undefined;
  return Object.keys(value).length === 0 ? "{}" : undefined;
}

/** As it is where no reader of YAML could take it for anything but this text; else as JSON, which is YAML. */
function word(text: string): string {
  return /^[A-Za-z][\w./-]*$/.test(text) && !/^(true|false|yes|no|on|off|y|n|null)$/i.test(text) ? text : JSON.stringify(text);
}

/** Lines that keep their meaning when they are indented: printable, none of them blank or with blanks at its end, the first not indented. */
function isBlock(text: string): boolean {
  return text.includes("\n") && /^\S/.test(text) && text.split("\n").every((line) => /^[\x20-\x7e]*[\x21-\x7e]$/.test(line));
}

function indent(lines: readonly string[], first: string, rest: string): readonly string[] {
  return lines.map((line, i) => `${i === 0 ? first : rest}${line}`);
}

function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value);
}
