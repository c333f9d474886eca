# Completion of bmlb for bash: source <(bmlb completion bash)

_bmlb_targets() {
  bmlb vips --json 2>/dev/null | sed -n 's/^ *"\(address\|service\)": "\([^"]*\)",\{0,1\}$/\2/p' | sort -u
}

_bmlb() {
  local line=${COMP_LINE:0:COMP_POINT} command=bmlb given=0 options= candidates= words i
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local cur=${words[-1]} prev=${words[-2]}
  for ((i = 1; i < ${#words[@]} - 1; i++)); do
    case "$command ${words[i]}" in
      "bmlb run" | "bmlb check" | "bmlb version" | "bmlb reload" | "bmlb drain" | "bmlb undrain" | "bmlb status" | "bmlb vips" | "bmlb explain" | "bmlb hosts" | "bmlb pools" | "bmlb bgp" | "bmlb bgp peers" | "bmlb bgp routes" | "bmlb bfd" | "bmlb rbac" | "bmlb completion") command+=" ${words[i]}" ;;
      "bmlb run -c" | "bmlb run --config" | "bmlb check -c" | "bmlb check --config" | "bmlb reload --socket" | "bmlb drain --socket" | "bmlb undrain --socket" | "bmlb status --socket" | "bmlb vips --socket" | "bmlb explain --socket" | "bmlb hosts --socket" | "bmlb pools --socket" | "bmlb bgp peers --socket" | "bmlb bgp routes --socket" | "bmlb bfd --socket" | "bmlb rbac --host" | "bmlb rbac -c" | "bmlb rbac --config" | "bmlb rbac --namespace") ((i++)) ;;
      *" -"*) ;;
      *) ((given++)) ;;
    esac
  done
  case "$command $prev" in
    "bmlb run -c" | "bmlb run --config" | "bmlb check -c" | "bmlb check --config" | "bmlb reload --socket" | "bmlb drain --socket" | "bmlb undrain --socket" | "bmlb status --socket" | "bmlb vips --socket" | "bmlb explain --socket" | "bmlb hosts --socket" | "bmlb pools --socket" | "bmlb bgp peers --socket" | "bmlb bgp routes --socket" | "bmlb bfd --socket" | "bmlb rbac -c" | "bmlb rbac --config")
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return ;;
    "bmlb rbac --host" | "bmlb rbac --namespace") return ;;
  esac
  case "$command" in
    "bmlb") options="-V --version -h --help"; ((given == 0)) && candidates="run check version reload drain undrain status vips explain hosts pools bgp bfd rbac completion" ;;
    "bmlb run") options="-c --config -h --help" ;;
    "bmlb check") options="-c --config --json -h --help" ;;
    "bmlb version") options="--json -h --help" ;;
    "bmlb reload") options="--json --socket -h --help" ;;
    "bmlb drain") options="--json --socket -h --help" ;;
    "bmlb undrain") options="--json --socket -h --help" ;;
    "bmlb status") options="--json --socket -h --help" ;;
    "bmlb vips") options="--json --socket -h --help" ;;
    "bmlb explain") options="--json --socket -h --help"; ((given == 0)) && candidates="$(_bmlb_targets)" ;;
    "bmlb hosts") options="--json --socket -h --help" ;;
    "bmlb pools") options="--json --socket -h --help" ;;
    "bmlb bgp") options="-h --help"; ((given == 0)) && candidates="peers routes" ;;
    "bmlb bgp peers") options="--json --socket -h --help" ;;
    "bmlb bgp routes") options="--json --socket -h --help" ;;
    "bmlb bfd") options="--json --socket -h --help" ;;
    "bmlb rbac") options="--host -c --config --namespace --json -h --help" ;;
    "bmlb completion") options="-h --help"; ((given == 0)) && candidates="bash zsh fish" ;;
  esac
  [[ $cur == -* || -z $candidates ]] && candidates=$options
  mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$cur")
  # Where : ends a word, bash inserts what follows the last one only.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local stem=${cur%"${cur##*:}"}
    COMPREPLY=("${COMPREPLY[@]#"$stem"}")
  fi
}

complete -F _bmlb bmlb
