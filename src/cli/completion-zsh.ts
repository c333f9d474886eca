/** The completion for zsh: a function for each command. Pure. */
import { kindOf, singleQuoted, TARGETS } from "./completion-words.ts";
import { type ArgumentDescription, type CommandDescription, everyCommand, type OptionDescription } from "./describe.ts";

export function zshCompletion(program: CommandDescription): string {
  return `#compdef bmlb
# Completion of bmlb for zsh: source <(bmlb completion zsh)

_bmlb_targets() {
  local -a targets
  targets=(\${(f)"$(${TARGETS})"})
  compadd -a targets
}

${everyCommand(program).toReversed().map(commandFunction).join("\n")}
if [[ $funcstack[1] == _bmlb ]]; then
  _bmlb "$@"
else
  compdef _bmlb bmlb
fi
`;
}

function commandFunction(command: CommandDescription): string {
  const specs = [...command.options.map(optionSpec), ...command.arguments.map(argumentSpec)];
  const name = functionOf(command);
  if (command.commands.length === 0) return `${name}() {\n  _arguments -S ${specs.join(" \\\n    ")}\n}\n`;
  const described = command.commands.map(({ path, summary }) => singleQuoted(`${path.at(-1) ?? ""}:${summary}`));
  return `${name}() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C -S ${[...specs, "'1:command:->command'", "'*::argument:->argument'"].join(" \\\n    ")}
  case $state in
    command)
      local -a commands=(
        ${described.join("\n        ")}
      )
      _describe -t commands command commands
      ;;
    argument)
      (( $+functions[${name}_$line[1]] )) && ${name}_$line[1]
      ;;
  esac
}
`;
}

function optionSpec({ flags, value, summary }: OptionDescription): string {
  const spec = `[${summary.replace(/[[\]\\]/g, "\\$&")}]${value === undefined ? "" : `:${value}:${actionOf(value, [])}`}`;
  const [flag, ...more] = flags;
  if (summary.includes("may be repeated")) return singleQuoted(`*${flag}${spec}`);
  return more.length === 0 ? singleQuoted(`${flag}${spec}`) : `'(${flags.join(" ")})'{${flags.join(",")}}${singleQuoted(spec)}`;
}

function argumentSpec({ name, choices }: ArgumentDescription): string {
  return singleQuoted(`1:${name}:${actionOf(name, choices)}`);
}

function actionOf(name: string, choices: readonly string[]): string {
  if (choices.length > 0) return `(${choices.join(" ")})`;
  switch (kindOf(name)) {
    case "file":
      return "_files";
    case "target":
      return "_bmlb_targets";
    case "anything":
      return " ";
  }
}

function functionOf(command: CommandDescription): string {
  return `_${command.path.join("_")}`;
}
