# Completion for ftpc: verbs, options, and local names where a verb takes them.
_ftpc() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} verb='' word
  local verbs="put get ls stat sum mkdir rm mv exec ping discover keygen"
  local options="-s --server -q --quiet -v --verbose --json --retry --timeout --digest --chunk-size --no-clobber --no-sync --always
    --checksum --user --password-file --password-fd --token-file --identity --tls --no-tls --ca --pin --accept-new --cert --key -V --version -h --help"
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ " $verbs " == *" $word "* ]] && { verb=$word; break; }
  done
  COMPREPLY=()
  case $previous in
    --digest) mapfile -t COMPREPLY < <(compgen -W "xxh128 md5 sha256" -- "$current"); return ;;
    --password-file | --token-file | --identity | --ca | --cert | --key | -o | --output) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    -s | --server | --user | --pin | --password-fd | --wait | --retry | --timeout | --chunk-size | -t | --target) return ;;
  esac
  case $verb:$current in
    :-*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current") ;;
    :*) mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$current") ;;
    put:-*) mapfile -t COMPREPLY < <(compgen -W "$options -t --target" -- "$current") ;;
    put:*) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    get:-*) mapfile -t COMPREPLY < <(compgen -W "$options -o --output" -- "$current") ;;
    ls:-*) mapfile -t COMPREPLY < <(compgen -W "$options -l --long -h --human-readable -R --recursive" -- "$current") ;;
    mkdir:-*) mapfile -t COMPREPLY < <(compgen -W "$options -p --parents" -- "$current") ;;
    rm:-*) mapfile -t COMPREPLY < <(compgen -W "$options -r --recursive" -- "$current") ;;
    exec:-*) mapfile -t COMPREPLY < <(compgen -W "-t --terminal -c --shell -n --no-input --encoding -h --help" -- "$current") ;;
    discover:-*) mapfile -t COMPREPLY < <(compgen -W "$options --wait" -- "$current") ;;
    keygen:*) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    ping:-*) mapfile -t COMPREPLY < <(compgen -W "$options --tcp --udp -c --count" -- "$current") ;;
    *:-*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current") ;;
  esac
}
complete -F _ftpc ftpc
