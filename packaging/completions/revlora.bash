# bash completion of revlora(1)

_revlora() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local options="" words=""
  if ((COMP_CWORD == 1)); then
    words="merge unmerge swap verify info demo help --help --version"
  fi
  case $previous in
    --recipe) words="fused rounded_delta peft" ;;
    --fan-in-fan-out) words="yes no" ;;
    help) words="merge unmerge swap verify info demo" ;;
    --strength | --threads | --weights) return ;;
  esac
  case ${COMP_WORDS[1]} in
    merge)
      options="--help --strength --out --recipe --fan-in-fan-out --allow-unused --no-embed
        --weights --undo --overwrite-undo --force --no-sync --threads --dry-run --json --quiet"
      ;;
    unmerge)
      options="--help --weights --undo --adapter --force --no-sync --threads --dry-run --json
        --quiet"
      ;;
    swap)
      options="--help --to --recipe --fan-in-fan-out --allow-unused --no-embed --weights --undo
        --adapter --force --no-sync --threads --dry-run --json --quiet"
      ;;
    verify) options="--help --weights --undo --json --quiet" ;;
    info) options="--help --tensors --weights --json --quiet" ;;
    demo) options="--help" ;;
  esac
  if [[ -z $words && $current == -* ]]; then words=$options; fi
  if [[ -n $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _revlora revlora
