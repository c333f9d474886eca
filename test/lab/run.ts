/** Programs of the machine: one that is run to its end, and one that goes on running. Knows nothing of namespaces. */
import { spawn, type ChildProcess } from "node:child_process";
import { appendFileSync, existsSync } from "node:fs";
import { dirname } from "node:path";
import { within } from "./eventually.ts";
import { now } from "./time.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export type RunOptions = {
  readonly env?: Environment | undefined;
  readonly input?: string | undefined;
  /** Then it is killed and the run fails. Default: 15 s. */
  readonly timeoutMs?: number | undefined;
};

/** What a program left behind. `status` is undefined when a signal ended it. */
export type Output = { readonly status: number | undefined; readonly signal: NodeJS.Signals | undefined; readonly stdout: string; readonly stderr: string };

/** A program that ended with another status than 0. */
export class CommandError extends Error {
  readonly output: Output;
  constructor(argv: readonly string[], output: Output) {
    const how = output.status === undefined ? `was ended by ${output.signal ?? "nobody knows what"}` : `ended with status ${output.status}`;
    super(`${argv.join(" ")}: ${how}\n${output.stderr}${output.stdout}`.trimEnd());
    this.name = "CommandError";
    this.output = output;
  }
}

/** Runs a program to its end and returns what it left, whatever its status. Throws if it cannot be started or is late. */
export async function runToEnd(argv: readonly string[], options: RunOptions = {}): Promise<Output> {
  const [file, ...rest] = nonEmpty(argv);
  const child = spawn(file, rest, { env: merged(options.env), stdio: ["pipe", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => undefined); // a program need not read what it is given
  child.stdin.end(options.input ?? "");
  const timeoutMs = options.timeoutMs ?? 15_000;
  const ended = new Promise<Output>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => {
      resolve({ status: status ?? undefined, signal: signal ?? undefined, stdout, stderr });
    });
  });
  try {
    return await within(`"${argv.join(" ")}" ended`, timeoutMs, ended, () => `; it said: ${stderr}${stdout}`);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** Runs a program to its end and returns its standard output. Throws CommandError unless its status is 0. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const output = await runToEnd(argv, options);
  if (output.status !== 0) throw new CommandError(argv, output);
  return output.stdout;
}

export type Line = { /** When the lab read it, by `now()`. */ readonly at: number; readonly stream: "stdout" | "stderr"; readonly text: string };

/** How a program ended; `status` is undefined when a signal ended it. */
export type Exit = { readonly status: number | undefined; readonly signal: NodeJS.Signals | undefined; readonly at: number };

/** A program that goes on running: its lines, and the ways to end or suspend it. */
export class LabProcess {
  readonly name: string;
  readonly pid: number;
  /** Everything that it has written so far, line by line. */
  readonly lines: readonly Line[];
  /** Settles when it has ended and its last line has been read. Never rejects. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #exit: Exit | undefined;

  private constructor(name: string, child: ChildProcess, pid: number, logFile: string | undefined) {
    this.name = name;
    this.pid = pid;
    this.#child = child;
    const lines: Line[] = [];
    this.lines = lines;
    for (const stream of ["stdout", "stderr"] as const) {
      readLines(child[stream], (text) => {
        const at = now();
        lines.push({ at, stream, text });
        record(logFile, `${at.toFixed(3)} ${text}`);
        this.#tell();
      });
    }
    this.exited = new Promise((resolve) => {
      child.on("close", (status, signal) => {
        this.#exit = { status: status ?? undefined, signal: signal ?? undefined, at: now() };
        record(logFile, `${this.#exit.at.toFixed(3)} (ended: ${describeExit(this.#exit)})`);
        this.#tell();
        resolve(this.#exit);
      });
    });
  }

  /** Starts a program. Every line that it writes is also appended to `logFile`, with the time. */
  static async start(name: string, argv: readonly string[], options: { readonly env?: Environment | undefined; readonly logFile?: string | undefined } = {}): Promise<LabProcess> {
    const [file, ...rest] = nonEmpty(argv);
    const child = spawn(file, rest, { env: merged(options.env), stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.on("error", () => undefined);
    const pid = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("spawn", () => {
        resolve(child.pid ?? 0);
      });
    });
    child.on("error", () => undefined); // a signal that could not be sent is seen by what does not happen
    return new LabProcess(name, child, pid, options.logFile);
  }

  /** How it ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Writes a line to its standard input. */
  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** The first line that matches, of those at or after index `from` (default: all), waiting for it if need be. Throws after `withinMs`, or when the program ends. */
  async waitForLine(pattern: RegExp, withinMs: number, from = 0): Promise<Line> {
    let next = from;
    return await this.#wait(`${this.name} said ${String(pattern)}`, withinMs, () => {
      for (; next < this.lines.length; next++) {
        const line = this.lines[next];
        if (line !== undefined && pattern.test(line.text)) return line;
      }
      if (this.#exit !== undefined) throw new Error(`${this.name} ended (${describeExit(this.#exit)}) before it said ${String(pattern)}:\n${this.lastLines()}`);
      return undefined;
    });
  }

  /** Sends a signal; harmless when it has ended. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGSTOP: it stays in memory, its sockets stay open, it does nothing. */
  pause(): void {
    this.signal("SIGSTOP");
  }

  resume(): void {
    this.signal("SIGCONT");
  }

  /** SIGKILL, and waits for the end. */
  async kill(): Promise<Exit> {
    this.signal("SIGKILL");
    return await within(`${this.name} (pid ${this.pid}) was killed`, 10_000, this.exited);
  }

  /** SIGTERM, and waits for the end. Throws (after killing it) if it is still there after `withinMs`. */
  async stop(withinMs = 10_000): Promise<Exit> {
    this.signal("SIGTERM");
    try {
      return await within(`${this.name} (pid ${this.pid}) stopped after SIGTERM`, withinMs, this.exited, () => `; it said last:\n${this.lastLines()}`);
    } catch (error) {
      this.signal("SIGKILL");
      throw error;
    }
  }

  /** Its last lines, for messages. */
  lastLines(count = 20): string {
    return this.lines
      .slice(-count)
      .map((line) => `  ${line.text}`)
      .join("\n");
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Looks at once and after each new line. */
  async #wait<T>(what: string, withinMs: number, look: () => T | undefined): Promise<T> {
    let watcher: (() => void) | undefined;
    const found = new Promise<T>((resolve, reject) => {
      watcher = (): void => {
        try {
          const answer = look();
          if (answer !== undefined) resolve(answer);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.#watchers.add(watcher);
      watcher();
    });
    try {
      return await within(what, withinMs, found, () => `; it said last:\n${this.lastLines()}`);
    } finally {
      if (watcher !== undefined) this.#watchers.delete(watcher);
    }
  }
}

export function describeExit(exit: Pick<Exit, "status" | "signal">): string {
  return exit.status === undefined ? (exit.signal ?? "unknown") : `status ${exit.status}`;
}

/** Appends a line to a log. The last words of a program come when its lab, and the log with it, may be gone already. */
function record(logFile: string | undefined, line: string): void {
  if (logFile !== undefined && existsSync(dirname(logFile))) appendFileSync(logFile, `${line}\n`);
}

function readLines(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  if (stream === null) return;
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) take(part);
  });
  stream.on("end", () => {
    if (rest !== "") take(rest);
  });
}

function merged(env: Environment | undefined): NodeJS.ProcessEnv {
  return { ...process.env, ...env };
}

function nonEmpty(argv: readonly string[]): [string, ...string[]] {
  const [file, ...rest] = argv;
  if (file === undefined) throw new Error("nothing to run");
  return [file, ...rest];
}
