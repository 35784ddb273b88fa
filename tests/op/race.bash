# Programs that start at the same moment: they wait at a gate.
# shellcheck shell=bash

race_start() {
    rm -f results complaints
    touch gate results complaints
    exec 8>gate
    flock 8
}

# racer CODE CALL: one idb-verify behind the gate; its exit code and result go to
# the file results.
racer() {
    local answer status=0
    exec 8>&-
    flock -s gate true
    answer=$(timeout 60 idb-verify 2>>complaints <<<"{\"code\":\"$1\",\"call_id\":\"$2\"}") || status=$?
    [[ $answer =~ ^\{\"result\":\"([a-z_]+)\" ]] || BASH_REMATCH=('' "$answer")
    printf '%s %s\n' "$status" "${BASH_REMATCH[1]}" >>results
}

# Opens the gate; all must end, and say nothing on standard error.
race_end() {
    sleep "${1-0.3}"
    exec 8>&-
    wait
    [ ! -s complaints ] || { cat complaints; return 1; }
}

# race N: N calls, one code.
race() {
    local i code
    code=$(issue 1 | jq -r .code)
    race_start
    for ((i = 0; i < $1; i++)); do
        racer "$code" "race-$code-$i" &
    done
    race_end 2
    [ "$(sort results | uniq -c | tr -s ' ')" = " 1 0 accepted
 $(($1 - 1)) 1 used" ] || { sort results | uniq -c; return 1; }
    is_sound
    # Who won is who is connected.
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'called' AND call_id LIKE 'race-$code-%'")" = 1 ]
}
