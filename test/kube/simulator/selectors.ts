/**
 * Label selectors and field selectors, as queries carry them.
 */
import { Refusal } from "./refusal.ts";

/** True if these labels, or fields, are meant. */
export type Selector = (values: Readonly<Record<string, string>>) => boolean;

const SET = /^(\S+)\s+(in|notin)\s+\(([^()]*)\)$/;
const EQUALITY = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/;

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k`. Throws 400. */
export function labelSelector(given: string): Selector {
  const parts = splitOutsideParentheses(given).map((part): Selector => {
    const set = SET.exec(part);
    if (set !== null) {
      const [, key = "", operator, list = ""] = set;
      const values = list.split(",").map((value) => value.trim());
      return operator === "in" ? (labels) => values.includes(labels[key] ?? "\0") : (labels) => !values.includes(labels[key] ?? "\0");
    }
    const equality = EQUALITY.exec(part);
    if (equality !== null) {
      const [, key = "", operator, value] = equality;
      return operator === "!=" ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
    }
    const exists = /^(!?)\s*([^\s=!()]+)$/.exec(part);
    if (exists === null) throw new Refusal("BadRequest", `unable to parse requirement: ${JSON.stringify(part)}`);
    const [, not, key = ""] = exists;
    return not === "!" ? (labels) => !Object.hasOwn(labels, key) : (labels) => Object.hasOwn(labels, key);
  });
  return (labels) => parts.every((part) => part(labels));
}

/** `metadata.name=a,spec.type!=b`. Throws 400, also for a field that this kind cannot be selected by. */
export function fieldSelector(given: string, known: ReadonlySet<string>): Selector {
  const parts = given.split(",").filter((part) => part !== "").map((part): Selector => {
    const [, field = "", operator, value] = EQUALITY.exec(part.trim()) ?? [];
    if (field === "") throw new Refusal("BadRequest", `invalid selector: '${part}'; can't understand '${part}'`);
    if (!known.has(field)) throw new Refusal("BadRequest", `field label not supported: ${field}`);
    return operator === "!=" ? (fields) => fields[field] !== value : (fields) => fields[field] === value;
  });
  return (fields) => parts.every((part) => part(fields));
}

function splitOutsideParentheses(given: string): string[] {
  return given.split(/,(?![^(]*\))/).map((part) => part.trim()).filter((part) => part !== "");
}
