/** Shell patterns over names: `*`, `?`, `[a-z]`, `[!a-z]`. Pure. */
import type { Glob } from "./config.ts";

/** Matches the whole name. */
export function matchesGlob(glob: Glob, name: string): boolean {
  return toRegExp(glob).test(name);
}

/** True if any glob matches; also if there is none. */
export function anyGlobMatches(globs: readonly Glob[], name: string): boolean {
  return globs.length === 0 || globs.some((glob) => matchesGlob(glob, name));
}

const compiled = new Map<Glob, RegExp>();

function toRegExp(glob: Glob): RegExp {
  let expression = compiled.get(glob);
  if (expression === undefined) {
    expression = new RegExp(`^${translate(glob)}$`);
    compiled.set(glob, expression);
  }
  return expression;
}

function translate(glob: Glob): string {
  return glob.replace(/\[(!?)([^\]]+)\]|[\s\S]/g, (token, negated: string | undefined, set: string | undefined) => {
    if (set !== undefined) return `[${negated === "!" ? "^" : ""}${set.replace(/[\\\]^]/g, "\\$&")}]`;
    if (token === "*") return ".*";
    if (token === "?") return ".";
    return token.replace(/[.+^${}()|[\]\\/-]/g, "\\$&");
  });
}
