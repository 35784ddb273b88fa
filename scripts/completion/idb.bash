# Bash completion for the idb- programs: what --help says is what is offered.
# shellcheck shell=bash

_idb() {
    local program=$1 current=$2 help words
    help=$("$program" --help 2>/dev/null) || return
    if [[ $current == -* ]]; then
        words=$(grep -oE -- '--[a-z][a-z-]*=?' <<<"$help")
    elif [ "$COMP_CWORD" = 1 ] || [[ ${COMP_WORDS[COMP_CWORD - 1]} == --* ]]; then
        # The first words of the usage lines: idb-store create | migrate | backup FILE.
        words=$(sed -En 's/\[[^]]*\]//g; s/^([Uu]sage:)? *idb-[a-z-]+ +([a-z].*)/\2/p' <<<"$help" |
            tr '|' '\n' | sed -En 's/^ *([a-z]+)\b.*/\1/p')
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current" | sort -u)
    # An option that wants a value goes on at once.
    if [[ ${COMPREPLY[0]-} == *= ]]; then compopt -o nospace; fi
}

# shellcheck disable=SC2046  # program names, one word each
complete -o default -F _idb $(compgen -c idb- | sort -u)
