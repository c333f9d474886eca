/** The completion for bash. It needs nothing but bash itself. Pure. */
import { kindOf, nameOf, TARGETS } from "./completion-words.ts";
import { type CommandDescription, everyCommand } from "./describe.ts";

export function bashCompletion(program: CommandDescription): string {
  const commands = everyCommand(program);
  const below = commands.filter((command) => command.path.length > 1);
  const values = commands.flatMap((command) => command.options.flatMap(({ flags, value }) => (value === undefined ? [] : flags.map((flag) => ({ at: `${nameOf(command)} ${flag}`, kind: kindOf(value) })))));
  const files = values.filter(({ kind }) => kind === "file");
  const others = values.filter(({ kind }) => kind !== "file");
  return `# Completion of bmlb for bash: source <(bmlb completion bash)

_bmlb_targets() {
  ${TARGETS}
}

_bmlb() {
  local line=\${COMP_LINE:0:COMP_POINT} command=bmlb given=0 options= candidates= words i
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local cur=\${words[-1]} prev=\${words[-2]}
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    case "$command \${words[i]}" in
      ${patterns(below.map(nameOf))}) command+=" \${words[i]}" ;;
      ${patterns(values.map(({ at }) => at))}) ((i++)) ;;
      *" -"*) ;;
      *) ((given++)) ;;
    esac
  done
  case "$command $prev" in
    ${patterns(files.map(({ at }) => at))})
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return ;;
    ${patterns(others.map(({ at }) => at))}) return ;;
  esac
  case "$command" in
${commands.map(choices).join("\n")}
  esac
  [[ $cur == -* || -z $candidates ]] && candidates=$options
  mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$cur")
  # Where : ends a word, bash inserts what follows the last one only.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local stem=\${cur%"\${cur##*:}"}
    COMPREPLY=("\${COMPREPLY[@]#"$stem"}")
  fi
}

complete -F _bmlb bmlb
`;
}

function choices(command: CommandDescription): string {
  const options = command.options.flatMap(({ flags }) => flags).join(" ");
  const [argument] = command.arguments;
  const words = [...command.commands.map(({ path }) => path.at(-1) ?? ""), ...(argument?.choices ?? [])];
  const candidates = argument !== undefined && kindOf(argument.name) === "target" ? '"$(_bmlb_targets)"' : `"${words.join(" ")}"`;
  const offered = candidates === '""' ? "" : `; ((given == 0)) && candidates=${candidates}`;
  return `    "${nameOf(command)}") options="${options}"${offered} ;;`;
}

function patterns(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(" | ");
}
