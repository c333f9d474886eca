/**
 * The journal: one line per fact that changed, a plain English sentence and then key=value.
 *
 * Lines carry systemd's priority prefix (sd-daemon(3)): journald turns "<4>" into PRIORITY=4. A reader that stalls costs lines,
 * which are counted, and never memory.
 */

export type LogLevel = "error" | "warning" | "notice" | "info" | "debug";
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  error(sentence: string, fields?: LogFields): void;
  warning(sentence: string, fields?: LogFields): void;
  notice(sentence: string, fields?: LogFields): void;
  info(sentence: string, fields?: LogFields): void;
  debug(sentence: string, fields?: LogFields): void;
}

/** Where lines go: `process.stdout` in the daemon. */
export interface LogSink {
  /** Octets that were written and not yet taken by the reader. */
  readonly writableLength: number;
  write(text: string): unknown;
}

const PRIORITY: Readonly<Record<LogLevel, number>> = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 };
const MOST_BUFFERED = 1 << 20; // octets; about 8 000 lines

export class Journal implements Log {
  readonly #sink: LogSink;
  #level: LogLevel;
  #dropped = 0;
  /** Of those, how many no line has told yet. */
  #untold = 0;

  constructor(sink: LogSink, level: LogLevel) {
    this.#sink = sink;
    this.#level = level;
  }

  /** Lines less important than this are not written. */
  setLevel(level: LogLevel): void {
    this.#level = level;
  }

  /** Lines that were lost because the reader stalled, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  error(sentence: string, fields?: LogFields): void {
    this.#write("error", sentence, fields);
  }
  warning(sentence: string, fields?: LogFields): void {
    this.#write("warning", sentence, fields);
  }
  notice(sentence: string, fields?: LogFields): void {
    this.#write("notice", sentence, fields);
  }
  info(sentence: string, fields?: LogFields): void {
    this.#write("info", sentence, fields);
  }
  debug(sentence: string, fields?: LogFields): void {
    this.#write("debug", sentence, fields);
  }

  #write(level: LogLevel, sentence: string, fields: LogFields = {}): void {
    if (PRIORITY[level] > PRIORITY[this.#level]) return;
    if (this.#sink.writableLength > MOST_BUFFERED) {
      this.#dropped++;
      this.#untold++;
      return;
    }
    if (this.#untold > 0) {
      const lost = this.#untold;
      this.#untold = 0;
      this.#sink.write(`<4>${lost} log lines were lost because their reader stalled lines=${lost}\n`);
    }
    this.#sink.write(`<${PRIORITY[level]}>${formatLine(sentence, fields)}\n`);
  }
}

/** A log that says nothing, for parts under test. */
export const silentLog: Log = {
  error: () => undefined,
  warning: () => undefined,
  notice: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};

/** What could end the line, steer a terminal, or turn the order of what is read. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One line without its end: what is not printable is escaped, values with blanks or quotes are quoted. */
export function formatLine(sentence: string, fields: LogFields): string {
  let line = escapeUnprintable(sentence);
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) line += ` ${key}=${formatValue(value)}`;
  return line;
}

function formatValue(value: string | number | boolean): string {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toFixed(1);
  if (typeof value === "boolean") return String(value);
  return /^[^\s"=\p{Cc}\p{Cf}]+$/u.test(value) ? value : escapeUnprintable(JSON.stringify(value));
}

function escapeUnprintable(text: string): string {
  return text.replace(UNPRINTABLE, (c) => `\\x${(c.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`);
}
