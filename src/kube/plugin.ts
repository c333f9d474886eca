/**
 * Credential plug-ins (client.authentication.k8s.io): a program that prints an ExecCredential. It is run with a deadline and a limit to what
 * it may print, in a process group of its own; what it printed is kept until it expires or the server refuses it, and never shown.
 *
 * The client library's own runner is not used: it waits for ever, collects output without end (an exception in an event of its own, which
 * ends the process), leaves standard input open, and quotes what it cannot parse, which may be the token.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "../time/index.ts";
import type { Pem } from "./pem.ts";
import { type Json, parseJson, recordOf, textOf } from "./raw.ts";

/** How a plug-in is run, as the kubeconfig has it. */
export type PlugInSpec = {
  /** Absolute, or a name to be found in PATH. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The text of KUBERNETES_EXEC_INFO, which v1 plug-ins insist on. */
  info(ca: Pem | undefined): string;
};

/** What a plug-in gave: a token, or a certificate with its key in PEM, or both. */
export type PlugInCredential = { readonly token: string | undefined; readonly cert: string | undefined; readonly key: string | undefined };

/** No plug-in may take longer, in ms: it is killed then, and asked again after a back-off. */
const DEADLINE_MS = 20_000;
/** Between SIGTERM and SIGKILL. */
const MERCY_MS = 2_000;
/** What it started may keep its output open after it ended; that is not waited for, in ms. */
const LINGER_MS = 500;
const MOST_PRINTED = 1 << 20; // octets
const MOST_COMPLAINED = 300; // characters of standard error that are shown
/** What has expired when it comes, as it does where clocks differ, is used as long, in ms. */
const LEAST_USE_MS = 5_000;

type Kept = PlugInCredential & { readonly since: number; /** Unix ms; undefined: until it is refused. */ readonly expires: number | undefined };

export class PlugIn {
  readonly #spec: PlugInSpec;
  readonly #clock: Clock;
  #kept: Kept | undefined;
  #child: ChildProcess | undefined;

  constructor(spec: PlugInSpec, clock: Clock) {
    this.#spec = spec;
    this.#clock = clock;
  }

  /** What it gave, or gives now. Rejects with an Error that says what went wrong. To be called once at a time. */
  async credential(ca: Pem | undefined): Promise<PlugInCredential> {
    if (this.#kept === undefined || !this.#isFresh(this.#kept)) {
      const since = this.#clock.now();
      this.#kept = undefined;
      this.#kept = { ...read(await this.#run(ca)), since };
    }
    return this.#kept;
  }

  /** It was refused: the plug-in is to be asked again. */
  forget(): void {
    this.#kept = undefined;
  }

  /** Kills what still runs. */
  stop(): void {
    kill(this.#child, "SIGKILL");
  }

  #isFresh({ expires, since }: Kept): boolean {
    return expires === undefined || this.#clock.wall() < expires || this.#clock.now() - since < LEAST_USE_MS;
  }

  #run(ca: Pem | undefined): Promise<string> {
    const { command, args, env } = this.#spec;
    return new Promise((resolve, reject) => {
      const child: ChildProcess = spawn(command, args, { env: { ...process.env, ...env, KUBERNETES_EXEC_INFO: this.#spec.info(ca) }, stdio: ["ignore", "pipe", "pipe"], detached: true });
      this.#child = child;
      const printed: Buffer[] = [];
      let length = 0;
      let complaint = "";
      let end: string | undefined;
      const killAtExit = (): void => {
        kill(child, "SIGKILL");
      };
      process.once("exit", killAtExit);
      const settle = (result: string | Error): void => {
        deadline.cancel();
        child.stdout?.destroy();
        child.stderr?.destroy();
        if (this.#child === child) this.#child = undefined;
        if (typeof result === "string") resolve(result);
        else reject(result);
      };
      const giveUp = (why: string): void => {
        end ??= why;
        kill(child, "SIGTERM");
        this.#clock.timer("the end of a credential plug-in", MERCY_MS, () => {
          kill(child, "SIGKILL");
        });
        settle(new Error(end));
      };
      const deadline = this.#clock.timer("a credential plug-in", DEADLINE_MS, () => {
        giveUp(`it took longer than ${DEADLINE_MS / 1000} s`);
      });
      child.on("error", (error: NodeJS.ErrnoException) => {
        process.removeListener("exit", killAtExit);
        settle(new Error(whyNotStarted(command, error)));
      });
      // Where the process has no descriptor to spare there are no pipes either.
      child.stdout?.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > MOST_PRINTED) giveUp(`it printed more than ${MOST_PRINTED >> 10} KiB`);
        else printed.push(chunk);
      });
      child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
        if (complaint.length < MOST_COMPLAINED) complaint += chunk;
      });
      const ended = (code: number | null, signal: string | null): void => {
        const said = complaint.trim().slice(0, MOST_COMPLAINED).replace(/\s+/g, " ");
        if (code === 0) {
          settle(Buffer.concat(printed).toString("utf8"));
          return;
        }
        kill(child, "SIGKILL"); // what it started
        settle(new Error(`${code === null ? `it was ended by ${signal ?? "a signal"}` : `it ended with status ${code}`}${said === "" ? " and said nothing" : `: ${said}`}`));
      };
      child.on("close", (code, signal) => {
        process.removeListener("exit", killAtExit);
        ended(code, signal);
      });
      child.on("exit", (code, signal) => {
        this.#clock.timer("the output of a credential plug-in", LINGER_MS, () => {
          ended(code, signal);
        });
      });
    });
  }
}

function whyNotStarted(command: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ENOENT":
      return `there is no program ${command}`;
    case "EACCES":
      return `${command} may not be run: permission denied`;
    default:
      return `${command} cannot be run (${error.code ?? error.message})`;
  }
}

/** The whole process group: a plug-in is often a script around another program. */
function kill(child: ChildProcess | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended.
  }
}

/** An ExecCredential. Throws an Error without a word of it. */
function read(text: string): Omit<Kept, "since"> {
  const parsed = parseJson(text);
  const credential: Json = recordOf(parsed) ?? fail(text.trim() === "" ? "it printed nothing" : "what it printed is no JSON object");
  if (credential["kind"] !== undefined && credential["kind"] !== "ExecCredential") fail("what it printed is of another kind than ExecCredential");
  const status = recordOf(credential["status"]) ?? fail("what it printed has no status");
  const [token, cert, key] = [textOf(status["token"])?.trim(), textOf(status["clientCertificateData"]), textOf(status["clientKeyData"])];
  if ((cert === undefined) !== (key === undefined)) fail("it gave a client certificate or a key without the other");
  if (token === undefined && cert === undefined) fail("it gave neither a token nor a client certificate");
  const written = status["expirationTimestamp"] ?? undefined;
  const expires = written === undefined ? undefined : Date.parse(typeof written === "string" ? written : "");
  if (Number.isNaN(expires)) fail("its expirationTimestamp is no time, such as 2026-01-31T12:00:00Z");
  return { token, cert, key, expires };
}

function fail(why: string): never {
  throw new Error(why);
}
