/** `bmlb completion`: what a shell needs to complete the commands, options, files and addresses of bmlb. Pure. */
import { bashCompletion } from "./completion-bash.ts";
import { fishCompletion } from "./completion-fish.ts";
import { zshCompletion } from "./completion-zsh.ts";
import type { CommandDescription } from "./describe.ts";

export type Shell = "bash" | "zsh" | "fish";

/** A script for the shell to read. */
export function completionFor(shell: Shell, program: CommandDescription): string {
  switch (shell) {
    case "bash":
      return bashCompletion(program);
    case "zsh":
      return zshCompletion(program);
    case "fish":
      return fishCompletion(program);
  }
}
