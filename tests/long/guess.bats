#!/usr/bin/env bats
# tests/op/guess.bats and hostile.bats with numbers in which chance shows.

setup() {
    load ../lib
    load ../op/lib
    load ../op/guess
    cd "$BATS_TEST_TMPDIR" || return
}

# rounds CASE N G WHO: N rounds of G guesses and a few, each round in windows of its
# own; then every hit that needs no yes must be one of the first G, and there must be as
# many as chance explains. Codes live too short to wait for windows: for the counts
# alone two of them pass between the rounds.
rounds() {
    local name=$1 n=$2 g=$3 who=$4 i most hits
    most=$(live)
    for ((i = 1; i <= n; i++)); do
        "$IDB_ROOT/tests/tools/guesses" $((g + 8)) 8 "$name.$i" $((seed += 1)) "$who" >requests
        idb-verify <requests >answers || [ $? = 1 ]
        [ "$(wc -l <answers)" = $((g + 8)) ]
        # An honest caller now and then.
        if [ "$name" = all ] && ((i % 25 == 0)); then
            honest $((i / 25))
        fi
        sql 'UPDATE attempts SET since = since - 2 * 600000'
    done
    hits=$(sql "SELECT COUNT(DISTINCT substr(call_id, 1, instr(call_id, '-'))) FROM session
        WHERE call_id LIKE '$name.%' AND confirm = 'notify'")
    SEED_USED=$name chance "$n" "$hits" "$(live)" "$most" 8 "$g"
}

# calls N: N calls of three guesses each, whose hits may need a yes.
calls() {
    local most
    most=$(live)
    "$IDB_ROOT/tests/tools/guesses" $((3 * $1)) 8 call $((seed += 1)) fresh >requests
    idb-verify <requests >answers || [ $? = 1 ]
    sql 'UPDATE attempts SET since = since - 2 * 600000'
    SEED_USED=call chance "$1"         "$(sql "SELECT COUNT(*) FROM session WHERE call_id LIKE 'call-%'")" "$(live)" "$most" 8 3
}

@test "guessing: 96,000 tries against 200 codes of 8 digits hit as often as chance" {
    guess 200 96000 8
}

@test "guessing: 96,000 tries against 3,000 codes of 8 digits hit as often as chance" {
    guess 3000 96000 8 fresh
}

@test "hostile: in each case of the table hits without a yes are as many as its formula says" {
    local seed=${SEED:-$RANDOM}
    echo "# seed $seed" >&3
    instance '.code = { digits: 8 } | .session.renewals = 0'
    issue 20008 appointment >issued
    tail -n 8 issued >honest
    calls 10000
    rounds number 200 10 +31612345678
    rounds withheld 200 10 withheld
    rounds all 100 100 fresh
    is_sound
}

@test "hostile: a day long, from one number and at midnight too, the limit once an hour and once more" {
    hostile_instance '.throttle = { per_caller: 6, window: 3600 }'
    sliding 6 3600 24 +31612345678
}

@test "hostile: a day long, from all numbers, the limit once an hour and once more" {
    hostile_instance '.throttle = { total: 6, window: 3600 }'
    sliding 6 3600 24 fresh
}
