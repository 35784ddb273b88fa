# Somebody who guesses codes, thousands of them.
# shellcheck shell=bash

# guess LIVE N DIGITS: N guesses against LIVE live codes, in four programs after
# one another with a rotation of the code key between, while an honest caller
# keys in the right one now and then. Fails when anything but chance let one in.
guess() {
    local live=$1 n=$2 digits=$3 part seed=${SEED:-$RANDOM} honest
    local reserved=10 honests=4
    instance ".code = { digits: $digits }"
    issue $((live + reserved + honests)) appointment >issued
    [ "$(wc -l <issued)" = $((live + reserved + honests)) ]
    head -n "$reserved" issued | jq -r .code >reserved
    tail -n "$honests" issued | jq -r .code >honest
    : >requests
    : >answers
    for part in 1 2 3 4; do
        [ "$part" != 3 ] || quietly idb-keys rotate code
        honest=$(sed -n "${part}p" honest)
        {
            # shellcheck disable=SC2046
            "$IDB_ROOT/tests/tools/guesses" $((n / 4)) "$digits" "g-$part" $((seed + part)) $(cat reserved)
            printf '{"code":"%s","call_id":"honest-%s"}\n' "$honest" "$part"
            printf '{"code":"%s","call_id":"honest-%s","caller":"+31600000001"}\n' "$honest" "$part"
        } >part
        run --separate-stderr -1 idb-verify <part
        [ -z "$stderr" ]
        cat part >>requests
        printf '%s\n' "$output" >>answers
    done
    [ "$(wc -l <answers)" = "$(wc -l <requests)" ]
    paste -d' ' requests answers >both
    check_calls || return
    check_honest || return
    check_chance "$live" "$digits" "$seed"
}

# Per call: three tries count, the fourth is throttled, whatever the code is.
check_calls() {
    awk '{
        match($0, /"call_id":"[^"]*"/); call = substr($0, RSTART + 11, RLENGTH - 12)
        match($0, /"result":"[^"]*"/); result = substr($0, RSTART + 10, RLENGTH - 11)
        if (call ~ /^honest/)
            next
        tries[call]++
        if (result == "accepted")
            bound[call] = 1
        want = bound[call] ? "accepted|call_bound" : tries[call] > 3 ? "throttled" : "wrong|used"
        if (result !~ "^(" want ")$") {
            print "try " tries[call] " of " call ": " result; wrong = 1
        }
        if (tries[call] > 3)
            fourth++
    } END { if (!fourth) print "no call had a fourth try"; exit wrong || !fourth }' both
}

# The right code from its own caller is accepted, and the desk waits for the page.
check_honest() {
    local part
    [ "$(grep -c '"call_id":"honest-.*"result":"accepted"' both)" = 8 ]
    for part in 1 2 3 4; do
        run --separate-stderr -1 lookup_as alice "{\"call_id\":\"honest-$part\"}"
        [ "$(json result)" = unconfirmed ]
        [ "$(jq 'has("attributes")' <<<"$output")" = false ]
    done
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
    run --separate-stderr -0 verify "$(head -n 1 reserved)" reserved-1
    [ "$(json result)" = accepted ]
    is_sound
}
