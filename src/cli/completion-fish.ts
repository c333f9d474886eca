/** The completion for fish. Pure. */
import { kindOf, nameOf, singleQuoted, TARGETS } from "./completion-words.ts";
import { type CommandDescription, everyCommand, type OptionDescription } from "./describe.ts";

export function fishCompletion(program: CommandDescription): string {
  const commands = everyCommand(program);
  const below = commands.filter((command) => command.path.length > 1).map(nameOf);
  const taking = commands.flatMap((command) => command.options.flatMap(({ flags, value }) => (value === undefined ? [] : flags.map((flag) => `${nameOf(command)} ${flag}`))));
  return `# Completion of bmlb for fish: bmlb completion fish | source

function __bmlb_targets
    ${TARGETS}
end

# Whether the line so far calls this command.
function __bmlb_at
    set -l command bmlb
    set -l value no
    for word in (commandline -opc)[2..]
        if test $value = yes
            set value no
            continue
        end
        switch "$command $word"
            case ${words(below)}
                set command "$command $word"
            case ${words(taking)}
                set value yes
        end
    end
    test "$command" = "$argv"
end

complete -c bmlb -f
${commands.flatMap(completions).join("\n")}
`;
}

function completions(command: CommandDescription): readonly string[] {
  const at = `complete -c bmlb -n '__bmlb_at ${nameOf(command)}'`;
  return [
    ...command.commands.map(({ path, summary }) => `${at} -a ${path.at(-1) ?? ""} -d ${quoted(summary)}`),
    ...command.arguments.flatMap(({ name, choices }) =>
      choices.length > 0 ? [`${at} -a ${quoted(choices.join(" "))}`] : kindOf(name) === "target" ? [`${at} -a '(__bmlb_targets)'`] : [],
    ),
    ...command.options.map((option) => `${at} ${optionSpec(option)}`),
  ];
}

function optionSpec({ flags, value, summary }: OptionDescription): string {
  const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const argument = value === undefined ? [] : [kindOf(value) === "file" ? "-r -F" : "-x"];
  return [...names, ...argument, `-d ${quoted(summary)}`].join(" ");
}

function words(all: readonly string[]): string {
  return all.map(quoted).join(" ");
}

/** fish reads \\ and \' within single quotes as themselves. */
function quoted(text: string): string {
  return singleQuoted(text.replaceAll("\\", "\\\\"));
}
