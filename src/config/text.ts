/**
 * The bytes of a configuration file → text that the TOML library survives.
 *
 * The library overflows its stack on long strings and deep nesting, takes a lone carriage return for the end of a line, and
 * says little about binary files; so that is looked at here, before it sees anything. Pure.
 */
import { scan } from "./scan.ts";

/** A file of more octets is not read. */
export const MOST_OCTETS = 1 << 20;
/** A longer string, key or number is refused; in octets of UTF-8, with its quotes not counted. */
const MOST_STRING_OCTETS = 64 * 1024;
/** Deeper tables and lists are refused. */
export const MOST_NESTING = 32;

export type Fault = { readonly line: number; readonly message: string };
export type Decoded = { readonly text: string } | Fault;

/** UTF-8 with or without a byte order mark. Never throws. */
export function decode(bytes: Uint8Array): Decoded {
  if (bytes.length > MOST_OCTETS) return { line: 1, message: `larger than 1 MB (${MOST_OCTETS} octets)` };
  const decoded = decodeUtf8(bytes);
  return "message" in decoded ? decoded : (findFault(decoded.text) ?? decoded);
}

function decodeUtf8(bytes: Uint8Array): Decoded {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) return { line: 1, message: "UTF-16, not UTF-8; convert it" };
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { line: lineOfBadUtf8(bytes), message: "not UTF-8 here; save the file as UTF-8 text" };
  }
}

/** The replacement character appears where the first wrong octet is. */
function lineOfBadUtf8(bytes: Uint8Array): number {
  const text = new TextDecoder().decode(bytes);
  const encoder = new TextEncoder();
  const octets = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
  let line = 1;
  let at = 0;
  for (const char of text) {
    if (char === "\n") line++;
    // A genuine U+FFFD is EF BF BD in the file.
    if (char === "\ufffd" && !(octets[at] === 0xef && octets[at + 1] === 0xbf && octets[at + 2] === 0xbd)) return line;
    at += encoder.encode(char).length;
  }
  return line;
}

/** TOML 1.0: allowed nowhere but as escapes; \p{Cc} without tab, line feed and the C1 block. */
const CONTROL = /(?![\t\n\r\u0080-\u009f])\p{Cc}|\r(?!\n)/u;

function findFault(text: string): Fault | undefined {
  const control = CONTROL.exec(text);
  const tooMuch = measure(text);
  const controlLine = control === null ? Infinity : lineAt(text, control.index);
  if (control !== null && controlLine <= (tooMuch?.line ?? Infinity)) return { line: controlLine, message: controlMessage(control[0]) };
  return tooMuch;
}

function controlMessage(char: string): string {
  if (char === "\r") return "carriage return without a line feed; lines end with LF or CRLF";
  const code = char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  return `control character U+${code} is not allowed; is this a text file?`;
}

function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < index; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** The first string that is too long or bracket that is too deep. */
function measure(text: string): Fault | undefined {
  let nesting = 0;
  let dots = 0;
  for (const { kind, line, start, end } of scan(text)) {
    switch (kind) {
      case "open":
        dots = 0;
        if (++nesting > MOST_NESTING) return tooDeep(line);
        break;
      case "close":
        nesting = Math.max(0, nesting - 1);
        break;
      case "separator":
        dots = 0;
        break;
      case "dot":
        if (++dots >= MOST_NESTING) return tooDeep(line);
        break;
      case "string":
      case "word":
        if (isTooLong(text, start, end)) return { line, message: `a ${kind} is longer than 64 kB (${MOST_STRING_OCTETS} octets)` };
    }
  }
  return undefined;
}

function tooDeep(line: number): Fault {
  return { line, message: `nested deeper than ${MOST_NESTING} tables and lists` };
}

function isTooLong(text: string, start: number, end: number): boolean {
  if ((end - start) * 3 <= MOST_STRING_OCTETS) return false;
  const written = text.slice(start, end).replace(/^("""|'''|"|')([^]*)\1$/, "$2");
  return new TextEncoder().encode(written).length > MOST_STRING_OCTETS;
}
