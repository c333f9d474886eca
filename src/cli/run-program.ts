/**
 * Carries out one command.
 *
 * Exit status: 0 = fine, 1 = it is not, 2 = wrong usage.
 */
import { CommanderError } from "commander";
import { AskError } from "./ask.ts";
import { printable } from "./printable.ts";
import { buildProgram, type Surroundings } from "./program.ts";

export type ProgramOptions = Surroundings & {
  /** Words after the program's name. */
  readonly words: readonly string[];
};

/** Resolves with the exit status. */
export async function runProgram({ words, ...surroundings }: ProgramOptions): Promise<number> {
  let status = 0;
  const program = buildProgram(surroundings, (own) => {
    status = own;
  });
  try {
    await program.parseAsync(words, { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof AskError)) throw error;
    surroundings.err(`bmlb: ${printable(error.message)}\n`);
    return 1;
  }
}
