/** What the completions of all shells have in common. Pure. */
import type { CommandDescription } from "./describe.ts";

/** What can stand where a name stands. */
export type Kind = "file" | "target" | "anything";

/** By the name of an argument, or of an option's value. */
export function kindOf(name: string): Kind {
  switch (name) {
    case "file":
    case "path":
      return "file";
    case "namespace/name|ip":
      return "target";
    default:
      return "anything";
  }
}

/** The words that call a command, as they are typed. */
export function nameOf(command: CommandDescription): string {
  return command.path.join(" ");
}

/** Addresses and Services that the daemon knows, one a line; nothing if it does not answer. JSON has one field a line there. */
export const TARGETS = String.raw`bmlb vips --json 2>/dev/null | sed -n 's/^ *"\(address\|service\)": "\([^"]*\)",\{0,1\}$/\2/p' | sort -u`;

/** A word of a shell: all three read single quotes alike, but for a quote within them. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
