# Guessing: many codes whose check digit is right, against 200 live ones.
# shellcheck shell=bash

LIVE=200
GUESSES_A_CALL=5

# guesses N DIGITS: N requests for idb-verify, always the same. The guesses of a
# call lie far apart; of seven calls one withholds its number, the others come
# from twenty numbers.
guesses() {
    awk -v n="$1" -v digits="$2" -v a_call="$GUESSES_A_CALL" 'BEGIN {
        split("0317598642 7092154863 4206871359 1750983426 6123045978" \
              " 3674209581 5869720134 8945362017 9438617205 2581436790", damm, " ")
        srand(20261124)
        calls = int(n / a_call)
        for (i = 0; i < n; i++) {
            code = ""
            check = 0
            for (j = 1; j < digits; j++) {
                digit = int(rand() * 10)
                code = code digit
                check = substr(damm[check + 1], digit + 1, 1)
            }
            call = i % calls
            caller = call % 7 == 0 ? (call % 2 ? "anonymous" : "") : sprintf("+316000000%02d", call % 20)
            printf "{\"code\":\"%s%s\",\"call_id\":\"guess-%d\",\"caller\":\"%s\"}\n",
                   code, check, call, caller
        }
    }'
}

# answered N: waits until so many answers have come.
answered() {
    local i
    for ((i = 0; i < 2000; i++)); do
        [ "$(wc -l <answers)" -lt "$1" ] || return 0
        sleep 0.1
    done
    return 1
}

# honest ISSUED CALL: who has the code gets through, whatever is guessed; the
# agent sees nothing before the yes on the resident's page.
honest() {
    local looked
    run --separate-stderr verify "$(code_of "$1")" "$2" +31611111111
    [ "$status" -eq 0 ] && [ -z "$stderr" ] && [ "$(json .result)" = accepted ] || return
    [ "$(json .attempts_left)" = 3 ] || return
    run --separate-stderr jq -nc --arg c "$2" '{ call_id: $c }'
    looked=$output
    run --separate-stderr lookup_as alice "$looked"
    [ "$status" -eq 1 ] && [ -z "$stderr" ] && [ "$(json .result)" = unconfirmed ] || return
    [[ $output != *Estpersoon* && $output != *999990019* && $output != *'"attributes"'* ]] || return
    run --separate-stderr idb-confirm < <(
        jq -nc --arg c "$(cookies_of "$1")" '{ cookies: $c, confirm: true }')
    [ "$status" -eq 0 ] && [ -z "$stderr" ] && [ "$(json .result)" = confirmed ] || return
    run --separate-stderr lookup_as alice "$looked"
    [ "$status" -eq 0 ] && [ -z "$stderr" ] && [ "$(json .result)" = open ] || return
    [ "$(json '.attributes[] | select(.name == "name").value')" = 'T. Estpersoon' ]
}

# judged DIGITS: what the answers must be, guess by guess: three tries a call and
# none more, through a rotation and a restart; hits within what chance allows.
judged() {
    paste requests answers | awk -F '\t' -v digits="$1" -v live="$LIVE" '
        function wrong(why) { printf "guess %d: %s: %s\n", NR, why, $2; bad = 1; exit 1 }
        {
            match($1, /guess-[0-9]+/); call = substr($1, RSTART, RLENGTH)
            match($2, /"result":"[a-z_]+"/); result = substr($2, RSTART + 10, RLENGTH - 11)
            match($2, /"attempts_left":[0-9]/); left = substr($2, RSTART + 16, 1)
            count[result]++
            if (bound[call]) {
                if (result != "call_bound") wrong("on a call that is taken")
            } else if (result == "accepted") {
                if (tries[call] >= 3) wrong("accepted after three wrong ones")
                bound[call] = 1
                tested++
                hits++
                if (NR <= 101) early++
            } else if (result == "wrong" || result == "used" || result == "expired") {
                if (++tries[call] > 3) wrong("more than three")
                tested++
            } else if (result != "throttled" || tries[call] != 3) {
                wrong("not expected after " tries[call] + 0 " wrong ones")
            }
            if (left != 3 - tries[call]) wrong("attempts_left")
        }
        END {
            if (bad) exit 1
            expected = tested * live / 10 ^ (digits - 1)
            most = expected + 5 * sqrt(expected) + 3
            printf "%d tested, %d hits, %.2f expected, at most %.2f\n", tested, hits, expected, most
            printf "%d %d\n", hits, early >"hits"
            exit hits > most || tested < 0.55 * NR || count["throttled"] < 0.35 * NR
        }'
}

# guess N DIGITS: in one stream; the code key is replaced under the running
# program after a third, the program is started anew after two thirds.
guess() {
    local n=$1 digits=$2 third=$(($1 / 3)) issued hits early
    cd "$BATS_TEST_TMPDIR" || return
    instance ".code.digits = $digits"
    issued=$(issue $LIVE)
    # 200 in 10^7 is over a chance of one in a million, in 10^9 not.
    [ "$(jq -r .warning <<<"$issued" | grep -c guess_risk)" -eq "$((digits == 8 ? 190 : 0))" ]
    guesses "$n" "$digits" >requests
    [ "$(wc -l <requests)" -eq "$n" ]
    : >answers
    {
        head -n "$third" requests
        answered "$third" || echo 'no answers' >&2
        honest "$(sed -n 1p <<<"$issued")" honest-1 || echo "honest caller: $output" >&2
        idb-keys rotate code >rotated
        honest "$(sed -n 2p <<<"$issued")" honest-2 || echo "after rotation: $output" >&2
        sed -n "$((third + 1)),$((2 * third))p" requests
    } 2>complaints | {
        run_status=0
        idb-verify >>answers 2>said || run_status=$?
        echo "$run_status" >status
    }
    [ ! -s complaints ] || { cat complaints; return 1; }
    [ ! -s said ] && [ "$(cat status)" = 1 ]
    [ "$(jq -c .rotated rotated)" = '["code"]' ]
    honest "$(sed -n 3p <<<"$issued")" honest-3
    run_status=0
    tail -n "+$((2 * third + 1))" requests | idb-verify >>answers 2>said || run_status=$?
    [ ! -s said ] && [ "$run_status" = 1 ]
    [ "$(wc -l <answers)" -eq "$n" ]
    honest "$(sed -n 4p <<<"$issued")" honest-4

    run judged "$digits"
    echo "$output" >&2
    [ "$status" -eq 0 ]
    read -r hits early <hits
    [ "$(sql "SELECT COUNT(*) FROM session WHERE call_id LIKE 'guess-%'")" -eq "$hits" ]
    # Past the soft limits every session wants a yes.
    [ "$(sql "SELECT COUNT(*) FROM session WHERE called_at IS NOT NULL AND confirm <> 'page'")" -le "$early" ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'verify' AND result = 'accepted'
              AND detail LIKE '%page%'")" -ge "$((hits + 4 - early))" ]
    is_sound
}
