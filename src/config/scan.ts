/**
 * Brackets, strings and words of a text in TOML, found without understanding it: enough to measure what the library could not
 * bear, and to tell what is still open where it gives up. Pure. Never throws, whatever the text.
 */

export type Mark = {
  readonly kind: "open" | "close" | "separator" | "dot" | "string" | "word";
  /** Where it begins, from 1. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** False for a string whose closing quotes never come. */
  readonly closed: boolean;
};

// Comments are skipped; of quotes the longest come first.
const TOKEN = /"""|'''|"|'|#[^\n]*|\n|[[{]|[\]}]|[=,]|\.|[^\s"'#[\]{}=,.]+/g;

export function* scan(text: string): Generator<Mark> {
  const token = new RegExp(TOKEN);
  let line = 1;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [word] = match;
    const at = { line, start: match.index, end: match.index + word.length, closed: true };
    switch (word[0]) {
      case "#":
        break;
      case "\n":
        line++;
        yield { kind: "separator", ...at };
        break;
      case "=":
      case ",":
        yield { kind: "separator", ...at };
        break;
      case ".":
        yield { kind: "dot", ...at };
        break;
      case "[":
      case "{":
        yield { kind: "open", ...at };
        break;
      case "]":
      case "}":
        yield { kind: "close", ...at };
        break;
      case '"':
      case "'": {
        const string = endOfString(text, match.index, word);
        yield { kind: "string", ...at, ...string };
        for (let next = text.indexOf("\n", match.index); next !== -1 && next < string.end; next = text.indexOf("\n", next + 1)) line++;
        token.lastIndex = string.end;
        break;
      }
      default:
        yield { kind: "word", ...at };
    }
  }
}

/** The line of the outermost list, table or text that is still open at `index`; undefined if none is. */
export function openAt(text: string, index: number): number | undefined {
  const open: number[] = [];
  for (const mark of scan(text)) {
    if (mark.start >= index) break;
    if (mark.kind === "open") open.push(mark.line);
    else if (mark.kind === "close") open.pop();
    else if (mark.kind === "string" && (!mark.closed || mark.end > index)) open.push(mark.line);
  }
  return open[0];
}

/** Index after the closing quotes; of the end of the line or text if they never come. */
function endOfString(text: string, start: number, quotes: string): { readonly end: number; readonly closed: boolean } {
  const multiline = quotes.length === 3;
  const escapes = quotes.startsWith('"');
  for (let at = start + quotes.length; at < text.length; at++) {
    const char = text[at];
    if (escapes && char === "\\") at++;
    else if (!multiline && char === "\n") return { end: at, closed: false };
    else if (text.startsWith(quotes, at)) return { end: at + quotes.length, closed: true };
  }
  return { end: text.length, closed: false };
}
