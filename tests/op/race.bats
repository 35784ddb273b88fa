#!/usr/bin/env bats
# One code, many calls at the same moment.
# On PostgreSQL too
# Sanitized with --long

setup() {
    load ../lib
    load lib
    load race
    cd "$BATS_TEST_TMPDIR" || return
    instance
}

@test "race: of 200 programs with one code and 200 calls one is accepted, 199 hear that it is used" {
    race 200
}

@test "race: of 60 programs with one call and 60 codes one is accepted, the others hear that the call is taken" {
    local code
    issue 60 | jq -r .code >codes
    race_start
    while read -r code; do
        racer "$code" one-call &
    done <codes
    race_end
    [ "$(sort results | uniq -c | tr -s ' ')" = " 1 0 accepted
 59 1 call_bound" ]
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'issued'")" = 59 ]
    is_sound
}

@test "race: a code keyed in while the resident ends never leaves a session that can be read" {
    local i issued
    for i in {1..10}; do
        issued=$(issue 1)
        race_start
        racer "$(code_of "$issued")" "end-$i" &
        (
            exec 8>&-
            flock -s gate true
            jq -nc --arg c "$(cookies_of "$issued")" '{ cookies: $c }' | timeout 60 idb-end >ended
        ) &
        race_end 0.1
        [ "$(jq -r .result ended)" = ended ]
        grep -qxE '0 accepted|1 (wrong|used|call_ended)' results
        [ "$(sql "SELECT COUNT(*) FROM session WHERE sealed IS NOT NULL")" = 0 ]
        is_sound
    done
}
