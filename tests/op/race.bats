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

@test "race: four streams with right and wrong codes by turns stand in nobody's way" {
    local i codes wrong streams=()
    instance '.throttle = { total: 100000, per_caller: 1000 }'
    mapfile -t codes < <(issue 200 appointment | jq -r .code)
    wrong=$(wrong_code "${codes[0]}")
    for ((i = 0; i < 400; i++)); do
        if ((i % 2)); then
            printf '{"code":"%s","call_id":"w-%d"}\n' "$wrong" $((i / 4)) >>"in.$((i % 4))"
        fi
        printf '{"code":"%s","call_id":"r-%d"}\n' "${codes[i / 2]}" $((i / 2)) >>"in.$((i % 4))"
    done
    for i in 0 1 2 3; do
        idb-verify <"in.$i" >"out.$i" 2>"err.$i" 3>&- &
        streams+=($!)
    done
    for i in "${streams[@]}"; do
        wait "$i" || true # told by its answers
    done
    # Each good code was keyed in twice on one call, at two streams.
    [ "$(cat out.* | jq -r .result | sort | uniq -c | xargs)" = '400 accepted 200 wrong' ]
    [ -z "$(cat err.*)" ]
    [ "$(sql 'SELECT MAX(count) FROM attempts')" = 200 ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE result = 'accepted'")" = 200 ]
    is_sound
}
