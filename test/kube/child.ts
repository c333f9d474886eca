/**
 * A program of the tests that runs in a process of its own, perhaps in a network namespace, and is commanded over Node's IPC
 * channel: both ends. The channel is inherited through `ip netns exec`, and works while the namespace has no way out.
 */
import type { ChildProcess } from "node:child_process";
import { endOwned, inNamespace, startOwned } from "./leftovers.ts";

type Call = { readonly id: number; readonly command: string; readonly argument: unknown };
type Reply = { readonly id: number; readonly value?: unknown; readonly error?: string };

/** What a child can do, by name. An argument and a result are what JSON can carry. */
export type Commands = Readonly<Record<string, (argument: never) => Promise<unknown>>>;

/** The parent's end. */
export class CommandedChild {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }>();
  #calls = 0;
  #ended: Error | undefined;

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
    child.on("message", (message: Reply) => { this.#settle(message); });
    child.on("error", (error) => { this.#fail(error); });
    child.on("exit", (code, signal) => { this.#fail(new Error(`${name} has ended (${signal ?? `exit status ${code ?? "unknown"}`})`)); });
  }

  /** Starts the TypeScript program; what it prints goes to this process' standard error. */
  static start(name: string, program: string, namespace: string | undefined): CommandedChild {
    const command = inNamespace(namespace, [process.execPath, "--disable-warning=ExperimentalWarning", program]);
    return new CommandedChild(name, startOwned(command, { stdio: ["ignore", "inherit", "inherit", "ipc"] }, "TERM"));
  }

  /** For SIGSTOP, SIGCONT and SIGKILL. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Has a command carried out. Rejects if that fails, or if the child ends first. */
  call(command: string, argument: unknown): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = (this.#calls += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, command, argument } satisfies Call);
    });
  }

  async stop(): Promise<void> {
    this.#ended ??= new Error(`${this.#name} was stopped`);
    if (this.#child.connected) this.#child.disconnect();
    await endOwned(this.#child);
  }

  #settle({ id, value, error }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(`${this.#name}: ${error}`));
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}

/** The child's end: carries out commands until the parent goes, which ends the process. */
export function obey(commands: Commands): void {
  process.on("disconnect", () => process.exit(0));
  process.on("message", (call: Call) => {
    void carryOut(commands, call).then((reply) => process.send?.(reply));
  });
}

async function carryOut(commands: Commands, { id, command, argument }: Call): Promise<Reply> {
  const carry = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (carry === undefined) return { id, error: `no command ${command}` };
  try {
    return { id, value: await carry(argument as never) };
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
