/** The command line as plain values, for the man page and the completions. Pure. */
import type { Command } from "commander";

export type CommandDescription = {
  /** The words that call it: "bmlb", "bgp", "peers". */
  readonly path: readonly [string, ...string[]];
  readonly summary: string;
  readonly arguments: readonly ArgumentDescription[];
  /** With the one that prints help. */
  readonly options: readonly OptionDescription[];
  readonly commands: readonly CommandDescription[];
};

export type ArgumentDescription = {
  readonly name: string;
  readonly optional: boolean;
  /** All that it can be; empty if that is not known. */
  readonly choices: readonly string[];
};

export type OptionDescription = {
  /** "-c" and "--config", or one of them. */
  readonly flags: readonly [string, ...string[]];
  /** The name of its value; undefined if it takes none. */
  readonly value: string | undefined;
  readonly summary: string;
  readonly default: string | undefined;
};

/** The command and all below it, each in the order in which it was declared. */
export function describeCommand(command: Command, above: readonly string[] = []): CommandDescription {
  const help = command.createHelp();
  const path = [...above, command.name()] as const;
  return {
    path: path as unknown as CommandDescription["path"],
    summary: command.description(),
    arguments: command.registeredArguments.map((argument) => ({ name: argument.name(), optional: !argument.required, choices: argument.argChoices ?? [] })),
    options: help.visibleOptions(command).map((option) => {
      const flags = [option.short, option.long].filter((flag) => flag !== undefined) as [string, ...string[]];
      const preset: unknown = option.defaultValue;
      return { flags, value: /<(.+)>/.exec(option.flags)?.[1], summary: option.description, default: typeof preset === "string" ? preset : undefined };
    }),
    commands: help.visibleCommands(command).map((inner) => describeCommand(inner, path)),
  };
}

/** The command itself and all below it. */
export function everyCommand(command: CommandDescription): readonly CommandDescription[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}
