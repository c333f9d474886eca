/**
 * The values of TOML 1.0 as a tree in which every node knows where it was written. Pure.
 *
 * Tables are Maps: a key called `__proto__` is a key like any other.
 */
import { type Place, quote } from "./problem.ts";

export type TomlNode = TomlTable | TomlArray | TomlScalar;

export type TomlScalar =
  | { readonly type: "string"; readonly value: string; readonly place: Place }
  | { readonly type: "integer"; readonly value: bigint; readonly place: Place }
  /** `text` as written; never confused with an integer: 64500.0 is a float. */
  | { readonly type: "float"; readonly text: string; readonly place: Place }
  | { readonly type: "boolean"; readonly value: boolean; readonly place: Place }
  | { readonly type: "date"; readonly text: string; readonly place: Place };

/** Items are appended while a file is read and when files are merged; nobody changes it afterwards. */
export type TomlArray = { readonly type: "array"; readonly items: TomlNode[]; readonly place: Place };
export type TomlTable = { readonly type: "table"; readonly entries: Map<string, TomlNode>; readonly place: Place };

/** A value as the schema writes it down: defaults and examples. */
export type TomlLiteral = string | number | boolean | readonly TomlLiteral[] | { readonly [key: string]: TomlLiteral };

/** The node of a literal. Throws RangeError for a number that is no integer. */
export function nodeOf(literal: TomlLiteral, place: Place): TomlNode {
  if (typeof literal === "string") return { type: "string", value: literal, place };
  if (typeof literal === "number") return { type: "integer", value: BigInt(literal), place };
  if (typeof literal === "boolean") return { type: "boolean", value: literal, place };
  if (isList(literal)) return { type: "array", items: literal.map((item) => nodeOf(item, place)), place };
  return { type: "table", entries: new Map(Object.entries(literal).map(([key, value]) => [key, nodeOf(value, place)])), place };
}

/** What was given, for a message: scalars with their value, the rest by kind. */
export function describe(node: TomlNode): string {
  switch (node.type) {
    case "string":
      return quote(node.value);
    case "integer":
      return shorten(String(node.value));
    case "boolean":
      return String(node.value);
    case "float":
      return `the float ${shorten(node.text)}`;
    case "date":
      return `the date or time ${shorten(node.text)}`;
    case "array":
    case "table":
      return kindOf(node);
  }
}

/** What was given, without its value. */
export function kindOf(node: TomlNode): string {
  switch (node.type) {
    case "string":
    case "boolean":
    case "float":
    case "table":
      return `a ${node.type}`;
    case "date":
      return "a date or time";
    case "integer":
      return "an integer";
    case "array":
      return "a list";
  }
}

function shorten(digits: string): string {
  return digits.length <= 40 ? digits : `${digits.slice(0, 40)}…`;
}

function isList(literal: TomlLiteral): literal is readonly TomlLiteral[] {
  return Array.isArray(literal);
}
