# Somebody who guesses codes, thousands of them.
# shellcheck shell=bash

# guess LIVE N DIGITS: N guesses against LIVE live codes, half of them in one
# stream during which the code key is replaced, the others in two programs more;
# an honest caller keys in the right code meanwhile. Fails when anything but
# chance let a guess in.
guess() {
    local live=$1 n=$2 digits=$3 part seed=${SEED:-$RANDOM} reserved=10 honests=4
    instance ".code = { digits: $digits }"
    issue $((live + reserved + honests)) appointment >issued
    [ "$(wc -l <issued)" = $((live + reserved + honests)) ]
    # Over the chance that the configuration accepts, which 200 in 10^7 is, 10^9 not.
    [ "$digits" != 8 ] || [ "$(tail -n 1 issued | jq -r .warning)" = guess_risk ]
    [ "$digits" != 10 ] || [ "$(tail -n 1 issued | jq -r .warning)" = null ]
    head -n "$reserved" issued | jq -r .code >known
    tail -n "$honests" issued >honest
    for part in 1 2 3 4; do
        # shellcheck disable=SC2046
        "$IDB_ROOT/tests/tools/guesses" $((n / 4)) "$digits" "g-$part" $((seed + part)) \
            $(cat known) >"part.$part"
    done
    : >answers
    : >said
    {
        cat part.1
        answered part.1 || exit 1
        honest 1
        quietly idb-keys rotate code
        honest 2
        cat part.2
    } 2>complaints | idb-verify >>answers 2>>said || [ "$?" = 1 ]
    for part in 3 4; do
        idb-verify <"part.$part" >>answers 2>>said || [ "$?" = 1 ]
        honest "$part"
    done
    [ ! -s said ]
    [ ! -s complaints ] || { cat complaints; return 1; }
    cat part.[1-4] >requests
    [ "$(wc -l <answers)" = "$(wc -l <requests)" ]
    paste -d' ' requests answers >both
    check_calls
    check_chance "$live" "$digits" "$seed"
}

# answered FILE: waits until its requests have been answered.
answered() {
    local tries
    for ((tries = 0; tries < 1200; tries++)); do
        [ "$(wc -l <answers)" -lt "$(wc -l <"$1")" ] || return 0
        sleep 0.1
    done
    echo 'no answers' >&2
    return 1
}

# honest N: who has the code gets through, whatever is guessed; the agent sees
# nothing before the yes on the resident's page.
honest() {
    local issued looked wrong=0
    issued=$(sed -n "$1p" honest)
    looked="{\"call_id\":\"honest-$1\"}"
    verify "$(code_of "$issued")" "honest-$1" +31600000001 >"honest.$1" || wrong=1
    [ "$(jq -c '[.result, .attempts_left]' "honest.$1")" = '["accepted",3]' ] || wrong=2
    lookup_as alice "$looked" >"honest.$1" && wrong=3
    [ "$(jq -c '[.result, .attributes]' "honest.$1")" = '["unconfirmed",null]' ] || wrong=4
    jq -nc --arg c "$(cookies_of "$issued")" '{ cookies: $c, confirm: true }' |
        idb-confirm >"honest.$1.yes" || wrong=5
    lookup_as alice "$looked" >"honest.$1" || wrong=6
    [ "$(jq -r .result "honest.$1")" = open ] || wrong=7
    [ "$wrong" = 0 ] || { echo "honest caller $1, step $wrong: $(cat "honest.$1")" >&2; return 1; }
}

# Per call: three tries count, the fourth is throttled, whatever the code is.
check_calls() {
    awk '{
        match($0, /"call_id":"[^"]*"/); call = substr($0, RSTART + 11, RLENGTH - 12)
        match($0, /"result":"[^"]*"/); result = substr($0, RSTART + 10, RLENGTH - 11)
        match($0, /"attempts_left":[0-9]/); left = substr($0, RSTART + 16, 1)
        tries[call]++
        if (result == "accepted")
            bound[call] = 1
        want = bound[call] ? "accepted|call_bound" : tries[call] > 3 ? "throttled" : "wrong|used"
        if (result !~ "^(" want ")$") {
            print "try " tries[call] " of " call ": " result; wrong = 1
        }
        if (result == "wrong" || result == "used")
            counted[call]++
        if (left != 3 - counted[call]) {
            print "try " tries[call] " of " call ": " left " left"; wrong = 1
        }
        if (tries[call] > 3)
            fourth++
    } END { if (!fourth) print "no call had a fourth try"; exit wrong || !fourth }' both
}

check_chance() {
    local tries hits after
    hits=$(sql "SELECT COUNT(*) FROM session WHERE call_id LIKE 'g-%'")
    tries=$(grep -c '"call_id":"g-.*"result":"\(wrong\|used\|accepted\)"' both)
    # Chance itself: expected, give or take five standard deviations and a bit.
    awk -v hits="$hits" -v tries="$tries" -v live="$1" -v digits="$2" -v seed="$3" 'BEGIN {
        expected = tries * live / 10 ^ (digits - 1)
        printf "# seed %d: %d tries against %d codes of %d digits, %d hits, %.2f expected\n",
            seed, tries, live, digits, hits, expected
        exit hits > expected + 5 * sqrt(expected) + 3 || hits < expected - 5 * sqrt(expected) - 1
    }' | tee said
    [ "${PIPESTATUS[0]}" = 0 ]
    cat said >&3
    # Past the soft limit of 100 wrong ones each hit needs the page too.
    after=$(sql "SELECT id FROM audit WHERE action = 'verify' AND result = 'wrong'
        ORDER BY id LIMIT 1 OFFSET 99")
    [ -n "$after" ]
    [ "$(sql "SELECT COUNT(*) FROM session WHERE confirm <> 'page' AND id IN
        (SELECT session FROM audit WHERE result = 'accepted' AND id > $after)")" = 0 ]
    # Those that only a throttled call tried are whole, and good for a new call.
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'issued'")" -ge 1 ]
    run --separate-stderr -0 verify "$(head -n 1 known)" reserved-1
    [ "$(json result)" = accepted ]
    is_sound
}
