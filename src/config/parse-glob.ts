/** Shell patterns as an operator writes them: `edge-*`, `eth?`, `tor-[1-4]`, `tor-[!a]`. Pure. Never throws. */
import type { Glob } from "./config.ts";
import { splitGlob } from "./glob.ts";
import { quote } from "./problem.ts";
import type { Parsed } from "./value.ts";

const MOST_LENGTH = 253;

/** The pattern itself, once it is known that it means what it seems to mean. */
export function parseGlob(text: string): Parsed<Glob> {
  if (text === "") return { error: "" };
  if (text.length > MOST_LENGTH) return { error: `is longer than ${MOST_LENGTH} characters` };
  const strange = /[^A-Za-z0-9._:@+*?![\]-]/u.exec(text);
  if (strange !== null) return { error: `is no name or shell pattern: ${quote(strange[0])} cannot be in it; patterns have * ? and [..] only` };
  for (const token of splitGlob(text)) {
    if (token.type === "literal" && /[[\]]/.test(token.char)) return { error: `is no shell pattern: ${token.char} without its counterpart` };
    if (token.type === "literal" && token.char === "!") return { error: "is no shell pattern: ! stands only at the beginning of [!..]" };
    if (token.type !== "set") continue;
    if (token.ranges.length === 0) return { error: "is no shell pattern: [] holds nothing" };
    for (const [first, last] of token.ranges) {
      if (first > last) return { error: `is no shell pattern: ${quote(`${first}-${last}`)} ends before it begins` };
    }
  }
  return { value: text };
}
